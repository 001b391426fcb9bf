"""The direct way to the registry is closed: would a proxy that is known here get through?

Where everything goes out through a proxy, a client without that setting sees dropped packets or a
name that does not exist. That alone proves nothing, so the proxies named by variables that do not
count for this host are asked for it: one connection, one CONNECT, nothing sent through the tunnel,
and only after the direct way has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.facts.dns import DnsFact
from doctor.facts.proxy import Candidate, DetourFact, Outcome, RouteFact, Try
from doctor.facts.tcp import TcpFact
from doctor.facts.trust import TrustFact
from doctor.model import Case, Check, Finding

if TYPE_CHECKING:
    from doctor.net import Net

_MOST = 3
"""Proxies asked."""
_FROM = {
    "ALL_PROXY": "from_all_proxy_upper",
    "all_proxy": "from_all_proxy_lower",
    "HTTP_PROXY": "from_http_proxy_upper",
    "http_proxy": "from_http_proxy_lower",
    "HTTPS_PROXY": "from_https_proxy_upper",
    "https_proxy": "from_https_proxy_lower",
}
"""The param that says which variable names the proxy; else it is `from_file`."""
_WHY = {
    "all-proxy": "{origin} names it, which Go programs do not read",
    "http-only": "{origin} names it, which is for plain HTTP only",
    "other-case": "{origin} names it, and the variable in upper case is taken before it",
    "elsewhere": "{origin} names it, which this client does not read",
    "shell": "{origin} names it, which the client's daemon does not see",
}


async def probe(case: Case, net: Net) -> DetourFact | None:
    """Ask the candidates in turn until one gets through. None where the direct way is open or no
    proxy is known."""
    route = case.facts.get(RouteFact, case.at)
    if route is None or not route.direct or not route.candidates or not _closed(case):
        return None
    tries: list[Try] = []
    for candidate in route.candidates[:_MOST]:
        outcome = await _through(case, route, candidate, net)
        tries.append(Try(candidate=candidate, outcome=outcome))
        if outcome == "tunnelled":
            break
    return DetourFact(tries=tuple(tries))


def _closed(case: Case) -> bool:
    facts = (case.facts.get(DnsFact, case.at), case.facts.get(TcpFact, case.at))
    return any(fact is not None and not fact.ok and not fact.hurried for fact in facts)


async def _through(case: Case, route: RouteFact, candidate: Candidate, net: Net) -> Outcome:
    """Up the candidate's own ladder, then its answer."""
    hop = candidate.setting.hop
    dns = await net.resolve(replace(case, hop=hop))
    if not dns.ok:
        return "unresolvable"
    tcp = await net.connect(hop, dns.addresses)
    if not tcp.ok:
        return "unreachable"
    if hop.scheme == "https":
        trust = case.facts.get(TrustFact, case.at) or TrustFact()
        tls = await net.handshake(hop, trust)
        if not tls.ok or tls.plain_http is not None:
            return "tls-failed"
    return (await net.tunnel(case.at, replace(route, proxy=candidate.setting))).outcome


def judge(case: Case) -> Iterator[Finding]:
    """The proxy got through where the direct way is closed."""
    detour = case.here(DetourFact)
    route = case.facts.get(RouteFact, case.at)
    found = detour.reached if detour else None
    if found is None or route is None:
        return
    setting = found.setting
    params = {
        "direct": _direct(case),
        "proxy": setting.hop.name,
        "proxy_url": setting.url,
        "setting": setting.origin,
        "user": "yes" if setting.user is not None else "",
        "variable": f"{case.at.scheme}_proxy".upper(),
        "no_proxy_variable": route.no_proxy_variable,
        "entry": route.entry or "",
        _FROM.get(setting.origin, "from_file"): "yes",
        **_service(case),
    }
    if found.why == "no-proxy":
        code = "proxy.no-proxy-excludes"
        kept = [e.strip() for e in route.no_proxy.split(",") if e.strip() not in ("", route.entry)]
        params["corrected"] = f"{route.no_proxy_variable}={','.join(kept)}"
        params["kept"] = ",".join(kept)
        params["star"] = "yes" if route.entry == "*" else ""
    else:
        code = "proxy.required"
        params["why"] = _WHY[found.why].format(origin=setting.origin)
    evidence = {
        "direct": _direct_proof(case),
        "proxied": {"proxy": setting.url, "set_in": setting.origin, "outcome": "tunnelled"},
        **({"entry": route.entry, "no_proxy": route.no_proxy} if found.why == "no-proxy" else {}),
    }
    if found.why == "shell":
        code = "proxy.missing-for-client"
        params |= _of_the_daemon(case, found)
        evidence["daemon"] = {"client": case.target.client, "proxy": None}
    yield Finding(code, hop=case.at, evidence=evidence, params=params)


def _service(case: Case) -> dict[str, str]:
    """The unit whose environment containerd has: on a node of k3s or RKE2 theirs."""
    if case.target.client not in ("containerd", "kubelet"):
        return {}
    from doctor.facts.client import ClientFact

    client = case.facts.get(ClientFact)
    return {"service": (client.service if client else "") or "containerd"}


def _of_the_daemon(case: Case, found: Candidate) -> dict[str, str]:
    """What the daemon's own configuration must be given, and which daemon it is."""
    from doctor.facts.client import ClientFact

    client = case.facts.get(ClientFact)
    listed = [entry.strip() for entry in found.no_proxy.split(",") if entry.strip()]
    return {
        "value": found.setting.url,
        "no_proxy": ",".join(listed),
        "desktop": "yes" if client and client.desktop else "",
        "rootless": "yes" if client and client.rootless else "",
    }


def _direct(case: Case) -> str:
    dns, tcp = case.facts.get(DnsFact, case.at), case.facts.get(TcpFact, case.at)
    if dns is not None and not dns.ok:
        return f"its name does not resolve here ({dns.seen})"
    return f"connections to it end with: {tcp.seen}" if tcp else "it is not reached"


def _direct_proof(case: Case) -> dict[str, Any]:
    dns, tcp = case.facts.get(DnsFact, case.at), case.facts.get(TcpFact, case.at)
    proof: dict[str, Any] = {}
    if dns is not None and not dns.ok:
        proof["dns"] = dns.seen
    if tcp is not None:
        proof["attempts"] = [attempt.proof for attempt in tcp.attempts]
    return proof


CHECK = Check(
    name="proxy",
    part="detour",
    scope="target",
    probe=probe,
    judge=judge,
    after=("tcp",),
    budget=15.0,
    question="Where the direct way is closed: would a proxy that is known here get through?",
)
