"""Which proxy does a request to this very host go through, by which variable, and what would other
programs do here?

The rule is Go's (golang.org/x/net/http/httpproxy, ProxyFromEnvironment), because the programs that
pull are written in Go: upper case before lower, an empty variable skipped, the variable chosen by
the target's scheme, ALL_PROXY not read, `localhost` and literal loopback addresses always direct.
curl and Python take other variables and read the exceptions otherwise; their ways are told beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from doctor.clients import noproxy, proxyurl
from doctor.facts.proxy import (
    Candidate,
    Conflict,
    Family,
    Flaw,
    Reading,
    Reason,
    RouteFact,
    Why,
)
from doctor.model import Hop
from doctor.redact import Secret
from doctor.registry.host import is_loopback

_CGI = (
    "is not taken where REQUEST_METHOD is set: "
    "Go programs take this for a web server's CGI environment"
)
_Found = tuple[str | None, str]
"""The variable that a client takes, and its value."""


def route(
    hop: Hop,
    env: Mapping[str, str],
    override: str | None = None,
    elsewhere: tuple[Candidate, ...] = (),
) -> tuple[RouteFact, Secret | None]:
    """The way to the hop and its trace; the second value is the Proxy-Authorization header for
    `RouteFact.asks`.

    `override` is the value of `--proxy`: it holds for every host, loopback included, and no
    exception counts. `elsewhere` holds proxies that other files of this machine name.
    """
    if hop.role == "proxy":
        return RouteFact(reason="proxy-itself"), None
    if override is not None:
        return _decided("--proxy", override, RouteFact(reason="override"))
    variable, value = _go(env, f"{hop.scheme}_proxy")
    no_variable, exceptions = _go(env, "no_proxy")
    trace = RouteFact(
        variable=variable,
        value=proxyurl.shown(value),
        no_proxy=exceptions,
        no_proxy_variable=no_variable or "",
        readings=readings(hop, env),
        conflicts=_conflicts(hop, env),
        flaws=_unused_flaws(env, variable),
    )
    entry = noproxy.go(exceptions, hop.host, hop.port)
    if variable and hop.scheme == "http" and env.get("REQUEST_METHOD"):
        flaw = Flaw(origin=variable, value=trace.value, problem=_CGI, used=True)
        return replace(trace, reason="unusable", flaws=(flaw, *trace.flaws)), None
    if is_loopback(hop.host):
        return replace(trace, reason="loopback"), None
    if not variable:
        return _aside(replace(trace, reason="no-variable"), hop, env, elsewhere)
    if entry is not None:
        return _aside(replace(trace, reason="no-proxy", entry=entry), hop, env, elsewhere)
    fact, secret = _decided(variable, value, replace(trace, reason="variable"))
    return _aside(fact, hop, env, elsewhere) if fact.reason == "ignored" else (fact, secret)


def _decided(origin: str, value: str, trace: RouteFact) -> tuple[RouteFact, Secret | None]:
    """The value is the one that counts: the proxy it names, or how it spoils the request."""
    got = proxyurl.read(value, origin)
    trace = replace(trace, variable=origin, value=proxyurl.shown(value))
    if got.flaw:
        flaw = replace(got.flaw, used=True, ignored=got.flaw.ignored and origin != "--proxy")
        reason: Reason = "ignored" if flaw.ignored else "unusable"
        return replace(trace, reason=reason, flaws=(flaw, *trace.flaws)), None
    return replace(trace, proxy=got.setting), _authorization(got)


def _aside(
    trace: RouteFact, hop: Hop, env: Mapping[str, str], elsewhere: tuple[Candidate, ...]
) -> tuple[RouteFact, Secret | None]:
    """The way is direct: which proxies are known here all the same?"""
    upper = f"{hop.scheme}_proxy".upper()
    places: list[tuple[str, Candidate]] = []
    secret: Secret | None = None
    names: tuple[tuple[str, Why], ...] = ()
    if trace.reason == "no-proxy" and trace.variable:
        names = ((trace.variable, "no-proxy"),)
    elif trace.reason == "ignored":
        names = ((upper.lower() if trace.variable == upper else upper, "other-case"),)
    names += (("ALL_PROXY", "all-proxy"), ("all_proxy", "all-proxy"))
    if hop.scheme == "https":
        names += (("HTTP_PROXY", "http-only"), ("http_proxy", "http-only"))
    for name, why in names:
        got = proxyurl.read(env[name], name) if env.get(name) else proxyurl.Reading()
        if got.setting is None or any(c.setting.hop == got.setting.hop for _, c in places):
            continue
        if not places:
            secret = _authorization(got)
        places.append((name, Candidate(setting=got.setting, why=why)))
    own = tuple(candidate for _, candidate in places)
    known = {candidate.setting.hop for candidate in own}
    others = tuple(c for c in elsewhere if c.setting.hop not in known)
    return replace(trace, candidates=own + others), secret


def _authorization(got: proxyurl.Reading) -> Secret | None:
    if got.setting is None or got.setting.user is None:
        return None
    return proxyurl.authorization(got.user, got.password)


def readings(hop: Hop, env: Mapping[str, str]) -> tuple[Reading, ...]:
    """The way that each family of clients would take to the hop. The older curl is named only where
    it differs."""
    host, port, scheme = hop.host, hop.port, hop.scheme
    curl, curl_no = _curl(env, scheme), _lower_first(env, "no_proxy")
    python, python_no = _python(env, scheme), _python_value(env, "no_proxy")
    with_all = python if python[0] else _python_value(env, "all_proxy")
    go_no = _go(env, "no_proxy")
    found: list[Reading] = []

    def add(family: Family, proxy: _Found, exceptions: _Found, entry: str | None) -> None:
        goes = bool(proxy[0]) and entry is None and not (family == "go" and is_loopback(host))
        found.append(
            Reading(
                family=family,
                way="proxy" if goes else "direct",
                variable=proxy[0],
                no_proxy=exceptions[0],
                entry=entry if proxy[0] else None,
            )
        )

    go_proxy = _go(env, f"{scheme}_proxy")
    add("go", go_proxy, go_no, noproxy.go(go_no[1], host, port))
    add("curl", curl, curl_no, noproxy.curl(curl_no[1], host))
    add("curl before 8.9", curl, curl_no, noproxy.curl(curl_no[1], host, blanks=True))
    if found[-1].way == found[-2].way:
        found.pop()
    listed = python_no[1]
    add("requests", with_all, python_no, noproxy.requests(listed, host, port, scheme=scheme))
    add("python-urllib", python, python_no, noproxy.urllib(listed, host, port, scheme=scheme))
    add("httpx", with_all, python_no, noproxy.httpx(listed, host, port, scheme=scheme))
    return tuple(found)


def _go(env: Mapping[str, str], name: str) -> _Found:
    """Upper case first; an empty one is skipped."""
    for each in (name.upper(), name):
        if env.get(each):
            return each, env[each]
    return None, ""


def _lower_first(env: Mapping[str, str], name: str) -> _Found:
    for each in (name, name.upper()):
        if env.get(each):
            return each, env[each]
    return None, ""


def _curl(env: Mapping[str, str], scheme: str) -> _Found:
    """Lower case first, HTTP_PROXY in upper case never, then ALL_PROXY; an empty one is skipped
    (seen with 7.88)."""
    own = _lower_first(env, "https_proxy") if scheme == "https" else (None, "")
    if scheme == "http" and env.get("http_proxy"):
        own = ("http_proxy", env["http_proxy"])
    return own if own[0] else _lower_first(env, "all_proxy")


def _python(env: Mapping[str, str], scheme: str) -> _Found:
    """Lower case first, and an empty one removes the other; HTTP_PROXY is dropped in a CGI
    environment."""
    if scheme == "http" and "REQUEST_METHOD" in env and not env.get("http_proxy"):
        return None, ""
    return _python_value(env, f"{scheme}_proxy")


def _python_value(env: Mapping[str, str], name: str) -> _Found:
    if name in env:
        return (name, env[name]) if env[name] else (None, "")
    return (name.upper(), env[name.upper()]) if env.get(name.upper()) else (None, "")


def _conflicts(hop: Hop, env: Mapping[str, str]) -> tuple[Conflict, ...]:
    """Variables of both cases that differ and that this hop's way depends on. A list in another
    order is the same list."""
    found = []
    proxied = any(env.get(n) for n in (f"{hop.scheme}_proxy", f"{hop.scheme}_proxy".upper()))
    for name in (f"{hop.scheme}_proxy", *(("no_proxy",) if proxied else ())):
        upper, lower = env.get(name.upper(), ""), env.get(name)
        if not upper or lower is None or upper == lower:
            continue
        if name == "no_proxy" and _as_set(upper) == _as_set(lower):
            continue
        shown = (lambda text: text) if name == "no_proxy" else proxyurl.shown
        found.append(
            Conflict(
                upper=name.upper(),
                upper_value=shown(upper),
                lower=name,
                lower_value=shown(lower),
            )
        )
    return tuple(found)


def _as_set(listed: str) -> frozenset[str]:
    return frozenset(entry.strip().lower() for entry in listed.split(",") if entry.strip())


def _unused_flaws(env: Mapping[str, str], used: str | None) -> tuple[Flaw, ...]:
    """Unusable values in variables that do not decide this hop's way."""
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    seen = (proxyurl.read(env[name], name).flaw for name in names if env.get(name) and name != used)
    return tuple(flaw for flaw in seen if flaw)
