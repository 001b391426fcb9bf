"""Does docker's containerd image store go by the hosts.toml in certs.d, and the store of old by
none?

Knowledge of the rules: moby daemon/hosts.go (RegistryHosts, mergeLegacyConfig), containerd
core/remotes/docker/config/hosts.go.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.clients.docker import Docker
from doctor.engine.fallback import aim
from tests.certificates import authority
from tests.clients.registries import DOCKER, auth, put
from tests.clients.test_docker_mirrors import (
    CERTS,
    CONTAINERD,
    GRAPHDRIVER,
    HUB_KEY,
    JSON,
    docker,
    endpoints,
    mirrors,
    target,
    urls,
)

IMAGE = "reg.example.com/team/app:1"
OWN = "registry https://reg.example.com:443/v2/team/app"
HUB = "registry https://registry-1.docker.io:443/v2/library/nginx"
CA = authority()


def hosts(root: Path, text: str, folder: str = "reg.example.com") -> str:
    put(root, f"{CERTS}/{folder}/hosts.toml", text)
    return f"{CERTS}/{folder}/hosts.toml"


def stores(client: Docker, image: str, number: int) -> list[str]:
    there = aim(target(image), endpoints(client, image).asked[number])
    return [s.path for s in client.trust(there.registry, there).stores if CERTS in s.path]


@pytest.mark.parametrize(("text", "asked"), [
    ('[host."https://m.corp"]\n', ["mirror https://m.corp:443/v2/team/app", OWN]),
    ('[host."https://m.corp/v2/proxy"]\noverride_path = true\n',
     ["mirror https://m.corp:443/v2/proxy/team/app", OWN]),
    ('[host."https://m.corp"]\ncapabilities = ["push"]\n', [OWN]),
    ('server = "https://m.corp"\n', ["mirror https://m.corp:443/v2/team/app"]),
    ('server = "https://reg.example.com"\n', [OWN]),
    ('[host."https://m.corp"]\ncapabilities = ["pul"]\n', [OWN]),
    ("", [OWN]),
])  # fmt: skip
def test_the_hosts_in_their_order(tmp_path: Path, text: str, asked: list[str]) -> None:
    file = hosts(tmp_path, text)
    assert urls(endpoints(docker(tmp_path, CONTAINERD), IMAGE)) == asked
    assert urls(endpoints(docker(tmp_path, GRAPHDRIVER), IMAGE)) == [OWN]
    read = docker(tmp_path, CONTAINERD).setup(target(IMAGE))
    assert (file in read.files) is ('pul"' not in text and text != "")
    assert bool(read.faults) is ('pul"' in text)


def test_where_it_lists_several_hosts_registry_mirrors_count_for_nothing(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://old.corp")
    file = hosts(tmp_path, '[host."https://new.corp"]\n', "docker.io")
    fact = endpoints(docker(tmp_path, CONTAINERD), "nginx")
    assert urls(fact) == ["mirror https://new.corp:443/v2/library/nginx", HUB]
    ignored = [(p.outcome, p.note) for p in fact.places if p.where.startswith(JSON)]
    assert ignored == [("ignored", f"{file} lists several hosts")]


def test_where_it_lists_one_they_come_first(tmp_path: Path) -> None:
    mirrors(tmp_path, "https://old.corp")
    hosts(tmp_path, 'server = "https://new.corp"\n', "docker.io")
    assert urls(endpoints(docker(tmp_path, CONTAINERD), "nginx")) == [
        "mirror https://old.corp:443/v2/library/nginx",
        "mirror https://new.corp:443/v2/library/nginx",
    ]


def test_a_hosts_ca_is_for_that_host(tmp_path: Path) -> None:
    put(tmp_path, f"{CERTS}/reg.example.com/mirror.pem", CA.pem)
    hosts(tmp_path, '[host."https://m.corp"]\nca = "mirror.pem"\n')
    client = docker(tmp_path, CONTAINERD)
    assert stores(client, IMAGE, 0) == [f"{CERTS}/reg.example.com/mirror.pem"]
    assert stores(client, IMAGE, 1) == []


@pytest.mark.parametrize(("text", "insecure"), [
    ('[host."https://m.corp"]\n', False),
    ('server = "https://reg.example.com"\n', True),
])  # fmt: skip
def test_insecure_registries_count_beside_one_host_alone(
    tmp_path: Path, text: str, insecure: bool
) -> None:
    put(tmp_path, JSON, {"insecure-registries": ["reg.example.com"]})
    hosts(tmp_path, text)
    client = docker(tmp_path, CONTAINERD)
    there = aim(target(IMAGE), endpoints(client, IMAGE).asked[-1])
    assert (client.trust(there.registry, there).unverified([]) is not None) is insecure


def test_no_mirror_is_shown_a_credential(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": auth(), HUB_KEY: auth()}})
    hosts(tmp_path, '[host."https://m.corp"]\n')
    client = docker(tmp_path, CONTAINERD)
    mirror, own = (aim(target(IMAGE), each) for each in endpoints(client, IMAGE).asked)
    assert not client.keys(mirror).tries
    assert len(client.keys(own).tries) == 1


def test_a_folder_without_settings_says_where_it_looked(tmp_path: Path) -> None:
    fact = endpoints(docker(tmp_path, CONTAINERD), IMAGE)
    assert [(p.where, p.outcome) for p in fact.places] == [
        (f"{CERTS}/reg.example.com", "missing"),
        (f"{CERTS}/_default", "missing"),
    ]


def engine(root: Path, version: str, name: str = "docker-ce") -> None:
    text = f"Package: {name}\nStatus: install ok installed\nVersion: 5:{version}-1~debian.12\n"
    put(root, "/var/lib/dpkg/status", text)


FRESH = "/var/lib/docker/containerd/daemon/x"
PRIOR = "/var/lib/docker/overlay2/l/x"


@pytest.mark.parametrize(("version", "files", "store"), [
    ("29.1.0", {FRESH: ""}, "containerd"),
    ("29.1.0", {FRESH: "", "/var/lib/docker/vfs/dir/x": ""}, "containerd"),
    ("29.1.0", {FRESH: "", PRIOR: ""}, "graphdriver"),
    ("29.1.0", {FRESH: "", JSON: '{"storage-driver": "overlay2"}'}, "graphdriver"),
    ("29.1.0", {FRESH: "", JSON: '{"storage-driver": "stargz"}'}, "containerd"),
    ("29.1.0", {PRIOR: "", JSON: '{"data-root": "/d"}', "/d/containerd/x": ""}, "containerd"),
    ("29.1.0", {FRESH: "", JSON: '{"data-root": "/d"}', "/d/overlay2/l/x": ""}, "graphdriver"),
    ("29.1.0", {PRIOR: "", JSON: '{"features": {"containerd-snapshotter": true}}'}, "containerd"),
    ("29.1.0", {FRESH: "", JSON: '{"userns-remap": "default"}'}, "graphdriver"),
    ("29.1.0", {}, ""),
    ("28.5.1", {FRESH: ""}, "graphdriver"),
    ("28.5.1", {JSON: '{"features": {"containerd-snapshotter": true}}'}, "containerd"),
    ("", {FRESH: ""}, ""),
    ("", {PRIOR: ""}, "graphdriver"),
])  # fmt: skip
def test_the_store_is_told_by_version_settings_and_what_lies_below_the_data_root(
    tmp_path: Path, version: str, files: dict[str, str], store: str
) -> None:
    """moby daemon/image_store_choice.go, determineImageStoreChoice."""
    if version:
        engine(tmp_path, version)
    for path, text in files.items():
        put(tmp_path, path, text)
    file = hosts(tmp_path, '[host."https://m.corp"]\n')
    client = docker(tmp_path, None)
    assert client.store == store
    reads = store == "containerd"
    assert (file in client.setup(target(IMAGE)).files) is reads
    told = [f.effect for f in client.setup(target(IMAGE)).faults if f.kind == "other-store"]
    assert len(told) == (not reads)
    assert all(("cannot be seen" in effect) is (store == "") for effect in told)


def test_a_folder_without_hosts_toml_is_no_matter_of_the_store(tmp_path: Path) -> None:
    put(tmp_path, f"{CERTS}/reg.example.com/ca.crt", CA.pem)
    assert docker(tmp_path, GRAPHDRIVER).setup(target(IMAGE)).faults == ()


def test_another_systems_docker_package_says_nothing(tmp_path: Path) -> None:
    engine(tmp_path, "1.5.2", "docker")
    put(tmp_path, FRESH, "")
    client = docker(tmp_path, None)
    assert (client.store, client.setup(target(IMAGE)).version) == ("", "")
