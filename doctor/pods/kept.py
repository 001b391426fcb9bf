"""Which objects of a cluster can go along in a bundle? Those that a failing pull hangs on, as they
were read: so many, so large, and no more.

The kind is the one that was asked for, whatever an object says of itself: by its kind it is masked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from doctor.pods.objects import table, text

_MOST = {"Pod": 1000, "Event": 2000}
_MOST_OF_ANOTHER = 400
_MOST_BYTES = 32 << 20


@dataclass(slots=True)
class Kept:
    """What has been kept so far."""

    _objects: dict[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _passed: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0

    def add(self, kind: str, thing: Any, version: str = "v1") -> None:
        """Keep one; `version`: its apiVersion where it says none, as in a list."""
        key = (kind, text(thing, "metadata", "namespace"), text(thing, "metadata", "name"))
        if not isinstance(thing, Mapping) or not key[2] or key in self._objects:
            return
        size = _size(thing)
        full = self._count[kind] >= _MOST.get(kind, _MOST_OF_ANOTHER)
        if full or size is None or self._bytes + size > _MOST_BYTES:
            self._passed[kind] += 1
            return
        self._objects[key] = {"apiVersion": version, **thing, "kind": kind}
        self._count[kind] += 1
        self._bytes += size

    def of(self, pods: Collection[tuple[str, str]]) -> tuple[Mapping[str, Any], ...]:
        """These pods (namespace and name), the events about them, and all that is neither."""
        return tuple(
            thing
            for key, thing in self._objects.items()
            if (key[0] == "Pod" and key[1:] in pods)
            or (key[0] == "Event" and _about(thing) in pods)
            or key[0] not in ("Pod", "Event")
        )

    @property
    def passed(self) -> Mapping[str, int]:
        """How many of a kind were read and not kept, for there were too many, or too large."""
        return self._passed


def _about(event: Mapping[str, Any]) -> tuple[str, str]:
    pod = table(event, "involvedObject") or table(event, "regarding")
    return text(pod, "namespace"), text(pod, "name")


def _size(thing: Mapping[str, Any]) -> int | None:
    """In bytes, about; None for what is too deep to be written."""
    try:
        return len(json.dumps(thing))
    except (ValueError, RecursionError):
        return None
