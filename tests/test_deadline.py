"""Does a run of many targets end with its time, and are those whose turn did not come named, in few
words?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from doctor.codes import load
from doctor.command import checkup, parsers
from doctor.command.intake import given
from doctor.command.options import Options, read
from doctor.model import Case, Check, Fact, Finding, Report
from doctor.net import Net
from doctor.plugins import installed
from doctor.report.document import document
from doctor.report.text import render
from doctor.run import AT_ONCE, run

MANY = 40


def options(*words: str) -> Options:
    return read(parsers.check().parse_args(list(words)), lambda: ("tcp",))


def looked_at(seconds: str, *more: str) -> tuple[Report, set[str], set[str]]:
    """The report on hosts that never answer; which were asked, and which were judged."""
    asked: set[str] = set()
    judged: set[str] = set()

    async def silence(case: Case, net: Net) -> Fact:
        asked.add(case.at.host)
        await asyncio.Event().wait()
        raise AssertionError

    def judge(case: Case) -> Iterator[Finding]:
        judged.add(case.at.host)
        yield from ()

    names = [f"host{n}.example/app:1" for n in range(MANY)]
    chosen = options("--timeout", seconds, *more, *names)
    check = Check("tcp", "hop", judge, probe=silence, budget=60)
    report = run(given(chosen)[0], chosen, [check], load())
    return report, asked, judged


@pytest.mark.parametrize("eyes", ["shell", "all"])
def test_nothing_is_begun_or_judged_for_a_target_whose_turn_comes_too_late(eyes: str) -> None:
    report, asked, judged = looked_at("0.3", "--as", eyes)
    assert len(asked) <= AT_ONCE
    assert judged == asked
    found = [d for d in report.diagnoses if d.target.client == "shell"]
    assert [d.target.registry.host for d in found] == [f"host{n}.example" for n in range(MANY)]
    assert [d.begun for d in found] == [True] * len(asked) + [False] * (MANY - len(asked))
    assert {(d.verdict, d.not_tried, d.checks) for d in found if not d.begun} == {
        ("incomplete", ("tcp",), ())
    }
    assert all(len(d.checks) == 1 for d in found if d.begun)
    assert report.verdict == "incomplete"


def test_those_whose_turn_did_not_come_are_told_in_a_line_each() -> None:
    report, asked, _ = looked_at("0.3")
    told = document(report)
    late = told["targets"][len(asked) :]
    assert {(t["verdict"], *t["not_tried"], *t["checks"], *t["hops"]) for t in late} == {
        ("incomplete", "tcp")
    }
    text = render(told)
    assert text.count("The path:") == len(asked)
    assert text.count("host39.example") == 1
    assert f"{len(late)} of them were not looked at: the run's time was over" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_single_target_whose_turn_did_not_come_is_told_too() -> None:
    report, *_ = looked_at("0.3")
    told = document(report)
    text = render({**told, "targets": told["targets"][-1:]})
    assert text.startswith("Incomplete: host39.example/app:1\n")
    assert "The path:" not in text


def test_with_time_enough_every_target_has_its_turn() -> None:
    """The near miss: hosts of which each is asked, and answers, are all told in full."""

    async def answer(case: Case, net: Net) -> Fact:
        return Fact()

    names = [f"host{n}.example/app:1" for n in range(MANY)]
    chosen = options(*names)
    check = Check("tcp", "hop", lambda case: (), probe=answer)
    report = run(given(chosen)[0], chosen, [check], load())
    assert {(d.begun, d.verdict) for d in report.diagnoses} == {(True, "pass")}
    assert "not looked at" not in render(document(report))


def test_loading_the_checks_counts_towards_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    clock, left = Clock(), []
    known = installed

    def slow(**more: Any) -> Any:
        clock.now += 2
        return known(**more)

    def begun(targets: Any, chosen: Options, *more: Any) -> Any:
        left.append(chosen.timeout)
        raise KeyboardInterrupt

    monkeypatch.setattr(checkup, "time", clock)
    monkeypatch.setattr(checkup, "installed", slow)
    monkeypatch.setattr(checkup, "begin", lambda *more: None)
    monkeypatch.setattr(checkup, "run", begun)
    with pytest.raises(KeyboardInterrupt):
        checkup.diagnosed(parsers.check().parse_args(["--timeout", "5", "host.example/app:1"]))
    assert left == [3.0]
