"""Is registries.yaml taken as k3s and RKE2 take it (k3s docs, installation/private-registry;
pkg/agent/containerd/config.go)? One row a rule. Neither was run here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.clients.containerd import Containerd
from doctor.clients.rewrite import rewritten
from doctor.facts.endpoint import EndpointsFact
from doctor.model import Target
from doctor.reference import Reference, parse
from tests.clients.registries import put

FILE = "/etc/rancher/k3s/registries.yaml"
UNIT = "/etc/systemd/system/k3s.service"
HOST = "reg.example.com"
IMAGE = f"{HOST}/team/app:1"
HOME = f"https://{HOST}:443/v2/team/app"


def target(image: str = IMAGE) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="containerd")


def k3s(root: Path, text: str | None = None, unit: str = "", file: str = FILE) -> Containerd:
    if text is not None:
        put(root, file, text)
    put(root, UNIT, f"[Service]\nExecStart=/usr/local/bin/k3s server {unit}\n")
    return Containerd.here({"HOME": "/root"}, root=str(root))


def endpoints(client: Containerd, image: str = IMAGE) -> EndpointsFact:
    return client.endpoints(target(image))


def asked(client: Containerd, image: str = IMAGE) -> list[str]:
    return [
        f"{e.hop.scheme}://{e.hop.name}{e.base}/{e.repository}"
        for e in endpoints(client, image).asked
    ]


def mirror(*endpoints: str, name: str = HOST, more: str = "") -> str:
    listed = "".join(f'      - "{each}"\n' for each in endpoints)
    return f'mirrors:\n  "{name}":\n    endpoint:\n{listed}{more}'


@pytest.mark.parametrize(("text", "image", "expected"), [
    (None, IMAGE, [HOME]),
    ("", IMAGE, [HOME]),
    ("mirrors:\n", IMAGE, [HOME]),
    (f"mirrors:\n  {HOST}:\n", IMAGE, [HOME]),
    (mirror("https://a", "http://b:5000"), IMAGE,
     ["https://a:443/v2/team/app", "http://b:5000/v2/team/app", HOME]),
    (mirror("a.example:5000"), IMAGE, ["https://a.example:5000/v2/team/app", HOME]),
    (mirror("localhost:5000"), IMAGE, ["http://localhost:5000/v2/team/app", HOME]),
    (mirror("https://a/v2"), IMAGE, ["https://a:443/v2/team/app", HOME]),
    (mirror("https://a/v2/proxy"), IMAGE, ["https://a:443/v2/proxy/team/app", HOME]),
    (mirror("https://a", "https://a"), IMAGE, ["https://a:443/v2/team/app", HOME]),
    (mirror(f"https://{HOST}", "https://a"), IMAGE, ["https://a:443/v2/team/app", HOME]),
    (mirror("https://a", name="*"), IMAGE, ["https://a:443/v2/team/app", HOME]),
    (mirror("https://a", name="other.example"), IMAGE, [HOME]),
    (mirror("https://a:b"), IMAGE, [HOME]),
    (mirror("https://a", name="docker.io"), "nginx",
     ["https://a:443/v2/library/nginx", "https://registry-1.docker.io:443/v2/library/nginx"]),
])  # fmt: skip
def test_endpoints_come_in_order_and_the_registry_last(
    tmp_path: Path, text: str | None, image: str, expected: list[str]
) -> None:
    client = k3s(tmp_path, text)
    assert asked(client, image) == expected
    assert client.setup(target(image)).faults == ()


@pytest.mark.parametrize(("unit", "config", "left_out"), [
    ("--disable-default-registry-endpoint", "", True),
    ("--disable-default-registry-endpoint=false", "", False),
    ("", "disable-default-registry-endpoint: true\n", True),
    ("", "disable-default-registry-endpoint: false\n", False),
    ("", "", False),
])  # fmt: skip
def test_the_registry_may_be_left_out_where_it_has_endpoints(
    tmp_path: Path, unit: str, config: str, left_out: bool
) -> None:
    put(tmp_path, "/etc/rancher/k3s/config.yaml", config)
    client = k3s(tmp_path, mirror("https://a"), unit)
    assert (HOME not in asked(client)) is left_out
    assert asked(client, "other.example/a:1") == ["https://other.example:443/v2/a"]


REWRITE = "    rewrite:\n      {}\n"


@pytest.mark.parametrize(("rewrite", "expected"), [
    ('"^team/(.*)": "mirror/$1"', "mirror/app"),
    ('"^team/(.*)": "mirror/${1}-x"', "mirror/app-x"),
    ('"app": "x"', "team/x"),
    ('"^other/": "x"', "team/app"),
    ('"(": "x"', "team/app"),
])  # fmt: skip
def test_a_rewrite_changes_the_name_at_mirrors_and_not_at_the_registry(
    tmp_path: Path, rewrite: str, expected: str
) -> None:
    client = k3s(tmp_path, mirror("https://a", more=REWRITE.format(rewrite)))
    assert asked(client) == [f"https://a:443/v2/{expected}", HOME]


def test_patterns_that_could_take_long_are_told_and_not_tried(tmp_path: Path) -> None:
    client = k3s(tmp_path, mirror("https://a", more=REWRITE.format('"^(a+)+$": "x"')))
    assert asked(client, f"{HOST}/{'a' * 60}b/c:1")[0].endswith("b/c")
    (fault,) = client.setup(target()).faults
    assert (fault.file, fault.line, fault.stops) == (FILE, 6, False)
    assert rewritten("a" * 200, (("^(.*)x(.*)y(.*)z$", "b"),)) == "a" * 200


TLS = f"""
configs:
  "{HOST}":
    tls:
      ca_file: /ca.crt
  "m.example:5000":
    auth:
      username: alice
      password: canary-1
    tls:
      cert_file: /c.crt
      key_file: /c.key
      insecure_skip_verify: true
"""


def test_configs_are_for_the_endpoints_host(tmp_path: Path) -> None:
    from doctor.engine.fallback import aim

    put(tmp_path, "/ca.crt", "no certificate")
    client = k3s(tmp_path, mirror("https://m.example:5000") + TLS)
    first, last = endpoints(client).asked
    there = aim(target(), first)
    trust = client.trust(there.registry, there)
    setting = trust.unverified(("m.example",))
    assert setting is not None
    assert (setting.origin, setting.allows) == (f"{FILE}:17", "unverified")
    assert {fault.path for fault in trust.faults} == {"/ca.crt", "/c.crt"}
    (held,) = client.keys(there).tries
    assert held.credential is not None
    assert (held.credential.user, held.credential.secret.reveal()) == ("alice", "canary-1")
    home = aim(target(), last)
    assert client.trust(home.registry, home).insecure == ()
    assert client.keys(home).tries == ()
    assert "canary" not in repr(client)


@pytest.mark.parametrize(("text", "line"), [
    ("mirrors:\n  a: [\n", 2),
    ("mirrors:\n- a\n", 2),
    ("mirrors:\n  a:\n    endpoint: https://a\n", 3),
    ("mirrors:\n  a:\n    endpoint:\n    - [1]\n", 4),
    ("- a\n", 1),
    ("mirrors:\n\ta: b\n", 2),
])  # fmt: skip
def test_a_file_that_does_not_parse_keeps_it_from_starting(
    tmp_path: Path, text: str, line: int
) -> None:
    fault = k3s(tmp_path, text).setup(target()).faults[0]
    assert (fault.file, fault.line, fault.effect) == (FILE, line, "k3s does not start")
    assert fault.stops


@pytest.mark.parametrize(("path", "service", "name"), [
    ("/etc/systemd/system/k3s-agent.service", "k3s-agent", "k3s"),
    ("/usr/lib/systemd/system/rke2-server.service", "rke2-server", "rke2"),
    ("/usr/local/lib/systemd/system/rke2-agent.service", "rke2-agent", "rke2"),
])  # fmt: skip
def test_whose_containerd_it_is_shows_by_the_unit(
    tmp_path: Path, path: str, service: str, name: str
) -> None:
    put(tmp_path, path, "[Service]\nExecStart=/x agent\n")
    put(tmp_path, f"/etc/rancher/{name}/registries.yaml", mirror("https://a"))
    put(tmp_path, "/etc/containerd/config.toml", "[")
    client = Containerd.here({"HOME": "/root"}, root=str(tmp_path))
    fact = client.setup(target())
    assert (fact.service, fact.faults) == (service, ())
    assert fact.daemon is not None
    assert fact.daemon.socket == "/run/k3s/containerd/containerd.sock"
    assert asked(client)[0] == "https://a:443/v2/team/app"


def test_another_file_may_be_named(tmp_path: Path) -> None:
    put(tmp_path, "/opt/r.yaml", mirror("https://a"))
    assert len(asked(k3s(tmp_path, unit="--private-registry=/opt/r.yaml"))) == 2


def test_the_services_environment_counts_and_containerds_own_before_it(tmp_path: Path) -> None:
    own = "CONTAINERD_HTTPS_PROXY=http://two.example:2\n"
    file = "/etc/systemd/system/k3s.service.env"
    put(tmp_path, file, f"HTTPS_PROXY=http://one.example:1\n{own}")
    put(tmp_path, UNIT, "[Service]\nEnvironmentFile=-/etc/systemd/system/k3s.service.env\n"
        "ExecStart=/usr/local/bin/k3s server\n")  # fmt: skip
    client = Containerd.here({"HTTPS_PROXY": "http://shell.example:3"}, root=str(tmp_path))
    fact = client.route(target().registry)
    assert fact.proxy is not None
    assert (fact.proxy.url, fact.proxy.origin) == (
        "http://two.example:2",
        "/etc/systemd/system/k3s.service.env:2",
    )


@pytest.mark.parametrize("content", [
    b"[" * 9000,
    b"a: &a [*a]\nmirrors: *a\n",
    b"mirrors: &m\n  a: *m\n",
    b"mirrors:\n  <<: {a: {endpoint: [x]}}\n",
    b"\xff\xfe",
    b"\xef\xbb\xbfmirrors:\r\n  a:\r\n",
    b"&a" * 1000,
    b"configs:\n  a: 1\n  b: {tls: 1, auth: []}\n",
    b"!!python/object/apply:os.system ['true']\n",
])  # fmt: skip
def test_a_hostile_file_ends(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, FILE, "")
    (tmp_path / FILE.lstrip("/")).write_bytes(content)
    client = k3s(tmp_path)
    assert asked(client)[-1] == HOME
    client.setup(target())


@pytest.mark.parametrize("kind", ["fifo", "folder", "large"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / FILE.lstrip("/")
    place.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_bytes(b"")
        os.truncate(place, 100 << 20)
    assert k3s(tmp_path).setup(target()).faults[0].file == FILE
