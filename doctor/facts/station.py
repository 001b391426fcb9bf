"""At which layer does the way to a station end, and is that the station's own fault?

A token service or a storage host that cannot be reached is named by its own code, with the layer
that fails there. A proxy that is down, or that wants a login, fails for every host behind it: then
the proxy is the cause, and the station is not accused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from doctor.facts.dns import DnsFact
from doctor.facts.http import Answer
from doctor.facts.proxy import RouteFact, TunnelFact
from doctor.facts.tcp import TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Fact, Facts, Hop

Layer = Literal["dns", "tcp", "proxy", "tls", "http"]
_LADDER: tuple[tuple[Layer, type[Fact]], ...] = (
    ("dns", DnsFact),
    ("tcp", TcpFact),
    ("proxy", TunnelFact),
    ("tls", TlsFact),
)
_OF_THIS_HOST = frozenset({"denied", "upstream-failed", "no-answer", "closed"})
"""What a proxy may answer for one host while it serves others."""


def failing_layer(facts: Facts, hop: Hop) -> Layer | None:
    """The layer that fails at this hop through no fault of a proxy; None where none does, or nobody
    looked."""
    route = facts.get(RouteFact, hop)
    if route is not None:
        if not route.ok or (route.proxy is not None and first_failing(facts, route.proxy.hop)):
            return None
        tunnel = facts.get(TunnelFact, hop)
        if tunnel is not None and not tunnel.ok and tunnel.outcome not in _OF_THIS_HOST:
            return None
    return first_failing(facts, hop)


def first_failing(facts: Facts, hop: Hop) -> Layer | None:
    """The lowest layer of the hop's ladder whose fact is not ok."""
    for layer, kind in _LADDER:
        fact = facts.get(kind, hop)
        if fact is not None and not fact.ok:
            return layer
    return None


def ending(facts: Facts, hop: Hop, layer: Layer, answer: Answer | None = None) -> dict[str, str]:
    """How the way to the station ends, for the words of a finding: the layer, and what its fact (or
    the HTTP exchange) says in a phrase. `answers`: something there answers the TLS handshake, so no
    filter keeps this machine away. `refused`: every address refuses the connection."""
    kind = dict(_LADDER).get(layer)
    fact = facts.get(kind, hop) if kind else None
    said = answer.said if answer is not None else fact.seen if fact is not None else ""
    there = isinstance(fact, TlsFact) and bool(fact.received or fact.chain)
    answers = "yes" if layer == "tls" and there else ""
    tried = fact.attempts if isinstance(fact, TcpFact) else ()
    refused = "yes" if tried and all(a.outcome == "refused" for a in tried) else ""
    return {
        "layer": layer,
        "how": WORDS[layer],
        "said": said,
        "answers": answers,
        "refused": refused,
    }


WORDS: Mapping[str, str] = {
    "dns": "its name is not resolved",
    "tcp": "no TCP connection is made",
    "proxy": "the proxy does not connect to it",
    "tls": "TLS fails",
    "http": "it gives no HTTP answer",
}
"""How the failing layer is said."""
