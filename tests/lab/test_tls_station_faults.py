"""The other hosts of the way: a fault of the token service's TLS, of the layer storage's or of an
https:// proxy's is named as that station's, and what is wrong there beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

import pytest

from tests.certificates import authority
from tests.lab import cure, servers
from tests.lab.fakes import Kind, fake
from tests.lab.programs import need
from tests.lab.scenario import Scenario
from tests.lab.way import (
    PROXY_HOST,
    STORAGE_HOST,
    STRANGE,
    TOKEN_HOST,
    Certificate,
    Stations,
    Way,
    certificate,
)
from tests.lab.world import PROXY, SPARE, World

pytestmark = pytest.mark.lab

CERTIFICATES: Mapping[Certificate, str] = {
    "unknown-ca": "tls.unknown-ca",
    "self-signed": "tls.self-signed",
    "expired": "tls.expired",
    "not-yet-valid": "tls.not-yet-valid",
    "wrong-host": "tls.hostname-mismatch",
    "incomplete": "tls.incomplete-chain",
}
SETTINGS: Mapping[str, tuple[str, str]] = {
    "name-not-served": ("ssl_reject_handshake on;", "tls.handshake-refused"),
    "client-certificate": (
        "ssl_verify_client on; ssl_client_certificate /etc/ssl/certs/ca-certificates.crt;",
        "tls.client-certificate-required",
    ),
    "ccm-only": (
        "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-CCM8;",
        "tls.no-common-cipher",
    ),
}
PEERS: Mapping[Kind, str] = {
    "resets-on-hello": "tls.handshake-reset",
    "ssh": "tls.not-tls",
}


def named(station: str, cause: str, bent: Callable[[Bent], Way]) -> list[Scenario]:
    """One scenario for each way to bend the TLS of that station."""
    every: list[tuple[str, Bent, str]] = []
    every += [(kind, Bent(certificate=kind), code) for kind, code in CERTIFICATES.items()]
    every += [(name, Bent(setting=text), code) for name, (text, code) in SETTINGS.items()]
    every += [(kind, Bent(peer=kind), code) for kind, code in PEERS.items()]
    return [
        Scenario(f"{station}-{name}", bent(how), (cause,), also=(code,))
        for name, how, code in every
    ]


@dataclass(frozen=True)
class Bent:
    """What is wrong at one station."""

    certificate: Certificate = "good"
    setting: str = ""
    peer: Kind | None = None


def peer(bent: Bent, place: str, port: int = 443) -> Callable[[World], Sequence[str]]:
    """Stands where nothing else does."""

    def start(world: World) -> Sequence[str]:
        if bent.peer:
            fake(world.far, bent.peer, place, port)
        return ()

    return start


def token(bent: Bent) -> Way:
    stations = Stations(token_certificate=bent.certificate, token_front=bent.setting)
    host: Literal["open", "closed"] = "closed" if bent.peer else "open"
    return Way("token", token_host=host, stations=stations, more_sites=peer(bent, SPARE[0]))


def storage(bent: Bent) -> Way:
    stations = Stations(storage_certificate=bent.certificate, storage_front=bent.setting)
    blobs: Literal["storage", "storage-closed"] = "storage-closed" if bent.peer else "storage"
    return Way(blobs=blobs, stations=stations, more_sites=peer(bent, SPARE[1]))


def proxy(bent: Bent) -> Way:
    """Its TLS comes first, so that what speaks it need be no proxy."""

    def sites(world: World) -> Sequence[str]:
        if bent.peer:
            return peer(bent, PROXY, 3128)(world)
        issuer = authority("Lab Issuing CA", world.ca)
        issued, chain = certificate(world.ca, issuer, bent.certificate, PROXY_HOST)
        files = issued.write(world.place("certificates"), "proxy", chain)
        return [servers.site(PROXY, certificate=files, port=3128, more=bent.setting)]

    url = f"https://{PROXY_HOST}:3128"
    return Way(detour=lambda world: {"HTTPS_PROXY": url}, more_sites=sites)


FAULTS = (
    *named("token", "auth.realm-unreachable", token),
    *named("storage", "registry.blob-unreachable", storage),
    *named("proxy", "proxy.tls-failed", proxy),
)
HOPS = {
    "token": f"{TOKEN_HOST}:443",
    "storage": f"{STORAGE_HOST}:443",
    "proxy": f"{PROXY_HOST}:3128",
}


@pytest.mark.parametrize("scenario", FAULTS, ids=attrgetter("name"))
def test_the_station_is_named(scenario: Scenario, lab: World, store: Path) -> None:
    run, copied = scenario.both(lab, store)
    scenario.verify(run)
    assert copied.exit != 0, copied
    told = {finding["code"]: finding["hop"] for finding in run.findings}
    hop = HOPS[scenario.name.partition("-")[0]]
    assert {told[code] for code in (*scenario.causes, *scenario.also)} == {hop}


@pytest.mark.parametrize(
    "name", ("token-unknown-ca", "storage-unknown-ca", "proxy-unknown-ca", "storage-self-signed")
)
def test_the_remedy_is_that_of_what_fails_there(name: str, lab: World, store: Path) -> None:
    need("update-ca-certificates")
    scenario = next(each for each in FAULTS if each.name == name)
    env = scenario.make(lab, store)
    cure.own_trust_folder(lab)
    run = scenario.check(lab, env)
    strange = lab.write("strange.pem", STRANGE.pem)
    words = {"CA_FILE": str(strange)}
    if name.startswith("proxy"):
        after = cure.carry_out(lab, cure.remedy(run), scenario.target, words=words, env=env)
        assert after.root_causes == ["proxy.not-a-proxy"], after
    else:
        cure.mends(lab, run, scenario.target, words=words, env=env)
