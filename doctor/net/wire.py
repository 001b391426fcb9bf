"""How is an HTTP/1.1 exchange spoken over a connection that the layers below have opened and
verified?

By h11, the part of httpx that reads and writes the protocol. httpx itself would dial, verify and
proxy by rules of its own, and rewrite the request target, which a signed link does not bear; here a
ready `Stream` is given, so what HTTP is spoken on is the very connection that was diagnosed, and
the target goes out byte for byte. What httpx models besides (cookies, logins, a client) would only
be imported: a tenth of a diagnosis (measured). It fetches where nothing is diagnosed on the way
(`doctor.net.issuers`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import h11

from doctor.net.lines import Stream

_CLOSING = 0.3
"""Seconds that saying goodbye may take."""
_PIECE = 65_536
_MOST_HEAD = 100 * 1024
"""Bytes of one head: what httpx bounds it at (httpcore.AsyncHTTP11Connection)."""
_MOST_HEADS = 262_144
"""All header bytes of one answer, 1xx answers included."""
_TOO_LONG = 431
"""h11's hint in the error for a head beyond its bound."""


class TooMuchError(Exception):
    """The answer's head does not end."""


class UnsendableError(Exception):
    """HTTP has no way to write the request."""


class ProtocolError(Exception):
    """What came is no HTTP answer, or ended too soon."""


class Line:
    """A stream while HTTP is spoken on it: what came and went, and how it failed. Still a `Stream`:
    what is given back to `Lines` is this, so a reused one is known."""

    def __init__(self, stream: Stream) -> None:
        self.stream: Stream = stream.stream if isinstance(stream, Line) else stream
        self.reused = isinstance(stream, Line)
        self.received = 0
        self.sent = 0
        self.ended = False
        self.failure: OSError | None = None

    @property
    def peer(self) -> str:
        return self.stream.peer

    async def read(self, limit: int = _PIECE) -> bytes:
        try:
            data = await self.stream.read(limit)
        except OSError as failure:
            self.failure = failure
            raise
        self.received += len(data)
        self.ended = not data
        return data

    async def write(self, data: bytes) -> None:
        try:
            await self.stream.write(data)
        except OSError as failure:
            self.failure = failure
            raise
        self.sent += len(data)

    async def close(self) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_CLOSING):
                await self.stream.close()


Fields = list[tuple[bytes, bytes]]


class Exchange:
    """One request and its answer over one line. OSError, `UnsendableError`, `ProtocolError` or
    `TooMuchError` say how it broke."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)

    async def ask(
        self, method: str, target: str, fields: Fields, form: bytes = b""
    ) -> tuple[int, Fields]:
        """Send the request; the status and the header fields of its answer."""
        wire = self._written(method, target, fields, form)
        with contextlib.suppress(OSError):  # what it answered before it hung up is worth reading
            await self._line.write(wire)
        event = await self._event()
        while isinstance(event, h11.InformationalResponse):
            if self._line.received > _MOST_HEADS:
                raise TooMuchError
            event = await self._event()
        if not isinstance(event, h11.Response):
            raise ProtocolError("no answer")
        return event.status_code, event.headers.raw_items()

    def _written(self, method: str, target: str, fields: Fields, form: bytes) -> bytes:
        length = [(b"Content-Length", str(len(form)).encode())] if form else []
        try:
            head = h11.Request(method=method, target=target, headers=[*fields, *length])
            said = (
                (head, h11.Data(form), h11.EndOfMessage()) if form else (head, h11.EndOfMessage())
            )
            return b"".join(self._http.send(event) or b"" for event in said)
        except h11.LocalProtocolError as error:
            raise UnsendableError(str(error)) from error

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes in."""
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        """The next thing that the other side says."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._line.read())
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == _TOO_LONG:
                raise TooMuchError from error
            raise ProtocolError(str(error)) from error
        return event  # type: ignore[return-value]

    @property
    def reusable(self) -> bool:
        """Did the exchange end so that the line may carry another?"""
        ours, theirs = self._http.our_state, self._http.their_state
        return ours is theirs is h11.DONE and not self._http.trailing_data[0]
