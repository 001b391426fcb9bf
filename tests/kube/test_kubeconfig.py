"""What a kubeconfig says of certificates, names, proxies and accounts holds."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from doctor import cli
from doctor.net import kubeconfig as settings
from tests.certificates import authority, leaf
from tests.kube.api import TOKEN, kubeconfig, serving
from tests.kube.cluster import cluster, pod

Capture = pytest.CaptureFixture[str]


def part(capsys: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["kubernetes"]
    return found


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("inline", [True, False])
def test_a_client_certificate_is_the_login(inline: bool, tmp_path: Path, capsys: Capture) -> None:
    clients = authority("clients")
    mine = leaf(clients, "ann", usages=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    user: dict[str, Any] = {
        "client-certificate-data": packed(mine.pem),
        "client-key-data": packed(mine.key_pem),
    }
    if not inline:
        (tmp_path / "ann.crt").write_text(mine.pem)
        (tmp_path / "ann.key").write_text(mine.key_pem)
        user = {"client-certificate": "ann.crt", "client-key": "ann.key"}
    with serving(cluster(pod(namespace="default")), tmp_path, clients=clients.pem) as server:
        config = kubeconfig(tmp_path, server, **user)
        assert cli.main(["k8s", "--json", "--kubeconfig", str(config)]) == 1
    assert part(capsys)["pods_failing"] == 1


@pytest.mark.parametrize(("name", "seen"), [("kube.corp.example", 0), ("other.corp.example", 1)])
def test_the_servers_name_is_the_one_that_is_set(
    name: str, seen: int, tmp_path: Path, capsys: Capture
) -> None:
    with serving(cluster(), tmp_path, "kube.corp.example") as server:
        config = kubeconfig(tmp_path, server, more={"tls-server-name": name})
        assert cli.main(["k8s", "--json", "--kubeconfig", str(config)]) == seen
    capsys.readouterr()


def test_the_proxy_that_is_set_is_the_way(tmp_path: Path, capsys: Capture) -> None:
    with socket.socket() as closed, serving(cluster(), tmp_path) as server:
        closed.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        config = kubeconfig(tmp_path, server, more={"proxy-url": proxy})
        assert cli.main(["k8s", "--json", "--kubeconfig", str(config)]) == 1
    found = part(capsys)
    assert any(f["code"].startswith("proxy.") for f in found["findings"])
    assert found["hops"][0]["via"] == f"proxy {proxy.removeprefix('http://')}"


def test_a_pod_looks_with_its_own_account(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "account"
    mine.mkdir()
    monkeypatch.setattr(settings, "ACCOUNT", str(mine))
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with serving(cluster(pod()), tmp_path) as server:
        host, _, port = server.removeprefix("https://").partition(":")
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
        (mine / "token").write_text(TOKEN)
        (mine / "namespace").write_text("shop")
        (mine / "ca.crt").write_text((tmp_path / "ca.crt").read_text())
        assert cli.main(["k8s", "--json"]) == 1
    found = part(capsys)
    assert (found["context"], found["pods_failing"]) == (None, 1)
    assert found["hops"][0]["reached"] == "http"


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ({"name": "oidc", "config": {"id-token": TOKEN}}, 0),
        ({"name": "gcp", "config": {"access-token": TOKEN, "expiry": "2020-01-01T00:00:00Z"}}, 1),
        ({"name": "oidc", "config": {}}, 1),
    ],
)
def test_a_former_auth_providers_token_counts_while_it_is_good(
    provider: dict[str, Any], code: int, tmp_path: Path, capsys: Capture
) -> None:
    with serving(cluster(), tmp_path) as server:
        user: dict[str, Any] = {"auth-provider": provider}
        config = kubeconfig(tmp_path, server, **user)
        before = config.read_text()
        assert cli.main(["k8s", "--json", "--kubeconfig", str(config)]) == code
        assert config.read_text() == before
    if code:
        (finding,) = part(capsys)["findings"]
        assert "has expired" in finding["detail"]
