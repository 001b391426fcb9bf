"""Below --root it is another machine that is diagnosed: what repeats the diagnosis reads there
again, and what changes something is said to be for there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.command import doctor

IMAGE = "registry.example/team/app:1"
AGAIN = re.compile(r"doctor (?:check|bundle) [^`\n]*")


def furnished(folder: Path) -> Path:
    """A machine with a fault in each of docker's files."""
    for file in ("etc/docker/daemon.json", "root/.docker/config.json"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text('{"a": [,]}')
    return folder


def diagnosed(home: Path, *options: str) -> dict[str, Any]:
    words = ("check", "--json", "--offline", *options, IMAGE)
    (target,) = json.loads(doctor(*words, home=home).stdout)["targets"]
    found: dict[str, Any] = target
    return found


def repeated(target: dict[str, Any]) -> list[list[str]]:
    """The words of every command that asks this program again."""
    told: list[str] = []
    for finding in target["findings"]:
        for remedy in finding["remedies"]:
            told += [remedy["verify"] or "", *(s["command"] or "" for s in remedy["steps"])]
    return [shlex.split(match[0]) for text in told for match in AGAIN.finditer(text)]


@pytest.mark.parametrize("client", ["shell", "docker", "kubelet"])
def test_what_repeats_the_diagnosis_reads_below_the_same_root(tmp_path: Path, client: str) -> None:
    root = furnished(tmp_path / "a node's")
    target = diagnosed(Path("/root"), "--as", client, "--root", str(root))
    again = repeated(target)
    assert again or client == "kubelet"
    assert [words[2:4] for words in again] == [["--root", str(root)]] * len(again)
    paths = {f["evidence"].get("path") for f in target["findings"]} - {None}
    assert not [path for path in paths if path.startswith(str(root))]
    (said,) = target["assumed"]
    assert str(root) in said
    assert "is to be run there" in said


def test_of_this_machine_nothing_of_that_is_said(tmp_path: Path) -> None:
    furnished(tmp_path)
    (tmp_path / "root/.docker").rename(tmp_path / ".docker")
    target = diagnosed(tmp_path)
    assert repeated(target)
    assert not [words for words in repeated(target) if "--root" in words]
    assert target["assumed"] == []
