"""Does this client leave the registry unverified, or speak with it in the clear, and by which
setting?"""

from __future__ import annotations

from doctor.facts.dns import DnsFact
from doctor.facts.trust import Insecure, TrustFact
from doctor.model import Case


def unverified(case: Case) -> Insecure | None:
    """The setting that takes verification away from every host of this pull. A network counts by
    the addresses that the registry, or the mirror in question, was seen to have, and by the one
    that it is written as."""
    trust = _trust(case)
    return trust.unverified(_addresses(case)) if trust else None


def in_the_clear(case: Case) -> Insecure | None:
    """The setting that lets the client speak plain HTTP with the registry."""
    trust = _trust(case)
    return trust.in_the_clear(_addresses(case)) if trust else None


def by_plain_url(case: Case) -> Insecure | None:
    """The setting that names the host in question by a URL of plain HTTP."""
    trust = _trust(case)
    found = trust.insecure if trust else ()
    return next((each for each in found if each.allows == "plain" and each.origin), None)


def _trust(case: Case) -> TrustFact | None:
    registry = case.target.registry
    trust = case.facts.get(TrustFact, case.at) or case.facts.get(TrustFact, registry)
    return trust if trust and trust.insecure and case.at.role != "proxy" else None


def _addresses(case: Case) -> tuple[str, ...]:
    asked = case.at if case.at.role == "mirror" else case.target.registry
    dns = case.facts.get(DnsFact, asked)
    return (asked.host, *(dns.addresses if dns else ()))
