"""Is that a report as report.schema.json describes it? The part of JSON Schema that it uses.

A report from elsewhere is shown only if it is one. Fields that this version does not know are those
of a later one (nothing is ever renamed or removed), so they are passed over, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

KEYWORDS = frozenset(
    {
        *("type", "const", "enum", "properties", "required", "items", "oneOf", "allOf", "if"),
        *("then", "else", "pattern", "minimum", "maximum", "minLength", "minItems", "maxItems"),
        *("uniqueItems", "additionalProperties", "$ref", "format"),
        *("$schema", "$id", "$defs", "title", "description"),
    }
)
"""What is understood, or says nothing of a value; a test holds the schema to it."""
_MOST = 20


def schema() -> dict[str, Any]:
    """The schema that ships with the package."""
    import json

    text = resources.files("doctor.report").joinpath("report.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def faults(value: Any, limit: int = _MOST) -> list[str]:
    """Where it is no report, and why; empty where it is one."""
    root = schema()
    found: list[str] = []
    for fault in _faults(value, root, root, "the report"):
        found.append(fault)
        if len(found) == limit:
            break
    return found


def _faults(value: Any, rule: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    if "$ref" in rule:
        yield from _faults(value, root["$defs"][rule["$ref"].rpartition("/")[2]], root, at)
    if "type" in rule and not _is(value, rule["type"]):
        yield f"{at}: {_kind(value)}, not {rule['type']}"
        return
    if "const" in rule and not _same(value, rule["const"]):
        yield f"{at}: not {rule['const']!r}"
    if "enum" in rule and not any(_same(value, each) for each in rule["enum"]):
        yield f"{at}: none of {', '.join(map(str, rule['enum']))}"
    match value:
        case dict():
            yield from _of_object(value, rule, root, at)
        case list():
            yield from _of_array(value, rule, root, at)
        case str():
            yield from _of_string(value, rule, at)
        case int() | float():
            yield from _of_number(value, rule, at)
    for each in rule.get("allOf", ()):
        yield from _faults(value, each, root, at)
    if "oneOf" in rule:
        yield from _of_one(value, rule["oneOf"], root, at)
    if "if" in rule:
        branch = "else" if any(_faults(value, rule["if"], root, at)) else "then"
        yield from _faults(value, rule.get(branch, {}), root, at)


def _of_object(
    value: Mapping[str, Any], rule: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    for name in rule.get("required", ()):
        if name not in value:
            yield f"{at}: no {name}"
    known = rule.get("properties", {})
    more = rule.get("additionalProperties")
    for name, each in value.items():
        of = known.get(name, more if isinstance(more, dict) else None)
        if of is not None:
            yield from _faults(each, of, root, f"{at}.{name[:40]}")


def _of_array(
    value: Sequence[Any], rule: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    if rule.get("uniqueItems") and len({repr(each) for each in value}) != len(value):
        yield f"{at}: an item twice"
    if "items" in rule:
        for number, each in enumerate(value):
            yield from _faults(each, rule["items"], root, f"{at}[{number}]")


def _of_string(value: str, rule: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < rule.get("minLength", 0):
        yield f"{at}: too short"
    if "pattern" in rule and not re.search(rule["pattern"].replace("$", r"\Z"), value):
        yield f"{at}: not of the form {rule['pattern']}"
    elif rule.get("format") == "date-time" and not _is_moment(value):
        yield f"{at}: no moment that there was"


def _is_moment(text: str) -> bool:
    """Has the calendar such a day, and the day such a time?"""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _of_number(value: float, rule: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, bool):
        return
    if not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        yield f"{at}: {value} is out of its range"


def _of_one(
    value: Any, rules: Sequence[Mapping[str, Any]], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    """Where none fits, the one that fits best is complained of."""
    tried = [list(_faults(value, each, root, at)) for each in rules]
    fitting = sum(not each for each in tried)
    if fitting > 1:
        yield f"{at}: more than one form"
    elif not fitting:
        yield from max(tried, key=lambda told: (max(map(len, told)), -len(told)))


def _is(value: Any, kinds: str | Sequence[str]) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    return any(
        _kind(value) == name or (name == "number" and _kind(value) == "integer") for name in names
    )


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and value == other
