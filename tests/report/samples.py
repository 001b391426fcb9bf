"""The reports that every surface is looked at with.

Made in the lab by the real command, then given one clock, one version and one home; the cluster's
is written by the code that writes it from facts, and the hostile one has in every free text what
must come alive nowhere. All fit the schema, which a test holds.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("recorded")
NAMES = tuple(sorted(file.stem for file in _FOLDER.glob("*.json")))
"""`healthy`, one for each area's fault, `targets`, `clients`, `kubernetes`, `hostile` and more."""


def sample(name: str) -> dict[str, Any]:
    """A report of one's own, to be changed at will."""
    found: dict[str, Any] = json.loads(_text(name))
    return found


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text()
