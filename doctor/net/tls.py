"""Can TLS be spoken with this hop, would this client trust it, and if not, why not?

One handshake captures everything, trusting nothing and sending nothing (`doctor.net.hello`). The
verdict is made offline against this client's stores (`doctor.pki.verify`). Only if it is good does
the connection stay, as a stream that HTTP may be spoken on; further ones to the same hop are shaken
and verified the same way. If it is bad, or the handshake fails, the causes are told apart by a few
short attempts more, and every connection is closed.

Three times a request without credentials goes out beside that. When dates are the chain's only
fault, HEAD /v2/ on the same connection reads the server's clock: the peer has proven to be the
holder of a certificate for this very name whose chain reaches a root that the client trusts, so who
answers is known but for the time, which is what is asked. When the server asks for a client
certificate, GET /v2/ on the verified connection shows whether it insists: TLS 1.3 says so only on
the first read. And a port that answers a ClientHello in plain HTTP, or not at all, is asked GET
/v2/ in plain HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doctor.facts.tls import TlsFact, Verdict
from doctor.facts.trust import TrustFact
from doctor.net.hello import AlertError, Greeting, Offer, Secured, greet, warm

if TYPE_CHECKING:
    from cryptography import x509

    from doctor.model import Hop
    from doctor.net import Net
    from doctor.net.lines import Stream
    from doctor.net.variants import Dialler
    from doctor.pki.verify import Built

SECONDS = 5.0
"""For one handshake. Go's own limit is ten."""
_REFUSAL_SECONDS = 0.3


async def handshake(hop: Hop, trust: TrustFact, net: Net) -> TlsFact:
    """Look at the hop's TLS through the eyes of the client whose stores `trust` names."""
    from doctor.net.failed import as_it_is

    if hop.scheme == "http":
        net.lines.wrap_with(hop, as_it_is)
        return TlsFact(needed=False)
    warm()
    start = time.perf_counter()
    fact = await Handshake(hop, trust, net).look()
    return replace(fact, ms=(time.perf_counter() - start) * 1000)


class Handshake:
    """The handshake with one hop, and what is done because of how it went."""

    def __init__(self, hop: Hop, trust: TrustFact, net: Net) -> None:
        from doctor.pki.names import address
        from doctor.pki.store import Roots

        self.hop = hop
        self.trust = trust
        self.net = net
        self.name = None if address(hop.host) else hop.host.removesuffix(".")
        self.offer = Offer(self.name)
        self.roots = Roots(trust.stores)
        self.small_packets: Dialler | None = None
        self.peer = ""
        self.reached: str | None = None
        """The literal address of a direct connection."""
        self.built: Built | None = None
        self.hurried = False
        """Was the handshake given less time than it is meant to have?"""

    async def look(self) -> TlsFact:
        try:
            stream = await self._dial()
        except (OSError, TimeoutError, KeyError) as trouble:
            return TlsFact(name=self.name, outcome="unreachable", reason=type(trouble).__name__)
        greeting = await self._greet(stream)
        if greeting.outcome in ("reset", "closed") and getattr(stream, "early", False):
            with contextlib.suppress(OSError, TimeoutError, KeyError):
                greeting = await self._greet(await self._dial())
        chain, fact = self._first(greeting)
        if greeting.secured is None:
            from doctor.net import failed

            fact = await failed.explain(self, greeting, fact)
            return replace(fact, hurried=self.hurried and _silent(fact))
        if fact.verdict is None or not fact.verdict.ok:
            from doctor.net import distrusted

            try:
                return await distrusted.explain(self, greeting.secured, chain, fact)
            finally:
                await greeting.secured.close()
        fact = replace(fact, public=_is_public(self.built, chain, self.hop.host))
        if fact.client_certificate_requested:
            return await self.introduce(greeting.secured, fact)
        self.net.lines.wrap_with(self.hop, self.wrap, greeting.secured)
        return fact

    async def _greet(self, stream: Stream) -> Greeting:
        return await greet(stream, self.offer, self._patience(), meanwhile=self.roots.fill)

    def _patience(self) -> float:
        seconds = self.net.patience(SECONDS)
        self.hurried = self.net.hurried(seconds, SECONDS)
        return seconds

    @property
    def inside(self) -> bool:
        """Is the host in a private network, as far as its address is known here? A proxy may hide
        it.
        """
        from doctor.net.issuers import is_public
        from doctor.pki.names import address

        literal = address(self.hop.host)
        known = str(literal) if literal else self.reached
        return known is not None and not is_public(known)

    async def _dial(self) -> Stream:
        from doctor.net import tcp
        from doctor.net.variants import small_packets

        stream = await self.net.lines.raw(self.hop)
        self.peer = stream.peer
        if isinstance(stream, tcp.Socket):
            self.reached = stream.peer.rpartition(":")[0].strip("[]")
            self.small_packets = small_packets(self.hop, self.reached)
        return stream

    def _first(self, greeting: Greeting) -> tuple[tuple[x509.Certificate, ...], TlsFact]:
        """The chain, and the fact as the handshake alone gives it."""
        from doctor.pki.certificate import describe, from_der, unreadable

        parsed = [from_der(der) for der in greeting.ders]
        described = tuple(
            describe(cert, place) if cert is not None else unreadable(greeting.ders[place], place)
            for place, cert in enumerate(parsed)
        )
        chain = tuple(cert for cert in parsed if cert is not None) if parsed and parsed[0] else ()
        fact = TlsFact(
            outcome=greeting.outcome,
            name=self.name,
            peer=self.peer,
            version=greeting.version,
            cipher=greeting.cipher,
            alpn=greeting.alpn,
            alert=greeting.alert,
            reason=greeting.reason,
            waited=greeting.ms / 1000 if greeting.outcome == "timeout" else 0.0,
            received=greeting.received,
            chain=described,
            verdicts=self._verdicts(greeting) if greeting.ders else (),
            client_certificate_requested=greeting.requested,
            client_certificate_sent=greeting.offer.pair is not None,
            client_cas=greeting.client_cas,
        )
        if greeting.staple and chain:
            from doctor.pki.staple import read

            fact = replace(fact, staple=read(greeting.staple, chain))
        return chain, fact

    def _verdicts(self, greeting: Greeting) -> tuple[Verdict, ...]:
        from doctor.pki.shown import label, verdict
        from doctor.pki.verify import openssl_verdict

        self.net.lines.shown[self.hop] = greeting.ders
        built, found = verdict(greeting.ders, self.roots, label(self.trust), self.hop.host)
        self.built = built or self.built
        return found, openssl_verdict(greeting.seen, self.roots, datetime.now(UTC))

    async def wrap(self, stream: Stream) -> Stream:
        """Make another raw stream ready for HTTP: the same handshake, the same verification.
        OSError when either fails, TimeoutError when no answer comes.
        """
        secured, _ = await self._secure(stream)
        return secured

    async def _secure(self, stream: Stream) -> tuple[Secured, TlsFact]:
        greeting = await greet(stream, self.offer, self._patience())
        _, fact = self._first(greeting)
        if greeting.outcome == "timeout":
            raise TimeoutError
        if greeting.secured is None:
            raise AlertError(greeting.alert, f"handshake: {greeting.outcome}")
        if fact.verdict is None or not fact.verdict.ok:
            await greeting.secured.close()
            raise ConnectionError("the certificate of this connection does not verify")
        return greeting.secured, fact

    async def introduce(self, secured: Secured | None, fact: TlsFact) -> TlsFact:
        """The server asks for a client certificate: show what is configured, and see whether it
        insists.
        """
        if self.trust.client_pair is not None:
            if secured is not None:
                await secured.close()
            self.offer = replace(self.offer, pair=self.trust.client_pair)
            sent = replace(fact, client_certificate_sent=True)
            begun = time.perf_counter()
            try:
                secured, again = await self._secure(await self.net.lines.raw(self.hop))
            except TimeoutError:
                waited = time.perf_counter() - begun
                return replace(sent, outcome="timeout", waited=waited, hurried=self.hurried)
            except OSError as trouble:
                return refused(sent, getattr(trouble, "alert", None))
            fact = replace(again, public=fact.public)
        if secured is None:
            return refused(fact, fact.alert)
        try:
            fact = await self._ask(secured, fact)
        finally:
            await secured.close()
        if fact.ok:
            self.net.lines.wrap_with(self.hop, self.wrap)
        return fact

    async def _ask(self, secured: Secured, fact: TlsFact) -> TlsFact:
        from doctor.net import peek

        try:
            # The refusal comes unasked: what is written first may meet a closed connection and take
            # the alert with it.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.net.patience(_REFUSAL_SECONDS)):
                    if not await secured.read(1):
                        return refused(fact, None)
            async with asyncio.timeout(self.net.patience(3.0)):
                answer = await peek.request(secured, self.hop, "GET")
        except TimeoutError:
            return fact
        except OSError as trouble:
            return refused(fact, getattr(trouble, "alert", None))
        if answer is None:
            return refused(fact, None)
        if answer.wants_client_certificate:
            return replace(refused(fact, None), demand=answer)
        return fact


def _silent(fact: TlsFact) -> bool:
    """Is it silence that the fact rests on? What was said in plain HTTP was said."""
    return fact.outcome == "timeout" and fact.plain_http is None


def refused(fact: TlsFact, alert: int | None) -> TlsFact:
    """The server asked for a client certificate and ended the connection after what it got, with an
    alert or without.
    """
    return replace(fact, client_certificate_demanded=True, alert=alert)


def _is_public(built: Built | None, chain: tuple[x509.Certificate, ...], host: str) -> bool | None:
    """Is the chain one of the public's? A quick look at its anchor; only where a public registry
    has another one (cross-signed, or a stranger's) is the chain verified against the list.
    """
    from doctor.pki import public
    from doctor.pki.interception import is_public_registry

    if built is not None and built.anchored and public.holds(built.path[-1]):
        return True
    return public.reaches(chain, datetime.now(UTC)) if is_public_registry(host) else None
