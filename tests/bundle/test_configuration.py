"""A client's configuration file may be read by strangers: its structure, its line numbers and its
mistakes are there, and no secret is, whatever is wrong with the file."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from doctor.bundle import masking
from doctor.bundle.configuration import LeftOut, masked, place
from doctor.bundle.masking import Mask
from doctor.bundle.settings import readable
from doctor.redact import MASK, Gate

SECRET = "hunter2-Kx8vQ4mZ"


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """What is learned here is forgotten."""
    own = Gate()
    monkeypatch.setattr(masking, "GATE", own)
    return own


def shown(path: str, text: str) -> str:
    found = masked(path, text.encode(), Mask())
    assert isinstance(found, str)
    return found


DOCKER = f"""{{
  "auths": {{
    "registry.corp:5000": {{"auth": "{SECRET}", "email": "{SECRET}@x"}},
    "https://index.docker.io/v1/": {{"username": "{SECRET}", "password": "{SECRET}"}},
    "https://bob:{SECRET}@key.corp/v1/": {{"identitytoken": "{SECRET}", "registrytoken": 7}},
    "text.corp": "{SECRET}",
    "{SECRET}": {{}}
  }},
  "HttpHeaders": {{"X-Meta": "{SECRET}", "server": "{SECRET}", "n": 12345678}},
  "proxies": {{"default": {{"httpProxy": "http://bob:{SECRET}@proxy.corp:3128",
    "noProxy": "*.corp"}}}},
  "credsStore": "desktop",
  "credHelpers": {{"eu.gcr.io": "gcloud"}},
  "plugins": {{"x": {{"token": "{SECRET}"}}}},
  "later": "{SECRET}"
}}
"""
CONTAINERD = f"""version = 2 # {SECRET}
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
  endpoint = ["https://mirror.corp", "https://bob:{SECRET}@other.corp"]
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.corp:5000".auth]
  username = "{SECRET}"
  password = '{SECRET}'
  auth = \"\"\"
{SECRET}\"\"\"
[plugins."io.containerd.grpc.v1.cri".registry.headers]
  X-Token = ["{SECRET}"]
[host."https://mirror.corp"]
  capabilities = ["pull", "resolve"]
  skip_verify = true
  header = {{ authorization = ["Basic {SECRET}"], server = "{SECRET}" }}
[later]
  thing = "{SECRET}"
"""
K3S = f"""# {SECRET}
mirrors:
  docker.io:
    endpoint:
      - "https://mirror.corp:5000"
      - https://bob:{SECRET}@other.corp
configs:
  "registry.corp:5000":
    auth:
      username: {SECRET}
      password: "{SECRET}" # {SECRET}
      token: >-
        {SECRET}
        server: {SECRET}
    tls: {{insecure_skip_verify: true, ca_file: /etc/ca.crt, later: {SECRET}}}
later:
- {SECRET}
- name: x
  value: {SECRET}
"""
UNIT = f"""[Service]
# {SECRET}
Environment="HTTPS_PROXY=http://bob:{SECRET}@proxy.corp:3128" TOKEN={SECRET}
Environment=NO_PROXY=*.corp,10.0.0.0/8
EnvironmentFile=-/etc/default/docker
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// --registry-mirror=https://mirror.corp --label x={SECRET} \\
  --cluster-store-opt {SECRET} $DOCKER_OPTS
ExecStartPre=/bin/sh -c "curl -u bob:{SECRET} https://x"
"""
DEFAULTS = f"""DOCKER_OPTS="--registry-mirror https://mirror.corp --insecure-registry=r.corp:5000"
export HTTP_PROXY=http://{SECRET}@proxy.corp:3128
https_proxy="http://proxy.corp:{SECRET}"
REGISTRY_PASSWORD='{SECRET}'
OTHER={SECRET}
"""
HOSTS = f"127.0.0.1 localhost # {SECRET}\n10.0.0.7\tregistry.corp\n"
CERTIFICATE = f"""{SECRET}
-----BEGIN CERTIFICATE-----
TUlJQg==
-----END CERTIFICATE-----
{SECRET}
"""
FILES = {
    "/root/.docker/config.json": DOCKER,
    "/etc/containerd/config.toml": CONTAINERD,
    "/etc/rancher/k3s/registries.yaml": K3S,
    "/etc/systemd/system/docker.service": UNIT,
    "/etc/default/docker": DEFAULTS,
    "/etc/hosts": HOSTS,
    "/etc/docker/certs.d/registry.corp/ca.crt": CERTIFICATE,
}
KEPT = {
    "/root/.docker/config.json": ["registry.corp:5000", "auths", "password", "gcloud", "*.corp"],
    "/etc/containerd/config.toml": ["/etc/containerd/certs.d", "mirror.corp", "password", "pull"],
    "/etc/rancher/k3s/registries.yaml": ["https://mirror.corp:5000", "password", "/etc/ca.crt"],
    "/etc/systemd/system/docker.service": ["/usr/bin/dockerd", "mirror.corp", "*.corp", "@proxy"],
    "/etc/default/docker": ["https://mirror.corp", "r.corp:5000", "REGISTRY_PASSWORD", "@proxy"],
    "/etc/hosts": ["127.0.0.1 localhost", "10.0.0.7\tregistry.corp"],
    "/etc/docker/certs.d/registry.corp/ca.crt": ["TUlJQg=="],
}


@pytest.mark.parametrize("path", FILES)
def test_no_secret_is_left_and_the_structure_is(path: str) -> None:
    text = shown(path, FILES[path])
    assert SECRET not in text
    assert "hunter2" not in text
    assert MASK in text or path.endswith(".crt")
    for kept in KEPT[path]:
        assert kept in text, text
    if not path.endswith(".crt"):
        assert text.count("\n") == FILES[path].count("\n")


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("how", ["cut", "doubled", "quotes", "brackets", "commas", "windows"])
def test_nor_where_the_file_is_broken(path: str, how: str) -> None:
    """As an editor or a template leaves it. A file is never parsed, so none is too broken."""
    text = FILES[path]
    half = text.rfind(SECRET) + len(SECRET)
    broken = {
        "cut": text[:half],
        "doubled": text[:half] + text,
        "quotes": text.replace('"', "", 3),
        "brackets": text.replace("{", "", 1).replace("]", "", 1),
        "commas": text.replace(",", ",,", 2).replace(":", "", 1),
        "windows": text.replace("\n", "\r\n"),
    }[how]
    assert SECRET not in shown(path, broken)


def test_what_was_valid_still_is() -> None:
    """So that an unpacked bundle can be read with --root."""
    config = json.loads(shown("/root/.docker/config.json", DOCKER))
    assert config["auths"]["registry.corp:5000"] == {"auth": MASK, "email": MASK}
    assert config["proxies"]["default"]["httpProxy"] == f"http://{MASK}@proxy.corp:3128"
    assert config["credsStore"] == "desktop"
    told = tomllib.loads(shown("/etc/containerd/config.toml", CONTAINERD))
    cri = told["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    assert cri["mirrors"]["docker.io"]["endpoint"][0] == "https://mirror.corp"
    assert told["host"]["https://mirror.corp"]["skip_verify"] is True
    registries = yaml.safe_load(shown("/etc/rancher/k3s/registries.yaml", K3S))
    assert registries["mirrors"]["docker.io"]["endpoint"][0] == "https://mirror.corp:5000"
    assert registries["configs"]["registry.corp:5000"]["auth"]["password"] == MASK


HARMLESS = {
    "/etc/docker/daemon.json": '{"registry-mirrors": ["https://m.corp"], "debug": true, "mtu": 14}',
    "/etc/containers/registries.conf": '[[registry]]\nlocation = "docker.io"\nblocked = true\n',
    "/etc/containers/shortnames.conf": '[aliases]\n  "alpine" = "docker.io/library/alpine"\n',
    "/var/lib/kubelet/config.yaml": "apiVersion: v1\nkind: Kubelet\nserializeImagePulls: false\n",
    "/etc/resolv.conf": "nameserver 10.0.0.1\nsearch corp\noptions ndots:5\n",
}


@pytest.mark.parametrize("path", HARMLESS)
def test_what_holds_no_secret_stays_as_it_is(path: str) -> None:
    mask, text = Mask(), HARMLESS[path]
    assert masked(path, text.encode(), mask) == text
    assert mask.taken() == {}


VALUES = st.text(max_size=8) | st.none() | st.lists(st.text(max_size=5))


@given(st.dictionaries(st.text(max_size=8), VALUES))
def test_any_json_keeps_its_shape(value: dict[str, Any]) -> None:
    text = shown("/etc/x.json", json.dumps(value))
    assert len(json.loads(text)) == len(value)


@given(st.text(max_size=300), st.sampled_from(sorted(FILES)))
def test_any_text_is_masked_without_a_fault(text: str, path: str) -> None:
    found = masked(path, text.encode("utf-8", "replace"), Mask())
    assert isinstance(found, str | LeftOut)


def test_what_was_masked_is_known_in_every_other_file(gate: Gate) -> None:
    """A password in one file's field may stand in another's comment-free text."""
    mask = Mask()
    config = b'{"auths": {"r.corp": {"auth": "Ym9iOnMzY3IzdHMzY3IzdA=="}}}'
    masked("/root/.docker/config.json", config, mask)
    mask.learn()
    for written in ("s3cr3ts3cr3t", "Ym9iOnMzY3IzdHMzY3IzdA==", "czNjcjN0czNjcjN0"):
        assert gate.scrub(f"x {written} y") == f"x {MASK} y"
    assert gate.scrub("bob") == "bob"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/a b.json", "config/etc/a%20b.json"),
        ("/home/ü/x", "config/home/%C3%BC/x"),
        ("/etc/../../x", "config/etc/x"),
        ("//etc//x\n", "config/etc/x%0A"),
        ("/etc/docker/certs.d/r.corp:5000/ca.crt", "config/etc/docker/certs.d/r.corp:5000/ca.crt"),
    ],
)
def test_a_path_s_name_in_the_bundle(path: str, name: str) -> None:
    assert place(path) == name
    assert re.fullmatch(r"[A-Za-z0-9._%@+=,:/-]+", place(path))


@pytest.mark.parametrize("sign", ["?k=", "?", "#"])
def test_the_query_of_an_address_is_nobodys(sign: str) -> None:
    """Whatever it is called, and wherever an address may stand."""
    where = f"https://mirror.corp/v2{sign}{SECRET}"
    texts = {
        "/etc/docker/daemon.json": f'{{"registry-mirrors": ["{where}", "https://b.corp/v2"]}}',
        "/etc/containerd/certs.d/x/hosts.toml": f'server = "{where}"\n[host."{where}"]\n',
        "/etc/rancher/k3s/registries.yaml": f"mirrors:\n  x:\n    endpoint:\n    - {where}\n",
        "/etc/systemd/system/docker.service": f"Environment=DOCKER_HOST={where}\n",
    }
    for path, text in texts.items():
        told = shown(path, text)
        assert SECRET not in told
        assert "mirror.corp" in told or path.endswith(".service")
    assert "https://b.corp/v2" in shown("/etc/docker/daemon.json", texts["/etc/docker/daemon.json"])


def test_a_text_of_addresses_costs_no_time() -> None:
    address = "://" * 300_000
    assert readable(["registry-mirrors"], address) == address
    assert readable(["registry-mirrors"], f"{address}?{SECRET}") == f"{address}?{MASK}"
