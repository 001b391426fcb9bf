"""How does one pull fare with every client of this machine, and where do they part?

Each client has its own diagnosis. The network is looked at once for all whose network is the same:
the same way and the same trust for every host that was met, the same endpoints and credential. One
of them walks; the others read their own configuration and take over what it saw. Where any of that
differs, a client walks itself, on connections that are its own: a stream that one client's stores
have verified is never another's. Names are looked up once for all (`Net.once`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor import fallback
from doctor.clients.keyring import Held
from doctor.facts.clients import ClientsFact, Eye
from doctor.facts.credential import CredentialFact
from doctor.facts.endpoint import Endpoint
from doctor.facts.proxy import RouteFact
from doctor.facts.registry import ImageFact
from doctor.facts.tls import TlsFact
from doctor.facts.trust import TrustFact
from doctor.fallback import meant, seen_by
from doctor.manifest import Descriptor, choose, platform
from doctor.model import Case, Facts
from doctor.verdict import first_failing, layers

if TYPE_CHECKING:
    from doctor.clients.eyes import Found
    from doctor.credential import Credential
    from doctor.engine import Engine
    from doctor.fallback import Pull
    from doctor.model import Client, Diagnosis, Hop, Target
    from doctor.net import Net

_PATIENCE = 6.0
"""Seconds for a credential helper, which has five."""


async def diagnose(
    engine: Engine,
    target: Target,
    clients: Sequence[tuple[Found, Client]],
    net: Net,
    given: Callable[[], Credential | None] = lambda: None,
) -> list[Diagnosis]:
    """One diagnosis for each client, in their order; the first one's tells of the differences."""
    looks = (_credential(engine, seen_by(target, c), c, net, given()) for _, c in clients)
    held = await asyncio.gather(*looks)
    alike: list[list[tuple[Client, Any]]] = []
    for mine in zip((client for _, client in clients), held, strict=True):
        same = next((g for g in alike if _begins_alike(target, g[0], mine)), None)
        if same is None:
            alike.append([mine])
        else:
            same.append(mine)
    pulls: dict[str, Pull] = {}

    async def walk(group: list[tuple[Client, Any]]) -> None:
        leader, *others = (client for client, _ in group)
        pull = await fallback.look(engine, seen_by(target, leader), leader, net, given())
        pulls[leader.name] = pull

        async def follow(other: Client) -> None:
            mine = seen_by(target, other)
            like = pull if _stays_alike(mine, other, pull) else None
            pulls[other.name] = await fallback.look(engine, mine, other, net, given(), like)

        await asyncio.gather(*map(follow, others))

    await asyncio.gather(*(walk(group) for group in alike))
    diagnoses = [pulls[client.name].diagnosis() for _, client in clients]
    eyes = tuple(_eye(here, own) for (here, _), own in zip(clients, diagnoses, strict=True))
    diagnoses[0] = pulls[clients[0][1].name].diagnosis(ClientsFact(eyes=eyes))
    return diagnoses


async def _credential(
    engine: Engine, target: Target, client: Client, net: Net, given: Credential | None
) -> Any:
    """What the client would show to the registry; something that equals nothing where that is not
    known in time. A helper is asked once in a run (`Net.once`)."""
    from doctor.checks import credentials

    own = net.for_pull(client.name, target.registry, given)
    if credentials.CHECK.id in engine.needed:
        try:
            async with asyncio.timeout(net.patience(_PATIENCE)):
                await credentials.read(Case(target, Facts()), client, own)
        except Exception:  # the walk reads it again, and tells of it
            return object()
    return _value(own.credential)


def _begins_alike(target: Target, one: tuple[Client, Any], other: tuple[Client, Any]) -> bool:
    """Do both go the same way to the same endpoints, with the same trust and credential?"""
    (a, held), (b, theirs) = one, other
    return (
        bool(target.registry.host)
        and len(meant(target, a)) == len(meant(target, b)) == 1
        and meant(target, a)[0].reference == meant(target, b)[0].reference
        and held == theirs
        and _asked(target, a) == _asked(target, b)
        and _way(a, target.registry) == _way(b, target.registry)
        and _trust(seen_by(target, a), a, target.registry)
        == _trust(seen_by(target, b), b, target.registry)
    )


def _value(held: Credential | None) -> tuple[Any, ...] | None:
    """The credential, wherever it is kept."""
    return (held.user, held.secret, held.kind) if held else None


def _stays_alike(target: Target, client: Client, pull: Pull) -> bool:
    """Would this client have seen, at every host, what the other one saw?"""
    for walk in pull.walks:
        theirs, mine = walk.target, seen_by(walk.target, client)
        is_mirror = theirs.registry.role == "mirror"
        if is_mirror and _keys(mine, client) != _keys(theirs, pull.client):
            return False
        for hop in walk.hops:
            if _way(client, hop) != _way(pull.client, hop):
                return False
            if _trust(mine, client, hop) != _trust(theirs, pull.client, hop):
                return False
            tls = walk.facts.get(TlsFact, hop)
            in_the_clear = tls is not None and tls.plain_http is not None
            if in_the_clear and _laxity(mine, client, hop) != _laxity(theirs, pull.client, hop):
                return False
        image = walk.facts.get(ImageFact)
        if image is not None and not _chooses_alike(image, client.name, pull.client.name):
            return False
    return True


def _asked(target: Target, client: Client) -> tuple[Endpoint, ...]:
    fact: Any = client.endpoints(seen_by(target, client))
    return tuple(replace(each, origin="", written="") for each in fact.asked)


def _way(client: Client, hop: Hop) -> tuple[Any, ...]:
    """What of the route decides what is sent, and where: not which file or variable says so."""
    route: Any = client.route(hop)
    bare = replace(route.proxy, origin="") if route.proxy else None
    others = tuple(replace(c.setting, origin="") for c in route.candidates)
    whys = tuple((c.why, c.no_proxy) for c in route.candidates)
    return bare, route.direct, others, whys, client.proxy_login(hop)


def _trust(target: Target, client: Client, hop: Hop) -> tuple[Any, ...]:
    trust: Any = client.trust(hop, target)
    return trust.stores, trust.client_pair, trust.complete


def _laxity(target: Target, client: Client, hop: Hop) -> tuple[Any, ...]:
    """What may let it speak plain HTTP."""
    trust: Any = client.trust(hop, target)
    return tuple(each.entry for each in trust.insecure)


def _keys(target: Target, client: Client) -> tuple[Any, ...]:
    """The credentials and helpers in the order in which they are tried."""
    tries = client.keys(seen_by(target, client)).tries
    return tuple(
        _value(each.credential) if isinstance(each, Held) else (each.program, each.key)
        for each in tries
    )


def _chooses_alike(image: ImageFact, a: str, b: str) -> bool:
    """Of an index, do both clients take the same platform's image?"""
    wanted = platform(image.wanted)
    if image.kind != "index" or wanted is None:
        return True
    offered = [Descriptor("", platform=platform(each)) for each in image.platforms]
    return choose(offered, wanted, a) == choose(offered, wanted, b)


def tried(diagnosis: Diagnosis) -> bool:
    """Was the image read, and a blob of it; of a bare host, did its API answer?"""
    went = layers(diagnosis)
    needed = ("image", "blob") if diagnosis.target.reference else ("api",)
    return all(went.get(name) in ("pass", "warn") for name in needed)


def _eye(found: Found, diagnosis: Diagnosis) -> Eye:
    facts, registry = diagnosis.facts, diagnosis.target.registry
    cause = next((f for f in diagnosis.findings if f.root_cause), None)
    return Eye(
        client=found.name,
        trace=found.trace,
        verdict=diagnosis.verdict,
        whole=tried(diagnosis),
        layers=tuple(layers(diagnosis).items()),
        first_failing=first_failing(diagnosis) or "",
        root_causes=diagnosis.root_causes,
        reason=cause.detail if cause else "",
        route=facts.get(RouteFact, registry),
        credential=facts.get(CredentialFact),
        tls=tuple((hop, tls, facts.get(TrustFact, hop)) for hop, tls in facts.all(TlsFact) if hop),
    )
