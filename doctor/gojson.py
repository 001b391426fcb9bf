"""What does a JSON string hold for a Go program? Half of a surrogate pair is U+FFFD to it (Go,
encoding/json: "Unmarshal"); Python keeps it, and cannot send it anywhere."""

from __future__ import annotations

import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


def as_go(value: Any) -> Any:
    """The value with every string in it as Go has it, names of fields included."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {as_go(key): as_go(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_go(inner) for inner in value]
    return value
