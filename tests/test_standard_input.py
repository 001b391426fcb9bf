"""What if standard input is waited for and does not come: from a person at a terminal, and from a
pipe whose other end is kept open, as in a CI job?"""

from __future__ import annotations

import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from tests.command import DOCTOR, begin, environment

ASKING = {
    "-f -": (("-f", "-"), "the images"),
    "--password-stdin": (("--username", "u", "--password-stdin", "r.example/a"), "the password"),
}
GIVEN = b"registry.example/app:1\n"
asking = pytest.mark.parametrize("option", ASKING)


@asking
def test_a_pipe_that_nobody_ends_is_given_up_and_named(tmp_path: Path, option: str) -> None:
    words = ("check", "--offline", "--timeout", "0.3", *ASKING[option][0])
    process = begin(*words, env=environment(tmp_path), stdin=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stderr
        assert process.wait(30) == 2  # while the other end is open
        said = process.stderr.read().decode()
        assert said == (
            f"doctor: {option} (standard input) cannot be read: nothing came from it within 0.3 "
            "seconds\n"
        )
        assert process.stdout.read() == b""
    finally:
        process.kill()
        process.communicate()


@asking
def test_a_pipe_that_is_ended_is_read_without_a_word(tmp_path: Path, option: str) -> None:
    process = begin(
        "check", "--offline", *ASKING[option][0], env=environment(tmp_path), stdin=subprocess.PIPE
    )
    out, err = process.communicate(GIVEN, 30)
    assert (process.returncode, err) == (0, b""), out


@asking
def test_who_types_is_told_what_is_waited_for_and_has_all_the_time(
    tmp_path: Path, option: str
) -> None:
    words, what = ASKING[option]
    ours, theirs = pty.openpty()
    told, telling = os.pipe()
    process = subprocess.Popen(
        [*DOCTOR, "check", "--offline", "--timeout", "0.3", "--json", *words],
        stdin=theirs, stdout=subprocess.PIPE, stderr=telling, env=environment(tmp_path),
    )  # fmt: skip
    os.close(theirs)
    os.close(telling)
    try:
        said = os.read(told, 400).decode()
        assert said.startswith(f"doctor: {option} reads {what}")
        assert "Ctrl-D" in said
        assert not select.select([told], [], [], 1)[0]  # beyond --timeout, and still no error
        assert process.poll() is None
        os.write(ours, GIVEN + b"\x04")
        out, _ = process.communicate(timeout=30)
        assert process.returncode in (0, 3), out
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(told)
