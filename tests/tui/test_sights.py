"""Is what was seen shown where nothing is wrong too? Real runs against the demo's servers, and a
bundle."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from doctor.bundle.opened import read
from doctor.command.opinion import judged
from doctor.demo import looked
from doctor.frozen import frozen
from doctor.model import Check, Diagnosis, Fact, Facts
from doctor.outcome import Outcome
from doctor.redact import Secret
from doctor.report.document import document
from doctor.tui import evidence, stations
from doctor.tui.app import DoctorApp
from doctor.tui.history import History
from doctor.tui.ink import page
from doctor.tui.sights import sight
from doctor.tui.sitting import Sitting
from doctor.tui.stations import Station
from tests.tui.seen import opened, options, press, sit, text

FIRST = Path(__file__).parents[1] / "bundle/first.tar.gz"


@cache
def ran(fault: str) -> tuple[Diagnosis, dict[str, Any]]:
    """The demo's diagnosis, and its entry of the document."""
    report = asyncio.run(looked(fault))
    return report.diagnoses[0], document(report)["targets"][0]


def path(entry: dict[str, Any]) -> list[Station]:
    return [station for stretch in stations.of_document(entry) for station in stretch.stations]


def shown(fault: str, check: str, host: str = "", width: int = 78) -> str:
    """The page of the station of that check, at the host of that name."""
    diagnosis, entry = ran(fault)
    station = next(s for s in path(entry) if s.check == check and s.hop.startswith(host))
    seen = sight(diagnosis, station.check, station.hop)
    return page(evidence.evidence(entry, station, width, seen)).plain


PAGES = {
    ("dns", "registry"): ("the system says  127.0.0.1",),
    ("tcp", "registry"): ("Each address", "✓ 127.0.0.1  connected"),
    ("tls", "registry"): (
        "Certificate chain, its issuer on top",
        "issuer  CN=Registry Doctor Demo Root CA",
        "└─ CN=registry.demo.test",
        "valid 20",
        "Who trusts it",
        "✓ trusts  system by go's rules",
        "/etc/ssl/certs/ca-certificates.crt",
        "TLSv1.3",
    ),
    ("tls", "storage"): ("└─ CN=storage.demo.test", "✓ trusts"),
    ("api", ""): ("> GET /v2/  at registry.demo.test:", "< 401 UNAUTHORIZED", "Bearer realm="),
    ("auth", ""): (
        "The credential, step by step",
        "✓ used",
        "/home/demo/.docker/config.json",
        "repository:library/base:pull: granted",
        "grants pull on library/base",
    ),
    ("image", ""): ("Platforms", "✓ linux/", "docker-content-digest: sha256:"),
    ("blob", ""): ("< 206", "content-range: bytes 0-0/"),
    ("rate", ""): ("187 of 200 left", "window  6 h"),
}


@pytest.mark.parametrize(("check", "host"), PAGES)
def test_a_station_that_is_well_has_its_proof(check: str, host: str) -> None:
    found = shown("healthy", check, host, 100)
    found += " ".join(found.split())  # where a line was broken
    assert "Nothing was found to be wrong here." in found
    assert [each for each in PAGES[check, host] if each not in found] == []


@pytest.mark.parametrize("width", [40, 78, 118])
def test_every_station_of_a_healthy_run_shows_what_was_seen(width: int) -> None:
    diagnosis, entry = ran("healthy")
    for station in path(entry):
        seen = sight(diagnosis, station.check, station.hop)
        assert seen, station
        lines = evidence.evidence(entry, station, width, seen)
        assert [each.plain for each in lines if each.cell_length > width] == []


def test_what_a_proxy_was_asked_is_shown_where_it_answers_well() -> None:
    found = shown("proxy-works", "proxy", "registry")
    assert "> CONNECT through proxy.demo.test:" in found
    assert "< 200 " in found
    assert "CONNECT" not in shown("healthy", "proxy", "registry")


def test_a_proof_that_a_finding_holds_is_not_drawn_again() -> None:
    found = shown("unknown-ca", "tls", "registry")
    assert found.count("Certificate chain") == 1
    assert found.count("Who trusts it") == 1
    assert "TLSv1.3" in found, "what the finding does not tell is told beside it"


def test_what_was_not_asked_has_no_proof() -> None:
    diagnosis, entry = ran("unknown-ca")
    blocked = [s for s in path(entry) if s.state == "blocked"]
    assert blocked
    for station in blocked:
        if station.check != "auth":  # the client's own files are read before
            assert "answers" not in sight(diagnosis, station.check, station.hop)
    assert "It was not asked" in shown("unknown-ca", "api")


@frozen(kw_only=True)
class Weather(Fact):
    """What no drawing knows."""

    sky: str = ""
    winds: tuple[str, ...] = ()
    silent: str = ""


def test_what_a_plug_in_saw_is_listed_field_by_field_and_passes_the_gate() -> None:
    Secret("winter-is-coming-5")
    diagnosis, _ = ran("healthy")
    check = Check("weather", "target", judge=lambda case: ())
    fact = Weather(sky="winter-is-coming-5", winds=("north [/]",))
    own = Diagnosis(
        diagnosis.target, Facts([(None, fact)]), (), (), "pass", (), (),
        outcomes=(Outcome(check, None, [fact], done=True),),
    )  # fmt: skip
    found = sight(own, "weather", "")
    assert list(found) == ["sky", "winds"]
    assert "winter" not in str(found)
    assert found["winds"] == ["north [/]"]
    assert sight(own, "tls", "") == {}


def test_a_bundle_shows_the_chain_from_its_facts() -> None:
    told, diagnoses = judged(read(str(FIRST)), name="first.tar.gz")
    app = DoctorApp(options(), Sitting(None, document=told, diagnoses=diagnoses), History(None))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        sitting = app.sitting
        assert sitting is not None
        pages = []
        for entry in told["targets"]:
            for station in path(entry):
                seen = sitting.seen(entry, station.check, station.hop)
                assert seen is not None
                pages.append(page(evidence.evidence(entry, station, 100, seen)).plain)
        whole = "\n".join(pages)
        assert "Certificate chain" in whole
        assert "This report holds" not in whole

    sit(app, act)


def test_a_bare_report_says_where_the_rest_is() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "home", "enter")
        shown = " ".join(text(app).split())
        assert "This report holds the proof of what was found to be wrong." in shown

    sit(opened("healthy"), act, (100, 40))


def test_where_a_client_looked_is_shown_of_a_bare_report_too() -> None:
    _, entry = ran("healthy")
    auth = next(s for s in path(entry) if s.check == "auth")
    found = page(evidence.evidence(entry, auth, 100)).plain
    places = [p["where"] for p in entry["looked_at"] if p["what"] == "credential"]
    assert places
    assert all(place in found for place in places)
    tcp = next(s for s in path(entry) if s.check == "tcp")
    assert "Where it was looked" not in page(evidence.evidence(entry, tcp, 100)).plain
