"""How does a client's trust store judge the chain that a host has shown?

A handshake captures a chain and trusts nothing; any store can judge it afterwards, also that of a
client that has not been there itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doctor.facts.tls import TlsFact, Verdict
from doctor.facts.trust import TrustFact

if TYPE_CHECKING:
    from doctor.pki.store import Roots
    from doctor.pki.verify import Built


def verdict(
    ders: tuple[bytes, ...], roots: Roots, label: str, host: str
) -> tuple[Built | None, Verdict]:
    """By Go's rules, of the chain as sent, in DER. The path that they follow is None where the
    host's own certificate cannot be read. `label` names the store."""
    from doctor.pki.certificate import from_der
    from doctor.pki.verify import build, go_verdict, judge

    now = datetime.now(UTC)
    read = [from_der(der) for der in ders]
    chain = tuple(cert for cert in read if cert is not None) if read and read[0] else ()
    built = build(chain, roots, now) if chain else None
    found = judge(built, chain, host, now) if built else go_verdict((), roots, host, now)
    return built, replace(found, store=label, paths=roots.paths)


def label(trust: TrustFact) -> str:
    """The name of a client's stores: that of the first."""
    return next((store.label for store in trust.stores), "none")


def judged_by(trust: TrustFact, fact: TlsFact, ders: tuple[bytes, ...], host: str) -> TlsFact:
    """A handshake that went well for another client, as this one would have had it. What OpenSSL
    said by the way stays: it is of the store that the handshake had."""
    from doctor.pki.store import Roots

    own = verdict(ders, Roots(trust.stores), label(trust), host)[1]
    return replace(fact, verdicts=(own, *fact.verdicts[1:]))
