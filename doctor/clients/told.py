"""What may be told of a look-up once it is over? Everything but the secret.

Here the credential itself is in hand for the last time on this side: it is compared with the others
that were found, its condition is described; then only the fact is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from doctor.clients.keyring import Held, Lookup
from doctor.condition import life, white_space
from doctor.credential import Credential
from doctor.facts.credential import CredentialFact, Outcome, Place, Source
from doctor.facts.helper import HelperFact


def fact(
    lookup: Lookup,
    credential: Credential | None,
    helpers: tuple[HelperFact, ...] = (),
    unasked: str = "",
    tried: int = 0,
) -> CredentialFact:
    """The look-up as a fact; `credential` is what it came to, after `tried` others in vain."""
    held = [*_held(lookup)]
    holder = next((h for h in held if h.credential is credential), None)
    before = enumerate(held[:tried])
    modified = holder.modified if holder else None
    return CredentialFact(
        client=lookup.client,
        registry=lookup.wanted.domain,
        found=credential is not None,
        origin=credential.origin if credential else "",
        key=holder.key if holder else (helpers[-1].key if credential and helpers else None),
        kind=credential.kind if credential else "",
        user=credential.user if credential else "",
        keys=lookup.keys,
        places=tuple(_places(lookup.places, helpers, unasked)),
        faults=lookup.faults,
        near_misses=lookup.near_misses,
        otherwise=lookup.otherwise,
        sources=_sources(credential, holder, (*held[tried:], *lookup.also)),
        refused=tuple(Source(h.where, h.key, h.credential.user, n) for n, h in before),
        more=max(0, len(lookup.tries) - tried - 1),
        white_space=white_space(credential) if credential else (),
        life=life(credential, modified) if credential else None,
        files=lookup.files,
        helpers=helpers,
        store=lookup.store,
        tools=lookup.tools,
        config=lookup.config,
        unasked=unasked,
        withheld=lookup.withheld,
        plugin=lookup.plugin,
    )


def _held(lookup: Lookup) -> Iterable[Held]:
    return (t for t in lookup.tries if isinstance(t, Held))


def _places(
    places: Iterable[Place], helpers: tuple[HelperFact, ...], unasked: str
) -> Iterable[Place]:
    """The trace with the helpers' answers in it."""
    for place in places:
        if place.outcome != "helper":
            yield place
            continue
        asked = [h for h in helpers if h.setting.endswith(place.where)]
        if not asked:
            note = place.note + (f"; not asked: {unasked}" if unasked else "")
            yield replace(place, note=note)
            continue
        last = asked[-1]
        answers = ", ".join(f'{h.ending.replace("-", " ")} for "{h.key}"' for h in asked)
        note = f"{place.note}; answered: {answers}"
        if last.ending == "credential":
            yield Place(place.where, "used", last.key, note)
        else:
            outcome: Outcome = "nothing" if last.ending == "not-found" else "failed"
            yield Place(place.where, outcome, last.key, note)


def _sources(
    credential: Credential | None, holder: Held | None, also: tuple[Held, ...]
) -> tuple[Source, ...]:
    """Every credential found for the registry, the winner first; equal ones share a number."""
    if credential is None:
        return ()
    seen: list[Credential] = []
    sources: list[Source] = []
    winner = holder or Held(credential, credential.origin, "")
    for each in (winner, *(other for other in also if other is not winner)):
        number = next((n for n, c in enumerate(seen) if _equal(c, each.credential)), len(seen))
        if number == len(seen):
            seen.append(each.credential)
        wins = each is winner
        user = each.credential.user
        sources.append(Source(each.where, each.key, user, number, wins, each.modified))
    return tuple(sources)


def _equal(one: Credential, other: Credential) -> bool:
    return (one.user, one.kind) == (other.user, other.kind) and one.secret == other.secret
