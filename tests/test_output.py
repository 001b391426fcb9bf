"""Does a report reach the file that was asked for, whole, whatever kind of file that is?"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.command import DOCTOR, Ended, doctor, environment, run

CHECK = ("check", "--offline", "registry.example/app:1")


def written(home: Path, file: str | Path, how: str = "") -> Ended:
    """The command writes there; `how` redirects its streams."""
    shell = ("sh", "-c", f'exec "$@" {how}', "sh", *DOCTOR, *CHECK, "-o", str(file))
    return run(shell, environment(home))


def is_report(text: str) -> bool:
    return text.startswith("No fault in what was looked at") and text.endswith("rate\n")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "report", tmp_path / "link"
    link.symlink_to(real)
    for _ in ("made", "replaced"):
        assert written(tmp_path, link).exit == 0
        assert link.is_symlink()
        assert is_report(real.read_text())
    assert [each.name for each in real.parent.iterdir()] == ["report"]


def test_the_mode_of_a_file_stays_and_a_new_one_has_the_usual(tmp_path: Path) -> None:
    file = tmp_path / "report"
    assert written(tmp_path, file).exit == 0
    mask = os.umask(0)
    os.umask(mask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask
    file.chmod(0o640)
    assert written(tmp_path, file).exit == 0
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    assert written(tmp_path, tmp_path / ("n" * 255)).exit == 0
    refused = written(tmp_path, tmp_path / ("n" * 256))
    assert (refused.exit, refused.stdout) == (2, b"")
    assert "File name too long" in refused.stderr


def test_an_open_descriptor_is_written_as_it_is(tmp_path: Path) -> None:
    """`/dev/stdout` is a link to the file that the shell opened: neither is replaced, and what is
    in the file stays."""
    log = tmp_path / "log"
    log.write_text("before\n")
    assert written(tmp_path, "/dev/stdout", f">> {log}").exit == 0
    assert log.read_text().startswith("before\n")
    assert is_report(log.read_text().removeprefix("before\n"))
    assert Path("/dev/stdout").exists()
    assert is_report(written(tmp_path, "/dev/fd/7", "7>&1").text)
    assert is_report(written(tmp_path, "/dev/stderr").stderr)
    closed = written(tmp_path, "/dev/fd/9")
    assert (closed.exit, closed.stdout) == (2, b"")
    assert "'/dev/fd/9' could not be written: Bad file descriptor" in closed.stderr


def test_a_pipe_is_written_and_one_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = written(tmp_path, pipe)
    assert (refused.exit, refused.stdout) == (2, b"")
    assert f"'{pipe}' could not be written: nobody reads from it" in refused.stderr
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert written(tmp_path, pipe).exit == 0
    reader.join()
    assert is_report(read[0])


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("missing/report", "is not a writable folder"),
        ("dangling", "is not a writable folder"),
        (".", "it is a folder"),
        ("file/report", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_written_is_found_before_anything_else(
    tmp_path: Path, file: str, says: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "dangling").symlink_to(folder / "missing" / "report")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "file").touch()
    ended = doctor(*CHECK, "-o", str(folder / file), home=tmp_path)
    assert (ended.exit, ended.stdout) == (2, b"")
    assert says in ended.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["dangling", "file", "loop"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_device_is_told(tmp_path: Path) -> None:
    ended = written(tmp_path, "/dev/full")
    assert (ended.exit, ended.stdout) == (2, b"")
    assert ended.stderr == "doctor: '/dev/full' could not be written: No space left on device\n"
    assert written(tmp_path, "/dev/null").exit == 0
