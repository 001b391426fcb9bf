"""Is what stands after `make doctor IMAGE=` taken as text, by make and by the shell, and is the
answer handed on?"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.installed import ROOT

PROGRAM = """#!/bin/sh
for word; do printf '%s\\n' "$word"; done
exit ${CODE:-0}
"""
HOSTILE = (
    "$(touch made)",
    "`touch made`",
    "$(shell touch made)",
    "${HOME}",
    "a; touch made",
    'a"; touch made; "',
    "a'; touch made; '",
    "a && touch made #",
    "* ? [a-z]",
    "a\\b$$c",
    "registry.example/ünïcode:1",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile beside an environment that is made already, whose `doctor` shows its
    arguments."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    folder = tmp_path / "checkout"
    for name in ("Makefile", "pyproject.toml", "requirements", "tools"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / ".venv/bin").mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    program = folder / ".venv/bin/doctor"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    for stamp in ("lock", "run", "dev"):
        (folder / f".venv/{stamp}.stamp").touch()
    return folder


def _make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("image", HOSTILE)
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_image_is_text(checkout: Path, image: str, by: str) -> None:
    given = {"IMAGE": image}
    if by == "argument":
        done = _make(checkout, "doctor", f"IMAGE={image}")
    else:
        done = _make(checkout, "doctor", **given)
    assert done.stdout == f"check\n--\n{image}\n", done.stderr
    assert not (checkout / "made").exists()


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_fault_is_text(checkout: Path, fault: str) -> None:
    assert _make(checkout, "demo", f"FAULT={fault}").stdout == f"demo\n--\n{fault}\n"
    assert not (checkout / "made").exists()


def test_without_a_fault_they_are_listed(checkout: Path) -> None:
    assert _make(checkout, "demo").stdout == "demo\n"
    assert _make(checkout, "demo", "FAULT=expired", "ARGS=--json").stdout.split() == [
        *("demo", "--json", "--", "expired")
    ]


def test_without_an_image_the_default_is_diagnosed(checkout: Path) -> None:
    assert _make(checkout, "doctor").stdout == "check\n"


def test_options_are_words_and_never_commands(checkout: Path) -> None:
    done = _make(checkout, "doctor", "IMAGE=a/b", "ARGS=--json --only dns,$(shell touch made) *")
    assert done.stdout.splitlines() == [
        *("check", "--json", "--only", "dns,$(shell", "touch", "made)", "*", "--", "a/b")
    ]
    assert not (checkout / "made").exists()


def test_the_answer_is_handed_on(checkout: Path) -> None:
    assert _make(checkout, "doctor", CODE="0").returncode == 0
    failed = _make(checkout, "doctor", CODE="3")
    assert failed.returncode != 0
    assert "Error 3" in failed.stderr


def test_ci_runs_make_test_and_nothing_else(checkout: Path) -> None:
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    (checkout / "Makefile").write_text("test:\n\t@echo test with CI=$$CI\n")
    own = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    done = subprocess.run([checkout / ".ci/run"], capture_output=True, text=True, cwd="/", env=own)
    assert done.stdout.splitlines()[-1:] == ["test with CI=true"]
    assert done.returncode == 0


def test_the_lock_s_stamp_says_when_all_is_made_again(checkout: Path) -> None:
    (checkout / "tools/venv.sh").write_text('#!/bin/sh\necho "made $1"\n')
    for stamp in ("lock", "run", "dev"):
        (checkout / f".venv/{stamp}.stamp").touch()
    assert "made" not in _make(checkout, "doctor").stdout
    (checkout / ".venv/lock.stamp").unlink()
    done = _make(checkout, "doctor")
    assert [w for w in done.stdout.splitlines() if w.startswith("made")] == [
        "made run",
        "made package",
    ]
