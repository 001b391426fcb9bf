"""A handshake failed: with which offer does it not fail?

One thing is changed at a time (the name, the size of the hello, the versions, the suites, the size
of packets), at most six times and only after a failure, so that probing never looks like a scan.
What each difference proves is the judge's affair.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from doctor.facts.tls import Attempt
from doctor.net.hello import EVERY_CIPHER, TLS10, TLS12, Greeting, Offer, greet

if TYPE_CHECKING:
    from doctor.model import Hop
    from doctor.net import Net
    from doctor.net.lines import Stream

Dialler = Callable[[], Awaitable["Stream"]]

MOST = 6
OTHER_NAME = "invalid.invalid"
_SECONDS = 3.0
_AT_ONCE = 4
_SMALL_SEGMENT = 1200
"""A TCP segment that passes wherever IPv6 does (minimum MTU 1280) and most tunnels."""


def offers(failed: Greeting) -> tuple[Offer, ...]:
    """What to offer after this failure, the most telling first."""
    return tuple(_offers(failed))[:MOST]


def _offers(failed: Greeting) -> Iterator[Offer]:
    name = failed.offer.name
    silent = failed.outcome in {"reset", "closed", "timeout"}
    if name is not None and (silent or failed.alert in {40, 49, 80, 112}):
        yield Offer(None, "no name")
        yield Offer(OTHER_NAME, "another name")
    if failed.alert == 120:
        yield Offer(name, "no ALPN", alpn=False)
    if silent:
        yield Offer(name, "small hello", small=True)
    yield Offer(name, "old protocols", oldest=TLS10, ciphers=EVERY_CIPHER, small=True)
    if not silent:
        yield Offer(name, "any cipher", ciphers=EVERY_CIPHER)
    yield Offer(name, "TLS 1.2", newest=TLS12, small=True)


async def attempts(
    hop: Hop, net: Net, failed: Greeting, packets: Dialler | None
) -> tuple[Attempt, ...]:
    """One with each offer, side by side. `packets` dials with small segments, where that can be
    done. None where one had no time to answer: then nothing can be told from the others."""
    turns = asyncio.Semaphore(_AT_ONCE)
    seconds = net.patience(_SECONDS)
    steps = [(offer, _fresh(hop, net)) for offer in offers(failed)]
    if packets is not None and failed.outcome == "timeout":
        steps = [*steps[: MOST - 1], (Offer(failed.offer.name, "small packets"), packets)]

    async def step(offer: Offer, dial: Dialler) -> Attempt:
        async with turns:
            return await attempt(offer, dial, seconds)

    made = tuple(await asyncio.gather(*(step(offer, dial) for offer, dial in steps)))
    silent = any(each.outcome == "timeout" for each in made)
    return () if silent and net.hurried(seconds, _SECONDS) else made


async def other_names(hop: Hop, net: Net) -> tuple[Attempt, ...]:
    """Without the name and with another one: is the certificate that came the host's own, or what
    it gives everybody?
    """
    seconds = net.patience(_SECONDS)
    offered = (Offer(None, "no name"), Offer(OTHER_NAME, "another name"))
    made = await asyncio.gather(*(attempt(offer, _fresh(hop, net), seconds) for offer in offered))
    return tuple(made)


async def attempt(offer: Offer, dial: Dialler, seconds: float) -> Attempt:
    """One handshake whose connection is given up at once."""
    try:
        async with asyncio.timeout(seconds):
            stream = await dial()
    except (OSError, TimeoutError):
        return Attempt(variant=offer.variant, name=offer.name, outcome="unreachable")
    made = await greet(stream, offer, seconds)
    if made.secured is not None:
        await made.secured.close()
    leaf = made.ders[0] if made.ders else b""
    return Attempt(
        variant=offer.variant,
        name=offer.name,
        outcome=made.outcome,
        alert=made.alert,
        version=made.version,
        cipher=made.cipher,
        leaf=hashlib.sha256(leaf).hexdigest() if leaf else "",
        subject=_subject(leaf),
        received=made.received,
        ms=made.ms,
    )


def _subject(der: bytes) -> str:
    from doctor.pki.certificate import describe, from_der

    cert = from_der(der) if der else None
    return describe(cert).subject if cert is not None else ""


def _fresh(hop: Hop, net: Net) -> Dialler:
    return lambda: net.lines.raw(hop)


def small_packets(hop: Hop, address: str) -> Dialler:
    """How to dial that address with small segments."""
    from doctor.net import tcp

    return lambda: tcp.dial(address, hop, maxseg=_SMALL_SEGMENT)
