"""What does a file hold that may be a pipe? Its bytes, within a limit and a time, and their text.

A named pipe that nobody writes to would hold the run for ever (CONTRACT, promise 4); one with a
writer (`<(…)`, `/dev/stdin`) is read like a file.
"""

from __future__ import annotations

import os
import select
import time

from doctor.usage import UsageError


def read(file: str, limit: int, seconds: float) -> bytes:
    """The first `limit` bytes of the file. Raises OSError and ValueError as `open` does, and
    UsageError where its end has not come within `seconds`."""
    end = time.monotonic() + seconds
    parts: list[bytes] = []
    left = limit
    # Without O_NONBLOCK a pipe without a writer would not even open.
    source = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        while left > 0:
            if not select.select([source], [], [], max(0.0, end - time.monotonic()))[0]:
                what = "its end did not come" if parts else "nothing came from it"
                raise UsageError(f"-f {file!r} cannot be read: {what} within {seconds:g} seconds")
            part = os.read(source, min(left, 1 << 16))
            if not part:
                break
            parts.append(part)
            left -= len(part)
    finally:
        os.close(source)
    return b"".join(parts)


def decoded(data: bytes) -> str:
    """The text: UTF-16 where its mark says so (PowerShell's `>` writes that), else UTF-8."""
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")
