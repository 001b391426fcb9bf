"""What was seen at the chosen station? Its findings' evidence and whatever was seen besides, drawn
where a drawing tells more.

Which drawing is chosen by what the evidence holds, not by who found it: a chain is a tree, whoever
names one. What no drawing used is listed under it, so that nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from textual.content import Content

from doctor.report.terms import hop_name
from doctor.tui import drawings
from doctor.tui.ink import DIM, STRONG, STYLES, clipped, ink, line, mark, told, took, wrapped
from doctor.tui.stations import LADDER, Station

_SEVERITY = {"error": "failed", "warning": "warning", "info": "passed"}
_SERVES = {
    True: "the image is to be had there",
    False: "the image is not to be had there",
    None: "whether the image is to be had there is not known",
}
_PLACES = {"credential": "auth", "trust": "tls", "proxy": "proxy", "endpoint": "client"}
"""Whose question each kind of place is about."""
_CAME = {"used": "passed", "helper": "passed", "unreadable": "failed", "failed": "failed"}
_BARE = (
    "This report holds the proof of what was found to be wrong. What was seen where all is well is "
    "in a support bundle, and in a run of one's own."
)
_LEVEL = {"error": "Error", "warning": "Warning", "info": "Note"}


def evidence(
    target: Mapping[str, Any],
    station: Station,
    width: int,
    seen: Mapping[str, Any] | None = None,
) -> list[Content]:
    """The station's page. `seen`: what was seen there, found to be wrong or not
    (`doctor.tui.sights`); None where only the report is there."""
    where = f" at {station.hop}" if station.hop else ""
    time = took(station.ms)
    word = line((station.word, STYLES[station.state]), (f"  {time}" if time else "", DIM))
    name = line(mark(station.state), (f" {station.check}", STRONG))
    room = max(8, width - name.cell_length - word.cell_length - 2)
    lines = [line(name, clipped(where, room), ": ", word)]
    known = {hop_name(h) for h in target["hops"]}
    found = [f for f in target["findings"] if concerns(f, station, known)]
    hop = next((h for h in target["hops"] if hop_name(h) == station.hop), None)
    said_below = [*(f["title"] for f in found), *([hop["via"]] if hop else [])]
    if station.said and station.said not in said_below:
        lines += wrapped(station.said, width, "  ")
    if hop:
        lines += list(_of_hop(hop, width))
    for finding in found:
        lines += [Content(""), *proof(finding, width)]
    shown = {name for finding in found for name in finding["evidence"]}
    rest = {name: value for name, value in (seen or {}).items() if name not in shown}
    if not found:
        lines += [Content(""), ink(_nothing(station), DIM)]
    if rest:
        lines += drawn(rest, width)
    places = [p for p in target.get("looked_at", ()) if _PLACES.get(p["what"]) == station.check]
    if places and station.hop in ("", _registry(target)):
        lines += [Content(""), ink("Where it was looked", STRONG), *_looked(places, width)]
    if seen is None and station.state in ("passed", "warning") and not found:
        lines += [Content(""), *wrapped(_BARE, width, "  ", DIM)]
    return lines


def _registry(target: Mapping[str, Any]) -> str:
    """The first of the hosts, where the client's own settings are about it."""
    return next((hop_name(h) for h in target["hops"] if h["role"] == "registry"), "")


def _looked(places: Sequence[Mapping[str, Any]], width: int) -> Iterator[Content]:
    """Each place, and what came of it."""
    for place in places:
        state = _CAME.get(place["outcome"], "blocked")
        key = f" {place['key']}" if place["key"] else ""
        note = f", {place['note']}" if place["note"] else ""
        said = f"{place['where']}{key}{note}"
        yield from wrapped(said, width, line("  ", mark(state), f" {place['outcome']:<11}"))


def drawn(proof: Mapping[str, Any], width: int) -> list[Content]:
    """Proof of any kind: drawn where there is a drawing, else listed."""
    lines: list[Content] = []
    rest = dict(proof)
    for drawing in drawings.ALL:
        made, used = drawing(rest, width - 2)
        if made:
            lines += [Content(""), *(line("  ", each) for each in made)]
            rest = {key: value for key, value in rest.items() if key not in used}
    if rest:
        lines += [Content(""), *told(rest, width, "  ")]
    return lines


def concerns(finding: Mapping[str, Any], station: Station, known: Collection[str]) -> bool:
    """Is the finding this station's? One of the ladder's checks belongs to its host, where that is
    on the path."""
    if finding["check"] != station.check:
        return False
    if finding["hop"] not in known:
        return True
    if station.check == "proxy":
        return finding["hop"] in (station.hop, station.said.removeprefix("proxy "))
    return station.check not in LADDER or bool(finding["hop"] == station.hop)


def proof(finding: Mapping[str, Any], width: int) -> list[Content]:
    """A finding with its proof."""
    state = _SEVERITY.get(finding["severity"], "passed")
    where = f" at {finding['hop']}" if finding["hop"] else ""
    about = f", {finding['subject']}" if finding["subject"] else ""
    level = "Cause" if finding["root_cause"] else _LEVEL.get(finding["severity"], "Note")
    lines = wrapped(finding["title"], width, line(mark(state), " ", (f"{level}  ", STYLES[state])))
    lines += wrapped(f"{finding['code']}, {finding['confidence']}{where}{about}", width, "  ", DIM)
    lines += wrapped(finding["detail"], width, "  ")
    return lines + drawn(finding["evidence"], width)


def whole(finding: Mapping[str, Any], width: int) -> list[Content]:
    """A finding with its proof and every remedy: what one reads on a page of its own."""
    from doctor.tui.answer import Way, steps

    lines = proof(finding, width)
    for number, remedy in enumerate(finding["remedies"], 1):
        lines += [
            Content(""),
            *steps(Way(finding, remedy), width, (number, len(finding["remedies"]))),
        ]
    return lines


def _of_hop(hop: Mapping[str, Any], width: int) -> Iterator[Content]:
    yield from wrapped(hop["via"], width, line(("  way        ", DIM)))
    if hop["addresses"]:
        yield from wrapped(", ".join(hop["addresses"]), width, line(("  addresses  ", DIM)))
    if "serves" in hop:
        yield from wrapped(_SERVES[hop["serves"]], width, line(("  serves     ", DIM)))
    reached = hop["reached"] or "not even its name"
    yield from wrapped(reached, width, line(("  reached    ", DIM)))


def _nothing(station: Station) -> str:
    if station.state in ("waiting", "running"):
        return "  Nothing yet."
    if station.state == "blocked":
        return "  It was not asked, so there is nothing to show."
    if station.state == "not done":
        return "  It was not looked at to the end."
    return "  Nothing was found to be wrong here."


def listed(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Findings in the order in which one wants to read them: causes, errors, warnings, notes."""
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda f: (not f["root_cause"], order.get(f["severity"], 3)))


def none_listed(target: Mapping[str, Any] | None, wanted: str) -> str:
    """What stands in place of a list without an entry; no more than what was looked at is well."""
    if target is None:
        return "Once the run has ended."
    if wanted:
        return "Nothing here holds that."
    whole = target["verdict"] == "pass" and not target["not_tried"]
    return "Nothing was found to be wrong." if whole else "No finding in what was looked at."


def item(finding: Mapping[str, Any], width: int) -> Content:
    """A finding as one entry of a list."""
    state = _SEVERITY.get(finding["severity"], "passed")
    level = "cause" if finding["root_cause"] else _LEVEL.get(finding["severity"], "Note").lower()
    where = f" at {finding['hop']}" if finding["hop"] else ""
    head = line(mark(state), (f" {level:<8}", STYLES[state]))
    title = clipped(finding["title"], max(12, width - head.cell_length))
    room = width - head.cell_length - len(title) - 2
    rest = f"{finding['code']}{where}" if len(finding["code"]) + len(where) <= room else ""
    rest = rest or (finding["code"] if len(finding["code"]) <= room else "")
    return line(head, (title, STRONG), (f"  {rest}" if rest else "", DIM))
