"""Is the configuration of a single manifest read beside the layer, bounded, by a layer's rules?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from doctor.facts.registry import BlobFact, ConfigRead, ImageFact, answers
from doctor.model import Case
from doctor.net import Net
from tests.lab import distribution as lab
from tests.lab.origin import Origin, Request, answer, case_of, credential, origin, ready, walk

API = ("Docker-Distribution-Api-Version", "registry/2.0")
CONFIG = lab.configuration("linux/arm64")
IMAGE = lab.manifest(lab.LARGER, lab.LAYER, config=CONFIG)
MANIFEST, INDEX = f"{lab.OCI}.manifest.v1+json", f"{lab.OCI}.index.v1+json"
LAYER_PATH = f"/v2/lab/app/blobs/{lab.digest(lab.LAYER)}"
CONFIG_PATH = f"/v2/lab/app/blobs/{lab.digest(CONFIG)}"

Script = Callable[[Request], bytes]


def serves(image: bytes, blob: Script, kind: str = MANIFEST) -> Script:
    """A registry without a login whose every reference is this document."""

    def script(request: Request) -> bytes:
        if request.path == "/v2/":
            return answer(200, {}, API)
        if "/blobs/" in request.path:
            return blob(request)
        return answer(200, image, ("Content-Type", kind), API, head=request.method == "HEAD")

    return script


def gives(config: bytes) -> Script:
    """Any blob: one byte where a part is asked for, else these bytes."""
    return lambda r: answer(206, b"x") if "range" in r.headers else answer(200, config)


def seen(script: Script, *, spare: bool = False) -> tuple[Case, Origin]:
    """What the checks see of a registry that answers so. `spare`: a second connection to it is open
    when the image is looked at."""

    async def run() -> tuple[Case, Origin]:
        async with origin(script) as server:
            net = ready(Net(), server.hop)
            case = case_of(server.hop, "lab/app:1.0")
            try:
                if spare:
                    both = [await net.lines.ready(server.hop) for _ in range(2)]
                    for stream in both:
                        net.lines.give_back(server.hop, stream)
                return await walk(case, net), server
            finally:
                await net.close()

    return asyncio.run(run())


def image_of(case: Case) -> ImageFact:
    image = case.facts.get(ImageFact)
    assert image is not None
    return image


def config_of(case: Case) -> ConfigRead:
    config = image_of(case).config
    assert config is not None
    return config


def test_one_connection_asks_for_the_one_after_the_other() -> None:
    case, server = seen(serves(IMAGE, gives(CONFIG)))
    assert str(config_of(case).platform) == "linux/arm64"
    assert server.asked[-2:] == [f"GET {LAYER_PATH}", f"GET {CONFIG_PATH}"]
    assert server.requests[-2].headers["range"] == "bytes=0-0"
    assert "range" not in server.requests[-1].headers
    assert server.connections == 1


def test_two_open_connections_ask_at_once() -> None:
    case, server = seen(serves(IMAGE, gives(CONFIG)), spare=True)
    assert str(config_of(case).platform) == "linux/arm64"
    assert {r.connection for r in server.requests[-2:]} == {1, 2}
    assert server.connections == 2


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (lab.manifest(lab.LAYER, config=CONFIG, kind=lab.HELM), MANIFEST),
        (lab.manifest(lab.LAYER, config=b"{}", kind="application/vnd.oci.empty.v1+json"), MANIFEST),
    ],
)
def test_what_is_no_image_is_not_asked_for_a_platform(image: bytes, kind: str) -> None:
    case, server = seen(serves(image, gives(CONFIG), kind))
    assert image_of(case).config is None
    assert len([r for r in server.requests if "/blobs/" in r.path]) == 1


def test_where_an_index_tells_the_platform_no_configuration_is_read() -> None:
    both = lab.index(("linux/amd64", IMAGE))

    def script(request: Request) -> bytes:
        document = (IMAGE, MANIFEST) if lab.digest(IMAGE) in request.path else (both, INDEX)
        return serves(document[0], gives(CONFIG), document[1])(request)

    case, server = seen(script)
    assert (image_of(case).platform, image_of(case).config) == ("linux/amd64", None)
    assert CONFIG_PATH not in [r.path for r in server.requests]


@pytest.mark.parametrize(
    "blob",
    [
        gives(lab.configuration("linux/amd64")),
        gives(CONFIG + b" " * (5 << 20)),
        gives(b"<html>"),
        lambda r: answer(206, b"x") if "range" in r.headers else answer(404),
    ],
    ids=["other-bytes", "endless", "page", "gone"],
)
def test_bytes_that_are_not_the_configuration_name_no_platform(blob: Script) -> None:
    case, _ = seen(serves(IMAGE, blob))
    assert (image_of(case).found, config_of(case).platform) == (True, None)
    layer = case.facts.get(BlobFact)
    assert layer is not None
    assert layer.readable


@pytest.mark.parametrize(
    ("given", "altered"),
    [
        (lab.configuration("linux/amd64"), True),
        (b"", True),
        (CONFIG, False),
        (CONFIG + b" " * (5 << 20), False),
    ],
    ids=["other-bytes", "none", "its-own", "endless"],
)
def test_bytes_with_another_digest_are_told(given: bytes, altered: bool) -> None:
    case, _ = seen(serves(IMAGE, gives(given)))
    assert config_of(case).altered is altered


@pytest.mark.parametrize("status", [429, 401])
def test_a_limit_is_not_pressed(status: int) -> None:
    case, server = seen(serves(IMAGE, lambda r: answer(status)))
    asked = [r.path for r in server.requests if "/blobs/" in r.path]
    assert asked == ([LAYER_PATH] if status == 429 else [LAYER_PATH, CONFIG_PATH])
    assert [a.status for _, a in answers(case)][-1] == status


def test_no_part_of_it_but_the_platform_enters_a_fact() -> None:
    secret = {"os": "linux", "architecture": "arm64", "config": {"Env": ["PASSWORD=hunter22"]}}
    content = b"\n" + json.dumps(secret).encode()
    case, _ = seen(serves(lab.manifest(lab.LAYER, config=content), gives(content)))
    assert str(config_of(case).platform) == "linux/arm64"
    assert "hunter22" not in repr(list(case.facts))


def stored(link: str) -> tuple[Case, list[Request], list[Request]]:
    """Blobs lie at storage, by a link in which `{0}` tells them apart: what is seen, and what the
    registry and storage were asked for."""

    async def run() -> tuple[Case, list[Request], list[Request]]:
        async with origin(gives(CONFIG), role="storage") as storage:

            def sends(request: Request) -> bytes:
                where = link.format("layer" if request.path == LAYER_PATH else "config")
                full = f"http://127.0.0.1:{storage.hop.port}{where}"
                return answer(307, b"", ("Location", full))

            def script(request: Request) -> bytes:
                if "authorization" not in request.headers:
                    return answer(401, b"", ("WWW-Authenticate", 'Basic realm="r"'), API)
                return serves(IMAGE, sends)(request)

            async with origin(script) as registry:
                net = ready(Net(), registry.hop)
                net.credential = credential("me", "right")
                try:
                    case = await walk(case_of(registry.hop, "lab/app:1.0"), net)
                finally:
                    await net.close()
            return case, [r for r in registry.requests if "/blobs/" in r.path], storage.requests

    return asyncio.run(run())


def test_storage_gives_it_without_seeing_the_credential() -> None:
    case, asked, sent = stored("/{0}?X-Amz-Signature=c0ffee-{0}-1234")
    blob = case.facts.get(BlobFact)
    assert blob is not None
    assert blob.config is not None
    assert str(blob.config.platform) == "linux/arm64"
    assert config_of(case).platform is None
    assert all(r.headers["authorization"].startswith("Basic ") for r in asked)
    signed = [f"/{n}?X-Amz-Signature=c0ffee-{n}-1234" for n in ("layer", "config")]
    assert [r.target for r in sent] == signed
    assert all("authorization" not in r.headers for r in sent)
    assert "c0ffee" not in repr(list(case.facts))


def test_links_that_read_alike_without_their_signatures_are_not_mixed_up() -> None:
    case, _, sent = stored("/blob?X-Amz-Signature=c0ffee-{}-1234")
    assert [r.target for r in sent] == ["/blob?X-Amz-Signature=c0ffee-layer-1234"]
    blob = case.facts.get(BlobFact)
    assert blob is not None
    assert blob.readable
