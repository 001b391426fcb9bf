"""What does a file hold that may be a pipe? Its bytes, within a limit and a time, and their text.

A named pipe that nobody writes to would hold the run for ever (CONTRACT, promise 4), and so would
standard input whose other end is kept open: in a CI job nobody is there to end it. One with a
writer (`<(…)`, `/dev/stdin`) is read like a file. Who types has all the time they need, and is told
what is waited for.
"""

from __future__ import annotations

import os
import select
import sys
import time

from doctor.process.streams import remark
from doctor.usage import UsageError

INPUT = 60.0
"""Seconds for standard input where --timeout says nothing: what writes to it may have to work."""


def read(file: str, limit: int, seconds: float) -> bytes:
    """The first `limit` bytes of the file. Raises OSError and ValueError as `open` does, and
    UsageError where its end has not come within `seconds`."""
    # Without O_NONBLOCK a pipe without a writer would not even open.
    source = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        return _whole(source, limit, seconds, f"-f {file!r}")
    finally:
        os.close(source)


def standard_input(limit: int, seconds: float, option: str, what: str) -> bytes:
    """The first `limit` bytes of standard input, which `option` asks for. Raises OSError, and
    UsageError where its end has not come within `seconds`."""
    source = sys.stdin.fileno()
    if not os.isatty(source):
        return _whole(source, limit, seconds, f"{option} (standard input)")
    remark(f"doctor: {option} reads {what} from this terminal; Ctrl-D on an empty line ends it.")
    return _whole(source, limit, None, option)


def _whole(source: int, limit: int, seconds: float | None, name: str) -> bytes:
    end = None if seconds is None else time.monotonic() + seconds
    parts: list[bytes] = []
    left = limit
    while left > 0:
        wait = None if end is None else max(0.0, end - time.monotonic())
        if not select.select([source], [], [], wait)[0]:
            what = "its end did not come" if parts else "nothing came from it"
            unit = "second" if seconds == 1 else "seconds"
            raise UsageError(f"{name} cannot be read: {what} within {seconds:g} {unit}")
        part = os.read(source, min(left, 1 << 16))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def decoded(data: bytes) -> str:
    """The text: UTF-16 where its mark says so (PowerShell's `>` writes that), else UTF-8."""
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")
