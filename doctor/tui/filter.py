"""What is a list narrowed to? A line to type in, which is there while it is asked for."""

from __future__ import annotations

from textual.widgets import Input


class Filter(Input):
    """The line. What it holds is looked for in whatever stands in the list; `hint` says so."""

    def __init__(self, hint: str) -> None:
        super().__init__(id="filter", placeholder=hint, classes="off")

    @property
    def wanted(self) -> str:
        """What is looked for, however it is capitalised."""
        return self.value.casefold()

    @property
    def asked(self) -> bool:
        """Is the line shown?"""
        return not self.has_class("off")

    def ask(self) -> None:
        """Show the line, and give it the keys."""
        self.remove_class("off")
        self.focus()

    def leave(self) -> None:
        """Everything is shown again."""
        self.value = ""
        self.add_class("off")
