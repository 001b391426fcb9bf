"""How do a cluster's failing pulls look? Grouped by cause: each with its answer, and whom it hits.

The list on top, the chosen one under it; Enter opens it whole, with workloads, nodes and proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from doctor.tui import evidence
from doctor.tui.dialogs import Ask, Reading
from doctor.tui.filter import Filter
from doctor.tui.ink import DIM, STATES, STRONG, STYLES, clipped, ends, ink, line, mark, wrapped
from doctor.tui.paper import Paper
from doctor.tui.remedies import Remedies
from doctor.tui.sitting import Sitting

_FROM = {
    "status": "the container's own status",
    "event": "an event about its pod",
    "sibling": "another pod of the same ReplicaSet",
}


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
        Binding("n", "next_way", "Another way", show=False),
        Binding("w", "app.watch", "Watch", show=False),
        Binding("slash", "filter", "Filter", show=False),
        Binding("space", "read", "Read on", show=False),
        Binding("escape", "back", "Back", show=False),
        *[Binding(str(n), f"copy({n})", f"Copy command {n}", show=False) for n in range(1, 10)],
    ]

    def __init__(self, sitting: Sitting) -> None:
        super().__init__()
        self.sitting = sitting
        self._ready = False
        """Are all its parts there?"""
        self._remedies = Remedies()
        self._shown: Mapping[str, Any] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="head", classes="head", markup=False)
        yield OptionList(id="pulls")
        yield Paper(self._pull, id="pull")
        yield Filter("show only pulls that hold this")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._ready = True
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
        chosen = options.get_option_at_index(options.highlighted).id
        return cluster["pulls"][int(chosen)] if chosen is not None else None

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
        cluster = self.cluster
        if cluster is None:
            left, right = self.sitting.saying or "The cluster is being asked …", ""
        else:
            left = cluster["context"] or "The cluster"
            if cluster["pods_seen"]:
                left += f": {cluster['pods_failing']} of {cluster['pods_seen']} pods cannot pull"
            if cluster["pulls"]:
                left += f", {_many(len(cluster['pulls']), 'cause')}"
            right = self.sitting.origin or f"Kubernetes {cluster['server_version'] or '?'}"
        self.query_one("#head", Static).update(ends(left, right, max(20, self.size.width - 2)))

    def _fill(self) -> None:
        options = self.query_one("#pulls", OptionList)
        options.clear_options()
        pulls = self.cluster["pulls"] if self.cluster else []
        wanted = self.query_one(Filter).wanted
        for place, pull in enumerate(pulls):
            shown = self._line(pull)
            if wanted in shown.plain.casefold():
                options.add_option(Option(shown, id=str(place)))
        options.highlighted = 0 if options.option_count else None
        options.display = bool(pulls)
        if not pulls:
            self.query_one("#pull").focus()

    def _line(self, pull: Mapping[str, Any]) -> Content:
        state = STATES[pull["verdict"]]
        pods = _many(pull["pods"], "pod")
        causes = ", ".join(pull["root_causes"]) or pull["reason"]
        head = line(mark(state), (f" {pods:<9}", STYLES[state]))
        width = max(30, self.size.width - 3) - head.cell_length
        image = clipped(pull["image"], width)
        rest = clipped(f"{causes}  in {', '.join(pull['namespaces'])}", width - len(image) - 2)
        return line(head, (image, STRONG), (f"  {rest}", DIM))

    def _pull(self, width: int) -> list[Content]:
        cluster = self.cluster
        if cluster is None:
            return [ink("Nothing is changed: what pods wait for is read, no Secret is shown.", DIM)]
        pull = self.pull
        self._remedies.of(pull or cluster)
        if pull is None:
            return [*_whole_cluster(cluster, width), *self._remedies.steps(width)]
        lines = self._remedies.answer(width)
        return [*lines, Content(""), *whom(pull, width), *_left_out(cluster, width)]

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._remedies.of(self.pull)
        self.query_one("#pull", Paper).write()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
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
            lines = [*wrapped(pull["summary"], width), Content(""), *whom(pull, width)]
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
            self.query_one("#pull", Paper).write()

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

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#pulls").focus()

    def action_back(self) -> None:
        narrowed = self.query_one(Filter)
        if narrowed.asked:
            narrowed.leave()
            self.query_one("#pulls").focus()
        else:
            self.app.back()  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "copy":
            return True if self._remedies.commands else None
        if action == "probe":
            return True if self.pull else None
        return True


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def whom(pull: Mapping[str, Any], width: int) -> Iterator[Content]:
    """Whom it hits, where, since when, and what the cluster itself said."""
    yield ink("Whom it hits", STRONG)
    for each in pull["workloads"]:
        containers = f" ({', '.join(each['containers'])})" if each["containers"] else ""
        named = f"{each['kind']} {each['namespace']}/{each['name']}{containers}"
        said = f"{named}: {_many(each['pods'], 'pod')}"
        yield from wrapped(said, width, "  ")
    for label, names in (("nodes", pull["nodes"]), ("images", pull["images"])):
        if names:
            yield from wrapped(", ".join(names), width, line((f"  {label:<8} ", DIM)))
    if pull["oldest"]:
        yield from wrapped(
            f"{pull['oldest']} to {pull['newest']}", width, line(("  seen     ", DIM))
        )
    if pull["message"]:
        origin = _FROM.get(pull["evidence_from"], pull["evidence_from"])
        yield from wrapped(f"{pull['reason']}, says {origin}:", width, "  ", DIM)
        yield from wrapped(pull["message"], width, "  ")


def _whole_cluster(cluster: Mapping[str, Any], width: int) -> list[Content]:
    """What there is to say where no pull fails, or none could be seen."""
    state = STATES[cluster["verdict"]]
    words = {
        "pass": "No image pull fails.",
        "warn": "No image pull fails; there are warnings.",
        "fail": "The cluster could not be looked at.",
        "incomplete": "Not everything could be looked at.",
    }
    lines = wrapped(words[cluster["verdict"]], width, line(mark(state), " "), STYLES[state])
    for finding in evidence.listed(cluster["findings"]):
        lines += [Content(""), *evidence.proof(finding, width)]
    return [*lines, *_left_out(cluster, width)]


def _left_out(cluster: Mapping[str, Any], width: int) -> Iterator[Content]:
    if cluster["left_out"]:
        yield Content("")
        yield ink("Not read", STRONG)
    for each in cluster["left_out"]:
        where = f" in {each['namespace']}" if each["namespace"] else ""
        yield from wrapped(f"{each['what']}{where}: {each['why']}", width, "  ")
