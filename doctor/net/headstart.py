"""Can the first answers be on their way while the program is still being loaded?

Loading the checks takes longer than a name server's answer and a connection. So once it is certain
that the registry will be spoken to directly (no proxy is set that would resolve its name, nothing
of the request can turn out to be wrong), a thread asks the system for the name and starts
connecting to what it answers; `doctor.net.dns` and `doctor.net.tcp` find that here and go on with
it. What nobody goes on with is closed. Imports nothing that takes time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

MOST_DIALLED = 8
"""Addresses tried of one host."""
_MOST_ADDRESSES = 32
_PATIENCE = 3000
"""Milliseconds for which the end of a connection attempt is written down."""
_LONGEST_LINE = 250
_MOST_READ = 65_536

Found = tuple[tuple[str, ...], str]
"""Addresses in order, and the canonical name."""
Place = tuple[Any, ...]
"""Where a socket connects to: the same for every spelling of an address."""


def place(address: str, port: int) -> tuple[socket.AddressFamily, Place]:
    """The place of a literal address. Nothing is looked up."""
    found = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )
    return found[0][0], found[0][4]


class Dialled:
    """A connection attempt under way on a socket that does not block. OSError where the system
    refuses to begin it."""

    def __init__(self, family: socket.AddressFamily, to: Place) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._started = time.perf_counter()
        self._ended: float | None = None
        begun = self.socket.connect_ex(to)
        if begun not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(begun, os.strerror(begun))

    def end(self) -> None:
        """It has connected or failed, now."""
        self._ended = time.perf_counter()

    @property
    def ms(self) -> float:
        """Milliseconds that it took, or has taken so far."""
        return ((self._ended or time.perf_counter()) - self._started) * 1000


class LookUp:
    """One call of getaddrinfo, which cannot be cancelled, and the connections that follow from it:
    in a daemon thread."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._started = time.perf_counter()
        self._ended: float | None = None
        self._found: Found | None = None
        self._error: Exception | None = None
        self._told = threading.Event()
        self._dialled: dict[Place, Dialled] = {}
        self._over = False
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True, name="headstart").start()

    def _run(self) -> None:
        dialled: list[Dialled] = []
        try:
            self._found = addresses(self._host, self._port)
            self._ended = time.perf_counter()
            for address in self._found[0][:MOST_DIALLED]:
                with contextlib.suppress(OSError):  # it is told again to who dials it in earnest
                    dialled += self._dial(*place(address, self._port))
        except Exception as error:
            self._error = error
        self._told.set()
        _watch(dialled)

    def _dial(self, family: socket.AddressFamily, to: Place) -> tuple[Dialled, ...]:
        with self._lock:
            if self._over:
                return ()
            self._dialled[to] = begun = Dialled(family, to)
            return (begun,)

    @property
    def ms(self) -> float:
        """Milliseconds that the look-up took, or has taken so far."""
        return ((self._ended or time.perf_counter()) - self._started) * 1000

    def result(self) -> Found:
        """Wait for it; raises what getaddrinfo raised."""
        self._told.wait()
        if self._found is None:
            raise self._error or OSError("getaddrinfo gave nothing")
        return self._found

    def dialled(self, address: str) -> Dialled | None:
        """The connection attempt that was begun there, once."""
        with self._lock:
            return self._dialled.pop(place(address, self._port)[1], None)

    def end(self) -> None:
        """Nobody goes on with more of it: what was not taken is closed, and nothing more is
        dialled."""
        with self._lock:
            self._over = True
            for begun in self._dialled.values():
                begun.socket.close()
            self._dialled.clear()


def _watch(dialled: list[Dialled]) -> None:
    """Write down when each attempt ends."""
    waiting = {each.socket.fileno(): each for each in dialled}
    waiting.pop(-1, None)  # taken and closed already
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLOUT)
    until = time.perf_counter() + _PATIENCE / 1000
    while waiting and time.perf_counter() < until:
        for descriptor, _ in poll.poll(_PATIENCE):
            poll.unregister(descriptor)
            waiting.pop(descriptor).end()


_begun: dict[tuple[str, int], LookUp] = {}


def begin(host: str, port: int) -> None:
    """Ask the system for the host's addresses now, and connect to them; not where the settings are
    odd enough to need a closer look first (`resolvconf.ends_programs`)."""
    if _is_odd():
        return
    _begun[host, port] = LookUp(host, port)


def _is_odd() -> bool:
    """Has resolv.conf a line that the C library may have no room for?"""
    with contextlib.suppress(OSError):
        descriptor = os.open("/etc/resolv.conf", os.O_RDONLY | os.O_NONBLOCK)
        try:
            lines = os.read(descriptor, _MOST_READ).splitlines()
        finally:
            os.close(descriptor)
        return any(len(line) > _LONGEST_LINE for line in lines)
    return False


def begun(host: str, port: int) -> LookUp | None:
    """What was begun for this host and has not ended."""
    return _begun.get((host, port))


def end(host: str, port: int) -> None:
    """The host has been dialled: nobody goes on with what is left."""
    if look_up := _begun.pop((host, port), None):
        look_up.end()


def end_all() -> None:
    """The run is over."""
    for host, port in tuple(_begun):
        end(host, port)


def is_direct(environ: Mapping[str, str]) -> bool:
    """Is no proxy set, in whatever spelling?"""
    return not any(
        value and name.lower() in ("http_proxy", "https_proxy", "all_proxy")
        for name, value in environ.items()
    )


def addresses(host: str, port: int) -> Found:
    """What the system gives for a name, as programs here ask: hosts file, nsswitch, VPN plug-ins
    and search domains have their say. Raises OSError or UnicodeError."""
    flags = socket.AI_CANONNAME
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    given = dict.fromkeys(str(entry[4][0]) for entry in found)
    return tuple(given)[:_MOST_ADDRESSES], str(found[0][3]) if found else ""
