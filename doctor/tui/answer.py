"""What is the matter, and what is to be done? The panel at the top, as text of a given width.

The sentence, the cause, and one remedy with its numbered steps; of several causes or remedies one
at a time is shown, and how many there are is said. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textual.content import Content

from doctor.frozen import frozen
from doctor.report.terms import headline, listed, places
from doctor.tui.ink import DIM, STATES, STRONG, STYLES, line, mark, wrapped

_CHANGES = {
    "user": "changes your own files",
    "machine": "changes this machine",
    "cluster": "changes the cluster",
    "registry": "changes the registry",
}


@frozen
class Way:
    """One remedy of one finding."""

    finding: Mapping[str, Any]
    remedy: Mapping[str, Any]

    @property
    def commands(self) -> dict[int, str]:
        """The commands by the number of their step."""
        steps = self.remedy["steps"]
        return {n: s["command"] for n, s in enumerate(steps, 1) if s["command"]}


def ways(findings: Sequence[Mapping[str, Any]]) -> tuple[Way, ...]:
    """All that can be done: of the causes; where there is none, of what was warned of."""
    chosen = [f for f in findings if f["root_cause"]] or [
        f for f in findings if f["severity"] == "warning"
    ]
    return tuple(Way(f, r) for f in chosen for r in f["remedies"])


def answer(
    entry: Mapping[str, Any],
    width: int,
    way: Way | None,
    place: tuple[int, int],
    chosen: int,
    copied: Sequence[int] = (),
    *,
    airy: bool = False,
) -> list[Content]:
    """A target's (or a pull's) answer. `place`: which way of how many; `chosen`: the step whose
    command is next to be copied; `copied`: the steps whose commands were; `airy`: there is room."""
    state = STATES[entry["verdict"]]
    head = headline(entry) if "checks" in entry else _of_pull(entry)
    lead = line(mark(state), " ", (f"{head}  ", f"bold {STYLES[state]}"))
    lines = wrapped(entry["summary"], width, lead, hang=2)
    if named := places(entry, 120):
        lines += wrapped(f"Named by {listed(named)}", width, "  ", DIM)
    for each in entry.get("assumed", ()):
        lines += wrapped(f"Taken as: {each}", width, "  ", DIM)
    causes = list(_causes(entry, width, way))
    gap = [Content("")] if airy else []
    lines += [*gap, *causes] if causes else []
    if way is not None:
        lines += gap
        lines += steps(way, width, place, chosen, copied, "; n: the next")
    if entry.get("not_tried"):
        lines += wrapped(f"Not looked at: {', '.join(entry['not_tried'])}", width, "", DIM)
    return lines


def _of_pull(entry: Mapping[str, Any]) -> str:
    return {"pass": "Works", "warn": "Works, with warnings", "fail": "Cannot be pulled"}.get(
        entry["verdict"], "Incomplete"
    )


def _causes(entry: Mapping[str, Any], width: int, way: Way | None) -> Iterator[Content]:
    """What is wrong; what is not a cause only where nothing is."""
    causes = [f for f in entry["findings"] if f["root_cause"]]
    shown = causes or [f for f in entry["findings"] if f["severity"] == "warning"]
    for number, finding in enumerate(shown, 1):
        label = "Cause" if causes else "Warning"
        label += f" {number} of {len(shown)}" if len(shown) > 1 else ""
        style = STYLES["failed" if causes else "warning"]
        sure = "" if finding["confidence"] == "certain" else f", {finding['confidence']}"
        where = f" at {finding['hop']}" if finding["hop"] else ""
        yield from wrapped(
            f"{finding['title']} ({finding['code']}{sure}{where})",
            width,
            line((f"{label}  ", style)),
            hang=2,
        )
        if not entry["summary"].startswith(finding["detail"]) and (
            way is None or way.finding is finding
        ):
            yield from wrapped(finding["detail"], width, "  ")


def steps(
    way: Way,
    width: int,
    place: tuple[int, int],
    chosen: int = 0,
    copied: Sequence[int] = (),
    more: str = "",
) -> Iterator[Content]:
    """A remedy, its numbered steps and how to see that it worked."""
    number, of = place
    which = f"  (way {number} of {of}{more})" if of > 1 else ""
    whom = f" (for {', '.join(way.remedy['for'])})" if way.remedy["for"] else ""
    lead = line(("To do  ", STYLES["passed"]))
    yield from wrapped(f"{way.remedy['title']}{whom}{which}", width, lead, hang=2)
    for step, each in enumerate(way.remedy["steps"], 1):
        notes = ["needs root"] if each["root"] else []
        notes += [_CHANGES[each["changes"]]] if each["changes"] in _CHANGES else []
        notes += ["copied"] if step in copied else []
        said = f" ({', '.join(notes)})" if notes else ""
        yield from wrapped(f"{each['text']}{said}", width, line((f" {step} ", STRONG)))
        if each["command"]:
            sign = "▸" if step == chosen else " "
            lead = line("   ", (f"{sign} ", "bold $accent"))
            yield from wrapped(each["command"], width, lead, "$accent")
    if way.remedy["verify"]:
        yield from wrapped(way.remedy["verify"], width, line(("See  ", DIM)), hang=2)
    if way.remedy["docs"]:
        yield from wrapped(way.remedy["docs"], width, line(("Read  ", DIM)))


def looking(done: int, of: int, now: Sequence[str], width: int) -> list[Content]:
    """What stands there while the run lasts."""
    names = f": {', '.join(now)}" if now else ""
    head = line(mark("running"), " ", (f"Looking{names} …", STYLES["running"]))
    rest = f"{done} of {of} stations have answered. Nothing is changed or pulled."
    return [head, *wrapped(rest, width, "  ", DIM)]
