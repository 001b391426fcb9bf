"""Do the configured resolvers all answer and say the same, and is the address that the system found
theirs, and the registry's?

Clients ask resolvers in turn (glibc, Go) or all at once (musl): one that is dead or differs makes
pulls slow, or makes them fail on some machines only. A hosts file, a search domain or a filter may
put another host's address in the registry's place; a client then says "connection refused" or names
a strange certificate. Each resolver is asked directly, beside the system's look-up; only the report
waits for it. An address is blamed for a failed pull only where connecting to it, or the registry
behind it, failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from doctor.facts.dns import DnsFact, is_localhost
from doctor.facts.lookup import finding
from doctor.facts.registry import ApiFact
from doctor.facts.resolvers import DEAD, FINAL, Reply, ResolversFact
from doctor.facts.tcp import TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Check, Confidence, Finding, Severity

if TYPE_CHECKING:
    from doctor.net import Net

_PUBLIC = (
    "docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "pkg.dev",
    "registry.cleanstart.com",
    "public.ecr.aws",
    "registry.k8s.io",
    "mcr.microsoft.com",
)
"""Registries, with what lies below them, that have public addresses only. Azure's and Amazon's
private ones are left out: a private link may serve them from a private address."""
_PRIVATE_LINK = ("privatelink.", "vpce-", ".vpce.")
_USEFUL = FINAL | {"addresses"}
_HALF = {"servfail": "dns.servfail", "refused": "dns.refused"}


async def probe(case: Case, net: Net) -> ResolversFact:
    return await net.ask_resolvers(case)


def judge(case: Case) -> Iterator[Finding]:
    """What the comparison of the resolvers with each other and with the system shows."""
    system = case.here(DnsFact) or DnsFact()
    asked = case.here(ResolversFact) or ResolversFact()
    if not system.needed or not asked.needed or system.literal:
        return
    if asked.replies:
        yield from _down(case, asked)
        yield from _disagree(case, system, asked)
        yield from _truncated(case, system, asked)
        yield from _half(case, system, asked)
    if not system.addresses:
        yield from _refused_by_filter(case, system, asked)
    elif system.pins_in_use:
        yield from _override(case, system, asked)
    elif found := _searched(system, asked):
        yield _by_search(case, system, asked, found)
    else:
        yield from _sinkhole(case, system, asked)


def _down(case: Case, asked: ResolversFact) -> Iterator[Finding]:
    """Some are dead, another answers. The built-in defaults of an empty configuration are nobody's
    fault."""
    standings = asked.standings
    dead = [name for name, said in standings.items() if said in DEAD]
    alive = [name for name, said in standings.items() if said in _USEFUL]
    if not dead or not alive or not asked.configuration.nameservers:
        return
    waited_for = any(standings[name] != "unreachable" for name in dead)
    params = {
        "resolver": ", ".join(dead),
        "first_dead": dead[0],
        "alive": ", ".join(alive),
        "how": "; ".join(f"{name}: {asked.reply(name).said}" for name in dead),
        "sed": asked.configuration.commented_out(dead),
    }
    severity: Severity = "warning" if waited_for else "info"
    yield finding(case, "dns.resolver-down", params, severity=severity)


def _disagree(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    """One gives what another denies. An error where the denial is what the system went by."""
    if not asked.disagreement:
        return
    standings = asked.standings
    denying = [name for name, said in standings.items() if said in FINAL]
    giving = [name for name, said in standings.items() if said == "addresses"]
    sides = {name: ", ".join(asked.addresses(name)) or asked.reply(name).said for name in standings}
    params = {
        "sides": "; ".join(f"{name}: {said}" for name, said in sides.items()),
        "giving": ", ".join(giving),
        "denying": ", ".join(denying),
        "sed": asked.configuration.commented_out(denying),
    }
    filtered = any(reply.filtered for reply in asked.replies)
    decided = not system.addresses and asked.disagreement == "existence" and not filtered
    severity: Severity = "error" if decided else "warning"
    yield finding(case, "dns.resolvers-disagree", params, severity=severity)


def _truncated(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    blocked = [r for r in (*asked.replies, *asked.small) if r.outcome == "tcp-blocked"]
    if not blocked:
        return
    first = blocked[0]
    params = {
        "resolver": first.resolver,
        "type": first.type,
        "why": first.error or "no answer",
        "fits": "yes" if asked.addresses(first.resolver) else "",
    }
    severity: Severity = "warning" if system.addresses else "error"
    yield finding(case, "dns.tcp-blocked", params, severity=severity)


def _half(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    """The name resolves although a resolver, or one of the two address families, is broken: other
    machines may not get so far."""
    if not system.addresses or not asked.addresses():
        return
    broken = {reply.outcome: reply for reply in reversed(asked.replies) if reply.outcome in _HALF}
    for outcome, reply in broken.items():
        params = {
            "resolver": reply.resolver,
            "answer": reply.said,
            "ede": "; ".join(str(error) for error in reply.ede),
            "family": reply.type if asked.addresses(reply.resolver) else "",
            "works": "yes",
        }
        yield finding(case, _HALF[outcome], params, subject=reply.resolver, severity="warning")


def _override(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    """The hosts file gives the address and DNS another one, or none. Where DNS says nothing there
    is nothing to compare."""
    pins, given = system.pins_in_use, asked.addresses()
    if is_localhost(system.name) or set(system.addresses) & set(given):
        return
    if not given and not FINAL & set(asked.standings.values()):
        return
    wrong = [pin for pin in system.pins if pin.address not in given]
    first = pins[0]
    params = {
        "file": first.file,
        "line": str(first.line),
        "address": first.address,
        "dns_answer": ", ".join(given) or "no address",
        "sed": "; ".join(pin.without(system.name) for pin in wrong),
    }
    pinned = [{"file": pin.file, "line": pin.line, "address": pin.address} for pin in wrong]
    # Where the pin is all that makes the name known, it is meant so.
    severity: Severity = "info" if not given else "error" if _unwell(case) else "warning"
    sure = severity != "error" or case.here(TlsFact) is not None
    yield finding(
        case,
        "dns.hosts-override",
        params,
        subject=f"{first.file}:{first.line}",
        proof={"pinned": pinned, "dns_answer": list(given)},
        severity=severity,
        confidence="certain" if sure else "likely",
    )


def _searched(system: DnsFact, asked: ResolversFact) -> Reply | None:
    """The answer for the name with a search domain behind it, where only that one gives the
    system's addresses."""
    given = set(system.addresses)
    if given & set(asked.addresses()):
        return None
    return next((reply for reply in asked.expanded if given & set(reply.addresses)), None)


def _by_search(case: Case, system: DnsFact, asked: ResolversFact, found: Reply) -> Finding:
    host, text = system.name, case.target.text
    own = asked.addresses()
    params = {
        "expanded": found.name,
        "domain": found.name.removeprefix(f"{host}."),
        "expanded_target": text.replace(host, found.name, 1) if host in text else found.name,
        "address": system.addresses[0],
        "own": ", ".join(own) or "no address",
        "ndots": str(asked.configuration.ndots) if own else "",
    }
    proof = {"expanded": found.name, "search": list(asked.configuration.search)}
    severity: Severity = "error" if _unwell(case) else "warning"
    return finding(case, "dns.search-domain", params, proof=proof, severity=severity)


def _refused_by_filter(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    for reply in asked.replies:
        if reply.filtered:
            yield _filtered(case, system, reply, _by_its_own_word(reply), "certain")
            return


def _sinkhole(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    """An address that cannot be the registry's. A connection that works all the way to the registry
    disproves that."""
    given = set(system.addresses)
    giving = [reply for reply in asked.replies if given & set(reply.addresses)]
    if is_localhost(system.name) or _unwell(case) is False or (asked.replies and not giving):
        return
    reply = next((r for r in giving if r.filtered), giving[0] if giving else Reply())
    random = asked.random
    confidence: Confidence = "certain"
    if reply.filtered:
        why = _by_its_own_word(reply)
    elif all(_impossible(address) for address in given):
        why = _impossible(system.addresses[0])
    elif random is not None and given & set(random.addresses):
        why = f"it is also the answer for {random.name}, a name that cannot exist"
    elif _is_public(system.name, reply) and not any(ip_address(a).is_global for a in given):
        why, confidence = (
            "it is no public address, and this registry has only public ones",
            "likely",
        )
    else:
        return
    yield _filtered(case, system, reply, why, confidence)


def _filtered(
    case: Case,
    system: DnsFact,
    reply: Reply,
    why: str,
    confidence: Confidence,
) -> Finding:
    shown = ", ".join(system.addresses) or reply.said
    params = {"resolver": reply.resolver or "the system", "answer": shown, "why": why}
    proof = {"answer": shown, "why": why}
    return finding(case, "dns.sinkholed", params, proof=proof, confidence=confidence)


def _by_its_own_word(reply: Reply) -> str:
    return f"the resolver says that it filters: {'; '.join(str(e) for e in reply.ede)}"


def _impossible(address: str) -> str:
    parsed = ip_address(address)
    if parsed.is_unspecified:
        return f"{address} is no host's address"
    return f"{address} is this machine itself" if parsed.is_loopback else ""


def _is_public(name: str, reply: Reply) -> bool:
    if any(mark in alias for alias in (name, *reply.chain) for mark in _PRIVATE_LINK):
        return False
    return any(name == public or name.endswith(f".{public}") for public in _PUBLIC)


def _unwell(case: Case) -> bool | None:
    """Did anything above go wrong at the addresses in question? None: nobody tried."""
    tried = [fact.ok for kind in (TcpFact, TlsFact) if (fact := case.here(kind)) is not None]
    if case.at == case.target.registry and (api := case.facts.get(ApiFact)) is not None:
        tried.append(api.ok)
    return not all(tried) if tried else None


CHECK = Check(
    name="dns",
    part="resolvers",
    scope="hop",
    judge=judge,
    probe=probe,
    budget=6.0,
    question="Do the resolvers answer and agree, and is the address found the host's own?",
)
