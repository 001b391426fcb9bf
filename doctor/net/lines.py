"""Which open connections are there to a hop, and how is another one opened the same way?

Each layer leaves its connection here for the layer above: TCP (or a proxy's tunnel) leaves raw
streams and how to dial another, TLS leaves streams that are ready for HTTP. So everything said to a
host reuses the connection that was diagnosed, and a second one takes the very path that was found
to work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Protocol

from doctor.model import Hop
from doctor.registry.host import is_loopback


class Stream(Protocol):
    """An open two-way byte stream. `read` gives b"" at its end; a reset raises OSError. Deadlines
    are the caller's."""

    @property
    def peer(self) -> str:
        """The literal address and port at the other end, as `address:port` or `[address]:port`."""
        ...

    async def read(self, limit: int = 65536) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


Dial = Callable[[], Awaitable[Stream]]
Wrap = Callable[[Stream], Awaitable[Stream]]


class Lines:
    """The connections of one run, by hop."""

    def __init__(self) -> None:
        self._raw: dict[Hop, list[Stream]] = defaultdict(list)
        self._ready: dict[Hop, list[Stream]] = defaultdict(list)
        self._dial: dict[Hop, Dial] = {}
        self._wrap: dict[Hop, Wrap] = {}
        self._asked: dict[Hop, asyncio.Event] = defaultdict(asyncio.Event)
        self._open: set[Stream] = set()
        self.in_the_clear: set[Hop] = set()
        """Hops that are spoken to in plain HTTP although TLS was meant."""
        self.proxied: set[Hop] = set()
        """Hops behind a proxy: what they are called means what it means there."""
        self.shown: dict[Hop, tuple[bytes, ...]] = {}
        """The chain that a hop has shown, in DER as sent."""
        self.opened = 0
        """How many streams were ever kept or dialled: what a test of speed counts."""

    def overheard(self, hop: Hop) -> bool:
        """Would a secret cross a network as it stands: in plain HTTP, as set or because TLS could
        not be had, to another machine than this one?"""
        here = is_loopback(hop.host) and hop not in self.proxied
        return (hop.scheme == "http" or hop in self.in_the_clear) and not here

    def dial_with(self, hop: Hop, dial: Dial, first: Stream | None = None) -> None:
        """The TCP or proxy layer says how a raw stream to the hop is opened, and hands over the one
        it has open."""
        self._dial[hop] = dial
        if first:
            self._raw[hop].append(self._count(first))

    def wrap_with(self, hop: Hop, wrap: Wrap, first: Stream | None = None) -> None:
        """The TLS layer says how a raw stream is made ready for HTTP (verified), and hands over the
        one it has ready."""
        self._wrap[hop] = wrap
        if first:
            self._ready[hop].append(self._count(first))

    def _count(self, stream: Stream) -> Stream:
        if stream not in self._open:
            self._open.add(stream)
            self.opened += 1
        return stream

    async def raw(self, hop: Hop) -> Stream:
        """A raw stream to the hop: the kept one, else a new one. OSError or TimeoutError as the
        dialling gives them."""
        if self._raw[hop]:
            return self._raw[hop].pop()
        return self._count(await self._dial[hop]())

    async def ready(self, hop: Hop) -> Stream:
        """A stream that HTTP may be spoken on: verified TLS, or plain where the client allows that.
        KeyError if none may."""
        wrap = self._wrap[hop]
        kept = self._ready[hop]
        stream = kept.pop() if kept else self._count(await wrap(await self.raw(hop)))
        self._asked[hop].set()
        return stream

    def idle(self, hop: Hop) -> int:
        """How many ready streams to the hop wait for a request."""
        return len(self._ready[hop])

    def give_back(self, hop: Hop, stream: Stream) -> None:
        """A ready stream that may carry another request."""
        self._ready[hop].append(stream)

    async def asked(self, hop: Hop, seconds: float) -> None:
        """Wait until a first request goes out to the hop, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked[hop].wait()

    def may_speak(self, hop: Hop) -> bool:
        """Has the TLS layer allowed HTTP on this hop?"""
        return hop in self._wrap

    async def close(self) -> None:
        """Close everything. Never raises, never waits long."""
        streams, self._open = self._open, set()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(0.2):
                await asyncio.gather(*(s.close() for s in streams), return_exceptions=True)
