"""What JSON of a stranger is read, and how a report is told from what only looks like one."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from doctor.bundle.strictjson import MOST_DEEP, BadJsonError, read
from doctor.report.conformity import KEYWORDS, faults, schema
from tests.bundle.archives import REPORT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("ab\u202e\x1b", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(JSON)
def test_what_is_json_is_read_as_python_reads_it(value: Any) -> None:
    assert read(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadJsonError):
        assert read(data) == json.loads(data)


HOP = {
    "role": "registry",
    "host": "registry.example",
    "port": 443,
    "via": "direct",
    "addresses": ["192.0.2.1", "2001:db8::1"],
    "reached": "tls",
    "timings_ms": {"dns": 1.0},
}
REMEDY = {
    "title": "Mend it",
    "for": ["docker"],
    "steps": [{"text": "so", "command": None, "root": False, "changes": None}],
    "verify": None,
    "docs": "https://docs.example/",
}
FINDING = {
    "code": "tls.unknown-ca",
    "check": "tls",
    "severity": "error",
    "root_cause": True,
    "confidence": "certain",
    "hop": "registry.example:443",
    "subject": None,
    "title": "t",
    "detail": "d",
    "evidence": {"chain": [{"a": 1}]},
    "remedies": [REMEDY],
}
TARGET = {
    "target": "registry.example/app:1",
    "registry": "registry.example",
    "repository": "app",
    "tag": "1",
    "digest": None,
    "client": "shell",
    "vantage": "local",
    "verdict": "fail",
    "root_causes": ["tls.unknown-ca"],
    "not_tried": [],
    "source": {"file": "pods.yaml", "line": 12},
    "assumed": [],
    "summary": "s",
    "hops": [HOP],
    "checks": [
        {"name": "tls", "status": "fail", "summary": "", "duration_ms": 1, "blocked_by": None}
    ],
    "findings": [FINDING],
}
WHOLE = {**REPORT, "verdict": "fail", "targets": [TARGET]}
VALIDATOR = Draft202012Validator(schema())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(each, (*path, key))
    return found


PLACES = [path for path in places(WHOLE) if path]
ODD: list[Any] = [None, True, 0, -1, 7.5, 70000, "", "x", "\x1b[2J", "registry", [], ["x"], {}]


def put(path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(WHOLE)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def test_a_report_is_one() -> None:
    assert faults(WHOLE) == []
    assert VALIDATOR.is_valid(WHOLE)


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_report_with_an_odd_value_is_judged_as_jsonschema_judges_it(path: Any) -> None:
    for odd in ODD:
        changed = put(path, odd)
        assert (faults(changed) == []) == VALIDATOR.is_valid(changed), (path, odd)


@pytest.mark.parametrize("path", [p for p in PLACES if isinstance(p[-1], str)], ids=str)
def test_a_field_that_is_missing_is_missed(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(WHOLE)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    assert (faults(changed) == []) == VALIDATOR.is_valid(changed)


def test_every_word_of_the_schema_is_understood() -> None:
    def words(rule: Any, of_names: bool = False) -> set[str]:
        if isinstance(rule, list):
            return {word for each in rule for word in words(each)}
        if not isinstance(rule, dict):
            return set()
        inner = {w for k, v in rule.items() for w in words(v, k in ("properties", "$defs"))}
        return inner if of_names else inner | set(rule)

    found = words({k: v for k, v in schema().items() if k != "enum"})
    assert found <= KEYWORDS


def test_not_more_than_the_first_faults_are_listed() -> None:
    assert len(faults({**WHOLE, "targets": [{}] * 5000}, 3)) == 3


@pytest.mark.parametrize(("levels", "taken"), [(MOST_DEEP, True), (MOST_DEEP + 1, False)])
def test_so_deep_and_no_deeper(levels: int, taken: bool) -> None:
    text = b'{"a":' * levels + b"1" + b"}" * levels
    if taken:
        assert read(text)
    else:
        with pytest.raises(BadJsonError, match="nested too deeply"):
            read(text)
