"""How do the screens hold together? One application: what is looked at, the keys that mean the same
everywhere, the clock, the clipboard, and the way out.

The clock paints what changed; a run's events only note it. A bug ends in a crash report, which
holds no variables (Textual's own screen would print them).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from doctor.clients.eyes import ALL
from doctor.options import Options
from doctor.redact import plain, scrub
from doctor.tui import rooms
from doctor.tui.clipboard import sequences
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.history import History
from doctor.tui.sitting import Sitting, clients_here
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.tui.dialogs import Where

PACE = 0.08
"""Seconds between two paintings while a run lasts."""
WATCH_SECONDS = 10
INTERRUPTED = 130
_LONG = 70
_UNWELL = ("fail", "incomplete", "warn")

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


@runtime_checkable
class Shows(Protocol):
    """A screen that shows a sitting."""

    sitting: Sitting

    def paint(self) -> None: ...


class DoctorApp(App[int]):
    """The application. `sitting`: what to look at at once; None: the start screen."""

    CSS_PATH = "doctor.tcss"
    TITLE = "registry-doctor"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q,ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self, options: Options, sitting: Sitting | None = None, history: History | None = None
    ) -> None:
        super().__init__()
        self.options = options
        self.history = history or History(None)
        self._first = sitting
        self.watching = ""
        self.copied: list[str] = []
        """Commands that were copied, for the terminal that took no notice."""
        self.bug: BaseException | None = None
        self.signals: tuple[signal.Signals, ...] = ()
        """Those that end the application; set by whoever owns the terminal."""
        self._clients: tuple[str, ...] | None = None
        self._again: Any = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = "doctor-light" if _light(os.environ) else "doctor-dark"
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "basic"

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self.signals:
            loop.add_signal_handler(number, self._signalled, number)
        self._clock = self.set_interval(PACE, self._tick, pause=True)
        if self._first is None:
            self._welcome()
        else:
            self.begin(self._first)

    # What is looked at

    @property
    def sitting(self) -> Sitting | None:
        """What the screen shows, or the one beneath it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Shows):
                return screen.sitting
        return None

    def look_at(self, targets: Sequence[str], client: str = "") -> None:
        """Targets as they were typed."""
        from doctor.intake import given

        named = tuple(str(each) for each in targets)
        options = replace(
            self.options,
            targets=named,
            files=(),
            client=client or self.options.client,
            username=None,
            password_stdin=False,
        )
        found, secret = given(options)
        for each in reversed(named):
            self.history.add(each)
        self.begin(Sitting(options, found, secret))

    def begin(self, sitting: Sitting) -> None:
        """Show what will be asked; only then begin to ask."""
        self._unwatch()
        if sitting.live:
            sitting.plan()
        if sitting.of_cluster:
            from doctor.tui.cluster import ClusterScreen

            self.push_screen(ClusterScreen(sitting))
        else:
            self.show_targets(sitting)
        if sitting.live and sitting.document is None:
            self.call_after_refresh(self._start)

    def show_targets(self, sitting: Sitting) -> None:
        """One target at once, several as a list."""
        if sitting.count > 1:
            from doctor.tui.several import SeveralScreen

            self.push_screen(SeveralScreen(sitting))
        else:
            self.push_screen(DiagnosisScreen(sitting))

    def _welcome(self) -> None:
        """The first screen, in the place of the last one."""
        from doctor.tui.start import StartScreen

        if not isinstance(self.screen, StartScreen):
            start = StartScreen()
            self.switch_screen(start) if len(self.screen_stack) > 1 else self.push_screen(start)

    def drill(self, place: int) -> None:
        """One of several."""
        if self.sitting is not None:
            self.push_screen(DiagnosisScreen(self.sitting, place))

    def enter(self, entry: str) -> None:
        """One of the start screen's entries."""
        from doctor.tui import entries

        entries.enter(self, entry)

    def back(self) -> None:
        """To the screen before; from the first one, to the start."""
        left = self.sitting
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self._welcome()
        if left is not None and self.sitting is not left:
            self._unwatch()
            self.run_worker(left.stop(), group="stop")

    def _start(self, *, keeping: bool = False) -> None:
        if self.sitting is not None:
            self.sitting.start(keeping=keeping)
            self._clock.resume()

    def _tick(self) -> None:
        """Paint what changed; when the run has ended, the document."""
        sitting = self.sitting
        if sitting is None:
            return
        ended = not sitting.running
        if ended:
            self._clock.pause()
            bug = sitting.failure()
            if isinstance(bug, UsageError):
                self.notify(str(bug), severity="error", timeout=10)
            elif bug is not None:
                self.stop_with(bug)
                return
        for screen in self.screen_stack:
            if isinstance(screen, Shows):
                screen.paint()
        if ended and self.watching:
            self._watched()

    # Keys that mean the same everywhere

    def action_again(self) -> None:
        if self.sitting and self.sitting.live and not self.sitting.running:
            self._start()

    def action_again_unwell(self) -> None:
        """What was not well, again; the rest is left out."""
        sitting = self.sitting
        if sitting is None or not sitting.live or sitting.running or sitting.document is None:
            return
        places = [
            n
            for n in range(sitting.count)
            if any(e["verdict"] in _UNWELL for e in sitting.entries(n))
        ]
        if not places:
            self.notify("All is well; there is nothing to run again.")
        elif len(places) == sitting.count:
            self._start()
        else:
            self.begin(sitting.only(places))

    def action_watch(self) -> None:
        """Run again at intervals, or no longer."""
        if self.sitting is None or not self.sitting.live:
            return
        if self.watching:
            self._unwatch()
            self.notify("No longer watching.")
        else:
            self.watching = f"watching, every {WATCH_SECONDS} s"
            self.notify(f"Runs again every {WATCH_SECONDS} s until all is well; w: stop.")
            if not self.sitting.running:
                self._watched()
        self._tick_once()

    def _watched(self) -> None:
        """After a run that was watched: the next, or the end of it."""
        sitting = self.sitting
        if sitting is None or sitting.document is None:
            return
        if sitting.document["verdict"] == "pass":
            self._unwatch()
            self.bell()
            self.notify("All is well now.")
        else:
            self._again = self.set_timer(WATCH_SECONDS, lambda: self._start(keeping=True))

    def _unwatch(self) -> None:
        self.watching = ""
        if self._again is not None:
            self._again.stop()
            self._again = None

    def action_next_client(self) -> None:
        self.next_client()

    def next_client(self) -> None:
        """The same targets through the next client's eyes."""
        sitting = self.sitting
        if sitting is None or not sitting.live or sitting.options is None or sitting.running:
            return
        names = self.clients
        now = sitting.options.client
        following = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
        if following == now:
            self.notify(f"No other client than {now} was found here.")
        else:
            self._replace(sitting.seen_as(following))
            self.notify(f"Looking as {following}.")

    def action_all_clients(self) -> None:
        if self.sitting is not None and self.sitting.live and not self.sitting.running:
            self._replace(self.sitting.seen_as(ALL))

    def _replace(self, sitting: Sitting) -> None:
        """In the place of what is shown."""
        before = self.sitting
        while self.sitting is before and len(self.screen_stack) > 1:
            self.pop_screen()
        self.begin(sitting)

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients of this machine."""
        if self._clients is None:
            self._clients = clients_here(self.options.root)
        return self._clients

    def action_export(self) -> None:
        from doctor.cli import FORMATS
        from doctor.tui.dialogs import Export, confirm_path, done

        sitting = self.sitting
        if sitting is None or sitting.document is None:
            self.notify("There is no report yet.")
            return
        document = sitting.document

        def write(form: str, file: str) -> str:
            from doctor import delivery, output

            path = confirm_path(file)
            delivery.check(path)
            text = output.render(document, form, colour=False, verbose=True, width=80)
            delivery.deliver(path, text)
            return f"Wrote {scrub(path)}"

        self.push_screen(Export(FORMATS, write), lambda said: done(self, said))

    def action_bundle(self) -> None:
        from doctor.tui import entries

        if self.sitting is not None and self.sitting.report is not None:
            entries.bundle(self, self.sitting)

    def action_help(self) -> None:
        from doctor.tui.dialogs import Dialog, helping
        from doctor.tui.keys import KEYS

        if not isinstance(self.screen, Dialog):
            self.push_screen(helping(KEYS))

    def ask_where(self, box: Where) -> None:
        """Show the box, and then what was done."""
        from doctor.tui.dialogs import done

        self.push_screen(box, lambda said: done(self, said))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What does not apply is grey; what this installation cannot do is not there."""
        sitting = self.sitting
        if action == "bundle":
            return _grey(sitting and sitting.report) if rooms.has("bundle") else False
        if action == "export":
            return _grey(sitting and sitting.document)
        if action in ("again", "again_unwell", "watch", "next_client", "all_clients"):
            return bool(sitting and sitting.live)
        return True

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """All commands by name."""
        yield SystemCommand(
            "Change theme", "Light, dark, or the terminal's own", self.action_change_theme
        )
        yield SystemCommand("Help", "What each key does", self.action_help)
        yield SystemCommand("Quit", "Leave", self.action_quit)
        seen = set()
        for _, binding, enabled, _ in screen.active_bindings.values():
            if enabled and binding.description and binding.description not in seen:
                seen.add(binding.description)
                if binding.action.startswith(("app.", "screen.")) or hasattr(
                    screen, f"action_{binding.action.partition('(')[0]}"
                ):
                    yield SystemCommand(
                        binding.description,
                        f"key {binding.key}",
                        lambda action=binding.action: self._do(action, screen),
                    )

    async def _do(self, action: str, screen: Screen[Any]) -> None:
        await self.run_action(action, screen)

    # The clipboard

    def take(self, text: str, what: str = "") -> None:
        """Put a command on the clipboard, and say what was put there."""
        safe = scrub(text)
        self.copied.append(safe)
        self.copy_to_clipboard(safe)
        shown = safe if len(safe) <= _LONG else f"{safe[:_LONG]}…"
        self.notify(f"Copied{f' {what}' if what else ''}: {shown}", timeout=4)

    def notify(self, message: str, **more: Any) -> None:
        """Whatever is said: through the gate, made plain, and no markup."""
        super().notify(plain(scrub(message), 400), **more | {"markup": False})

    def copy_to_clipboard(self, text: str) -> None:
        """By the terminal; see `doctor.tui.clipboard`."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequences(text, os.environ))

    # The way out

    async def action_quit(self) -> None:
        """Leave; what is under way ends first."""
        await self._leave(self.exit_code())

    def exit_code(self) -> int:
        """The contract's, of the last report; of a run that was left, an interruption's."""
        from doctor.checkup import exit_code

        sitting = self.sitting
        if sitting is None:
            return 0
        document = sitting.document
        if document is None or (sitting.running and not self.watching):
            return INTERRUPTED if sitting.live else 0
        return exit_code(document["verdict"], self.options.strict)

    async def _leave(self, code: int) -> None:
        if self.sitting is not None:
            await self.sitting.stop()
        self.exit(code)

    def _signalled(self, number: signal.Signals) -> None:
        self.run_worker(self._leave(128 + number), exit_on_error=False)

    def stop_with(self, bug: BaseException) -> None:
        """A bug: leave, and let whoever started this tell of it."""
        self._handle_exception(bug if isinstance(bug, Exception) else RuntimeError(repr(bug)))

    def _handle_exception(self, error: Exception) -> None:
        """In place of Textual's, which prints local variables."""
        self._return_code = 1
        if self._exception is None:
            self.bug = self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _tick_once(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Shows):
                screen.paint()


def _grey(applies: object) -> bool | None:
    return True if applies else None


def _light(environ: Mapping[str, str]) -> bool:
    """Does the terminal say that its background is light? (COLORFGBG of rxvt and Konsole.)"""
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
