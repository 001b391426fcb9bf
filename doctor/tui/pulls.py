"""What is said of a cluster's failing pulls? Lines of a given width, from the document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from textual.content import Content

from doctor.tui import evidence
from doctor.tui.ink import (
    DIM,
    STATES,
    STRONG,
    STYLES,
    clipped,
    ends,
    ink,
    line,
    mark,
    safe,
    wrapped,
)

_FROM = {
    "status": "the container's own status",
    "event": "an event about its pod",
    "sibling": "another pod of the same ReplicaSet",
}


def head(cluster: Mapping[str, Any], right: str, width: int) -> Content:
    """How many fail; at the right what is said there, or, where there is room, the version."""
    left = cluster["context"] or "The cluster"
    if cluster["pods_seen"]:
        left += f": {cluster['pods_failing']} of {cluster['pods_seen']} pods cannot pull"
    if cluster["pulls"]:
        left += f", {many(len(cluster['pulls']), 'cause')}"
    version = f"Kubernetes {cluster['server_version'] or '?'}"
    room = len(safe(left)) + len(safe(version)) + 2 <= width
    return ends(left, right or (version if room else ""), width)


def row(pull: Mapping[str, Any], width: int) -> Content:
    """One pull in the list. The cause is whole; of the image, where there is no room, its end."""
    state = STATES[pull["verdict"]]
    start = line(mark(state), (f" {many(pull['pods'], 'pod'):<9}", STYLES[state]))
    room = max(20, width - start.cell_length)
    cause = clipped(", ".join(pull["root_causes"]) or pull["reason"], room * 2 // 3)
    image = safe(pull["image"])
    free = room - len(cause) - 2
    image = image if len(image) <= free else f"…{image[len(image) - free + 1 :]}"
    room = free - len(image) - 2
    spaces = f"  {clipped('in ' + ', '.join(pull['namespaces']), room)}" if room > 8 else ""
    # made safe while it was whole: a part of a name may have the shape of a secret
    return line(start, Content.styled(image, STRONG), (f"  {cause}{spaces}", DIM))


def many(count: int, what: str) -> str:
    """So many of them."""
    return f"{count} {what}{'s' if count != 1 else ''}"


def which(pull: Mapping[str, Any]) -> tuple[object, ...]:
    """What makes it the same one in another report."""
    return (pull["image"], tuple(pull["root_causes"]), tuple(pull["namespaces"]))


def changed(
    before: Mapping[str, Any] | None, cluster: Mapping[str, Any], width: int
) -> list[Content]:
    """What is otherwise than in the run before: pulls that came, went, or hit more or fewer."""
    told = before and before["kubernetes"]
    if not told:
        return []
    was = {which(each): each for each in told["pulls"]}
    now = {which(each): each for each in cluster["pulls"]}
    said = [f"{_named(pull)}: no longer fails" for key, pull in was.items() if key not in now]
    for key, pull in now.items():
        old = was.get(key)
        if old is None:
            said.append(f"{_named(pull)}: new")
        elif old["pods"] != pull["pods"]:
            said.append(f"{_named(pull)}: {old['pods']} → {many(pull['pods'], 'pod')}")
    lead = line(("Changed  ", "bold $accent"))
    return [each for text in said for each in wrapped(text, width, lead, hang=2)]


def _named(pull: Mapping[str, Any]) -> str:
    return f"{pull['image']} ({', '.join(pull['root_causes']) or pull['reason']})"


def whom(pull: Mapping[str, Any], width: int) -> Iterator[Content]:
    """Whom it hits, where, since when, and what the cluster itself said."""
    yield ink("Whom it hits", STRONG)
    for each in pull["workloads"]:
        containers = f" ({', '.join(each['containers'])})" if each["containers"] else ""
        named = f"{each['kind']} {each['namespace']}/{each['name']}{containers}"
        said = f"{named}: {many(each['pods'], 'pod')}"
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


def whole(cluster: Mapping[str, Any], note: str, width: int) -> list[Content]:
    """What there is to say where no pull fails, or none could be seen. `note`: where one looked."""
    state = STATES[cluster["verdict"]]
    words = {
        "pass": "No image pull fails.",
        "warn": "No image pull fails; there are warnings.",
        "fail": "The cluster could not be looked at.",
        "incomplete": "Not everything could be looked at.",
    }
    lines = wrapped(words[cluster["verdict"]], width, line(mark(state), " "), STYLES[state])
    if cluster["verdict"] != "fail":
        seen = cluster["pods_seen"]
        told = f"{many(seen, 'pod')} {'was' if seen == 1 else 'were'} looked at."
        lines += wrapped(f"{told} {note}", width, "  ")
    for finding in evidence.listed(cluster["findings"]):
        lines += [Content(""), *evidence.proof(finding, width)]
    return [*lines, *left_out(cluster, width)]


def left_out(cluster: Mapping[str, Any], width: int) -> Iterator[Content]:
    """What was not read, and why."""
    if cluster["left_out"]:
        yield Content("")
        yield ink("Not read", STRONG)
    for each in cluster["left_out"]:
        where = f" in {each['namespace']}" if each["namespace"] else ""
        yield from wrapped(f"{each['what']}{where}: {each['why']}", width, "  ")
