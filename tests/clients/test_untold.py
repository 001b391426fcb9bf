"""Which registries are spoken to in plain HTTP, or unverified, although nobody said so?"""

from __future__ import annotations

import pytest

from doctor.clients import untold
from doctor.clients.shell import Shell
from doctor.facts.trust import TrustFact
from doctor.model import Hop, Target
from doctor.reference import Reference, parse
from tests.clients.registries import HOME


def target(text: str, *, image: bool = True) -> Target:
    if not image:
        host, _, port = text.rpartition(":")
        return Target(text, None, Hop("registry", host, int(port)))
    reference = parse(text)
    assert isinstance(reference, Reference)
    return Target(text, reference, reference.hop)


@pytest.mark.parametrize("domain", [
    *("localhost", "localhost:5000", "x.localhost", "a.b.localhost:5000", "127.0.0.1"),
    *("127.0.0.1:80", "[::1]", "[::1]:5000", "::1", "10.0.0.1", "10.255.255.255:5000"),
    *("172.16.0.1", "172.31.255.255", "192.168.1.1:443"),
])  # fmt: skip
def test_go_containerregistry_tries_plain_http(domain: str) -> None:
    assert untold.crane(domain)


@pytest.mark.parametrize("domain", [
    *("localhost.example.com", "localhostx", "xlocalhost", "x.local", "registry.local:5000"),
    *("127.0.0.2", "127.0.0.1.example.com", "[::2]", "[fc00::1]", "[::ffff:10.0.0.1]"),
    *("11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.64.0.1", "169.254.1.1"),
    *("10.0.0", "10.1", "reg.example.com", "10.example.com", "index.docker.io"),
])  # fmt: skip
def test_go_containerregistry_wants_tls(domain: str) -> None:
    assert not untold.crane(domain)


@pytest.mark.parametrize(("domain", "near"), [
    ("localhost", True), ("localhost:5000", True), ("127.0.0.1", True), ("127.9.9.9:80", True),
    ("[::1]:5000", True), ("::1", True), ("[::1]", True), ("[::ffff:127.0.0.1]:5000", True),
    ("x.localhost", False), ("10.0.0.1", False), ("128.0.0.1", False), ("[::2]:5000", False),
    ("localhost.example.com", False), ("127.1", False),
])  # fmt: skip
def test_containerd_knows_loopback(domain: str, near: bool) -> None:
    assert untold.containerd(domain) is near


@pytest.mark.parametrize(("host", "addresses", "near"), [
    ("127.0.0.1", ("127.0.0.1",), True),
    ("127.9.9.9", ("127.9.9.9",), True),
    ("::1", ("::1",), True),
    ("localhost", (), True),
    ("reg.test", ("127.0.0.1",), True),
    ("reg.test", (), False),
    ("10.0.0.1", ("10.0.0.1",), False),
    ("::2", ("::2",), False),
])  # fmt: skip
def test_dockerd_knows_loopback_by_its_addresses(
    host: str, addresses: tuple[str, ...], near: bool
) -> None:
    trust = TrustFact(insecure=untold.docker(host))
    assert (trust.unverified(addresses) is not None) is near
    assert (trust.in_the_clear(addresses) is not None) is near
    assert not any(each.origin for each in trust.insecure)


@pytest.mark.parametrize(("text", "image", "clear"), [
    ("10.0.0.1:5000/a:1", True, True),
    ("localhost:5000", False, True),
    ("11.0.0.1:5000/a:1", True, False),
    ("reg.example.com/a:1", True, False),
])  # fmt: skip
def test_the_shell_verifies_tls_and_goes_on_in_the_clear(
    text: str, image: bool, clear: bool
) -> None:
    mine = target(text, image=image)
    trust = Shell.here({"HOME": HOME}).trust(mine.registry, mine)
    assert (trust.in_the_clear(()) is not None) is clear
    assert trust.unverified(()) is None


@pytest.mark.parametrize(("text", "asked"), [
    ("10.0.0.1/a:1", ["https 10.0.0.1:443", "http 10.0.0.1:80"]),
    ("x.localhost/a:1", ["https x.localhost:443", "http x.localhost:80"]),
    ("[::1]/a:1", ["https [::1]:443", "http [::1]:80"]),
    ("10.0.0.1:5000/a:1", ["https 10.0.0.1:5000"]),
    ("[::1]:5000/a:1", ["https [::1]:5000"]),
    ("11.0.0.1/a:1", ["https 11.0.0.1:443"]),
    ("nginx", ["https registry-1.docker.io:443"]),
])  # fmt: skip
def test_without_a_port_plain_http_is_port_80(text: str, asked: list[str]) -> None:
    fact = Shell.here({"HOME": HOME}).endpoints(target(text))
    assert [f"{e.hop.scheme} {e.hop.name}" for e in fact.asked] == asked
    assert [e.instead for e in fact.asked] == [False, True][: len(asked)]
    assert {e.hop.role for e in fact.asked} == {"registry"}
