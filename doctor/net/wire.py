"""How is an HTTP/1.1 exchange spoken over a connection that the layers below have opened and
verified?

httpx is imported here and nowhere else. Its own transport would dial, verify and proxy by rules of
its own; this one is given a ready `Stream`, so what HTTP is spoken on is the very connection that
was diagnosed. Public API only: httpx.AsyncBaseTransport and httpcore.AsyncHTTP11Connection with an
httpcore.AsyncNetworkStream. The request target goes out byte for byte: httpx would rewrite it, and
a signed link must not change.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx

from doctor.model import Hop
from doctor.net.lines import Stream

_CLOSING = 0.3
"""Seconds that saying goodbye may take."""

MOST_HEADER_BYTES = 262_144
"""All header bytes of one answer, 1xx answers included; h11 bounds a single one at 100 KiB."""


class TooMuchError(httpcore.RemoteProtocolError):
    """The answer's head does not end."""


class Line(httpcore.AsyncNetworkStream):
    """A stream as httpcore wants it, and still a `Stream`: what is given back to `Lines` is this,
    so a reused one is known."""

    def __init__(self, stream: Stream) -> None:
        self.stream: Stream = stream.stream if isinstance(stream, Line) else stream
        self.reused = isinstance(stream, Line)
        self.received = 0
        self.sent = 0
        self.ended = False
        self.in_body = False
        self.failure: OSError | None = None

    @property
    def peer(self) -> str:
        return self.stream.peer

    async def read(
        self,
        max_bytes: int = 65536,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        try:
            data = await self.stream.read(max_bytes)
        except OSError as failure:
            self.failure = failure
            raise httpcore.ReadError("the connection broke") from failure
        self.received += len(data)
        self.ended = not data
        if not self.in_body and self.received > MOST_HEADER_BYTES:
            raise TooMuchError("headers without end")
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> None:
        try:
            await self.stream.write(buffer)
        except OSError as failure:
            self.failure = failure
            raise httpcore.WriteError("the connection broke") from failure
        self.sent += len(buffer)

    async def aclose(self) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_CLOSING):
                await self.stream.close()

    async def close(self) -> None:
        await self.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        raise RuntimeError("TLS is the layer below")


class Body(httpx.AsyncByteStream):
    """An answer's body as it comes in."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class Transport(httpx.AsyncBaseTransport):
    """Carries one request over one line."""

    def __init__(self, line: Line, hop: Hop, target: str) -> None:
        self._line = line
        self._url = httpcore.URL(
            scheme=hop.scheme.encode(),
            host=hop.host.encode(),
            port=hop.port,
            target=target.encode("ascii"),
        )
        self.connection = httpcore.AsyncHTTP11Connection(self._url.origin, line)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.connection.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=self._url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        self._line.in_body = True
        return httpx.Response(answer.status, headers=answer.headers, stream=Body(answer.stream))

    @property
    def reusable(self) -> bool:
        """Did the exchange end so that the line may carry another?"""
        return self.connection.is_idle()


def request(method: str, fields: list[tuple[bytes, bytes]], form: bytes | None) -> httpx.Request:
    """The request as httpx models it. Host and target are the transport's: the URL here names
    nothing, so nothing is logged."""
    return httpx.Request(method, "http://transport.invalid/", headers=fields, content=form)
