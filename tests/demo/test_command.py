"""Does `doctor demo` say what there is, that it is a demo, and what the contract wants of it?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doctor.demo.faults import FAULTS
from tests.command import doctor
from tests.lab.world import validator


def test_without_a_name_the_faults_are_listed(tmp_path: Path) -> None:
    done = doctor("demo", home=tmp_path)
    assert done.exit == 0
    lines = done.text.splitlines()
    assert [line.split()[0] for line in lines] == [fault.name for fault in FAULTS]
    assert len(lines) > 20
    assert max(map(len, lines)) <= 80
    assert "doctor demo unknown-ca" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("healthy",), 0),
        (("expires-soon",), 0),
        (("expires-soon", "--strict"), 1),
        (("--strict", "unknown-ca"), 1),
        (("healthy", "--quiet"), 0),
    ],
)
def test_the_exit_code_follows_the_verdict(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    assert doctor("demo", *arguments, home=tmp_path).exit == code


@pytest.mark.parametrize(
    "arguments",
    [("unknown-cs",), ("a", "b"), ("--as", "docker", "expired"), ("--ca", "x", "expired"), ("",)],
)
def test_what_cannot_be_used_is_said(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = doctor("demo", *arguments, home=tmp_path)
    assert (done.exit, done.stdout) == (2, b"")


def test_it_is_said_to_be_a_demo_beside_the_data(tmp_path: Path) -> None:
    done = doctor("demo", "unknown-ca", home=tmp_path)
    assert "this is a demo" in done.stderr
    assert "nothing is to be changed on this machine" in done.stderr
    assert max(map(len, done.stderr.splitlines())) <= 80
    assert done.text.startswith("Cannot be pulled: registry.demo.test:")
    assert "Example Corp Internal Root CA" in done.text
    assert "Add the CA to the trust store" in done.text


def test_the_report_is_the_ordinary_one(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = doctor(
        "demo", "unauthorized", "--format", "json", "-o", str(file), "--format", "text",
        home=tmp_path,
    )  # fmt: skip
    assert (done.exit, done.text[:16]) == (1, "Cannot be pulled")
    report = json.loads(file.read_text())
    validator().validate(report)
    (target,) = report["targets"]
    assert target["root_causes"] == ["auth.rejected"]
    assert target["registry"].startswith("registry.demo.test:")
