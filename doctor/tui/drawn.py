"""What is a drawing made of? Its lines, and the names of the evidence that it used.

Evidence is JSON of any shape (a plug-in's, or an older version's): these take of it what is as
expected. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.content import Content

from doctor.tui.ink import took

Drawn = tuple[list[Content], set[str]]
Drawing = Callable[[Mapping[str, Any], int], Drawn]
MOST = 40
"""Items of one list that are drawn."""
NOTHING: Drawn = ([], set())


def entries(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing of anything else."""
    found = value[:MOST] if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]


def listed(value: Any) -> str:
    """The items of a list, in a row."""
    return ", ".join(map(str, value[:MOST])) if isinstance(value, list) else str(value or "")


def ms(value: Any) -> str:
    """Milliseconds as a person reads them."""
    return took(float(value)) if isinstance(value, int | float) else ""


def span(seconds: float) -> str:
    """Seconds as a person says them."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
