"""How is the path drawn? Stations in a line for each place, and one of them chosen.

Where there is room beside the answer, a station a line; else they flow like words. The same widget
for what is under way and for what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.widget import Widget

from doctor.tui.ink import DIM, STRONG, STYLES, clipped, ink, line, mark, took
from doctor.tui.stations import Station, Stretch

_JOIN = " ─ "
_NARROW = 56
"""Below this width a station takes a line of its own."""


class Path(Widget, can_focus=True):
    """The path. Arrows choose a station, Enter opens it, the mouse does both."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "move(-1)", "Station before", show=False),
        Binding("right,down", "move(1)", "Station after", show=False),
        Binding("home", "move(-999)", "First", show=False),
        Binding("end", "move(999)", "Last", show=False),
        Binding("enter", "open", "Evidence", show=False),
    ]

    class Chosen(Message):
        """Another station was chosen; `opened`: it is to be shown."""

        def __init__(self, station: Station, opened: bool) -> None:
            super().__init__()
            self.station = station
            self.opened = opened

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stretches: tuple[Stretch, ...] = ()
        self.place = 0
        self._moved = False
        self._spots: list[tuple[int, int, int]] = []
        """Line, first and last column of each station, as last drawn."""
        self._drawn: tuple[int, list[Content]] | None = None

    @property
    def stations(self) -> list[Station]:
        return [s for stretch in self._stretches for s in stretch.stations]

    @property
    def station(self) -> Station | None:
        """The chosen one."""
        found = self.stations
        return found[min(self.place, len(found) - 1)] if found else None

    def show(self, stretches: Sequence[Stretch]) -> None:
        """Draw this path. Until somebody chose another station, the first that is not well is."""
        higher = len(stretches) != len(self._stretches)
        before = self.station
        self._stretches = tuple(stretches)
        found = self.stations
        if self._moved and before is not None:
            self.place = next(
                (n for n, s in enumerate(found) if (s.check, s.hop) == (before.check, before.hop)),
                min(self.place, max(0, len(found) - 1)),
            )
        else:
            self.place = _worst(found)
        self._drawn = None
        self.refresh(layout=higher or not self.is_mounted or self._lines_changed())
        self.call_after_refresh(self.reveal)
        if self.station is not None and self.station != before:
            self.post_message(self.Chosen(self.station, False))

    def _lines_changed(self) -> bool:
        width = self.content_size.width
        return width > 0 and len(self._lines(width)) != self.content_size.height

    def choose(self, check: str, hop: str | None) -> None:
        """Choose the station of that check at that place."""
        for place, station in enumerate(self.stations):
            if station.check == check and (not hop or station.hop in ("", hop)):
                self._go(place)
                return

    def action_move(self, by: int) -> None:
        self._go(max(0, min(self.place + by, len(self.stations) - 1)))

    def action_open(self) -> None:
        if self.station is not None:
            self.post_message(self.Chosen(self.station, True))

    def _go(self, place: int) -> None:
        self.place, self._moved = place, True
        self._drawn = None
        self.refresh()
        if self.station is not None:
            self.post_message(self.Chosen(self.station, False))
        self.reveal()

    def on_resize(self) -> None:
        """Of another width it has other lines, and of another height there is more to scroll."""
        self.call_after_refresh(self.reveal)

    def reveal(self) -> None:
        """Scroll so that the chosen one is seen."""
        parent = self.parent
        if self.content_size.width:
            self._lines(self.content_size.width)
        if self.place < len(self._spots) and isinstance(parent, Widget):
            y, first, last = self._spots[self.place]
            parent.scroll_to_region(Region(first, y, last - first, 1), animate=False)

    def on_click(self, event: events.Click) -> None:
        for place, (y, first, last) in enumerate(self._spots):
            if event.y == y and first <= event.x < last:
                again = place == self.place
                self._go(place)
                if again:
                    self.action_open()
                return

    def render(self) -> Content:
        from doctor.tui.ink import page

        return page(self._lines(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._lines(width)))

    def on_focus(self) -> None:
        self._drawn = None

    def on_blur(self) -> None:
        self._drawn = None

    def _lines(self, width: int) -> list[Content]:
        if self._drawn is None or self._drawn[0] != width:
            self._spots = []
            lines: list[Content] = []
            draw = self._column if width < _NARROW else self._flow
            for stretch in self._stretches:
                draw(stretch, width, lines)
            self._drawn = (width, lines)
        return self._drawn[1]

    def _chip(self, station: Station, *, alone: bool = True) -> Content:
        """Sign, name and word. `alone` False: the next one has the same word, said once."""
        chosen = len(self._spots) == self.place
        shade = STYLES[station.state]
        here = f"{shade} {'reverse' if self.has_focus else 'underline'}"
        name = (f" {station.check} " if chosen else station.check, here if chosen else STRONG)
        word = f" {station.word}" if alone else ""
        return line(
            mark(station.state),
            "" if chosen else " ",
            name,
            (word.lstrip() if chosen else word, shade),
        )

    def _flow(self, stretch: Stretch, width: int, lines: list[Content]) -> None:
        """Stations one after another, like words; the place's name before them."""
        role = (f"{stretch.role:<8} ", DIM)
        via = "" if stretch.via in ("", "direct") else f" via {stretch.via}"
        if len(stretch.name) + len(via) <= width - 9:
            lines.append(line(role, stretch.name, (via, DIM)))
        else:
            lines.append(line(role, clipped(stretch.name, width - 9)))
            lines += [ink(clipped(f" {' ' * 7}{via}", width), DIM)] if via else []
        row, used = line("  "), 2
        for station, after in zip(stretch.stations, (*stretch.stations[1:], None), strict=True):
            time = took(station.ms)
            same = after is not None and station.state == "blocked" and after.word == station.word
            chip = line(self._chip(station, alone=not same), (f" {time}" if time else "", DIM))
            chip = chip.truncate(width - 2, ellipsis=True)
            join = _JOIN if used > 2 else ""
            if used > 2 and used + len(join) + chip.cell_length > width:
                lines.append(row)
                row, used, join = line("  "), 2, ""
            start = used + len(join)
            row = line(row, (join, DIM), chip)
            used = start + chip.cell_length
            self._spots.append((len(lines), start, used))
        lines.append(row)

    def _column(self, stretch: Stretch, width: int, lines: list[Content]) -> None:
        """A station a line, its time at the right."""
        if lines:
            lines.append(Content(""))
        lines.append(
            line(
                (f"{stretch.role} ", DIM),
                clipped(stretch.name, max(8, width - len(stretch.role) - 1)),
            )
        )
        if stretch.via not in ("", "direct"):
            lines.append(ink(clipped(f"  via {stretch.via}", width), DIM))
        for station in stretch.stations:
            time = took(station.ms)
            chip = self._chip(station).truncate(width - 3 - len(time), ellipsis=True)
            gap = max(1, width - 2 - chip.cell_length - len(time))
            self._spots.append((len(lines), 0, width))
            lines.append(line("  ", chip, " " * gap, (time, DIM)))


def _worst(stations: Sequence[Station]) -> int:
    """The place of the first that failed, or else was warned of, runs, or is the last well one."""
    for state in ("failed", "not done", "warning", "running"):
        for place, station in enumerate(stations):
            if station.state == state:
                return place
    return 0


class Way(VerticalScroll, can_focus=False):
    """What the path scrolls in. Whatever room it is left, the chosen station is seen."""

    def on_resize(self) -> None:
        self.call_after_refresh(self.query_one(Path).reveal)
