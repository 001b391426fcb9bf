"""How did one check of one subject go? What the engine writes down, and what the verdict is drawn
from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from doctor.frozen import frozen
from doctor.model import Check, Fact, Finding, Hop, Status

OFFLINE = "--offline"
CRASHED = "doctor.check-crashed"


@frozen
class Choice:
    """What the user asked for: `--only`, `--skip`, `--offline`. Names of checks."""

    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    offline: bool = False

    def wants(self, check: Check) -> bool:
        """Was this check asked for, so that its warnings are told and its absence is a gap?"""
        return (not self.only or check.name in self.only) and check.name not in self.skip


def needed(checks: Sequence[Check], choice: Choice) -> frozenset[str]:
    """The ids of the checks to run: those that were asked for, and what they need."""
    by_id = {check.id: check for check in checks}
    wanted: set[str] = set()
    queue = [check.id for check in checks if choice.wants(check)]
    while queue:
        name = queue.pop()
        if name in by_id and name not in wanted:
            wanted.add(name)
            queue += by_id[name].required
    return frozenset(wanted)


def kept(checks: Sequence[Check], choice: Choice) -> dict[str, tuple[str, ...]]:
    """The checks that run in spite of `--skip`, and which need them."""
    names = {check.id: check.name for check in checks}
    for_whom: dict[str, dict[str, None]] = {}
    wanted = needed(checks, choice)
    for check in checks:
        for name in (names.get(each) for each in check.required if check.id in wanted):
            if name in choice.skip and name != check.name:
                for_whom.setdefault(name, {})[check.name] = None
    return {name: tuple(those) for name, those in for_whom.items()}


@dataclass(slots=True, eq=False, repr=False)
class Outcome:
    """One check of one hop, or (`hop` None) of the target."""

    check: Check
    hop: Hop | None
    facts: list[Fact] = field(default_factory=list)
    probed: Fact | None = None
    """Of these, what the network was asked for."""
    ok: bool = False
    """Is there what the layer gives?"""
    blocked_by: str | None = None
    applies: bool = True
    """False: the target has no such layer, or it is a part that only judges: where that finds
    nothing, it says nothing of the layer."""
    trouble: Finding | None = None
    """The check's own fault: crashed, or out of time."""
    started: float | None = None
    """`time.perf_counter()` when it began."""
    ms: float = 0.0
    done: bool = False

    @property
    def begun(self) -> bool:
        """Did its turn come before the run's time was over?"""
        return self.done or self.started is not None

    @property
    def hurried(self) -> bool:
        """Was it waited for too short a time to know?"""
        return any(fact.hurried for fact in self.facts)

    @property
    def absent(self) -> bool:
        """Is what it asks about not on this machine?"""
        return any(fact.absent for fact in self.facts)

    @property
    def tried(self) -> bool:
        """Was the question really asked, as far as the target has it?"""
        if not self.done or self.trouble or self.hurried:
            return False
        return self.blocked_by == OFFLINE or not self.applies or (self.ok and not self.blocked_by)

    def status(self, findings: Sequence[Finding]) -> Status:
        """The status in a report, given what was found."""
        if any(f.severity == "error" for f in findings):
            return "fail"
        if self.trouble or self.hurried or any(f.code == CRASHED for f in findings):
            return "error"
        if self.blocked_by or not self.applies or not self.done:
            return "skip"
        if any(f.severity == "warning" for f in findings):
            return "warn"
        return "pass" if self.ok and not self.absent else "skip"

    def said(self) -> str:
        """What there is to say when there is no finding."""
        if not self.applies:
            return "does not apply"
        if not self.begun:
            return "not started in time"
        return next((f.seen for f in reversed(self.facts) if f.seen), "")


Outcomes = Mapping[tuple[str, Hop | None], Outcome]
"""By the check's id and the hop."""


def crash(check: Check, hop: Hop | None, bug: BaseException) -> Finding:
    """A check's own fault, with the places in its code but never a value."""
    frames: list[str] = []
    trace = bug.__traceback__
    while trace is not None and len(frames) < 50:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    kind = type(bug).__name__
    return _own_fault(check, hop, CRASHED, {"exception": kind, "frames": frames[-6:]})


def overdue(check: Check, hop: Hop | None, seconds: float) -> Finding:
    """The check started and did not end in its time."""
    return _own_fault(check, hop, "doctor.check-timeout", {"seconds": round(seconds, 1)})


def _own_fault(check: Check, hop: Hop | None, code: str, evidence: dict[str, object]) -> Finding:
    return Finding(
        code,
        check=check.name,
        hop=hop,
        subject=f"check {check.id}",
        evidence={"check": check.name, **evidence},
        params={"check": check.name, **{k: str(v) for k, v in evidence.items()}},
    )


def since(start: float) -> float:
    """Milliseconds since a `time.perf_counter()` instant."""
    return (time.perf_counter() - start) * 1000
