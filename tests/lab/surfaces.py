"""Everything that leaves the program in one set-up: both outputs, in a pipe and on a terminal, in
every format, the files that it leaves behind, and what the system shows of its processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doctor.command.parsers import FORMATS
from tests.lab.world import World

_PATIENCE = 90


@dataclass
class Looked:
    """Surface to its bytes, and the report among them."""

    surfaces: dict[str, bytes] = field(default_factory=dict)
    exits: list[int] = field(default_factory=list)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.surfaces["standard output"])
        return found

    @property
    def root_causes(self) -> tuple[str, ...]:
        """Of all targets."""
        return tuple(code for t in self.report["targets"] for code in t["root_causes"])

    @property
    def codes(self) -> set[str]:
        return {f["code"] for t in self.report["targets"] for f in t["findings"]}


def look(
    world: World,
    *arguments: str,
    env: Mapping[str, str],
    stdin: str = "",
    command: Sequence[str] = ("check",),
) -> Looked:
    """Run the command as people and as scripts do."""
    looked = Looked()
    work, temporary = world.folder / "work", world.folder / "tmp"
    places = (work, temporary, world.home)
    for place in places:
        place.mkdir(exist_ok=True)
    before = dict(_files(places))
    env = {**world.environ, **env, "TMPDIR": str(temporary), "TERM": "xterm"}
    start = [*world.near.entering, "env", f"--chdir={work}", sys.executable, "-P", "-m", "doctor"]
    files = [f"--format={form}" for form in FORMATS if form != "json"]
    files += [f"--output=report.{form}" for form in FORMATS if form != "json"]
    formats = ("--verbose", *files, "--format=json")
    if command == ("check",):
        _piped(looked, [*start, *command, *formats, *arguments], env, stdin)
    _on_terminal(looked, [*start, *command, *arguments], env, stdin)
    for name, stamp in _files(places):
        if before.get(name) != stamp:
            looked.surfaces[f"file {name}"] = name.encode() + b"\n" + Path(name).read_bytes()
    return looked


def _files(places: Sequence[Path]) -> Iterator[tuple[str, tuple[int, int]]]:
    for place in places:
        for file in place.rglob("*"):
            if file.is_file():
                found = file.stat()
                yield str(file), (found.st_mtime_ns, found.st_size)


def _piped(looked: Looked, command: list[str], env: Mapping[str, str], stdin: str) -> None:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
    )
    with _watched(process.pid) as seen:
        out, err = process.communicate(stdin.encode(), timeout=_PATIENCE)
    looked.surfaces |= {"standard output": out, "standard error": err}
    looked.surfaces["command line"] = b"\n".join(sorted(seen))
    looked.exits.append(process.returncode)


def _on_terminal(looked: Looked, command: list[str], env: Mapping[str, str], stdin: str) -> None:
    """Both outputs are a terminal, so there are colours and progress."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, env=dict(env)
    )
    os.close(theirs)
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(stdin.encode())
        process.stdin.close()
    shown = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    looked.exits.append(process.wait(_PATIENCE))
    looked.surfaces["terminal"] = shown


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[set[bytes]]:
    """What /proc shows of the process while it runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            with contextlib.suppress(OSError):
                seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
