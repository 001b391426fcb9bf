"""Is the image there, for the platform that pulls it, and whole?

`HEAD` first, always: it tells status, type and digest and no registry counts it. Then the manifest
is read by its digest, as containerd does. Docker Hub counts a pull by the `GET` of a manifest, and
a multi-architecture pull once per architecture, by its platform's manifest (docker/docs,
content/manuals/docker-hub/usage/pulls.md): index and platform manifest are thus one pull, and by
tag at most one `GET` is made. Bytes that were asked for by digest are hashed. A `HEAD` has no body:
where it is refused, one `GET` brings the error's code. Only after a 404 are tags listed, to tell an
unknown tag from an unknown repository (distribution answers MANIFEST_UNKNOWN for both).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from doctor.facts.registry import ApiFact, AuthFact, ConfigRead, ImageFact, TagList
from doctor.model import Case, Hop, Target
from doctor.net.http import Reply, fetch
from doctor.net.imageconfig import beside
from doctor.net.location import Place, may_be_contacted
from doctor.net.registry import follow
from doctor.redact import Secret
from doctor.registry import imageconfig, manifest
from doctor.registry.manifest import Document

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.reference import Reference

_TAGS_PAGE = 1000
_TAGS_BYTES = 1024 * 1024
_NEAREST = 5


@dataclass(slots=True)
class _Look:
    """One image being looked at."""

    net: Net
    target: Target
    fact: ImageFact
    granted: bool = False
    """Was this client told of the image by its own right?"""

    @property
    def registry(self) -> Hop:
        return self.target.registry

    @property
    def authorization(self) -> Secret | None:
        return self.net.authorization.get(self.registry)

    async def manifest(self, method: str, reference: str) -> Reply:
        """One request for a manifest, redirects included; every answer is kept."""
        once = method == "GET" and self.granted and manifest.is_digest(reference)
        replies = await (self._once(reference) if once else self._ask(method, reference))
        self.fact = replace(self.fact, answers=(*self.fact.answers, *(r.answer for r in replies)))
        return replies[-1]

    async def _once(self, reference: str) -> tuple[Reply, ...]:
        """By digest the bytes are the same for everybody who was told of it, and registries count
        such requests: of several clients one asks. What it did not get plainly, each asks for."""
        what = ("manifest", self.registry, self.target.path_in_repository(reference))
        own = what not in self.net.begun
        replies = await self.net.once(what, lambda: self._ask("GET", reference))
        plainly = len(replies) == 1 and replies[0].answer.status == 200
        return replies if own or plainly else await self._ask("GET", reference)

    async def _ask(self, method: str, reference: str) -> tuple[Reply, ...]:
        replies, onward = await follow(
            self.registry, method, self.target.path_in_repository(f"manifests/{reference}"),
            self.net, headers={"Accept": manifest.ACCEPT}, authorization=self.authorization,
            limit=manifest.MOST_BYTES, whole=True, who=self.fact.who,
        )  # fmt: skip
        if onward is not None:
            replies = (*replies, *await self._onward(method, onward))
        return replies

    async def _onward(self, method: str, onward: Place, further: int = 3) -> tuple[Reply, ...]:
        """Manifests lie on another host (registry.k8s.io): asked for there without authorization,
        once its ladder is climbed. Clients follow too, and leave the credential behind (Go,
        net/http/client.go, shouldCopyHeaderOnRedirect)."""
        if not self.net.lines.may_speak(onward.hop):
            if may_be_contacted(onward, self.registry):
                self.fact = replace(self.fact, storage=replace(onward.hop, role="storage"))
            return ()
        replies, beyond = await follow(
            onward.hop, method, onward.target, self.net, headers={"Accept": manifest.ACCEPT},
            limit=manifest.MOST_BYTES, whole=True, who="anonymous",
        )  # fmt: skip
        if beyond is not None and further:
            replies = (*replies, *await self._onward(method, beyond, further - 1))
        return replies


async def look(case: Case, net: Net) -> ImageFact | None:
    """Read the manifest for the platform and ask the registry for its smallest layer; None for a
    bare host."""
    reference, registry = case.target.reference, case.target.registry
    if reference is None:
        return None
    auth = case.facts.get(AuthFact)
    asked = reference.digest or reference.tag or "latest"
    fact = ImageFact(
        repository=reference.repository,
        reference=asked,
        who=auth.who if auth and net.authorization.get(registry) else "anonymous",
        wanted=case.target.platform,
    )
    look = _Look(net, case.target, fact)
    head = await look.manifest("HEAD", asked)
    if head.answer.outcome != "answered" or head.answer.status == 429 or head.answer.redirects:
        return look.fact
    look.granted = head.answer.status == 200
    exact = reference.digest or head.answer.header("docker-content-digest")
    reply = await look.manifest("GET", exact if manifest.is_digest(exact) else asked)
    if reply.answer.outcome == "answered" and reply.answer.status == 404:
        return await _missing(case, look, reference)
    if reply.answer.outcome != "answered" or reply.answer.status != 200:
        return look.fact
    return await _read(case, look, reply, exact)


async def _read(case: Case, look: _Look, reply: Reply, exact: str) -> ImageFact:
    """The reference's own document, then its platform's manifest, then the layer."""
    document = manifest.parse(reply.content, reply.answer.media_type)
    look.fact = replace(
        look.fact,
        kind=document.kind,
        media_type=document.media_type,
        digest=_digest(reply.content, exact),
        platforms=document.platforms,
    )
    if not _sound(look, document, reply, exact):
        return look.fact
    if document.kind == "index":
        wanted = manifest.platform(case.target.platform)
        entry = manifest.choose(document.entries, wanted, case.target.client) if wanted else None
        if entry is None:
            return look.fact
        named = str(entry.platform) if entry.platform else ""
        look.fact = replace(look.fact, platform=named)
        reply = await look.manifest("GET", entry.digest)
        if reply.answer.outcome != "answered" or reply.answer.status != 200:
            return look.fact
        document = manifest.parse(reply.content, reply.answer.media_type)
        if not _sound(look, document, reply, entry.digest):
            return look.fact
    if document.kind != "manifest":
        of = f"for {look.fact.platform}" if look.fact.platform else "that its index names"
        flaw = f"{of} is {_named(document.kind)}, not a manifest"
        inner = look.fact.kind == "index"
        look.fact = replace(look.fact, flaw=look.fact.flaw or (flaw if inner else ""))
        return look.fact
    return await _layer(look, document)


def _named(kind: str) -> str:
    return {"index": "an index", "schema1": "a schema 1 manifest"}.get(kind, "something else")


def _sound(look: _Look, document: Document, reply: Reply, exact: str) -> bool:
    """Is it a document, and the one that was asked for?"""
    if document.kind == "unreadable":
        flaw = f"is {reply.answer.media_type}" if reply.answer.is_page else document.flaw
        look.fact = replace(look.fact, flaw=flaw)
        return False
    if manifest.is_digest(exact) and manifest.matches(reply.content, exact) is False:
        look.fact = replace(
            look.fact, flaw="has another digest than the one asked for", said_digest=exact
        )
        return False
    return True


def _digest(content: bytes, exact: str) -> str:
    if manifest.is_digest(exact) and manifest.matches(content, exact):
        return exact
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def _layer(look: _Look, document: Document) -> ImageFact:
    """Ask the registry for one byte of the smallest layer, and where no index told the platform
    for the configuration; a redirect to another host is where storage begins."""
    blob = document.smallest
    if blob is None:
        return look.fact
    layer = follow(
        look.registry, "GET", look.target.path_in_repository(f"blobs/{blob.digest}"), look.net,
        headers={"Range": "bytes=0-0"}, authorization=look.authorization,
        limit=1, who=look.fact.who,
    )  # fmt: skip
    found = None if look.fact.platform else imageconfig.of(document)
    config = ConfigRead(digest=found.digest, size=found.size) if found else None
    if config is None:
        replies, onward = await layer
    else:
        (replies, onward), config = await beside(
            layer, config, look.registry, look.target.path_in_repository(f"blobs/{config.digest}"),
            look.net, authorization=look.authorization, who=look.fact.who,
        )  # fmt: skip
        if replies[-1].location is not None and replies[-1].answer.location is not None:
            # Without its signature the configuration's link may read the same: the layer's counts.
            look.net.links[replies[-1].answer.location] = replies[-1].location
    look.fact = replace(
        look.fact,
        layers=len(document.layers),
        size=sum(layer.size for layer in document.layers),
        blob=blob.digest,
        blob_size=blob.size,
        blob_answers=tuple(r.answer for r in replies),
        config=config,
    )
    if onward is not None and may_be_contacted(onward, look.registry):
        look.fact = replace(look.fact, storage=replace(onward.hop, role="storage"))
    return look.fact


async def _missing(case: Case, look: _Look, reference: Reference) -> ImageFact:
    """404: is it the tag or the repository that is unknown, and what comes near?"""
    target = case.target
    asked = reference.tag or ("" if reference.digest else "latest")
    tags = await _list(look, target.path_in_repository(f"tags/list?n={_TAGS_PAGE}"), "tags", asked)
    look.fact = replace(look.fact, tags=tags)
    api = case.facts.get(ApiFact)
    if tags.known is False and api is not None and api.scheme != "bearer":
        catalog = target.path(f"_catalog?n={_TAGS_PAGE}")
        listed = await _list(look, catalog, "repositories", reference.repository)
        look.fact = replace(look.fact, repositories=listed)
    return look.fact


async def _list(look: _Look, target: str, name: str, wanted: str) -> TagList:
    """One page of a listing: only names of the right form count, since they are offered in
    commands."""
    from difflib import get_close_matches

    reply = await fetch(
        look.registry, "GET", target, look.net, authorization=look.authorization,
        limit=_TAGS_BYTES, whole=True, who=look.fact.who,
    )  # fmt: skip
    found = reply.json if reply.answer.status == 200 else None
    raw = found.get(name, "") if isinstance(found, dict) else ""
    answer = replace(reply.answer, body="") if reply.answer.status == 200 else reply.answer
    fits = manifest.is_tag if name == "tags" else manifest.is_repository
    names = [n for n in raw if isinstance(n, str) and fits(n)] if isinstance(raw, list) else []
    names = names[: 2 * _TAGS_PAGE]
    near = get_close_matches(wanted, names, n=_NEAREST, cutoff=0.5) if wanted else []
    return TagList(
        answer=answer,
        readable=raw is None or isinstance(raw, list),
        count=len(names),
        more=len(names) >= _TAGS_PAGE,
        near=tuple(near or names[-_NEAREST:][::-1]),
    )
