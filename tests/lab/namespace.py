"""A network of its own, with an /etc of its own, that processes and threads can stand in.

A holder process keeps the namespaces; it ends when its standard input is closed, hence also when
this process dies. Processes are started there by nsenter (which becomes the program, so that the
pid is the program's), threads enter by setns(2), which for a network namespace holds for the one
thread that calls it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from tests.lab.programs import PATH
from tests.lab.thread import started

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
_PATIENCE = 20.0
"""Seconds that a server may take to listen."""


@dataclass
class Namespace:
    """`network` are ip(8) commands, one a line (`addr add 192.88.99.10/32 dev lo`), run when it
    is made."""

    etc: Path | None = None
    """A folder that stands for /etc in there; it can be written to while the namespace lives."""
    network: str = ""
    holder: subprocess.Popen[str] = field(init=False)
    processes: list[Process] = field(default_factory=list)
    threads: list[Callable[[], None]] = field(default_factory=list)
    """How to end what `serve` started."""

    def __post_init__(self) -> None:
        script = ["set -eu", "ip -batch - <<'.'", "link set lo up"]
        script += [line for line in self.network.splitlines() if line.strip()]
        script += ["."]
        script += ["mount -t tmpfs none /run"]
        script += [f"mount --bind '{self.etc}' /etc"] if self.etc else []
        script += ["echo ready", "exec cat"]
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", "\n".join(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": PATH},
        )
        assert self.holder.stdout
        assert self.holder.stderr
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"the namespace was not made: {self.holder.stderr.read()}")

    @property
    def entering(self) -> list[str]:
        """What a command line starts with to run in there, and to end when the thread that
        started it does."""
        return [
            *("nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--wd=/", "--"),
            *("setpriv", "--pdeathsig", "KILL", "--"),
        ]

    def call(self, function: Callable[[], T]) -> T:
        """Run it in a thread whose sockets are in there."""
        result: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                enter_network(self.holder.pid)
                result.append(function())
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]

    def start(
        self,
        *command: str,
        listens: Sequence[tuple[str, int]] = (),
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Process:
        """Start a server and wait until it takes connections at every address of `listens`."""
        output: IO[bytes] | int = log.open("wb") if log else subprocess.DEVNULL
        popen = subprocess.Popen(
            [*self.entering, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH, **(env or {})},
        )
        if not isinstance(output, int):
            output.close()
        process = Process(command[0], popen, log)
        self.processes.append(process)
        for address, port in listens:
            self.call(lambda at=(address, port): process.wait_for(*at))  # type: ignore[misc]
        return process

    def serve(self, service: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Run an asynchronous server of this process in there, in a thread with a loop of its
        own, until the namespace closes."""
        found, stop = started(service, lambda: enter_network(self.holder.pid))
        self.threads.append(stop)
        return found

    def close(self) -> None:
        for stop in reversed(self.threads):
            stop()
        for process in reversed(self.processes):
            process.stop()
        assert self.holder.stdin
        assert self.holder.stdout
        assert self.holder.stderr
        for pipe in (self.holder.stdin, self.holder.stdout, self.holder.stderr):
            pipe.close()
        self.holder.wait()


@dataclass
class Process:
    """A server that was started."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path | None = None
    end: signal.Signals = signal.SIGTERM
    """What ends it."""

    def wait_for(self, address: str, port: int) -> None:
        """Until it takes a connection. Raises with its last words if it ends or never does."""
        deadline = time.monotonic() + _PATIENCE
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        while True:
            with socket.socket(family) as attempt:
                attempt.settimeout(1)
                with contextlib.suppress(OSError):
                    attempt.connect((address, port))
                    return
            if self.popen.poll() is not None or time.monotonic() > deadline:
                words = self.log.read_text(errors="replace")[-2000:] if self.log else ""
                raise RuntimeError(f"{self.name} does not listen at {address}:{port}. {words}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, by force if it does not go."""
        if self.popen.poll() is None:
            self.popen.send_signal(self.end)
            try:
                self.popen.wait(2)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()


def enter_network(pid: int) -> None:
    """Put the calling thread into the network namespace of that process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with network_of(pid) as descriptor:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def network_of(pid: int) -> Iterator[int]:
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
