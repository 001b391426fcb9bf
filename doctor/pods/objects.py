"""How is an API object read that may hold anything? By paths; what is not of the type wanted is not
there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_LONGEST = 16384
"""Characters of one text that are looked at."""
_MOST = 2000
"""Entries of one list that are looked at."""


def at(value: Any, *path: str) -> Any:
    """What stands at the path; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: Any, *path: str) -> str:
    """The text at the path, or ""."""
    found = at(value, *path)
    return found[:_LONGEST] if isinstance(found, str) else ""


def table(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at the path, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def each(value: Any, *path: str) -> Iterator[Mapping[str, Any]]:
    """The objects of the list at the path."""
    found = at(value, *path)
    if isinstance(found, list):
        yield from (one for one in found[:_MOST] if isinstance(one, Mapping))


def texts(value: Any, *path: str) -> dict[str, str]:
    """The map of texts at the path: labels, annotations."""
    found = at(value, *path)
    if not isinstance(found, Mapping):
        return {}
    pairs = list(found.items())[:_MOST]
    return {str(k): v[:_LONGEST] for k, v in pairs if isinstance(v, str)}


def names(value: Any, *path: str) -> tuple[str, ...]:
    """The `name` of every object of a list, empty ones left out, each once."""
    return tuple(dict.fromkeys(n for one in each(value, *path) if (n := text(one, "name"))))


def moment(value: Any, *path: str) -> datetime | None:
    """The time at the path (RFC 3339)."""
    said = text(value, *path)
    try:
        found = datetime.fromisoformat(said.replace("Z", "+00:00"))
        return found.astimezone() if found.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def owner(value: Any) -> tuple[str, str, str]:
    """Kind, name and uid of the object that controls this one; three empty texts for none."""
    found = list(each(value, "metadata", "ownerReferences"))
    chosen = next((one for one in found if one.get("controller") is True), None)
    chosen = chosen or (found[0] if found else None)
    return text(chosen, "kind"), text(chosen, "name"), text(chosen, "uid")
