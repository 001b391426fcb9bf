"""Peers that no real server will play: they take a connection and reset it, say nothing, or
drip."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from tests.lab.namespace import Namespace

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Kind = Literal["resets", "says-nothing", "drips", "resets-on-hello", "ssh"]


def fake(namespace: Namespace, kind: Kind, address: str, port: int = 443) -> None:
    """Let such a peer listen there until the namespace closes."""
    namespace.serve(lambda: _listening(_PEERS[kind], address, port))


def name_filter(namespace: Namespace, name: str, address: str, behind: tuple[str, int]) -> None:
    """A middlebox: a connection whose first bytes hold that name is reset, others go to
    `behind`."""
    middlebox(namespace, lambda first: name.encode() in first, address, behind)


def middlebox(
    namespace: Namespace,
    dislikes: Callable[[bytes], bool],
    address: str,
    behind: tuple[str, int],
    *,
    drops: bool = False,
) -> None:
    """A connection whose first bytes it dislikes is reset (or gets no answer), others go to
    `behind`."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(4096)
        if dislikes(first):
            return await (_says_nothing if drops else _resets)(reader, writer)
        await _hand_on(first, reader, writer, behind)

    namespace.serve(lambda: _listening(peer, address, 443))


@contextlib.asynccontextmanager
async def deaf(address: str, port: int = 53) -> AsyncIterator[threading.Event]:
    """A name server that answers nothing, and tells when it was first asked."""
    asked = threading.Event()

    class Deaf(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked.set()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Deaf, local_addr=(address, port))
    try:
        yield asked
    finally:
        transport.close()


def other_time(
    namespace: Namespace, ahead: timedelta, at: tuple[str, int], behind: tuple[str, int]
) -> None:
    """What stands behind it seems to live at another time: the Date of every answer is `ahead`."""

    def shifted(data: bytes) -> bytes:
        then = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return re.sub(rb"(?m)^Date: .{29}", b"Date: " + then.encode(), data)

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _hand_on(b"", reader, writer, behind, shifted)

    namespace.serve(lambda: _listening(peer, *at))


async def _hand_on(
    first: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    behind: tuple[str, int],
    edited: Callable[[bytes], bytes] = lambda data: data,
) -> None:
    there, back = await asyncio.open_connection(*behind)
    back.write(first)
    await asyncio.gather(_pour(reader, back), _pour(there, writer, edited))


async def _pour(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    edited: Callable[[bytes], bytes] = lambda data: data,
) -> None:
    try:
        while some := await reader.read(65536):
            writer.write(edited(some))
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def _listening(peer: Peer, address: str, port: int) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                await peer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A connection that is closed with a lingering time of zero ends in a reset."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )


async def _resets_on_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await _resets(reader, writer)


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header that never ends, a byte at a time."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The greeting of an SSH server, which then waits for the client's."""
    writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    await reader.read(4096)


_PEERS: dict[Kind, Peer] = {
    "resets": _resets,
    "says-nothing": _says_nothing,
    "drips": _drips,
    "resets-on-hello": _resets_on_hello,
    "ssh": _ssh,
}
