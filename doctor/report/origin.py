"""Where does a report come from that was not made here and now: from what file, how old, and judged
by whom? The lines that stand above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from doctor.redact import plain

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Sentences, none of them wrapped; nothing for a report of this run."""
    origin = document.get("origin")
    if not origin:
        return
    when = origin["recorded"].replace("T", " ").replace("Z", " UTC")
    yield (
        f"From the {origin['kind']} {plain(origin['file'], 200)}, recorded on {when} "
        f"({age(origin['recorded'], origin['opened'])}) by registry-doctor "
        f"{plain(origin['tool_version'], 40)}. Nothing was looked at since."
    )
    if origin["pseudonyms"]:
        yield "Hosts, users, images and a cluster's objects have other names in it."
    if origin["judged_again"]:
        by = f"Judged again by registry-doctor {plain(document['tool']['version'], 40)}"
        changes = origin["changes"]
        yield f"{by}: {'what changed:' if changes else 'nothing changed.'}"
        yield from (f"- {plain(each, 600)}" for each in changes)
    else:
        yield "Shown as it was recorded."
    yield from (f"Note: {plain(each, 600)}" for each in origin["notes"])


def age(recorded: str, opened: str) -> str:
    """How long ago, in the largest unit that fits; or that the time has yet to come."""
    then, now = (datetime.fromisoformat(each) for each in (recorded, opened))
    seconds = (now - then).total_seconds()
    if seconds < 0:
        return "which has yet to come by the clock here"
    name, size = next(((n, s) for n, s in _UNITS if seconds >= s), ("second", 1))
    count = int(seconds // size)
    return f"{count} {name}{'' if count == 1 else 's'} ago"
