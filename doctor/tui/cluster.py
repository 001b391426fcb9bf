"""How do a cluster's failing pulls look? Grouped by cause: each with its answer, and whom it hits.

The list on top, the chosen one under it; Enter opens it whole, with workloads, nodes and proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from doctor.tui import evidence, pulls
from doctor.tui.dialogs import Ask, Reading
from doctor.tui.filter import Filter
from doctor.tui.ink import DIM, ends, ink, wrapped
from doctor.tui.paper import Paper
from doctor.tui.remedies import Remedies
from doctor.tui.sitting import Sitting


class ClusterScreen(Screen[None]):
    """The cluster's part of a document."""

    AUTO_FOCUS = "#pulls"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "app.again", "Again"),
        Binding("c", "copy", "Copy"),
        Binding("e", "app.export", "Export"),
        Binding("b", "app.bundle", "Bundle"),
        Binding("p", "probe", "Probe"),
        Binding("t", "targets", "Probed images", show=False),
        Binding("a", "everywhere", "All namespaces", show=False),
        Binding("n", "next_way", "Another way", show=False),
        Binding("w", "app.watch", "Watch", show=False),
        Binding("slash", "filter", "Filter", show=False),
        Binding("space", "read", "Read on", show=False),
        Binding("escape", "back", "Back", show=False),
        Binding("enter", "open", "Open", show=False),
        *[Binding(str(n), f"copy({n})", f"Copy command {n}", show=False) for n in range(1, 10)],
    ]

    def __init__(self, sitting: Sitting) -> None:
        super().__init__()
        self.sitting = sitting
        self._ready = False
        """Are all its parts there?"""
        self._remedies = Remedies()
        self._shown: Mapping[str, Any] | None = None
        self._chosen: tuple[object, ...] | None = None
        """Which pull is looked at, also when the list is another one."""

    def compose(self) -> ComposeResult:
        yield Static(id="head", classes="head", markup=False)
        yield OptionList(id="pulls")
        yield Paper(self._pull, id="pull")
        yield Filter("show only pulls that hold this")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._ready = bool(self.query("#head"))  # it may have been left meanwhile
        self.paint()

    def on_resize(self) -> None:
        """Each line has its width."""
        if self._ready:
            self._shown = None
            self.paint()

    @property
    def cluster(self) -> Mapping[str, Any] | None:
        """The document's part about the cluster."""
        document = self.sitting.document
        return document["kubernetes"] if document else None

    @property
    def pull(self) -> Mapping[str, Any] | None:
        """The chosen one."""
        cluster = self.cluster
        options = self.query_one("#pulls", OptionList)
        if cluster is None or options.highlighted is None:
            return None
        place = int(options.get_option_at_index(options.highlighted).id or 0)
        return cluster["pulls"][place] if place < len(cluster["pulls"]) else None  # an older list

    def paint(self) -> None:
        """Draw the document, where it is another one."""
        cluster = self.cluster
        if not (self._ready and self.query("#head")):
            return
        self._head()
        if cluster is not self._shown:
            self._shown = cluster
            self._fill()
        self.query_one("#pull", Paper).write()
        self.refresh_bindings()

    def _head(self) -> None:
        cluster, width = self.cluster, max(20, self.size.width - 2)
        watch = self.app.watcher.said  # type: ignore[attr-defined]
        right = "  ".join(each for each in (self.sitting.origin, watch) if each)
        if cluster is None:
            said = ends(self.sitting.saying or "The cluster is being asked …", watch, width)
        else:
            said = pulls.head(cluster, right, width)
        self.query_one("#head", Static).update(said)

    def _fill(self) -> None:
        """All lines anew; what was chosen stays so."""
        options = self.query_one("#pulls", OptionList)
        before = self._chosen
        options.clear_options()
        found = self.cluster["pulls"] if self.cluster else []
        wanted = self.query_one(Filter).wanted
        places = []
        for place, pull in enumerate(found):
            shown = pulls.row(pull, self.size.width - 4)
            if wanted in shown.plain.casefold():
                options.add_option(Option(shown, id=str(place)))
                places.append(pulls.which(pull))
        chosen = places.index(before) if before in places else 0
        options.highlighted = chosen if places else None
        options.display = bool(found)
        if not found:
            self.query_one("#pull").focus()

    def _pull(self, width: int) -> list[Content]:
        cluster = self.cluster
        if cluster is None:
            return [ink("Nothing is changed: what pods wait for is read, no Secret is shown.", DIM)]
        pull = self.pull
        if pull is None and cluster["pulls"]:
            self._remedies.of(None)
            return [ink("No pull holds that; Esc: all.", DIM)]
        self._remedies.of(pull or cluster)
        lines = pulls.changed(self.sitting.before, cluster, width)
        if pull is None:
            said = pulls.whole(cluster, self.sitting.note, width)
            return [*lines, *said, *self._remedies.steps(width)]

        lines += [*self._remedies.answer(width), Content(""), *pulls.whom(pull, width)]
        lines += pulls.left_out(cluster, width)
        return [*lines, *wrapped(self.sitting.note, width, "", DIM)]

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        pull = self.pull
        self._chosen = pulls.which(pull) if pull else None
        self._remedies.of(pull)
        self.query_one("#pull", Paper).write()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """The chosen one whole."""
        pull = self.pull
        if pull is None:
            return
        commands = [
            s["command"]
            for f in pull["findings"]
            for r in f["remedies"]
            for s in r["steps"]
            if s["command"]
        ]

        def write(width: int) -> list[Content]:
            lines = [*wrapped(pull["summary"], width), Content(""), *pulls.whom(pull, width)]
            for finding in evidence.listed(pull["findings"]):
                lines += [Content(""), *evidence.whole(finding, width)]
            return lines

        self.app.push_screen(Reading(str(pull["image"]), write, commands))

    def action_copy(self, step: int = 0) -> None:
        """Copy the command that is marked, or the one of that step."""
        taken = self._remedies.take(step)
        if taken is None:
            self.app.notify("There is no command to copy here.")
            return
        self.app.take(taken[1], f"step {taken[0]}")  # type: ignore[attr-defined]
        self.query_one("#pull", Paper).write(showing="▸")

    def action_next_way(self) -> None:
        if self._remedies.turn():
            self.query_one("#pull", Paper).write(showing="To do  ")

    def action_probe(self) -> None:
        """The chosen image as the kubelet of this machine would pull it, after asking."""
        pull = self.pull
        if pull is None:
            return
        image = str(pull["image"])

        def answered(yes: str | None) -> None:
            if yes:
                self.app.look_at([image], client="kubelet")  # type: ignore[attr-defined]

        said = f"Walk the way to {image} from this machine, as the kubelet here would?"
        self.app.push_screen(Ask(f"{said} Nothing is pulled or changed."), answered)

    def action_everywhere(self) -> None:
        """Look at all namespaces."""
        from doctor.tui import entries

        if not self.sitting.running:
            self.app.replace(entries.of_cluster(self.app, everywhere=True))  # type: ignore

    def action_targets(self) -> None:
        """The images that were probed, if the document has any."""
        if self.sitting.count:
            self.app.show_targets(self.sitting)  # type: ignore[attr-defined]

    def action_read(self) -> None:
        """On in the answer, from wherever one is."""
        self.query_one("#pull", Paper).scroll_page_down(animate=False)

    def action_filter(self) -> None:
        self.query_one(Filter).ask()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()
        self.query_one("#pull", Paper).write()
        self.refresh_bindings()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#pulls").focus()

    def action_back(self) -> None:
        """Out of the filter, out of the text, out of the screen."""
        if not self._ready:
            self.app.back()  # type: ignore[attr-defined]
            return
        narrowed, listed = self.query_one(Filter), self.query_one("#pulls")
        if narrowed.asked or (self.query_one("#pull").has_focus and listed.display):
            narrowed.leave()
            listed.focus()
        else:
            self.app.back()  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not (self._ready and self.is_attached):
            return action == "back" and self.is_attached
        if action == "copy":
            return self._remedies.copyable(*parameters)
        if action == "probe":
            return True if self.pull else None
        if action == "everywhere":
            return self.sitting.live
        return True
