"""What is the one sentence that a tired person reads first?"""

from __future__ import annotations

from doctor.facts.endpoint import EndpointsFact
from doctor.model import Diagnosis
from doctor.outcome import OFFLINE


def sentence(diagnosis: Diagnosis) -> str:
    """The cause in words; or that all is well and what was seen; or what could not be tried. Of
    several endpoints, which served the image and which did not."""
    causes = [f for f in diagnosis.findings if f.root_cause]
    subject = diagnosis.target.image
    if causes:
        more = len({f.code for f in causes}) - 1
        besides = f" There {'is' if more == 1 else 'are'} {_others(more)} besides." if more else ""
        if causes[0].confidence == "possible" and more:
            besides = f" The evidence does not decide between this and {_others(more)}."
        return causes[0].detail + besides + _passed_over(diagnosis)
    if not diagnosis.begun:
        return (
            f"{subject} was not looked at: the run's time was over before its turn came; "
            "--timeout gives more."
        )
    if diagnosis.verdict == "incomplete":
        gaps = (
            c
            for c in diagnosis.checks
            if c.status in ("skip", "error") and c.applies and not c.absent
        )
        untried = sorted({c.name for c in gaps if c.blocked_by != OFFLINE}) or sorted(
            {c.name for c in diagnosis.checks if c.status == "warn"}
        )
        return (
            f"Nothing was seen to be wrong with {subject}, but not everything could be tried: "
            f"{', '.join(untried)}."
        ) + _passed_over(diagnosis)
    left_out = f" Left out: {', '.join(diagnosis.not_tried)}." if diagnosis.not_tried else ""
    warnings = sum(f.severity == "warning" for f in diagnosis.findings)
    what = "can be pulled from here" if diagnosis.target.reference else "answers as a registry"
    if diagnosis.not_tried:
        return f"{subject}: no fault in what was looked at.{left_out}"
    what += _served(diagnosis)
    if warnings:
        what += f"; {warnings} warning{'s' if warnings > 1 else ''} below"
    return f"{subject} {what}.{_passed_over(diagnosis)}"


def _others(count: int) -> str:
    return "another cause" if count == 1 else f"{count} other causes"


def _served(diagnosis: Diagnosis) -> str:
    """Who the image is had from, where the client has a choice."""
    fact = diagnosis.facts.get(EndpointsFact)
    served = fact.served if fact else None
    return f", from {served.endpoint.called}" if served else ""


def _passed_over(diagnosis: Diagnosis) -> str:
    """What came of the endpoints that are asked before the one that decides, or beside it."""
    fact = diagnosis.facts.get(EndpointsFact)
    if fact is None or not fact.seen_at:
        return ""
    before = fact.seen_at[: fact.decides]
    told = "".join(
        f" {_capital(each.endpoint.called)}, asked before, {each.said}." for each in before
    )
    decider = fact.seen_at[fact.decides]
    if decider.serves is None:
        told += f" {_capital(decider.endpoint.called)} {decider.said}."
    elif fact.told is not None:
        name = fact.told.endpoint.called
        told += f" {_capital(diagnosis.target.client)} shows the error of {name} alone."
    return told


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
