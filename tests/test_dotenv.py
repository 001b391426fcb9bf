"""The `.env` beside a Compose file fills in what the shell's environment does not."""

from __future__ import annotations

import json
import os
from collections import UserDict
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.images.dotenv import DotEnv
from tests.leaks import leaks, plainly
from tests.test_bad_input import typed


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1 ", "1"),
        ("A = 1 # why", "1"),
        ("A=1#2", "1#2"),
        ("A: 1", "1"),
        ("A='$B # x' # why", "$B # x"),
        ('A="$B # x" # why', "b # x"),
        (r'A="a\"b\n"', 'a"b\n'),
        ("A=${B}-${C:-c}", "b-c"),
        ("A=$S", "shell"),
        ("A=", ""),
        ("A=#x", ""),
        ("\tA=1\r", "1"),
    ],
)
def test_a_line_sets_a_variable(line: str, value: str) -> None:
    found = DotEnv(lambda: f"# a comment\nB=b\nS=file\n{line}\nnonsense\n", {"S": "shell"})
    assert found["A"] == value


def test_a_line_of_blanks_costs_no_time() -> None:
    blanks = " " * 1_000_000
    found = DotEnv(lambda: f"A=x{blanks}y{blanks}# why\n{blanks}B={blanks}b\n", {})
    assert (found["A"], found["B"]) == (f"x{blanks}y"[:4096], "b")


def test_the_shells_variables_are_gone_through_once_and_not_for_each_line() -> None:
    class Shell(UserDict[str, str]):
        times = 0

        def __iter__(self) -> Iterator[str]:
            self.times += 1
            return super().__iter__()

    shell = Shell(C="shell")
    found = DotEnv(lambda: "A=a\nB=$A$C\nC=file\nA=${A}2\nD=$A$C\n", shell)
    assert dict(found) == {"A": "a2", "B": "ashell", "C": "file", "D": "a2shell"}
    assert shell.times <= 1


def test_it_is_read_once_and_only_if_something_is_missing() -> None:
    times: list[int] = []

    def read() -> str:
        times.append(1)
        return "A=1\n"

    found = DotEnv(read, {})
    assert times == []
    assert (found.get("A"), found.get("B")) == ("1", None)
    assert times == [1]


COMPOSE = """\
services:
  app: {image: "x.example/app:${TAG}"}
  other: {image: "x.example/${REGISTRY_PASSWORD}/app:1", platform: linux/s390x}
"""


def said(home: Path, *words: str) -> dict[str, str]:
    """Target to summary."""
    ended = typed(home, "check", "--offline", "--json", *words)
    secret = {"in .env": plainly("in .env")}
    assert not leaks({"out": ended.stdout, "err": ended.stderr.encode()}, secret)
    return {t["target"]: t["summary"] for t in json.loads(ended.stdout)["targets"]}


def test_the_file_beside_a_compose_file_counts_and_no_secret_of_it_is_shown(tmp_path: Path) -> None:
    compose = tmp_path / "compose.yaml"
    compose.write_text(COMPOSE)
    without = said(tmp_path, "-f", str(compose))
    assert "TAG has no value here" in without["x.example/app:${TAG}"]
    (tmp_path / ".env").write_text(f"TAG=7\nREGISTRY_PASSWORD={plainly('in .env')}\n")
    assert "x.example/app:7" in said(tmp_path, "-f", str(compose))
    os.remove(tmp_path / ".env")
    os.mkfifo(tmp_path / ".env")
    assert said(tmp_path, "-f", str(compose)) == without
