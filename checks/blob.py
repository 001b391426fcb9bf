"""Can the layers be read where the registry keeps them?

Registries hand layers over to storage or a CDN on another host. "The manifest works, the layers
fail" is that host: not reached (its ladder says where), or reached and refusing the signed link.
One byte of the smallest layer proves it; nothing is pulled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from doctor.facts.http import Answer, trouble
from doctor.facts.registry import BlobFact, ImageFact
from doctor.facts.station import Layer, ending, failing_layer
from doctor.model import Case, Check, Fact, Finding, Hop
from doctor.pki.clock import TOLERANCE
from doctor.registry.httpdate import moment
from doctor.registry.realm import is_loopback

if TYPE_CHECKING:
    from doctor.net import Net


async def probe(case: Case, net: Net) -> Fact | None:
    return await net.blob(case)


def judge(case: Case) -> Iterator[Finding]:
    image, blob = case.facts.get(ImageFact), case.facts.get(BlobFact)
    if image is None:
        return
    station = blob.further if blob is not None else image.storage
    if station is not None:
        layer = failing_layer(case.facts, station)
        if layer is not None:
            yield _unreachable(case, image, station, layer)
        return
    if blob is None or blob.answer is None or blob.hop is None:
        return
    if blob.readable and not blob.whole:
        yield _cut(case, blob, blob.answer)
    elif blob.readable:
        yield from _config(case, image, blob)
    else:
        yield from _unread(case, image, blob, blob.hop, blob.answer)


def _config(case: Case, image: ImageFact, blob: BlobFact) -> Iterator[Finding]:
    """The configuration was asked for too, for its platform: no pull does without it either."""
    config = blob.config
    answer = config.answers[-1] if config and config.answers else None
    if config is None or answer is None or answer.hop is None or answer.redirects:
        return
    if config.altered:
        has = f"bytes for the configuration {config.digest} that have another digest"
        yield _other(case, replace(blob, digest=config.digest, size=config.size), answer, has)
        return
    if answer.outcome == "too-large" or (answer.outcome == "answered" and answer.status == 200):
        return
    asked = image.config.answers if image.config else ()
    image = replace(image, blob=config.digest, blob_answers=asked)
    blob = replace(blob, digest=config.digest, size=config.size)
    yield from _unread(case, image, blob, answer.hop, answer)


def _cut(case: Case, blob: BlobFact, answer: Answer) -> Finding:
    """No client takes a layer of no bytes; that the manifest counts wrongly is possible
    otherwise, and Docker goes by the digest alone."""
    what = f"the layer {blob.digest} has {blob.length} bytes there; its manifest says {blob.size}"
    found = _other(case, blob, answer, what)
    evidence = {**found.evidence, "length": blob.length}
    return replace(found, evidence=evidence, confidence="likely" if blob.length else "certain")


def _other(case: Case, blob: BlobFact, answer: Answer, what: str) -> Finding:
    """Read, and not what the manifest names."""
    found = _found(case, "registry.bad-response", blob, answer.hop or case.target.registry, answer)
    return replace(found, params={**found.params, "what": what})


def _unread(
    case: Case, image: ImageFact, blob: BlobFact, hop: Hop, answer: Answer
) -> Iterator[Finding]:
    stored = hop != case.target.registry
    if answer.status == 429:
        return
    if answer.outcome != "answered" and stored:
        yield _unreachable(case, image, hop, "http", answer)
    elif answer.outcome == "answered" and answer.status == 404:
        yield _found(case, "registry.blob-missing", blob, hop, answer)
    elif answer.redirects:
        yield _redirected(case, blob, hop, answer)
    elif stored or answer.status in (401, 403):
        yield _found(case, "registry.blob-refused", blob, hop, answer)
    else:
        yield _found(case, trouble(answer) or "registry.bad-response", blob, hop, answer)


def _redirected(case: Case, blob: BlobFact, hop: Hop, answer: Answer) -> Finding:
    """In circles, to what is no address, or to a place that is not asked from here: plain HTTP, an
    address that lies near us. Clients do ask there, so the layer is unproven then, and the pull may
    work."""
    away, storage = False, ""
    if answer.adrift or not answer.location:
        what = f"a redirect to {answer.location or 'nowhere'}, which no client can follow"
    else:
        led = urlsplit(answer.location)
        here = is_loopback(hop.host) and led.netloc == hop.authority  # plain HTTP is spoken there
        away = not here and (led.scheme, led.hostname) != (hop.scheme, hop.host)
        storage = f"{led.scheme}://{led.netloc}/" if away else ""
        what = (
            f"a redirect to {answer.location} (not followed here)"
            if away
            else f"redirects without end to {answer.location}"
        )
    found = _found(case, "registry.bad-response", blob, hop, answer)
    params = {**found.params, "what": what, "storage_url": storage}
    return replace(found, severity="warning" if away else None, params=params)


def _unreachable(
    case: Case, image: ImageFact, hop: Hop, layer: Layer, answer: Answer | None = None
) -> Finding:
    params = ending(case.facts, hop, layer, answer)
    params["wanted"] = "layers" if image.blob else "the manifest"
    redirect = image.blob_answers[-1] if image.blob_answers else image.answer
    evidence: dict[str, Any] = {
        "storage": hop.name,
        "layer": layer,
        "seen": params["said"],
        "redirect": redirect.location if redirect else None,
        "digest": image.blob,
    }
    if answer is not None:
        evidence |= answer.proof
    return Finding(
        "registry.blob-unreachable",
        hop=hop,
        evidence={key: value for key, value in evidence.items() if value not in ("", None)},
        params=params,
    )


def _found(case: Case, code: str, blob: BlobFact, hop: Hop, answer: Answer) -> Finding:
    evidence: dict[str, Any] = {**answer.proof, "digest": blob.digest, "size": blob.size}
    behind = _behind(case, answer)
    if behind is not None:
        evidence |= {"our_clock": case.target.now.isoformat(), "seconds_behind": behind}
    params = {**answer.words, "digest": blob.digest}
    if behind is not None and abs(behind) > TOLERANCE:
        params["clock"] = f"{abs(behind)} seconds {'behind' if behind > 0 else 'ahead of'}"
    return Finding(code, hop=hop, subject=blob.digest, evidence=evidence, params=params)


def _behind(case: Case, answer: Answer) -> int | None:
    """How many seconds our clock is behind the storage's `Date`; negative when it is ahead."""
    there = moment(answer.header("date"))
    return None if there is None else round((there - case.target.now).total_seconds())


CHECK = Check(
    name="blob",
    scope="target",
    of_image=True,
    needs=("image", "tls@storage"),
    probe=probe,
    judge=judge,
    budget=20.0,
    question="Can the layers be read where the registry keeps them?",
)
