"""The report of several clients as text: who can pull and who cannot, a line for each, then each
cause once.

A line names the layers in words and in the order of the path, so that it can be read aloud as it
stands. What only one client's diagnosis shows (its proof, its other remedies) is left to
`doctor check --as CLIENT`, or to --verbose.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.redact import plain
from doctor.report.terms import WORDS, evidence_lines
from doctor.report.text import Style, headed, looked_at, paint, remedy, wrap

_Entry = Mapping[str, Any]
_COMPARED = "client.clients-differ"
"""What the lines say themselves."""


def render(document: Mapping[str, Any], style: Style) -> str:
    """The targets one after another, each with its clients."""
    return "\n\n".join("\n".join(_target(own, style)) for own in together(document)) + "\n"


def together(document: Mapping[str, Any]) -> list[list[tuple[_Entry, _Entry]]]:
    """For each target its clients: the entry of `targets` and the row of `clients`. Two parts of
    a file that could not be read have no name, and are told apart by their lines."""
    found: dict[tuple[str, str], list[tuple[_Entry, _Entry]]] = {}
    for entry, row in zip(document["targets"], document["clients"], strict=False):
        found.setdefault((row["target"], str(entry["source"])), []).append((entry, row))
    return list(found.values())


def _target(own: Sequence[tuple[_Entry, _Entry]], style: Style) -> Iterator[str]:
    entries, rows = [entry for entry, _ in own], [row for _, row in own]
    first = entries[0]
    yield from headed(first, sentence(first, rows), style)
    for assumed in first["assumed"]:
        yield from wrap(f"Taken as: {plain(assumed)}", "  ", style)
    yield ""
    yield "Client by client:"
    for row in rows:
        yield from _row(row, style)
    causes = _merged(entries, lambda f: bool(f["root_cause"]))
    failing = {
        (client, f["check"]) for clients, found in causes for client in clients for f in found
    }
    known = [f for f in first["findings"] if (f["subject"], f["check"]) in failing]
    for clients, findings in causes:
        yield ""
        yield from _cause(clients, findings, known, str(first["target"]), len(rows), style)
    yield from _rest(entries, known, style)
    if style.verbose:
        for entry in entries:
            yield from looked_at(entry, style, f" by {plain(entry['client'])}")
    if first["not_tried"]:
        yield ""
        left_out = plain(", ".join(first["not_tried"]))
        yield from wrap(f"Left out or not reached in time: {left_out}", "", style)


def sentence(first: _Entry, rows: Sequence[_Entry]) -> str:
    """Who can and who cannot, and where they part."""
    able = [r["client"] for r in rows if r["verdict"] in ("pass", "warn")]
    failing = [r for r in rows if r["verdict"] == "fail"]
    what = "pull it" if first["repository"] else "use it"
    said = [f"{_list(able)} can {what}"] if able else []
    if able and first["not_tried"]:
        said = [f"No fault was seen for {_list(able)}"]
    by_layer: dict[str, list[str]] = {}
    for row in failing:
        by_layer.setdefault(row["first_failing"] or "", []).append(row["client"])
    cannot = "cannot" if able else f"cannot {what}"
    said += [f"{_list(names)} {cannot}, at {layer}" for layer, names in by_layer.items()]
    unknown = [r["client"] for r in rows if r["verdict"] == "incomplete"]
    said += [f"{_list(unknown)} could not be tried to the end"] if unknown else []
    return f"{'; '.join(said)}."


def _list(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _row(row: _Entry, style: Style) -> Iterator[str]:
    word, symbol = WORDS[row["verdict"]]
    went = {each["name"]: each["status"] for each in row["layers"]}
    failed = [name for name, status in went.items() if status == "fail"]
    able = [name for name, status in went.items() if status in ("pass", "warn")]
    untried = [name for name, status in went.items() if status in ("skip", "error")]
    said = [f"at {' '.join(failed)}"] if failed else []
    said += [f"ok: {' '.join(able)}"] if able else []
    said += [f"not tried: {' '.join(untried)}"] if untried and not failed else []
    lead = f"  {symbol} {word:<10} {row['client']:<10} "
    head, *more = wrap("; ".join(said), lead, style)
    yield paint(lead, row["verdict"], style) + head[len(lead) :]
    yield from more


def _merged(entries: Sequence[_Entry], wanted: Any) -> list[tuple[list[str], list[_Entry]]]:
    """The findings of all clients, what several say alike once: their clients, and each one's
    own."""
    found: dict[tuple[Any, ...], tuple[list[str], list[_Entry]]] = {}
    for entry in entries:
        for finding in entry["findings"]:
            if wanted(finding):
                same = (finding["code"], finding["hop"], _told(finding, entry["client"]))
                clients, findings = found.setdefault(same, ([], []))
                clients.append(entry["client"])
                findings.append(finding)
    return list(found.values())


def _told(finding: _Entry, client: str) -> str:
    """The sentence, whoever's it is."""
    return str(finding["detail"]).replace(client, "CLIENT")


def _cause(
    clients: Sequence[str],
    findings: Sequence[_Entry],
    known: Sequence[_Entry],
    name: str,
    of: int,
    style: Style,
) -> Iterator[str]:
    """What is wrong, and what to do for each client where that is not the same."""
    finding = findings[0]
    where = f" at {plain(finding['hop'])}" if finding["hop"] else ""
    sure = "" if finding["confidence"] == "certain" else f", {finding['confidence']}"
    whose = "every client" if len(clients) == of > 1 else _list(clients)
    yield paint(f"Cause for {whose}: {plain(finding['title'])}", "fail", style, bold=True)
    yield f"  ({plain(finding['code'])}{sure}{where})"
    yield from wrap(plain(finding["detail"]), "  ", style)
    offered: list[tuple[list[str], _Entry]] = []
    for client, own in zip(clients, findings, strict=True):
        told = [k for k in known if k["subject"] == client and k["check"] == own["check"]]
        for each in [r for f in (*told, own) for r in f["remedies"]][:1]:
            same = next((names for names, other in offered if _alike(other, each)), None)
            if same is None:
                offered.append(([client], each))
            else:
                same.append(client)
    for names, each in offered:
        yield ""
        label = "What to do" if len(offered) == 1 else f"What to do for {_list(names)}"
        yield from remedy(each, label, style)
    if style.verbose:
        yield ""
        yield "  Proof:"
        for line in evidence_lines(finding["evidence"]):
            yield from wrap(line, "    ", style)
    else:
        # What stands in a file may be anything: a name that cannot be pasted is not offered.
        again = f"doctor check --as {clients[0]} {shlex.quote(name)}"
        whole = name and name[0] != "-" and plain(name, 200) == name
        yield f"  More: {again if whole else '--verbose'}"


def _alike(one: _Entry, other: _Entry) -> bool:
    """Do two remedies say to do the same? How each is seen to work may differ, and through whose
    eyes a step has one look."""
    return bool(one["title"] == other["title"] and _steps(one) == _steps(other))


def _steps(remedy: _Entry) -> list[_Entry]:
    looks = re.compile(r"\bdoctor check --as [a-z-]+ ")
    return [
        {**step, "command": looks.sub("doctor check ", step["command"] or "")}
        for step in remedy["steps"]
    ]


def _rest(entries: Sequence[_Entry], told: Sequence[_Entry], style: Style) -> Iterator[str]:
    """What else was seen, once; with --verbose what is no more than a note, too."""
    levels = ("error", "warning", "info") if style.verbose else ("error", "warning")
    told = () if style.verbose else told

    def remains(finding: _Entry) -> bool:
        again = finding["root_cause"] or finding["code"] == _COMPARED or finding in told
        return not again and finding["severity"] in levels

    found = _merged(entries, remains)
    if found:
        yield ""
        yield "Also seen:"
    names = {"error": "part of the cause", "warning": "warning", "info": "note"}
    for clients, findings in found:
        finding = findings[0]
        where = f" at {plain(finding['hop'])}" if finding["hop"] else ""
        whose = "" if len(clients) == len(entries) else f" ({_list(clients)})"
        level = names[finding["severity"]]
        yield f"  {level}{whose}: {plain(finding['code'])}{where}"
        yield from wrap(plain(finding["detail"] or finding["title"]), "    ", style)
        for each in finding["remedies"][:1] if style.verbose else ():
            yield from remedy(each, "What to do", style)
