"""What does JSON hold for a Go program, and what of it does Python take otherwise?

Half of a surrogate pair in a string is U+FFFD to Go (encoding/json: "Unmarshal"); Python keeps it,
and cannot send it anywhere.
"""

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


def no_constant(name: str) -> Any:
    """For `parse_constant`: NaN and Infinity, which Python takes, are no JSON."""
    raise ValueError(name)


def kind(value: Any) -> str:
    """What a JSON value is, in words for whoever wrote it."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "null"
