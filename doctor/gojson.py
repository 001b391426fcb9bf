"""What does JSON hold for a Go program, and what of it does Python take otherwise?

Half of a surrogate pair in a string is U+FFFD to Go (encoding/json: "Unmarshal"); Python keeps it,
and cannot send it anywhere.
"""

from __future__ import annotations

import re
from json import JSONDecodeError
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


_SLIPS = {
    "Expecting value": "no value that JSON knows (text stands in double quotes, true and false "
    "without and in lower case)",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Expecting ':' delimiter": "a colon is missing after a name",
    "Expecting property name enclosed in double quotes": "a name that is not in double quotes",
    "Invalid control character at": "a line end or a control character inside a string",
    "Unterminated string starting at": "a string without its closing quote",
    "Extra data": "something follows the JSON object",
}
"""The decoder's messages, for whoever wrote the file."""


def slip(error: JSONDecodeError, text: str) -> str:
    """What is wrong there, as a phrase; the commonest slips by their own name."""
    here = text[error.pos : error.pos + 2]
    if here in ("//", "/*") or here[:1] == "#":
        return "a comment, which JSON does not have"
    if here[:1] in ("\u201c", "\u201d", "'"):
        return "a quote that is no double quote"
    if text[: error.pos].rstrip().endswith(",") and text[error.pos :].lstrip()[:1] in ("}", "]"):
        return "a comma after the last item"
    if error.msg.startswith("Invalid \\"):
        return "a backslash in a string that begins no escape of JSON's"
    return _SLIPS.get(error.msg, f"{error.msg[:1].lower()}{error.msg[1:]}")


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
