"""From which endpoint would the client have the image, and what came of the others?

A client with mirrors asks them in order, then the registry. Each endpoint is diagnosed as a pull
from it would go, all at once; the report is that of the first that serves the image, else that of
the last one, whose error is the one most clients show. What the others lack is told beside it, by
the check `client.endpoints`.

A mirror gets no credential that was given for the registry: only what the client itself finds for
the mirror (CONTRACT, promise 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.endpoint import Endpoint, EndpointSeen, EndpointsFact, home
from doctor.facts.registry import ApiFact, AuthFact, ImageFact
from doctor.model import Diagnosis, Target

if TYPE_CHECKING:
    from doctor.credential import Credential
    from doctor.engine import Engine, Walk
    from doctor.model import Client
    from doctor.net import Net


async def diagnose(
    engine: Engine, target: Target, client: Client, net: Net, given: Credential | None = None
) -> Diagnosis:
    """The diagnosis of the pull as this client fares, its mirrors included. `given` is the
    credential of `--username`."""
    fact = client.endpoints(target)
    assert isinstance(fact, EndpointsFact)  # noqa: S101 - the protocol says so
    if len(fact.asked) == 0 or fact.asked == (home(target),):
        return await engine.diagnose(target, client, _own(target, client, net, given))
    aimed = [aim(target, endpoint) for endpoint in fact.asked]
    walks = await asyncio.gather(
        *(engine.walk(each, client, _own(each, client, net, given)) for each in aimed)
    )
    diagnoses = [walk.diagnosis() for walk in walks]
    seen = tuple(map(told, fact.asked, diagnoses))
    chosen = next((n for n, each in enumerate(seen) if each.serves), len(seen) - 1)
    return _with_others(walks, chosen, replace(fact, seen_at=seen))


def _own(target: Target, client: Client, net: Net, given: Credential | None) -> Net:
    is_mirror = target.registry.role == "mirror"
    return net.for_pull(client.name, target.registry, None if is_mirror else given)


def aim(target: Target, endpoint: Endpoint) -> Target:
    """The same pull, asked of that endpoint."""
    reference = target.reference
    assert reference is not None  # noqa: S101 - a bare host has no endpoints to choose from
    if endpoint.hop == target.registry and endpoint.repository == reference.repository:
        return replace(target, endpoint=endpoint)
    there = replace(reference, domain=endpoint.hop.authority, repository=endpoint.repository)
    return replace(
        target, registry=endpoint.hop, reference=there, asked=reference, endpoint=endpoint
    )


def told(endpoint: Endpoint, diagnosis: Diagnosis) -> EndpointSeen:
    """An endpoint's diagnosis in the words of a comparison."""
    cause = next((f for f in diagnosis.findings if f.root_cause), None)
    image = diagnosis.facts.get(ImageFact)
    api, auth = diagnosis.facts.get(ApiFact), diagnosis.facts.get(AuthFact)
    challenge = api.challenge if api else None
    return EndpointSeen(
        endpoint=endpoint,
        verdict=diagnosis.verdict,
        layer=cause.check if cause else "",
        reason=cause.detail if cause else "",
        root_causes=diagnosis.root_causes,
        digest=image.digest if image else "",
        challenge=challenge.scheme if challenge else "",
        has_credential=bool(auth and auth.has_credential),
    )


def _with_others(walks: Sequence[Walk], chosen: int, fact: EndpointsFact) -> Diagnosis:
    """The chosen walk's diagnosis, with what was seen of the other endpoints' hosts beside it."""
    walk = walks[chosen]
    known = {(type(each), at) for at, each in walk.facts}
    for other in walks:
        for at, each in other.facts:
            if at is not None and (type(each), at) not in known:
                walk.facts.add(each, at)
    walk.facts.add(fact)
    return walk.diagnosis()
