"""Do all of the host's addresses take connections, and IPv6 as well as IPv4?

A client takes one address, and not always the same. Where one of several is dead, pulls fail at
random or begin with a long wait (skopeo 1.9: 22 s, without a word; docker CLI 28: it fails after 30
s). Go tries IPv6 first and IPv4 300 ms later, so IPv6 that is broken shows only in other programs,
and in every pull's first second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from doctor.facts.dns import DnsFact, is_localhost
from doctor.facts.proxy import RouteFact
from doctor.facts.tcp import AddressesFact, Attempt, TcpFact
from doctor.model import Case, Check, Finding, Severity
from doctor.registry.host import address

if TYPE_CHECKING:
    from doctor.net import Net


async def probe(case: Case, net: Net) -> AddressesFact:
    """Wait for the addresses that the ladder did not wait for."""
    route = case.here(RouteFact)
    if route is not None and not route.direct:
        return AddressesFact(needed=False, port=case.at.port)
    return await net.addresses(case.at)


def judge(case: Case) -> Iterator[Finding]:
    """IPv6 that fails as a whole, and single addresses that fail beside others that work."""
    first, rest = case.here(TcpFact), case.here(AddressesFact)
    if first is None or not first.needed or address(case.at.host):
        return
    if first.only_ipv6_fails:
        yield _no_ipv6(case, first.attempts, "error")
        return
    attempts = rest.attempts if rest and rest.attempts else first.attempts
    ended = [a for a in attempts if a.outcome != "pending"]
    good = [a for a in ended if a.connected]
    bad = [a for a in ended if not a.connected]
    if not good or not bad or is_localhost(case.at.host):
        return
    six = [a for a in ended if a.family == "ipv6"]
    broken = bool(six) and not any(a.connected for a in six)
    if broken:
        waits = not all(a.local for a in six)
        yield _no_ipv6(case, ended, "warning" if waits else "info")
        bad = [a for a in bad if a.family == "ipv4"]
    if bad:
        yield _some_fail(case, ended, good, bad)


def _no_ipv6(case: Case, attempts: Sequence[Attempt], severity: Severity) -> Finding:
    six = [a for a in attempts if a.family == "ipv6"]
    four = [a for a in attempts if a.family == "ipv4"]
    params = _shared(case, six) | {
        "outcome": six[0].words,
        "no_route": "yes" if all(a.local for a in six) else "",
        "other": "; IPv4 works"
        if any(a.connected for a in four)
        else "; the name has no IPv4 address",
        "ipv4": four[0].address if four else "",
        "prefer": "yes" if four else "",
    }
    evidence = {
        "ipv6": [a.proof for a in six],
        "ipv4": [a.proof for a in four],
    }
    return Finding(
        "tcp.ipv6-broken", severity=severity, hop=case.at, evidence=evidence, params=params
    )


def _some_fail(
    case: Case, ended: Sequence[Attempt], good: Sequence[Attempt], bad: Sequence[Attempt]
) -> Finding:
    params = _shared(case, bad) | {
        "bad": str(len(bad)),
        "good": str(len(good)),
        "total": str(len(ended)),
        "working": ", ".join(a.address for a in good),
        "outcomes": "; ".join(f"{a.address}: {a.words}" for a in bad),
        "refused": "yes" if all(a.outcome == "refused" for a in bad) else "",
        "all_addresses": ", ".join(a.address for a in ended),
    }
    evidence: dict[str, Any] = {"attempts": [a.proof for a in ended]}
    return Finding("tcp.some-addresses-fail", hop=case.at, evidence=evidence, params=params)


def _shared(case: Case, failing: Sequence[Attempt]) -> dict[str, str]:
    dns = case.here(DnsFact)
    return {
        "addresses": ", ".join(a.address for a in failing),
        "address": failing[0].address,
        "url": f"{case.at.scheme}://{case.at.authority}/v2/",
        "pinned": "yes" if dns and dns.pins else "",
    }


CHECK = Check(
    name="tcp",
    part="addresses",
    scope="hop",
    probe=probe,
    judge=judge,
    needs=("tcp",),
    budget=5.0,
    question="Do all of the host's addresses take connections?",
)
