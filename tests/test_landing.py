"""A file that was asked for is there whole, or as it was before: whatever ends the process, and
whatever the disk says."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.process.landing import Unplaced
from tests.command import begin, doctor, environment
from tests.test_interruption import until

IMAGE = "registry.example/app:1"
MOMENTS = {
    "while it is written": "os.write",
    "before it is named": "os.fchmod",
    "while it is named": "os.link",
    "while it is moved": "os.replace",
}
_HOLD = """
import os, sys, time
def held(call, *names):
    def wait(*given, **more):
        if any(str(each).startswith("/proc/self/fd/") for each in given) or {always!r}:
            if given[:1] not in ((1,), (2,)):
                open({reached!r}, "w").close()
                time.sleep(60)
        return call(*given, **more)
    return wait
{what} = held({what})
"""


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    report, bundle = str(folder / "out/file"), str(folder / "out/file")
    return {
        "-o": ("check", "--offline", IMAGE, "--json", "-o", report),
        "bundle": ("bundle", "--offline", IMAGE, "-o", bundle),
        "pseudonyms": ("bundle", "--offline", IMAGE, "-o", bundle, "--pseudonyms"),
    }


ENDS = [
    *((command, moment, signal.SIGKILL) for command in ("-o", "pseudonyms") for moment in MOMENTS),
    *(("bundle", moment, signal.SIGTERM) for moment in MOMENTS),
    ("-o", "while it is written", signal.SIGINT),
]


@pytest.mark.parametrize(
    ("command", "moment", "number", "before"),
    [
        (*end, before)
        for end in ENDS
        for before in ("", "what was there")
        if before or end[1] != "while it is moved"  # what was not there is not written over
    ],
)
def test_a_process_that_is_ended_leaves_no_half_of_a_file(
    command: str, moment: str, number: signal.Signals, before: str, tmp_path: Path
) -> None:
    what = MOMENTS[moment]
    out = tmp_path / "out"
    out.mkdir()
    if before:
        (out / "file").write_text(before)
    modules = tmp_path / "modules"
    modules.mkdir()
    reached = tmp_path / "reached"
    held = _HOLD.format(what=what, reached=str(reached), always=what != "os.link")
    (modules / "sitecustomize.py").write_text(held)
    env = environment(tmp_path, PYTHONPATH=str(modules))
    process = begin(*commands(tmp_path)[command], env=env)
    until(reached.exists, moment)
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    left = sorted(os.listdir(out))
    whole = [name for name in left if name.startswith(".doctor-")]
    assert len(whole) <= (what == "os.replace" and number == signal.SIGKILL)
    assert [name for name in left if name not in whole] == (["file"] if before else [])
    if before:
        assert (out / "file").read_text() == before


def _small(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.parametrize("before", ["", "what was there"])
@pytest.mark.parametrize("command", ["-o", "bundle", "pseudonyms"])
def test_a_disk_that_is_full_is_told_and_nothing_is_left(
    command: str, before: str, tmp_path: Path
) -> None:
    """Here a file may have a few bytes and no more."""
    out = tmp_path / "out"
    out.mkdir()
    if before:
        (out / "file").write_text(before)
    done = subprocess.run(
        [sys.executable, "-m", "doctor", *commands(tmp_path)[command]],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        preexec_fn=lambda: _small(512),
    )
    assert done.returncode == 3, done
    assert "out/file' could not be written: File too large" in done.stderr
    assert os.listdir(out) == (["file"] if before else [])
    if before:
        assert (out / "file").read_text() == before


def test_a_bundle_has_its_names_beside_it_or_is_not_there(tmp_path: Path) -> None:
    """What keeps them from being put there is known before anything is looked at."""
    out = tmp_path / "out"
    (out / "file.names.json").mkdir(parents=True)
    ended = doctor(*commands(tmp_path)["pseudonyms"], home=tmp_path)
    assert ended.exit == 2
    assert "file.names.json' is no regular file" in ended.stderr
    assert os.listdir(out) == ["file.names.json"]
    assert doctor(*commands(tmp_path)["bundle"], home=tmp_path).exit == 0


@pytest.mark.parametrize("command", ["-o", "bundle"])
def test_a_link_stays_and_what_it_leads_to_is_written(command: str, tmp_path: Path) -> None:
    out, real = tmp_path / "out", tmp_path / "real"
    out.mkdir()
    real.write_text("old")
    (out / "file").symlink_to(real)
    assert doctor(*commands(tmp_path)[command], home=tmp_path).exit == 0
    assert (out / "file").is_symlink()
    assert real.read_bytes() != b"old"
    assert os.listdir(out) == ["file"]


@pytest.mark.parametrize(
    ("file", "code", "says"),
    [
        ("/dev/full", 3, "'/dev/full' could not be written: No space left on device"),
        ("/dev/stdout", 0, ""),
        ("/dev/null", 0, ""),
        ("/no/such/folder/x", 2, "'/no/such/folder' is not a writable folder"),
    ],
)
def test_places_that_are_no_files_of_a_folder(
    file: str, code: int, says: str, tmp_path: Path
) -> None:
    ended = doctor("check", "--offline", IMAGE, "--json", "-o", file, home=tmp_path)
    assert (ended.exit, says in ended.stderr) == (code, True), ended
    assert (file == "/dev/stdout") == ended.text.startswith("{")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("over", [True, False])
def test_it_is_placed_whole_with_its_mode(
    nameless: bool, over: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE")
    folder = tmp_path / "out"
    folder.mkdir()
    file = folder / "x"
    with Unplaced(folder, b"data" * 9999, 0o640) as made:
        assert os.listdir(folder) == [] or not nameless
        made.place(file, over=over)
    assert file.read_bytes() == b"data" * 9999
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    with Unplaced(folder, b"new") as made:
        if over:
            made.place(file)
        else:
            with pytest.raises(FileExistsError):
                made.place(file, over=False)
    assert (file.read_bytes() == b"new") == over
    assert os.listdir(folder) == ["x"]
