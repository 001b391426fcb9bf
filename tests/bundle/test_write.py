"""A bundle lies on the disk whole, for its owner alone, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doctor.bundle import write
from doctor.bundle.contents import Contents, Entry
from doctor.process.streams import UndeliveredError

NOW = datetime(2026, 11, 28, 19, 7, 44, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One in which there is nothing."""
    found = tmp_path / "empty"
    found.mkdir()
    return found


def made(text: str) -> Contents:
    return Contents((Entry("report.json", text.encode(), {}),), (), b"{}")


def test_it_is_searched_before_there_is_a_file() -> None:
    """The near miss is the same with a mask in the secret's place."""
    with pytest.raises(write.WithheldError) as withheld:
        write.packed(made('{"password": "abcdefgh1"}'), NOW, str)
    assert withheld.value.exit == 3
    assert "report.json, line 1: the shape of a secret (JSON field)" in str(withheld.value)
    assert "abcdefgh1" not in str(withheld.value)
    assert write.packed(made('{"password": "[hidden]"}'), NOW, str)


def test_only_the_first_places_are_named() -> None:
    lines = "\n".join(f"ghp_{n:040}" for n in range(3))
    many = {f"facts/{n:04}.json": lines for n in range(9)}
    entries = tuple(Entry(name, text.encode(), {}) for name, text in many.items())
    with pytest.raises(write.WithheldError, match="and 4 more places"):
        write.packed(Contents(entries, (), b"{}"), NOW, str)


def test_what_nobody_could_open_is_not_written() -> None:
    with pytest.raises(UndeliveredError, match="it unpacks to more than"):
        write.packed(made("x" * (8 << 20)), NOW, str)


@pytest.mark.parametrize("mask", [0o022, 0o000, 0o077])
def test_it_is_its_owner_s_alone(mask: int, folder: Path) -> None:
    before = os.umask(mask)
    try:
        write.put(str(folder / "b"), b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["b"]


def test_what_was_there_is_written_over_where_it_was_named(folder: Path) -> None:
    file = folder / "b"
    file.write_text("old")
    file.chmod(0o644)
    write.put(str(file), b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write.put(str(file), b"newer", over=False)
    assert file.read_bytes() == b"new"
    assert os.listdir(folder) == ["b"]


@pytest.mark.parametrize("ends", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left")])
def test_what_ends_it_leaves_nothing(
    ends: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "b").write_text("old")

    def fsync(descriptor: int) -> None:
        raise ends

    monkeypatch.setattr(os, "fsync", fsync)
    expected = UndeliveredError if isinstance(ends, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write.put(str(folder / "b"), b"new")
    assert os.listdir(folder) == ["b"]
    assert (folder / "b").read_text() == "old"


def test_a_folder_without_links_gets_it_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stick with a FAT file system has none."""

    def link(*given: object, **more: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    monkeypatch.chdir(folder)
    names = [write.put_anew(NOW, b"x") for _ in range(3)]
    assert names[0] == "doctor-20261128T190744Z.tar.gz"
    assert sorted(os.listdir(folder)) == sorted(set(names))
    assert len(set(names)) == 3
