"""The order in which checks run, what is blocked by what, and that every run ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from doctor.causes import Rules
from doctor.engine import Engine, all_of
from doctor.frozen import frozen
from doctor.model import Case, Check, Client, Diagnosis, Event, Fact, Finding, Hop, Severity, Target
from doctor.net import Net
from doctor.outcome import Choice

REGISTRY = Hop("registry", "registry.example", 443)
TOKEN = Hop("token", "auth.example", 443)
PROXY = Hop("proxy", "proxy.example", 3128, "http")


@frozen(kw_only=True)
class Seen(Fact):
    good: bool = True
    leads: tuple[Hop, ...] = ()

    @property
    def ok(self) -> bool:
        return self.good

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return self.leads


@frozen(kw_only=True)
class Hasty(Fact):
    ok = False
    hurried: bool = True


class Low(Seen):
    __slots__ = ()


class High(Seen):
    __slots__ = ()


class Top(Seen):
    __slots__ = ()


class Book:
    rules = Rules()

    def dress(self, finding: Finding, target: Target) -> Finding:
        default: Severity = "warning" if finding.code.startswith("doctor.") else "error"
        return replace(
            finding, severity=finding.severity or default, title=finding.code, detail=finding.code
        )


class NoClient:
    name = "shell"


def quiet(case: Case) -> Iterable[Finding]:
    return ()


def saw(kind: type[Seen], log: list[str] | None = None, **fields: Any) -> Any:
    async def probe(case: Case, net: Net) -> Fact:
        if log is not None:
            log.append(f"{kind.__name__} {case.at.host}")
        await asyncio.sleep(0)
        return kind(**fields)

    return probe


def diagnose(checks: list[Check], *, seconds: float = 5, **more: Any) -> Diagnosis:
    return diagnose_all(checks, [target()], seconds=seconds, **more)[0]


def target(host: Hop = REGISTRY) -> Target:
    return Target(host.host, None, host)


def diagnose_all(
    checks: list[Check], targets: list[Target], *, seconds: float = 5, **more: Any
) -> list[Diagnosis]:
    async def run() -> list[Diagnosis]:
        engine = Engine(checks, Book(), **more)
        net = Net(deadline=time.monotonic() + seconds)
        client: Client = NoClient()  # type: ignore[assignment]
        return await all_of([lambda t=t: engine.diagnose(t, client, net) for t in targets], 4)  # type: ignore[misc]

    return asyncio.run(run())


def status(diagnosis: Diagnosis) -> dict[str, str]:
    return {c.name: c.status for c in diagnosis.checks}


def test_checks_run_in_the_order_of_their_needs_whatever_their_place_in_the_list() -> None:
    log: list[str] = []
    checks = [
        Check("top", "target", quiet, probe=saw(Top, log), needs=("high",)),
        Check("high", "hop", quiet, probe=saw(High, log), needs=("low",)),
        Check("low", "hop", quiet, probe=saw(Low, log)),
    ]
    found = diagnose(checks)
    assert log == ["Low registry.example", "High registry.example", "Top registry.example"]
    assert found.verdict == "pass"


def test_what_stands_on_a_failed_layer_is_blocked_by_it_and_never_failed() -> None:
    checks = [
        Check(
            "low",
            "hop",
            lambda case: [Finding("low.bad", hop=case.hop)],
            probe=saw(Low, good=False),
        ),
        Check("high", "hop", quiet, probe=saw(High), needs=("low",)),
        Check("top", "target", quiet, probe=saw(Top), needs=("high",)),
    ]
    found = diagnose(checks)
    assert status(found) == {"low": "fail", "high": "skip", "top": "skip"}
    assert [c.blocked_by for c in found.checks] == [None, "low", "low"]
    assert (found.verdict, found.root_causes) == ("fail", ("low.bad",))


def test_blocked_without_a_cause_is_incomplete() -> None:
    checks = [
        Check("low", "hop", quiet, probe=saw(Low, good=False)),
        Check("high", "hop", quiet, probe=saw(High), needs=("low",)),
    ]
    assert diagnose(checks).verdict == "incomplete"


def test_a_discovered_hop_has_its_own_ladder_and_is_waited_for_by_role() -> None:
    log: list[str] = []
    checks = [
        Check("low", "hop", quiet, probe=saw(Low, log)),
        Check("high", "target", quiet, probe=saw(High, log, leads=(TOKEN,)), needs=("low",)),
        Check("top", "target", quiet, probe=saw(Top, log), needs=("high", "low@token")),
    ]
    assert diagnose(checks).verdict == "pass"
    assert log == [
        "Low registry.example",
        "High registry.example",
        "Low auth.example",
        "Top registry.example",
    ]


def test_a_need_of_a_role_that_nothing_leads_to_is_met() -> None:
    checks = [
        Check("low", "hop", quiet, probe=saw(Low)),
        Check("top", "target", quiet, probe=saw(Top), needs=("low", "low@token")),
    ]
    assert status(diagnose(checks)) == {"low": "pass", "top": "pass"}


def test_the_fault_of_a_station_names_the_station() -> None:
    def down(case: Case) -> Iterable[Finding]:
        fact = case.here(Low)
        if fact and not fact.ok:
            yield Finding("low.bad", hop=case.hop)

    async def probe(case: Case, net: Net) -> Fact:
        return Low(good=case.at != TOKEN)

    checks = [
        Check("low", "hop", down, probe=probe),
        Check("high", "target", quiet, probe=saw(High, leads=(TOKEN,)), needs=("low",)),
        Check("top", "target", quiet, probe=saw(Top), needs=("high", "low@token")),
    ]
    found = diagnose(checks)
    assert (
        found.checks[-2].blocked_by == "low auth.example:443"
        or found.checks[-1].blocked_by == "low auth.example:443"
    )


def test_every_read_of_a_hop_ends_before_its_first_probe() -> None:
    log: list[str] = []

    async def slow_read(case: Case, client: Client, net: Net) -> Fact:
        for _ in range(5):
            await asyncio.sleep(0)
        log.append("read")
        return High()

    checks = [
        Check("low", "hop", quiet, probe=saw(Low, log)),
        Check("high", "hop", quiet, read=slow_read, needs=()),
    ]
    diagnose(checks)
    assert log == ["read", "Low registry.example"]


def read_of(kind: type[Seen], log: list[str]) -> Any:
    async def read(case: Case, client: Client, net: Net) -> Fact:
        log.append(f"{kind.__name__} is read")
        return kind()

    return read


def test_the_first_question_to_the_registry_goes_out_before_what_is_about_the_target_is_read() -> (
    None
):
    log: list[str] = []
    checks = [
        Check("local", "target", quiet, read=read_of(Seen, log)),
        Check("low", "hop", quiet, probe=saw(Low, log)),
        Check("top", "target", quiet, probe=saw(Top, log), needs=("low",)),
        Check("last", "target", quiet, probe=saw(High, log), needs=("local", "top")),
    ]
    assert diagnose(checks).verdict == "pass"
    assert log == [f"{name} registry.example" for name in ("Low", "Top")] + [
        "Seen is read",
        "High registry.example",
    ]


def test_what_is_about_the_target_is_read_although_the_way_is_blocked_or_silent() -> None:
    async def forever(case: Case, net: Net) -> Fact:
        await asyncio.Event().wait()
        return Low()

    for probe in (saw(Low, good=False), forever):
        log: list[str] = []
        checks = [
            Check("low", "hop", quiet, probe=probe, budget=60),
            Check("local", "target", quiet, read=read_of(Seen, log)),
            Check("top", "target", quiet, probe=saw(Top), needs=("low",)),
        ]
        diagnose(checks, seconds=0.3)
        assert log == ["Seen is read"]


def test_a_crash_is_named_and_the_rest_goes_on() -> None:
    async def broken(case: Case, net: Net) -> Fact:
        raise ValueError("hunter2 must not appear")

    def broken_judge(case: Case) -> Iterable[Finding]:
        raise KeyError("hunter2")

    checks = [
        Check("low", "hop", quiet, probe=broken),
        Check("high", "hop", broken_judge, probe=saw(High)),
        Check("top", "target", quiet, probe=saw(Top)),
    ]
    found = diagnose(checks)
    crashes = [f for f in found.findings if f.code == "doctor.check-crashed"]
    assert {f.check for f in crashes} == {"low", "high"}
    assert "hunter2" not in str(found.findings)
    assert status(found)["top"] == "pass"


def test_a_check_that_would_end_the_program_is_one_that_crashed() -> None:
    async def leaves(case: Case, net: Net) -> Fact:
        raise SystemExit("hunter2")

    def leaves_too(case: Case) -> Iterable[Finding]:
        raise SystemExit(4)

    checks = [
        Check("low", "hop", leaves_too, probe=leaves),
        Check("top", "target", quiet, probe=saw(Top)),
    ]
    found = diagnose(checks)
    assert {f.code for f in found.findings} == {"doctor.check-crashed"}
    assert "hunter2" not in str(found.findings)
    assert status(found)["top"] == "pass"


@pytest.mark.parametrize(("seconds", "begun"), [(-1, False), (5, True)])
def test_of_a_target_whose_turn_comes_after_the_deadline_nothing_is_begun(
    seconds: float, begun: bool
) -> None:
    events: list[str] = []
    log: list[str] = []
    checks = [
        Check("low", "hop", quiet, probe=saw(Low, log)),
        Check("top", "target", quiet, probe=saw(Top, log), needs=("low",)),
    ]
    found = diagnose(checks, seconds=seconds, observer=lambda event: events.append(event.kind))
    assert (bool(log), "finished" in events) == (begun, begun)
    assert found.not_tried == (() if begun else ("low", "top"))
    assert found.verdict == ("pass" if begun else "incomplete")


def test_a_run_ends_with_its_deadline_and_names_what_did_not() -> None:
    async def forever(case: Case, net: Net) -> Fact:
        await asyncio.Event().wait()
        return Low()

    checks = [
        Check("low", "hop", quiet, probe=forever, budget=60),
        Check("high", "hop", quiet, probe=saw(High), needs=("low",)),
    ]
    found = diagnose(checks, seconds=0.2)
    assert found.verdict == "incomplete" or found.root_causes
    assert [f.code for f in found.findings] == ["doctor.check-timeout"]
    assert "high" in found.not_tried or status(found)["high"] == "skip"


@pytest.mark.parametrize("hurried", [True, False])
def test_what_was_not_waited_for_is_judged_by_nobody(hurried: bool) -> None:
    async def probe(case: Case, net: Net) -> Fact:
        return Hasty(hurried=hurried)

    def silent(case: Case) -> Iterable[Finding]:
        if case.facts.get(Hasty, case.at):
            yield Finding("low.silent" if case.hop else "top.silent", hop=case.at)

    checks = [
        Check("low", "hop", silent, probe=probe),
        Check("top", "target", silent, probe=saw(Top), needs=("low",)),
    ]
    found = diagnose(checks)
    assert [c.blocked_by for c in found.checks] == [None, "low"]
    if hurried:
        assert (found.verdict, found.root_causes) == ("incomplete", ())
        assert [f.code for f in found.findings] == ["doctor.check-timeout"]
        assert status(found) == {"low": "error", "top": "skip"}
    else:
        assert (found.verdict, found.root_causes) == ("fail", ("low.silent", "top.silent"))


def test_a_probe_that_eats_its_share_is_cut_and_the_rest_still_runs() -> None:
    async def forever(case: Case, net: Net) -> Fact:
        await asyncio.Event().wait()
        return Low()

    checks = [
        Check("low", "hop", quiet, probe=forever, budget=0.05),
        Check("top", "target", quiet, probe=saw(Top)),
    ]
    found = diagnose(checks)
    assert status(found) == {"low": "error", "top": "pass"}


def test_a_layer_that_the_target_has_not_does_not_make_it_incomplete() -> None:
    async def none(case: Case, net: Net) -> None:
        return None

    checks = [
        Check("high", "target", quiet, probe=none),
        Check("top", "target", quiet, probe=saw(Top), needs=("high",)),
    ]
    found = diagnose(checks)
    assert found.verdict == "pass"
    assert status(found) == {"high": "skip", "top": "skip"}
    assert [c.blocked_by for c in found.checks] == [None, None]


def three(log: list[str]) -> list[Check]:
    return [
        Check("low", "hop", quiet, probe=saw(Low, log)),
        Check("high", "hop", quiet, probe=saw(High, log), needs=("low",)),
        Check("top", "target", quiet, probe=saw(Top, log), needs=("high",)),
    ]


@pytest.mark.parametrize(
    ("choice", "ran", "left_out"),
    [
        (Choice(only=frozenset({"low"})), ["Low"], ("high", "top")),
        (Choice(only=frozenset({"high"})), ["Low", "High"], ("low", "top")),
        (Choice(skip=frozenset({"top"})), ["Low", "High"], ("top",)),
        (Choice(offline=True), [], ("low", "high", "top")),
    ],
)
def test_what_is_left_out_is_named_and_what_is_needed_still_runs(
    choice: Choice, ran: list[str], left_out: tuple[str, ...]
) -> None:
    log: list[str] = []
    found = diagnose(three(log), choice=choice)
    assert [line.partition(" ")[0] for line in log] == ran
    assert found.not_tried == left_out
    assert found.verdict == "pass"


def test_a_shared_hop_is_looked_at_once_for_all_targets() -> None:
    log: list[str] = []
    found = diagnose_all(three(log), [target(), target()])
    assert log.count("Low registry.example") == 1
    assert log.count("Top registry.example") == 2
    assert [d.verdict for d in found] == ["pass", "pass"]
    assert all(d.facts.get(Low, REGISTRY) for d in found)


def test_the_observer_sees_the_plan_before_anything_starts() -> None:
    events: list[Event] = []
    diagnose(three([]), observer=events.append)
    kinds = [e.kind for e in events]
    assert kinds[:2] == ["planned", "hop"]
    assert events[0].plan == ("low", "high", "top")
    assert [e.check for e in events if e.kind == "finished"] == ["low", "high", "top"]
