"""Which of a host's addresses take a TCP connection, and how long does each need?

All are tried side by side, on plain sockets and always by literal address:
`asyncio.create_connection(host)` merges the errors of several addresses into one without errno, and
a host name in it may hold the loop's executor long after the deadline. The ladder goes on with the
first that connects; the others get a moment to end, and what has not ended by then is collected by
`addresses`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from doctor.facts.tcp import AddressesFact, Attempt, Outcome, TcpFact
from doctor.model import Hop
from doctor.net import headstart

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.net.lines import Stream

MOST = headstart.MOST_DIALLED
PATIENCE = 3.0
"""Seconds for one attempt. Go's own limit is 30; a path that needs more than three does not pull
images."""
_GRACE = 0.25
_OUTCOMES: dict[int, Outcome] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETUNREACH: "no-route",
    errno.ENETDOWN: "no-route",
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
    errno.EINVAL: "blackholed",
    errno.ECONNRESET: "reset",
    errno.ENOTCONN: "reset",
    errno.EADDRNOTAVAIL: "no-ports",
    errno.EAFNOSUPPORT: "no-family",
    errno.EMFILE: "no-files",
    errno.ENFILE: "no-files",
}


class Socket:
    """A connected TCP socket as a `doctor.net.lines.Stream`."""

    def __init__(self, connected: socket.socket, early: bool = False) -> None:
        self._socket = connected
        self.early = early
        """Has it lain idle since before the loop ran?"""
        self._loop = asyncio.get_running_loop()
        self.peer = _named(connected.getpeername())
        self.source = _named(connected.getsockname())

    @property
    def mss(self) -> int | None:
        """Bytes of the largest segment, as negotiated."""
        try:
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        except (OSError, AttributeError):
            return None

    async def read(self, limit: int = 65536) -> bytes:
        return await self._loop.sock_recv(self._socket, limit)

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def close(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        if self._socket.fileno() != -1:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()


async def dial(
    address: str, hop: Hop, maxseg: int | None = None, begun: socket.socket | None = None
) -> Socket:
    """Connect to a literal address, at the hop's port. OSError as the system gives it; the deadline
    is the caller's.

    `maxseg` limits the segments both ways (TCP_MAXSEG, set before the connection): what still works
    then tells a path that drops full-size packets. `begun` is a socket that is connecting already.
    """
    if begun:
        return await _finished(begun)
    family, place = headstart.place(address, hop.port)
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if maxseg:
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, maxseg)
        await asyncio.get_running_loop().sock_connect(connecting, place)
        return Socket(connecting)
    except BaseException:
        connecting.close()
        raise


async def _finished(begun: socket.socket) -> Socket:
    """Wait for the end of an attempt. Told by the socket's own error: outside Linux, a second
    `connect` on it is itself one."""
    loop = asyncio.get_running_loop()
    writable = asyncio.Event()
    try:
        loop.add_writer(begun, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(begun)
        if error := begun.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        return Socket(begun, early=True)
    except BaseException:
        begun.close()
        raise


@dataclass(slots=True)
class Dialling:
    """The attempts on one hop's addresses, which may still be under way."""

    tasks: tuple[asyncio.Task[tuple[Attempt, Socket | None]], ...]
    started: float
    left_out: int = 0

    async def first(self) -> None:
        """Wait until one has connected, or all have ended."""
        pending = set(self.tasks)
        while pending and not any(_connected(task) for task in self.tasks):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)

    async def rest(self, seconds: float | None = None) -> None:
        """Give those that have not ended that long."""
        pending = [task for task in self.tasks if not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=seconds)

    def attempts(self) -> tuple[Attempt, ...]:
        """As they stand now."""
        waited = (time.perf_counter() - self.started) * 1000
        return tuple(
            task.result()[0]
            if task.done() and not task.cancelled()
            else Attempt(address=task.get_name(), outcome="pending", ms=waited)
            for task in self.tasks
        )

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()


async def connect(hop: Hop, addresses: tuple[str, ...], net: Net) -> TcpFact:
    """Try every address. The quickest connection is left in `net.lines`, what is still under way in
    `net.dialling`."""
    started = time.perf_counter()
    tasks = tuple(
        asyncio.create_task(_attempt(address, hop, net), name=address)
        for address in addresses[:MOST]
    )
    dialling = Dialling(tasks, started, max(0, len(addresses) - MOST))
    net.dialling[hop] = dialling
    try:
        await dialling.first()
        await dialling.rest(min(_GRACE, 3 * (time.perf_counter() - started)))
    except asyncio.CancelledError:
        dialling.cancel()
        raise
    finally:
        headstart.end(hop.host, hop.port)
    _keep(hop, dialling, net)
    attempts = dialling.attempts()
    first = min((attempt.ms for attempt in attempts if attempt.connected), default=0.0)
    return TcpFact(
        port=hop.port,
        attempts=attempts,
        left_out=dialling.left_out,
        ms=max(first, (time.perf_counter() - started) * 1000),
    )


async def addresses(hop: Hop, net: Net) -> AddressesFact:
    """The outcomes of all addresses: waits for those that `connect` did not wait for."""
    dialling = net.dialling.get(hop)
    if dialling is None:
        return AddressesFact(needed=False)
    await dialling.rest()
    return AddressesFact(
        port=hop.port,
        attempts=dialling.attempts(),
        left_out=dialling.left_out,
        ms=(time.perf_counter() - dialling.started) * 1000,
    )


async def _attempt(address: str, hop: Hop, net: Net) -> tuple[Attempt, Socket | None]:
    started = time.perf_counter()
    limit = net.patience(PATIENCE)
    result = Attempt(address=address)
    stream: Socket | None = None
    look_up, begun = headstart.begun(hop.host, hop.port), None
    try:
        begun = look_up.dialled(address) if look_up else None
        async with asyncio.timeout(limit):
            try:
                stream = await dial(address, hop, begun=begun.socket if begun else None)
            except OSError as failure:
                if begun is None or _OUTCOMES.get(failure.errno or 0) != "reset":
                    raise
                begun = None  # it lay idle while the program was loaded
                stream = await dial(address, hop)
        result = replace(result, source=stream.source, mss=stream.mss)
    except TimeoutError as failure:
        cut = failure.errno is None and net.hurried(limit, PATIENCE)
        result = replace(result, outcome="pending" if cut else "timeout", errno=failure.errno)
    except OSError as failure:
        outcome = _OUTCOMES.get(failure.errno or 0, "other")
        result = replace(result, outcome=outcome, errno=failure.errno)
    ms = begun.ms if begun else (time.perf_counter() - started) * 1000
    return replace(result, ms=ms), stream


def _keep(hop: Hop, dialling: Dialling, net: Net) -> None:
    """Leave the quickest connection to the layer above; close the others as they come."""
    open_ones = (task for task in dialling.tasks if _connected(task))
    best = min(open_ones, key=lambda task: task.result()[0].ms, default=None)
    for task in dialling.tasks:
        if task is not best:
            task.add_done_callback(_discard)
    if best is None:
        return
    attempt, stream = best.result()

    async def again() -> Stream:
        async with asyncio.timeout(net.patience(PATIENCE)):
            return await dial(attempt.address, hop)

    net.lines.dial_with(hop, again, stream)


def _connected(task: asyncio.Task[tuple[Attempt, Socket | None]]) -> bool:
    return task.done() and not task.cancelled() and task.result()[0].connected


def _discard(task: asyncio.Task[tuple[Attempt, Socket | None]]) -> None:
    stream = None if task.cancelled() else task.result()[1]
    if stream is not None:
        stream.hang_up()


def _named(place: tuple[str, int]) -> str:
    return f"[{place[0]}]:{place[1]}" if ":" in place[0] else f"{place[0]}:{place[1]}"
