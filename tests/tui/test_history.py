"""What is kept of the targets that were looked at, and when is nothing kept?"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from doctor.redact import Secret
from doctor.tui.history import MOST, History


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty one."""
    made = tmp_path / "empty"
    made.mkdir()
    return made


def here(folder: Path, **environ: str) -> History:
    return History.here({"HOME": str(folder), **environ})


def test_the_latest_come_first_once_each_in_a_file_for_the_user_alone(home: Path) -> None:
    history = here(home)
    for name in ("a.example", "b.example", "a.example"):
        history.add(name)
    assert history.file == home / ".local/state/registry-doctor/recent.json"
    assert here(home).targets == ["a.example", "b.example"]
    assert stat.S_IMODE(history.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.file.parent.stat().st_mode) == 0o700
    assert [p.name for p in history.file.parent.iterdir()] == ["recent.json"]


def test_the_state_folder_may_be_another(home: Path) -> None:
    here(home, XDG_STATE_HOME=str(home / "state")).add("a.example")
    assert (home / "state/registry-doctor/recent.json").is_file()


@pytest.mark.parametrize("environ", [{"DOCTOR_NO_HISTORY": "1"}, {"HOME": ""}, {"HOME": "here"}])
def test_nothing_is_kept_where_it_is_not_wanted(environ: dict[str, str], home: Path) -> None:
    history = History.here({"HOME": str(home), **environ})
    history.add("a.example")
    assert history.targets == []
    assert list(home.iterdir()) == []


def test_nothing_is_kept_with_the_option(home: Path) -> None:
    History.here({"HOME": str(home)}, kept=False).add("a.example")
    assert list(home.iterdir()) == []


def test_no_secret_and_nothing_alive_is_kept(home: Path) -> None:
    Secret("correct-horse-battery")
    history = here(home)
    for name in ("u:correct-horse-battery@r.example/a", "a\x1b[2J", "", "x" * 999):
        history.add(name)
    assert history.targets == []


def test_of_a_command_the_target_is_kept_and_none_of_its_options(home: Path) -> None:
    history = here(home)
    history.remember(["docker", "pull", "-p", "an-option", "a.example/app"])
    history.remember(["docker", "a.example"])
    history.remember(["https://ann:" + "p" * 12 + "@a.example/secret"])
    assert history.targets == ["docker", "a.example", "a.example/app"]


def test_the_list_has_an_end(home: Path) -> None:
    history = here(home)
    for number in range(3 * MOST):
        history.add(f"registry.example/app:{number}")
    assert len(here(home).targets) == MOST


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[[[",
        '{"a": 1}',
        '[1, null, {"a": 2}]',
        '["\\u001b[2J"]',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_a_file_that_is_no_list_is_an_empty_one(content: str, home: Path) -> None:
    file = home / "recent.json"
    file.write_text(content)
    history = History(file)
    assert history.targets == []
    history.add("a.example")
    assert json.loads(file.read_text()) == ["a.example"]


def test_a_folder_that_takes_no_file_is_no_error(home: Path) -> None:
    (home / "blocked").write_text("")
    history = History(home / "blocked" / "recent.json")
    history.add("a.example")
    assert history.targets == ["a.example"]
