"""Where does the proof lie? The tabs under the path, each a page that is written when it is shown.

They are made after the path was painted, which must not wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, TabbedContent, TabPane

from doctor.tui.filter import Filter
from doctor.tui.paper import Paper, Writer


class Proofs(Vertical):
    """The tabs, and the field that filters what they show."""

    def __init__(self, writers: Mapping[str, Writer]) -> None:
        super().__init__(id="proofs")
        self._writers = writers
        self.filter = Filter("show only lines that hold this; Esc: all")
        """The field that what is shown is filtered by."""

    def compose(self) -> ComposeResult:
        with TabbedContent(id="tabs"):
            with TabPane("Findings", id="findings"):
                yield OptionList(id="list")
            for name, writer in self._writers.items():
                with TabPane(name.capitalize(), id=name):
                    yield Paper(writer, id=f"{name}-page")
        yield self.filter

    def show(self, name: str) -> None:
        """Open a tab, and give it the keys."""
        self.query_one(TabbedContent).active = name
        self.query_one(f"#{name}-page", Paper).focus()

    def write(self, name: str = "") -> None:
        """Write a page anew, or all."""
        for paper in self.query(Paper):
            if not name or paper.id == f"{name}-page":
                paper.filter = self.filter.wanted
                paper.write()
