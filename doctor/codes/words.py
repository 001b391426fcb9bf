"""What may a file of words say? One table a code; a flaw in it is a `Problem`, never an exception.

Somebody else's words must not end a diagnosis: what cannot be used is told and left out. A remedy
with any flaw is left out whole: without its `for`, say, it would be offered to the wrong client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from doctor.codes.template import WordsError, pieces, text
from doctor.frozen import frozen
from doctor.model import Role, Severity, System
from doctor.redact import plain

Changes = Literal["user", "machine", "cluster", "registry"]

CLIENTS = ("shell", "docker", "podman", "containerd", "cri-o", "kubelet", "crane")
_HEADER = re.compile(r"""\n\[{1,2}[ \t]*(["'])(?P<code>[^"'\n]+)\1""")
"""Its first two characters are literal: a whole file is searched in a quarter of the time that `^`
takes."""


@frozen
class Problem:
    """A flaw in a file of words: where, and what would be right."""

    file: str
    code: str
    text: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.code}: {self.text}" if self.code else f"{self.file}: {self.text}"
        )


@frozen
class StepWords:
    """A step as a template; `needs` and `unless` name params."""

    text: str
    command: str | None = None
    root: bool = False
    changes: Changes | None = None
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@frozen
class RemedyWords:
    """A remedy as a template. No `clients` or no `systems`: for all of them."""

    title: str
    steps: tuple[StepWords, ...]
    clients: tuple[str, ...] = ()
    systems: tuple[System, ...] = ()
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    verify: str | None = None
    docs: str | None = None


@frozen
class Words:
    """All that is said under one code."""

    code: str
    file: str
    title: str
    severity: Severity
    means: str
    proof: str
    detail: str
    explains: tuple[str, ...] = ()
    remedies: tuple[RemedyWords, ...] = ()
    station: Role | None = None
    """The station on the way that this code names: it explains what fails at a hop of that role."""
    retired: bool = False


# What a table may hold: a type, a tuple (one of these words), or a frozenset (a list of them).
_CODE: dict[str, Any] = {
    "title": str,
    "severity": get_args(Severity),
    "means": str,
    "proof": str,
    "detail": str,
    "explains": list,
    "remedy": dict,
    "station": get_args(Role),
    "retired": bool,
}
_STEP: dict[str, Any] = {
    "text": str,
    "command": str,
    "root": bool,
    "changes": get_args(Changes),
    "if": list,
    "unless": list,
}
_REMEDY: dict[str, Any] = {
    "title": str,
    "steps": dict,
    "for": frozenset(CLIENTS),
    "system": frozenset(get_args(System)),
    "if": list,
    "unless": list,
    "verify": str,
    "docs": str,
}


def tables(source: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as reason:
        raise WordsError(f"not TOML: {plain(str(reason))}") from None


def parts(source: str) -> dict[str, str]:
    """Each code's own stretch of the file: from its header to the next code's."""
    source = f"\n{source}"
    heads = list(_HEADER.finditer(source))
    ends = [*(head.start() for head in heads[1:]), len(source)]
    found: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=False):
        found[head["code"]] = found.get(head["code"], "") + source[head.start() : end]
    return found


def read(code: str, file: str, table: Any, problems: list[Problem]) -> Words:
    """The table as words. A key that cannot be used is told and left out, and so is a remedy with
    any flaw: without its `for`, say, it would be offered to the wrong client."""
    flaws: list[str] = []
    good = _checked(table, _CODE, flaws)
    remedies: list[RemedyWords] = []
    for number, remedy in enumerate(good.get("remedy", ()), 1):
        try:
            remedies.append(_remedy(remedy))
        except WordsError as flaw:
            flaws.append(f"remedy {number} is left out: {flaw}")
    for key in ("title", "means", "detail"):
        try:
            text(good.get(key, ""), {})
        except WordsError as flaw:
            flaws.append(f"{key}: {flaw}")
            del good[key]
    problems += [Problem(file, code, flaw) for flaw in flaws]
    if not good.get("title") or not good.get("means"):
        raise WordsError("left out: a code has a title and says what it means")
    return Words(
        code=code,
        file=file,
        title=good["title"],
        severity=good.get("severity", "error"),
        means=good["means"],
        proof=good.get("proof", ""),
        detail=good.get("detail", ""),
        explains=tuple(good.get("explains", ())),
        remedies=tuple(remedies),
        station=good.get("station"),
        retired=good.get("retired", False),
    )


def _remedy(table: dict[str, Any]) -> RemedyWords:
    good = _sound(table, _REMEDY)
    if not good.get("title") or not good.get("steps"):
        raise WordsError("a remedy has a title and at least one step")
    text(good["title"], {})
    text(good.get("verify", ""), {})
    return RemedyWords(
        title=good["title"],
        steps=tuple(_step(step) for step in good["steps"]),
        clients=tuple(good.get("for", ())),
        systems=tuple(good.get("system", ())),
        needs=tuple(good.get("if", ())),
        unless=tuple(good.get("unless", ())),
        verify=good.get("verify"),
        docs=good.get("docs"),
    )


def _step(table: dict[str, Any]) -> StepWords:
    good = _sound(table, _STEP)
    if not good.get("text"):
        raise WordsError("a step has a text")
    text(good["text"], {})
    pieces(good.get("command", ""), True)
    return StepWords(
        text=good["text"],
        command=good.get("command", "").strip() or None,
        root=good.get("root", False),
        changes=good.get("changes"),
        needs=tuple(good.get("if", ())),
        unless=tuple(good.get("unless", ())),
    )


def _sound(table: dict[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    flaws: list[str] = []
    good = _checked(table, shape, flaws)
    if flaws:
        raise WordsError("; ".join(flaws))
    return good


def _checked(table: Any, shape: Mapping[str, Any], flaws: list[str]) -> dict[str, Any]:
    """The keys of the table that have their shape; what the others lack goes to `flaws`."""
    if not isinstance(table, dict):
        raise WordsError(f"a table is expected, with the keys {', '.join(shape)}")
    good: dict[str, Any] = {}
    for key, value in table.items():
        if key not in shape:
            flaws.append(f"{plain(key)} is no key here; known: {', '.join(shape)}")
        elif wanted := _unlike(value, shape[key]):
            flaws.append(f"{key} is {wanted}, not {plain(repr(value)[:60])}")
        else:
            good[key] = value
    return good


def _unlike(value: Any, shape: Any) -> str:
    """What the value would have to be; empty where it is that."""
    if isinstance(shape, tuple):
        return "" if value in shape else f"one of {', '.join(shape)}"
    if isinstance(shape, frozenset):
        fits = isinstance(value, list) and all(
            item in shape for item in value if isinstance(item, str)
        )
        fits = fits and all(isinstance(item, str) for item in value)
        return "" if fits else f"a list of {', '.join(sorted(shape))}"
    if shape in (list, dict):
        inner, said = (str, "texts") if shape is list else (dict, "tables")
        fits = isinstance(value, list) and all(isinstance(item, inner) for item in value)
        return "" if fits else f"a list of {said}"
    return "" if isinstance(value, shape) else {str: "text", bool: "true or false"}[shape]
