"""How does foreign text get onto the screen? As text: made plain, never read as markup.

Everything that a screen shows is a `Content` made here. Colours are names of the theme's
(`$error`); where there is none, symbol and word say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual.content import Content

from doctor.redact import plain, scrub

LONGEST = 4000
"""Characters of one text that are shown."""

SYMBOLS = {
    "waiting": "·",
    "running": "…",
    "passed": "✓",
    "warning": "!",
    "failed": "✗",
    "blocked": "-",
    "not done": "?",
}
"""How a station is, and its sign. The word always stands beside it."""
STYLES = {
    "waiting": "$foreground-muted",
    "running": "bold $accent",
    "passed": "$success",
    "warning": "$warning",
    "failed": "bold $error",
    "blocked": "$foreground-muted",
    "not done": "$secondary",
}
DIM = "$foreground-muted"
STRONG = "bold"
STATES = {
    "pass": "passed",
    "warn": "warning",
    "fail": "failed",
    "skip": "blocked",
    "error": "not done",
    "incomplete": "not done",
}
"""A verdict or a status of the document, and the state that it is."""


def safe(text: object, limit: int = LONGEST) -> str:
    """Through the gate, and made plain: what a document holds has been, what a run tells has
    not."""
    return plain(scrub(str(text)), limit)


def ink(text: object, style: str = "", limit: int = LONGEST) -> Content:
    """Any text, safe to show."""
    return Content.styled(safe(text, limit), style)


def line(*parts: Content | str | tuple[object, str]) -> Content:
    """One line of pieces: text, or text and its style."""
    made = [
        part if isinstance(part, Content) else ink(*part) if isinstance(part, tuple) else ink(part)
        for part in parts
    ]
    return Content.assemble(*made)


def page(lines: Iterable[Content]) -> Content:
    """Lines, one below the other."""
    return Content("\n").join(list(lines))


def wrapped(
    text: object, width: int, lead: Content | str = "", style: str = "", hang: int | None = None
) -> list[Content]:
    """Lines of that width; what follows the first stands below its text, or `hang` cells in."""
    head = lead if isinstance(lead, Content) else ink(lead)
    indent = head.cell_length if hang is None else hang
    lines = _filled(safe(text), max(8, width - head.cell_length), width - indent)
    blank = Content(" " * indent)
    return [
        Content.assemble(head if n == 0 else blank, Content.styled(each, style))
        for n, each in enumerate(lines)
    ]


def _filled(text: str, first: int, rest: int) -> list[str]:
    """Words in lines, the first of its own width; only what is longer than a line is broken."""
    lines: list[str] = []
    line, room, rest = "", first, max(16, rest)
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) <= room:
            line = f"{line} {word}"
            continue
        if line or (len(word) > room and room < rest):
            lines.append(line)
            room = rest
        while len(word) > room:
            lines.append(word[:room])
            word, room = word[room:], rest
        line = word
    return [*lines, line]


def ends(left: object, right: object, width: int) -> Content:
    """A line with something at either end; what is at the left is cut first."""
    free = width - len(clipped(left, width)) - 2
    there = clipped(right, max(width // 2, free))
    here = clipped(left, max(8, width - len(there) - 2))
    return line((here, STRONG), " " * max(1, width - len(here) - len(there)), (there, DIM))


def mark(state: str) -> Content:
    """The sign of a state, in its colour."""
    return Content.styled(SYMBOLS.get(state, "?"), STYLES.get(state, ""))


def took(ms: float | None) -> str:
    """A duration as a person reads it; nothing for what took no time worth telling."""
    if ms is None:
        return ""
    if ms < 1:
        return "<1 ms" if ms > 0 else ""
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"


def clipped(text: object, width: int) -> str:
    """At most that many characters, made plain."""
    shown = safe(text)
    return shown if len(shown) <= width else shown[: max(0, width - 1)] + "…"


def told(value: Any, width: int, lead: str = "") -> list[Content]:
    """Evidence nobody has a drawing for: `name: value`, a line each."""
    from doctor.report.terms import evidence_lines

    if not isinstance(value, Mapping):
        return wrapped(value, width, lead)
    found: list[Content] = []
    for each in evidence_lines(value):
        name, colon, rest = each.partition(": ")
        head = line(lead, (f"{name}{colon}", DIM))
        found += (
            wrapped(rest, width, head)
            if head.cell_length < width // 2
            else wrapped(each, width, f"{lead}")
        )
    return found
