"""The report as one paragraph to paste into a chat: what is wrong, with which code, what to do
first, and who looked when.

It is one line, so that a chat shows it as one message. What a chat would take for a call to all its
people is broken up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from doctor.redact import plain
from doctor.report import origin
from doctor.report.subject import Subject, by_what, subjects
from doctor.report.terms import called

_MOST = 5
"""Subjects that are told in words; the rest is counted."""
_TOLD = 400
_CALLS = re.compile(r"@(?=(?:all|channel|everyone|here|room)\b)|<(?=[!@#])", re.IGNORECASE)
_GRAVITY = ("fail", "incomplete", "warn", "pass")


def render(document: Mapping[str, Any]) -> str:
    """One line."""
    found = subjects(document)
    if document.get("clients"):
        said = _compared(document)
    elif len(found) == 1:
        said = [_one(found[0])]
    else:
        said = _several(found)
    said += list(origin.lines(document))[:1]
    return _CALLS.sub(r"\g<0> ", f"{' '.join(said)} ({by_what(document)})") + "\n"


def _one(subject: Subject) -> str:
    """The verdict, the sentence, the codes, and the first thing to do."""
    said = plain(subject.summary, _TOLD)
    named = said.startswith(plain(subject.name, _TOLD)) and subject.verdict in ("pass", "warn")
    parts = [said if named else f"{subject.title}: {subject.headline.lower()}. {said}"]
    causes = subject.causes
    if causes:
        parts.append(f"[{plain(', '.join(dict.fromkeys(f['code'] for f in causes)))}]")
    parts += [f"To do: {plain(r['title'], _TOLD)}." for f in causes[:1] for r in f["remedies"][:1]]
    if subject.not_tried and "Left out: " not in said:
        parts.append(f"Not looked at: {plain(', '.join(subject.not_tried))}.")
    return " ".join(parts)


def _several(found: list[Subject]) -> list[str]:
    """How many of each verdict, then the worst in words."""
    parted = [s for s in found if s.kind != "cluster" or s.causes]
    cluster = [s for s in found if s.kind == "cluster"]
    counts = {v: sum(s.verdict == v for s in parted) for v in _GRAVITY}
    words = {"fail": "failing", "incomplete": "incomplete", "warn": "with warnings", "pass": "well"}
    told = ", ".join(f"{n} {words[v]}" for v, n in counts.items() if n)
    what = "targets" if any(s.kind == "target" for s in parted) else "causes"
    said = [f"{s.title}: {s.summary}" for s in cluster] or [f"{len(parted)} {what}: {told}."]
    worst = [s for v in ("fail", "incomplete") for s in parted if s.verdict == v]
    said += map(_one, worst[:_MOST])
    if len(worst) > _MOST:
        said.append(f"And {len(worst) - _MOST} more.")
    return said


def _compared(document: Mapping[str, Any]) -> list[str]:
    """Who can pull and who cannot, and why."""
    from doctor.report.sidebyside import sentence, together

    said = []
    for own in together(document):
        entries, rows = [entry for entry, _ in own], [row for _, row in own]
        codes = dict.fromkeys(code for row in rows for code in row["root_causes"])
        causes = [f for e in entries for f in e["findings"] if f["root_cause"]]
        said.append(f"{called(entries[0])}: {plain(sentence(entries[0], rows), _TOLD)}")
        said += [plain(causes[0]["detail"], _TOLD)] if causes else []
        said += [f"[{plain(', '.join(codes))}]"] if codes else []
        todo = [r["title"] for f in causes[:1] for r in f["remedies"][:1]]
        said += [f"To do: {plain(each, _TOLD)}." for each in todo]
    return said
