"""Is what was given an image reference, and does it mean what it seems to?

Local, also with `--offline`: the text is read, and whether a file has that name. What a person
typed is forgiven the scheme or the command around it; what a file holds is handed to a client as it
stands, and refused. A reference that names no host by the clients' rule, although it looks as if it
did, is a warning: whether the image is on Docker Hub is seen by asking there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from doctor.facts.reference import ReferenceFact
from doctor.model import Case, Check, Client, Finding, Target

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.reference import Reference, Seeming

_CODE = "registry.invalid-reference"
_PLAIN = re.compile(r"[A-Za-z0-9._/:@+ -]+")
"""What can stand in a sed expression between bars once its dots are escaped."""


async def read(case: Case, client: Client, net: Net) -> ReferenceFact:
    """The target's text, read again: a reference that does not parse is not in the target
    itself."""
    from doctor.reference import read_target
    from doctor.reference.excerpt import excerpt

    found = read_target(case.target.text)
    problem = found.problem
    trap = _file_here(case.target, found.reference) or next(iter(found.hints), None)
    inside = str(found.reference or (found.registry and found.registry.authority) or "")
    return ReferenceFact(
        text=problem.text if problem else excerpt(found.text),
        reference=str(found.reference or ""),
        position=problem.position if problem else None,
        kind=problem.kind if problem else "",
        rule=problem.rule if problem else "",
        flaw=case.target.flaw,
        hint=problem.hint if problem else "",
        says=problem.says if problem else "",
        suggestion=(problem.suggestion or "") if problem else inside if found.removed else "",
        removed=found.removed,
        trap=trap.kind if trap else None,
        trap_text=trap.text if trap else "",
        trap_suggestion=trap.suggestion if trap else "",
    )


def _file_here(target: Target, reference: Reference | None) -> Seeming | None:
    """Is there a file of that name where this was typed? Only names of files that hold images are
    looked for, and none where another machine's files count."""
    from doctor.reference.seeming import file_here, named_as_file

    typed = target.source is None and target.root == "/"
    if reference is None or not typed or not named_as_file(target.text):
        return None
    return file_here(target.text, reference) if os.path.isfile(target.text) else None


def judge(case: Case) -> Iterator[Finding]:
    """The flaw of the text, or the misunderstanding that it invites. Pure."""
    fact = case.facts.get(ReferenceFact)
    if fact is None:
        return
    if fact.position is not None:
        yield _refused(case, fact, _statement(fact))
    elif fact.removed and case.target.source:
        said = f"{fact.text} is refused as it stands in the file, where a client reads it unchanged"
        yield _refused(case, fact, f"{said}; the reference alone is expected.")
    if fact.trap:
        yield _misleading(fact)


def _statement(fact: ReferenceFact) -> str:
    if fact.flaw:
        return fact.flaw
    if fact.kind == "empty":
        return f"The text is empty; {fact.rule}."
    position = fact.position or 0
    said = f"{fact.text} is no image reference from its character {position + 1} on: {fact.rule}."
    return f"{said} {fact.hint}".rstrip()


def _refused(case: Case, fact: ReferenceFact, statement: str) -> Finding:
    return Finding(
        code=_CODE,
        subject=fact.text,
        evidence={
            "text": fact.text,
            "position": fact.position,
            "rule": fact.rule or "a reference stands alone, without scheme, command or quotes",
            "client": fact.says or "invalid reference format",
            "meant": fact.suggestion or None,
            **({"flaw": fact.flaw} if fact.flaw else {}),
        },
        params={
            "statement": statement,
            "suggestion": fact.suggestion,
            "login": "yes" if fact.kind == "login" else "",
            **_place(case, fact),
        },
    )


def _misleading(fact: ReferenceFact) -> Finding:
    return Finding(
        code=_CODE,
        severity="warning",
        confidence="likely",
        subject=fact.trap_suggestion,
        evidence={
            "text": fact.text,
            "position": 0,
            "rule": "the part before the first slash is a host if it has a dot, a port or an"
            " upper-case letter, or is localhost",
            "client": fact.reference or f"the registry {fact.text}",
            "meant": fact.trap_suggestion,
        },
        params={
            "statement": fact.trap_text,
            "file_named" if fact.trap == "file" else "meant": fact.trap_suggestion,
        },
    )


def _place(case: Case, fact: ReferenceFact) -> dict[str, str]:
    """Where the text stands, and if it can be mended there, the sed expression that does."""
    if case.target.source is None:
        return {}
    file, line = case.target.source
    if file == "-":
        where = f"line {line} of standard input"
        return {"source": where, **({"unread": where} if fact.flaw else {})}
    place = {"source": f"{file}:{line}"}
    if fact.flaw:
        return {**place, "unread": f"{file}:{line}", "file": file}
    old, new = case.target.text, fact.suggestion
    if new and _PLAIN.fullmatch(old) and _PLAIN.fullmatch(new) and fact.kind != "login":
        place["edit"] = f"{line}s|{old.replace('.', chr(92) + '.')}|{new}|"
        place["file"] = file
        place["line"] = str(line)
    return place


CHECK = Check(
    name="image",
    part="reference",
    scope="target",
    judge=judge,
    read=read,
    question="Is it an image reference, and does it mean what it seems to?",
)
