"""Which way does the request to this host go, and does the proxy on that way let it through?

The decision is the client's (`doctor.clients`), by Go's rule. A proxy's refusal reaches users as if
it were the registry's: "Forbidden", "Service Unavailable" and "EOF" name no one, and a 407 reads
the same without a login and with a wrong one. So its status, headers and page are the evidence. A
proxy is a station: what fails at it is named here, with the setting that leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from doctor.facts.dns import DnsFact
from doctor.facts.proxy import Flaw, ProxySetting, RouteFact, TunnelFact, stations
from doctor.facts.tcp import TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Check, Client, Confidence, Fact, Finding, Severity
from doctor.pki.evidence import chain
from doctor.registry.host import is_loopback

if TYPE_CHECKING:
    from doctor.net import Net

_TOLD = {
    "go": "Go programs (docker, containerd, podman, crane)",
    "curl": "curl",
    "curl before 8.9": "curl before 8.9",
    "requests": "Python requests",
    "python-urllib": "Python urllib",
    "httpx": "Python httpx",
}


async def read(case: Case, client: Client, net: Net) -> Fact:
    """The client's decision; the proxy's login goes to where the tunnel is asked for."""
    route = client.route(case.at)
    login = client.proxy_login(case.at)
    if isinstance(route, RouteFact) and route.asks and login:
        net.proxy_authorization[route.asks] = login
    return route


async def probe(case: Case, net: Net) -> TunnelFact:
    """Ask the proxy for the host, where the way leads through one."""
    route = case.here(RouteFact)
    if route is None or route.direct:
        return TunnelFact(needed=False)
    if route.proxy and _in_the_clear(case, route.proxy):
        return TunnelFact(outcome="tls-failed", proxy=route.proxy.hop.name)
    return await net.tunnel(case.at, route)


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the settings, with the proxy itself, or with its answer about this
    host."""
    route = case.here(RouteFact)
    if route is None:
        return
    yield from _flaws(case, route)
    yield from _conflicts(case, route)
    yield from _mismatch(case, route)
    if route.proxy is None:
        return
    station = tuple(_station(case, route.proxy))
    yield from station
    tunnel = case.here(TunnelFact)
    if tunnel is not None and not tunnel.ok and not station:
        yield from _refusal(case, route, route.proxy, tunnel)


def _flaws(case: Case, route: RouteFact) -> Iterator[Finding]:
    """Settings that name no usable proxy. Elsewhere than at the registry, only those that nobody
    has told of yet."""
    told: set[tuple[str, bool]] = set()
    if case.at != case.target.registry:
        first = case.facts.get(RouteFact, case.target.registry)
        told = {
            (flaw.origin, used)
            for flaw in (first.flaws if first else ())
            for used in {flaw.used, False}
        }
    for flaw in route.flaws:
        if (flaw.origin, flaw.used) not in told:
            yield _flaw(case, flaw)


def _flaw(case: Case, flaw: Flaw) -> Finding:
    effect = (
        "Go programs take no notice of it and go direct"
        if flaw.ignored
        else "requests fail with it"
    )
    severity: Severity = "error" if flaw.used else "warning"
    params = {
        "setting": flaw.origin,
        "value": flaw.value or "no address",
        "problem": flaw.problem,
        "effect": effect if flaw.used else "this host's requests do not use it",
        "corrected": flaw.corrected,
        "plain": flaw.corrected if not flaw.user else "",
        "user": "yes" if flaw.user else "",
        "cgi": "REQUEST_METHOD" if "REQUEST_METHOD" in flaw.problem else "",
        **_origin(flaw.origin),
    }
    evidence = {
        "set_in": flaw.origin,
        "value": flaw.value,
        "problem": flaw.problem,
        "go_ignores_it": flaw.ignored,
    }
    return Finding(
        "proxy.invalid-url",
        severity=severity,
        hop=case.at,
        subject=flaw.origin,
        evidence=evidence,
        params=params,
    )


def _conflicts(case: Case, route: RouteFact) -> Iterator[Finding]:
    if case.at != case.target.registry:
        return
    for conflict in route.conflicts:
        params = {
            "upper": conflict.upper,
            "lower": conflict.lower,
            "upper_value": conflict.upper_value,
            "lower_value": conflict.lower_value or "empty",
            conflict.lower.partition("_")[0]: "yes",
        }
        evidence = {
            conflict.upper: conflict.upper_value,
            conflict.lower: conflict.lower_value,
            "go_takes": conflict.upper,
            "curl_takes": conflict.lower if conflict.lower_value else conflict.upper,
            "python_takes": conflict.lower,
        }
        yield Finding(
            "proxy.case-conflict",
            hop=case.at,
            subject=conflict.upper,
            evidence=evidence,
            params=params,
        )


def _mismatch(case: Case, route: RouteFact) -> Iterator[Finding]:
    """The same list, read to different ends. Loopback aside: no client that pulls sends that to a
    proxy."""
    asked = [reading for reading in route.readings if reading.variable]
    ways = {reading.way for reading in asked}
    entries = [r.entry for r in asked if r.entry is not None]
    if len(ways) < 2 or not entries or is_loopback(case.at.host):
        return
    through = [_TOLD[r.family] for r in asked if r.way == "proxy"]
    direct = [_TOLD[r.family] for r in asked if r.way == "direct"]
    listed = [part.strip() for part in route.no_proxy.split(",") if part.strip()]
    blanks = any(" " in part or "\t" in part for part in listed)
    listed = [word for part in listed for word in part.split()] if blanks else listed
    without = [part for part in listed if part not in entries]
    params = {
        "entry": entries[0],
        "direct": ", ".join(direct),
        "through": ", ".join(through),
        "go_direct": "yes" if any(r.family == "go" and r.way == "direct" for r in asked) else "",
        "blanks": "yes" if blanks else "",
        "set_upper": f"NO_PROXY={','.join([*without, case.at.host])}",
        "set_lower": f"no_proxy={','.join([*without, case.at.host])}",
        "unset_upper": f"NO_PROXY={','.join(without)}",
        "unset_lower": f"no_proxy={','.join(without)}",
    }
    evidence = {
        "no_proxy": route.no_proxy,
        "set_in": next((r.no_proxy for r in asked if r.no_proxy), ""),
        "entry": entries[0],
        "ways": {r.family: r.way for r in asked},
        "variables": {r.family: r.variable for r in asked},
    }
    yield Finding("proxy.no-proxy-mismatch", hop=case.at, evidence=evidence, params=params)


def _station(case: Case, setting: ProxySetting) -> Iterator[Finding]:
    """The proxy itself cannot be spoken to: the layer that fails there."""
    hop = setting.hop
    dns, tcp, tls = (case.facts.get(kind, hop) for kind in (DnsFact, TcpFact, TlsFact))
    params = _about(setting)
    evidence: dict[str, Any] = {"proxy": hop.name, "set_in": setting.origin, "value": setting.url}
    if isinstance(dns, DnsFact) and not dns.ok:
        params["outcome"] = dns.seen
        evidence["dns"] = {"outcome": dns.outcome, "message": dns.message}
        yield Finding("proxy.unresolvable", hop=hop, evidence=evidence, params=params)
    elif isinstance(tcp, TcpFact) and not tcp.ok:
        params["outcome"] = ", ".join(f"{a.address}: {a.words}" for a in tcp.attempts)
        evidence["attempts"] = [attempt.proof for attempt in tcp.attempts]
        yield Finding("proxy.unreachable", hop=hop, evidence=evidence, params=params)
    elif (
        isinstance(tls, TlsFact)
        and setting.scheme == "https"
        and (not tls.ok or _in_the_clear(case, setting))
    ):
        plain = tls.plain_http is not None or tls.first.startswith("HTTP/")
        params["outcome"] = "it speaks plain HTTP" if plain else tls.seen
        if plain:
            params["plain"] = f"http://{hop.name}"
        evidence |= _tls_proof(tls)
        yield Finding("proxy.tls-failed", hop=hop, evidence=evidence, params=params)


def _in_the_clear(case: Case, setting: ProxySetting) -> bool:
    """Is TLS wanted of a proxy that speaks plain HTTP? No client goes on there, loopback or not."""
    tls = case.facts.get(TlsFact, setting.hop)
    return setting.scheme == "https" and tls is not None and tls.plain_http is not None


def _tls_proof(tls: TlsFact) -> dict[str, Any]:
    verdict = tls.verdict
    proof = {
        "layer": "tls",
        "outcome": tls.outcome,
        "alert": tls.alert,
        "first_bytes": tls.first,
        "chain": chain(tls),
        "errors": [f"{e.key} at depth {e.depth}" for e in verdict.errors] if verdict else [],
    }
    return {key: value for key, value in proof.items() if value not in (None, "", [])}


def _refusal(
    case: Case, route: RouteFact, setting: ProxySetting, tunnel: TunnelFact
) -> Iterator[Finding]:
    """The proxy can be spoken to, and gives no tunnel."""
    evidence = {"set_in": setting.origin, "value": setting.url, **tunnel.proof}
    params = _about(setting) | {
        "answer": tunnel.said,
        "status": str(tunnel.status or ""),
        "schemes": ", ".join(tunnel.schemes),
        "no_basic": "yes" if tunnel.schemes and "basic" not in tunnel.schemes else "",
        "error": tunnel.header("x-squid-error") or tunnel.header("proxy-status"),
        "page": tunnel.title,
        "allow": ", ".join(stations(case.facts, case.at)),
        "port_odd": "" if case.at.port == 443 else "yes",
        "speaks_tls": f"https://{setting.hop.name}" if tunnel.speaks == "tls" else "",
        "speaks_socks": f"socks5://{setting.hop.name}" if tunnel.speaks == "socks5" else "",
        "speaks_http": f"http://{setting.hop.name}" if tunnel.speaks == "http" else "",
        "near": route.near_miss(case.at.host),
        "set_direct": _set_direct(case, route, setting),
        "url": f"{case.at.scheme}://{case.at.authority}/v2/",
    }
    if tunnel.sent_credentials:
        params["user"] = params["user"] or tunnel.user or "without a name"
    for code, confidence in _codes(tunnel):
        own = code in ("proxy.denied", "proxy.upstream-failed")
        yield Finding(
            code,
            hop=case.at if own else setting.hop,
            confidence=confidence,
            evidence=evidence,
            params=params,
        )


def _codes(tunnel: TunnelFact) -> tuple[tuple[str, Confidence], ...]:
    """What the answer proves. A proxy that ends the connection without an answer may be none, or
    one without a way out."""
    plain_status = tunnel.status is not None and not tunnel.signed
    match tunnel.outcome:
        case "auth-required" | "auth-rejected" | "denied":
            return ((f"proxy.{tunnel.outcome}", "certain"),)
        case "upstream-failed":
            return (("proxy.upstream-failed", "certain"),)
        case "no-answer":
            return (("proxy.upstream-failed", "likely"),)
        case "closed":
            return (("proxy.not-a-proxy", "possible"), ("proxy.upstream-failed", "possible"))
        case "not-a-proxy":
            return (("proxy.not-a-proxy", "likely" if plain_status else "certain"),)
        case "unreachable":
            return (("proxy.unreachable", "likely"),)
    return ()


def _set_direct(case: Case, route: RouteFact, setting: ProxySetting) -> str:
    """The assignment that adds the host to the exceptions; empty where none would count."""
    if "variable" not in _origin(setting.origin):
        return ""
    listed = route.no_proxy.replace(",", " ").split()
    return f"{route.no_proxy_variable or 'NO_PROXY'}={','.join([*listed, case.at.host])}"


def _about(setting: ProxySetting) -> dict[str, str]:
    return {
        "setting": setting.origin,
        "value": setting.url,
        "proxy": setting.hop.name,
        "proxy_host": setting.host,
        "user": "" if setting.user is None else setting.user or "without a name",
        "socks": "yes" if setting.socks else "",
        **_origin(setting.origin),
    }


def _origin(origin: str) -> dict[str, str]:
    """`variable` where the setting is one of the environment, `option` where it came with the
    command, else `file`."""
    if origin.startswith("--"):
        return {"option": origin}
    return {"variable": origin} if origin.replace("_", "").isalnum() else {"file": origin}


CHECK = Check(
    name="proxy",
    scope="hop",
    read=read,
    probe=probe,
    judge=judge,
    needs=("tls@proxy",),
    budget=20.0,
    question="Which proxy is used for the host, and does it let the connection through?",
)
