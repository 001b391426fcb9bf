"""How does a page of text fill the room that it has? It is written anew for each width.

`Paper` is text that scrolls: the writer is asked for lines of the present width, and again when the
width changes or what is told does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.geometry import Region
from textual.widgets import Static

from doctor.tui.ink import page

Writer = Callable[[int], Sequence[Content]]


class Paper(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Text of a writer, and a filter on its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", show=False),
        Binding("down", "scroll_down", "Down", show=False),
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "scroll_end", "End", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
    ]

    def __init__(
        self, writer: Writer, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._writer = writer
        self._sheet = Static(classes="sheet", markup=False)
        self._width = 0
        self.filter = ""

    def compose(self) -> ComposeResult:
        yield self._sheet

    def write(self, showing: str = "") -> None:
        """Write anew; what is not shown, when its turn comes. `showing`: scroll to the line that
        holds this."""
        self._width = 0
        if self.is_mounted and self.size.width:
            self._fill()
            if showing:
                self.call_after_refresh(self._reveal, showing)

    def _reveal(self, text: str) -> None:
        for place, each in enumerate(self.text.split("\n")):
            if text in each:
                self.scroll_to_region(Region(0, max(0, place - 2), 1, 4), animate=False)

    def on_mount(self) -> None:
        self.call_after_refresh(self._fill)

    def on_resize(self, event: Resize) -> None:
        self._fill()

    def on_show(self) -> None:
        self._fill()

    def _fill(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._width:
            return
        self._width = width
        lines = self._writer(max(20, width))
        if self.filter:
            wanted = self.filter.casefold()
            lines = [each for each in lines if wanted in each.plain.casefold()]
        self._sheet.update(page(lines))

    @property
    def text(self) -> str:
        """What stands there, for tests."""
        content = self._sheet.content
        return content.plain if isinstance(content, Content) else str(content)
