"""Where does each credential arrive? Only where CONTRACT's second promise lets it, and in the clear
nowhere.

Every host of a world writes down what it got, and every packet is read. One row is one set-up and
the hosts at which each secret arrives there, exactly: also the secrets of strangers that stand in
the same files, which arrive nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.certificates import leaf
from tests.lab import servers
from tests.lab.bystanders import DOCKER, docker, furnish, podman
from tests.lab.canary import BASIC, BEARER, entry
from tests.lab.origin import Request
from tests.lab.scenario import Scenario, auth
from tests.lab.tokens import TokenService
from tests.lab.way import (
    HOST,
    IMAGE,
    PASSWORD,
    PROXY_HOST,
    STORAGE_HOST,
    TOKEN_HOST,
    USER,
    Certificate,
    Files,
    Stations,
    Way,
)
from tests.lab.wire import Wire, tap
from tests.lab.world import PROXY, REGISTRY, SPARE, STORAGE, TOKENS, World
from tests.leaks import SECRETS, leaks, password, token

pytestmark = pytest.mark.lab

MINE = "the user's password"
ISSUED = "the token that was issued"
AT_PROXY = "the proxy's password"
HOSTS = {
    "registry": REGISTRY,
    "token service": TOKENS,
    "storage": STORAGE,
    "proxy": PROXY,
    **{f"host {number}": address for number, address in enumerate(SPARE)},
}
FOREIGN = "https://tokens.elsewhere.net/token"


@dataclass(frozen=True)
class Sent:
    """A set-up, and which secrets arrive at which host."""

    scenario: Scenario
    arrives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What anybody on the way can read, by address and port."""


@dataclass
class Noting(TokenService):
    """What it issues is a secret too."""

    def script(self, request: Request) -> bytes:
        answer = super().script(request)
        if b'"token"' in answer and (request.body or "authorization" in request.headers):
            issued = answer.rpartition(b'"token": "')[2].partition(b'"')[0].decode()
            SECRETS[ISSUED] = issued.rpartition(".")[2]
        return answer


def service(**more: object) -> Noting:
    return Noting({USER: PASSWORD}, {USER: ("lab/app",)}, **more)  # type: ignore[arg-type]


def tokens(key: str = "right", realm: str = "", blobs: str = "own", **more: object) -> Way:
    """A registry with a token service."""
    at = {"realm": realm} if realm else {}
    stations = Stations(service=service, **at, **more)  # type: ignore[arg-type]
    return Way(login="token", key=key, blobs=blobs, stations=stations)  # type: ignore[arg-type]


def allow(host: str) -> tuple[str, str]:
    return "--allow-realm", host


def front(place: str, does: str, **more: object) -> Way:
    """A registry that asks for a login, and does this at such a place."""
    return Way(login="basic", tls_front=f"location {place} {{ {does} }}", **more)  # type: ignore[arg-type]


REGISTRY_GETS = {"registry": (MINE,)}
BOTH_GET = {"token service": (MINE,), "registry": (ISSUED,)}
IDENTITY, HELD = token("our identity token"), token("our registry token")
GOES = (
    Sent(Scenario("basic", Way(login="basic")), REGISTRY_GETS),
    Sent(Scenario("token", tokens()), BOTH_GET),
    Sent(Scenario("token-and-storage", tokens(blobs="storage")), BOTH_GET),
    Sent(Scenario("basic-and-storage", Way(login="basic", blobs="storage")), REGISTRY_GETS),
    Sent(
        Scenario("allowed", tokens(realm=FOREIGN), options=allow("tokens.elsewhere.net")),
        BOTH_GET,
    ),
    Sent(
        Scenario(
            "identity-token",
            BEARER,
            home=entry(auth=auth("<token>", ""), identitytoken=IDENTITY),
        ),
        {"token service": ("our identity token",)},
    ),
    Sent(
        Scenario("registry-token", BEARER, home=entry(registrytoken=HELD)),
        {"registry": ("our registry token",)},
    ),
    Sent(
        Scenario(
            "podman", BASIC, home={".config/containers/auth.json": podman({HOST: {"auth": auth()}})}
        ),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario(
            "standard-input",
            BASIC,
            options=("--username", USER, "--password-stdin"),
            stdin=PASSWORD,
        ),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario("wrong", BASIC, home=entry(auth=auth(password=password("a wrong one")))),
        {"registry": ("a wrong one",)},
    ),
)


def behind_proxy(world: World, **env: str) -> dict[str, str]:
    account = ("bob", password(AT_PROXY))
    servers.proxy(world, account=account)
    login = f"{account[0]}:{quote(account[1], safe='')}"
    return {"HTTPS_PROXY": f"http://{login}@{PROXY_HOST}:3128", **env}


PROXIED = (
    Sent(
        Scenario("with-a-login", Way(login="basic", detour=behind_proxy)),
        REGISTRY_GETS,
        {f"{PROXY}:3128": (AT_PROXY,)},
    ),
    Sent(
        Scenario(
            "excluded", Way(login="basic", detour=lambda world: behind_proxy(world, NO_PROXY=HOST))
        ),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario(
            "over-an-unknown-CA",
            replace(Way(login="basic", certificate="unknown-ca"), detour=behind_proxy),
        ),
        {},
        {f"{PROXY}:3128": (AT_PROXY,)},
    ),
)
CERTIFICATES: tuple[Certificate, ...] = (
    *("unknown-ca", "self-signed", "expired", "not-yet-valid", "wrong-host"),
    *("incomplete", "incomplete-without-address"),
)


def plain_http(world: World, files: Files) -> object:
    """The registry's port speaks plain HTTP."""
    return servers.front(world, [servers.site(REGISTRY, certificate=None)])


def second_port(world: World) -> list[str]:
    """The registry's own host, over plain HTTP."""
    return [servers.site(REGISTRY, certificate=None, port=80)]


def asking(realm: str, more: Callable[[World], Sequence[str]] = lambda world: ()) -> Way:
    """A registry whose challenge names this token service."""
    says = f"add_header WWW-Authenticate 'Bearer realm=\"{realm}\"' always; return 401;"
    return front("/v2/", says, more_sites=more)


def to(where: str, status: int = 307) -> str:
    return f"return {status} {where};"


AT_STORAGE, IN_CLEAR = f"https://{STORAGE_HOST}/x", f"http://{HOST}$request_uri"
INSECURE = f"http://{TOKEN_HOST}/token"
WITHHELD = (
    *(Sent(Scenario(each, Way(login="basic", certificate=each))) for each in CERTIFICATES),
    *(
        Sent(Scenario(f"token-service-{each}", tokens(token_certificate=each)))
        for each in CERTIFICATES[::2]
    ),
    Sent(Scenario("inspected", Way(login="basic", inspected=True))),
    Sent(Scenario("plain-http", Way(login="basic", listener=plain_http))),
    Sent(Scenario("realm-over-http", tokens(realm=INSECURE))),
    Sent(Scenario("foreign-realm", tokens(realm=FOREIGN))),
    Sent(Scenario("realm-of-another-name", tokens(realm=FOREIGN), options=allow("elsewhere.net"))),
    Sent(Scenario("realm-over-http-allowed", tokens(realm=INSECURE), options=allow(TOKEN_HOST))),
    Sent(Scenario("offline", Way(login="basic"), options=("--offline",))),
    Sent(Scenario("nothing-asked-for", Way(), home=entry(auth=auth()))),
    Sent(Scenario("wrong-key", BASIC, home={DOCKER: docker({f"{HOST}:5000": {"auth": auth()}})})),
    Sent(Scenario("refused-port", Way(login="basic", port="closed"))),
    Sent(Scenario("reset", Way(login="basic", port="resets-on-hello"))),
    Sent(Scenario("realm-with-a-user", asking(f"https://u:p@{TOKEN_HOST}/token"))),
    Sent(Scenario("realm-at-metadata", asking("http://169.254.169.254/token"))),
    Sent(Scenario("realm-in-the-clear-at-home", asking(f"http://{HOST}/token", second_port))),
)
ELSEWHERE = (
    Sent(
        Scenario("blob-at-storage", front("~ /blobs/", to(AT_STORAGE), blobs="storage")),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario("manifest-at-storage", front("~ /manifests/", to(AT_STORAGE), blobs="storage")),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario("blob-over-http", front("~ /blobs/", to(IN_CLEAR), more_sites=second_port)),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario(
            "manifest-over-http", front("~ /manifests/", to(IN_CLEAR, 301), more_sites=second_port)
        ),
        REGISTRY_GETS,
    ),
    Sent(
        Scenario(
            "api-elsewhere", front("= /v2/", to(f"https://{STORAGE_HOST}/v2/"), blobs="storage")
        )
    ),
    Sent(Scenario("api-over-http", front("= /v2/", to(IN_CLEAR), more_sites=second_port))),
    Sent(
        Scenario(
            "token-elsewhere",
            tokens(blobs="storage", token_front=f"location /token {{ {to(AT_STORAGE)} }}"),
        ),
        {"token service": (MINE,)},
    ),
    Sent(
        Scenario(
            "token-over-http",
            tokens(token_front=f"location /token {{ {to(f'http://{TOKEN_HOST}/x')} }}"),
        ),
        {"token service": (MINE,)},
    ),
)


@pytest.mark.parametrize(
    "sent", [*GOES, *PROXIED, *WITHHELD, *ELSEWHERE], ids=lambda s: s.scenario.name
)
def test_each_secret_arrives_where_it_may_and_nowhere_else(
    sent: Sent, lab: World, store: Path
) -> None:
    SECRETS.pop(ISSUED, None)
    env = sent.scenario.make(lab, store)
    wire = tap(lab)
    run = lab.check(
        *(*sent.scenario.options, sent.scenario.target),
        env=furnish(lab) | env,
        stdin=sent.scenario.stdin,
    )
    assert run.report, run
    assert arrived(lab) == sent.arrives, run
    assert clear(wire) == sent.clear, run


def arrived(lab: World) -> dict[str, tuple[str, ...]]:
    """Host -> the secrets that it was sent, in whatever part of a request."""
    requests = {
        name: "\n".join(map(str, servers.seen(lab, address))).encode()
        for name, address in HOSTS.items()
    }
    return {name: tuple(found) for name, found in leaks(requests, known()).items()}


def clear(wire: Wire) -> dict[str, tuple[str, ...]]:
    """The same for what is not encrypted, name servers' questions included."""
    return {name: tuple(found) for name, found in leaks(wire.sent(), known()).items()}


def known() -> dict[str, str]:
    return SECRETS | {MINE: PASSWORD}


SECOND = "registry.second.example"


def second_registry(world: World) -> list[str]:
    files = leaf(world.ca, SECOND).write(world.place("certificates"), "second")
    world.names[SECOND] = (SPARE[4],)
    return [servers.site(SPARE[4], certificate=files)]


def test_two_registries_get_their_own(lab: World, store: Path) -> None:
    own = auth(password=password("for the second"))
    home = {DOCKER: docker({HOST: {"auth": auth()}, SECOND: {"auth": own}})}
    way = replace(BASIC, more_sites=second_registry)
    env = Scenario("two", way, home=home).make(lab, store)
    wire = tap(lab)
    run = lab.check(IMAGE, f"{SECOND}/lab/app:latest", env=furnish(lab) | env)
    assert [t["verdict"] for t in run.report["targets"]] == ["pass", "fail"]
    assert arrived(lab) == {"registry": (MINE,), "host 4": ("for the second",)}
    assert clear(wire) == {}
