"""Does the schema refuse what is no report? It is what programs are written against, and what every
report made in the lab is held to.

Nothing is listed by hand but what needs a reason: a whole report is broken in every place, one
place at a time.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from doctor import cli

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "doctor/report/report.schema.json").read_text()
)
VALIDATOR = Draft202012Validator(SCHEMA)
OPTIONAL = {
    *("assumed", "looked_at"),
    *("timings_ms.dns", "timings_ms.tcp", "timings_ms.tls", "timings_ms.http"),
}
"""Fields that a report may lack."""

FINDING: dict[str, Any] = {
    "code": "tls.unknown-ca",
    "check": "tls",
    "severity": "error",
    "root_cause": True,
    "confidence": "certain",
    "hop": "registry.example:443",
    "subject": None,
    "title": "Unknown certificate authority",
    "detail": "registry.example:443 sent a chain that ends in Corp CA, which no store holds.",
    "evidence": {"anything": [1, {"at": "all"}]},
    "remedies": [
        {
            "title": "Trust it",
            "for": ["docker", "podman"],
            "steps": [
                {"text": "Copy it.", "command": "cp a b", "root": True, "changes": "machine"},
                {"text": "Then wait.", "command": None, "root": False, "changes": None},
            ],
            "verify": "It works.",
            "docs": "https://docs.example/tls",
        }
    ],
}
HOP: dict[str, Any] = {
    "role": "registry",
    "host": "registry.example",
    "port": 443,
    "via": "proxy proxy.example:3128",
    "addresses": ["192.0.2.1", "2001:db8::1"],
    "reached": "tls",
    "timings_ms": {"dns": 1.2, "tcp": 8, "tls": 21.5, "http": 9.9},
}
TARGET: dict[str, Any] = {
    "target": "registry.example/library/base:latest",
    "registry": "registry.example",
    "repository": "library/base",
    "tag": "latest",
    "digest": f"sha256:{'0' * 64}",
    "client": "shell",
    "vantage": "local",
    "verdict": "fail",
    "root_causes": ["tls.unknown-ca"],
    "not_tried": ["blob"],
    "source": {"file": "pod.yaml", "line": 12},
    "assumed": ["The tag is latest."],
    "summary": "registry.example:443 is not trusted.",
    "hops": [HOP],
    "checks": [
        {"name": "tls", "status": "fail", "summary": "x", "duration_ms": 21.5, "blocked_by": None},
        {"name": "api", "status": "skip", "summary": "", "duration_ms": 0, "blocked_by": "tls"},
    ],
    "findings": [FINDING],
    "looked_at": [
        {
            "what": "credential",
            "where": "/root/.docker/config.json",
            "outcome": "no-match",
            "key": "other.example",
            "note": "it has other.example",
        }
    ],
}
PULL: dict[str, Any] = {
    "image": "registry.example/app:1",
    "images": ["registry.example/app:1"],
    "reason": "ImagePullBackOff",
    "message": "Back-off pulling image",
    "evidence_from": "event",
    "verdict": "fail",
    "root_causes": ["k8s.secret-missing"],
    "summary": "The pull Secret does not exist.",
    "pods": 12,
    "namespaces": ["shop"],
    "nodes": ["node-1"],
    "oldest": "2026-11-23T20:21:07Z",
    "newest": "2026-11-23T20:21:07Z",
    "workloads": [
        {"kind": "Deployment", "namespace": "shop", "name": "web", "containers": ["a"], "pods": 12}
    ],
    "findings": [FINDING],
}
REPORT: dict[str, Any] = {
    "schema": "doctor.report/1",
    "tool": {
        "name": "registry-doctor",
        "version": "0.1.0",
        "python": "3.11.7",
        "platform": "linux-x86_64",
    },
    "started": "2026-11-23T20:21:07Z",
    "duration_ms": 412.3,
    "verdict": "fail",
    "targets": [TARGET],
    "clients": [
        {
            "target": "registry.example/library/base:latest",
            "client": "docker",
            "verdict": "fail",
            "first_failing": "tls",
            "root_causes": ["tls.unknown-ca"],
            "layers": [{"name": "tls", "status": "fail"}, {"name": "api", "status": "skip"}],
        }
    ],
    "kubernetes": {
        "context": "prod",
        "server_version": "v1.31.2",
        "verdict": "fail",
        "pods_seen": 312,
        "pods_failing": 41,
        "hops": [HOP],
        "findings": [FINDING],
        "pulls": [PULL],
        "left_out": [{"what": "secrets", "why": "forbidden", "namespace": "shop"}],
    },
}
Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every place of the report but what is inside evidence."""
    yield path, value
    if path and path[-1] == "evidence":
        return
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def put(path: Path_, value: Any) -> dict[str, Any]:
    """The report with this in that place; the place itself gone for `...`."""
    if not path:
        return value  # type: ignore[no-any-return]
    broken = copy.deepcopy(REPORT)
    inside: Any = broken
    for key in path[:-1]:
        inside = inside[key]
    if value is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return broken


def named(path: Any) -> str:
    """A place, in a test's name."""
    if not isinstance(path, tuple):
        return repr(path)[:30]
    return ".".join(str(key) for key in path if isinstance(key, str))


ALL = list(places(REPORT))
OBJECTS = [(path, value) for path, value in ALL if isinstance(value, dict)]


def test_a_whole_report_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(REPORT)


def test_what_the_program_prints_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["check", "--json", "--offline", "registry.example/app:1", "not an image"])
    VALIDATOR.validate(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("path", [path for path, _ in ALL if path], ids=named)
def test_no_field_may_be_missing(path: Path_) -> None:
    if isinstance(path[-1], int) or any(named(path).endswith(each) for each in OPTIONAL):
        return
    assert not VALIDATOR.is_valid(put(path, ...))


@pytest.mark.parametrize(
    ("path", "value"), [(p, v) for p, v in OBJECTS if p[-1:] != ("evidence",)], ids=str
)
def test_no_field_may_be_added(path: Path_, value: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(put(path, {**value, "new_field": None}))


@pytest.mark.parametrize(("path", "value"), ALL, ids=named)
def test_no_value_is_of_another_type(path: Path_, value: Any) -> None:
    other: list[Any] = [[["x"]], {"x": 1}, "\n", True, 7.5, [7]]
    same = {dict: 1, str: 2, bool: 3, float: 4, int: 4}.get(type(value))
    for number, wrong in enumerate(other):
        if number != same and not (value is None and number == 2):
            assert not VALIDATOR.is_valid(put(path, wrong)), wrong


BROKEN: tuple[tuple[Path_, Any], ...] = (
    (("schema",), "doctor.report/2"),
    (("tool", "name"), "doctor"),
    (("tool", "version"), ""),
    (("started",), "2026-11-23 20:21:07"),
    (("started",), "2026-11-23T20:21:07+01:00"),
    (("duration_ms",), -1),
    (("verdict",), "error"),
    (("verdict",), None),
    (("targets",), None),
    (("targets", 0, "target"), None),  # null only where a text names nothing
    (("targets", 0, "registry"), ""),
    (("targets", 0, "digest"), "sha256:123"),
    (("targets", 0, "client"), "nerdctl"),
    (("targets", 0, "vantage"), "remote"),
    (("targets", 0, "verdict"), "pass"),  # and yet a cause
    (("targets", 0, "root_causes"), []),  # and yet a failure
    (("targets", 0, "root_causes"), ["unknown-ca"]),
    (("targets", 0, "root_causes"), ["tls.unknown-ca", "tls.unknown-ca"]),
    (("targets", 0, "not_tried"), [""]),
    (("targets", 0, "source", "line"), -1),
    (("targets", 0, "source", "line"), 1.5),
    (("targets", 0, "summary"), ""),
    (("targets", 0, "hops", 0, "role"), "cdn"),
    (("targets", 0, "hops", 0, "port"), 0),
    (("targets", 0, "hops", 0, "port"), 65536),
    (("targets", 0, "hops", 0, "port"), "443"),
    (("targets", 0, "hops", 0, "via"), "proxy"),
    (("targets", 0, "hops", 0, "addresses"), ["registry.example"]),
    (("targets", 0, "hops", 0, "reached"), "api"),
    (("targets", 0, "hops", 0, "timings_ms"), {"tls": -1}),
    (("targets", 0, "hops", 0, "timings_ms"), {"total": 1}),
    (("targets", 0, "checks", 0, "status"), "ok"),
    (("targets", 0, "checks", 0, "name"), "TLS handshake"),
    (("targets", 0, "checks", 0, "blocked_by"), "dns"),  # blocked is skip, never fail
    (("targets", 0, "findings", 0, "code"), "TLS.UNKNOWN"),
    (("targets", 0, "findings", 0, "severity"), "warning"),  # and yet a cause
    (("targets", 0, "findings", 0, "severity"), "fatal"),
    (("targets", 0, "findings", 0, "confidence"), "sure"),
    (("targets", 0, "findings", 0, "hop"), "registry.example"),
    (("targets", 0, "findings", 0, "title"), ""),
    (("targets", 0, "findings", 0, "detail"), ""),
    (("targets", 0, "findings", 0, "remedies", 0, "for"), ["everybody"]),
    (("targets", 0, "findings", 0, "remedies", 0, "steps"), []),
    (("targets", 0, "findings", 0, "remedies", 0, "docs"), "see the manual"),
    (("targets", 0, "findings", 0, "remedies", 0, "steps", 0, "changes"), "nothing"),
    (("targets", 0, "findings", 0, "remedies", 0, "steps", 0, "command"), ""),
    (("clients", 0, "client"), "all"),
    (("clients", 0, "verdict"), "pass"),
    (("clients", 0, "layers", 0, "status"), "ok"),
    (("kubernetes", "pods_seen"), -1),
    (("kubernetes", "pulls", 0, "evidence_from"), "logs"),
    (("kubernetes", "pulls", 0, "pods"), 0),
    (("kubernetes", "pulls", 0, "images"), []),
    (("kubernetes", "pulls", 0, "oldest"), "yesterday"),
    (("kubernetes", "pulls", 0, "root_causes"), []),
)


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=named)
def test_no_report_says_this(path: Path_, value: Any) -> None:
    assert not VALIDATOR.is_valid(put(path, value))


NEAR: tuple[tuple[Path_, Any], ...] = (
    (("clients",), None),
    (("kubernetes",), None),
    (("targets",), []),
    (("targets", 0, "registry"), None),
    (("targets", 0, "digest"), None),
    (("targets", 0, "source"), None),
    (("targets", 0, "hops", 0, "via"), "direct"),
    (("targets", 0, "hops", 0, "reached"), None),
    (("targets", 0, "hops", 0, "timings_ms"), {}),
    (("targets", 0, "hops", 0, "addresses"), ["fe80::1%eth0", "::ffff:192.0.2.1"]),
    (("targets", 0, "findings", 0, "hop"), "[2001:db8::1]:443"),
    (("targets", 0, "findings", 0, "evidence"), {}),
    (("targets", 0, "findings", 0, "remedies"), []),
    (("targets", 0, "checks", 0, "name"), "harbor"),
    (("kubernetes", "pulls"), []),
    (("kubernetes", "left_out", 0, "namespace"), None),
)


@pytest.mark.parametrize(("path", "value"), NEAR, ids=named)
def test_a_report_may_say_this(path: Path_, value: Any) -> None:
    VALIDATOR.validate(put(path, value))


def test_a_text_that_names_nothing_has_no_target() -> None:
    target = {**TARGET, "vantage": "text", "target": None}
    VALIDATOR.validate(put(("targets", 0), target))


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of an object."""
    if isinstance(schema, dict) and schema.get("type") == "object":
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from objects(inner)


def test_every_object_is_closed() -> None:
    """Evidence is the one place where anything may stand."""
    found = list(objects(SCHEMA))
    open_ones = [each for each in found if each.get("additionalProperties") is not False]
    assert len(found) > 10
    assert open_ones == [SCHEMA["$defs"]["finding"]["properties"]["evidence"]]
