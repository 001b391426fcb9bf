"""Does the shell's client answer all that a check asks, for the machine that it was given?"""

from __future__ import annotations

from pathlib import Path

from doctor.clients.keyring import wanted
from doctor.clients.shell import Shell
from doctor.model import Client, Hop, Target
from doctor.reference import Reference, parse
from tests.clients.registries import DOCKER, HOME, auth, put, user

REGISTRY = Hop("registry", "reg.example.com", 443)


def target(text: str, hop: Hop = REGISTRY, *, image: bool = True) -> Target:
    reference = parse(text) if image else None
    assert reference is None or isinstance(reference, Reference)
    return Target(text, reference, reference.hop if reference else hop)


def test_it_is_a_client() -> None:
    client: Client = Shell.here({"HOME": HOME}, name="crane")
    assert client.name == "crane"


def test_credentials_are_read_below_the_root(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"reg.example.com": auth("below")}})
    client = Shell.here({"HOME": HOME}, root=str(tmp_path))
    assert user(client.keys(target("reg.example.com/team/app:1"))) == "below"


def test_the_option_stands_in_for_the_environments_proxy() -> None:
    environ = {"HOME": HOME, "HTTPS_PROXY": "http://one.example:3128"}
    assert Shell.here(environ).route(REGISTRY).leads_to[0].host == "one.example"
    other = Shell.here(environ, proxy="http://two.example:3128")
    assert other.route(REGISTRY).leads_to[0].host == "two.example"


def test_a_proxys_login_is_given_apart_from_the_route() -> None:
    client = Shell.here({"HTTPS_PROXY": "http://me:canary-77@one.example:3128"})
    assert client.proxy_login(REGISTRY)
    assert "canary" not in repr(client.route(REGISTRY))
    assert Shell.here({}).proxy_login(REGISTRY) is None


def test_what_is_looked_up_is_the_registry_as_it_is_written() -> None:
    assert wanted(target("nginx")).key == "https://index.docker.io/v1/"
    assert wanted(target("reg.example.com:443/a/b")).key == "reg.example.com:443"
    assert wanted(target("reg.example.com", image=False)).key == "reg.example.com"
    assert wanted(target("reg.example.com:443", image=False)).key == "reg.example.com:443"
    assert wanted(target("reg.example.com/", image=False)).key == "reg.example.com"
    hub = Hop("registry", "registry-1.docker.io", 443)
    assert wanted(target("docker.io", hub, image=False)).key == "https://index.docker.io/v1/"
