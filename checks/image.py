"""Is the image there, for the platform that pulls it, in a form that clients take?

A 404 is told apart as far as the registry allows: an unknown tag (the repository's tags are
listed), an unknown repository, or neither can be told. An answer that is no manifest, or another
one than was asked for, breaks the protocol.

An index that lacks the platform ends a pull. A single manifest does not: there is nothing to choose
from, and every client takes it whatever it is built for; what it holds then does not start. Seen in
moby/moby issue 46765 (docker, both image stores), containerd core/images/image.go (`Manifest`:
"without considering the platform inside of the config"), containers/image copy/single.go
(checkImageDestinationForCurrentRuntime: a line in the log), go-containerregistry
pkg/v1/remote/descriptor.go (`Descriptor.Image`). Hence a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.facts.access import Conclusion, missing, unshown
from doctor.facts.http import Answer, trouble
from doctor.facts.registry import BlobFact, ConfigRead, ImageFact, TagList
from doctor.model import Case, Check, Fact, Finding

if TYPE_CHECKING:
    from doctor.net import Net


async def probe(case: Case, net: Net) -> Fact | None:
    return await net.image(case)


def judge(case: Case) -> Iterator[Finding]:
    image = case.facts.get(ImageFact)
    if image is None or image.answer is None:
        return
    answer = image.answer
    code = _unusable(image, answer)
    if image.left_behind and answer.outcome == "answered" and answer.status in (401, 403):
        yield _left_behind(case, image, answer)
    elif code:
        led = f"a redirect to {answer.location or 'nowhere'}" if answer.redirects else ""
        yield _broken(case, code, answer, led or answer.said)
    for found in missing(case):
        yield _missing(case, image, answer, found)
    if answer.outcome == "answered" and answer.status == 200:
        yield from _content(case, image, answer)


def _left_behind(case: Case, image: ImageFact, answer: Answer) -> Finding:
    """No client's credential follows a redirect to another host, so a refusal there is no word
    about it."""
    there = answer.hop.name if answer.hop else "another host"
    led = next((each.location for each in reversed(image.answers) if each.location), None)
    what = (
        f"the manifest is redirected to {there}, which answered {answer.said}; clients leave the "
        "credential behind on the way to another host"
    )
    evidence = {**answer.proof, "redirect": led}
    params = {**answer.words, "what": what}
    return Finding("registry.bad-response", hop=case.at, evidence=evidence, params=params)


def _unusable(image: ImageFact, answer: Answer) -> str:
    """The code of an answer that is neither a manifest nor a refusal, nor "not there"."""
    broken = trouble(answer)
    if broken is not None:
        return broken
    if answer.redirects:
        return "" if image.storage is not None else "registry.bad-response"
    return "" if answer.status in (200, 401, 403, 404, 429) else "registry.bad-response"


def _content(case: Case, image: ImageFact, answer: Answer) -> Iterator[Finding]:
    """The manifest was answered: what is it?"""
    if answer.is_page:
        yield _broken(case, "registry.not-a-registry", answer, "a web page instead of a manifest")
    elif image.flaw:
        yield _broken(case, "registry.bad-response", answer, f"a manifest that {image.flaw}", image)
    elif image.kind == "schema1":
        evidence = {"media_type": image.media_type, "digest": image.digest, **answer.proof}
        yield Finding(
            "registry.old-schema", hop=case.at, evidence=evidence,
            params={"media_type": image.media_type, "digest": image.digest},
        )  # fmt: skip
    elif image.kind == "index" and not image.platform and not image.blob:
        yield _platform(case, image)
    elif image.found:
        yield from _mistaken(case, image)
        yield from _single(case, image)
    if image.reference == "latest" and image.found:
        pinned = f"{_name(case)}@{image.digest}"
        evidence = {"tag": image.reference, "digest": image.digest}
        params = {"pinned": pinned, "digest": image.digest}
        yield Finding(
            "registry.tag-moves",
            hop=case.at,
            subject=image.reference,
            evidence=evidence,
            params=params,
        )


def _mistaken(case: Case, image: ImageFact) -> Iterator[Finding]:
    """A manifest that is served as something else, as by a plain web server: clients go by the
    Content-Type (containers/image manifest/manifest.go, NormalizedMIMEType: schema 1, then;
    containerd core/remotes/docker/resolver.go, getManifestMediaType; distribution manifests.go,
    UnmarshalManifest), go-containerregistry by the bytes."""
    from doctor.registry.manifest import INDEXES, MANIFESTS

    for answer in image.answers:
        told = answer.media_type
        if answer.method != "GET" or answer.status != 200 or told in INDEXES | MANIFESTS:
            continue
        kind = f"the Content-Type {told}" if told else "no Content-Type"
        what = f"a manifest with {kind}, which docker, containerd and podman take for none then"
        found = _broken(case, "registry.bad-response", answer, what)
        lax = case.target.client in ("shell", "crane")
        yield replace(found, severity="warning") if lax else found
        return


def _platform(case: Case, image: ImageFact) -> Finding:
    offered = ", ".join(image.platforms) or "no platform at all"
    return _not_built(case, image.platforms, f"offered for {offered}", {"index": image.digest})


def _single(case: Case, image: ImageFact) -> Iterator[Finding]:
    """Of a single manifest, the configuration tells the platform: given by the registry, or by its
    storage."""
    from doctor.registry.imageconfig import runs
    from doctor.registry.manifest import platform

    blob = case.facts.get(BlobFact)
    config = (blob.config if blob else None) or image.config or ConfigRead()
    wanted = platform(case.target.platform)
    if config.platform is None or wanted is None or runs(config.platform, wanted):
        return
    built = str(config.platform)
    offer = (
        f"a single manifest, built for {built}, which is pulled all the same and does not start "
        "without emulation"
    )
    proof = {"manifest": image.digest, "config": config.digest}
    yield _not_built(case, (built,), offer, proof, single=True)


def _not_built(
    case: Case,
    offered: Sequence[str],
    offer: str,
    proof: Mapping[str, str],
    *,
    single: bool = False,
) -> Finding:
    needed = case.target.platform
    near = next((p for p in offered if p.partition("/")[0] == needed.partition("/")[0]), "")
    evidence = {
        "needed": needed, "offered": list(offered), **proof, "client": case.target.client,
    }  # fmt: skip
    params = {
        "needed": needed, "offer": offer, "other": near, "single": "yes" if single else "",
    }  # fmt: skip
    return Finding(
        "registry.platform-missing",
        hop=case.at,
        severity="warning" if single else None,
        evidence=evidence,
        params=params,
    )


def _missing(case: Case, image: ImageFact, answer: Answer, found: Conclusion) -> Finding:
    tags = image.tags or TagList()
    evidence: dict[str, Any] = {**answer.proof, "because": found.because}
    params = {
        "repository": image.repository,
        "reference": image.reference,
        "wanted": f"{'digest' if ':' in image.reference else 'tag'} {image.reference}",
        "because": found.because,
    }
    if tags.answer is not None:
        evidence["tags"] = {"status": tags.answer.status, "count": tags.count, "more": tags.more}
    if found.code == "registry.manifest-unknown":
        evidence["nearest"] = list(tags.near)
        params["nearest"] = ", ".join(tags.near)
        if tags.near:
            params["corrected"] = f"{_name(case)}:{tags.near[0]}"
        if image.platform:
            evidence["index"] = image.digest
            params["wanted"] = f"manifest for {image.platform} ({answer.path.rpartition('/')[2]})"
    elif image.repositories is not None and image.repositories.near:
        near = image.repositories.near
        evidence["nearest"] = list(near)
        params["nearest"] = ", ".join(near)
        params["corrected"] = _name(case).removesuffix(image.repository) + near[0]
    why = unshown(case) if found.code == "auth.denied-or-missing" else ""
    if why:
        evidence["not_asked"] = why
    return Finding(
        found.code,
        severity="warning" if why else None,
        hop=case.at,
        subject=image.reference if found.code == "registry.manifest-unknown" else image.repository,
        confidence="possible" if why else found.confidence,
        evidence=evidence,
        params=params,
    )


def _broken(
    case: Case, code: str, answer: Answer, what: str, image: ImageFact | None = None
) -> Finding:
    evidence: dict[str, Any] = {**answer.proof, "what": what}
    if image is not None:
        evidence |= {"digest": image.digest, "expected_digest": image.said_digest}
    return Finding(
        code,
        hop=answer.hop or case.at,
        evidence={key: value for key, value in evidence.items() if value not in ("", None)},
        params={**answer.words, "what": what, "expected": "a registry sends none"},
    )


def _name(case: Case) -> str:
    """The image's name without tag and digest, as the user's client takes it."""
    reference = case.target.reference
    return reference.name if reference else case.target.named


CHECK = Check(
    name="image",
    scope="target",
    of_image=True,
    needs=("auth", "tls@storage"),
    probe=probe,
    judge=judge,
    budget=30.0,
    question="Does the image exist, for this platform?",
)
