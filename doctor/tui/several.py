"""How do many targets look? A list, each with its verdict; Enter opens one.

A line is drawn anew only when its target changed, at the pace of the clock: events cost nothing
here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option, OptionDoesNotExist

from doctor.report.terms import called, headline
from doctor.tui.filter import Filter
from doctor.tui.ink import DIM, STATES, STRONG, STYLES, clipped, ends, ink, line, mark
from doctor.tui.sitting import Sitting


class SeveralScreen(Screen[None]):
    """All targets of a sitting."""

    AUTO_FOCUS = "#targets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "app.again", "Again"),
        Binding("R", "app.again_unwell", "Unwell"),
        Binding("e", "app.export", "Export"),
        Binding("b", "app.bundle", "Bundle"),
        Binding("v", "app.next_client", "Client"),
        Binding("a", "app.all_clients", "All clients", show=False),
        Binding("w", "app.watch", "Watch", show=False),
        Binding("slash", "filter", "Filter", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, sitting: Sitting) -> None:
        super().__init__()
        self.sitting = sitting
        self._ready = False
        """Are all its parts there?"""
        self.painted = 0
        """Lines drawn so far."""
        self._document: Mapping[str, Any] | None = None
        self._width = -1
        """That the lines are drawn for."""

    def compose(self) -> ComposeResult:
        yield Static(id="head", classes="head", markup=False)
        yield OptionList(id="targets")
        yield Filter("show only targets that hold this")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._ready = bool(self.query("#head"))  # it may have been left meanwhile
        self.paint()

    def on_resize(self) -> None:
        self.paint()

    def _fill(self) -> None:
        """All lines anew."""
        options = self.query_one("#targets", OptionList)
        chosen = options.highlighted
        options.clear_options()
        wanted = self.query_one(Filter).wanted
        for place in range(self.sitting.count):
            shown = self._line(place)
            if wanted in shown.plain.casefold():
                options.add_option(Option(shown, id=str(place)))
        if not options.option_count:
            options.add_option(Option(ink("No target holds that; Esc: all.", DIM), disabled=True))
        self.painted += self.sitting.count
        options.highlighted = min(chosen or 0, max(0, options.option_count - 1))
        self.sitting.dirty.clear()

    def paint(self) -> None:
        """Draw the lines of targets that changed."""
        if not (self._ready and self.query("#head")):
            return
        self._head()
        width = self.size.width
        if self.sitting.document is not self._document or width != self._width:
            self._document, self._width = self.sitting.document, width
            self._fill()
            self.refresh_bindings()
            return
        options = self.query_one("#targets", OptionList)
        changed, self.sitting.dirty = self.sitting.dirty, set()
        for place in sorted(changed):
            with suppress(OptionDoesNotExist):  # filtered away
                options.replace_option_prompt(str(place), self._line(place))
            self.painted += 1

    def _head(self) -> None:
        sitting = self.sitting
        document = sitting.document
        if document:
            counts = dict.fromkeys(("fail", "incomplete", "warn", "pass"), 0)
            for place in range(sitting.count):
                for entry in sitting.entries(place)[:1]:
                    counts[entry["verdict"]] += 1
            words = {"fail": "failed", "incomplete": "incomplete", "warn": "warned", "pass": "well"}
            under_way = sitting.count - sum(counts.values())
            told = [f"{n} {words[v]}" for v, n in counts.items() if n]
            said = ", ".join([*told, *([f"{under_way} again"] if under_way else [])])
        else:
            ended = sum(p.ended for p in sitting.progress)
            said = f"{ended} of {sitting.count} have ended"
        clock = sitting.origin or (
            f"{time.monotonic() - sitting.began:.1f} s"
            if sitting.running
            else f"{sitting.seconds:.1f} s"
        )
        watch = self.app.watcher.said  # type: ignore[attr-defined]
        right = "  ".join(each for each in (clock, watch) if each)
        left = f"{sitting.count} targets: {said}"
        self.query_one("#head", Static).update(ends(left, right, max(20, self.size.width - 2)))

    def _line(self, place: int) -> Content:
        width = max(30, self.size.width - 6)
        found = self.sitting.entries(place)
        if found:
            entry = found[0]
            state = STATES[entry["verdict"]]
            word, name = headline(entry), called(entry)
            said = ", ".join(entry["root_causes"]) or ""
        else:
            progress = self.sitting.progress[place]
            state = progress.state
            word = state
            name, said = progress.target.text, progress.now
        head = line(mark(state), (f" {word:<17.17} ", STYLES[state]))
        room = max(10, width - head.cell_length)
        shown = clipped(name, room)
        rest = clipped(said, max(0, room - len(shown) - 2)) if room - len(shown) > 8 else ""
        return line(head, (shown, STRONG), (f"  {rest}" if rest else "", DIM))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is not None:
            self.app.drill(int(event.option.id))  # type: ignore[attr-defined]

    def action_filter(self) -> None:
        self.query_one(Filter).ask()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#targets").focus()

    def action_back(self) -> None:
        narrowed = self.query_one(Filter) if self._ready else None
        if narrowed is not None and narrowed.asked:
            narrowed.leave()
            self.query_one("#targets").focus()
        else:
            self.app.back()  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_attached and (self._ready or action == "back")
