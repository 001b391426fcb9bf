"""Does this client leave the registry unverified, and by which setting?"""

from __future__ import annotations

from doctor.facts.dns import DnsFact
from doctor.facts.tls import Insecure, TrustFact
from doctor.model import Case


def unverified(case: Case) -> Insecure | None:
    """The setting that takes verification away from every host of this pull. A network counts by
    the addresses that the registry was seen to have, and by the one it is written as."""
    registry = case.target.registry
    trust = case.facts.get(TrustFact, case.at) or case.facts.get(TrustFact, registry)
    if trust is None or not trust.insecure or case.at.role == "proxy":
        return None
    dns = case.facts.get(DnsFact, registry)
    return trust.unverified([registry.host, *(dns.addresses if dns else ())])
