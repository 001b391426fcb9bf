"""What was seen at a station, whether or not anything was wrong with it? Diagnosis -> proof, in the
shape of a finding's evidence, so that the same drawings draw both.

A report holds the proof of what was found; what was seen of a layer that is well is in the facts
alone, which a live run and a bundle have. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from doctor.facts.credential import CredentialFact
from doctor.facts.dns import DnsFact
from doctor.facts.http import Answer
from doctor.facts.proxy import RouteFact, TunnelFact
from doctor.facts.rate import RateFact
from doctor.facts.reference import ReferenceFact
from doctor.facts.registry import AnonymousFact, ApiFact, AuthFact, BlobFact, ImageFact, TokenTry
from doctor.facts.resolvers import ResolversFact
from doctor.facts.tcp import AddressesFact, TcpFact
from doctor.facts.tls import TlsFact
from doctor.facts.trust import TrustFact
from doctor.model import Diagnosis, Fact, Hop
from doctor.pki.evidence import chain, short, verdicts
from doctor.redact import scrub_data
from doctor.report.document import jsonable

Sight = Mapping[str, Any]
_DEEPEST = 4
_MOST = 40
_NOTHING: tuple[Any, ...] = (None, "", [], {})


_HEADED = frozenset({"peer", "date", "body", "content_type", "server", "via", "request_id"})
"""What an answer's proof takes from its headers, which are shown as they came."""


def sight(diagnosis: Diagnosis, check: str, hop: str) -> dict[str, Any]:
    """What the check saw there (`hop` "": of the pull itself). Passes the gate; empty where nothing
    was seen."""
    asked_by = {type(f): o.check.name for o in diagnosis.outcomes for f in o.facts}
    found: dict[str, Any] = {}
    for at, fact in diagnosis.facts:
        if asked_by.get(type(fact)) == check and (at.name if at else "") == hop:
            found |= _of(fact)
    return dict(scrub_data(jsonable(found)))


def _of(fact: Fact) -> Sight:
    """By its kind; what no kind is known of, a plug-in's say, field by field."""
    if getattr(fact, "needed", True) is False:
        return {}
    told = _KINDS.get(type(fact), _fields)(fact)
    return {name: value for name, value in told.items() if value not in _NOTHING}


def _fields(value: Any, depth: int = 0) -> dict[str, Any]:
    """Every field that says something."""
    told = {f.name: _plain(getattr(value, f.name), depth) for f in dataclasses.fields(value)}
    left_out = ("ms", "hurried", "needed")
    return {n: v for n, v in told.items() if n not in left_out and v not in (*_NOTHING, False)}


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, Hop):
        return value.name
    if dataclasses.is_dataclass(value):
        return _fields(value, depth + 1) if depth < _DEEPEST else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, depth) for each in list(value)[:_MOST]]
    return value


def _name(fact: DnsFact) -> Sight:
    return {} if fact.literal else {"system": fact.proof}


def _proof(fact: ResolversFact | TunnelFact) -> Sight:
    return fact.proof


def _attempts(fact: TcpFact | AddressesFact) -> Sight:
    return {"attempts": [each.proof for each in fact.attempts], "not_tried": fact.left_out or None}


def _route(fact: RouteFact) -> Sight:
    """The way, and which programs of another family would take another."""
    taken = "proxy" if fact.proxy else "direct"
    others = [each.family for each in fact.readings if each.way != taken]
    why = {"because": "no proxy is set for it"} if fact.reason == "no-variable" else {}
    way = {} if fact.seen == "direct" else {"way": fact.seen}
    return {**why, **way, "exceptions": fact.no_proxy, "another_way_for": others}


def _trust(fact: TrustFact) -> Sight:
    stores = [s.path if s.label == s.path else f"{s.path} ({s.label})" for s in fact.stores]
    return {"trust_stores": stores}


def _handshake(fact: TlsFact) -> Sight:
    leaf = fact.chain[0] if fact.chain else None
    return {
        "protocol": " ".join(each for each in (fact.version, fact.cipher, fact.alpn) if each),
        "server_name": fact.name,
        "address": fact.peer,
        "names": [*leaf.dns_names, *leaf.ip_addresses][:_MOST] if leaf else [],
        "chain": chain(fact),
        "missing": [short(each) for each in fact.missing],
        "missing_from": fact.missing_from,
        "verdicts": verdicts(fact),
        "stapled": fact.staple.status if fact.staple else None,
        "client_certificate": "asked for" if fact.client_certificate_requested else None,
    }


def _answers(*answers: Answer | None) -> list[Sight]:
    """Each exchange, with the headers that were kept of it."""
    return [
        {
            **{name: value for name, value in each.proof.items() if name not in _HEADED},
            "headers": dict(each.headers),
            "ms": round(each.ms, 1),
        }
        for each in answers
        if each is not None
    ]


def _api(fact: ApiFact) -> Sight:
    return {"answers": _answers(*fact.answers, fact.fallback)}


def _login(fact: AuthFact) -> Sight:
    whose = {"source": fact.origin, "user": fact.user, "kind": fact.kind} if fact.origin else {}
    return {
        "login": {"none": "not asked for"}.get(fact.scheme, fact.scheme),
        "token_service": fact.realm,
        **whose,
        "tried": [_tried(each) for each in fact.tries],
    }


def _tried(tried: TokenTry) -> Sight:
    told = {
        "with": tried.who,
        "scope": tried.scope,
        "outcome": tried.outcome,
        "status": tried.answer.status if tried.answer else None,
        "expires_in": tried.expires_in,
        "access": [{"name": a.name, "actions": list(a.actions)} for a in tried.access or ()],
    }
    return {name: value for name, value in told.items() if value not in _NOTHING}


def _anonymous(fact: AnonymousFact) -> Sight:
    return {"without_login": "the image is public" if fact.public else "the image is not given"}


def _credential(fact: CredentialFact) -> Sight:
    """Which was found, and which others there are."""
    sources = [
        {"where": each.where, "key": each.key, "user": each.user, "wins": each.wins}
        for each in fact.sources
    ]
    if not fact.found:
        return {"credential": fact.unasked or fact.withheld or "none found", "sources": sources}
    return {"source": fact.origin, "user": fact.user, "kind": fact.kind, "sources": sources}


def _reference(fact: ReferenceFact) -> Sight:
    return {"written": fact.text, "meant": fact.reference or fact.says}


def _image(fact: ImageFact) -> Sight:
    built = fact.config.platform if fact.config else None
    return {
        "digest": fact.digest,
        "media_type": fact.media_type,
        "layers": fact.layers or None,
        "bytes": fact.size or None,
        "needed": fact.wanted,
        "offered": list(fact.platforms) or ([str(built)] if built else []),
        "answers": _answers(*fact.answers, *fact.blob_answers),
    }


def _layer(fact: BlobFact) -> Sight:
    return {
        "layer": fact.digest,
        "bytes": fact.size,
        "read_at": fact.hop.name if fact.hop else "",
        "answers": _answers(*fact.answers),
    }


def _limits(fact: RateFact) -> Sight:
    limits = [each.proof for each in dict.fromkeys(fact.limits)]
    return {"limits": limits} if limits else {"limits": fact.seen}


_KINDS: Mapping[type[Fact], Callable[[Any], Sight]] = {
    DnsFact: _name,
    ResolversFact: _proof,
    TcpFact: _attempts,
    AddressesFact: _attempts,
    RouteFact: _route,
    TunnelFact: _proof,
    TrustFact: _trust,
    TlsFact: _handshake,
    ReferenceFact: _reference,
    ApiFact: _api,
    CredentialFact: _credential,
    AuthFact: _login,
    AnonymousFact: _anonymous,
    ImageFact: _image,
    BlobFact: _layer,
    RateFact: _limits,
}
