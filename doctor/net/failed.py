"""The handshake did not finish: what tells the ways apart in which it can fail?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.tls import HttpPeek, TlsFact
from doctor.registry.host import is_loopback

if TYPE_CHECKING:
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
    allowed = _may_go_on(shake)
    if allowed:
        shake.net.lines.wrap_with(shake.hop, as_it_is)
        shake.net.lines.in_the_clear.add(shake.hop)
    return replace(fact, plain_http=answer or HttpPeek(), plain_allowed=allowed)


def _may_go_on(shake: Handshake) -> bool:
    """Does this client, by a setting or untold, speak plain HTTP with the registry? Through a proxy
    loopback is the proxy's and not ours: a credential may be shown to ours in the clear, so nothing
    goes on there."""
    hop = shake.hop
    direct = shake.reached is not None
    if hop.role not in ("registry", "mirror") or (is_loopback(hop.host) and not direct):
        return False
    known = [hop.host, *([shake.reached] if shake.reached else [])]
    return shake.trust.in_the_clear(known) is not None


async def as_it_is(stream: Stream) -> Stream:
    """Plain HTTP: nothing to be done to the raw stream."""
    return stream
