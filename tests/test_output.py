"""Does a report reach the file that was asked for, whole, whatever kind of file that is?"""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from tests.command import DOCTOR, Ended, doctor, environment, run
from tests.lab.misbehaving import in_order
from tests.lab.origin import Request, answer, origin
from tests.lab.thread import running

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


def test_a_lone_hyphen_is_standard_output(tmp_path: Path) -> None:
    env = environment(tmp_path)
    there = ("sh", "-c", f'cd {tmp_path} && exec "$@"', "sh", *DOCTOR, *CHECK)
    both = run((*there, "--json", "-o", "-", "--format", "text", "-o", "report"), env)
    assert (both.exit, both.stderr) == (0, "")
    assert json.loads(both.stdout)["verdict"] == "pass"
    assert is_report((tmp_path / "report").read_text())
    twice = run((*there, "--json", "-o", "-", "--format", "text"), env)
    assert (twice.exit, twice.stdout) == (2, b"")
    assert "only one format can go to standard output" in twice.stderr
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["report"]
    assert run((*there, "-o", "./-"), env).stdout == b""
    assert is_report((tmp_path / "-").read_text())


def test_a_bundle_is_a_file_with_a_name(tmp_path: Path) -> None:
    env = environment(tmp_path)
    there = ("sh", "-c", f'cd {tmp_path} && exec "$@"', "sh", *DOCTOR)
    ended = run((*there, "bundle", *CHECK[1:], "-o", "-"), env)
    assert (ended.exit, ended.stdout) == (2, b"")
    assert "its path is what goes to standard output" in ended.stderr
    assert not (tmp_path / "-").exists()


def test_a_pipe_is_written_and_one_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = written(tmp_path, pipe)
    assert (refused.exit, refused.stdout) == (3, b"")
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
        ("/dev/fd/9", "Bad file descriptor"),
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
    with running(lambda: origin(in_order)) as server:
        target = f"{server.hop.name}/lab/app:1.0"
        ended = doctor("check", target, "-o", str(folder / file), home=tmp_path)
    assert (ended.exit, ended.stdout, server.connections) == (2, b"", 0)
    assert says in ended.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["dangling", "file", "loop"]


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
FULL = "could not be written: No space left on device"


@needs_full
def test_a_full_device_is_told(tmp_path: Path) -> None:
    ended = written(tmp_path, "/dev/full")
    assert (ended.exit, ended.stdout) == (3, b"")
    assert ended.stderr == f"doctor: '/dev/full' {FULL}\n"
    assert written(tmp_path, "/dev/null").exit == 0


@needs_full
def test_one_place_that_is_full_takes_nothing_from_the_others(tmp_path: Path) -> None:
    file = tmp_path / "report"
    outputs = ("--json", "-o", "/dev/full", "--json", "-o", str(file), "--format", "text")
    ended = doctor(*CHECK, *outputs, home=tmp_path)
    assert (ended.exit, is_report(ended.text)) == (3, True)
    assert ended.stderr == f"doctor: '/dev/full' {FULL}\n"
    assert file.read_text().startswith("{")


@needs_full
@pytest.mark.parametrize("how", ["> /dev/full", "-o /dev/full"])
def test_what_was_found_is_told_by_the_exit_code_although_the_report_is_lost(
    tmp_path: Path, how: str
) -> None:
    shell = f"{' '.join(DOCTOR)} check --offline 'registry.example/App:1' {how}"
    ended = run(("sh", "-c", shell), environment(tmp_path))
    assert (ended.exit, ended.stdout) == (1, b"")
    assert FULL in ended.stderr


@pytest.mark.parametrize(("status", "code"), [(200, 3), (404, 1)])
def test_a_place_that_vanishes_during_the_run_is_told(
    tmp_path: Path, status: int, code: int
) -> None:
    """Nobody got the report of a pull that works; of one that fails the exit code tells."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def script(request: Request) -> bytes:
        shutil.rmtree(folder, ignore_errors=True)
        return in_order(request) if status == 200 or request.path == "/v2/" else answer(status, {})

    with running(lambda: origin(script)) as server:
        target = f"{server.hop.name}/lab/app:1.0"
        ended = doctor("check", target, "-o", str(folder / "report"), home=tmp_path)
    assert (ended.exit, ended.stdout) == (code, b""), ended
    assert f"'{folder / 'report'}' could not be written: No such file or directory" in ended.stderr


def test_a_pipe_whose_reader_leaves_is_told(tmp_path: Path) -> None:
    """It is not standard output, whose reader knows that it has left."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def script(request: Request) -> bytes:
        nonlocal reader
        if reader >= 0:
            os.close(reader)
            reader = -1
        return in_order(request)

    with running(lambda: origin(script)) as server:
        target = f"{server.hop.name}/lab/app:1.0"
        ended = doctor("check", target, "-o", str(pipe), home=tmp_path)
    assert (ended.exit, ended.stdout) == (3, b""), ended
    assert f"'{pipe}' could not be written: nobody reads from it" in ended.stderr
