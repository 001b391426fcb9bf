"""From which endpoint would the client have the image, and what came of the others?

A client with mirrors asks them in order, then the registry. Each endpoint is diagnosed as a pull
from it would go, all at once; the report is that of the first that serves the image, else that of
the last one, whose error is the one most clients show (`EndpointsFact.decides`). What the others
lack is told beside it, by the check `client.endpoints`.

A mirror gets no credential that was given for the registry, and neither does the second registry
that a short name may be on: only what the client itself finds for the mirror (CONTRACT, promise 2).

The kubelet that has several credentials pulls once with each of them, in order, until one pull ends
well (kubernetes pkg/kubelet/kuberuntime/kuberuntime_image.go). Each is diagnosed as the pull of its
own that it is; what counts is the first that serves, else the last. Other clients have one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.credential import CredentialFact
from doctor.facts.endpoint import Endpoint, EndpointSeen, EndpointsFact, home
from doctor.facts.registry import ApiFact, AuthFact, ImageFact
from doctor.frozen import frozen
from doctor.model import Diagnosis, Fact, ReadsShortNames, Target, Verdict

if TYPE_CHECKING:
    from doctor.credential import Credential
    from doctor.engine import Engine
    from doctor.engine.walk import Walk
    from doctor.model import Client
    from doctor.net import Net
    from doctor.outcome import Outcomes

_MOST_ATTEMPTS = 8
_OF_THE_CREDENTIAL = frozenset(
    f"auth.{cause}"
    for cause in ("rejected", "forbidden", "denied-or-missing", "token-expired", "whitespace")
)


async def diagnose(
    engine: Engine, target: Target, client: Client, net: Net, given: Credential | None = None
) -> Diagnosis:
    """The diagnosis of the pull as this client fares, its mirrors included. `given` is the
    credential of `--username`."""
    return (await look(engine, target, client, net, given)).diagnosis()


def seen_by(target: Target, client: Client) -> Target:
    """The same pull by that client, and by the runtime that it has pull."""
    runtime = getattr(getattr(client, "runtime", None), "name", "")
    return replace(target, client=client.name, runtime=runtime)


def meant(target: Target, client: Client) -> tuple[Target, ...]:
    """The images that the client takes the text for, in its order; as a rule one."""
    return client.meant(target) if isinstance(client, ReadsShortNames) else (target,)


@frozen
class Pull:
    """How one client's pull went: a walk for each endpoint that it asks, in its order."""

    client: Client
    walks: tuple[Walk, ...]
    endpoints: EndpointsFact

    @property
    def walk(self) -> Walk:
        """That of the endpoint that decides."""
        return self.walks[self.endpoints.decides if self.endpoints.seen_at else -1]

    def diagnosis(self, *more: Fact) -> Diagnosis:
        """What follows from the walk that decides. `more`: what is known besides."""
        for each in more:
            self.walk.facts.add(each)
        return self.walk.diagnosis()


async def look(
    engine: Engine,
    target: Target,
    client: Client,
    net: Net,
    given: Credential | None = None,
    like: Sequence[Outcomes] | None = None,
) -> Pull:
    """The first image of those meant that can be pulled, else the last one that there was time for.
    `like`: how the checks went at each endpoint for another client that asks the same ones, as this
    one would have seen it."""
    *others, last = meant(target, client)
    for each in others:
        pull = await _look(engine, each, client, net, given, like)
        given = None
        if net.deadline <= time.monotonic() or pull.diagnosis().verdict in ("pass", "warn"):
            return pull
    return await _look(engine, last, client, net, given, like)


async def _look(
    engine: Engine,
    target: Target,
    client: Client,
    net: Net,
    given: Credential | None,
    like: Sequence[Outcomes] | None,
) -> Pull:
    """Every endpoint that the client asks, all at once."""
    fact = client.endpoints(target)
    assert isinstance(fact, EndpointsFact)  # noqa: S101 - the protocol says so
    if len(fact.asked) == 0 or fact.asked == (home(target),):
        aimed = [target]
    else:
        aimed = [aim(target, endpoint) for endpoint in fact.asked]
    shown: Sequence[Outcomes | None] = like or [None] * len(aimed)
    walks = await asyncio.gather(
        *(
            _attempts(engine, each, client, _own(each, client, net, given), other)
            for each, other in zip(aimed, shown, strict=True)
        )
    )
    if aimed[-1].endpoint is None:
        return Pull(client, tuple(walks), fact)
    seen = tuple(told(e, walk.diagnosis()) for e, walk in zip(fact.asked, walks, strict=True))
    pull = Pull(client, tuple(walks), replace(fact, seen_at=seen))
    _show_others(pull.walk, walks)
    pull.walk.correct(pull.endpoints)
    return pull


async def _attempts(
    engine: Engine, target: Target, client: Client, net: Net, like: Outcomes | None
) -> Walk:
    """The pull as it ends, after the credentials that were tried in vain. `like` is of the
    first."""
    done = await engine.walk(target, client, net, like)
    while net.attempt < _MOST_ATTEMPTS and _goes_on(done):
        net = net.again()
        done = await engine.walk(target, client, net)
    return done


def _goes_on(done: Walk) -> bool:
    """Is the credential why the pull fails, and is there another one?"""
    fact = done.facts.get(CredentialFact)
    if fact is None or not (fact.found and fact.more):
        return False
    return not _OF_THE_CREDENTIAL.isdisjoint(done.diagnosis().root_causes)


def _own(target: Target, client: Client, net: Net, given: Credential | None) -> Net:
    is_mirror = target.registry.role == "mirror"
    return net.for_pull(client.name, target.registry, None if is_mirror else given)


def aim(target: Target, endpoint: Endpoint) -> Target:
    """The same pull, asked of that endpoint."""
    reference = target.reference
    assert reference is not None  # noqa: S101 - a bare host has no endpoints to choose from
    if endpoint.hop == target.registry and endpoint.repository == reference.repository:
        return replace(target, endpoint=endpoint)
    domain = endpoint.domain or endpoint.hop.authority
    there = replace(reference, domain=domain, repository=endpoint.repository)
    return replace(
        target, registry=endpoint.hop, reference=there, asked=reference, endpoint=endpoint
    )


def told(endpoint: Endpoint, diagnosis: Diagnosis) -> EndpointSeen:
    """An endpoint's diagnosis in the words of a comparison. A fault of the client itself is none of
    the endpoint's, and what is wrong at a host comes before what is wrong in a file."""
    facts = diagnosis.facts
    image, api, auth = facts.get(ImageFact), facts.get(ApiFact), facts.get(AuthFact)
    answers = [each for each in api.answers if each.status] if api else []
    causes = [f for f in diagnosis.findings if f.root_cause and (f.hop or f.check != "client")]
    causes.sort(key=lambda f: f.hop is None)
    credential = facts.get(CredentialFact)
    reason = causes[0].detail if causes else credential.withheld if credential else ""
    verdict: Verdict = "fail" if causes else "incomplete"
    if not causes and image and image.found and diagnosis.verdict != "incomplete":
        verdict = "pass"
    elif not causes and image is None:
        reason = reason or "it was not asked for the image"
    return EndpointSeen(
        endpoint=endpoint,
        verdict=verdict,
        layer=causes[0].check if causes else "",
        reason=reason,
        root_causes=diagnosis.root_causes,
        digest=image.digest if image else "",
        challenge=api.challenge.scheme if api and api.challenge else "",
        has_credential=bool(auth and auth.has_credential),
        status=_status(image, api),
        http_ms=answers[0].ms if answers else None,
    )


def _status(image: ImageFact | None, api: ApiFact | None) -> int | None:
    """Of the last answer that the image was asked for with, or else the API."""
    answers = (image.answer if image else None, api.answer if api else None)
    return next((each.status for each in answers if each and each.status), None)


def _show_others(chosen: Walk, walks: Sequence[Walk]) -> None:
    """What was seen of the other endpoints' hosts stands beside the chosen one's."""
    known = {(type(each), at) for at, each in chosen.facts}
    for other in walks:
        for at, each in other.facts:
            if at is not None and (type(each), at) not in known:
                chosen.facts.add(each, at)
