"""What do the pages say? Pure: a report in, lines out; no screen."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.tui import answer, changes, drawings, drawn, evidence, layers, stations, timing
from doctor.tui.clipboard import sequences
from doctor.tui.ink import ends, page, wrapped
from doctor.tui.path import Path
from tests.report.samples import NAMES, sample

pytestmark = pytest.mark.usefixtures("nothing_known")

WIDTHS = (40, 78, 118)


def entry(name: str, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = sample(name)["targets"][place]
    return found


def path(name: str) -> dict[tuple[str, str], str]:
    """The word of each station, by place and check."""
    return {
        (stretch.role, s.check): s.word
        for stretch in stations.of_document(entry(name))
        for s in stretch.stations
    }


def test_a_station_above_the_fault_is_blocked_by_it_and_one_below_passed() -> None:
    found = path("certificate")
    assert found["registry", "tcp"] == "passed"
    assert found["registry", "tls"] == "FAILED"
    assert found["pull", "api"] == "blocked by tls"


def test_a_healthy_path_has_every_station_of_every_host_passed() -> None:
    found = path("healthy")
    assert {role for role, _ in found} == {"registry", "token", "storage", "pull"}
    assert set(found.values()) == {"passed"}


def test_a_fault_at_one_host_leaves_the_others_well() -> None:
    found = path("layer")
    assert found["registry", "tcp"] == "passed"
    assert "FAILED" in [word for (role, _), word in found.items() if role == "storage"]


def test_what_was_left_out_is_not_said_to_be_blocked() -> None:
    words = set(path("left-out").values())
    assert "passed" in words
    assert not any(word.startswith("blocked") for word in words)


def test_the_proxy_forbids_and_its_own_ladder_is_well() -> None:
    found = path("proxy")
    assert found["registry", "proxy"] == "FAILED"
    assert found["proxy", "tcp"] == "passed"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_of_an_answer_is_wider_than_its_room(name: str, width: int) -> None:
    for each in sample(name)["targets"]:
        ways = answer.ways(each["findings"])
        way = ways[0] if ways else None
        lines = answer.answer(each, width, way, (1, max(1, len(ways))), 1)
        assert [e.plain for e in lines if e.cell_length > width] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [24, 36, 56, 58, 78])
def test_no_line_of_a_path_is_wider_than_its_room(name: str, width: int) -> None:
    """A line that the terminal breaks would put every station after it in another place."""
    for each in sample(name)["targets"]:
        path = Path()
        path._stretches = stations.of_document(each)
        assert [e.plain for e in path._lines(width) if e.cell_length > width] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_station_has_a_page_and_every_finding_stands_on_one(name: str) -> None:
    for each in sample(name)["targets"]:
        path = [s for stretch in stations.of_document(each) for s in stretch.stations]
        pages = "\n".join(page(evidence.evidence(each, s, 78)).plain for s in path)
        shown = {f["code"] for f in each["findings"] if f["code"] in pages}
        with_station = {
            f["code"] for f in each["findings"] if f["check"] in {s.check for s in path}
        }
        assert shown == with_station


def test_the_missing_certificate_stands_in_the_chain_where_it_belongs() -> None:
    station = next(
        s
        for stretch in stations.of_document(entry("certificate"))
        for s in stretch.stations
        if s.check == "tls"
    )
    lines = page(evidence.evidence(entry("certificate"), station, 100)).plain.splitlines()
    order = [n for n, each in enumerate(lines) if "MISSING" in each or "└─ CN=registry" in each]
    assert len(order) == 2
    assert "MISSING" in lines[order[0]]
    assert any("REFUSES" in each and "system" in each for each in lines)


GAUGES = (
    ({"limit": 100, "remaining": 50, "window_seconds": 21600}, "50 of 100 left", "6 h"),
    ({"limit": 100, "remaining": 0, "window_seconds": 60}, "0 of 100 left", "60 s"),
    ({"retry_after_seconds": 3600.0}, "60 min", "used up"),
)


@pytest.mark.parametrize(("proof", "left", "window"), GAUGES)
def test_a_limit_is_a_gauge_with_its_window(proof: dict[str, Any], left: str, window: str) -> None:
    lines, used = drawings.gauge(proof, 60)
    text = page(lines).plain
    assert left in text
    assert window in text
    assert used & set(proof) == set(proof)


@pytest.mark.parametrize(
    "proof", [{}, {"limit": "100", "remaining": 3}, {"limit": 0, "remaining": 0}]
)
def test_what_is_no_limit_is_no_gauge(proof: dict[str, Any]) -> None:
    assert drawings.gauge(proof, 60) == drawn.NOTHING


def test_resolvers_stand_side_by_side_with_the_system() -> None:
    proof = {
        "resolvers": [
            {"resolver": "192.0.2.53", "type": "A", "outcome": "timeout", "ms": 3000.0},
            {"resolver": "192.0.2.54", "type": "A", "addresses": ["192.0.2.1"], "ms": 2.0},
        ],
        "system": {"addresses": ["192.0.2.1"], "ms": 1.0},
    }
    text = page(drawings.resolvers(proof, 60)[0]).plain
    assert "192.0.2.53  timeout 3000 ms" in text
    assert "192.0.2.54  192.0.2.1 2 ms" in text
    assert "the system" in text


ODD: tuple[Any, ...] = (None, 7, "text", [], [1, [2]], {"a": {"b": []}}, [{"x": None}], True, -1.5)


@pytest.mark.parametrize("drawing", drawings.ALL, ids=lambda drawing: drawing.__name__)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_evidence_of_any_shape_is_drawn_or_left_to_be_listed(drawing: Any, value: Any) -> None:
    """A plug-in's, or another version's."""
    names = (
        *("chain", "missing", "verdicts", "resolvers", "system", "proxy", "status", "headers"),
        *("sources", "tried", "source", "limit", "remaining", "offered", "needed", "attempts"),
        *("set_in", "request", "access", "window_seconds", "retry_after_seconds", "challenge"),
    )
    for used in (names, *[(name,) for name in names]):
        drawing(dict.fromkeys(used, value), 60)
        drawing({name: [dict.fromkeys(names, value)] for name in used}, 60)


def test_the_waterfall_shows_each_layer_once_and_in_its_order() -> None:
    target = entry("healthy")
    rows = [each.plain for each in timing.timing(target, 100)]
    bars = [each.split()[:2] for each in rows if each.split()[:1] and "▓▒░█"]
    told = [
        [hop["role"], layer]
        for hop in target["hops"]
        for layer in ("dns", "tcp", "tls", "http")
        if layer in hop["timings_ms"]
    ]
    assert [bar for bar in bars if bar in told] == told
    starts = [
        min(row.index(c) for c in "░▒▓█" if c in row) for row in rows if set(row) & set("░▒▓█")
    ]
    assert starts == sorted(starts)


def test_nothing_timed_is_said() -> None:
    assert "Nothing was timed" in page(timing.timing({"hops": [], "checks": []}, 80)).plain


@pytest.mark.parametrize("width", [40, 118])
def test_clients_side_by_side_say_where_each_ends(width: int) -> None:
    document = sample("clients")
    text = page(layers.layers(document, document["targets"][0], 3, width)).plain
    for row in document["clients"]:
        assert row["client"] in text
        assert not row["first_failing"] or f"ends at {row['first_failing']}" in text
    assert "✗ FAIL" in text


def test_what_changed_is_said_and_nothing_else() -> None:
    before, after = entry("certificate"), entry("healthy")
    told = changes.changes(before, after)
    assert told[0] == "Cannot be pulled → All is well"
    assert "tls at registry.cleanstart.com:443: FAILED → passed" in told
    assert changes.changes(before, before) == []


def test_text_is_broken_between_words_and_a_word_only_where_it_must_be() -> None:
    lines = [each.plain for each in wrapped("aaa bbb " + "c" * 45, 30, "x ", hang=2)]
    assert lines == ["x aaa bbb", "  " + "c" * 28, "  " + "c" * 17]


def test_what_is_copied_cannot_end_the_sequence_that_carries_it() -> None:
    for environ in ({}, {"TMUX": "/x,1,0"}, {"STY": "1.x"}):
        text = sequences("a\x07\x1b\\b\x1b]0;title\x07", environ)
        bare = text.replace("\x1b]52;c;", "").replace("\x1bPtmux;\x1b", "").replace("\x1bP", "")
        assert bare.count("\x07") == text.count("52;c;")
        assert "title" not in text


def test_a_command_that_was_copied_stands_there_as_it_is() -> None:
    """What was done is said of its step: behind the command it would be taken for a part of it."""
    (way, *_) = answer.ways(entry("certificate")["findings"])
    number, command = next(iter(way.commands.items()))
    lines = [each.plain for each in answer.steps(way, 200, (1, 1), 0, [number])]
    assert sum(each.endswith("copied)") for each in lines) == 1
    assert [each.strip() for each in lines].count(command) == 1


def test_who_named_a_target_and_what_was_assumed_are_said() -> None:
    named = entry("healthy")
    named.update(source={"file": "pod.yaml", "line": 12}, assumed=["The tag is latest."])
    text = page(answer.answer(named, 78, None, (1, 1), 0)).plain
    assert "Named by pod.yaml:12\n" in text
    assert "The tag is latest." in text


def test_every_place_that_names_a_target_is_said() -> None:
    named = entry("healthy")
    also = [{"file": f"{n}.yaml", "line": n} for n in range(2, 40)]
    named.update(source={"file": "pod.yaml", "line": 1}, also_named=also)
    text = " ".join(page(answer.answer(named, 78, None, (1, 1), 0)).plain.split())
    assert "Named by pod.yaml:1, 2.yaml:2" in text
    assert "more places" in text


def test_the_fault_of_an_ipv6_host_stands_at_its_station() -> None:
    target = entry("certificate")
    (hop,) = target["hops"]
    before = f"{hop['host']}:{hop['port']}"
    hop["host"] = "2001:db8::1"
    for finding in target["findings"]:
        if finding["hop"] == before:
            finding["hop"] = f"[2001:db8::1]:{hop['port']}"
    (first, *_) = stations.of_document(target)
    assert first.name == f"[2001:db8::1]:{hop['port']}"
    (tls,) = [s for s in first.stations if s.check == "tls"]
    assert tls.word == "FAILED"
    (cause,) = [f for f in target["findings"] if f["root_cause"]]
    assert cause["title"] in page(evidence.evidence(target, tls, 78)).plain


@pytest.mark.parametrize(
    ("serves", "said"), [(True, "is to be had"), (False, "is not to be had"), (None, "not known")]
)
def test_a_mirror_says_whether_it_has_the_image(serves: bool | None, said: str) -> None:
    target = entry("healthy")
    target["hops"][0]["serves"] = serves
    station = stations.of_document(target)[0].stations[0]
    assert said in page(evidence.evidence(target, station, 78)).plain


@pytest.mark.parametrize(
    ("name", "wanted", "said"),
    [
        ("", "", "Once the run has ended."),
        ("healthy", "", "Nothing was found to be wrong."),
        ("healthy", "xyz", "Nothing here holds that."),
        ("left-out", "", "No finding in what was looked at."),
        ("incomplete", "", "No finding in what was looked at."),
    ],
)
def test_no_finding_is_called_well_only_where_all_was_looked_at(
    name: str, wanted: str, said: str
) -> None:
    assert evidence.none_listed(entry(name) if name else None, wanted) == said


def test_the_heads_right_end_takes_what_a_short_name_leaves() -> None:
    """And no more than half where the name needs the room."""
    right = "as shell  view_report.json, 12 seconds old"
    assert ends("a.test:1/app:1", right, 78).plain == f"{'a.test:1/app:1':36}{right}"
    both = ends("registry.test/" + "long/" * 20, right, 78).plain
    assert len(both) == 78
    assert both.endswith("  " + right[:38] + "…")
