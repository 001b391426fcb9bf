"""Does Ctrl-C end the command at once, at whatever moment it comes, and leave nothing behind?

Each moment is one in which the command waits, so that it can be met for certain: for a module, a
peer, a helper, a reader. (Waiting for a name and for a connection: tests/lab.)
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.certificates import authority, leaf, served
from tests.command import begin, environment
from tests.lab.origin import Request, origin
from tests.lab.thread import running

SOON = 3.0
"""Seconds that mean "at once" on a busy machine: far less than any wait of the command's own."""


def interrupted(
    process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGINT
) -> tuple[int, bytes, str]:
    """Send the signal; exit code, standard output, standard error."""
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=SOON)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("it did not end")
    return process.returncode, out or b"", err.decode()


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until the moment has come."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Does the process run? One that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # no /proc on this system
        return True


def unread(pipe: int | IO[bytes] | None) -> int:
    """How many bytes wait in it."""
    assert pipe is not None
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)


def module(folder: Path, name: str, text: str) -> dict[str, str]:
    """The environment in which a module of that name is found first."""
    modules = folder / "modules"
    modules.mkdir()
    (modules / f"{name}.py").write_text(text)
    return {"PYTHONPATH": str(modules)}


def blocking_module(folder: Path, name: str) -> dict[str, str]:
    """The same for one whose import never ends."""
    reached = str(folder / "reached")
    text = f"import time\nopen({reached!r}, 'w').close()\nwhile True: time.sleep(9)\n"
    return module(folder, name, text)


@pytest.mark.parametrize("name", ["argparse", "asyncio", "textwrap"])
def test_while_modules_load(tmp_path: Path, name: str) -> None:
    env = environment(tmp_path, **blocking_module(tmp_path, name))
    report = str(tmp_path / "report")
    process = begin("check", "--offline", "registry.example/app", "-o", report, env=env)
    until((tmp_path / "reached").exists, "the import")
    code, out, err = interrupted(process)
    assert (code, out) == (130, b"")
    assert "Traceback" not in err


def finalizer(folder: Path, does: str, then: str = "") -> dict[str, str]:
    """A module that has something cleared away as it loads, and never ends: what is raised there
    Python drops. (An import clears its own lock away like that.)"""
    text = f"import time\nclass Lock:\n def __del__(self):\n  {does}\nLock()\n{then}\n"
    return environment(folder, **module(folder, "difflib", text + "while True: time.sleep(9)\n"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_where_nothing_can_be_raised(tmp_path: Path, number: signal.Signals) -> None:
    reached = tmp_path / "reached"
    env = finalizer(tmp_path, f"open({str(reached)!r}, 'w').close(); time.sleep(9)")
    process = begin("nonsense", env=env)
    until(reached.exists, "the finalizer")
    told = (128 + number, b"", "doctor: interrupted\n")
    assert interrupted(process, number) == told


def test_what_else_a_finalizer_raises_is_told(tmp_path: Path) -> None:
    reached = tmp_path / "reached"
    env = finalizer(tmp_path, "raise ValueError('odd')", f"open({str(reached)!r}, 'w').close()")
    process = begin("nonsense", env=env)
    until(reached.exists, "what comes after it")
    code, _, err = interrupted(process)
    assert code == 130
    assert err.startswith("Exception ignored in")
    assert err.endswith("\nValueError: odd\ndoctor: interrupted\n")


@pytest.mark.parametrize(
    "arguments",
    [("-f", "-"), ("--username", "u", "--password-stdin", "registry.example/app")],
)
def test_while_standard_input_is_read(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    process = begin("check", *arguments, env=environment(tmp_path), stdin=subprocess.PIPE)
    assert process.stdin
    os.write(process.stdin.fileno(), b"the start of it")
    until(lambda: unread(process.stdin) == 0, "reading")
    assert interrupted(process) == (130, b"", "doctor: interrupted\n")


@contextmanager
def mute() -> Iterator[tuple[int, threading.Event]]:
    """A port that takes a connection and says nothing; and whether one was taken."""
    taken = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def take() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return
                taken.set()

        threading.Thread(target=take, daemon=True).start()
        try:
            yield server.getsockname()[1], taken
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for each in kept:
                each.close()


def test_while_a_handshake_is_waited_for(tmp_path: Path) -> None:
    with mute() as (port, taken):
        process = begin("check", "--json", f"127.0.0.1:{port}/app", env=environment(tmp_path))
        until(taken.is_set, "the connection")
        assert interrupted(process) == (130, b"", "doctor: interrupted\n")


def test_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    asked, ca = threading.Event(), authority()
    (tmp_path / "ca.pem").write_text(ca.pem)
    context = served(leaf(ca, "127.0.0.1"), tmp_path)

    async def silent(request: Request, writer: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    with running(lambda: origin(raw=silent, tls=context)) as server:
        host = server.hop.name
        env = environment(tmp_path)
        process = begin("check", "--ca", str(tmp_path / "ca.pem"), f"{host}/app", env=env)
        until(asked.is_set, "the request")
        assert interrupted(process) == (130, b"", "doctor: interrupted\n")


HELPER = """#!/bin/sh
sleep 1000 &
echo $$ $! > "$HOME/pids.new"
mv "$HOME/pids.new" "$HOME/pids"
wait
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_while_a_helper_hangs(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Neither the helper nor what it started stays behind, and no file is half written."""
    helper = tmp_path / "bin" / "docker-credential-hangs"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"credsStore": "hangs"}')
    env = environment(tmp_path)
    env["PATH"] = f"{helper.parent}:{env['PATH']}"
    out = tmp_path / "out"
    out.mkdir()
    with mute() as (port, _):
        arguments = ("check", "-o", str(out / "report"), f"127.0.0.1:{port}/app")
        process = begin(*arguments, env=env)
        until((tmp_path / "pids").exists, "the helper")
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert all(map(alive, pids))
        assert interrupted(process, number) == (code, b"", "doctor: interrupted\n")
    until(lambda: not any(map(alive, pids)), "the end of the helper")
    assert list(out.iterdir()) == []


def test_while_nobody_reads_what_is_written(tmp_path: Path) -> None:
    """More than a pipe holds: a part of it is out, and no word about a fault follows."""
    images = tmp_path / "images"
    images.write_text("".join(f"registry.example/app:{n}\n" for n in range(100)))
    arguments = ("check", "--offline", "--json", "-f", str(images))
    reading, writing = os.pipe()
    try:
        process = begin(*arguments, env=environment(tmp_path), stdout=writing)
        until(lambda: unread(reading) >= 65536, "a full pipe")
        assert interrupted(process) == (130, b"", "doctor: interrupted\n")
    finally:
        os.close(reading)
        os.close(writing)


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """`nohup doctor …`: the terminal's end is no reason to end."""
    with mute() as (port, taken):
        env = environment(tmp_path)
        process = begin(
            "check", "--timeout", "2", f"127.0.0.1:{port}/app", env=env, ignoring=(signal.SIGHUP,)
        )
        until(taken.is_set, "the connection")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGPIPE)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (3, b"")
    assert b"doctor.check-timeout" in out
