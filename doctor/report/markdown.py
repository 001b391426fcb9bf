"""The report as Markdown, for a ticket: cause and remedy first, the rest folded.

GitHub's Markdown, which GitLab, Gitea and most trackers read; where `details` is not known, all
stands open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from doctor.redact import plain
from doctor.report import origin
from doctor.report.marked import block, cell, code, code_cell, folded, prose, tagged
from doctor.report.subject import Subject, by_what, subjects
from doctor.report.terms import (
    WORDS,
    called,
    evidence_lines,
    hop_name,
    listed,
    notes,
    places,
    told_apart,
)

Entry = Mapping[str, Any]
_MARKS = {
    "pass": "✅",
    "warn": "⚠️",
    "fail": "❌",
    "incomplete": "❔",
    "skip": "⏸️",
    "error": "❔",
}
_LEVELS = {"error": "part of the cause", "warning": "warning", "info": "note"}


def render(document: Entry) -> str:
    """The whole report: an overview where there are several, then each."""
    found = subjects(document)
    lines = [line for each in origin.lines(document) for line in (f"> {prose(each)}", ">")]
    lines[-1:] = [""] if lines else []
    if len(found) > 1:
        lines += _overview(document, found)
    for subject in found:
        lines += _subject(subject, 2 if len(found) > 1 else 1)
    lines += ["---", "", f"<sub>{escape(by_what(document))}</sub>"]
    return "\n".join(lines) + "\n"


def _overview(document: Entry, found: Sequence[Subject]) -> Iterator[str]:
    if document.get("clients"):
        yield from _clients(document)
        return
    targets = [s for s in found if s.kind == "target"]
    if targets:
        yield f"# {len(targets)} target{'s' if len(targets) > 1 else ''}"
    else:
        yield f"# {prose(found[-1].summary)}"
    yield ""
    yield "| | what | cause |"
    yield "| --- | --- | --- |"
    for each in found:
        codes = ", ".join(code_cell(c) for c in dict.fromkeys(f["code"] for f in each.causes))
        yield f"| {_mark(each.verdict)} | {code_cell(each.title)} | {codes or each.headline} |"
    yield ""


def _clients(document: Entry) -> Iterator[str]:
    """Client by client, layer by layer."""
    from doctor.report.sidebyside import sentence, together

    for own in together(document):
        entries, rows = [entry for entry, _ in own], [row for _, row in own]
        yield f"# {code(called(entries[0]), 200)}, client by client"
        yield ""
        yield prose(sentence(entries[0], rows))
        yield ""
        layers = dict.fromkeys(each["name"] for row in rows for each in row["layers"])
        yield f"| client | {' | '.join(cell(name) for name in layers)} |"
        yield f"| --- |{' --- |' * len(layers)}"
        for row in rows:
            went = {each["name"]: each["status"] for each in row["layers"]}
            told = [_mark(went[name]) if name in went else "" for name in layers]
            yield f"| {_mark(row['verdict'])} {cell(row['client'])} | {' | '.join(told)} |"
        yield ""


def _subject(subject: Subject, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_MARKS.get(subject.verdict, '')} {subject.headline}: {_name(subject)}"
    yield ""
    if subject.source:
        named = [code(each, 400) for each in places(subject.entry)]
        yield f"Named in {listed(named)}."
        yield ""
    yield prose(subject.summary)
    yield ""
    for assumed in subject.entry.get("assumed", ()):
        yield f"Taken as: {prose(assumed)}"
        yield ""
    if subject.kind == "pull":
        yield from _hit(subject.entry)
    for label, finding in subject.labelled():
        yield from _cause(finding, label, subject, level + 1)
    yield from _rest(subject.others, level + 1)
    if subject.not_tried:
        yield f"Left out or not reached in time: {prose(', '.join(subject.not_tried))}."
        yield ""
    yield from _path(subject)
    if subject.kind == "cluster":
        yield from _left_out(subject.entry)


def _name(subject: Subject) -> str:
    eyes = f" as {code(subject.client)}" if subject.title.endswith(f" as {subject.client}") else ""
    return f"{code(subject.name or '(an empty text)', 200)}{eyes}"


def _mark(status: str) -> str:
    """A sign with its word, so that it can be read aloud."""
    word = WORDS.get(status, (plain(status), ""))[0].lower()
    return f"{_MARKS.get(status, '')} {word}"


def _cause(finding: Entry, label: str, subject: Subject, level: int) -> Iterator[str]:
    where = f" at {code(finding['hop'])}" if finding["hop"] else ""
    yield f"{'#' * level} {label}: {prose(finding['title'])}"
    yield ""
    yield f"{code(finding['code'])}, {plain(finding['confidence'])}{where}"
    yield ""
    if not str(subject.summary).startswith(finding["detail"]):
        yield prose(finding["detail"])
        yield ""
    remedies = told_apart(finding["remedies"])
    for first in remedies[:1]:
        yield from remedy(first, "What to do", level + 1)
        yield ""
    for other in remedies[1:]:
        inside = list(remedy(other, "", level + 1))
        yield from folded(f"Or: {tagged(other['title'])}", inside)
        yield ""
    proof = list(evidence_lines(finding["evidence"]))
    if proof:
        yield from folded("Proof", list(block(proof, "text")))
        yield ""


def remedy(found: Entry, label: str, level: int) -> Iterator[str]:
    """What to do, step by step, and how to see that it worked. No label: no heading."""
    if label:
        yield f"{'#' * level} {label}: {prose(found['title'])}"
        yield ""
    for number, step in enumerate(found["steps"], 1):
        told = f" ({', '.join(notes(step))})" if notes(step) else ""
        lead = f"{number}. "
        yield f"{lead}{prose(step['text'])}{told}"
        if step["command"]:
            commands = [plain(line, 4000) for line in step["command"].splitlines()]
            yield ""
            yield from block(commands, "sh", " " * len(lead))
    if found["verify"]:
        yield ""
        yield f"Seen to work when: {prose(found['verify'])}"
    if found["docs"]:
        yield ""
        yield f"See {code(found['docs'])}"


def _rest(findings: Sequence[Entry], level: int) -> Iterator[str]:
    """Warnings with what to do, then notes."""
    if not findings:
        return
    yield f"{'#' * level} Also seen"
    yield ""
    for finding in findings:
        where = f" at {code(finding['hop'])}" if finding["hop"] else ""
        named = _LEVELS.get(finding["severity"], "note")
        said = prose(finding["detail"] or finding["title"])
        yield f"- {named} {code(finding['code'])}{where}: {said}"
        for each in finding["remedies"][:1] if finding["severity"] == "warning" else ():
            yield ""
            inside = list(remedy(each, "", level))
            lines = folded(f"What to do: {tagged(each['title'])}", inside)
            yield from (f"  {line}".rstrip() for line in lines)
    yield ""


def _path(subject: Subject) -> Iterator[str]:
    """The hosts of the way, and what each check saw."""
    lines = list(_hops(subject)) + list(_checks(subject.checks))
    if lines:
        yield from folded("The path, host by host and check by check", lines)
        yield ""


def _hops(subject: Subject) -> Iterator[str]:
    hops = subject.hops
    if not hops:
        return
    yield "| host | role | way | addresses | reached | dns ms | tcp ms | tls ms | http ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for hop in hops:
        took = [str(hop["timings_ms"].get(layer, "")) for layer in ("dns", "tcp", "tls", "http")]
        shown = ", ".join(hop["addresses"][:4]) or "none"
        cells = [
            code_cell(hop_name(hop)),
            cell(
                "API server"
                if (subject.kind, hop["role"]) == ("cluster", "registry")
                else hop["role"]
            ),
            cell(hop["via"]),
            code_cell(shown),
            cell(hop["reached"] or "not reached"),
            *took,
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _checks(checks: Sequence[Entry]) -> Iterator[str]:
    if not checks:
        return
    yield "| check | result | what was seen | ms |"
    yield "| --- | --- | --- | --- |"
    for check in checks:
        said = check["summary"]
        if check["blocked_by"]:
            said = f"waits for {check['blocked_by']}"
        took = f"{check['duration_ms']:.0f}" if check["status"] != "skip" else ""
        name = cell(check["name"])
        yield f"| {name} | {_mark(check['status'])} | {cell(said or '')} | {took} |"


def _hit(pull: Entry) -> Iterator[str]:
    """What a cause hits in the cluster, and the cluster's own words."""
    nodes = ", ".join(code(each) for each in pull["nodes"][:8]) or "no node"
    nodes += f" and {len(pull['nodes']) - 8} more" if len(pull["nodes"]) > 8 else ""
    many = "pod" if pull["pods"] == 1 else "pods"
    yield f"{pull['pods']} {many} on {nodes}: {code(pull['reason'])}"
    yield ""
    yield "| workload | containers | pods |"
    yield "| --- | --- | --- |"
    for each in pull["workloads"]:
        name = f"{each['namespace']}: {each['kind']}/{each['name']}"
        yield f"| {code_cell(name)} | {code_cell(', '.join(each['containers']))} | {each['pods']} |"
    yield ""
    if pull["message"]:
        yield from folded("The cluster's own words", list(block([plain(pull["message"])], "text")))
        yield ""


def _left_out(cluster: Entry) -> Iterator[str]:
    if cluster["left_out"]:
        yield "Not read:"
        yield ""
    for each in cluster["left_out"]:
        where = f" in {code(each['namespace'])}" if each["namespace"] else ""
        yield f"- {prose(each['what'])}{where}: {prose(each['why'])}"
    yield ""
