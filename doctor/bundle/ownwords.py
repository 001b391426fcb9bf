"""Which words does every bundle hold, whatever was seen? A password that is one of them cannot be
told from it, and a host of that name neither."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from doctor.bundle import kinds, settings
from doctor.bundle.codec import MisfitError, fields_of
from doctor.bundle.contents import SCHEMA, Render
from doctor.model import Check, Finding, Target
from doctor.report.conformity import schema

_EMPTY: dict[str, Any] = {
    "schema": "doctor.report/1",
    "tool": {"name": "registry-doctor", "version": "", "python": "", "platform": ""},
    "started": "1970-01-01T00:00:00Z",
    "duration_ms": 0,
    "verdict": "pass",
    "targets": [],
    "clients": None,
    "kubernetes": None,
}


def own_words(render: Render, formats: Sequence[str], checks: Sequence[Check]) -> str:
    """The text of a report about nothing in every format, and the names of fields, kinds, values
    and settings."""
    pages = [render(_EMPTY, form) for form in formats]
    names = [SCHEMA, "registry", "MANIFEST.json", "sha256", "left_out", "environment", "masked"]
    names += sorted(settings.NAMES) + [check.id for check in checks]
    for kind in (*kinds.known().values(), Target, Finding):
        names += _named(kind, set())
    return "\n".join([*pages, json.dumps(schema()), *names])


def _named(kind: Any, seen: set[Any]) -> Iterator[str]:
    """The names and the words of a closed vocabulary in the class, and in those of its fields."""
    if kind in seen:
        return
    seen.add(kind)
    if typing.get_origin(kind) is typing.Literal:
        yield from map(str, typing.get_args(kind))
    elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
        yield getattr(kind, "__name__", "")
        try:
            fields = fields_of(kind)
        except MisfitError:
            return
        for name, of in fields.items():
            yield name
            yield from _named(of, seen)
    else:
        for each in typing.get_args(kind):
            yield from _named(each, seen)
