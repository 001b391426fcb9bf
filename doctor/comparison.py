"""How does one pull fare with every client of this machine, and where do they part?

Each client has its own diagnosis. The network is looked at once for all that go the same way to the
same endpoints with the same credential: one of them walks; the others read their own configuration,
judge the chains that the hosts have shown by their own stores, and take over what it saw. A client
whose stores refuse what the first one's accept, or the other way round, walks itself, and so does
one whose way parts later, on connections that are its own: a stream that one client's stores have
verified is never another's. Names are looked up once for all (`Net.once`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from doctor.clients.keyring import Held
from doctor.engine import fallback
from doctor.engine.fallback import meant, seen_by
from doctor.facts.clients import ClientsFact, Eye
from doctor.facts.credential import CredentialFact
from doctor.facts.endpoint import Endpoint
from doctor.facts.proxy import RouteFact
from doctor.facts.registry import ImageFact
from doctor.facts.tls import TlsFact
from doctor.facts.trust import TrustFact
from doctor.model import Case, Facts
from doctor.pki.shown import judged_by
from doctor.registry.manifest import Descriptor, choose, platform
from doctor.verdict import first_failing, layers

if TYPE_CHECKING:
    from doctor.clients.eyes import Found
    from doctor.credential import Credential
    from doctor.engine import Engine
    from doctor.engine.fallback import Pull
    from doctor.engine.walk import Walk
    from doctor.model import Client, Diagnosis, Hop, Target
    from doctor.net import Net
    from doctor.outcome import Outcomes

T = TypeVar("T")
_Mine = tuple["Client", Any]
"""A client, and the credential that it holds."""
_LOOK_UP = "auth.local"
"""The check that looks a credential up, and leaves it in the network's hands."""
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
    pulls: dict[str, Pull] = {}

    async def walk(group: list[_Mine]) -> None:
        """The first walks; who saw the same takes it over, and the others walk as well."""
        (leader, _), *others = group
        pull = await fallback.look(engine, seen_by(target, leader), leader, net, given())
        pulls[leader.name] = pull
        seen = [(each, _as_seen_by(each[0], pull)) for each in others]
        left = [each for each, like in seen if like is None]
        work = [follow(client, like) for (client, _), like in seen if like is not None]
        await asyncio.gather(*work, *map(walk, _parted(left, pull)))

    async def follow(client: Client, like: Sequence[Outcomes]) -> None:
        mine = seen_by(target, client)
        pulls[client.name] = await fallback.look(engine, mine, client, net, given(), like)

    mine = zip((client for _, client in clients), held, strict=True)
    await asyncio.gather(*map(walk, _grouped(mine, lambda a, b: _begins_alike(target, a, b))))
    diagnoses = [pulls[client.name].diagnosis() for _, client in clients]
    eyes = tuple(_eye(here, own) for (here, _), own in zip(clients, diagnoses, strict=True))
    diagnoses[0] = pulls[clients[0][1].name].diagnosis(ClientsFact(eyes=eyes))
    return diagnoses


def _grouped(each: Iterable[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """Those that are alike together, in their order."""
    groups: list[list[T]] = []
    for one in each:
        same = next((group for group in groups if alike(group[0], one)), None)
        if same is None:
            groups.append([one])
        else:
            same.append(one)
    return groups


async def _credential(
    engine: Engine, target: Target, client: Client, net: Net, given: Credential | None
) -> Any:
    """What the client would show to the registry; something that equals nothing where that is not
    known in time. A helper is asked once in a run (`Net.once`)."""
    own = net.for_pull(client.name, target.registry, given)
    check = engine.by_id.get(_LOOK_UP)
    if check is not None and check.read is not None and check.id in engine.needed:
        try:
            async with asyncio.timeout(net.patience(_PATIENCE)):
                await check.read(Case(target, Facts()), client, own)
        except Exception:  # the walk reads it again, and tells of it
            return object()
    return _value(own.credential)


def _begins_alike(target: Target, one: _Mine, other: _Mine) -> bool:
    """Do both go the same way to the same endpoints, with the same credential?"""
    (a, held), (b, theirs) = one, other
    return (
        bool(target.registry.host)
        and len(meant(target, a)) == len(meant(target, b)) == 1
        and meant(target, a)[0].reference == meant(target, b)[0].reference
        and held == theirs
        and _asked(target, a) == _asked(target, b)
        and _way(a, target.registry) == _way(b, target.registry)
    )


def _value(held: Credential | None) -> tuple[Any, ...] | None:
    """The credential, wherever it is kept."""
    return (held.user, held.secret, held.kind) if held else None


def _as_seen_by(client: Client, pull: Pull) -> tuple[Outcomes, ...] | None:
    """What this client would have seen at every host of the pull; None where that is not known."""
    found: list[Outcomes] = []
    for walk in pull.walks:
        theirs, mine = walk.target, seen_by(walk.target, client)
        is_mirror = theirs.registry.role == "mirror"
        if is_mirror and _keys(mine, client) != _keys(theirs, pull.client):
            return None
        outcomes = dict(walk.outcomes)
        for hop in walk.hops:
            if _way(client, hop) != _way(pull.client, hop):
                return None
            tls = _handshake(walk, hop, client.trust(hop, mine), pull.client.trust(hop, theirs))
            if tls is None:
                return None
            at = ("tls", hop)
            if at in outcomes and outcomes[at].probed is not None:
                outcomes[at] = replace(outcomes[at], probed=tls)
        image = walk.facts.get(ImageFact)
        if image is not None and not _chooses_alike(image, client.name, pull.client.name):
            return None
        found.append(outcomes)
    return tuple(found)


def _handshake(walk: Walk, hop: Hop, mine: Any, theirs: Any) -> TlsFact | None:
    """The handshake as a client that trusts `mine` would have had it; None where that takes another
    one."""
    tls = walk.facts.get(TlsFact, hop) or TlsFact(needed=False)
    if tls.plain_http is not None and _laxity(mine) != _laxity(theirs):
        return None
    if _trust(mine) == _trust(theirs) or not tls.chain:
        return tls
    shown = walk.net.lines.shown.get(hop)
    pairs = mine.client_pair == theirs.client_pair or not tls.client_certificate_requested
    if not (tls.ok and shown and pairs and mine.complete and theirs.complete):
        return None
    judged = judged_by(mine, tls, shown, hop.host)
    return judged if judged.ok else None


def _parted(left: list[_Mine], pull: Pull) -> list[list[_Mine]]:
    """Those who would not have seen what was seen, in groups that walk side by side: those who
    accept the registry's chain together, the others by what they trust."""
    target = pull.walk.target
    hop = target.registry
    shown, tls = pull.walk.net.lines.shown.get(hop), pull.walk.facts.get(TlsFact, hop)

    def side(each: _Mine) -> Any:
        trust: Any = each[0].trust(hop, seen_by(target, each[0]))
        accepts = shown and tls and judged_by(trust, tls, shown, hop.host).ok
        return "accepts" if accepts else _trust(trust)

    return _grouped(left, lambda a, b: bool(side(a) == side(b)))


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


def _trust(trust: Any) -> tuple[Any, ...]:
    return trust.stores, trust.client_pair, trust.complete


def _laxity(trust: Any) -> tuple[Any, ...]:
    """What may let the client speak plain HTTP."""
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
