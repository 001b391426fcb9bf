"""Does one of the host's addresses take a connection, and if none does, what ends the attempts?

A refusal, silence and "no route" have different owners: whoever runs the service, whoever runs the
firewall, whoever runs this machine. The ladder goes on with the first address that connects; what
the others do is judged in `addresses`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from doctor.facts.dns import DnsFact
from doctor.facts.proxy import RouteFact, stations
from doctor.facts.tcp import Attempt, TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Check, Confidence, Finding
from doctor.registry.host import address, is_loopback

if TYPE_CHECKING:
    from doctor.net import Net

_CODE = {
    "refused": "tcp.refused",
    "timeout": "tcp.timeout",
    "reset": "tcp.reset",
}
"""Every other outcome is tcp.unreachable."""
_GRAVITY = ("tcp.refused", "tcp.reset", "tcp.timeout", "tcp.unreachable")


async def probe(case: Case, net: Net) -> TcpFact:
    """Connect to every address, unless a proxy does that for us."""
    route = case.here(RouteFact)
    if route is not None and not route.direct:
        return TcpFact(needed=False, port=case.at.port)
    dns = case.here(DnsFact)
    return await net.connect(case.at, dns.addresses if dns else ())


def judge(case: Case) -> Iterator[Finding]:
    """Why no address takes a connection; or that one takes it and cuts it before anything was
    said."""
    fact = case.here(TcpFact)
    if fact is None or not fact.needed or not fact.attempts:
        return
    if fact.ok:
        yield from _cut(case, fact)
    elif not fact.only_ipv6_fails or address(case.at.host):
        yield _closed(case, fact)


def _closed(case: Case, fact: TcpFact) -> Finding:
    """None connected. IPv4 decides where there is any; of several outcomes the commonest, of equal
    ones what is nearest to an answer."""
    attempts = [a for a in fact.attempts if a.family == "ipv4"] or list(fact.attempts)
    counted = Counter(_CODE.get(attempt.outcome, "tcp.unreachable") for attempt in attempts)
    code = min(counted, key=lambda each: (-counted[each], _GRAVITY.index(each)))
    telling = [a for a in attempts if _CODE.get(a.outcome, "tcp.unreachable") == code]
    confidence: Confidence = "certain"
    if telling[0].outcome in ("no-files", "no-ports", "other"):
        confidence = "likely"
    return Finding(
        code,
        hop=case.at,
        confidence=confidence,
        evidence=_evidence(fact),
        params=_params(case, telling) | ({"when": "at once"} if code == "tcp.reset" else {}),
    )


def _cut(case: Case, fact: TcpFact) -> Iterator[Finding]:
    """Accepted, then reset or closed although nothing was said: nothing on this side provoked
    it."""
    tls = case.here(TlsFact)
    if tls is None or tls.ok or tls.quiet_stays_open is not False:
        return
    when = {"reset": "before TLS started", "closed": "before TLS started"}.get(
        tls.outcome, "at once"
    )
    best = min((a for a in fact.attempts if a.connected), key=lambda a: a.ms)
    evidence = _evidence(fact) | {
        "peer": tls.peer or best.address,
        "when": "a connection on which nothing was sent was ended as well",
        "tls": tls.outcome,
        "bytes_received": tls.received,
    }
    params = _params(case, [best]) | {"when": when}
    yield Finding("tcp.reset", hop=case.at, evidence=evidence, params=params)


def _evidence(fact: TcpFact) -> dict[str, Any]:
    evidence: dict[str, Any] = {"port": fact.port, "attempts": [a.proof for a in fact.attempts]}
    if fact.left_out:
        evidence["addresses_not_tried"] = fact.left_out
    return evidence


def _params(case: Case, telling: list[Attempt]) -> dict[str, str]:
    first = telling[0]
    local = first.outcome in ("prohibited", "blackholed", "no-route", "no-family", "no-ports")
    return {
        "addresses": ", ".join(attempt.address for attempt in telling),
        "address": first.address,
        "outcome": first.words + (f" (errno {first.errno})" if first.errno else ""),
        "waited": f"{max(a.ms for a in telling) / 1000:.1f}",
        "source": first.source,
        "url": f"{case.at.scheme}://{case.at.authority}/v2/",
        "allow": ", ".join(stations(case.facts, case.at)),
        "proxy_known": _known_proxy(case),
        "here": "yes" if is_loopback(first.address) else "",
        "this_machine": "yes" if local else "",
        "policy": "yes" if first.outcome == "prohibited" else "",
        "port_is_usual": "yes" if case.at.port in (80, 443) else "",
        "proxy_hop": "yes" if case.at.role == "proxy" else "",
    }


def _known_proxy(case: Case) -> str:
    route = case.here(RouteFact)
    return route.candidates[0].setting.url if route and route.candidates else ""


CHECK = Check(
    name="tcp",
    scope="hop",
    probe=probe,
    judge=judge,
    needs=("dns",),
    budget=5.0,
    question="Does the host take connections on that port?",
)
