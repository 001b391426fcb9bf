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
CONFIG = json.dumps({"architecture": "amd64", "os": "linux"}).encode()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest(*layers: bytes, config: bytes = CONFIG) -> bytes:
    """An OCI manifest of these blobs."""

    def entry(content: bytes, kind: str) -> dict[str, Any]:
        return {"mediaType": f"{OCI}.{kind}", "digest": digest(content), "size": len(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": entry(config, "config.v1+json"),
        "layers": [entry(layer, "layer.v1.tar+gzip") for layer in layers],
    }
    return json.dumps(document).encode()


def index(*platforms: tuple[str, bytes]) -> bytes:
    """An OCI index: platform (`linux/arm64/v8`) and manifest bytes, in order."""
    entries = []
    for platform, content in platforms:
        os, architecture, *variant = platform.split("/")
        entries.append(
            {
                "mediaType": f"{OCI}.manifest.v1+json",
                "digest": digest(content),
                "size": len(content),
                "platform": {"os": os, "architecture": architecture}
                | ({"variant": variant[0]} if variant else {}),
            }
        )
    document = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}
    return json.dumps(document).encode()


AMD64 = manifest(LARGER, LAYER)
ARM64 = manifest(LAYER)
INDEX = index(("linux/amd64", AMD64), ("linux/arm64/v8", ARM64))


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
    """Push the images that the tests know: `lab/app` with the tags 1.0, 1.1, latest (an index) and
    single (one manifest)."""
    with distribution(root) as hop:
        link = http.client.HTTPConnection(hop.host, hop.port)
        for blob in (LAYER, LARGER, CONFIG):
            link.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
            made = link.getresponse()
            made.read()
            where = made.headers["Location"]
            _put(link, f"{where}&digest={digest(blob)}", blob, "application/octet-stream")
        for name, content, kind in (
            (digest(AMD64), AMD64, "manifest"),
            (digest(ARM64), ARM64, "manifest"),
            ("single", AMD64, "manifest"),
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
