"""Can the first answers be on their way while the program is still being loaded?

Loading the checks takes longer than a name server's answer and a connection. So once it is certain
that the registry will be spoken to directly (no proxy is set that would resolve its name, nothing
of the request can turn out to be wrong), a thread asks the system for the name and starts
connecting to what it answers; `doctor.net.dns` and `doctor.net.tcp` find that here and go on with
it. Imports nothing that takes time.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Mapping

MOST_DIALLED = 8
"""Addresses tried of one host."""
_MOST_ADDRESSES = 32
_PATIENCE = 3000
"""Milliseconds for which the end of a connection attempt is written down."""
_LONGEST_LINE = 250
_MOST_READ = 65_536

Found = tuple[tuple[str, ...], str]
"""Addresses in order, and the canonical name."""


class Dialled:
    """A connection attempt under way on a socket that does not block."""

    def __init__(self, address: str, port: int) -> None:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        self.socket = socket.socket(family, kind, protocol)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._started = time.perf_counter()
        self._ended: float | None = None
        with contextlib.suppress(OSError):  # it is told again to who goes on with the attempt
            self.socket.connect(place)

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
        threading.Thread(target=self._run, daemon=True, name="early").start()

    def _run(self) -> None:
        dialled: list[Dialled] = []
        try:
            self._found = addresses(self._host, self._port)
            self._ended = time.perf_counter()
            for address in self._found[0][:MOST_DIALLED]:
                with contextlib.suppress(OSError):
                    dialled.append(Dialled(address, self._port))
                    _dialled[address, self._port] = dialled[-1]
        except Exception as error:
            self._error = error
        self._told.set()
        _watch(dialled)

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
_dialled: dict[tuple[str, int], Dialled] = {}


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


def taken(host: str, port: int) -> LookUp | None:
    """The look-up that was begun for this host, once."""
    return _begun.pop((host, port), None)


def dialled(address: str, port: int) -> Dialled | None:
    """The connection attempt that was begun there, once."""
    return _dialled.pop((address, port), None)


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
