"""How does a page of text fill the room that it has? It is written anew for each width.

`Paper` is text that scrolls: the writer is asked for lines of the present width, and again when the
width changes or what is told does. Where it has a border, that says how many lines are out of
sight: a command that ends at the edge is else taken for the whole of it.
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
from textual.widgets import Input, Static

from doctor.tui.ink import page

Writer = Callable[[int], Sequence[Content]]


def hidden(above: int, below: int) -> str:
    """How many lines are out of sight."""
    signs = [f"▲ {above}"] if above > 0 else []
    signs += [f"▼ {below}"] if below > 0 else []
    return f"{' '.join(signs)} more line{'s' if above + below != 1 else ''}" if signs else ""


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
        """With two lines before it, where there is room for them: the line is what is wanted."""
        before = max(0, min(2, self.scrollable_content_region.height - 2))
        for place, each in enumerate(self.text.split("\n")):
            if text in each:
                top = max(0, place - before)
                self.scroll_to_region(Region(0, top, 1, place - top + 2), animate=False)

    def on_mount(self) -> None:
        self.watch(self, "scroll_y", self._sign, init=False)
        self.watch(self, "virtual_size", self._sign, init=False)
        self.watch(self.screen, "focused", self._sign, init=False)
        self.call_after_refresh(self._fill)

    def on_resize(self, event: Resize) -> None:
        self._fill()
        self._sign()

    def _sign(self) -> None:
        """What the border says of the lines above and below, and which key shows them."""
        said = hidden(round(self.scroll_y), round(self.max_scroll_y - self.scroll_y))
        reading = self.screen.focused
        theirs = reading is not self and isinstance(reading, Paper | Input)
        said += " (Space)" if "▼" in said and not theirs else ""
        if said != self.border_title:
            self.border_title = self.border_subtitle = said

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
