"""Does the name lead to an address, and soon enough?

The system's answer decides whether a pull finds the host; why it found none is only seen beside
what each resolver says when asked itself: clients say "no such host" to a name that does not exist,
one without an address, a CNAME loop and a filter alike (measured with Go 1.27, glibc 2.36 and musl
1.2.3). Whether an address that was found is the right one, and what the resolvers do wrong among
themselves, is judged in `resolvers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from doctor.facts.dns import DnsFact
from doctor.facts.lookup import finding
from doctor.facts.resolvers import DEAD, FINAL, Reply, ResolversFact
from doctor.model import Case, Check, Confidence, Finding

if TYPE_CHECKING:
    from doctor.net import Net

_SLOW = 1000.0
"""Milliseconds. Clients wait 5 s for a resolver, and a pull looks up three names or more."""
_NEAR = (
    "docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "registry.cleanstart.com",
    "public.ecr.aws",
    "registry.k8s.io",
    "registry.gitlab.com",
    "mcr.microsoft.com",
)
"""Registries that a mistyped host may have meant."""
_LOCAL_SOURCES = frozenset({"files", "compat", "myhostname", "mymachines"})
"""Sources of nsswitch.conf that ask no name server."""
_CODE = {
    "nxdomain": "dns.nxdomain",
    "no-data": "dns.no-address",
    "dangling": "dns.no-address",
    "cname-loop": "dns.cname-loop",
    "servfail": "dns.servfail",
    "misbehaving": "dns.servfail",
    "lame": "dns.servfail",
    "refused": "dns.refused",
    "timeout": "dns.timeout",
    "port-closed": "dns.timeout",
    "unreachable": "dns.timeout",
    "malformed": "dns.timeout",
}
_SYSTEM_CODE = {
    "no-name": "dns.nxdomain",
    "not-a-name": "dns.nxdomain",
    "no-data": "dns.no-address",
    "again": "dns.servfail",
    "refused": "dns.servfail",
    "timeout": "dns.timeout",
}


async def probe(case: Case, net: Net) -> DnsFact:
    return await net.resolve(case)


def judge(case: Case) -> Iterator[Finding]:
    """Why there is no address, or why it took so long."""
    system = case.here(DnsFact)
    if system is None or not system.needed or system.literal:
        return
    asked = case.here(ResolversFact) or ResolversFact()
    if system.addresses:
        yield from _slow(case, system, asked)
    elif lack := _lack(system, asked):
        yield _without_resolver(case, system, asked, lack)
    elif not _told_by_comparison(asked):
        yield _why(case, system, asked)


def _told_by_comparison(asked: ResolversFact) -> bool:
    """Is the cause a filter, resolvers that contradict each other, or blocked TCP? The check of the
    resolvers names these."""
    return (
        any(reply.filtered for reply in asked.replies)
        or asked.disagreement == "existence"
        or "tcp-blocked" in asked.standings.values()
    )


def _lack(system: DnsFact, asked: ResolversFact) -> dict[str, str]:
    """What keeps this machine from asking anybody."""
    if system.sources and set(system.sources) <= _LOCAL_SOURCES:
        line = " ".join(system.sources)
        lacks = f'the line "hosts: {line}" of /etc/nsswitch.conf, which names no dns'
        return {"lacks": lacks, "nsswitch": "yes"}
    configuration = asked.configuration
    if configuration.problem and asked.replies and set(asked.standings.values()) <= DEAD:
        unusable = f" ({'; '.join(configuration.unusable)})" if configuration.unusable else ""
        return {
            "lacks": f"{configuration.file}, which is {_words(configuration.problem)}{unusable}"
        }
    return {}


def _words(problem: str) -> str:
    return {
        "no nameserver line": "without a nameserver that is an IP address",
        "dangling link": "a link to a file that does not exist",
    }.get(problem, problem)


def _without_resolver(
    case: Case, system: DnsFact, asked: ResolversFact, lack: dict[str, str]
) -> Finding:
    configuration = asked.configuration
    read = {
        "file": configuration.file,
        "problem": configuration.problem,
        "links_to": configuration.links_to,
        "unusable": list(configuration.unusable),
        "nsswitch_hosts": list(system.sources),
        "lacks": lack["lacks"],
    }
    return finding(case, "dns.no-resolver", lack, proof=read)


def _why(case: Case, system: DnsFact, asked: ResolversFact) -> Finding:
    """The one reason for which there is no address."""
    reply = _decider(asked)
    if reply is None:
        return _by_the_system_alone(case, system, asked)
    code = _CODE[reply.outcome]
    confidence: Confidence = "likely" if reply.outcome in {"misbehaving", "lame"} else "certain"
    params = {
        "resolver": reply.resolver,
        "answer": reply.said,
        "chain": " -> ".join(reply.chain),
        "alias_end": reply.chain[-1] if reply.chain else "",
        "ede": "; ".join(str(error) for error in reply.ede),
        "lame": "yes" if reply.outcome == "lame" else "",
    }
    proof: dict[str, Any] = {}
    if reply.outcome == "servfail":
        if asked.walked and asked.walked[-1] in asked.walked[:-1]:
            code, params["chain"] = "dns.cname-loop", " -> ".join(asked.walked)
            proof["chain"] = list(asked.walked)
        elif reply.dnssec or any(
            r.addresses and r.resolver == reply.resolver for r in asked.unvalidated
        ):
            params["dnssec"] = "yes"
    if behind := next((r.resolver for r in asked.upstream if r.addresses), ""):
        params["upstream"] = behind
    if code == "dns.nxdomain":
        params |= _suggestion(case)
    if code == "dns.timeout":
        params["tried"] = _tried(asked.replies)
    return finding(case, code, params, confidence=confidence, proof=proof)


def _decider(asked: ResolversFact) -> Reply | None:
    """The reply that decided: the first resolver's whose word is final, else of the first that gave
    up, else of one that is silent."""
    standings = asked.standings
    final = [name for name, said in standings.items() if said in FINAL]
    gave_up = [n for n, said in standings.items() if said in _CODE and said not in DEAD]
    silent = [name for name, said in standings.items() if said in DEAD]
    for resolver in (*final, *gave_up, *silent):
        return asked.reply(resolver)
    # Each gives an address of one family: musl fails if the other family's query fails.
    return next((r for r in asked.replies if r.outcome in _CODE and r.outcome != "no-data"), None)


def _by_the_system_alone(case: Case, system: DnsFact, asked: ResolversFact) -> Finding:
    """No resolver that was asked directly explains it, or none could be asked."""
    said = asked.problem or system.message or system.outcome
    params = {"answer": said, "resolver": "the system", "tried": "the system's own look-up"}
    if asked.addresses() and system.outcome == "no-name":
        # [NOTFOUND=return] after files, or mdns for names below .local, keeps the system from DNS.
        params["before_dns"] = "yes"
        params["dns_answer"] = ", ".join(asked.addresses())
    return finding(
        case,
        _SYSTEM_CODE.get(system.outcome, "dns.servfail"),
        params | _suggestion(case),
        confidence="certain" if system.outcome == "not-a-name" else "possible",
    )


def _tried(replies: Iterable[Reply]) -> str:
    """`10.0.0.2 over UDP: no answer for 3.0 s` and so on."""
    first: dict[str, Reply] = {}
    for reply in replies:
        first.setdefault(reply.resolver, reply)
    return ", ".join(f"{r.resolver} over {r.transport.upper()}: {r.said}" for r in first.values())


def _suggestion(case: Case) -> dict[str, str]:
    from difflib import get_close_matches

    host, text = case.at.host, case.target.text
    near = get_close_matches(host, _NEAR, n=1, cutoff=0.8)
    if not near or near[0] == host or host not in text:
        return {}
    return {"nearest": near[0], "nearest_target": text.replace(host, near[0], 1)}


def _slow(case: Case, system: DnsFact, asked: ResolversFact) -> Iterator[Finding]:
    if system.ms < _SLOW:
        return
    params = {"took": f"{system.ms / 1000:.1f} s"} | _where_the_time_goes(asked)
    yield finding(case, "dns.slow", params)


def _where_the_time_goes(asked: ResolversFact) -> dict[str, str]:
    standings = asked.standings
    dead = [name for name, said in standings.items() if said == "timeout"]
    if dead:
        sed = asked.configuration.commented_out(dead)
        return {"cause": f"{', '.join(dead)} does not answer", "dead": ", ".join(dead), "sed": sed}
    if any(reply.outcome == "tcp-blocked" for reply in (*asked.replies, *asked.small)):
        return {"cause": "its answer is too large for UDP without EDNS, and TCP 53 gives none"}
    for reply in asked.replies:
        if reply.outcome == "timeout":
            cause = f"{reply.resolver} does not answer {reply.type} queries for it"
            return {"cause": cause, "silent_family": reply.type, "resolver": reply.resolver}
    if asked.expanded:
        tried = len({reply.name for reply in asked.expanded})
        return {"cause": f"{tried} names with search domains are tried as well", "search": "yes"}
    slowest = max(asked.replies, key=lambda reply: reply.ms, default=None)
    if slowest is not None and slowest.ms > _SLOW / 4:
        cause = f"{slowest.resolver} took {slowest.ms / 1000:.1f} s for {slowest.type}"
        return {"cause": cause, "resolver": slowest.resolver}
    return {"cause": "the resolvers answer quickly when asked directly"}


CHECK = Check(
    name="dns",
    scope="hop",
    judge=judge,
    probe=probe,
    budget=8.0,
    question="Does the host's name lead to an address, and soon enough?",
)
