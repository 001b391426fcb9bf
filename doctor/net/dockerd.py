"""Does the Docker daemon answer on its socket, and what does it say of itself?

Two GETs on a local socket (`/_ping`, `/info`), each bounded in time and bytes; nothing is changed,
no program is started. HTTP/1.0 is spoken by hand, so the answer ends with the connection and its
body is not chunked.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
from dataclasses import replace
from typing import Any

from doctor.facts.client import Daemon, State, Store
from doctor.redact import plain

SECONDS = 1.5
CAP = 1 << 18
"""Bytes of an answer that are read."""
_MOST_MIRRORS = 100
STATES: dict[int, State] = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.ECONNREFUSED: "refused",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
}
REASONS: dict[State, str] = {
    "missing": "there is no such socket",
    "refused": "connection refused: nothing listens on it",
    "denied": "permission denied",
    "odd": "what answers is no Docker daemon",
}


async def ask(path: str, seconds: float = SECONDS) -> Daemon:
    """What came of asking the daemon behind the socket. Never raises."""
    try:
        async with asyncio.timeout(seconds):
            status, headers, _ = await _get(path, "/_ping")
            if status != 200:
                return Daemon(path, "odd", f"it answers {status}" if status else REASONS["odd"])
            _, _, body = await _get(path, "/info")
    except TimeoutError:
        return Daemon(path, "silent", f"no answer for {seconds:.1f} s")
    except (OSError, ValueError) as trouble:
        state = STATES.get(getattr(trouble, "errno", 0) or 0, "odd")
        return Daemon(path, state, REASONS[state])
    found = Daemon(path, "answers", version=_version(headers))
    return _described(found, body)


async def _get(path: str, target: str) -> tuple[int, bytes, bytes]:
    """Status, header block and body of an answer; 0 where it is none."""
    reader, writer = await asyncio.open_unix_connection(path, limit=65536)
    try:
        writer.write(f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        data = b""
        while len(data) < CAP and (piece := await reader.read(65536)):
            data += piece
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    head, _, body = data.partition(b"\r\n\r\n")
    said = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return int(said[1]) if said else 0, head, body


def _version(headers: bytes) -> str:
    """`Server: Docker/28.2.2 (linux)`."""
    found = re.search(rb"(?im)^server:[ \t]*docker/([\w.+-]{1,40})", headers)
    return found[1].decode() if found else ""


def _described(daemon: Daemon, body: bytes) -> Daemon:
    try:
        info: Any = json.loads(body)
    except (ValueError, RecursionError):
        return daemon
    if not isinstance(info, dict):
        return daemon
    version = info.get("ServerVersion")
    if isinstance(version, str) and version:
        daemon = replace(daemon, version=plain(version, 40))
    return replace(daemon, store=_store(info), mirrors=_mirrors(info))


def _mirrors(info: dict[str, Any]) -> tuple[str, ...] | None:
    """RegistryConfig.Mirrors: what it read when it started or was last told to."""
    registries = info.get("RegistryConfig")
    listed = registries.get("Mirrors") if isinstance(registries, dict) else None
    if not isinstance(listed, list):
        return None
    return tuple(e for e in listed[:_MOST_MIRRORS] if isinstance(e, str) and len(e) < 2048)


def _store(info: dict[str, Any]) -> Store:
    """The image store: the snapshotters of containerd show themselves by their driver's type."""
    status = info.get("DriverStatus")
    if not isinstance(info.get("Driver"), str) or not info["Driver"]:
        return ""
    pairs = (
        [p for p in status if isinstance(p, list) and len(p) == 2]
        if isinstance(status, list)
        else []
    )
    of_containerd = any(
        name == "driver-type" and isinstance(value, str) and "snapshotter" in value
        for name, value in pairs
    )
    return "containerd" if of_containerd else "graphdriver"
