"""How does a frozen value become JSON, and how is it read back from somebody else's?

The classes' own annotations are the format: nothing is pickled, and a file names no class that
would be loaded for it. Every field is written, also where it has its default, which a later version
may change. In reading, a field that is not known is passed over by name, one that is missing has
its default, and a value of another type than the annotation's is a `MisfitError`.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union

from doctor.redact import plain

Text = Callable[[str], str]
"""What is done to every string but the words of a closed vocabulary: masking, renaming."""
GIVEN_UP = frozenset(
    {"PullFact.looked", "PullFact.secrets_read", "TagList.present", "TrustFact.plain_loopback"}
)
"""Fields of former versions by which no check ever judged: nothing is lost with them."""
_LARGEST = 2**63
_ODD_FLOATS = ("inf", "-inf", "nan")


class MisfitError(ValueError):
    """The value is not of the type that stands at that place; the message says where and why."""


def encode(value: Any, kind: Any, text: Text) -> Any:
    """The value as JSON has it, by the type that its field is declared with. Raises MisfitError for
    what has no such form."""
    origin = typing.get_origin(kind)
    if value is None:
        return None
    if origin is Literal:
        return value if value in typing.get_args(kind) else text(str(value))
    if origin in (Union, types.UnionType):
        return encode(value, _only(kind), text)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple) and origin is tuple:
        items = _items(kind, len(value))
        return [encode(each, of, text) for each, of in zip(value, items, strict=True)]
    if isinstance(value, Mapping):
        return {text(str(k)): encode(v, Any, text) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and kind is Any:
        return [encode(each, Any, text) for each in _in_order(value)]
    if kind is type(value) and dataclasses.is_dataclass(kind):
        fields = fields_of(kind)
        return {name: encode(getattr(value, name), of, text) for name, of in fields.items()}
    raise MisfitError(f"{type(value).__name__} in place of {_named(kind)}")


def _in_order(values: Any) -> Any:
    """A set in an order that is always the same."""
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


class Reader:
    """Reads values of a file; `passed_over` holds the fields that this version does not know."""

    def __init__(self) -> None:
        self.passed_over: set[str] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, in a sentence; nothing where nothing was."""
        fields = ", ".join(plain(each, 80) for each in sorted(self.passed_over)[:12])
        said = f"Fields that this version does not know were passed over: {fields}."
        return (said,) if fields else ()

    def decode(self, value: Any, kind: Any, at: str = "") -> Any:
        """The value of that type. Raises MisfitError."""
        origin = typing.get_origin(kind)
        if kind is Any:
            return value
        if origin is Literal:
            return _checked(
                value, any(value is w or value == w for w in typing.get_args(kind)), kind, at
            )
        if origin in (Union, types.UnionType):
            return None if value is None else self.decode(value, _only(kind), at)
        if origin is tuple:
            _checked(value, isinstance(value, list), kind, at)
            items = _items(kind, len(value), at)
            pairs = enumerate(zip(value, items, strict=True))
            return tuple(self.decode(each, of, f"{at}[{n}]") for n, (each, of) in pairs)
        if origin in (dict, Mapping, typing.get_origin(Mapping[str, str])):
            of = (*typing.get_args(kind), Any, Any)[1]
            _checked(value, isinstance(value, dict), kind, at)
            return {key: self.decode(each, of, f"{at}.{key[:40]}") for key, each in value.items()}
        if dataclasses.is_dataclass(kind):
            return self._made(value, kind, at)
        return _plain(value, kind, at)

    def _made(self, value: Any, kind: Any, at: str) -> Any:
        _checked(value, isinstance(value, dict), kind, at)
        known = fields_of(kind)
        others = {f"{kind.__name__}.{name[:40]}" for name in value if name not in known}
        self.passed_over |= others - GIVEN_UP
        given = {
            name: self.decode(value[name], of, f"{at}.{name}")
            for name, of in known.items()
            if name in value
        }
        try:
            return kind(**given)
        except TypeError as error:
            raise MisfitError(f"{at or kind.__name__}: {error}") from None


def _plain(value: Any, kind: Any, at: str) -> Any:
    if kind is str:
        return _checked(value, isinstance(value, str), kind, at)
    if kind is bool:
        return _checked(value, isinstance(value, bool), kind, at)
    if kind is int:
        return _checked(value, _is_int(value), kind, at)
    if kind is float:
        if value in _ODD_FLOATS:
            return float(value)
        return float(_checked(value, isinstance(value, float) or _is_int(value), kind, at))
    if kind is datetime:
        return _moment(_checked(value, isinstance(value, str), kind, at), at)
    raise MisfitError(f"{at}: {_named(kind)} is nothing that a file holds")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _moment(text: str, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MisfitError(f"{at}: no time") from None
    if found.tzinfo is None or not 1970 < found.year < 9999:
        raise MisfitError(f"{at}: no time with its offset from UTC")
    return found


def _checked(value: Any, fits: bool, kind: Any, at: str) -> Any:
    if not fits:
        raise MisfitError(f"{at or 'the value'}: {type(value).__name__}, not {_named(kind)}")
    return value


@cache
def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a frozen class, those that its base brings included, and their types. Raises
    MisfitError where an annotation names what cannot be found."""
    from doctor.facts.endpoint import Endpoint
    from doctor.reference import Reference
    from doctor.registry.manifest import Platform

    # Names that modules import for the type checker alone.
    names = {"Endpoint": Endpoint, "Platform": Platform, "Reference": Reference}
    try:
        hints = typing.get_type_hints(kind, localns=names)
    except Exception as error:  # a plug-in may write what it likes
        raise MisfitError(f"{kind.__name__}: {error}") from None
    return {each.name: hints[each.name] for each in dataclasses.fields(kind) if each.init}


def _only(kind: Any) -> Any:
    """Of a type that may be None, the other one."""
    others = [each for each in typing.get_args(kind) if each is not type(None)]
    if len(others) != 1:
        raise MisfitError(f"{_named(kind)}: one type, or that and None")
    return others[0]


def _items(kind: Any, count: int, at: str = "") -> tuple[Any, ...]:
    """The type of each member of a tuple of so many."""
    of = typing.get_args(kind)
    if len(of) == 2 and of[1] is Ellipsis:
        return (of[0],) * count
    if len(of) != count:
        raise MisfitError(f"{at or _named(kind)}: {count} values in place of {len(of)}")
    return of


def _named(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)[:80]
