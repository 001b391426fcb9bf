"""What is asked for in between? Where a report goes, whether to go on; and pages that are only
read."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from doctor.tui.filter import Filter
from doctor.tui.ink import DIM, STRONG, ink, line, wrapped
from doctor.tui.keys import KEYS
from doctor.tui.paper import Paper, Writer

Doing = Callable[[str], Awaitable[str]]
"""Does it, and says what was done; raises what is said to the user instead."""
ENDINGS = {
    "text": "txt",
    "short": "txt",
    "github": "txt",
    "json": "json",
    "markdown": "md",
    "html": "html",
    "junit": "xml",
    "sarif": "sarif",
}


class Reading(Screen[None]):
    """A page to be read; Escape leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("c", "copy", "Copy command", show=False),
    ]

    def __init__(self, title: str, writer: Writer, commands: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._writer = writer
        self._commands = tuple(commands)
        self._next = 0

    def compose(self) -> ComposeResult:
        yield Static(line((self._title, STRONG)), classes="head", markup=False)
        yield Paper(self._writer, id="reading")
        yield Footer(compact=True, show_command_palette=False)

    def action_back(self) -> None:
        self.dismiss()

    def action_copy(self) -> None:
        """The next of the page's commands."""
        if self._commands:
            self.app.take(self._commands[self._next % len(self._commands)])  # type: ignore[attr-defined]
            self._next += 1


class Things(OptionList):
    """A list of which the footer says how one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose", key_display="Enter"),
    ]


class Choose(Screen[None]):
    """One of a list of named things, and when it is left, another."""

    AUTO_FOCUS = "#targets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(
        self, title: str, things: Sequence[tuple[str, str]], chosen: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._title, self._things, self._chosen = title, things, chosen

    def compose(self) -> ComposeResult:
        yield Static(line((self._title, STRONG)), classes="head", markup=False)
        yield Things(id="targets")
        yield Filter("show only what holds this; Esc: all")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._fill()

    def _fill(self) -> None:
        options, wanted = self.query_one(Things), self.query_one(Filter).wanted
        width = max((len(name) for name, _ in self._things), default=0) + 2
        options.clear_options()
        for name, says in self._things:
            shown = line((f"{name:<{width}}", STRONG), (says, DIM))
            if wanted in shown.plain.casefold():
                options.add_option(Option(shown, id=name))
        if not options.option_count:
            options.add_option(Option(ink("Nothing holds that; Esc: all.", DIM), disabled=True))
        else:
            options.highlighted = 0

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Things).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is not None:
            self._chosen(event.option.id)

    def action_filter(self) -> None:
        self.query_one(Filter).ask()

    def action_back(self) -> None:
        """Out of the filter, out of the list."""
        narrowed = self.query_one(Filter)
        if narrowed.asked:
            narrowed.leave()
            self.query_one(Things).focus()
        else:
            self.app.back()  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_attached


class Dialog(ModalScreen[str | None]):
    """A box in the middle; Escape leaves it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]

    def action_leave(self) -> None:
        self.dismiss(None)


class Ask(Dialog):
    """Shall it be done? Enter or y: yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "yes", "Yes"),
        Binding("n", "leave", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(ink(self._question), markup=False)
            yield Static(ink("Enter: yes    Esc: no", DIM), id="said", markup=False)

    def action_yes(self) -> None:
        self.dismiss("yes")


class Where(Dialog):
    """Into which file? The work is done while the box is open, so that what is wrong can be put
    right."""

    def __init__(self, title: str, path: str, doing: Doing, hint: str = "") -> None:
        super().__init__()
        self._title, self._path, self._doing, self._hint = title, path, doing, hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(line((self._title, STRONG)), markup=False)
            yield Input(value=self._path, id="file", placeholder="a file")
            yield Static(ink(self._hint, DIM), id="said", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#said", Static).update(ink("One moment …", DIM))
        self.run_worker(self._do(event.value.strip()), exclusive=True)

    async def _do(self, file: str) -> None:
        try:
            self.dismiss(await self._doing(file))
        except Exception as problem:
            if not _told(problem):
                raise
            self.query_one("#said", Static).update(ink(str(problem), "$error"))


def _told(problem: Exception) -> bool:
    """Is it the user's to mend, and no bug?"""
    from doctor.process.streams import UndeliveredError
    from doctor.usage import UsageError

    return isinstance(problem, UndeliveredError | UsageError | OSError)


class Export(Dialog):
    """In which format, and into which file? Up and down choose the format while one types."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Format before"),
        Binding("down", "choose(1)", "Format after"),
    ]

    def __init__(self, formats: Sequence[str], doing: Callable[[str, str], str]) -> None:
        super().__init__()
        self._formats, self._doing = tuple(formats), doing

    def compose(self) -> ComposeResult:
        choice = OptionList(*[Option(Content(each), id=each) for each in self._formats])
        choice.can_focus = False
        with Vertical(classes="box"):
            yield Static(line(("Export the report", STRONG)), markup=False)
            yield choice
            yield Input(value=self._file(self._formats[0]), id="file", placeholder="a file")
            yield Static(
                ink("Up, Down: the format    Enter: write    Esc: cancel", DIM),
                id="said",
                markup=False,
            )

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    def _file(self, form: str) -> str:
        """A name that no file here has: what is only offered writes over nothing."""
        ending = ENDINGS.get(form, "txt")
        names = (f"doctor-report{n}.{ending}" for n in ("", *(f"-{m}" for m in range(2, 1000))))
        return next((name for name in names if not os.path.lexists(name)), "")

    @property
    def _format(self) -> str:
        return self._formats[self.query_one(OptionList).highlighted or 0]

    def action_choose(self, by: int) -> None:
        choice = self.query_one(OptionList)
        choice.highlighted = ((choice.highlighted or 0) + by) % len(self._formats)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The name follows the format as long as nobody has typed another."""
        event.stop()
        field = self.query_one("#file", Input)
        if field.value in map(self._file, self._formats):
            field.value = self._file(self._format)
            field.cursor_position = len(field.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(self._doing(self._format, event.value.strip()))
        except Exception as problem:
            if not _told(problem):
                raise
            self.query_one("#said", Static).update(ink(str(problem), "$error"))


class Help(Reading):
    """The page of keys."""

    def __init__(self) -> None:
        super().__init__("Keys", _keys)


def _keys(width: int) -> list[Content]:
    lines: list[Content] = [ink("What each key does, the same everywhere", DIM), Content("")]
    for key, does in KEYS:
        lines += wrapped(does, width, line((f"  {key:<13}", "bold $accent")))
    return [
        *lines,
        Content(""),
        *wrapped(
            "Nothing is changed, pulled or sent away. Everything here is also said by `doctor "
            "check`, as text that a screen reader reads well.",
            width,
            "",
            DIM,
        ),
    ]


def confirm_path(value: str) -> str:
    """A path as typed, with the home in place of ~."""
    from doctor.usage import UsageError

    if not value:
        raise UsageError("a file's name is needed here")
    return os.path.expanduser(value)


def done(app: Any, said: str | None) -> None:
    """Tell what was done."""
    if said:
        app.notify(said)
