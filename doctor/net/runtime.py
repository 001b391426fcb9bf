"""Does a container runtime answer on its socket?

containerd and CRI-O speak gRPC there. The client's preface of HTTP/2 (RFC 9113 section 3.4) is
sent, and the server's has to come; no call is made, so nothing is changed and no version is told.
"""

from __future__ import annotations

import asyncio
import contextlib

from doctor.facts.client import Daemon
from doctor.net.dockerd import REASONS, SECONDS, STATES

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_SETTINGS = 4
"""The type of the first frame that a server sends."""


async def ask(path: str, seconds: float = SECONDS) -> Daemon:
    """What came of asking on the socket. Never raises."""
    try:
        async with asyncio.timeout(seconds):
            head = await _first_frame(path)
    except TimeoutError:
        return Daemon(path, "silent", f"no answer for {seconds:.1f} s")
    except (OSError, ValueError) as trouble:
        state = STATES.get(getattr(trouble, "errno", 0) or 0, "odd")
        return Daemon(path, state, REASONS[state])
    if len(head) == 9 and head[3] == _SETTINGS:
        return Daemon(path, "answers")
    return Daemon(path, "odd", "what answers is no container runtime")


async def _first_frame(path: str) -> bytes:
    """The head of the first frame, or what came in its place."""
    reader, writer = await asyncio.open_unix_connection(path, limit=65536)
    try:
        writer.write(_PREFACE)
        return await reader.readexactly(9)
    except asyncio.IncompleteReadError as end:
        return end.partial
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
