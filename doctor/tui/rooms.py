"""What can this installation do? The one place that knows which rooms are there.

An entry whose room is missing is not shown: no button is dead.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

_ROOMS = {
    "bundle": "doctor.bundle",
    "open": "doctor.bundle",
    "cluster": "doctor.k8s",
    "demo": "doctor.demo",
}
"""An entry, and the module that does it."""


@cache
def has(entry: str) -> bool:
    """Is the room of that entry there?"""
    return find_spec(_ROOMS[entry]) is not None
