"""What does a JSON text of somebody else's hold, if it may be read at all?

Bounded before it is parsed: bytes, and the number of values that memory is taken for. No key twice,
no number that JSON has not, no nesting that would end a reader, no half of a character.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

MOST_BYTES = 64 << 20
MOST_VALUES = 3_000_000
MOST_DEEP = 100
"""Brackets within brackets; what is written here has a dozen."""
_PARTS = re.compile(rb"[\[{,:]")
_HALVES = re.compile("[\ud800-\udfff]")


class BadJsonError(ValueError):
    """The text is none that is read; the message says why."""


def read(data: bytes) -> Any:
    """The value. Raises BadJsonError."""
    if len(data) > MOST_BYTES:
        raise BadJsonError(f"{len(data)} bytes; at most {MOST_BYTES} are read")
    if sum(1 for _ in _PARTS.finditer(data)) > MOST_VALUES:
        raise BadJsonError(f"more than {MOST_VALUES} values")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_number,
            parse_int=_integer,
        )
    except RecursionError:
        raise BadJsonError("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise BadJsonError(f"no UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise BadJsonError(f"no JSON: {error.msg} (line {error.lineno})") from None
    level = [value]
    for _ in range(MOST_DEEP):
        level = [each for outer in level for each in _within(outer)]
    if level:
        raise BadJsonError("nested too deeply")
    return value


def _within(value: Any) -> Iterable[Any]:
    """What has something in it, of what is in that."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in inner if isinstance(each, dict | list))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {_whole(key): _whole(value) for key, value in pairs}
    if len(found) != len(pairs):
        raise BadJsonError("a key stands twice in one object")
    return found


def _whole(value: Any) -> Any:
    """JSON can name one half of a pair of surrogates; no text that leaves can hold it."""
    if isinstance(value, str):
        return _HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return value


def _constant(name: str) -> NoReturn:
    raise BadJsonError(f"{name}, which JSON has not")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadJsonError("a number beyond all bounds")
    return value


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > 19:
        raise BadJsonError("a number that is too long")
    return int(text)
