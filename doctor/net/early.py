"""Can the first answer be on its way while the program is still being loaded?

Loading the checks takes longer than a name server's answer. So once it is certain that the system
will be asked for the registry's name (no proxy is set that would resolve it, nothing of the request
can turn out to be wrong), it is asked in a thread, and `doctor.net.dns` finds the answer here.
Imports nothing that takes time.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping

_MOST_ADDRESSES = 32

Found = tuple[tuple[str, ...], str]
"""Addresses in order, and the canonical name."""


class LookUp:
    """One call of getaddrinfo, which cannot be cancelled: in a daemon thread."""

    def __init__(self, host: str, port: int) -> None:
        self._started = time.perf_counter()
        self._ended: float | None = None
        self._found: Found | None = None
        self._error: Exception | None = None
        self._host, self._port = host, port
        self._thread = threading.Thread(target=self._run, daemon=True, name="getaddrinfo")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = addresses(self._host, self._port)
        except Exception as error:
            self._error = error
        self._ended = time.perf_counter()

    @property
    def ms(self) -> float:
        """Milliseconds that it took, or has taken so far."""
        return ((self._ended or time.perf_counter()) - self._started) * 1000

    def result(self) -> Found:
        """Wait for it; raises what getaddrinfo raised."""
        self._thread.join()
        if self._found is None:
            raise self._error or OSError("getaddrinfo gave nothing")
        return self._found


_begun: dict[tuple[str, int], LookUp] = {}


def look_up(host: str, port: int) -> None:
    """Ask the system for the host's addresses now."""
    _begun[host, port] = LookUp(host, port)


def taken(host: str, port: int) -> LookUp | None:
    """The look-up that was begun for this host, once."""
    return _begun.pop((host, port), None)


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
