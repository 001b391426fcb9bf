"""Which addresses does the system give for the hop's name?

Asked as programs here ask: getaddrinfo, so that the hosts file, nsswitch, VPN plug-ins and search
domains have their say. It runs in a daemon thread, for it cannot be cancelled. Where the first of
two resolvers is dead glibc answers after five seconds, with more dead ones after ten: when it is
slow and a resolver that was asked directly has answered, the ladder goes on with that answer.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.facts.dns import DnsFact, Outcome
from doctor.facts.proxy import RouteFact
from doctor.facts.resolvers import ResolversFact
from doctor.model import Case
from doctor.net import headstart, resolvconf
from doctor.net.daemon import begin
from doctor.net.headstart import Found

if TYPE_CHECKING:
    from doctor.net import Net

_ENOUGH = 3.4
"""Seconds after which a resolver's own answer serves as well: by then each has been asked twice
(doctor.net.resolvers)."""
_MOST = 7.0
"""Seconds for getaddrinfo: glibc's five for a dead first resolver, and time for the second."""
_CODES: dict[int, Outcome] = {
    socket.EAI_NONAME: "no-name",
    getattr(socket, "EAI_NODATA", -5): "no-data",
    socket.EAI_AGAIN: "again",
}

_FATAL = (
    "the first search domain in /etc/resolv.conf is longer than 255 characters, which ends every"
    " program that looks up a name"
)


async def resolve(case: Case, net: Net) -> DnsFact:
    """The system's view of the hop's name. At once for an address, and where a proxy resolves: then
    no packet is sent."""
    hop = case.at
    route = case.facts.get(RouteFact, hop)
    if route is not None and not route.direct:
        return DnsFact(name=hop.host, needed=False)
    if resolvconf.is_address(hop.host):
        return DnsFact(name=hop.host, literal=True, addresses=(hop.host,))
    return await net.once(("dns", hop.host, hop.port), lambda: _look_up(case, net))


async def _look_up(case: Case, net: Net) -> DnsFact:
    hop = case.at
    started = time.perf_counter()
    begun = headstart.begun(hop.host, hop.port)
    if begun is None and net.look_up is None and resolvconf.ends_programs():
        return DnsFact(name=hop.host, outcome="refused", message=_FATAL)
    look_up = net.look_up or headstart.addresses
    search = begin(begun.result if begun else lambda: look_up(hop.host, hop.port))
    root = Path(net.root)
    pins, sources = resolvconf.pins(hop.host, root), resolvconf.nsswitch(root)
    found = await _wait(search, case, net)
    return DnsFact(
        name=hop.host,
        outcome=found.outcome,
        code=found.code,
        message=found.message,
        addresses=found.addresses,
        source=found.source,
        hurried=found.hurried,
        canonical=found.canonical,
        pins=pins,
        sources=sources,
        ms=begun.ms if begun else (time.perf_counter() - started) * 1000,
    )


async def _wait(search: asyncio.Future[Found], case: Case, net: Net) -> DnsFact:
    most = net.patience(_MOST)
    enough = min(_ENOUGH, most)
    try:
        for waited, seconds in ((enough, enough), (most, most - enough)):
            await asyncio.wait({search}, timeout=seconds)
            if search.done():
                return _end(search)
            asked = case.facts.get(ResolversFact, case.at)
            if asked is not None and (others := _first_answer(asked)):
                return _late(waited, others)
        return replace(_late(most), hurried=net.hurried(most, _ENOUGH))
    finally:
        search.cancel()


def _late(waited: float, others: tuple[str, ...] = ()) -> DnsFact:
    return DnsFact(
        outcome="timeout",
        message=f"no answer from the system within {waited:.1f} s",
        addresses=others,
        source="resolvers" if others else "system",
    )


def _first_answer(asked: ResolversFact) -> tuple[str, ...]:
    return next((found for name in asked.resolvers if (found := asked.addresses(name))), ())


def _end(search: asyncio.Future[Found]) -> DnsFact:
    try:
        addresses, canonical = search.result()
    except socket.gaierror as error:
        outcome = _CODES.get(error.errno or 0, "refused")
        return DnsFact(outcome=outcome, code=error.errno, message=error.strerror or "")
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeEncodeError) else str(error)
        return DnsFact(outcome="not-a-name", message=reason)
    except OSError as error:
        return DnsFact(outcome="refused", code=error.errno, message=error.strerror or "")
    return DnsFact(addresses=addresses, canonical=canonical)
