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
PROXY_HOST = "proxy.example"
IMAGE = f"{HOST}/{REPOSITORY}:latest"
USER, PASSWORD = "alice", "correct horse battery"
PROXY_USER, PROXY_PASSWORD = "bob", "staple"
DAY = timedelta(days=1)

Certificate = Literal[
    "good", "unknown-ca", "expired", "not-yet-valid", "wrong-host", "incomplete", "self-signed"
]
Issue = Callable[[World, Issued], tuple[Issued, Any]]
"""Makes the registry's certificate, given the CA that issues here, and says which chain is sent with
it (None: the right one)."""
Files = tuple[Path, Path]
"""A chain and its key."""


@dataclass(frozen=True)
class Way:
    """How the world is bent."""

    login: Literal["none", "basic", "token"] = "none"
    """What the registry asks for."""
    key: Literal["none", "right", "wrong"] = "right"
    """What is in the client's configuration; nothing where the registry asks for nothing."""
    name: Literal["known", "unknown"] = "known"
    """The registry's name at the name server."""
    port: Literal["open", "closed", "dropped"] | Kind = "open"
    certificate: Certificate | Issue = "good"
    token_host: Literal["open", "closed", "dropped", "unknown"] = "open"
    blobs: Literal["own", "storage", "storage-closed", "storage-dropped"] = "own"
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
    storage = f"https://{STORAGE_HOST}/" if way.blobs != "own" else ""
    servers.registry(world, store, auth=auth, redirect=storage)
    if way.blobs == "storage":
        sites.append(_storage(world, store, intermediate))
    place = world.place("certificates")
    sites += way.more_sites(world)
    if way.port == "open":
        if callable(way.certificate):
            issued, chain = way.certificate(world, intermediate)
        else:
            issued, chain = _certificate(world.ca, intermediate, way.certificate)
        files = issued.write(place, "registry", chain)
        if way.listener:
            way.listener(world, files)
        else:
            sites.append(_front(way, files))
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
    names: dict[str, tuple[str, ...]] = {PROXY_HOST: (PROXY,), ORIGIN_HOST: (REGISTRY,)}
    if way.name == "known":
        place = SPARE[2] if way.inspected else REGISTRY
        names[HOST] = way.addresses or (SILENT if way.port == "dropped" else place,)
    if way.token_host != "unknown":
        names[TOKEN_HOST] = ({"dropped": SILENT, "closed": SPARE[0]}.get(way.token_host, TOKENS),)
    silent = {"storage-dropped": SILENT, "storage-closed": SPARE[1]}
    names[STORAGE_HOST] = (silent.get(way.blobs, STORAGE),)
    return names


def _login(world: World, way: Way, issuer: Issued) -> tuple[dict[str, Any] | None, list[str]]:
    """The registry's configuration, and the site of the token service."""
    place = world.place("login")
    if way.login == "none":
        return None, []
    if way.login == "basic":
        return dict(htpasswd(place, USER, PASSWORD)), []
    service = TokenService(users={USER: PASSWORD}, rights={USER: (REPOSITORY,)})
    behind = servers.tokens(world, service)
    files = leaf(issuer, TOKEN_HOST).write(place, "token")
    site = servers.site(TOKENS, certificate=files, upstream=behind)
    return dict(token_auth(place, f"https://{TOKEN_HOST}/token")), [site]


def _storage(world: World, store: Path, issuer: Issued) -> str:
    files = leaf(issuer, STORAGE_HOST).write(world.place("certificates"), "storage")
    root = f"location /docker/ {{ root {shlex.quote(str(store))}; }}"
    return servers.site(STORAGE, certificate=files, locations=root)


def _certificate(root: Issued, issuer: Issued, kind: Certificate) -> tuple[Issued, Any]:
    """The registry's certificate, and the chain that is sent with it (None: the right one)."""
    match kind:
        case "unknown-ca":
            return leaf(authority("Strange Issuing CA", authority("Strange Root CA")), HOST), None
        case "self-signed":
            return leaf(None, HOST), None
        case "expired":
            return leaf(issuer, HOST, not_before=NOW - 99 * DAY, not_after=NOW - 5 * DAY), None
        case "not-yet-valid":
            return leaf(issuer, HOST, not_before=NOW + 30 * DAY, not_after=NOW + 90 * DAY), None
        case "wrong-host":
            return leaf(issuer, "www.cleanstart.com"), None
        case "incomplete":
            issued = leaf(issuer, HOST)
            return issued, [issued.certificate]
    return leaf(issuer, HOST, ORIGIN_HOST), None


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
