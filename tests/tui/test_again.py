"""Is what was not well looked at again, alone, with the rest as it was?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from textual.pilot import Pilot

from doctor.model import Diagnosis, Facts, Hop, Observer, Report, Target, Verdict
from doctor.run import row
from doctor.tui.again import joined
from doctor.tui.app import DoctorApp
from tests.report.samples import sample
from tests.tui.seen import options, press, sit, text
from tests.tui.test_live import IMAGE, live, nothing, scripted, until

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def diagnosis(name: str, verdict: Verdict, client: str = "shell") -> Diagnosis:
    target = Target(name, None, Hop("registry", name, 443), client=client)
    return Diagnosis(target, Facts(), (), (), verdict, (), ())


def report(*found: Diagnosis, compared: bool = False) -> Report:
    rows = tuple(map(row, found)) if compared else None
    return Report(found, NOW, 5.0, "fail", clients=rows)


def told(found: Report) -> list[tuple[str, str, str]]:
    return [(d.target.text, d.target.client, d.verdict) for d in found.diagnoses]


def test_the_newer_stands_in_its_place_and_the_verdict_is_of_all() -> None:
    before = report(diagnosis("a", "warn"), diagnosis("b", "fail"), diagnosis("a", "fail"))
    now = replace(report(diagnosis("b", "pass"), diagnosis("a", "pass")), ms=7.0)
    found = joined(before, now, [1, 2], options())
    assert [verdict for _, _, verdict in told(found)] == ["warn", "pass", "pass"]
    assert (found.verdict, found.ms, found.clients) == ("warn", 7.0, None)


def test_of_compared_clients_all_of_a_target_are_newer() -> None:
    before = report(
        diagnosis("a", "fail"), diagnosis("a", "fail", "docker"), diagnosis("b", "pass"),
        compared=True,
    )  # fmt: skip
    now = report(diagnosis("a", "pass"), diagnosis("a", "fail", "docker"), compared=True)
    found = joined(before, now, [0], options("--as", "all"))
    assert told(found) == [
        ("a", "shell", "pass"), ("a", "docker", "fail"), ("b", "shell", "pass"),
    ]  # fmt: skip
    assert found.verdict == "pass", "the default client's counts"
    assert found.clients is not None
    assert [each["verdict"] for each in found.clients] == ["pass", "fail", "pass"]


def test_what_is_looked_at_again_is_said_and_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = sample("targets")
    names = [each["target"] for each in document["targets"]]
    unwell = [each["target"] for each in document["targets"] if each["verdict"] != "pass"]
    assert 0 < len(unwell) < len(names)
    go = asyncio.Event()

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        if len(targets) < len(names):
            await go.wait()

    asked = scripted(monkeypatch, script, document)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "3 failed" in text(app))
        foot = "r Again R Unwell e Export b Bundle v Client ? Help q Quit"
        assert text(app).splitlines()[-1].strip() == foot
        assert len(foot) <= 60, "it is whole in the narrowest terminal"
        await press(pilot, "R")
        await until(app, pilot, lambda: len(asked) == 2)
        await until(app, pilot, lambda: f"{len(unwell)} again" in text(app).splitlines()[0])
        shown = text(app)
        assert sum("waiting" in each for each in shown.splitlines()) == len(unwell)
        go.set()
        await until(app, pilot, lambda: "3 failed" in text(app))

    sit(live(*names), act)
    assert [t.text for t in asked[1]] == unwell


def test_r_on_one_of_several_looks_at_that_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    document = sample("targets")
    names = [each["target"] for each in document["targets"]]
    asked = scripted(monkeypatch, nothing, document)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "3 failed" in text(app))
        await press(pilot, "down", "enter", "r")
        await until(app, pilot, lambda: len(asked) == 2)
        sitting = app.sitting
        assert sitting is not None
        await until(app, pilot, lambda: not sitting.running)
        await press(pilot, "escape", "r")
        await until(app, pilot, lambda: len(asked) == 3)

    sit(live(*names), act)
    assert [t.text for t in asked[1]] == [names[1]]
    assert [t.text for t in asked[2]] == names


def test_a_single_target_has_no_part_that_could_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "R", "question_mark")
        shown = " ".join(text(app).split())
        assert "r run again: all targets, or the one that is open" in shown
        assert "R of several targets run again only those that are not well" in shown

    sit(live(IMAGE), act)
    assert len(asked) == 1
