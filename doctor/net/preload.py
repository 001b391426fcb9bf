"""What can be imported while the network is waited for?

TLS and HTTP libraries take longer to import than a packet to come back. Once a wait has begun that
is longer than a loopback's, a daemon thread imports what the next layers will use; where nothing is
waited for (an address that refuses at once, `--offline`), nothing is imported that is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doctor.model import Hop

_NEXT = (
    "OpenSSL.SSL",
    "doctor.net.tls",
    "doctor.pki.verify",
    "doctor.net.wire",
    "doctor.net.registry",
    "doctor.net.login",
    "doctor.net.image",
)
_PATIENCE = 0.004
"""Seconds of waiting after which it is not a loopback's answer that is waited for."""
_begun = threading.Event()
_compared = threading.Event()


@contextlib.contextmanager
def while_waiting() -> Iterator[None]:
    """If the wait inside takes longer than a moment, import ahead beside it. Once a process."""
    if _begun.is_set():
        yield
        return
    timer = asyncio.get_running_loop().call_later(_PATIENCE, _begin)
    try:
        yield
    finally:
        timer.cancel()


def compare(realm: Hop, registry: Hop) -> None:
    """A token service on another host was named: it will be asked whether the credential may go
    there, by lists that take longer to load than a packet to come back."""
    if not _compared.is_set():
        _compared.set()
        work = threading.Thread(target=_compare, args=(realm, registry), daemon=True, name="realm")
        work.start()


def _compare(realm: Hop, registry: Hop) -> None:
    from doctor.registry.realm import may_receive

    with contextlib.suppress(Exception):
        may_receive(realm, registry)


def _begin() -> None:
    if not _begun.is_set():
        _begun.set()
        threading.Thread(target=_import, daemon=True, name="imports").start()


def _import() -> None:
    for name in _NEXT:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
