"""How do the screens hold together? One application: what is looked at, the keys that mean the same
everywhere, and the clock.

The clock paints what changed; a run's events only note it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from doctor.command.options import Options
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.history import History
from doctor.tui.keys import EXPLAINED, applies, commands, why_not
from doctor.tui.sitting import Sitting, clients_here
from doctor.tui.stage import Stage
from doctor.tui.watch import Watch
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.tui.dialogs import Where

PACE = 0.08
"""Seconds between two paintings while a run lasts."""
INTERRUPTED = 130


@runtime_checkable
class Shows(Protocol):
    """A screen that shows a sitting."""

    sitting: Sitting

    def paint(self) -> None: ...


class DoctorApp(Stage):
    """The application. `sitting`: what to look at at once; None: where `opening` leads, else the
    start screen."""

    CSS_PATH = "doctor.tcss"
    TITLE = "registry-doctor"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q,ctrl+c", "quit", "Quit", show=False, priority=True),
        *EXPLAINED,
    ]

    def __init__(
        self,
        options: Options,
        sitting: Sitting | None = None,
        history: History | None = None,
        opening: Callable[[DoctorApp], None] | None = None,
    ) -> None:
        super().__init__()
        self.options = options
        self.history = history or History(None)
        self._first = sitting
        self._opening = opening
        self.watcher = Watch(self, partial(self._start, keeping=True))
        self._clients: tuple[str, ...] | None = None

    def on_mount(self) -> None:
        self._clock = self.set_interval(PACE, self._tick, pause=True)
        if self._first is not None:
            self.begin(self._first)
        elif self._opening is not None:
            self._opening(self)
        else:
            from doctor.tui.start import StartScreen

            self.push_screen(StartScreen())

    # What is looked at

    @property
    def sitting(self) -> Sitting | None:
        """What the screen shows, or the one beneath it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Shows):
                return screen.sitting
        return None

    def look_at(self, targets: Sequence[str], client: str = "") -> None:
        """Targets as they were typed; `client`: through whose eyes, where not the usual one's."""
        from doctor.tui import entries

        entries.look_at(self, tuple(map(str, targets)), client)

    def begin(self, sitting: Sitting) -> None:
        """Show what will be asked; only then begin to ask."""
        self.watcher.stop()
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

    def drill(self, place: int) -> None:
        """One of several."""
        if self.sitting is not None:
            self.push_screen(DiagnosisScreen(self.sitting, place))

    def enter(self, entry: str) -> None:
        """One of the start screen's entries."""
        from doctor.tui import entries

        entries.enter(self, entry)

    def back(self) -> None:
        """To the screen before; there is none before the first one that was seen."""
        left = self.sitting
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.notify("This is the first screen; q quits.")
        if left is not None and self.sitting is not left:
            self.watcher.stop()
            self.run_worker(left.stop(), group="stop")

    def _start(self, *, keeping: bool = False, places: Sequence[int] = ()) -> None:
        if self.sitting is not None:
            self.sitting.start(keeping=keeping, places=places)
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
        if ended and sitting.document is not None:
            self.watcher.ended(sitting.document)
        self._paint()

    def _paint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Shows):
                screen.paint()

    # Keys that mean the same everywhere

    def action_again(self) -> None:
        self.again()

    def again(self, *places: int) -> None:
        """Look again: at all, or only at the targets in these places."""
        if self.sitting and self.sitting.live and not self.sitting.running:
            self._start(places=places)

    def action_again_unwell(self) -> None:
        """Of several targets those that are not well, again; what is known of the rest stands."""
        sitting = self.sitting
        if sitting is None or sitting.running or sitting.document is None:
            return
        if places := sitting.unwell:
            self.again(*places)
        else:
            self.notify("All is well; there is nothing to run again.")

    def action_watch(self) -> None:
        """Run again at intervals, or no longer."""
        sitting = self.sitting
        if sitting is None or not sitting.live:
            return
        if self.watcher.on:
            self.watcher.stop()
            self.notify("No longer watching.")
        else:
            self.watcher.begin(None if sitting.running else sitting.document)
            if not sitting.running and sitting.document is not None:
                self.watcher.ended(sitting.document)
        self._paint()

    def action_next_client(self) -> None:
        from doctor.tui import entries

        entries.next_client(self)

    def action_all_clients(self) -> None:
        from doctor.tui import entries

        entries.all_clients(self)

    def replace(self, sitting: Sitting) -> None:
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
        from doctor.tui import entries

        if self.sitting is None or self.sitting.document is None:
            self.notify("There is no report yet.")
        else:
            entries.export(self, self.sitting.document)

    def action_bundle(self) -> None:
        from doctor.tui import entries

        if self.sitting is not None and self.sitting.report is not None:
            entries.bundle(self, self.sitting)

    def action_explain(self, key: str) -> None:
        """A key that nothing took: why not?"""
        if isinstance(self.screen, Shows) and (why := why_not(key, self.screen.sitting)):
            self.notify(why)

    def action_help(self) -> None:
        """The page of keys; from there, back."""
        from doctor.tui.dialogs import Dialog, Help

        if isinstance(self.screen, Help):
            self.screen.dismiss()
        elif not isinstance(self.screen, Dialog):
            self.push_screen(Help())

    def ask_where(self, box: Where) -> None:
        """Show the box, and then what was done."""
        from doctor.tui.dialogs import done

        self.push_screen(box, lambda said: done(self, said))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return applies(action, self.sitting)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """All commands by name."""
        yield SystemCommand(
            "Change theme", "Light, dark, or the terminal's own", self.action_change_theme
        )
        yield SystemCommand("Help", "What each key does", self.action_help)
        yield SystemCommand("Quit", "Leave", self.action_quit)
        for name, key, action in commands(screen):
            shown = f"key {self.get_key_display(key)}"
            yield SystemCommand(name, shown, partial(self.run_action, action, screen))

    # The way out

    async def action_quit(self) -> None:
        """Leave; what is under way ends first."""
        await self.leave(self.exit_code())

    def exit_code(self) -> int:
        """The contract's, of the last report; of a run that was left, an interruption's."""
        from doctor.command.output import exit_code

        sitting = self.sitting
        if sitting is None:
            return 0
        document = sitting.document
        if document is None or (sitting.running and not self.watcher.on):
            return INTERRUPTED if sitting.live else 0
        return exit_code(document["verdict"], self.options.strict)

    async def leave(self, code: int) -> None:
        """What is under way ends first."""
        shown = [each.sitting for each in self.screen_stack if isinstance(each, Shows)]
        for sitting in dict.fromkeys(shown):
            await sitting.stop()
        self.exit(code)
