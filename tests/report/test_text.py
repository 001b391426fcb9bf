"""What a reader sees in a terminal: everything that matters, at 80 columns, in words, and nothing
alive from outside."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.report.text import Style, render

HOSTILE = "evil\x1b[2J\x1b]52;c;aGk=\x07 \u202e[bold]x[/] \x9b31m\r\nAll is well"


def finding(**more: Any) -> dict[str, Any]:
    return {
        "code": "tls.unknown-ca",
        "check": "tls",
        "severity": "error",
        "root_cause": True,
        "confidence": "certain",
        "hop": "registry.example:443",
        "subject": None,
        "title": "Unknown certificate authority",
        "detail": "registry.example:443 sent a chain that ends in Corp CA, which no store holds.",
        "evidence": {"issuer": "CN=Corp CA", "stores": [{"label": "system", "roots": 140}]},
        "remedies": [
            {
                "title": "Add the CA to the system's trust store",
                "for": ["shell"],
                "steps": [
                    {
                        "text": "Copy the CA.",
                        "command": "sudo install CA_FILE /x",
                        "root": True,
                        "changes": "machine",
                    }
                ],
                "verify": "doctor check registry.example passes the tls check.",
                "docs": None,
            }
        ],
        **more,
    }


def document(**more: Any) -> dict[str, Any]:
    target = {
        "target": "registry.example/app:1",
        "registry": "registry.example",
        "repository": "app",
        "tag": "1",
        "digest": None,
        "client": "shell",
        "vantage": "local",
        "verdict": "fail",
        "root_causes": ["tls.unknown-ca"],
        "not_tried": [],
        "source": None,
        "assumed": [],
        "summary": "registry.example:443 sent a chain that ends in Corp CA.",
        "hops": [
            {
                "role": "registry",
                "host": "registry.example",
                "port": 443,
                "via": "direct",
                "addresses": ["192.0.2.1"],
                "reached": "tcp",
                "timings_ms": {"dns": 1.2},
            }
        ],
        "checks": [
            {
                "name": "dns",
                "status": "pass",
                "summary": "1 address",
                "duration_ms": 1.2,
                "blocked_by": None,
            },
            {
                "name": "tls",
                "status": "fail",
                "summary": "Unknown CA",
                "duration_ms": 20.0,
                "blocked_by": None,
            },
            {
                "name": "api",
                "status": "skip",
                "summary": "",
                "duration_ms": 0.0,
                "blocked_by": "tls",
            },
        ],
        "findings": [finding()],
        **more,
    }
    return {"schema": "doctor.report/1", "verdict": target["verdict"], "targets": [target]}


def test_cause_proof_remedy_and_what_waits_are_all_there() -> None:
    text = render(document())
    for part in (
        "Cannot be pulled: registry.example/app:1",
        "Cause: Unknown certificate authority",
        "(tls.unknown-ca at registry.example:443)",
        "issuer: CN=Corp CA",
        "sudo install CA_FILE /x",
        "needs root",
        "changes this machine",
        "waits for tls",
        "Seen to work when: doctor check registry.example",
    ):
        assert part in text


def test_what_was_not_tried_took_no_time() -> None:
    waiting = {"name": "api", "status": "skip", "summary": "", "blocked_by": "tls"}
    for status, shown in (("skip", False), ("pass", True)):
        checks = [{**waiting, "status": status, "duration_ms": 206.0}]
        assert ("206 ms" in render(document(checks=checks))) is shown


def test_an_empty_target_is_named() -> None:
    assert "(an empty text)" in render(document(target=""))


def test_without_colour_there_is_no_escape_and_no_line_over_80_columns_but_commands() -> None:
    text = render(document())
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if len(line) > 80 and "sudo" not in line] == []


def test_colour_changes_nothing_that_is_said() -> None:
    import re

    coloured = render(document(), Style(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(document())


def test_what_is_not_there_to_be_looked_at_has_not_passed() -> None:
    def line(summary: str, status: str, blocked_by: str | None = None) -> str:
        check = {"name": "client", "status": status, "summary": summary, "duration_ms": 2.0}
        text = render(document(checks=[{**check, "blocked_by": blocked_by}]))
        return next(each for each in text.splitlines() if " client " in each)

    assert line("podman is not installed here", "skip").startswith("  - skipped   client podman")
    assert line("not started in time", "skip").startswith("  - not tried client not started")
    assert line("", "skip", "tls").startswith("  - not tried client waits for tls")
    assert line("podman 4.3.1", "pass").startswith("  + ok        client podman")


def test_what_waits_at_another_host_names_it() -> None:
    def line(summary: str) -> str:
        check = {"name": "tls", "status": "skip", "summary": summary, "duration_ms": 2.0}
        text = render(document(checks=[{**check, "blocked_by": "tcp"}]))
        return next(each for each in text.splitlines() if " tls " in each)

    assert line("/etc/ssl (cdn.example:443)").endswith("waits for tcp (cdn.example:443)")
    assert line("/etc/ssl").endswith("waits for tcp")


def test_every_status_has_its_word_beside_its_symbol() -> None:
    text = render(document())
    assert all(part in text for part in ("x FAILED", "+ ok", "- not tried"))


@pytest.mark.parametrize(
    "more",
    [
        {"target": HOSTILE},
        {"summary": HOSTILE},
        {"assumed": [HOSTILE]},
        {"source": {"file": HOSTILE, "line": 3}},
        {
            "findings": [
                finding(title=HOSTILE, detail=HOSTILE, hop=HOSTILE, evidence={HOSTILE: [HOSTILE]})
            ]
        },
        {"findings": [finding(severity="warning", root_cause=False, detail=HOSTILE)]},
        {
            "checks": [
                {
                    "name": "api",
                    "status": "fail",
                    "summary": HOSTILE,
                    "duration_ms": 1,
                    "blocked_by": HOSTILE,
                }
            ]
        },
    ],
)
def test_foreign_text_cannot_move_the_cursor_or_start_a_line(more: dict[str, Any]) -> None:
    text = render(document(**more))
    assert not set(text) & set("\x1b\x07\x9b\r\u202e")
    assert not any(line.strip() == "All is well" for line in text.splitlines())


def test_several_targets_end_with_an_overview() -> None:
    two = document()
    two["targets"] = [
        two["targets"][0],
        {**document(verdict="pass", root_causes=[], findings=[])["targets"][0]},
    ]
    text = render(two)
    assert text.count("The path:") == 2
    assert "2 targets" in text


@pytest.mark.parametrize(
    ("left_out", "said"),
    [([], "2 targets: all is well\n"), (["rate"], "2 targets: no fault in what was looked at\n")],
)
def test_the_overview_claims_no_more_than_was_looked_at(left_out: list[str], said: str) -> None:
    one = document(verdict="pass", root_causes=[], findings=[])
    more = document(verdict="pass", root_causes=[], findings=[], not_tried=left_out)
    assert said in render({**one, "targets": [*one["targets"], *more["targets"]]})


def test_what_was_left_out_is_named() -> None:
    text = render(document(verdict="pass", root_causes=[], findings=[], not_tried=["rate"]))
    assert "No fault in what was looked at" in text
    assert "Left out or not reached in time: rate" in text


@pytest.mark.parametrize(
    ("left_out", "headline"),
    [(["dns", "image"], "No fault in what was looked at, but warnings"), ([], "Works, with warn")],
)
def test_with_warnings_no_more_is_claimed_than_was_looked_at(
    left_out: list[str], headline: str
) -> None:
    text = render(document(verdict="warn", root_causes=[], findings=[], not_tried=left_out))
    assert text.startswith(headline)


def test_what_was_looked_at_is_dead_text_within_80_columns() -> None:
    place = {"what": "endpoint", "outcome": "ignored", "key": HOSTILE, "note": HOSTILE}
    text = render(
        document(looked_at=[{**place, "where": "/etc/x " * 30}]), Style(colour=False, verbose=True)
    )
    assert "passed over" in text
    assert not {"\x1b", "\x07", "\u202e", "\x9b", "\r"} & set(text)
    assert max(map(len, text.splitlines())) <= 80
    assert "Looked at" not in render(document(), Style(verbose=True))


def test_of_several_endpoints_it_is_said_which_one_serves_within_80_columns() -> None:
    def hop(role: str, host: str, reached: str, **more: Any) -> dict[str, Any]:
        there = {"host": host, "port": 443, "via": "direct", "addresses": ["192.0.2.1"]}
        return {"role": role, **there, "reached": reached, "timings_ms": {}, **more}

    hops = [
        hop("mirror", "mirror.example", "dns", serves=False),
        hop("mirror", "second.example", "tls", serves=None),
        hop("registry", "registry-1.docker.io", "http", serves=True),
        hop("token", "auth.docker.io", "http"),
    ]
    path = render(document(hops=hops)).splitlines()
    assert "  mirror mirror.example:443: reached dns (192.0.2.1), does not serve it" in path
    assert "  mirror second.example:443: reached tls (192.0.2.1), may serve it" in path
    assert "  registry registry-1.docker.io:443: reached http (192.0.2.1), serves it" in path
    assert "  token auth.docker.io:443: reached http (192.0.2.1)" in path


def test_the_causes_sentence_is_not_said_twice_where_the_summary_says_more() -> None:
    detail = finding()["detail"]
    text = render(document(summary=f"{detail} The mirror m:443, asked before, does not serve it."))
    assert text.count("no store holds") == 1


def test_a_line_of_standard_input_is_called_so() -> None:
    read = document(target="", source={"file": "-", "line": 3})
    assert "line 3 of standard input\n" in render(read)
    named = document(source={"file": "-", "line": 3})
    assert "registry.example/app:1  (line 3 of standard input)\n" in render(named)
