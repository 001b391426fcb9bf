"""What does one see first? A field for the target, what was looked at lately, and what else there
is. Nothing is contacted."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from doctor.command.parsers import DEFAULT_TARGET
from doctor.tui.ink import DIM, STRONG, ink, line

_ENTRIES = (
    ("cluster", "Check my cluster", "which image pulls fail there, and why"),
    ("open", "Open a bundle or a report", "somebody else's, looked at like a run of one's own"),
    ("demo", "Demo", "a registry with a fault to choose, on this machine alone"),
)
_QUOTES = "\"'"


class StartScreen(Screen[None]):
    """The first screen."""

    AUTO_FOCUS = "#target"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "To the list, and back", show=False),
        Binding("down", "down", "To the list", show=False),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static(line(("registry-doctor", "bold $accent")), markup=False)
            yield Static(
                ink("Why can an image not be pulled? Nothing is changed, nothing is pulled.", DIM),
                markup=False,
            )
            yield Input(id="target", placeholder=f"image or registry, such as {DEFAULT_TARGET}")
            yield OptionList(id="entries")
            yield Static(
                ink("Enter: look    Down: the list    Ctrl+P: all commands    Ctrl+Q: quit", DIM),
                markup=False,
            )

    def on_mount(self) -> None:
        self._fill("")

    def on_screen_resume(self) -> None:
        """What was looked at meanwhile is offered too."""
        self._fill(self.query_one("#target", Input).value)

    def _fill(self, typed: str) -> None:
        """What fits to what is typed, then the rest of what can be done."""
        options = self.query_one("#entries", OptionList)
        options.clear_options()
        recent = self.app.history.targets  # type: ignore[attr-defined]
        fitting = [each for each in recent if typed.casefold() in each.casefold()]
        for each in fitting:
            options.add_option(Option(line(each, ("  looked at lately", DIM)), id=f"recent {each}"))
        for entry, title, what in _ENTRIES:
            options.add_option(Option(line((title, STRONG), (f"  {what}", DIM)), id=entry))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.app.look_at(words(event.value) or [DEFAULT_TARGET])  # type: ignore[attr-defined]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = event.option.id or ""
        kind, _, rest = chosen.partition(" ")
        if kind == "recent":
            self.app.look_at([rest])  # type: ignore[attr-defined]
        else:
            self.app.enter(kind)  # type: ignore[attr-defined]

    def action_leave(self) -> None:
        """From the field to the list, and back."""
        if self.query_one("#entries").has_focus:
            self.set_focus(self.query_one("#target"))
        else:
            self.action_down()

    def action_down(self) -> None:
        """To the list, at once: the next key is meant for it, however soon it comes."""
        options = self.query_one("#entries", OptionList)
        self.set_focus(options)
        options.highlighted = options.highlighted or 0


def words(typed: str) -> list[str]:
    """Targets as the shell would read them. A quote that nothing closes ends with the text."""
    first = typed.strip()[:1]
    for text in (typed, *([typed + first] if first in _QUOTES else [])):
        with suppress(ValueError):
            return [each for each in shlex.split(text) if each.strip()]
    return [each.strip(_QUOTES) for each in typed.split()]
