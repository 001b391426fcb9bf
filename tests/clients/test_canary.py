"""No client's configuration gives a secret away: one stands in every place of every file that may
hold one, as the file should be and as it should not, and each is looked for in all that is said."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from doctor import cli
from doctor.clients.eyes import NAMES
from tests.clients.registries import DOCKER, HOME, put
from tests.leaks import SECRETS, leaks, password, plainly, token

HOST = "reg.example.com"
IMAGE = f"{HOST}/team/app:1"
PLUGINS = "/etc/kubernetes/credential-providers.yaml"


def url(place: str) -> str:
    """A proxy or a mirror with a login in front of its host."""
    return f"http://user:{quote(password(place), safe='')}@host.example:3128"


def entries(place: str) -> dict[str, Any]:
    """A file of logins: one for the registry, one for another."""
    ours = {"username": "user", "password": password(f"{place}: ours")}
    other = {"auth": plainly(f"{place}: no base64"), "identitytoken": token(f"{place}: identity")}
    return {"auths": {HOST: ours, "other.example": other}}


def unit(program: str) -> str:
    lines = (
        f'Environment="HTTPS_PROXY={url(f"{program}: environment").replace("%", "%%")}"',
        f"Environment=OTHER_TOKEN={plainly(f'{program}: another variable')}",
        f"EnvironmentFile=/etc/default/{program}",
        f"ExecStart=/usr/bin/{program} --http-proxy={url(f'{program}: flag').replace('%', '%%')}",
    )
    return "[Service]\n" + "\n".join(lines) + "\n"


def toml(text: str) -> str:
    """As a basic string of TOML, which is one of JSON."""
    return json.dumps(text)


FILES: dict[str, Any] = {
    DOCKER: entries("docker"),
    f"{HOME}/.config/containers/auth.json": entries("podman"),
    "/etc/docker/daemon.json": {
        "registry-mirrors": [url("a mirror of dockerd")],
        "proxies": {"https-proxy": url("a proxy in daemon.json")},
    },
    "/etc/containers/containers.conf": (
        f"[engine]\nenv = [{toml('HTTPS_PROXY=' + url('containers.conf'))}]\n"
    ),
    "/etc/containers/registries.conf": (
        f'[[registry]]\nlocation = "{HOST}"\n[[registry.mirror]]\n'
        f"location = {toml(url('registries.conf').removeprefix('http://'))}\n"
    ),
    "/etc/crio/crio.conf": (
        '[crio.image]\nglobal_auth_file = "/etc/crio/auth.json"\n'
        f"[crio.metrics]\nkey = {toml(plainly('crio.conf'))}\n"
    ),
    "/etc/crio/auth.json": entries("cri-o"),
    "/etc/containerd/config.toml": (
        '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n'
        f"endpoint = [{toml(url('a mirror of containerd'))}]\n"
        f'[plugins."io.containerd.grpc.v1.cri".registry.configs."{HOST}".auth]\n'
        f'username = "user"\npassword = {toml(password("containerd: password"))}\n'
        '[plugins."io.containerd.grpc.v1.cri".registry.configs."other.example".auth]\n'
        f"identitytoken = {toml(token('containerd: identity'))}\n"
        '[plugins."io.containerd.grpc.v1.cri".registry.headers]\n'
        f"X-Meta-Token = [{toml(token('containerd: header'))}]\n"
    ),
    f"/etc/containerd/certs.d/{HOST}/hosts.toml": (
        f"[host.{toml(url('a host of hosts.toml'))}]\n[host.{toml('https://m.example')}.header]\n"
        f"authorization = {toml('Basic ' + token('hosts.toml: authorization'))}\n"
        f"x-token = [{toml(token('hosts.toml: header'))}]\n"
    ),
    "/etc/rancher/k3s/registries.yaml": json.dumps(
        {
            "mirrors": {"*": {"endpoint": [url("an endpoint of k3s")]}},
            "configs": {
                HOST: {"auth": {"username": "user", "password": password("k3s: password")}},
                "other.example": {"auth": {"token": token("k3s: token")}},
            },
        }
    ),
    "/var/lib/kubelet/config.json": entries("kubelet"),
    PLUGINS: json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1",
            "kind": "CredentialProviderConfig",
            "providers": [
                {
                    "name": "own-provider",
                    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                    "matchImages": [HOST],
                    "defaultCacheDuration": "1m",
                    "args": [f"--secret={plainly('a plug-in: argument')}"],
                    "env": [{"name": "SECRET", "value": plainly("a plug-in: variable")}],
                }
            ],
        }
    ),
    **{
        f"/usr/lib/systemd/system/{name}.service": unit(program)
        for name, program in {
            "docker": "dockerd",
            "containerd": "containerd",
            "crio": "crio",
            "kubelet": f"kubelet --image-credential-provider-config={PLUGINS}",
            "k3s": "k3s",
        }.items()
    },
    "/etc/default/dockerd": f"HTTPS_PROXY='{url('a file of variables')}'\n",
}


def cut(content: Any) -> str:
    """The file as somebody left it who was called away."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    return text[: -max(3, len(text) // 12)]


def surfaces(
    root: Path, client: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, bytes]:
    """All that is said of the tree through these eyes."""
    for name in tuple(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", HOME)
    found = {}
    for form in (["--json"], ["--verbose"]):
        words = ["check", "--offline", "--root", str(root), "--as", client, *form, IMAGE]
        assert cli.main(words) in (0, 1, 3)
        said = capfd.readouterr()
        assert IMAGE in said.out
        found[form[0]] = said.out.encode()
        found[f"{form[0]}, standard error"] = said.err.encode()
    return found


@pytest.mark.parametrize("broken", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("client", [*NAMES, "all"])
def test_nothing_that_a_clients_files_hold_is_said(
    client: str,
    broken: bool,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path, content in FILES.items():
        put(tmp_path, path, cut(content) if broken else content)
    for program in ("docker", "dockerd", "podman", "containerd", "crio", "kubelet", "k3s"):
        put(tmp_path, f"/usr/bin/{program}", "")
    said = surfaces(tmp_path, client, capfd, monkeypatch)
    assert leaks(said) == {}
    assert len(SECRETS) > 30


def test_the_search_sees_one_in_what_is_said() -> None:
    """The near miss: a mirror's login, as its file has it."""
    found = leaks({"x": url("a mirror of dockerd").encode()})
    assert found == {"x": ["a mirror of dockerd"]}
