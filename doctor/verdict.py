"""What follows from the facts? Facts and outcomes -> Diagnosis. Pure: a bundle's facts are judged
again by the same function.

The verdict is `fail` if there is a cause; `incomplete` if there is none but something that was
asked for, and that the target has, was not tried, or not judged to the end; else `warn` or `pass`
(CONTRACT, promise 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from doctor.causes import Rules, settle
from doctor.model import (
    Case,
    Check,
    CheckResult,
    Diagnosis,
    Facts,
    Finding,
    Hop,
    Status,
    Target,
    Verdict,
)
from doctor.outcome import CRASHED, OFFLINE, Choice, Outcome, crash, overdue

_SEVERITIES = ("error", "warning", "info")


class Words(Protocol):
    """What is asked of `doctor.codes`: the words, and the rules of causes that are declared with
    them."""

    @property
    def rules(self) -> Rules: ...

    def dress(self, finding: Finding, target: Target) -> Finding: ...


def diagnosis(
    target: Target,
    facts: Facts,
    outcomes: Sequence[Outcome],
    checks: Sequence[Check],
    choice: Choice,
    words: Words,
    hops: Sequence[Hop],
) -> Diagnosis:
    """Judge all facts together, name the causes, and say what was not tried. Where nothing was
    begun there is nothing to judge: of thousands of targets that alone would outlast the run."""
    if outcomes and not any(outcome.begun for outcome in outcomes):
        return Diagnosis(
            target=target,
            facts=facts,
            checks=(),
            findings=(),
            verdict="incomplete",
            root_causes=(),
            not_tried=_not_tried(target, outcomes, checks, choice),
            outcomes=tuple(outcomes),
            choice=choice,
            hops=tuple(hops),
        )
    place = {check.id: n for n, check in enumerate(checks) if not check.part}
    ordered = sorted(outcomes, key=lambda o: place.get(o.check.name, len(place)))
    sound = facts.sound
    judged = [(outcome, judge(outcome, target, sound, words)) for outcome in ordered]
    told = [(o, found if choice.wants(o.check) else _errors(found)) for o, found in judged]
    findings = settle([f for _, found in told for f in found], words.rules, hops)
    final = {(f.code, f.hop, f.subject): f for f in findings}
    cause = next((f.check for f in findings if f.root_cause), None)
    results = tuple(
        result(o, [final[f.code, f.hop, f.subject] for f in found], cause, _relies(o, outcomes))
        for o, found in told
    )
    return Diagnosis(
        target=target,
        facts=facts,
        checks=results,
        findings=findings,
        verdict=_verdict(findings, [o for o in outcomes if choice.wants(o.check)]),
        root_causes=tuple(dict.fromkeys(f.code for f in findings if f.root_cause)),
        not_tried=_not_tried(target, outcomes, checks, choice),
        outcomes=tuple(outcomes),
        choice=choice,
        hops=tuple(hops),
    )


def judge(outcome: Outcome, target: Target, sound: Facts, words: Words) -> tuple[Finding, ...]:
    """What one check has to say, with its words on; its own fault included. Silence that was not
    waited for is nobody's fault: a fact that rests on it is not among the `sound` ones."""
    check = outcome.check
    case = Case(target, sound, outcome.hop)
    try:
        found = [replace(f, check=check.name) for f in check.judge(case)]
    except KeyboardInterrupt:
        raise
    except BaseException as bug:  # a plug-in may raise SystemExit, or what it likes
        found = [crash(check, outcome.hop, bug)]
    if outcome.trouble:
        found.append(outcome.trouble)
    elif outcome.hurried:
        found.append(overdue(check, outcome.hop, outcome.ms / 1000))
    return tuple(words.dress(f, target) for f in found)


def result(
    outcome: Outcome,
    findings: Sequence[Finding],
    cause: str | None = None,
    relies_on: str | None = None,
) -> CheckResult:
    """The check's line in a report: what is worst, or else what was seen. A check that did not get
    what it asked for, and has nothing to say about it itself, waits for the cause's check; one
    whose work was left to another that failed (`relies_on`) waits for that."""
    status = outcome.status(findings)
    if status == "pass" and relies_on:
        status = "skip"
    worst = min(findings, key=lambda f: _SEVERITIES.index(f.level), default=None)
    said = worst.title if worst and status in ("fail", "warn", "error") else outcome.said()
    blocked_by = outcome.blocked_by
    if status == "skip" and outcome.done and outcome.applies and not blocked_by:
        blocked_by = relies_on or (None if outcome.absent else cause)
    return CheckResult(
        name=outcome.check.name,
        status=status,
        hop=outcome.hop,
        summary=said,
        ms=round(outcome.ms, 1),
        blocked_by=blocked_by,
        part=outcome.check.part,
        applies=outcome.applies,
        absent=outcome.absent,
    )


_GRAVITY = ("fail", "error", "skip", "warn", "pass")


def _relies(outcome: Outcome, outcomes: Sequence[Outcome]) -> str | None:
    """The check that this one left its work to, where that one did not get through."""
    left = {fact.left_to for fact in outcome.facts} - {""}
    failed = (o for o in outcomes if o.hop == outcome.hop and o.done and not o.ok)
    return next((o.check.name for o in failed if o.check.id in left), None)


def by_name(results: Sequence[CheckResult]) -> dict[str, list[CheckResult]]:
    """The results of each check, of all its hops and parts."""
    grouped: dict[str, list[CheckResult]] = {}
    for each in results:
        grouped.setdefault(each.name, []).append(each)
    return grouped


def gravest(results: Sequence[CheckResult]) -> CheckResult:
    """The one that speaks for a check. What the target has not, and what the user left out, weighs
    nothing beside what was looked at; what did not run does."""
    applying = [r for r in results if r.applies] or results
    asked = [r for r in applying if r.blocked_by != OFFLINE] or applying
    return min(asked, key=lambda r: (_GRAVITY.index(r.status), r.part, not r.summary))


def layers(diagnosis: Diagnosis) -> dict[str, Status]:
    """How each check went, in the order of the path."""
    return {name: gravest(own).status for name, own in by_name(diagnosis.checks).items()}


def first_failing(diagnosis: Diagnosis) -> str | None:
    """The check that tells of the first cause; None where there is none."""
    return next((f.check for f in diagnosis.findings if f.root_cause), None)


def _errors(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of a check that ran only because another needs it: what blocks that one, no more."""
    return tuple(f for f in findings if f.severity == "error")


def _verdict(findings: Sequence[Finding], asked: Sequence[Outcome]) -> Verdict:
    if any(f.root_cause for f in findings):
        return "fail"
    crashed = any(f.code == CRASHED for f in findings)
    if crashed or not all(outcome.tried for outcome in asked):
        return "incomplete"
    return "warn" if any(f.severity == "warning" for f in findings) else "pass"


def _not_tried(
    target: Target, outcomes: Sequence[Outcome], checks: Sequence[Check], choice: Choice
) -> tuple[str, ...]:
    """Names of checks that the user left out, or that did not start in time."""
    offline = [c for c in checks if choice.offline and c.probe and c.concerns(target)]
    left_out = [c.name for c in checks if c in offline or not choice.wants(c)]
    late = [o.check.name for o in outcomes if not o.begun]
    return tuple(dict.fromkeys([*left_out, *late]))
