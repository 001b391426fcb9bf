"""Is what a registry says read as its clients read it, with a pull's own number of requests?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from doctor.facts.registry import (
    AnonymousFact,
    ApiFact,
    AuthFact,
    BlobFact,
    ImageFact,
    answers,
)
from doctor.model import Case, Hop
from doctor.net import Net
from doctor.net.http import fetch
from tests.lab import distribution as lab
from tests.lab.origin import Origin, Request, answer, case_of, credential, origin, ready, walk
from tests.lab.tokens import TokenService

API = ("Docker-Distribution-Api-Version", "registry/2.0")


def seen(
    script: Callable[[Request], bytes], image: str = "lab/app:1.0", **target: Any
) -> tuple[Case, Origin]:
    """What the checks see of a registry that answers so."""

    async def run() -> tuple[Case, Origin]:
        async with origin(script) as server:
            net = ready(Net(), server.hop)
            try:
                return await walk(case_of(server.hop, image, **target), net), server
            finally:
                await net.close()

    return asyncio.run(run())


def ping(script: Callable[[Request], bytes], image: str = "") -> tuple[ApiFact, Origin]:
    case, server = seen(script, image)
    fact = case.facts.get(ApiFact)
    assert fact is not None
    return fact, server


# The API


def test_a_registry_that_asks_for_nothing() -> None:
    fact, server = ping(lambda r: answer(200, {}, API))
    assert (fact.ok, fact.scheme, server.asked) == (True, "none", ["GET /v2/"])


def test_a_bearer_challenge_leads_to_its_token_service() -> None:
    def script(request: Request) -> bytes:
        realm = 'Bearer realm="https://auth.Example.test/token?x=1",service="s"'
        return answer(401, b"", ("WWW-Authenticate", realm))

    fact, _ = ping(script)
    # A registry on loopback may not send us to other hosts' plain HTTP, but to their HTTPS.
    assert fact.leads_to == (Hop("token", "auth.example.test", 443),)
    assert (fact.ok, fact.scheme) == (True, "bearer")


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example.test/token",
        "https://169.254.169.254/latest/meta-data/",
        "https://user:pass@auth.example.test/token",
        "/token",
        "ftp://auth.example.test/",
        "",
    ],
)
def test_a_realm_that_may_not_be_contacted_leads_nowhere(realm: str) -> None:
    fact, _ = ping(lambda r: answer(401, b"", ("WWW-Authenticate", f'Bearer realm="{realm}"')))
    assert fact.leads_to == ()


def test_redirects_on_the_same_host_are_taken_and_loops_end() -> None:
    fact, server = ping(
        lambda r: (
            answer(200, {}, API)
            if r.target == "/v2/?a"
            else answer(301, b"", ("Location", "/v2/?a"))
        )
    )
    assert (fact.ok, len(server.requests)) == (True, 2)
    fact, server = ping(lambda r: answer(302, b"", ("Location", r.target)))
    assert (fact.ok, len(server.requests)) == (False, 6)


def test_a_redirect_to_another_registry_is_followed_up_and_one_to_a_portal_is_not() -> None:
    fact, _ = ping(lambda r: answer(307, b"", ("Location", "https://eu.registry.test/v2/")))
    assert fact.leads_to == (Hop("storage", "eu.registry.test", 443),)
    fact, _ = ping(lambda r: answer(302, b"", ("Location", "https://portal.test/login?from=x")))
    assert (fact.leads_to, fact.ok) == ((), False)


def test_a_registry_that_answers_404_at_v2_and_works() -> None:
    def script(request: Request) -> bytes:
        if request.path == "/v2/":
            return answer(404, b"no such page")
        return answer(401, b"", ("WWW-Authenticate", 'Basic realm="r"'), head=True)

    fact, server = ping(script, "lab/app:1.0")
    assert (fact.ok, fact.scheme) == (True, "basic")
    assert server.asked[:2] == ["GET /v2/", "HEAD /v2/lab/app/manifests/1.0"]


def test_a_web_server_that_answers_404_to_everything_is_no_registry() -> None:
    def script(request: Request) -> bytes:
        page = b"<html><title>Nothing here</title></html>"
        return answer(404, page, ("Content-Type", "text/html"), head=request.method == "HEAD")

    fact, server = ping(script, "lab/app:1.0")
    assert not fact.ok
    assert len(server.requests) == 2


# A healthy pull


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the lab's images."""
    return lab.filled(tmp_path_factory.mktemp("registry"))


def look(
    root: Path,
    image: str = f"{lab.REPOSITORY}:1.0",
    *,
    service: TokenService | None = None,
    auth: Mapping[str, Any] | None = None,
    login: tuple[str, str] | None = None,
    kind: Any = "password",
    redirect: Callable[[Request], bytes] | None = None,
    then: Callable[[Case, Net], Awaitable[Any]] | None = None,
    **target: Any,
) -> tuple[Case, list[str]]:
    """What the checks see of a real registry, and what was asked of all servers but it."""

    async def run() -> tuple[Case, list[str]]:
        async with (
            origin((service or TokenService()).script, role="token") as tokens,
            origin(redirect or (lambda r: answer(404)), role="storage") as storage,
        ):
            realm = f"http://127.0.0.1:{tokens.hop.port}/token"
            login_by = lab.token_auth(root, realm) if service else auth
            where = f"http://127.0.0.1:{storage.hop.port}/" if redirect else None
            with lab.distribution(root, auth=login_by, redirect=where) as hop:
                net = ready(Net(), hop)
                net.credential = credential(*login, kind=kind) if login else None
                try:
                    case = await walk(case_of(hop, image, **target), net)
                finally:
                    await net.close()
                return case, [*tokens.asked, *storage.asked]

    return asyncio.run(run())


def facts(case: Case) -> tuple[AuthFact, ImageFact]:
    auth, image = case.facts.get(AuthFact), case.facts.get(ImageFact)
    assert auth is not None
    assert image is not None
    return auth, image


def count(case: Case) -> list[str]:
    """What was asked in the checks on the path, in order."""
    beside = case.facts.get(AnonymousFact)
    aside = {beside.head, *(beside.token.answers if beside.token else ())} if beside else set()
    return [a.method for _, a in answers(case) if a not in aside]


@lab.needs_registry
def test_a_healthy_private_image_takes_six_requests(images: Path) -> None:
    service = TokenService({"me": "right"}, {"me": (lab.REPOSITORY,)})
    case, asked = look(images, service=service, login=("me", "right"))
    auth, image = facts(case)
    assert (auth.who, auth.accepted, image.found) == ("credential", True, True)
    assert image.digest == lab.digest(lab.INDEX)
    assert (image.platform, image.layers, image.blob) == ("linux/amd64", 2, lab.digest(lab.LAYER))
    api = case.facts.get(ApiFact)
    assert api is not None
    made = [*api.answers, *auth.tries[0].answers, *image.answers, *image.blob_answers]
    assert [a.method for a in made] == ["GET", "GET", "HEAD", "GET", "GET", "GET"]
    blob = case.facts.get(BlobFact)
    assert blob is not None
    assert blob.readable
    assert len(count(case)) == 7  # the layer's answer stands in both facts
    assert "scope=repository%3Alab%2Fapp%3Apull" in asked[0]


@lab.needs_registry
def test_a_public_image_is_had_without_a_credential(images: Path) -> None:
    service = TokenService(rights={"": (lab.REPOSITORY,)})
    case, _ = look(images, service=service)
    auth, image = facts(case)
    assert (auth.who, image.found, image.who) == ("anonymous", True, "anonymous")


@lab.needs_registry
@pytest.mark.parametrize(
    ("rights", "public"), [((lab.REPOSITORY,), True), ((), False)], ids=["public", "private"]
)
def test_whether_the_credential_is_needed_is_found_out_beside(
    images: Path, rights: tuple[str, ...], public: bool
) -> None:
    service = TokenService({"me": "right"}, {"me": (lab.REPOSITORY,), "": rights})
    case, _ = look(images, service=service, login=("me", "right"))
    beside = case.facts.get(AnonymousFact)
    assert beside is not None
    assert beside.public is public


@lab.needs_registry
def test_the_platform_asked_for_is_taken_with_its_variant(images: Path) -> None:
    case, _ = look(images, platform="linux/arm64")
    _, image = facts(case)
    assert (image.platform, image.layers) == ("linux/arm64", 1)
    case, _ = look(images, platform="linux/s390x")
    _, image = facts(case)
    assert (image.found, image.platform) == (False, "")
    assert image.platforms == ("linux/amd64", "linux/arm64")


@lab.needs_registry
def test_a_single_manifest_and_a_digest_can_be_asked_for(images: Path) -> None:
    case, _ = look(images, f"{lab.REPOSITORY}:single")
    _, image = facts(case)
    assert (image.kind, image.found) == ("manifest", True)
    case, _ = look(images, f"{lab.REPOSITORY}@{lab.digest(lab.INDEX)}")
    _, image = facts(case)
    assert (image.kind, image.digest) == ("index", lab.digest(lab.INDEX))


# What is not there


@lab.needs_registry
def test_an_unknown_tag_brings_the_nearest(images: Path) -> None:
    case, _ = look(images, f"{lab.REPOSITORY}:1.2")
    _, image = facts(case)
    assert image.tags is not None
    assert (image.tags.known, set(image.tags.near[:2])) == (True, {"1.0", "1.1"})


@lab.needs_registry
def test_an_unknown_repository_brings_the_nearest(images: Path) -> None:
    case, _ = look(images, "lab/ap:1.0")
    _, image = facts(case)
    assert image.tags is not None
    assert image.repositories is not None
    assert (image.tags.known, image.repositories.near) == (False, (lab.REPOSITORY,))


def script_of(documents: Mapping[str, tuple[str, bytes]]) -> Callable[[Request], bytes]:
    """A registry without a login that serves these manifests and any blob."""

    def script(request: Request) -> bytes:
        head = request.method == "HEAD"
        if request.path == "/v2/":
            return answer(200, {}, API)
        if "/blobs/" in request.path:
            return answer(206, b"x")
        found = documents.get(request.path.rpartition("/")[2])
        if found is None:
            return answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}, API, head=head)
        said = [("Docker-Content-Digest", lab.digest(found[1]))] if ":" not in found[0] else []
        return answer(200, found[1], ("Content-Type", found[0]), API, *said, head=head)

    return script


INDEX_TYPE = f"{lab.OCI}.index.v1+json"


def test_bytes_that_are_not_what_was_asked_for_are_noticed() -> None:
    other = lab.manifest(lab.LAYER, lab.LAYER)
    case, _ = seen(
        script_of({"1.0": (INDEX_TYPE, lab.INDEX), lab.digest(lab.INDEX): (INDEX_TYPE, other)})
    )
    _, image = facts(case)
    assert image.flaw == "has another digest than the one asked for"
    assert (image.said_digest, image.digest) == (lab.digest(lab.INDEX), lab.digest(other))


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"[" * 10_000 + b"]" * 10_000, "is nested too deep"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b"not json", "is not JSON"),
        (b"[1]", "is JSON, but not an object"),
        (b"{}", "is an index without a list of manifests"),
        (b" " * (5 << 20), None),
    ],
)
def test_what_is_no_manifest_is_noticed(content: bytes, flaw: str | None) -> None:
    by = lab.digest(content)
    case, _ = seen(script_of({"1.0": (INDEX_TYPE, content), by: (INDEX_TYPE, content)}))
    _, image = facts(case)
    assert not image.found
    if flaw is None:
        assert image.answers[-1].outcome == "too-large"
    else:
        assert image.flaw == flaw


def test_names_that_no_registry_allows_are_never_offered() -> None:
    def script(request: Request) -> bytes:
        if request.path.endswith("/tags/list"):
            return answer(200, {"name": "x", "tags": ["1.0 && rm -rf /", "$(id)", "1.1", 7, None]})
        if request.path == "/v2/":
            return answer(200, {}, API)
        return answer(
            404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}, API, head=request.method == "HEAD"
        )

    case, _ = seen(script)
    _, image = facts(case)
    assert image.tags is not None
    assert image.tags.near == ("1.1",)


def test_a_head_that_is_refused_is_followed_by_one_get_for_the_reason() -> None:
    def script(request: Request) -> bytes:
        if request.path == "/v2/":
            return answer(200, {}, API)
        body = {"errors": [{"code": "DENIED", "message": "not on the list"}]}
        return answer(403, body, head=request.method == "HEAD")

    case, server = seen(script)
    _, image = facts(case)
    assert image.answer is not None
    assert (image.answer.code, image.answer.message) == ("DENIED", "not on the list")
    assert [r.method for r in server.requests] == ["GET", "HEAD", "GET"]


def test_a_limit_is_not_pressed() -> None:
    def script(request: Request) -> bytes:
        if request.path == "/v2/":
            return answer(200, {}, API)
        return answer(429, b"", ("Retry-After", "60"), head=request.method == "HEAD")

    case, server = seen(script)
    assert len(server.requests) == 2
    assert [a.header("retry-after") for _, a in answers(case) if a.status == 429] == ["60"]


# Layers


@lab.needs_registry
def test_a_layer_is_followed_to_its_storage_without_the_credential(images: Path) -> None:
    sent: list[Request] = []

    def storage(request: Request) -> bytes:
        sent.append(request)
        return answer(206, b"x", ("Content-Range", "bytes 0-0/18"))

    service = TokenService({"me": "right"}, {"me": (lab.REPOSITORY,)})
    case, _ = look(images, service=service, login=("me", "right"), redirect=storage)
    _, image = facts(case)
    assert image.storage is not None
    assert image.storage.role == "storage"
    blob = case.facts.get(BlobFact)
    assert blob is not None
    assert (blob.readable, blob.hop) == (True, image.storage)
    assert [r.method for r in sent] == ["GET"]
    assert "authorization" not in sent[0].headers
    assert sent[0].headers["range"] == "bytes=0-0"


def test_a_signed_link_goes_out_whole_and_stays_out_of_facts() -> None:
    async def run() -> tuple[Case, list[Request]]:
        async with origin(lambda r: answer(206, b"x"), role="storage") as storage:
            link = f"http://127.0.0.1:{storage.hop.port}/b?X-Amz-Signature=c0ffee%2B1&X-Amz-Expires=600"
            serve = script_of({"1.0": (f"{lab.OCI}.manifest.v1+json", lab.ARM64)})

            def script(request: Request) -> bytes:
                if "/blobs/" in request.path:
                    return answer(307, b"", ("Location", link))
                if "sha256" in request.path:
                    return answer(200, lab.ARM64, ("Content-Type", f"{lab.OCI}.manifest.v1+json"))
                return serve(request)

            async with origin(script) as registry:
                net = ready(Net(), registry.hop)
                case = await walk(case_of(registry.hop, "lab/app:1.0"), net)
                await net.close()
            return case, storage.requests

    case, sent = asyncio.run(run())
    assert sent[0].target == "/b?X-Amz-Signature=c0ffee%2B1&X-Amz-Expires=600"
    assert "c0ffee" not in repr(list(case.facts))


def test_storage_that_redirects_on_is_not_followed_to_a_third_host() -> None:
    async def run() -> BlobFact | None:
        third = answer(302, b"", ("Location", "https://cdn.test/b?sig=1"))
        async with origin(lambda r: third, role="storage") as storage:
            case = case_of(Hop("registry", "127.0.0.1", 1, "http"), "lab/app:1.0")
            link = f"http://127.0.0.1:{storage.hop.port}/b"
            async with origin(lambda r: answer(307, b"", ("Location", link))) as registry:
                net = ready(Net(), registry.hop, storage.hop)
                first = (await fetch(registry.hop, "GET", "/v2/x/blobs/y", net)).answer
                case.facts.add(
                    ImageFact(blob="sha256:1", blob_answers=(first,), storage=storage.hop)
                )
                try:
                    return await net.blob(case)
                finally:
                    await net.close()

    blob = asyncio.run(run())
    assert blob is not None
    assert (blob.readable, blob.leads_to) == (False, (Hop("storage", "cdn.test", 443),))


def test_facts_are_plain_data() -> None:
    case, _ = seen(script_of({"1.0": (INDEX_TYPE, lab.INDEX)}))
    for hop, each in answers(case):
        assert hop.port
        assert json.dumps(each.proof)
