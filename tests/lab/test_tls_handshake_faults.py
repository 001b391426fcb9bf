"""The handshake: a server or something on the way ends it, or it is none. Does the command say
which?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority, leaf, rsa_key
from tests.lab import cure, servers
from tests.lab.chains import issued
from tests.lab.fakes import middlebox, name_filter
from tests.lab.programs import need
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, Files, Way
from tests.lab.world import REGISTRY, SPARE, World

pytestmark = pytest.mark.lab

CLIENT_CA = authority("Client CA")
BEHIND = (REGISTRY, 443)
BOX = SPARE[4]
"""Where the registry seems to be, when something stands before it."""
SHORT = ("--timeout", "12")


def front(*settings: str, **way: Any) -> Way:
    return Way(site=" ".join(f"{setting};" for setting in settings), **way)


def by(dislikes: Callable[[bytes], bool], *, drops: bool = False) -> Way:
    """Something on the way looks at the first message."""

    def machine(world: World) -> None:
        middlebox(world.far, dislikes, BOX, BEHIND, drops=drops)

    return Way(addresses=(BOX,), machine=machine)


def has_name(hello: bytes) -> bool:
    return HOST.encode() in hello


def any_tls(first: bytes) -> bool:
    return first.startswith(b"\x16")


def large(hello: bytes) -> bool:
    return len(hello) > 1400


def filtered(world: World) -> None:
    name_filter(world.far, "blocked.example", BOX, BEHIND)


def mutual(*settings: str, demand: str = "on") -> Way:
    """nginx wants a client certificate."""

    def place(world: World) -> Sequence[str]:
        (world.etc / "client-ca.pem").write_text(CLIENT_CA.pem)
        return ()

    wanted = f"ssl_verify_client {demand}", "ssl_client_certificate /etc/client-ca.pem"
    return front(*wanted, *settings, more_sites=place)


def s_server(*options: str, **way: Any) -> Way:
    """openssl's server in nginx's place. It is no registry: whom it lets in gets a page."""

    def listener(world: World, files: Files) -> None:
        (world.etc / "client-ca.pem").write_text(CLIENT_CA.pem)
        servers.s_server(world, files, *options)

    return Way(listener=listener, **way)


def rejecting(world: World) -> Sequence[str]:
    """What comes to that address by another name is refused."""
    return [servers.site(REGISTRY, certificate=None, more="ssl_reject_handshake on;")]


def plain(locations: str = "") -> Way:
    """The registry speaks plain HTTP on the port, unless it is told otherwise."""
    site = servers.site(REGISTRY, certificate=None, port=443, locations=locations)
    return Way(port="closed", more_sites=lambda world: [site])


PAGE = "location /v2/ { default_type text/html; return 200 '<h1>It works!</h1>'; }"
ALL = "ssl_ciphers ALL:@SECLEVEL=0"
CAS = ("-CAfile", "/etc/client-ca.pem")
WANTED = ("tls.client-certificate-required",)
RSA = {"certificate": issued(key=rsa_key(2048)).certificate}
TAKEN = (
    Scenario("tls-1.2-only", front("ssl_protocols TLSv1.2")),
    Scenario("tls-1.3-only", front("ssl_protocols TLSv1.3")),
    Scenario("old-protocols-besides", front("ssl_protocols TLSv1 TLSv1.1 TLSv1.2", ALL)),
    Scenario("client-certificate-optional", mutual(demand="optional")),
    Scenario("other-names-not-served", front(f"server_name {HOST}", more_sites=rejecting)),
    Scenario("filter-for-another-name", Way(addresses=(BOX,), machine=filtered)),
)
REFUSED = (
    Scenario("filter-resets-the-name", by(has_name), ("tls.handshake-reset",)),
    Scenario("filter-resets-all-tls", by(any_tls), ("tls.handshake-reset",)),
    Scenario("reset-at-hello", Way(port="resets-on-hello"), ("tls.handshake-reset",)),
    Scenario("reset-at-once", Way(port="resets"), ("tcp.reset",)),
    Scenario("name-not-served", front("ssl_reject_handshake on"), ("tls.handshake-refused",)),
    Scenario("dhe-only", s_server("-tls1_2", "-cipher", "DHE", **RSA), ("tls.no-common-cipher",)),
    Scenario("static-rsa-only", front("ssl_protocols TLSv1.2", "ssl_ciphers kRSA", **RSA), ("tls.no-common-cipher",)),
    Scenario("plain-http", plain(PAGE), ("tls.plain-http",)),
    Scenario("registry-in-plain-http", plain(), ("registry.http-only",)),
    Scenario("ssh", Way(port="ssh"), ("tls.not-tls",)),
    Scenario("client-certificate-1.2", mutual("ssl_protocols TLSv1.2"), WANTED),
    Scenario("client-certificate-1.3", mutual("ssl_protocols TLSv1.3"), WANTED),
    Scenario("client-certificate-alert-1.2", s_server("-Verify", "1", "-tls1_2", *CAS), WANTED),
    Scenario("client-certificate-alert-1.3", s_server("-Verify", "1", "-tls1_3", *CAS), WANTED),
    Scenario("client-certificate-optional-and-no-registry", s_server("-verify", "1", *CAS), ("registry.not-a-registry",)),
)  # fmt: skip
OLD = (
    Scenario("tls-1.1", front("ssl_protocols TLSv1 TLSv1.1", ALL), ("tls.protocol-too-old",)),
    Scenario("tls-1.0", front("ssl_protocols TLSv1", ALL), ("tls.protocol-too-old",)),
)
"""Debian's skopeo of 2022 still speaks these."""
TOO_LARGE = (
    Scenario("filter-resets-large-hellos", by(large), ("tls.handshake-reset",)),
    Scenario(
        "filter-drops-large-hellos",
        by(large, drops=True),
        ("tls.handshake-timeout",),
        options=SHORT,
    ),
)
"""Only clients meet these that offer post-quantum keys: Go's since 1.24."""
SILENT = (
    Scenario(
        "filter-drops-the-name", by(has_name, drops=True), ("tls.handshake-timeout",), options=SHORT
    ),
    Scenario("mute", Way(port="says-nothing"), ("tls.handshake-timeout",), options=SHORT),
)
"""For these skopeo has a long patience."""


@pytest.mark.parametrize("scenario", (*TAKEN, *REFUSED), ids=attrgetter("name"))
def test_the_cause_is_found_and_is_real(scenario: Scenario, lab: World, store: Path) -> None:
    run, copied = scenario.both(lab, store)
    scenario.verify(run)
    assert (copied.exit == 0) is not bool(scenario.causes), copied


@pytest.mark.parametrize("scenario", (*TOO_LARGE, *SILENT), ids=attrgetter("name"))
def test_the_cause_is_found(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(scenario.play(lab, store))


@pytest.mark.parametrize("scenario", OLD, ids=attrgetter("name"))
def test_what_is_to_be_shown_to_the_owner_shows_it(
    scenario: Scenario, lab: World, store: Path
) -> None:
    run = scenario.play(lab, store)
    scenario.verify(run)
    (step,) = cure.remedy(run)["steps"]
    assert lab.run("sh", "-c", step["command"]).exit == 1
    now = lab.run("sh", "-c", step["command"].replace("-tls1_2", "-tls1 -cipher ALL:@SECLEVEL=0"))
    assert now.exit == 0, now


@pytest.mark.parametrize(
    ("name", "words"),
    (
        ("filter-resets-the-name", "asked for another name, or for none, it answers"),
        ("filter-resets-large-hellos", "it answers a smaller first message"),
        ("reset-at-hello", "without sending a byte."),
    ),
)
def test_what_is_filtered_by_is_said(name: str, words: str, lab: World, store: Path) -> None:
    scenario = next(each for each in (*REFUSED, *TOO_LARGE) if each.name == name)
    assert words in scenario.play(lab, store).report["targets"][0]["summary"]


def test_a_client_certificate_lets_skopeo_in(lab: World, store: Path) -> None:
    need("curl")
    scenario = Scenario("client-certificate", mutual(), WANTED)
    run = scenario.play(lab, store)
    certificate, key = leaf(CLIENT_CA, "alice", usages=()).write(lab.home, "alice")
    words = {"CLIENT_CERT_FILE": str(certificate), "CLIENT_KEY_FILE": str(key)}
    cure.carry_out(lab, cure.remedy(run), scenario.target, words=words, env={})
    copied = scenario.copy(lab, {})
    assert copied.exit == 0, copied
