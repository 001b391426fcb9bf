"""Proxies: is the cause found when the way leads through one, should lead through one, or should
not?"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

from tests.certificates import authority, leaf
from tests.lab import servers
from tests.lab.programs import need
from tests.lab.scenario import Scenario
from tests.lab.way import (
    HOST,
    PROXY_HOST,
    PROXY_PASSWORD,
    PROXY_USER,
    STORAGE_HOST,
    TOKEN_HOST,
    Way,
)
from tests.lab.world import PROXY, REGISTRY, World

Detour = Callable[[World], dict[str, str]]
AT = f"http://{PROXY_HOST}:3128"
SHORT = ("--timeout", "9")


def set_to(url: str = AT, *, start: bool = True, **more: str) -> Detour:
    """An open squid, and the variables: HTTPS_PROXY unless others are given."""

    def detour(world: World) -> dict[str, str]:
        if start:
            servers.proxy(world)
        return {"HTTPS_PROXY": url, **more}

    return detour


def only(**variables: str) -> Detour:
    """The one proxy that knows the registry's true address; here its packets are lost."""

    def detour(world: World) -> dict[str, str]:
        servers.proxy(world, knows={HOST: REGISTRY})
        return variables

    return detour


def denying(*hosts: str) -> Detour:
    def detour(world: World) -> dict[str, str]:
        servers.proxy(world, denied=hosts)
        return {"HTTPS_PROXY": AT}

    return detour


def with_login(world: World) -> dict[str, str]:
    """The proxy wants a login, the variable has none."""
    servers.proxy(world, account=(PROXY_USER, PROXY_PASSWORD))
    return {"HTTPS_PROXY": AT}


def over_tls(*, known: bool) -> Detour:
    """The proxy is spoken to over TLS, with a certificate of the lab's CA or of a stranger's."""

    def detour(world: World) -> dict[str, str]:
        issuer = world.ca if known else authority("Proxy Root CA")
        (world.home / "proxy-ca.pem").write_text(issuer.pem)
        servers.proxy(world, certificate=leaf(issuer, PROXY_HOST))
        return {"HTTPS_PROXY": f"https://{PROXY_HOST}:3128"}

    return detour


def web_server(world: World) -> dict[str, str]:
    return {"HTTPS_PROXY": AT}


def web_server_site(world: World) -> tuple[str, ...]:
    return (servers.site(PROXY, certificate=None, port=3128),)


def socks(world: World) -> dict[str, str]:
    servers.mitmproxy(world, "socks5", "--ignore-hosts", ".*")
    return {"HTTPS_PROXY": f"socks5://{PROXY_HOST}:3128"}


def inspecting(*, trusted: bool) -> Detour:
    """The proxy re-signs what goes through it."""

    def detour(world: World) -> dict[str, str]:
        servers.mitmproxy(world, "regular")
        if trusted:
            bundle = world.etc / "ssl/certs/ca-certificates.crt"
            bundle.write_text(bundle.read_text() + servers.inspection_ca(world).read_text())
        return {"HTTPS_PROXY": AT}

    return detour


NO_SUCH = "http://no-such.example:3128"
CLOSED = f"http://{PROXY_HOST}:3129"
HEALTHY = (
    Scenario("open", Way(detour=set_to())),
    Scenario("over-tls", Way(detour=over_tls(known=True))),
    Scenario("socks", Way(detour=socks)),
    Scenario("name-known-to-the-proxy-alone", Way(name="unknown", detour=only(HTTPS_PROXY=AT))),
    Scenario("excluded-and-open", Way(detour=set_to(CLOSED, start=False, NO_PROXY=HOST))),
    Scenario("excluded-by-domain", Way(detour=set_to(CLOSED, start=False, NO_PROXY=".cleanstart.com"))),
    Scenario("variable-in-both-cases", Way(detour=set_to(https_proxy=CLOSED)), also=("proxy.case-conflict",)),
    Scenario("network-in-no-proxy", Way(detour=set_to(NO_PROXY="192.88.99.0/24"))),
    Scenario("inspecting-and-trusted", Way(detour=inspecting(trusted=True)), also=("tls.intercepted",)),
)  # fmt: skip
FAULTS = (
    Scenario("denies", Way(detour=denying(HOST)), ("proxy.denied",)),
    Scenario("wants-a-login", Way(detour=with_login), ("proxy.auth-required",)),
    Scenario("rejects-the-login", Way(proxy="wrong-login"), ("proxy.auth-rejected",)),
    Scenario("closed", Way(detour=set_to(CLOSED, start=False)), ("proxy.unreachable",)),
    Scenario("name-unknown", Way(detour=set_to(NO_SUCH, start=False)), ("proxy.unresolvable",)),
    Scenario(
        "web-server",
        Way(detour=web_server, more_sites=web_server_site),
        ("proxy.not-a-proxy",),
    ),
    Scenario(
        "cannot-resolve", Way(name="unknown", detour=set_to()), ("proxy.upstream-failed",)
    ),
    Scenario(
        "finds-the-port-closed", Way(port="closed", detour=set_to()), ("proxy.upstream-failed",)
    ),
    Scenario(
        "not-a-url", Way(detour=set_to(f"http://{PROXY_HOST}:port", start=False)), ("proxy.invalid-url",)
    ),
    Scenario(
        "password-not-encoded",
        Way(name="lost", detour=only(HTTPS_PROXY=f"http://bob:p@ss/w%@{PROXY_HOST}:3128")),
        ("proxy.invalid-url", "tcp.timeout"),
        options=SHORT,
    ),
    Scenario(
        "two-colons", Way(detour=set_to(f"http:/{PROXY_HOST}:3128")), ("proxy.invalid-url",)
    ),
    Scenario(
        "excluded-and-closed",
        Way(name="lost", detour=only(HTTPS_PROXY=AT, NO_PROXY=f"localhost,{HOST}")),
        ("proxy.no-proxy-excludes",),
        options=SHORT,
    ),
    Scenario(
        "named-by-all-proxy",
        Way(name="lost", detour=only(ALL_PROXY=AT)),
        ("proxy.required",),
        options=SHORT,
    ),
    Scenario(
        "named-by-all-proxy-and-no-name",
        Way(name="unknown", detour=only(ALL_PROXY=AT)),
        ("proxy.required",),
    ),
    Scenario("over-tls-unknown-ca", Way(detour=over_tls(known=False)), ("proxy.tls-failed",)),
    Scenario(
        "https-for-plain", Way(detour=set_to(f"https://{PROXY_HOST}:3128")), ("proxy.tls-failed",)
    ),
    Scenario(
        "socks-for-http", Way(detour=set_to(f"socks5://{PROXY_HOST}:3128")), ("proxy.not-a-proxy",)
    ),
    Scenario(
        "denies-the-token-service",
        Way(login="token", detour=denying(TOKEN_HOST)),
        ("auth.realm-unreachable",),
    ),
    Scenario(
        "denies-the-storage",
        Way(blobs="storage", detour=denying(STORAGE_HOST)),
        ("registry.blob-unreachable",),
    ),
    Scenario("inspecting", Way(detour=inspecting(trusted=False)), ("tls.intercepted",)),
)  # fmt: skip
NAME = attrgetter("name")


@pytest.mark.lab
@pytest.mark.parametrize("scenario", (*HEALTHY, *FAULTS), ids=NAME)
def test_proxies(scenario: Scenario, lab: World, store: Path) -> None:
    need("squid", "mitmdump", "htpasswd")
    scenario.verify(scenario.play(lab, store))


@pytest.mark.lab
@pytest.mark.parametrize("scenario", HEALTHY, ids=NAME)
def test_what_is_called_healthy_can_be_pulled(scenario: Scenario, lab: World, store: Path) -> None:
    need("squid", "mitmdump")
    copied = scenario.pull(lab, store)
    assert copied.exit == 0, copied
