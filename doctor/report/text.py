"""The report as text for a terminal: the cause first, its proof, then what to do, one fact a line.

Readable at 80 columns, without colour and by a screen reader: every symbol has its word beside it,
nothing is drawn. Foreign text passes `plain`; commands are never wrapped, so that they can be
copied.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.codes.explanation import folded
from doctor.frozen import frozen
from doctor.redact import plain
from doctor.report.terms import (
    VERDICTS,
    WORDS,
    begun,
    called,
    evidence_lines,
    headline,
    hop_name,
    listed,
    notes,
    places,
    told_apart,
)

_COLOURS = {
    "pass": "32",
    "warn": "33",
    "fail": "31",
    "skip": "2",
    "error": "35",
    "incomplete": "35",
}
_EVIDENCE_LINES = 10
_SERVES = {
    True: "serves it",
    False: "does not serve it",
    None: "may serve it",
}
_LATE = "not started in time"
_ELSEWHERE = re.compile(r" \(\S+:\d+\)$")
"""Of which host a check's line speaks, where that is not the registry."""
_WAITS = {"--offline": "left out (--offline)"}


@frozen
class Style:
    """How the text is dressed: nothing in it changes what is said."""

    colour: bool = False
    verbose: bool = False
    width: int = 80


def render(document: Mapping[str, Any], style: Style = Style()) -> str:  # noqa: B008 - frozen
    """The whole report, its targets one after another."""
    above = "\n".join(_origin(document, style))
    if document.get("clients"):
        from doctor.report import sidebyside

        return above + sidebyside.render(document, style)
    targets = document["targets"]
    told = [t for t in targets if begun(t)] or targets[:1]
    blocks = ["\n".join(_target(t, style)) for t in told]
    if document.get("kubernetes"):
        from doctor.report import kubernetes

        blocks.insert(0, "\n".join(kubernetes.lines(document["kubernetes"], style)))
        return "\n\n".join(blocks) + "\n"
    if len(targets) > 1:
        blocks.append("\n".join(_overview(document, style)))
    return above + "\n\n".join(blocks) + "\n"


def _origin(document: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Where a report that was opened comes from, and an empty line."""
    if document.get("origin"):
        from doctor.report import origin

        for line in origin.lines(document):
            lead = line[:2] if line.startswith("- ") else ""
            yield from wrap(line.removeprefix(lead), lead, style)
        yield "\n"


def headed(target: Mapping[str, Any], said: str, style: Style) -> Iterator[str]:
    """The verdict, of what and where it is named, and the sentence that says it all."""
    name, named = called(target), places(target, 120)
    where = f"  ({named[0]})" if named and named[0] != name else ""
    title = f"{headline(target)}: {name}" if name else headline(target)
    yield paint(title, target["verdict"], style, bold=True) + where
    yield from wrap(plain(said), "  ", style)
    if named[1:]:
        yield from wrap(f"Named too in {listed(named[1:])}.", "  ", style)


def _target(target: Mapping[str, Any], style: Style) -> Iterator[str]:
    yield from headed(target, target["summary"], style)
    for assumed in target.get("assumed", ()):
        yield from wrap(f"Taken as: {plain(assumed)}", "  ", style)
    if not begun(target):
        return
    if target["vantage"] != "text":
        yield ""
        yield from _path(target, style)
    causes = [f for f in target["findings"] if f["root_cause"]]
    others = [f for f in target["findings"] if not f["root_cause"]]
    for number, finding in enumerate(causes, 1):
        yield ""
        one = "Cause" if target["vantage"] != "text" else "Meaning"
        label = one if len(causes) == 1 else f"{one} {number} of {len(causes)}"
        yield from cause(finding, label, target["summary"], style)
    yield from rest(others, style)
    if style.verbose:
        yield from looked_at(target, style)
    if target["not_tried"]:
        yield ""
        yield from wrap(
            f"Left out or not reached in time: {plain(', '.join(target['not_tried']))}", "", style
        )


def _path(target: Mapping[str, Any], style: Style) -> Iterator[str]:
    yield "The path:"
    for hop in target["hops"]:
        via = "" if hop["via"] == "direct" else f" via {plain(hop['via'])}"
        reached = f"reached {hop['reached']}" if hop["reached"] else "not reached"
        addresses = ", ".join(hop["addresses"][:3]) + (", …" if len(hop["addresses"]) > 3 else "")
        name = plain(hop_name(hop))
        serves = f", {_SERVES[hop['serves']]}" if "serves" in hop else ""
        there = f" ({addresses})" if addresses else ""
        yield from wrap(f"{hop['role']} {name}{via}: {reached}{there}{serves}", "  ", style)
    for check in target["checks"]:
        word, symbol = WORDS[check["status"]]
        said = plain(check["summary"], 200)
        if check["blocked_by"] and check["status"] == "skip":
            said = _WAITS.get(check["blocked_by"], f"waits for {plain(check['blocked_by'])}")
            elsewhere = _ELSEWHERE.search(check["summary"])
            said += plain(elsewhere[0]) if elsewhere else ""
        elif check["status"] == "skip" and said != _LATE:
            word = "skipped"
        tried = check["status"] != "skip" and check["duration_ms"] >= 1
        took = f"{check['duration_ms']:.0f} ms" if tried else ""
        head = (
            paint(f"  {symbol} {word:<9}", check["status"], style) + f" {plain(check['name']):<6}"
        )
        room = max(20, style.width - 30)
        lines = textwrap.wrap(said, room) or [""]
        yield f"{head} {lines[0]:<{room}} {took}".rstrip()
        for line in lines[1:]:
            yield f"{'':20}{line}"


def cause(finding: Mapping[str, Any], label: str, summary: str, style: Style) -> Iterator[str]:
    """What is wrong, what to do about it, and the proof; the sentence once, not twice."""
    where = f" at {plain(finding['hop'])}" if finding["hop"] else ""
    sure = "" if finding["confidence"] == "certain" else f", {finding['confidence']}"
    yield paint(f"{label}: {plain(finding['title'])}", "fail", style, bold=True)
    yield f"  ({plain(finding['code'])}{sure}{where})"
    if not summary.startswith(finding["detail"]):
        yield from wrap(plain(finding["detail"]), "  ", style)
    remedies = told_apart(finding["remedies"])
    for each in remedies if style.verbose else remedies[:1]:
        yield ""
        yield from remedy(each, "What to do" if each is remedies[0] else "Or", style)
    if len(remedies) > 1 and not style.verbose:
        yield ""
        yield from wrap(f"Or: {'; '.join(plain(r['title']) for r in remedies[1:])}", "  ", style)
        yield f"    (doctor explain {plain(finding['code'])} or --verbose shows the steps)"
    evidence = list(evidence_lines(finding["evidence"]))
    if evidence:
        yield ""
        yield "  Proof:"
        shown = evidence if style.verbose else evidence[:_EVIDENCE_LINES]
        for line in shown:
            yield from wrap(line, "    ", style)
        if len(shown) < len(evidence):
            yield f"    ({len(evidence) - len(shown)} more lines with --verbose)"


def remedy(found: Mapping[str, Any], label: str, style: Style) -> Iterator[str]:
    """What to do, step by step, and how to see that it worked."""
    yield from wrap(f"{label}: {plain(found['title'])}", "  ", style)
    for number, step in enumerate(found["steps"], 1):
        told = ", ".join(notes(step))
        text = plain(step["text"]) + (f" ({told})" if told else "")
        yield from wrap(text, f"    {number}. ", style)
        if step["command"]:
            for line in str(step["command"]).splitlines():
                for part in folded(plain(line, 4000), style.width, " " * 9):
                    yield paint(part, "command", style)
    if found["verify"]:
        yield from wrap(f"Seen to work when: {plain(found['verify'])}", "    ", style)
    if found["docs"]:
        yield f"    See {plain(found['docs'])}"


def rest(findings: list[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """What is no cause: warnings with their remedy, then notes."""
    names = {"error": "part of the cause", "warning": "warning", "info": "note"}
    shown = [f for f in findings if style.verbose or f["severity"] != "info"]
    shown += [f for f in findings if f not in shown]
    if shown:
        yield ""
        yield "Also seen:"
    for finding in shown:
        level = finding["severity"]
        status = {"error": "skip", "warning": "warn"}.get(level, "pass")
        where = f" at {plain(finding['hop'])}" if finding["hop"] else ""
        yield (
            "  "
            + paint(names.get(level, "note"), status, style)
            + f": {plain(finding['code'])}{where}"
        )
        yield from wrap(plain(finding["detail"] or finding["title"]), "    ", style)
        if finding["severity"] == "warning":
            for each in finding["remedies"][:1]:
                yield from remedy(each, "What to do", style)


_CAME = {
    "used": "counts",
    "helper": "names a helper",
    "nothing": "has none",
    "no-match": "no key fits",
    "marker": "holds no more than a key",
    "missing": "is not there",
    "unset": "is not set",
    "unreadable": "cannot be used",
    "ignored": "passed over",
    "not-read": "not read",
    "failed": "failed",
}


def looked_at(target: Mapping[str, Any], style: Style, whose: str = "") -> Iterator[str]:
    """The trace: every place of the local configuration, and why it did not apply."""
    places = target.get("looked_at", ())
    if places:
        yield ""
        yield f"Looked at{whose}:"
    for place in places:
        key = f', "{plain(place["key"], 200)}"' if place["key"] else ""
        note = f" ({plain(place['note'], 600)})" if place["note"] else ""
        said = f"{plain(place['where'], 400)}{key}: {_CAME.get(place['outcome'], '')}{note}"
        yield from wrap(said, f"  {place['what']:<11}", style)


def _overview(document: Mapping[str, Any], style: Style) -> Iterator[str]:
    gravest = f"{VERDICTS[document['verdict']].lower()} is the gravest"
    count = len(document["targets"])
    if document["verdict"] == "pass":
        whole = not any(target["not_tried"] for target in document["targets"])
        gravest = VERDICTS["pass"].lower() if whole else "no fault in what was looked at"
    if all(target["vantage"] == "text" for target in document["targets"]):
        yield f"{count} errors in the text"
    else:
        yield f"{count} targets: {gravest}"
    for target in document["targets"]:
        word, symbol = WORDS[target["verdict"]]
        causes = f"  {plain(', '.join(target['root_causes']))}" if target["root_causes"] else ""
        yield (
            paint(f"  {symbol} {word:<10}", target["verdict"], style)
            + f" {called(target) or '(no image named)'}{causes}"
        )
    if late := sum(not begun(target) for target in document["targets"]):
        said = f"{late} of them {'was' if late == 1 else 'were'} not looked at: the run's time"
        yield from wrap(f"{said} was over before their turn came; --timeout gives more.", "", style)


def wrap(text: str, lead: str, style: Style) -> list[str]:
    """Lines of the style's width; what follows the first stands below its text."""
    room = max(30, style.width)
    return textwrap.wrap(
        text,
        room,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [lead.rstrip()]


def paint(text: str, status: str, style: Style, *, bold: bool = False) -> str:
    """The text in the colour of a status, where there are colours."""
    if not style.colour:
        return text
    code = _COLOURS.get(status, "1")
    return f"\x1b[{'1;' if bold and code != '1' else ''}{code}m{text}\x1b[0m"
