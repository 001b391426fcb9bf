"""The command line as a process of its own, as a user starts it; what it took is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCTOR = (sys.executable, "-P", "-m", "doctor")

# A small process between the tests and the command: what Linux tells as a child's largest size
# includes that of the process which started it.
_MEASURE = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""
# A shell's background job ignores Ctrl-C, and so would a child of tests that are one.
_HEED = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    ignored = str(int(number)) in sys.argv[1].split()
    signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    exit: int
    stdout: bytes
    stderr: str
    seconds: float
    mebibytes: float

    @property
    def text(self) -> str:
        return self.stdout.decode()

    def __str__(self) -> str:
        out = self.stdout[-4000:].decode(errors="replace")
        return f"exit {self.exit}\n{out}\n{self.stderr[-3000:]}"


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a user's shell gives it, and nothing of this machine's. No warning passes unseen."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
        **more,
    }


def doctor(
    *arguments: str | bytes,
    home: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    patience: float = 60,
) -> Ended:
    """Run it to its end."""
    return run((*DOCTOR, *arguments), environment(home, **(env or {})), stdin, patience)


def run(
    command: Sequence[str | bytes], env: Mapping[str, str], stdin: bytes = b"", patience: float = 60
) -> Ended:
    """Run a program to its end."""
    with tempfile.NamedTemporaryFile("r") as size:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-S", "-c", _MEASURE, size.name, *command],
            input=stdin,
            capture_output=True,
            timeout=patience,
            env=dict(env),
        )
        seconds = time.perf_counter() - begun
        units = 1 << 20 if sys.platform == "darwin" else 1 << 10
        mebibytes = int(size.read() or 0) / units
    stderr = done.stderr.decode("utf-8", "surrogateescape")
    return Ended(done.returncode, done.stdout, stderr, seconds, mebibytes)


def begin(
    *arguments: str,
    env: Mapping[str, str],
    stdout: int = subprocess.PIPE,
    stdin: int = subprocess.DEVNULL,
    ignoring: Sequence[signal.Signals] = (),
    within: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start it, `within` what a command line begins with to run elsewhere. It heeds the signals
    that end a process, but for those it is to ignore. An import that is cut off leaves a file open,
    which no user is told of."""
    ignored = " ".join(str(int(number)) for number in ignoring)
    return subprocess.Popen(
        [sys.executable, "-S", "-c", _HEED, ignored, *within, *DOCTOR, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**env, "PYTHONWARNINGS": "error,ignore::ResourceWarning"},
    )
