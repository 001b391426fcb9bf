"""A real registry (distribution 2.8, `docker-registry`) on loopback, with images that the tests
know.

Content is pushed once into a folder by an open registry; every further one serves the same folder
with the login that a test wants.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from doctor.model import Hop
from tests.lab.tokens import ISSUER, SERVICE, bundle

PROGRAM = shutil.which("docker-registry")
needs_registry = pytest.mark.skipif(
    PROGRAM is None and "CI" not in os.environ, reason="docker-registry is not installed"
)

OCI = "application/vnd.oci.image"
REPOSITORY = "lab/app"
LAYER = b"the smallest layer"
LARGER = b"a larger layer" * 100
HELM = "application/vnd.cncf.helm.config.v1+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def configuration(platform: str) -> bytes:
    """An image's, that names the platform (`linux/arm/v7`)."""
    return json.dumps({**_platform(platform), "rootfs": {"type": "layers"}}).encode()


def _platform(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


CONFIG = configuration("linux/amd64")


def manifest(*layers: bytes, config: bytes = CONFIG, kind: str = f"{OCI}.config.v1+json") -> bytes:
    """An OCI manifest of these blobs; `kind` is its configuration's."""

    def entry(content: bytes, kind: str) -> dict[str, Any]:
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": entry(config, kind),
        "layers": [entry(layer, f"{OCI}.layer.v1.tar+gzip") for layer in layers],
    }
    return json.dumps(document).encode()


def index(*platforms: tuple[str, bytes]) -> bytes:
    """An OCI index: platform (`linux/arm64/v8`) and manifest bytes, in order."""
    entries = []
    for platform, content in platforms:
        entries.append(
            {
                "mediaType": f"{OCI}.manifest.v1+json",
                "digest": digest(content),
                "size": len(content),
                "platform": _platform(platform),
            }
        )
    document = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}
    return json.dumps(document).encode()


AMD64 = manifest(LARGER, LAYER)
ARM64 = manifest(LAYER)
"""Its configuration names amd64: in an index, the entry decides."""
INDEX = index(("linux/amd64", AMD64), ("linux/arm64/v8", ARM64))
SINGLE = {
    "arm64": "linux/arm64",
    "armv6": "linux/arm/v6",
    "armv7": "linux/arm/v7",
    "arm": "linux/arm",
    "386": "linux/386",
    "windows": "windows/amd64",
    "nowhere": "",
}
"""Tags of images that are a single manifest, and what their configurations name."""
CHART = manifest(LAYER, config=configuration("linux/arm64"), kind=HELM)
"""No image: what stands in its configuration is no platform."""


@contextmanager
def distribution(
    root: Path, *, auth: Mapping[str, Any] | None = None, redirect: str | None = None
) -> Iterator[Hop]:
    """Serve the folder; `redirect` is the address that blobs are redirected to."""
    assert PROGRAM is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(root)},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if auth:
        config["auth"] = auth
    if redirect:
        config["middleware"] = {"storage": [{"name": "redirect", "options": {"baseurl": redirect}}]}
    file = root / f"config-{port}.yml"
    file.write_text(json.dumps(config))
    process = subprocess.Popen([PROGRAM, "serve", str(file)], stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield Hop("registry", "127.0.0.1", port, "http")
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the registry did not start")


def filled(root: Path) -> Path:
    """Push the images that the tests know: `lab/app` with the tags 1.0, 1.1, latest (an index),
    single (one manifest), those of `SINGLE`, and chart."""
    configs = {tag: configuration(platform) for tag, platform in SINGLE.items()}
    with distribution(root) as hop:
        link = http.client.HTTPConnection(hop.host, hop.port)
        for blob in (LAYER, LARGER, CONFIG, *configs.values()):
            link.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
            made = link.getresponse()
            made.read()
            where = made.headers["Location"]
            _put(link, f"{where}&digest={digest(blob)}", blob, "application/octet-stream")
        for name, content, kind in (
            (digest(AMD64), AMD64, "manifest"),
            (digest(ARM64), ARM64, "manifest"),
            ("single", AMD64, "manifest"),
            ("chart", CHART, "manifest"),
            *((tag, manifest(LAYER, config=c), "manifest") for tag, c in configs.items()),
            *((tag, INDEX, "index") for tag in ("1.0", "1.1", "latest")),
        ):
            _put(link, f"/v2/{REPOSITORY}/manifests/{name}", content, f"{OCI}.{kind}.v1+json")
        link.close()
    return root


def _put(link: http.client.HTTPConnection, path: str, content: bytes, kind: str) -> None:
    link.request("PUT", path, content, {"Content-Type": kind})
    answer = link.getresponse()
    answer.read()
    assert answer.status == 201, answer.status


def htpasswd(folder: Path, user: str, password: str) -> Mapping[str, Any]:
    """Basic login."""
    file = folder / "htpasswd"
    made = subprocess.run(
        ["htpasswd", "-Bbn", user, password], capture_output=True, check=True, text=True
    )
    file.write_text(made.stdout)
    return {"htpasswd": {"realm": "lab", "path": str(file)}}


def token_auth(folder: Path, realm: str) -> Mapping[str, Any]:
    """Bearer tokens of the lab's token service."""
    certificates = str(bundle(folder))
    said = {"realm": realm, "service": SERVICE, "issuer": ISSUER}
    return {"token": {**said, "rootcertbundle": certificates}}
