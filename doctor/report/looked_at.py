"""Where did the client look for its credential, endpoints, trust and proxy, which key matched, and
why did the rest not apply?

Local configuration alone, as the client goes about it; what each place led to is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doctor.facts.credential import CredentialFact, Outcome, Place
from doctor.facts.endpoint import Endpoint, EndpointsFact
from doctor.facts.proxy import RouteFact
from doctor.facts.trust import TrustFact
from doctor.model import Diagnosis
from doctor.redact import scrub

_NOT_TAKEN = {
    "no-proxy": "the exceptions beside it cover the registry",
    "all-proxy": "Go programs do not read it",
    "http-only": "it is for plain HTTP only",
    "other-case": "the variable in upper case is taken before it",
    "elsewhere": "this client does not read it",
    "shell": "the client's daemon does not see it",
}


def looked_at(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """The places as `{what, where, outcome, key, note}`, of each kind in the client's order."""
    facts, registry = diagnosis.facts, diagnosis.target.registry
    credential, asked = facts.get(CredentialFact), facts.get(EndpointsFact)
    trust, route = facts.get(TrustFact, registry), facts.get(RouteFact, registry)
    told = {
        "credential": credential.places if credential else (),
        "endpoint": (*asked.places, *_endpoints(asked)) if asked else (),
        "trust": _trust(trust) if trust else (),
        "proxy": _proxy(route) if route else (),
    }
    return [_entry(what, place) for what, places in told.items() for place in dict.fromkeys(places)]


def _entry(what: str, place: Place) -> dict[str, Any]:
    return {
        "what": what,
        "where": scrub(place.where) or what,
        "outcome": place.outcome,
        "key": scrub(place.key) if place.key else None,
        "note": scrub(place.note) if place.note else None,
    }


def _endpoints(fact: EndpointsFact) -> Iterator[Place]:
    """Those that a setting names; the registry itself beside them, for its place in the order."""
    if not any(each.origin or each.skipped for each in fact.endpoints):
        return
    for each in fact.endpoints:
        where, key = each.origin or each.hop.name, each.written or None
        yield Place(where, "ignored" if each.skipped else "used", key, each.skipped or _asked(each))


def _asked(endpoint: Endpoint) -> str:
    return "the image's own registry" if endpoint.hop.role == "registry" else ""


def _trust(fact: TrustFact) -> Iterator[Place]:
    for store in fact.stores:
        yield Place(store.path, "used", None, "" if store.label == store.path else store.label)
    for fault in fact.faults:
        problem = "" if fault.problem == "missing" else f": {fault.problem.replace('-', ' ')}"
        outcome: Outcome = "unreadable" if problem else "missing"
        yield Place(fault.path, outcome, None, f"{fault.setting}{problem}")


def _proxy(fact: RouteFact) -> Iterator[Place]:
    for flaw in fact.flaws:
        yield Place(flaw.origin, "ignored" if flaw.ignored else "failed", None, flaw.problem)
    if fact.proxy is not None:
        yield Place(fact.proxy.origin, "used", None, fact.proxy.url)
    elif fact.reason == "no-proxy":
        yield Place(fact.no_proxy_variable, "used", fact.entry, "the registry is asked directly")
    for each in fact.candidates:
        yield Place(each.setting.origin, "ignored", None, _NOT_TAKEN[each.why])
