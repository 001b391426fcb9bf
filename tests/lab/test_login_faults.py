"""Credentials and token services: which of them is at fault, and was the secret kept from those who
must not see it?

One row is one world. Where a credential must not be seen, nginx wrote down every request that came
to that host.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import leaf
from tests.lab import servers
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth, config
from tests.lab.tokens import TokenService, signed
from tests.lab.way import HOST, PASSWORD, TOKEN_HOST, USER, Stations, Way
from tests.lab.world import SPARE, STORAGE, TOKENS, World

pytestmark = pytest.mark.lab

FILE = ".docker/config.json"
PODMAN = ".config/containers/auth.json"
IDENTITY = "identity-of-alice"
ASKS = Way(login="basic", key="none")
"""A registry with Basic login and a client without a credential, until a row gives it one."""
ASKS_FOR_TOKEN = Way(login="token", key="none")
GIVES = f"""cat > /dev/null; echo '{{"Username": "{USER}", "Secret": "{PASSWORD}"}}'"""
FOREIGN = Way(login="token", stations=Stations(realm="https://tokens.elsewhere.net/token"))
INSECURE = Way(login="token", stations=Stations(realm=f"http://{TOKEN_HOST}/token"))


def token(service: TokenService, key: str = "none", **more: object) -> Way:
    """A registry with that token service."""
    return Way(login="token", key=key, stations=Stations(service=lambda: service, **more))  # type: ignore[arg-type]


def bent(front: str) -> Way:
    """A token service in whose front nginx answers."""
    return Way(login="token", stations=Stations(token_front=f"location /token {{ {front} }}"))


def service(**more: object) -> TokenService:
    return TokenService(users={USER: PASSWORD}, rights={USER: (REPOSITORY,)}, **more)  # type: ignore[arg-type]


ELSEWHERE = SPARE[6]


def moved(service: TokenService) -> Way:
    """A token service that sends on to another host, where it is."""

    def there(world: World) -> tuple[str, ...]:
        world.names["sso.example"] = (ELSEWHERE,)
        files = leaf(world.ca, "sso.example").write(world.place("certificates"), "sso")
        upstream = servers.tokens(world, service)
        return (servers.site(ELSEWHERE, certificate=files, upstream=upstream),)

    return replace(bent("return 307 https://sso.example/token?$args;"), more_sites=there)


PUBLIC = token(TokenService({USER: PASSWORD}, {"": (REPOSITORY,), USER: (REPOSITORY,)}))
TRUSTED = token(service(identity={IDENTITY: USER}))
EXPIRED = signed(USER, [], exp=1_700_000_000, iat=1_600_000_000, nbf=1_600_000_000)

HEALTHY = (
    Scenario("basic", Way(login="basic"), also=("registry.tag-moves",)),
    Scenario("token", Way(login="token")),
    Scenario("token-storage-elsewhere", Way(login="token", blobs="storage")),
    Scenario("token-opaque", replace(token(service()), key="right")),
    Scenario("public-token", PUBLIC),
    Scenario("public-token-with-login", replace(PUBLIC, key="right"), also=("auth.not-needed",)),
    Scenario(
        "token-service-that-moved",
        moved(TokenService({USER: PASSWORD}, {"": (REPOSITORY,)})),
        also=("auth.not-needed",),
    ),
    Scenario("legacy-key", ASKS, home={FILE: config(f"https://{HOST}/v1/", auth=auth())}),
    Scenario("path-key", ASKS, home={FILE: config(f"{HOST}/lab", auth=auth())}),
    Scenario("identity-token", TRUSTED, home={FILE: config(identitytoken=IDENTITY, auth=auth())}),
    Scenario(
        "helper",
        ASKS,
        home={FILE: {"credHelpers": {HOST: "lab"}}},
        programs={"docker-credential-lab": GIVES},
    ),
    Scenario(
        "store",
        ASKS,
        home={FILE: {"credsStore": "lab", "auths": {HOST: {}}}},
        programs={"docker-credential-lab": GIVES},
    ),
    Scenario(
        "variable",
        ASKS,
        home={FILE: {}},
        env={"DOCKER_AUTH_CONFIG": json.dumps(config())},
    ),
    Scenario("podman-only", ASKS, home={PODMAN: config()}),
    Scenario(
        "password-stdin",
        ASKS,
        options=("--username", USER, "--password-stdin"),
        stdin=f"{PASSWORD}\n",
    ),
    Scenario("foreign-realm-allowed", FOREIGN, options=("--allow-realm", "tokens.elsewhere.net")),
    Scenario("bare-host-with-login", Way(login="basic"), target=HOST),
    Scenario("bare-host-without", ASKS, target=HOST, also=("auth.no-credentials",)),
)
CREDENTIAL = (
    Scenario("none-basic", ASKS, ("auth.no-credentials",)),
    Scenario("none-token", replace(ASKS_FOR_TOKEN, strangers=False), ("auth.no-credentials",)),
    Scenario("none-token-private", ASKS_FOR_TOKEN, ("auth.denied-or-missing",)),
    Scenario(
        "none-token-scope-refused",
        token(service(refuses_strangers_scopes=True)),
        ("auth.denied-or-missing",),
    ),
    Scenario("wrong-basic", Way(login="basic", key="wrong"), ("auth.rejected",)),
    Scenario("wrong-token", Way(login="token", key="wrong"), ("auth.rejected",)),
    Scenario(
        "wrong-public",
        replace(PUBLIC, key="wrong"),
        ("auth.rejected",),
        also=("auth.not-needed",),
    ),
    Scenario(
        "wrong-stdin",
        ASKS,
        ("auth.rejected",),
        options=("--username", USER, "--password-stdin"),
        stdin="not this one",
    ),
    Scenario(
        "wrong-identity", TRUSTED, ("auth.rejected",), home={FILE: config(identitytoken="x9y8z7w6")}
    ),
    Scenario(
        "expired-identity",
        TRUSTED,
        ("auth.token-expired",),
        home={FILE: config(identitytoken=EXPIRED)},
        also=("auth.rejected",),
    ),
    Scenario(
        "expired-registry-token",
        ASKS_FOR_TOKEN,
        ("auth.token-expired",),
        home={FILE: config(registrytoken=EXPIRED)},
    ),
    Scenario(
        "no-right",
        replace(token(TokenService(users={USER: PASSWORD})), key="right"),
        ("auth.forbidden",),
    ),
    Scenario(
        "newline",
        ASKS,
        ("auth.whitespace",),
        home={FILE: config(auth=auth(password=f"{PASSWORD}\n"))},
        also=("auth.rejected",),
    ),
    Scenario(
        "newline-token",
        ASKS_FOR_TOKEN,
        ("auth.whitespace",),
        home={FILE: config(auth=auth(password=f"{PASSWORD}\n"))},
    ),
)
STORED = (
    Scenario(
        "not-json",
        ASKS,
        ("auth.config-unreadable",),
        home={FILE: '{\n  "auths": {\n    "x": {},\n  }\n}\n'},
    ),
    Scenario("not-json-public", Way(), ("auth.config-unreadable",), home={FILE: "{"}),
    Scenario("no-colon", ASKS, ("auth.entry-malformed",), home={FILE: config(auth="YWxpY2U=")}),
    Scenario("bad-base64", ASKS, ("auth.entry-malformed",), home={FILE: config(auth="%%%")}),
    Scenario(
        "empty-user",
        ASKS,
        ("auth.entry-malformed",),
        home={FILE: config(auth=auth(user=""))},
    ),
    Scenario(
        "wrong-key", ASKS, ("auth.wrong-key",), home={FILE: config(f"{HOST}:443", auth=auth())}
    ),
    Scenario("helper-missing", ASKS, ("auth.helper-missing",), home={FILE: {"credsStore": "none"}}),
    Scenario(
        "helper-fails",
        ASKS,
        ("auth.helper-failed",),
        home={FILE: {"credsStore": "lab"}},
        programs={"docker-credential-lab": "echo the keychain is locked; exit 1"},
    ),
    Scenario(
        "helper-says-nothing",
        ASKS,
        ("auth.helper-failed",),
        home={FILE: {"credsStore": "lab"}},
        programs={"docker-credential-lab": "exit 0"},
    ),
    Scenario(
        "helper-hangs",
        ASKS,
        ("auth.helper-timeout",),
        home={FILE: {"credsStore": "lab"}},
        programs={"docker-credential-lab": "exec sleep 1000"},
        options=("--timeout", "12"),
    ),
)
SERVICE = (
    Scenario("insecure", INSECURE, ("auth.realm-insecure",)),
    Scenario("foreign", FOREIGN, ("auth.realm-foreign",)),
    Scenario("500", bent("return 500;"), ("auth.realm-error",)),
    Scenario(
        "web-page",
        bent("default_type text/html; return 200 '<title>Sign in</title>';"),
        ("auth.realm-error",),
    ),
    Scenario(
        "no-token",
        bent("default_type application/json; return 200 '{\"ok\": true}';"),
        ("auth.realm-error",),
    ),
    Scenario(
        "redirect-to-nowhere", bent("return 302 https://sso.example/;"), ("auth.realm-unreachable",)
    ),
    Scenario("redirect-over-http", bent("return 302 http://sso.example/;"), ("auth.realm-error",)),
    Scenario("redirect-away", moved(service()), ("auth.realm-error",)),
    Scenario(
        "redirect-to-who-wants-a-login", moved(service(strangers=False)), ("auth.realm-error",)
    ),
    Scenario("unknown", Way(login="token", token_host="unknown"), ("auth.realm-unreachable",)),
    Scenario(
        "dropped",
        Way(login="token", token_host="dropped"),
        ("auth.realm-unreachable",),
        options=("--timeout", "9"),
    ),
    Scenario(
        "bad-certificate",
        Way(login="token", stations=Stations(token_certificate="expired")),
        ("auth.realm-unreachable",),
    ),
)


@pytest.mark.parametrize(
    "scenario", [*HEALTHY, *CREDENTIAL, *STORED, *SERVICE], ids=lambda s: s.name
)
def test_the_cause_is_found(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(scenario.play(lab, store))


UNKNOWN = Way(login="token", stations=Stations(token_certificate="unknown-ca"))


@pytest.mark.parametrize(
    ("way", "asked"),
    [(INSECURE, 0), (FOREIGN, 1), (UNKNOWN, 0)],
    ids=["over-http", "on-a-foreign-domain", "with-an-unknown-ca"],
)
def test_a_token_service_that_may_not_have_it_never_sees_the_credential(
    way: Way, asked: int, lab: World, store: Path
) -> None:
    """What it is asked at all, it is asked as by a stranger."""
    Scenario("withheld", way).play(lab, store)
    found = servers.seen(lab, TOKENS)
    assert len(found) == asked
    for seen in found:
        assert (seen.authorization, seen.body) == ("", "")
        assert USER not in seen.target
    lab.run("curl", "--insecure", "--silent", "--user", "somebody:x", way.stations.realm)
    assert servers.seen(lab, TOKENS)[asked].authorization, "the log would tell"


def test_an_allowed_token_service_does_see_it(lab: World, store: Path) -> None:
    """The near miss: that is how the log shows what it shows."""
    Scenario("x", FOREIGN, options=("--allow-realm", "tokens.elsewhere.net")).play(lab, store)
    assert f"Basic {auth()}" in [seen.authorization for seen in servers.seen(lab, TOKENS)]


def test_where_a_token_service_redirects_to_a_stranger_asks(lab: World, store: Path) -> None:
    """As clients do it: skopeo takes the image that strangers may have, and no other."""
    run, pulled = Scenario("x", moved(service())).both(lab, store)
    assert (run.exit, pulled.exit) == (1, 1), (run, pulled)
    asked = servers.seen(lab, ELSEWHERE)
    assert asked
    assert {seen.authorization for seen in asked} == {""}
    assert USER not in asked[0].target
    assert f"Basic {auth()}" in [seen.authorization for seen in servers.seen(lab, TOKENS)]


def test_what_strangers_may_have_is_had_there(lab: World, store: Path) -> None:
    anybody = TokenService({USER: PASSWORD}, {"": (REPOSITORY,)})
    run, pulled = Scenario("x", moved(anybody)).both(lab, store)
    assert (run.exit, pulled.exit) == (0, 0), (run, pulled)


def test_storage_never_sees_a_credential_or_a_token(lab: World, store: Path) -> None:
    Scenario("x", Way(login="token", blobs="storage")).play(lab, store)
    asked = servers.seen(lab, STORAGE)
    assert asked
    assert {seen.authorization for seen in asked} == {""}


def test_the_place_of_the_fault_in_the_file_is_named(lab: World, store: Path) -> None:
    run = STORED[0].play(lab, store)
    (found,) = [f for f in run.findings if f["code"] == "auth.config-unreadable"]
    evidence = found["evidence"]
    assert (evidence["path"], evidence["line"], evidence["column"]) == (
        f"{lab.home}/{FILE}", 4, 3,
    )  # fmt: skip
