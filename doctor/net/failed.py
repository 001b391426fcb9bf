"""The handshake did not finish: what tells the ways apart in which it can fail?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.tls import HttpPeek, TlsFact

if TYPE_CHECKING:
    from doctor.model import Hop
    from doctor.net.hello import Greeting
    from doctor.net.lines import Stream
    from doctor.net.tls import Handshake


async def explain(shake: Handshake, greeting: Greeting, fact: TlsFact) -> TlsFact:
    """The fact with what the extra looks found."""
    from doctor.net import peek, variants

    hop, net = shake.hop, shake.net
    if greeting.outcome == "not-tls":
        said = greeting.first.decode("utf-8", "replace")
        answer = await peek.plain_http(hop, net)  # a hello may be taken for HTTP/0.9
        return _plain(shake, replace(fact, first=said), answer)
    if fact.client_certificate_requested and greeting.outcome in {"alert", "closed", "reset"}:
        return await _introduce(shake, fact)
    if greeting.received:
        attempts = await variants.attempts(hop, net, greeting, shake.small_packets)
        return replace(fact, attempts=attempts)
    attempts, answer, quiet = await asyncio.gather(
        variants.attempts(hop, net, greeting, shake.small_packets),
        peek.plain_http(hop, net),
        peek.stays_open(hop, net),
    )
    speaks_tls = any(made.outcome == "done" for made in attempts)
    if answer is not None and not answer.wants_tls and not speaks_tls:
        return _plain(shake, fact, answer)
    return replace(fact, attempts=attempts, quiet_stays_open=quiet)


async def _introduce(shake: Handshake, fact: TlsFact) -> TlsFact:
    """Asked for a client certificate, and cut off without one: is one configured, and does it help?

    It is shown only to a server whose own certificate has been verified.
    """
    pair = shake.trust.client_pair
    trusted = fact.verdict is not None and fact.verdict.ok
    if pair is None or not trusted:
        return replace(fact, client_certificate_demanded=True)
    return await shake.introduce(None, fact)


def _plain(shake: Handshake, fact: TlsFact, answer: HttpPeek | None) -> TlsFact:
    """A port that speaks plain HTTP; where the client would speak it too, HTTP may go on."""
    if answer is None and not fact.first.startswith("HTTP/"):
        return fact
    # Through a proxy, loopback is the proxy's and not ours.
    direct = shake.reached is not None
    loopback = direct and shake.trust.plain_loopback and is_loopback(shake.hop)
    allowed = shake.hop.role != "proxy" and (loopback or _is_insecure(shake))
    if allowed:
        shake.net.lines.wrap_with(shake.hop, as_it_is)
        shake.net.lines.in_the_clear.add(shake.hop)
    return replace(fact, plain_http=answer or HttpPeek(), plain_allowed=allowed)


def _is_insecure(shake: Handshake) -> bool:
    """Does a setting of this client let it speak plain HTTP with the registry?"""
    known = [shake.hop.host, *([shake.reached] if shake.reached else [])]
    asked = shake.hop.role in ("registry", "mirror")
    return asked and shake.trust.in_the_clear(known) is not None


def is_loopback(hop: Hop) -> bool:
    """Was the host given as localhost or as a loopback address? go-containerregistry falls back to
    plain HTTP for those (pkg/name/registry.go, `Scheme`).
    """
    from doctor.pki.names import address

    literal = address(hop.host)
    return hop.host == "localhost" or (literal is not None and literal.is_loopback)


async def as_it_is(stream: Stream) -> Stream:
    """Plain HTTP: nothing to be done to the raw stream."""
    return stream
