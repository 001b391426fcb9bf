"""What does every screen stand on, whatever it shows? Nothing of a text comes alive, a copied
command reaches the terminal, a signal or a bug leaves the terminal as it was.

The one file that overrides what Textual keeps to itself: its own crash screen prints variables.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.css.stylesheet import Stylesheet
from textual.errors import NoWidget
from textual.events import Click
from textual.theme import Theme
from textual.widgets import OptionList
from textual.worker import WorkerFailed

from doctor.redact import plain, scrub
from doctor.tui.clipboard import sequences

_LONG = 70
_turned = OptionList._move_page


def _turn(options: OptionList, direction: Any) -> None:
    """Turn a page of a list, the command palette's included. One without room for a line does not
    know where its lines stand (Textual 8.2.8 ends with a KeyError)."""
    if options.scrollable_content_region:
        _turned(options, direction)


OptionList._move_page = _turn  # type: ignore[assignment, method-assign]
_clicked = CommandPalette._on_click


def _click(palette: CommandPalette, event: Click) -> None:
    """A click beside the palette leaves it. Where nothing is drawn (any longer), as when the
    terminal has just become smaller, Textual 8.2.8 ends with a NoWidget."""
    with suppress(NoWidget):
        _clicked(palette, event)


CommandPalette._on_click = _click  # type: ignore[assignment, method-assign]
DARK = Theme(
    name="doctor-dark",
    primary="#7aa2c9",
    secondary="#b39ddb",
    accent="#7fc8c2",
    success="#8fbf7f",
    warning="#e0b867",
    error="#e58080",
    foreground="#d6dbe0",
    background="#14181d",
    surface="#1a2027",
    panel="#222a33",
    dark=True,
)
LIGHT = Theme(
    name="doctor-light",
    primary="#2f6090",
    secondary="#6a4fa3",
    accent="#0f6f6a",
    success="#2f7031",
    warning="#8a5a00",
    error="#b3261e",
    foreground="#20262d",
    background="#fbfbf9",
    surface="#f1f2f0",
    panel="#e4e7e8",
    dark=False,
)


class Rules(Stylesheet):
    """The rules of how it looks, parsed once for the same colours. Textual 8.2.8 parses all of them
    again when the first theme is in place: a twentieth of the time to the first picture."""

    _changed = True

    def set_variables(self, variables: dict[str, str]) -> None:
        self._changed = variables != self._variables
        if self._changed:
            super().set_variables(variables)

    def reparse(self) -> None:
        """What was added meanwhile is parsed when it is asked for, as ever."""
        if self._changed:
            super().reparse()


class Stage(App[int]):
    """The application without its screens."""

    ALLOW_SELECT = False
    """Text that the mouse marked could not be copied: Ctrl+C leaves, and `c` copies commands (with
    Shift the terminal marks by itself). A mouse that is pressed on what is just taken away ends
    Textual 8.2.8's marking with an AttributeError."""

    def __init__(self) -> None:
        super().__init__()
        self.copied: list[str] = []
        """Commands that were copied, for the terminal that took no notice."""
        self.bug: BaseException | None = None
        self.signals: tuple[signal.Signals, ...] = ()
        """Those that end the application; set by whoever owns the terminal."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = "doctor-light" if _light(os.environ) else "doctor-dark"
        self.stylesheet = Rules(variables=self.get_css_variables())
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "basic"

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self.signals:
            loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        self.run_worker(self.leave(128 + number), exit_on_error=False)

    def action_command_palette(self) -> None:
        """Textual 8.2.8 gives each the same id: asked for while one is just being left, it ends
        with a DuplicateIds."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette())

    async def leave(self, code: int) -> None:
        """The way out."""
        self.exit(code)

    def take(self, text: str, what: str = "") -> None:
        """Put a command on the clipboard, and say what was put there."""
        safe = scrub(text)
        self.copied.append(safe)
        self.copy_to_clipboard(safe)
        self.clear_notifications()  # of one command after another only the last is told
        shown = safe if len(safe) <= _LONG else f"{safe[:_LONG]}…"
        self.notify(f"Copied{f' {what}' if what else ''}: {shown}", timeout=4)

    def copy_to_clipboard(self, text: str) -> None:
        """By the terminal; see `doctor.tui.clipboard`."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequences(text, os.environ))

    def notify(self, message: str, **more: Any) -> None:
        """Whatever is said: through the gate, made plain, and no markup. Said again, it stands
        there once."""
        said = plain(scrub(message), 400)
        for each in [each for each in self._notifications if each.message == said]:
            self._unnotify(each, refresh=False)
        super().notify(said, **more | {"markup": False})

    def stop_with(self, bug: BaseException) -> None:
        """A bug: leave, and let whoever started this tell of it."""
        self._handle_exception(bug if isinstance(bug, Exception) else RuntimeError(repr(bug)))

    def _handle_exception(self, error: Exception) -> None:
        if _of_a_palette_that_was_left(error):
            return
        self._return_code = 1
        if self._exception is None:
            self.bug = self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


def _of_a_palette_that_was_left(error: Exception) -> bool:
    """Did the command palette look for its list when it was gone? (Textual 8.2.8: left at once, it
    begins its search all the same.)"""
    why = error.error if isinstance(error, WorkerFailed) else None
    return isinstance(why, NoMatches) and "CommandPalette(" in str(why)


def _light(environ: Mapping[str, str]) -> bool:
    """Does the terminal say that its background is light? (COLORFGBG of rxvt and Konsole.)"""
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
