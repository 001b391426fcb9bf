"""What can this installation do? The one place that knows which rooms are there.

An entry whose room is missing is not shown: no button is dead.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

_ROOMS = {
    "bundle": ("doctor.handover", ""),
    "open": ("doctor.opinion", ""),
    "cluster": ("doctor.k8s", "looked"),
    "demo": ("doctor.demo", "started"),
}
"""An entry, the module that does it, and what of it is called; "" where the module will do."""


@cache
def has(entry: str) -> bool:
    """Is the room of that entry there?"""
    module, name = _ROOMS[entry]
    return find_spec(module) is not None and (not name or hasattr(import_module(module), name))
