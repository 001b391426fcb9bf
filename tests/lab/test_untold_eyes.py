"""Plain HTTP that nobody asked for: go-containerregistry speaks it with private addresses, and the
others do not. A credential is never shown there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth
from tests.lab.test_containerd_eyes import CONFIG, put
from tests.lab.way import PROXY_HOST, Way
from tests.lab.world import Run, World

pytestmark = pytest.mark.lab

PRIVATE, PUBLIC = "10.9.0.5", "192.88.99.20"


def looked(lab: World, store: Path, host: str, *options: str, login: bool = False) -> Run:
    """At a registry of that address that speaks plain HTTP and nothing else."""
    address, _, port = host.partition(":")
    if address == PRIVATE:
        lab.run("ip", "addr", "add", f"{PRIVATE}/32", "dev", "lo")
    way = Way(port="closed", login="basic" if login else "none")
    way = replace(
        way,
        more_sites=lambda _: (servers.site(address, certificate=None, port=int(port or 80)),),
    )
    home = {".docker/config.json": {"auths": {host: {"auth": auth()}}}} if login else {}
    image = f"{host}/{REPOSITORY}:latest"
    return Scenario("x", way, target=image, options=options, home=home).play(lab, store)


@pytest.mark.parametrize("client", ["shell", "crane"])
@pytest.mark.parametrize("host", [PRIVATE, f"{PRIVATE}:5000"])
def test_a_private_address_is_spoken_to(lab: World, store: Path, host: str, client: str) -> None:
    run = looked(lab, store, host, "--as", client)
    assert (run.exit, run.root_causes) == (0, []), run
    reached = {h["port"]: h["reached"] for h in run.report["targets"][0]["hops"]}
    assert reached[int(host.partition(":")[2] or 80)] == "http", run


@pytest.mark.parametrize(("host", "client", "cause"), [
    (f"{PUBLIC}:5000", "shell", "registry.http-only"),
    (PUBLIC, "shell", "tcp.refused"),
    (f"{PRIVATE}:5000", "podman", "registry.http-only"),
    (PRIVATE, "podman", "tcp.refused"),
])  # fmt: skip
def test_others_are_not(lab: World, store: Path, host: str, client: str, cause: str) -> None:
    run = looked(lab, store, host, "--as", client)
    assert (run.exit, run.root_causes) == (1, [cause]), run


def test_where_neither_answers_https_is_what_fails(lab: World, store: Path) -> None:
    lab.run("ip", "addr", "add", f"{PRIVATE}/32", "dev", "lo")
    run = Scenario("x", Way(), target=f"{PRIVATE}/a:1").play(lab, store)
    assert run.root_causes == ["tcp.refused"], run
    (found,) = [f for f in run.findings if f["root_cause"]]
    assert found["hop"] == f"{PRIVATE}:443"


@pytest.mark.parametrize("host", [PRIVATE, f"{PRIVATE}:5000"])
def test_no_credential_is_shown_in_the_clear(lab: World, store: Path, host: str) -> None:
    run = looked(lab, store, host, login=True)
    assert run.exit != 0, run
    seen = servers.seen(lab, PRIVATE)
    assert seen
    assert not any(row.authorization for row in seen)


@pytest.mark.parametrize("host", [PRIVATE, f"{PRIVATE}:5000"])
def test_that_the_login_is_held_back_is_said(lab: World, store: Path, host: str) -> None:
    """Port 443 is closed, and the client goes on to port 80: no cause that it would fail by."""
    run = looked(lab, store, host, login=True)
    assert (run.report["verdict"], run.root_causes) == ("incomplete", []), run
    (auth,) = [each for each in run.report["targets"][0]["checks"] if each["name"] == "auth"]
    assert auth["status"] == "skip"
    assert auth["summary"] == "the login was not sent: plain HTTP, the connection is not encrypted"


def test_where_there_is_no_login_none_is_said_to_be_held_back(lab: World, store: Path) -> None:
    run = looked(lab, store, f"{PRIVATE}:5000")
    (auth,) = [each for each in run.report["targets"][0]["checks"] if each["name"] == "auth"]
    assert "not sent" not in auth["summary"]


def logged_in_at_localhost(lab: World, store: Path) -> None:
    """A registry of this machine that speaks plain HTTP and wants a login, and a proxy."""
    site = servers.site("127.0.0.1", certificate=None, port=5055)
    way = Way(port="closed", login="basic")
    way = replace(way, more_sites=lambda _: (site,), detour=everywhere)
    login = {"auths": {"localhost:5055": {"auth": auth()}}}
    Scenario("x", way, home={".docker/config.json": login}).make(lab, store)


def everywhere(world: World) -> dict[str, str]:
    servers.proxy(world, knows={"localhost": "127.0.0.1"})
    return {}


def shown(lab: World) -> list[str]:
    return [row.authorization for row in servers.seen(lab, "127.0.0.1") if row.authorization]


CRI = (
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n'
    'config_path = "/etc/containerd/certs.d"\n'
)
TABLE = '[host."http://localhost:5055"]\n'
HTTP = f'{TABLE}{TABLE[:-2]}.header]\nAuthorization = "Basic {auth()}"\n'


@pytest.mark.parametrize("client", ["shell", "docker", "containerd"])
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "through a proxy"])
def test_loopback_is_that_of_the_proxy_behind_one(
    lab: World, store: Path, client: str, proxied: bool
) -> None:
    """A credential is shown to this machine in the clear, and not to whom the proxy takes for
    it."""
    logged_in_at_localhost(lab, store)
    if client == "containerd":
        put(lab, CONFIG, CRI)
        put(lab, "containerd/certs.d/localhost:5055/hosts.toml", HTTP)
    through = ("--proxy", f"http://{PROXY_HOST}:3128") if proxied else ()
    run = lab.check("--as", client, *through, f"localhost:5055/{REPOSITORY}:latest")
    assert servers.seen(lab, "127.0.0.1"), run
    assert bool(shown(lab)) is not proxied, run
