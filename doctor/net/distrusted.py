"""The handshake is done and the verdict is bad: what else decides why?

A missing intermediate is proven by fetching it, a wrong clock by the server's own, a default
certificate by asking without the name, a private or an intercepting CA by what the public list of
roots says. All side by side; then the connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doctor.facts.tls import Attempt, Certificate, IssuerFetch, TimeReading, TlsFact
from doctor.frozen import frozen
from doctor.pki import errors
from doctor.registry.httpdate import moment

if TYPE_CHECKING:
    from cryptography import x509

    from doctor.model import Hop
    from doctor.net import Net
    from doctor.net.hello import Secured
    from doctor.net.tls import Handshake

_CLOCK_SECONDS = 3.0


async def explain(
    shake: Handshake, secured: Secured | None, chain: tuple[x509.Certificate, ...], fact: TlsFact
) -> TlsFact:
    """The fact with what the extra looks found. `secured`: the connection, for the one question
    that may be asked on it.
    """
    from doctor.pki import public
    from doctor.pki.store import Roots
    from doctor.pki.verify import go_verdict

    verdict = fact.verdict
    if verdict is None or not chain:
        return fact
    certifi = Roots((public.store(),))
    now = datetime.now(UTC)
    listed = go_verdict(chain, certifi, shake.hop.host, now, label="certifi")
    found, clocks, attempts = await asyncio.gather(
        _issuers(shake, chain, fact), _clocks(shake, secured, fact), _names(shake, fact)
    )
    return replace(
        fact,
        verdicts=(*fact.verdicts, replace(listed, path=())),
        namesake=_namesake(shake, chain, fact),
        public=public.reaches((*chain, *found.certificates), now, certifi),
        fetches=found.fetches,
        missing=found.described if found.completes else (),
        missing_from="AIA" if found.completes else "",
        beyond=() if found.completes else found.described,
        clocks=clocks,
        attempts=attempts,
    )


@frozen
class Found:
    """The issuers that were fetched, in order, and whether the chain verifies with them."""

    fetches: tuple[IssuerFetch, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    described: tuple[Certificate, ...] = ()
    completes: bool = False


async def _issuers(shake: Handshake, chain: tuple[x509.Certificate, ...], fact: TlsFact) -> Found:
    from doctor.net.issuers import MOST, fetch
    from doctor.pki.certificate import describe
    from doctor.pki.verify import build, in_order

    verdict = fact.verdict
    if verdict is None or not verdict.has(*errors.UNKNOWN_ISSUER):
        return Found()
    fetches: list[IssuerFetch] = []
    added: list[x509.Certificate] = []
    tip = in_order(chain)[-1]
    if not shake.net.fetch_issuers:
        named = describe(tip).issuer_urls[:MOST]
        return Found(tuple(IssuerFetch(url=url, outcome="not fetched") for url in named))
    while len(fetches) < MOST and tip.subject != tip.issuer:
        issuer = None
        for url in describe(tip).issuer_urls[: MOST - len(fetches)]:
            result, offered = await fetch(url, shake.net, inside=shake.inside)
            issuer = next((cert for cert in offered if _issued(tip, cert)), None)
            if offered and issuer is None:
                result = replace(result, outcome="fetched, but it is not the issuer")
            fetches.append(result)
            if issuer is not None:
                break
        if issuer is None:
            break
        added.append(issuer)
        tip = issuer
        if build((*chain, *added), shake.roots, datetime.now(UTC)).anchored:
            return Found(tuple(fetches), tuple(added), _described(added), True)
    return Found(tuple(fetches), tuple(added), _described(added))


def _namesake(
    shake: Handshake, chain: tuple[x509.Certificate, ...], fact: TlsFact
) -> Certificate | None:
    """Does a store hold a certificate of the wanted issuer's name that did not sign it?"""
    from doctor.pki.certificate import describe
    from doctor.pki.verify import in_order

    verdict = fact.verdict
    if verdict is None or not verdict.has(errors.SIGNATURE, *errors.UNKNOWN_ISSUER):
        return None
    tip = in_order(chain)[-1]
    for held in shake.roots.named(tip.issuer.public_bytes()):
        if held.public_key() != tip.public_key() and not _issued(tip, held):
            return describe(held, -1)
    return None


def _described(certificates: Sequence[x509.Certificate]) -> tuple[Certificate, ...]:
    from doctor.pki.certificate import describe

    return tuple(describe(cert, -1) for cert in certificates)


def _issued(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(issuer)
    except (
        Exception
    ):  # a foreign certificate may be malformed in any way; then it is not the issuer
        return False
    return True


async def _clocks(
    shake: Handshake, secured: Secured | None, fact: TlsFact
) -> tuple[TimeReading, ...]:
    """Only where dates are the one fault: the server's clock, and the time that it cannot be
    before.
    """
    verdict = fact.verdict
    if verdict is None or not verdict.anchored or not verdict.only(*errors.TIMES):
        return ()
    from doctor.pki import public

    readings = []
    if secured is not None:
        readings.append(await _server_clock(shake.hop, shake.net, secured))
    released = public.released()
    if released is not None:
        readings.append(_reading("the date of certifi's list of roots", released, bound=True))
    return tuple(reading for reading in readings if reading is not None)


async def _server_clock(hop: Hop, net: Net, secured: Secured) -> TimeReading | None:
    """HEAD /v2/ on the connection whose certificate is right but for its dates; no credential goes
    with it.
    """
    from doctor.net.peek import request

    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(net.patience(_CLOCK_SECONDS)):
            peek = await request(secured, hop, "HEAD")
        if peek is not None and (there := moment(peek.header("date"))):
            return _reading(f"Date of {hop.name}", there)
    return None


def _reading(source: str, there: datetime, *, bound: bool = False) -> TimeReading:
    from doctor.stamp import stamp

    here = datetime.now(UTC)
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    return TimeReading(
        source=source,
        there=stamp(there),
        here=stamp(here),
        bound=bound,
        seconds_ahead=round((there - here).total_seconds()),
    )


async def _names(shake: Handshake, fact: TlsFact) -> tuple[Attempt, ...]:
    """A certificate for other names, or one of the server's own making: does it give the same one
    without the name?
    """
    from doctor.net import variants

    verdict = fact.verdict
    if shake.name is None or verdict is None:
        return ()
    if not verdict.has(*errors.NAMES) and not verdict.has(errors.SELF_SIGNED_LEAF):
        return ()
    return await variants.other_names(shake.hop, shake.net)
