"""Which way does a daemon's request go, where do its variables stand, and which proxies are known
here that it does not see?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from doctor.clients import proxyurl
from doctor.clients.proxy import route
from doctor.clients.unit import Value
from doctor.facts.proxy import Candidate, RouteFact
from doctor.model import Hop
from doctor.redact import Secret


def placed(fact: RouteFact, variables: Mapping[str, Value]) -> RouteFact:
    """The decision with file and line in place of the variable's name. What curl and Python would
    make of the daemon's variables is left out: they never see them."""

    def at(name: str) -> str:
        return variables[name].origin if name in variables else name

    setting = replace(fact.proxy, origin=at(fact.proxy.origin)) if fact.proxy else None
    return replace(
        fact,
        proxy=setting,
        readings=tuple(r for r in fact.readings if r.family == "go"),
        conflicts=(),
        flaws=tuple(replace(flaw, origin=at(flaw.origin)) for flaw in fact.flaws),
        candidates=tuple(
            replace(c, setting=replace(c.setting, origin=at(c.setting.origin)))
            if c.why not in ("shell", "elsewhere")
            else c
            for c in fact.candidates
        ),
    )


def daemons(
    hop: Hop,
    variables: Mapping[str, Value],
    shell: Mapping[str, str],
    override: str | None,
    elsewhere: Sequence[Value] = (),
) -> tuple[RouteFact, Secret | None]:
    """Which way a daemon's request goes, by its own variables, and the header value for that proxy;
    that of the shell's proxy where only that one is known. `override` is the option `--proxy`."""
    known, secret = _known_to_the_shell(hop, shell)
    environ = {name: value.text for name, value in variables.items()}
    fact, own = route(hop, environ, override, (*known, *_set_elsewhere(elsewhere)))
    candidates = fact.candidates
    if not fact.proxy and known and candidates and candidates[0] is known[0]:
        own = secret
    return placed(fact, variables), own


def _known_to_the_shell(
    hop: Hop, environ: Mapping[str, str]
) -> tuple[tuple[Candidate, ...], Secret | None]:
    """The proxy that a program of this shell would use for the hop, and its login."""
    fact, secret = route(hop, environ)
    if fact.proxy is None:
        return (), None
    return (Candidate(setting=fact.proxy, why="shell", no_proxy=fact.no_proxy),), secret


def _set_elsewhere(values: Sequence[Value]) -> tuple[Candidate, ...]:
    """The proxies that these values name, once each."""
    found: dict[Hop, Candidate] = {}
    for value in values:
        setting = proxyurl.read(value.text, value.origin).setting
        if setting:
            found.setdefault(setting.hop, Candidate(setting=setting))
    return tuple(found.values())
