"""What does each configured resolver say of the hop's name when asked itself?

getaddrinfo merges its resolvers: one that is dead, filtered or split is not seen behind another
that answers. So each is asked, A and AAAA, beside the system's own look-up and without holding it
up. What the first answers leave open is asked in a second round: the search domains, the same
without validation, a link at a time along a broken CNAME chain, a name that cannot exist.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import secrets
import sys
import time
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from doctor.facts.dns import is_localhost
from doctor.facts.proxy import RouteFact
from doctor.facts.resolvers import DEAD, Reply, ResolversFact
from doctor.model import Case, Hop
from doctor.net import resolvconf
from doctor.net.daemon import begin

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.net.query import Question

_WAY_FIRST = 0.2
"""Seconds by which the comparison lets the way go first."""
_FIRST_ROUND = 3.0
_SECOND_ROUND = 1.5
_STUB = "127.0.0.53"
"""systemd-resolved's own listener."""
_SMALL = 512
"""Bytes of an answer without EDNS (RFC 1035 section 2.3.4)."""
_TINY_TTL = 10
"""Seconds; filters that answer in a host's place give such a TTL so that a removed block shows
soon."""
_MOST_LINKS = 16

Family = Literal["A", "AAAA"]
FAMILIES: tuple[Family, ...] = ("A", "AAAA")


async def ask(case: Case, net: Net) -> ResolversFact:
    """Every resolver's view. Nothing is sent where the host is an address, this machine's own
    `localhost` (RFC 6761 section 6.3), left to a proxy, or known otherwise than by resolvers."""
    host = case.at.host
    route = case.facts.get(RouteFact, case.at)
    proxied = route is not None and not route.direct
    root = Path(net.root)
    fact = ResolversFact(name=host, configuration=resolvconf.configuration(root))
    told = net.look_up is not None
    if proxied or told or resolvconf.is_address(host) or is_localhost(host):
        return replace(fact, needed=False)
    return await net.once(("resolvers", host), lambda: _ask(fact, case.at, root, net))


async def _ask(fact: ResolversFact, hop: Hop, root: Path, net: Net) -> ResolversFact:
    host = fact.name
    started = time.perf_counter()
    # dnspython costs 40 ms of processor time, which the way to the registry need not wait for.
    await net.lines.asked(hop, _WAY_FIRST)
    query = await begin(_query)
    if problem := query.unaskable(host):
        return replace(fact, problem=problem)
    servers = [server.address for server in fact.configuration.asked]
    patience = net.patience(_FIRST_ROUND)
    replies = await _ask_all(_questions(servers, host), patience)
    hurried = net.hurried(patience, _FIRST_ROUND) and _waited_for(replies)
    patience = net.patience(_SECOND_ROUND)
    fact = await _second_round(replace(fact, replies=replies), root, patience)
    hurried = hurried or (net.hurried(patience, _SECOND_ROUND) and _waited_for(fact.small))
    return replace(fact, hurried=hurried, ms=(time.perf_counter() - started) * 1000)


def _waited_for(replies: Iterable[Reply]) -> bool:
    """Is there one that did not come?"""
    return any(reply.outcome in ("timeout", "tcp-blocked") for reply in replies)


def _query() -> Any:
    """The module that asks. Which of its extras dnspython may use it would learn from the metadata
    of all packages, and no question here needs one: a third of its import. It is told that there
    are none."""
    import dns

    extras = ModuleType("dns._features")
    vars(extras)["have"] = lambda feature: False
    if sys.modules.setdefault(extras.__name__, extras) is extras:
        vars(dns)["_features"] = extras
    try:
        return importlib.import_module("doctor.net.query")
    except AttributeError:  # a dnspython that asks them for more
        del sys.modules[extras.__name__], vars(dns)["_features"]
        return importlib.import_module("doctor.net.query")


def _questions(servers: Iterable[str], *names: str) -> list[Question]:
    from doctor.net.query import Question

    return [Question(s, name, family) for s in servers for name in names for family in FAMILIES]


async def _ask_all(questions: list[Question], seconds: float) -> tuple[Reply, ...]:
    from doctor.net.query import ask as ask_one

    until = asyncio.get_running_loop().time() + seconds
    return tuple(await asyncio.gather(*(ask_one(q, until) for q in questions)))


async def _second_round(fact: ResolversFact, root: Path, seconds: float) -> ResolversFact:
    """Only what the first round left open is asked; all at once."""
    from doctor.net.query import Question

    def again(replies: Iterable[Reply], **changed: Any) -> Coroutine[Any, Any, tuple[Reply, ...]]:
        asked = [Question(r.resolver, r.name, r.type, **changed) for r in replies]
        return _ask_all(asked, seconds)

    failed = [r for r in fact.replies if r.outcome == "servfail"]
    large = [r for r in fact.replies if r.size > _SMALL and not r.truncated]
    answering = [r.resolver for r in fact.replies if r.outcome not in DEAD][:1]
    names = resolvconf.expansions(fact.name, fact.configuration, failed=not fact.addresses())
    stub_gave_nothing = _STUB in fact.resolvers and not fact.addresses(_STUB)
    behind = resolvconf.upstream(root) if stub_gave_nothing else ()
    expanded, unvalidated, small, upstream, walked, random = await asyncio.gather(
        _ask_all([q for q in _questions(answering, *names) if _askable(q)], seconds),
        again(failed, checking=False),
        again(large, edns=False),
        _ask_all(_questions(behind, fact.name), seconds),
        _walk(failed[:1], seconds),
        _ask_random(fact.replies, seconds),
    )
    return replace(
        fact,
        expanded=expanded,
        unvalidated=unvalidated,
        small=small,
        upstream=upstream,
        walked=walked,
        random=random,
    )


def _askable(question: Question) -> bool:
    from doctor.net.query import unaskable

    return not unaskable(question.name)


async def _walk(failed: list[Reply], seconds: float) -> tuple[str, ...]:
    """The CNAME chain of a name that its resolver gave up on, until it ends or repeats. Resolvers
    say SERVFAIL to a loop."""
    from doctor.net.query import Question
    from doctor.net.query import ask as ask_one

    until = asyncio.get_running_loop().time() + seconds
    chain = [failed[0].name] if failed else []
    while chain and len(chain) <= _MOST_LINKS:
        reply = await ask_one(Question(failed[0].resolver, chain[-1], "CNAME"), until)
        if len(reply.chain) < 2:
            break
        chain.append(reply.chain[1])
        if chain[-1] in chain[:-1]:
            break
    return tuple(chain) if len(chain) > 1 else ()


async def _ask_random(replies: Iterable[Reply], seconds: float) -> Reply | None:
    """Does the resolver of a suspicious address find one for a name that cannot exist, too?"""
    from doctor.net.query import Question
    from doctor.net.query import ask as ask_one

    suspect = next((reply for reply in replies if _suspicious(reply)), None)
    if suspect is None:
        return None
    until = asyncio.get_running_loop().time() + seconds
    name = f"{secrets.token_hex(8)}.invalid"
    return await ask_one(Question(suspect.resolver, name, suspect.type), until)


def _suspicious(reply: Reply) -> bool:
    if not reply.addresses:
        return False
    short = reply.ttl is not None and reply.ttl <= _TINY_TTL and len(reply.addresses) == 1
    forged = any(e.code in {4, 15, 16, 17} for e in reply.ede)
    return short or forged or any(not ipaddress.ip_address(a).is_global for a in reply.addresses)
