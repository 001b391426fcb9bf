"""Which remedy is shown, and which of its commands comes next? The place in the answer, kept while
one reads and copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from doctor.tui import answer


class Remedies:
    """The ways to mend what one entry of a document says is wrong."""

    def __init__(self) -> None:
        self.entry: Mapping[str, Any] | None = None
        self.ways: tuple[answer.Way, ...] = ()
        self._which = 0
        self._next = 0
        self._copied: set[int] = set()

    def of(self, entry: Mapping[str, Any] | None) -> None:
        """Begin with the first way of another entry; the same one stays as it is."""
        if entry is not self.entry:
            self.entry = entry
            self.ways = answer.ways(entry["findings"]) if entry else ()
            self._show(0)

    def _show(self, which: int) -> None:
        self._which, self._copied = which, set()
        self._next = min(self.commands, default=0)

    @property
    def way(self) -> answer.Way | None:
        """The one that is shown."""
        return self.ways[self._which] if self.ways else None

    @property
    def commands(self) -> dict[int, str]:
        """Its commands by the number of their step."""
        return self.way.commands if self.way else {}

    def copyable(self, step: object = 0) -> bool | None:
        """Is there a command, or one of that step? None: not now."""
        return True if (step in self.commands if step else self.commands) else None

    def turn(self) -> bool:
        """To the next way; False where there is no other."""
        if len(self.ways) < 2:
            return False
        self._show((self._which + 1) % len(self.ways))
        return True

    def take(self, step: int = 0) -> tuple[int, str] | None:
        """The command of that step, or the marked one; the mark goes on to the next."""
        commands, step = self.commands, step or self._next
        if step not in commands:
            return None
        self._copied.add(step)
        self._next = next((n for n in commands if n > step), min(commands))
        return step, commands[step]

    def answer(self, width: int, *, airy: bool = False) -> list[Content]:
        """The whole answer."""
        if self.entry is None:
            return []
        return answer.answer(
            self.entry, width, self.way, self._place, self._next, sorted(self._copied), airy=airy
        )

    def steps(self, width: int) -> list[Content]:
        """The remedy alone."""
        if self.way is None:
            return []
        return list(answer.steps(self.way, width, self._place, self._next, sorted(self._copied)))

    @property
    def _place(self) -> tuple[int, int]:
        return self._which + 1, max(1, len(self.ways))
