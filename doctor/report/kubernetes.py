"""The report's part about a cluster as text: each cause with all that it hits, the biggest first.

Readable at 80 columns and without colour, like the rest (`doctor.report.text`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.redact import plain
from doctor.report.terms import hop_name
from doctor.report.text import Style, cause, paint, rest, wrap

_MOST = 8
"""Images, workloads and namespaces that are named without --verbose."""
_TOLD = (
    *("message", "image", "reason", "message_from", "node", "first_seen", "last_seen"),
    *("pod", "container"),
)
_FROM = {
    "status": "the container's status",
    "event": "an event",
    "sibling": "another pod of the same ReplicaSet",
}


def lines(part: Mapping[str, Any], style: Style) -> Iterator[str]:
    """The whole part, line by line."""
    yield paint(_headline(part), part["verdict"], style, bold=True)
    yield from wrap(_cluster(part), "  ", style)
    for hop in part["hops"] if part["verdict"] == "fail" and not part["pulls"] else ():
        reached = f"reached {hop['reached']}" if hop["reached"] else "not reached"
        name = plain(hop_name(hop))
        yield from wrap(f"API server {name}, {plain(hop['via'])}: {reached}", "  ", style)
    own = [f for f in part["findings"] if f["root_cause"]]
    for finding in own:
        yield ""
        yield from cause(finding, "Cause", "", style)
    for number, pull in enumerate(part["pulls"], 1):
        yield ""
        yield from _pull(pull, number, len(part["pulls"]), style)
    yield from rest([f for f in part["findings"] if not f["root_cause"]], style)
    if part["left_out"]:
        yield ""
        yield "Not read:"
        for each in _joined(part["left_out"]):
            yield from wrap(each, "  ", style)


def _headline(part: Mapping[str, Any]) -> str:
    failing, seen = part["pods_failing"], part["pods_seen"]
    if failing:
        causes = len(part["pulls"])
        cannot = "cannot pull an image" if failing > 1 else "cannot pull its image"
        return f"{failing} of {seen} pods {cannot}: {causes} {'cause' if causes == 1 else 'causes'}"
    if part["verdict"] == "fail":
        return "The cluster cannot be looked at"
    if part["verdict"] == "incomplete":
        return "No failing pull was seen, but not everything could be read"
    return f"No failing pull: {seen} {'pod' if seen == 1 else 'pods'} looked at"


def _cluster(part: Mapping[str, Any]) -> str:
    context = f"Context {plain(part['context'], 200)}" if part["context"] else "No context"
    version = part["server_version"]
    return f"{context}, Kubernetes {plain(version, 80)}" if version else context


def _pull(pull: Mapping[str, Any], number: int, of: int, style: Style) -> Iterator[str]:
    causes = [f for f in pull["findings"] if f["root_cause"]]
    pods = f"{pull['pods']} pod{'' if pull['pods'] == 1 else 's'}"
    label = f"Cause, {pods}" if of == 1 else f"Cause {number} of {of}, {pods}"
    hits = list(_hits(pull, style))
    if not causes:
        yield paint(f"{label}: {plain(pull['summary'])}", pull["verdict"], style, bold=True)
        yield from hits
    for place, finding in enumerate(causes):
        if place and not style.verbose:
            yield ""
            sure = "Or perhaps" if finding["confidence"] == "possible" else "And besides"
            yield from wrap(f"{sure}: {plain(finding['title'])} ({finding['code']})", "  ", style)
            yield from wrap(plain(finding["detail"]), "    ", style)
            continue
        told = {**finding, "evidence": _proof(finding["evidence"], style)}
        body = list(cause(told, label if not place else "And", "", style))
        head = body.index("") if "" in body else len(body)
        yield from body[:head]
        if not place:
            yield from hits
        yield from body[head:]
    yield from rest([f for f in pull["findings"] if not f["root_cause"]], style)


def _proof(evidence: Mapping[str, Any], style: Style) -> Mapping[str, Any]:
    """What is told above already is left out of the proof."""
    told = () if style.verbose else _TOLD
    return {name: value for name, value in evidence.items() if name not in told}


def _hits(pull: Mapping[str, Any], style: Style) -> Iterator[str]:
    images = [plain(each, 300) for each in pull["images"]]
    yield from wrap(f"Image: {_some(images, style)}", "  ", style)
    works = [_workload(each) for each in pull["workloads"]]
    yield from wrap(f"Hits: {_some(works, style)}", "  ", style)
    if pull["nodes"]:
        yield from wrap(
            f"Nodes: {_some([plain(n, 120) for n in pull['nodes']], style)}", "  ", style
        )
    since = f"since {pull['oldest']}" if pull["oldest"] else ""
    last = f"last seen {pull['newest']}" if pull["newest"] else ""
    times = ", ".join(each for each in (since, last) if each) or "no event tells when"
    yield from wrap(f"State: {plain(pull['reason'], 200)}, {times}", "  ", style)
    repeats = any("The kubelet says:" in f["detail"] for f in pull["findings"])
    if pull["message"] and (style.verbose or not repeats):
        where = _FROM[pull["evidence_from"]]
        yield from wrap(f"Words: {plain(pull['message'], 700)} (from {where})", "  ", style)


def _workload(each: Mapping[str, Any]) -> str:
    containers = ", ".join(plain(c, 80) for c in each["containers"][:4])
    name = f"{plain(each['kind'], 60)} {plain(each['namespace'], 80)}/{plain(each['name'], 120)}"
    pods = f"{each['pods']} pods" if each["pods"] > 1 else ""
    inside = ", ".join(part for part in (pods, containers) if part)
    return f"{name} ({inside})" if inside else name


def _some(names: Sequence[str], style: Style) -> str:
    shown = names if style.verbose else names[:_MOST]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _joined(left: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for what is missing in several namespaces."""
    spaces: dict[tuple[str, str], list[str]] = {}
    for each in left:
        spaces.setdefault((each["what"], each["why"]), []).append(each["namespace"] or "")
    for (what, why), names in spaces.items():
        named = [plain(n, 80) for n in names if n]
        more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
        where = f" in {', '.join(named[:_MOST])}{more}" if named else ""
        yield f"{plain(what, 80)}{where}: {plain(why, 200)}"
