"""What if a standard stream is closed, full, without a reader, or cannot spell a character?"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.command import DOCTOR, Ended, environment, run

CHECK = ("check", "--offline", "registry.example/app:1")
PRINTING = [CHECK, ("--version",), ("--help",), ("check", "--help"), ("explain",), ("checks",)]
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")


def redirected(home: Path, how: str, *arguments: str, **env: str) -> Ended:
    """The command with its streams as a shell redirects them."""
    shell = ("sh", "-c", f'exec "$@" {how}', "sh", *DOCTOR, *arguments)
    return run(shell, environment(home, **env))


def name(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments[:2])


@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_data_that_nobody_can_read_is_told_by_the_exit_code_alone(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    for how in (">&-", ">&- 2>&-", "<&- >&- 2>&-"):
        ended = redirected(tmp_path, how, *arguments)
        assert (ended.exit, ended.stdout, ended.stderr) == (141, b"", ""), how


@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_a_reader_that_has_left_is_told_by_the_exit_code_alone(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*DOCTOR, *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_reader_that_has_seen_enough_ends_a_long_report(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.write_text("".join(f"registry.example/app:{n}\n" for n in range(100)))
    arguments = " ".join([*DOCTOR, "check", "--offline", "--json", "-f", str(images)])
    shell = f"{{ {arguments}; echo $? >&2; }} | head -c1"
    ended = run(("sh", "-c", shell), environment(tmp_path))
    assert (ended.stdout, ended.stderr) == (b"{", "141\n")


@needs_full
@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_data_that_cannot_be_written_is_an_error(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = redirected(tmp_path, ">/dev/full", *arguments)
    assert ended.exit == 3
    assert ended.stderr == (
        "doctor: standard output could not be written: No space left on device\n"
    )


@pytest.mark.parametrize("how", ["2>&-", pytest.param("2>/dev/full", marks=needs_full)])
def test_talk_that_nobody_hears_is_no_error_and_no_data(tmp_path: Path, how: str) -> None:
    ended = redirected(tmp_path, how, *CHECK)
    assert ended.exit == 0
    assert ended.text.startswith("No fault in what was looked at")
    ended = redirected(tmp_path, how, "check", "--no-such-option")
    assert (ended.exit, ended.stdout) == (2, b"")


def test_talk_whose_listener_has_left_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*DOCTOR, "check", "--no-such-option"], stderr=writing, env=environment(tmp_path)
        )
    finally:
        os.close(writing)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "--offline", "-f", "-"), "no image is named there"),
        (("check", "--username", "u", "--password-stdin", "x.example/a"), "was empty"),
    ],
)
def test_a_closed_standard_input_is_an_empty_one(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    ended = redirected(tmp_path, "<&-", *arguments)
    assert (ended.exit, ended.stdout) == (2, b"")
    assert says in ended.stderr
    assert redirected(tmp_path, "<&-", *CHECK).exit == 0


def test_a_file_is_written_although_every_stream_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "report"
    ended = redirected(tmp_path, "<&- >&- 2>&-", *CHECK, "-o", str(file))
    assert ended.exit == 0
    assert file.read_text().startswith("No fault in what was looked at")


@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_what_the_encoding_has_not_becomes_an_escape(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = redirected(tmp_path, "", *arguments, PYTHONIOENCODING="ascii")
    assert (ended.exit, ended.stderr) == (0, "")
    assert ended.stdout.isascii()
    in_full = redirected(tmp_path, "", *arguments).text
    spelled = in_full.encode("ascii", "backslashreplace").decode()
    assert untimed(ended.text) == untimed(spelled)


def untimed(text: str) -> str:
    return re.sub(r" +\d+ ms", "", text)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_usage_error_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    """No word is parted, and elsewhere it stays one line."""
    arguments = ("check", "--only", "dns,tsl", "x.example/a")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.run([*DOCTOR, *arguments], stderr=theirs, env=environment(tmp_path))
    os.close(theirs)
    lines = os.read(ours, 4000).decode().splitlines()
    os.close(ours)
    assert done.returncode == 2
    assert max(map(len, lines)) <= columns
    assert len(lines) > 1
    plain = run((*DOCTOR, *arguments), environment(tmp_path)).stderr
    assert plain.count("\n") == 1
    assert " ".join(lines) == plain.strip()


@pytest.mark.parametrize(("kind", "says"), [
    ("dumb", "(TERM=dumb)"), ("", "(TERM is not set)"), (None, "(TERM is not set)"),
    ("xterm", ""),
])  # fmt: skip
def test_a_terminal_that_takes_text_alone_gets_no_control_sequence(
    tmp_path: Path, kind: str | None, says: str
) -> None:
    env = environment(tmp_path, **({} if kind is None else {"TERM": kind}))
    looked = on_a_terminal(env, "check", "localhost:1/a")
    assert "refused the connection" in looked
    assert ("\x1b" in looked) is (kind == "xterm"), looked
    if kind != "xterm":
        shown = on_a_terminal(env, "localhost:1/a")
        assert f"this terminal {says} cannot show the interactive view" in shown


def on_a_terminal(env: dict[str, str], *arguments: str) -> str:
    """All that a terminal gets to see of the command."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*DOCTOR, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    ):
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # EIO: nobody holds the other end any more
            pass
        os.close(ours)
    return seen.decode()
