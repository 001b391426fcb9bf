"""With --probe each image is tried from here with the pod's own Secrets; without it nothing but the
API server is contacted."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority, leaf
from tests.kube.cluster import cluster, look, pod, secret

Capture = pytest.CaptureFixture[str]
CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
).encode()
LAYER = b"layer"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


KIND = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": KIND,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": _digest(CONFIG),
            "size": len(CONFIG),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": _digest(LAYER),
                "size": len(LAYER),
            }
        ],
    }
).encode()


class Registry(BaseHTTPRequestHandler):
    """A registry with a login; `public`: everybody may read, but a wrong login is refused."""

    protocol_version = "HTTP/1.1"
    good = "ann:right-key-0815"
    public = False
    seen: list[str]

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        right = given == f"Basic {base64.b64encode(self.good.encode()).decode()}"
        if not right and (given or not self.public or self.path == "/v2/"):
            return self._say(401, b"{}", **{"WWW-Authenticate": 'Basic realm="r"'})
        found = {
            "/v2/": b"{}",
            f"/v2/team/app/blobs/{_digest(CONFIG)}": CONFIG,
            f"/v2/team/app/blobs/{_digest(LAYER)}": LAYER,
        }
        if self.path.startswith("/v2/team/app/manifests/"):
            return self._say(
                200, MANIFEST, **{"Docker-Content-Digest": _digest(MANIFEST), "Content-Type": KIND}
            )
        data = found.get(self.path)
        return self._say(200, data) if data is not None else self._say(404, b"{}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Docker-Distribution-Api-Version": "registry/2.0", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def registry(folder: Path, **fields: Any) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was shown; its authority is registry.crt in the folder."""
    root = authority("registry")
    files = leaf(root, "127.0.0.1").write(folder, "registry-server")
    (folder / "registry.crt").write_text(root.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    kind: Any = type("Kind", (Registry,), {"seen": [], **fields})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", kind.seen
    finally:
        server.shutdown()
        server.server_close()


def rejected(host: str) -> str:
    url = f"https://{host}/v2/team/app/manifests/1.0"
    said = f"unexpected status from HEAD request to {url}: 401 Unauthorized"
    return f"failed to resolve image: {said}"


def test_without_it_no_registry_is_contacted(tmp_path: Path, capsys: Capture) -> None:
    with registry(tmp_path) as (host, seen):
        there = cluster(
            pod(image=f"{host}/team/app:1.0", secrets=("a",), message=rejected(host)),
            secrets=[secret("a", auths={host: "ann:wrong-key-1"})],
        )
        found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-rejected"]
    assert (seen, found.report["targets"]) == ([], [])


@pytest.mark.parametrize(
    ("public", "keys", "cause", "verdict"),
    [
        (False, ["ann:wrong-key-1"], "k8s.secret-rejected", "fail"),
        (False, ["ann:wrong-key-1", "bob:wrong-key-2"], "k8s.secret-rejected", "fail"),
        (True, ["ann:wrong-key-1"], "k8s.stale-secret-breaks-public", "fail"),
        (False, ["ann:wrong-key-1", "ann:right-key-0815"], "k8s.secret-rejected", "warn"),
    ],
)
def test_each_credential_is_tried_in_the_kubelets_order(
    public: bool, keys: list[str], cause: str, verdict: str, tmp_path: Path, capsys: Capture
) -> None:
    with registry(tmp_path, public=public) as (host, seen):
        names = tuple(f"s{n}" for n in range(len(keys)))
        secrets = [secret(name, auths={host: key}) for name, key in zip(names, keys, strict=True)]
        there = cluster(
            pod(image=f"{host}/team/app:1.0", secrets=names, message=rejected(host)),
            secrets=secrets,
        )
        found = look(there, tmp_path, capsys, "--probe", "--ca", f"{tmp_path}/registry.crt")
    (target,) = found.report["targets"]
    assert (target["client"], target["verdict"]) == ("kubelet", verdict)
    assert any("Seen from here" in each for each in target["assumed"])
    assert set(found.causes) == {cause}
    for key in keys:
        assert f"Basic {base64.b64encode(key.encode()).decode()}" in seen
        assert key.partition(":")[2] not in found.out


def test_what_is_repaired_already_waits_for_the_next_try(tmp_path: Path, capsys: Capture) -> None:
    with registry(tmp_path) as (host, _):
        there = cluster(
            pod(image=f"{host}/team/app:1.0", secrets=("a",), message=rejected(host)),
            secrets=[secret("a", auths={host: "ann:right-key-0815"})],
        )
        found = look(there, tmp_path, capsys, "--probe", "--ca", f"{tmp_path}/registry.crt")
    assert found.finding("k8s.waiting-to-retry")["severity"] == "info"


def test_the_nodes_platform_is_what_must_be_there(tmp_path: Path, capsys: Capture) -> None:
    with registry(tmp_path, public=True) as (host, _):
        there = cluster(pod(image=f"{host}/team/app:1.0", message="exec format error"))
        info = there.objects["nodes"][0]["status"]["nodeInfo"]
        info["architecture"] = "arm64"
        found = look(there, tmp_path, capsys, "--probe", "--ca", f"{tmp_path}/registry.crt")
    codes = [each["code"] for each in found.report["targets"][0]["findings"]]
    assert "registry.platform-missing" in codes
