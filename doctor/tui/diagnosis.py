"""How does one target's diagnosis look? The answer on top, the path under it, then the proof.

While the run lasts the path fills; before anything is contacted it shows the whole plan. When the
document is there, everything is drawn from it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from doctor.tui import pages
from doctor.tui.changes import changes
from doctor.tui.evidence import item, listed, none_listed, whole
from doctor.tui.ink import DIM, ends, ink
from doctor.tui.paper import Paper
from doctor.tui.path import Path, Way
from doctor.tui.remedies import Remedies
from doctor.tui.sitting import Sitting
from doctor.tui.stations import of_document

if TYPE_CHECKING:
    from doctor.tui.proofs import Proofs


class DiagnosisScreen(Screen[None]):
    """One target of a sitting."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - as Screen has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall"), (34, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Again"),
        Binding("c", "copy", "Copy"),
        Binding("e", "app.export", "Export"),
        Binding("b", "app.bundle", "Bundle"),
        Binding("v", "next_client", "Client"),
        Binding("a", "app.all_clients", "All clients", show=False),
        Binding("n", "next_way", "Another way", show=False),
        Binding("w", "app.watch", "Watch", show=False),
        Binding("slash", "filter", "Filter", show=False),
        Binding("space", "read", "Read on", show=False),
        Binding("escape", "back", "Back", show=False),
        Binding("enter", "open", "Evidence", show=False),
        Binding("left", "move(-1)", "Station before", show=False),
        Binding("right", "move(1)", "Station after", show=False),
        *[Binding(str(n), f"copy({n})", f"Copy command {n}", show=False) for n in range(1, 10)],
    ]

    def __init__(self, sitting: Sitting, place: int = 0) -> None:
        super().__init__()
        self.sitting = sitting
        self._ready = False
        """Are all its parts there?"""
        self._proofs: Proofs | None = None
        self.place = place
        self._eyes = 0
        """Which of the clients that looked."""
        self._remedies = Remedies()
        self._shown: Mapping[str, Any] | None = None
        self._first = sitting.first

    def compose(self) -> ComposeResult:
        yield Static(id="head", classes="head", markup=False)
        with Container(id="top"):
            yield Paper(self._answer, id="answer")
            with Way(id="way"):
                yield Path(id="path")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._ready = bool(self.query("#head"))  # it may have been left meanwhile
        self.paint()
        self.call_after_refresh(self.call_after_refresh, self._complete)  # the run begins before

    def on_resize(self) -> None:
        """The head and the list's lines have their width."""
        if self._ready:
            self._head()
            self._list()

    async def _complete(self) -> None:
        """What is under the path, once the path was seen; nothing where it was left meanwhile."""
        if not (self._ready and self.is_attached):
            return
        from doctor.tui.proofs import Proofs

        writers = {
            "evidence": self._evidence,
            "timing": self._timing,
            "clients": self._clients,
            "facts": self._facts,
        }
        proofs = Proofs(writers)
        await self.mount(proofs, after="#top")
        if proofs.query("#list"):  # it was left meanwhile, else
            self._proofs = proofs
            self._list()
            self._open_first()

    def on_descendant_focus(self) -> None:
        """Where the room is small, what is read gets more of it."""
        proofs = self._proofs
        proving = proofs is not None and proofs.has_focus_within
        self.set_class(proving, "-proof")
        if proving:
            self.query_one("#answer").scroll_home(animate=False)
        self.set_class(self.query_one("#answer").has_focus, "-reading")
        self.call_after_refresh(self._path.reveal)

    @property
    def entry(self) -> Mapping[str, Any] | None:
        """The document's part about this target."""
        found = self.sitting.entries(self.place)
        return found[self._eyes % len(found)] if found else None

    def paint(self) -> None:
        """Draw what changed since the last time."""
        entry = self.entry
        if not (self._ready and self.query("#head")):
            return
        self._head()
        self.set_class(entry is None or entry["verdict"] == "pass", "-calm")
        if entry is None:
            if self.sitting.progress:
                self.query_one(Path).show(self.sitting.progress[self.place].stretches())
            self.query_one("#answer", Paper).write()
            self._shown = None
        elif entry is not self._shown:
            self._shown = entry
            self._remedies.of(entry)
            self.query_one(Path).show(of_document(entry))
            paper = self.query_one("#answer", Paper)
            paper.write()
            if not self.app.watcher.on:  # type: ignore[attr-defined]
                paper.scroll_home(animate=False)
            self._list()
            if self._proofs is not None:
                self._proofs.write()
            self._read_first()
            self._open_first()
        self.refresh_bindings()

    def _open_first(self) -> None:
        """The tab that was asked for, once: when it and what stands on it are there."""
        if self._first and self._proofs is not None and self.entry is not None:
            self._proofs.show(self._first)
            self._first = ""

    def _read_first(self) -> None:
        """What is to be done stands before the reader, where there is no room for all."""
        if self._remedies.ways and not self.has_class("-high") and self.focused is self._path:
            self.query_one("#answer").focus()

    @property
    def _path(self) -> Path:
        return self.query_one(Path)

    def _head(self) -> None:
        sitting, entry = self.sitting, self.entry
        target = sitting.targets[self.place] if sitting.targets else None
        name = entry["target"] if entry else target.text if target else ""
        client = entry["client"] if entry else target.client if target else ""
        if sitting.running:
            clock = f"{time.monotonic() - sitting.began:.1f} s"
        elif sitting.origin:
            clock = sitting.origin
        else:
            clock = f"{sitting.seconds:.1f} s" if sitting.seconds else ""
        watch = self.app.watcher.said  # type: ignore[attr-defined]
        demo = "demo" if sitting.note else ""
        many = len(sitting.entries(self.place))
        eyes = f"as {client}" + (f", {self._eyes % many + 1} of {many}" if many > 1 else "")
        right = "  ".join(each for each in (demo, eyes, clock, watch) if each)
        self.query_one("#head", Static).update(
            ends(name or "(an empty text)", right, max(20, self.size.width - 2))
        )

    def _changes(self) -> list[str]:
        """Since the run before."""
        before, entry = self.sitting.entries_before(self.place), self.entry
        if entry is None or not before:
            return []
        return changes(before[self._eyes % len(before)], entry)

    def _answer(self, width: int) -> list[Content]:
        if self.entry is None:
            return pages.under_way(self.sitting, self.place, width)
        lines = self._remedies.answer(width, airy=self.has_class("-high"))
        return pages.around(lines, self.sitting, self._changes(), width)

    def _evidence(self, width: int) -> list[Content]:
        return pages.evidence(self.sitting, self.entry, self._path.station, width)

    def _timing(self, width: int) -> list[Content]:
        return pages.timing(self.entry, width)

    def _clients(self, width: int) -> list[Content]:
        known = len(self.app.clients) if self.sitting.elsewhere else 1  # type: ignore[attr-defined]
        return pages.clients(self.sitting, self.entry, known, width)

    def _facts(self, width: int) -> list[Content]:
        return pages.facts(self.entry)

    def _list(self) -> None:
        if self._proofs is None:
            return
        entry = self.entry
        found = listed(entry["findings"]) if entry else []
        options = self._proofs.query_one("#list", OptionList)
        wanted, chosen = self._proofs.filter.wanted, options.highlighted or 0
        options.clear_options()
        for place, finding in enumerate(found):
            shown = item(finding, self.size.width - 5)
            if wanted in shown.plain.casefold():
                options.add_option(Option(shown, id=str(place)))
        if not options.option_count:
            said = none_listed(entry, wanted)
            options.add_option(Option(ink(said, DIM), disabled=True))
        else:
            options.highlighted = min(chosen, options.option_count - 1)

    def action_again(self) -> None:
        """All of it, or of several targets this one."""
        several = self.sitting.count > 1
        self.app.again(*([self.place] if several else []))  # type: ignore[attr-defined]

    def action_open(self) -> None:
        """The chosen station's evidence."""
        self._path.action_open()

    def action_move(self, by: int) -> None:
        """Another station, from wherever one reads."""
        self._path.action_move(by)

    def on_path_chosen(self, event: Path.Chosen) -> None:
        event.stop()
        if self._proofs is not None:
            self._proofs.write("evidence")
            if event.opened:
                self._proofs.show("evidence")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entry = self.entry
        if entry is None or event.option.id is None:
            return
        finding = listed(entry["findings"])[int(event.option.id)]
        commands = [s["command"] for r in finding["remedies"] for s in r["steps"] if s["command"]]
        from doctor.tui.dialogs import Reading

        self.app.push_screen(
            Reading(str(finding["code"]), lambda width: whole(finding, width), commands)
        )

    def action_copy(self, step: int = 0) -> None:
        """Copy the command that is marked, or the one of that step; the mark goes on."""
        taken = self._remedies.take(step)
        if taken is None:
            self.app.notify("There is no command to copy here.")
            return
        self.app.take(taken[1], f"step {taken[0]}")  # type: ignore[attr-defined]
        self.query_one("#answer", Paper).write(showing="▸")

    def action_next_way(self) -> None:
        """The next remedy, or the next cause's."""
        if self._remedies.turn():
            self.query_one("#answer", Paper).write(showing="To do  ")

    def action_next_client(self) -> None:
        """The next client that looked; where only one did, the next one here looks."""
        if len(self.sitting.entries(self.place)) > 1:
            self._eyes += 1
            self.paint()
        else:
            self.app.action_next_client()  # type: ignore[attr-defined]

    def action_read(self) -> None:
        """On in the answer, from wherever one is."""
        self.query_one("#answer", Paper).scroll_page_down(animate=False)

    def action_filter(self) -> None:
        if self._proofs is not None:
            self._proofs.filter.ask()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list()
        if self._proofs is not None:
            self._proofs.write()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#tabs").query_one("Tabs").focus()

    def action_back(self) -> None:
        """Out of the filter, out of the proof, out of the screen."""
        proofs = self._proofs
        if proofs is not None and proofs.filter.asked:
            proofs.filter.leave()
            self._path.focus()
        elif proofs is not None and proofs.has_focus_within:
            self._path.focus()
        else:
            self.app.back()  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not (self._ready and self.is_attached):
            return action == "back" and self.is_attached
        if action == "again":
            return self.sitting.live
        if action == "copy":
            return self._remedies.copyable(*parameters)
        if action == "next_client":
            several = len(self.sitting.entries(self.place)) > 1
            return several or self.sitting.elsewhere
        return True
