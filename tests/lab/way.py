"""The whole way of a pull, and the places where it can be bent.

    client -- (proxy) -- name server, registry (front + docker-registry), token service, storage

A `Way` says what each place is like; `build` makes a world of it. Everything not said is healthy.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificates import NOW, Issued, authority, leaf
from tests.lab import servers
from tests.lab.distribution import REPOSITORY, htpasswd, token_auth
from tests.lab.fakes import Kind, fake
from tests.lab.tokens import TokenService
from tests.lab.world import PROXY, REGISTRY, SILENT, SPARE, STORAGE, TOKENS, World

HOST = "registry.cleanstart.com"
TOKEN_HOST = "auth.cleanstart.com"
STORAGE_HOST = "storage.cleanstart.com"
ORIGIN_HOST = "origin.cleanstart.com"
"""The registry's other name, by which a middlebox asks it."""
ISSUER_HOST = "pki.cleanstart.com"
PROXY_HOST = "proxy.example"
IMAGE = f"{HOST}/{REPOSITORY}:latest"
USER, PASSWORD = "alice", "correct horse battery"
PROXY_USER, PROXY_PASSWORD = "bob", "staple"
DAY = timedelta(days=1)
STRANGE = authority("Strange Root CA")
"""Nobody trusts it."""

Certificate = Literal[
    "good",
    "unknown-ca",
    "self-signed",
    "expired",
    "not-yet-valid",
    "wrong-host",
    "incomplete",
    "incomplete-without-address",
]
"""What is wrong with the registry's. An incomplete chain lacks its intermediate, whose address
the leaf names or does not."""
Issue = Callable[[World, Issued], tuple[Issued, Any]]
"""Makes the registry's certificate, given the CA that issues here, and says which chain is sent
with it (None: the right one)."""
Files = tuple[Path, Path]
"""A chain and its key."""


@dataclass(frozen=True)
class Stations:
    """The hosts that the registry names on the way: how they are named, and how they are bent."""

    realm: str = f"https://{TOKEN_HOST}/token"
    """As the challenge has it. The token service stands at that host and port."""
    service: Callable[[], TokenService] | None = None
    """Another token service than the one that knows the lab's user."""
    token_front: str = ""
    """More nginx locations in front of the token service."""
    token_certificate: Certificate = "good"
    storage: str = f"https://{STORAGE_HOST}/"
    """Where blobs are sent to."""
    storage_front: str = ""
    storage_certificate: Certificate = "good"


@dataclass(frozen=True)
class Way:
    """How the world is bent."""

    login: Literal["none", "basic", "token"] = "none"
    """What the registry asks for."""
    key: Literal["none", "right", "wrong"] = "right"
    """What is in the client's configuration; nothing where the registry asks for nothing."""
    name: Literal["known", "unknown", "lost"] = "known"
    """The registry's name at the name server; "lost": with an address where packets are lost."""
    port: Literal["open", "closed", "dropped"] | Kind = "open"
    certificate: Certificate | Issue = "good"
    token_host: Literal["open", "closed", "dropped", "unknown"] = "open"
    strangers: bool = True
    """Does the token service give tokens to who does not log in (without any right)?"""
    blobs: Literal["own", "storage", "storage-closed", "storage-dropped", "storage-unknown"] = "own"
    stations: Stations = field(default_factory=Stations)
    proxy: Literal["none", "open", "login", "wrong-login", "denies", "closed"] = "none"
    tls_front: str = ""
    """More nginx locations in front of the registry: faults of its answers."""
    inspected: bool = False
    """A middlebox stands in the registry's place and signs with a CA of its own."""
    env: dict[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    """The registry's, where they are others than its own one."""
    resolvers: Callable[[World], object] = servers.resolver
    """Starts what answers for names."""
    site: str = ""
    """More settings of the TLS front, as nginx has them."""
    more_sites: Callable[[World], Sequence[str]] = lambda world: ()
    """What else nginx serves."""
    listener: Callable[[World, Files], object] | None = None
    """Stands at the registry's port in the place of its TLS front, and may show its certificate."""
    detour: Callable[[World], dict[str, str]] | None = None
    """Starts a proxy; the variables that name it."""
    machine: Callable[[World], object] = lambda world: None
    """What is different on the client's machine, at last."""


def build(world: World, way: Way, store: Path) -> dict[str, str]:
    """Start the servers of that way. Returns the client's environment."""
    intermediate = authority("Lab Issuing CA", world.ca)
    auth, sites = _login(world, way, intermediate)
    storage = way.stations.storage if way.blobs != "own" else ""
    servers.registry(world, store, auth=auth, redirect=storage)
    if way.blobs == "storage":
        sites.append(_storage(world, way, store, intermediate))
    place = world.place("certificates")
    sites += way.more_sites(world)
    if way.port == "open":
        if callable(way.certificate):
            issued, chain = way.certificate(world, intermediate)
        else:
            issued, chain = certificate(world.ca, intermediate, way.certificate)
        files = issued.write(place, "registry", chain)
        if way.listener:
            way.listener(world, files)
        else:
            sites.append(_front(way, files))
        sites.append(_issuer(world, intermediate))
    elif way.port != "closed" and way.port != "dropped":
        fake(world.far, way.port, REGISTRY)
    if sites:
        servers.front(world, sites)
    world.names |= _names(way)
    way.resolvers(world)
    if way.inspected:
        servers.interceptor(world, SPARE[2], f"https://{ORIGIN_HOST}")
    if way.login != "none" and way.key != "none":
        _log_in(world, PASSWORD if way.key == "right" else "not this one")
    env = way.detour(world) if way.detour else _proxy(world, way)
    way.machine(world)
    return way.env | env


def _front(way: Way, files: Files) -> str:
    place = way.addresses[0] if way.addresses and ":" in way.addresses[0] else REGISTRY
    return servers.site(place, certificate=files, locations=way.tls_front, more=way.site)


def _names(way: Way) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {
        PROXY_HOST: (PROXY,),
        ORIGIN_HOST: (REGISTRY,),
        ISSUER_HOST: (SPARE[3],),
    }
    if way.name != "unknown":
        lost = way.name == "lost" or way.port == "dropped"
        place = SPARE[2] if way.inspected else REGISTRY
        names[HOST] = way.addresses or (SILENT if lost else place,)
    if way.token_host != "unknown":
        realm = urlsplit(way.stations.realm).hostname or TOKEN_HOST
        names[realm] = ({"dropped": SILENT, "closed": SPARE[0]}.get(way.token_host, TOKENS),)
    silent = {"storage-dropped": SILENT, "storage-closed": SPARE[1]}
    if way.blobs != "storage-unknown":
        names[STORAGE_HOST] = (silent.get(way.blobs, STORAGE),)
    return names


def _login(world: World, way: Way, issuer: Issued) -> tuple[dict[str, Any] | None, list[str]]:
    """The registry's configuration, and the site of the token service."""
    place = world.place("login")
    if way.login == "none":
        return None, []
    if way.login == "basic":
        return dict(htpasswd(place, USER, PASSWORD)), []
    bent = way.stations
    service = TokenService({USER: PASSWORD}, {USER: (REPOSITORY,)}, strangers=way.strangers)
    behind = servers.tokens(world, bent.service() if bent.service else service)
    realm = urlsplit(bent.realm)
    host = realm.hostname or TOKEN_HOST
    issued, chain = certificate(world.ca, issuer, bent.token_certificate, host)
    site = servers.site(
        TOKENS,
        certificate=issued.write(place, "token", chain) if realm.scheme == "https" else None,
        port=realm.port or (443 if realm.scheme == "https" else 80),
        upstream=behind,
        locations=bent.token_front,
    )
    return dict(token_auth(place, bent.realm)), [site]


def _issuer(world: World, issuer: Issued) -> str:
    """Where the intermediate can be had, as its leaf says."""
    place = world.place("certificates")
    (place / "issuing.crt").write_bytes(issuer.certificate.public_bytes(Encoding.DER))
    file = f"location = /issuing.crt {{ root {shlex.quote(str(place))}; }}"
    return servers.site(SPARE[3], certificate=None, port=80, locations=file)


def _storage(world: World, way: Way, store: Path, issuer: Issued) -> str:
    bent = way.stations
    issued, chain = certificate(world.ca, issuer, bent.storage_certificate, STORAGE_HOST)
    plain = bent.storage.startswith("http://")
    files = issued.write(world.place("certificates"), "storage", chain)
    root = f"location /docker/ {{ root {shlex.quote(str(store))}; }}"
    return servers.site(
        STORAGE,
        certificate=None if plain else files,
        port=80 if plain else 443,
        locations=bent.storage_front or root,
    )


def certificate(
    root: Issued, issuer: Issued, kind: Certificate, host: str = HOST
) -> tuple[Issued, Any]:
    """The certificate for that host, and the chain that is sent with it (None: the right one)."""
    match kind:
        case "unknown-ca":
            return leaf(authority("Strange Issuing CA", STRANGE), host), None
        case "self-signed":
            return leaf(None, host), None
        case "expired":
            return leaf(issuer, host, not_before=NOW - 99 * DAY, not_after=NOW - 5 * DAY), None
        case "not-yet-valid":
            return leaf(issuer, host, not_before=NOW + 30 * DAY, not_after=NOW + 90 * DAY), None
        case "wrong-host":
            return leaf(issuer, "www.cleanstart.com"), None
        case "incomplete" | "incomplete-without-address":
            address = f"http://{ISSUER_HOST}/issuing.crt" if kind == "incomplete" else None
            issued = leaf(issuer, host, aia=address)
            return issued, [issued.certificate]
    return leaf(issuer, host, ORIGIN_HOST), None


def _log_in(world: World, password: str) -> None:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    world.write(".docker/config.json", {"auths": {HOST: {"auth": auth}}})


def _proxy(world: World, way: Way) -> dict[str, str]:
    """Start the proxy; the variables that name it."""
    if way.proxy == "none":
        return {}
    account = (PROXY_USER, PROXY_PASSWORD) if way.proxy in ("login", "wrong-login") else None
    if way.proxy != "closed":
        denied = (HOST,) if way.proxy == "denies" else ()
        servers.proxy(world, account=account, denied=denied)
    password = PROXY_PASSWORD if way.proxy == "login" else "wrong"
    who = f"{PROXY_USER}:{password}@" if account else ""
    return {"HTTPS_PROXY": f"http://{who}{PROXY_HOST}:3128"}
