"""How does a demo's server listen, and only on loopback?

HTTP/1.1 by hand on asyncio's streams: it needs no library, and a fault may want an answer that a
web framework would not give. Requests are bounded as those of a stranger. Every server is bound to
127.0.0.1: it is there on Linux and on macOS, and nobody outside this machine can reach it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from doctor.frozen import frozen

LOOPBACK = "127.0.0.1"
_MOST_HEAD = 65536
_MOST_BODY = 65536
_PATIENCE = 60.0
"""Seconds that a client may say nothing."""


@frozen
class Request:
    """What was asked. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    version: str = "HTTP/1.1"

    @property
    def last(self) -> bool:
        """Does the client wait for the connection's end after the answer?"""
        return self.version == "HTTP/1.0" or self.headers.get("connection") == "close"

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@frozen
class Answer:
    """What is sent back; a body that is no bytes is sent as JSON."""

    status: int
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self, *, head: bool) -> bytes:
        """As bytes; to a HEAD request the body is only counted."""
        body, fields = self.body, [("Date", formatdate(usegmt=True)), *self.headers]
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            if all(name != "Content-Type" for name, _ in fields):
                fields.append(("Content-Type", "application/json"))
        fields.append(("Content-Length", str(len(body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        reason = HTTPStatus(self.status).phrase
        start = f"HTTP/1.1 {self.status} {reason}\r\n{lines}\r\n"
        return start.encode() + (b"" if head else body)


def refusal(status: int, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """An error as registries say it (OCI distribution-spec, "Error Codes")."""
    return Answer(status, {"errors": [{"code": code, "message": message}]}, headers)


Handler = Callable[[Request], Answer | None]
"""A request's answer; None: there never comes one."""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(handler: Handler) -> Serve:
    """Requests are read and answered by it, as long as the client keeps the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read(reader)) is not None:
            answer = handler(request)
            if answer is None:
                await reader.read()  # until the client gives up
                return
            writer.write(answer.encoded(head=request.method == "HEAD"))
            await writer.drain()
            if request.last:
                return
        if reader.at_eof():
            return
        writer.write(Answer(400, b"Bad Request", (("Connection", "close"),)).encoded(head=False))
        await writer.drain()

    return serve


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes what comes, and says nothing."""
    while await reader.read(4096):
        pass


async def read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None where the connection ends, or what comes is no HTTP."""
    try:
        async with asyncio.timeout(_PATIENCE):
            first = await reader.readexactly(1)
            if not first.isalpha():  # the start of a TLS handshake, say
                return None
            head = first + await reader.readuntil(b"\r\n\r\n")
            line, *rest = head.decode("latin-1").split("\r\n")[:-2]
            method, target, version = line.split(" ", 2)
            fields = (each.partition(":") for each in rest)
            headers = {name.strip().lower(): value.strip() for name, _, value in fields}
            length = int(headers.get("content-length", "0"))
            if not 0 <= length <= _MOST_BODY:
                return None
            body = await reader.readexactly(length)
            return Request(method, target, headers, body, version)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError):
        return None


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run a server on a port of its own; its number. What is open at the end is cut."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this in one
        tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                await serve(reader, writer)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(connected, LOOPBACK, 0, ssl=tls, limit=_MOST_HEAD)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """A port on which nothing listens, and which nobody else is given meanwhile."""
    with socket.socket() as kept:
        kept.bind((LOOPBACK, 0))
        yield kept.getsockname()[1]
