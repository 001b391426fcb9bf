"""What was learned by speaking the registry protocol: the API, the login, the image, its layers?

One fact a check. They keep every `Answer` on which they rest, so that a judge can prove what it
says and a bundle can be judged again. Nothing in them is a secret: a token is told by what it
grants, a signed link by its host and the names of its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from doctor.facts.http import Answer, Who
from doctor.facts.login import (
    AnonymousFact,
    AuthFact,
    Ruling,
    RulingCode,
    Scheme,
    TokenOutcome,
    TokenTry,
)
from doctor.frozen import frozen
from doctor.model import Case, Fact, Hop
from doctor.registry.challenge import Challenge, choose, parse

if TYPE_CHECKING:
    from doctor.registry.manifest import Platform

__all__ = [
    "AnonymousFact",
    "ApiFact",
    "AuthFact",
    "BlobFact",
    "ConfigRead",
    "ImageFact",
    "Ruling",
    "RulingCode",
    "Scheme",
    "TagList",
    "TokenOutcome",
    "TokenTry",
    "answers",
    "speaks_registry",
]

_VENDOR = "application/vnd."


@frozen(kw_only=True)
class ApiFact(Fact):
    """What `GET /v2/` without a credential brought. `ok`: a registry answers here."""

    answers: tuple[Answer, ...] = ()
    """The request and the redirects it took on the same host; the last one counts."""
    fallback: Answer | None = None
    """`HEAD` of the image's manifest, where /v2/ itself did not answer as a registry's does: some
    that work do not."""
    challenges: tuple[Challenge, ...] = ()
    token: Hop | None = None
    """The token service that a Bearer challenge names, where it may be contacted."""
    elsewhere: Hop | None = None
    """Another host that /v2/ redirects to, where that is a registry's address too (registry.k8s.io
    works so)."""

    @property
    def answer(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def challenge(self) -> Challenge | None:
        return choose(self.challenges)

    @property
    def scheme(self) -> Scheme:
        if self.challenge is not None:
            return "bearer" if self.challenge.scheme == "bearer" else "basic"
        return "unsupported" if self.challenges else "none"

    @property
    def ok(self) -> bool:
        if self.elsewhere is not None:
            return True
        spoken = (self.answer, self.fallback)
        return any(answer is not None and speaks_registry(answer) for answer in spoken)

    @property
    def hurried(self) -> bool:
        return not self.ok and _hurried(self.answer, self.fallback)

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return tuple(hop for hop in (self.token, self.elsewhere) if hop is not None)

    @property
    def seen(self) -> str:
        answer = self.fallback or self.answer
        if answer is None:
            return ""
        asks = {"bearer": ", asks for a token", "basic": ", asks for a login"}.get(self.scheme, "")
        return f"{answer.said}{asks}"


def speaks_registry(answer: Answer) -> bool:
    """Is this how a registry answers: 200 that is no web page, or 401 with a login that its clients
    know?

    For a manifest (`HEAD`), also 404 with the API's own header or error body: the registry is
    there, the image is not.
    """
    if answer.outcome != "answered" or (answer.is_page and answer.status != 401):
        return False
    if answer.status == 401:
        return choose(parse(answer.all("www-authenticate"))) is not None
    names = ("docker-distribution-api-version", "docker-content-digest")
    marked = any(answer.header(name) for name in names) or answer.media_type.startswith(_VENDOR)
    if answer.status == 404:
        return marked or answer.code in ("NAME_UNKNOWN", "MANIFEST_UNKNOWN")
    return answer.status == 200 and (marked or answer.method == "GET")


@frozen(kw_only=True)
class TagList:
    """What the registry lists. `near`: the names most like the one asked for."""

    answer: Answer | None = None
    readable: bool = True
    """Is the body of a successful answer a list of names? Null counts, as an empty one."""
    count: int = 0
    more: bool = False
    near: tuple[str, ...] = ()

    @property
    def known(self) -> bool | None:
        """Does the repository exist? None: this answer does not say."""
        if self.answer is None or self.answer.outcome != "answered":
            return None
        if self.answer.status == 200:
            return True if self.readable else None
        return False if self.answer.status == 404 and self.answer.code == "NAME_UNKNOWN" else None


@frozen(kw_only=True)
class ConfigRead:
    """The configuration of an image that is a single manifest, as far as it could be read."""

    digest: str = ""
    size: int = 0
    answers: tuple[Answer, ...] = ()
    """As of a layer: the request, and redirects on the same host. Empty: not asked for."""
    platform: Platform | None = None
    """The one that it names, where all of it was read and has its digest."""
    altered: bool = False
    """All of it was read, and it has another digest."""


@frozen(kw_only=True)
class ImageFact(Fact):
    """The manifest for the platform, and where its smallest layer lies. `ok`: a layer can be asked
    for."""

    repository: str = ""
    reference: str = ""
    """The tag or digest that was asked for."""
    who: Who = "anonymous"
    answers: tuple[Answer, ...] = ()
    """The requests for manifests, in order; the last one counts."""
    kind: Literal["", "index", "manifest", "schema1", "unreadable"] = ""
    """Of what the reference names."""
    media_type: str = ""
    digest: str = ""
    """Of what the reference names, computed from its bytes."""
    said_digest: str = ""
    """Docker-Content-Digest, or the digest asked for, where it differs from the bytes'."""
    flaw: str = ""
    """How an answer breaks the protocol: its subject is the manifest."""
    wanted: str = ""
    platforms: tuple[str, ...] = ()
    """What the index offers."""
    platform: str = ""
    """The one taken; empty for a single manifest."""
    layers: int = 0
    size: int = 0
    """Of all layers, in bytes."""
    blob: str = ""
    """The digest of the layer that is to be proven readable."""
    blob_size: int = 0
    blob_answers: tuple[Answer, ...] = ()
    """The request for it to the registry, and redirects on the same host."""
    config: ConfigRead | None = None
    """None where an index told the platform, or it is no image."""
    storage: Hop | None = None
    """The other host that the registry sends clients to for it."""
    tags: TagList | None = None
    repositories: TagList | None = None

    @property
    def answer(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def found(self) -> bool:
        """Was the manifest read and is it sound?"""
        return self.kind in ("index", "manifest") and not self.flaw and bool(self.blob)

    @property
    def ok(self) -> bool:
        return self.found

    @property
    def hurried(self) -> bool:
        return _hurried(self.answer)

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return (self.storage,) if self.storage is not None else ()

    @property
    def left_behind(self) -> bool:
        """Was another host asked last, to which the credential in use does not go?"""
        answer = self.answer
        return answer is not None and answer.who == "anonymous" and self.who != "anonymous"

    @property
    def goes_on_at(self) -> Hop | None:
        return self.storage if self.answer is not None and self.answer.redirects else None

    @property
    def seen(self) -> str:
        if self.found:
            return f"{self.platform or self.kind}, {_count(self.layers)}, {self.digest[:19]}"
        if self.answer is None:
            return ""
        onward = self.goes_on_at
        return f"{self.answer.said}{f', to {onward.name}' if onward else ''}"


@frozen(kw_only=True)
class BlobFact(Fact):
    """Could one byte of the smallest layer be read where the registry keeps it?"""

    hop: Hop | None = None
    """Who gave it, or refused it, in the end."""
    digest: str = ""
    size: int = 0
    answers: tuple[Answer, ...] = ()
    further: Hop | None = None
    """A third host that storage redirects to; its ladder is looked at, the layer is not asked for
    there."""
    config: ConfigRead | None = None
    """The image's, read where the registry keeps it."""
    flaw: str = ""

    @property
    def answer(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def readable(self) -> bool:
        answer = self.answer
        return (
            answer is not None and answer.outcome == "answered" and answer.status in (200, 206, 416)
        )

    @property
    def length(self) -> int | None:
        """How many bytes the layer has there, where the answer says so: all that 200 brings, or
        what follows the `/` of a part's Content-Range (RFC 9110, section 14.4)."""
        answer = self.answer
        if answer is None or answer.header("content-encoding").lower() not in ("", "identity"):
            return None
        told = answer.header("content-length")
        if answer.status != 200:
            told = answer.header("content-range").rpartition("/")[2]
        return int(told) if told.isdecimal() and told.isascii() and len(told) < 20 else None

    @property
    def whole(self) -> bool:
        """Is it as long as the manifest says, as far as the answer tells?"""
        return self.length in (None, self.size)

    @property
    def ok(self) -> bool:
        return self.readable and self.whole

    @property
    def hurried(self) -> bool:
        config = self.config.answers if self.config else ()
        return _hurried(self.answer, *config[-1:])

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return (self.further,) if self.further is not None else ()

    @property
    def seen(self) -> str:
        if self.ok and self.hop is not None:
            return f"a layer is readable at {self.hop.name}"
        return self.answer.said if self.answer else ""


def _count(layers: int) -> str:
    return "1 layer" if layers == 1 else f"{layers} layers"


def _hurried(*answers: Answer | None) -> bool:
    return any(answer is not None and answer.hurried for answer in answers)


def answers(case: Case) -> Iterator[tuple[Hop, Answer]]:
    """Every answer of this run with the hop that gave it: what the rate check looks through for
    limits."""
    for _, fact in case.facts:
        for answer in _of(fact):
            if answer.hop is not None:
                yield answer.hop, answer


def _of(fact: Fact) -> Iterator[Answer]:
    match fact:
        case ApiFact():
            yield from fact.answers
            yield from (fact.fallback,) if fact.fallback else ()
        case AuthFact():
            for each in fact.tries:
                yield from each.answers
        case AnonymousFact():
            yield from fact.token.answers if fact.token else ()
            yield from (fact.head,) if fact.head else ()
        case ImageFact():
            yield from (*fact.answers, *fact.blob_answers)
            yield from fact.config.answers if fact.config else ()
            for listed in (fact.tags, fact.repositories):
                yield from (listed.answer,) if listed and listed.answer else ()
        case BlobFact():
            yield from fact.answers
            yield from fact.config.answers if fact.config else ()
