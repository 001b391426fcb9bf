"""Where is a report from that was not made here and now? Marked in few words at the top, and told
whole above the answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def brief(origin: Mapping[str, Any]) -> str:
    """The file, and how old what it says is."""
    return f"{origin['file'] or origin['kind']}, {age(origin['recorded'], origin['opened'])}"


def age(recorded: str, opened: str) -> str:
    """In the largest unit that fits."""
    seconds = (datetime.fromisoformat(opened) - datetime.fromisoformat(recorded)).total_seconds()
    if seconds < 0:
        return "from the future by this clock"
    name, size = next(((n, s) for n, s in _UNITS if seconds >= s), ("second", 1))
    count = int(seconds // size)
    return f"{count} {name}{'' if count == 1 else 's'} old"


def told(origin: Mapping[str, Any]) -> Iterator[str]:
    """What a reader has to know of it, a sentence each."""
    by = f"by registry-doctor {origin['tool_version']}"
    yield f"From the {origin['kind']} {origin['file']}, recorded {by}. Nothing was looked at since."
    if origin["pseudonyms"]:
        yield "Hosts, users, images and a cluster's objects have other names in it."
    if origin["judged_again"]:
        changed = origin["changes"]
        yield f"Judged again here; {'what changed:' if changed else 'nothing changed.'}"
        yield from changed
    yield from origin["notes"]
