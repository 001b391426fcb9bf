"""Are the credential's faults told apart, and does it go nowhere but where it belongs?"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doctor.facts.registry import AuthFact, ImageFact
from doctor.model import Case, Hop
from doctor.net import Net
from tests.lab import distribution as lab
from tests.lab.origin import Origin, Request, answer, case_of, credential, origin, ready, walk
from tests.lab.tokens import TokenService

IMAGE = f"{lab.REPOSITORY}:1.0"
MINE = {"me": (lab.REPOSITORY,)}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the lab's images."""
    return lab.filled(tmp_path_factory.mktemp("registry"))


def log_in(
    root: Path,
    service: TokenService,
    user: str = "",
    secret: str = "",
    kind: Any = "password",
    image: str = IMAGE,
) -> tuple[AuthFact, Case, Origin]:
    """How the login goes at a real registry with this token service."""

    async def run() -> tuple[Case, Origin]:
        async with origin(service.script, role="token") as tokens:
            realm = f"http://127.0.0.1:{tokens.hop.port}/token"
            with lab.distribution(root, auth=lab.token_auth(root, realm)) as hop:
                net = ready(Net(), hop)
                net.credential = credential(user, secret, kind) if secret else None
                case = await walk(case_of(hop, image), net)
                await net.close()
                return case, tokens

    case, tokens = asyncio.run(run())
    fact = case.facts.get(AuthFact)
    assert fact is not None
    return fact, case, tokens


def outcomes(fact: AuthFact) -> list[tuple[str, str]]:
    return [(tried.who, tried.outcome) for tried in fact.tries]


@lab.needs_registry
def test_a_right_credential_is_accepted_and_says_what_it_grants(images: Path) -> None:
    fact, _, tokens = log_in(images, TokenService({"me": "right"}, MINE), "me", "right")
    tried = fact.tried("credential")
    assert tried is not None
    assert (fact.who, fact.accepted, tried.subject) == ("credential", True, True)
    assert (tried.grants_pull(lab.REPOSITORY), tried.expires_in) == (True, 300)
    assert tokens.asked[0].endswith(
        "/token?service=lab+registry&scope=repository%3Alab%2Fapp%3Apull&account=me"
    )
    assert "right" not in repr(fact)


@lab.needs_registry
def test_a_wrong_one_is_refused_and_anonymous_access_is_looked_at(images: Path) -> None:
    fact, case, _ = log_in(
        images, TokenService({"me": "right"}, {"": (lab.REPOSITORY,)}), "me", "no"
    )
    assert outcomes(fact) == [("credential", "refused"), ("anonymous", "granted")]
    assert (fact.accepted, fact.who) == (False, "anonymous")
    image = case.facts.get(ImageFact)
    assert image is not None
    assert image.found


@lab.needs_registry
def test_stray_white_space_is_proven_by_the_same_secret_without_it(images: Path) -> None:
    fact, _, tokens = log_in(images, TokenService({"me": "right"}, MINE), "me", "right\n")
    assert outcomes(fact) == [("credential", "refused"), ("trimmed", "granted")]
    fact, _, tokens = log_in(images, TokenService({"me": "right"}, MINE), "me", "wrong\n")
    assert outcomes(fact)[:2] == [("credential", "refused"), ("trimmed", "refused")]
    sent = [r.headers["authorization"] for r in tokens.requests if "authorization" in r.headers]
    assert [base64.b64decode(s.removeprefix("Basic ")) for s in sent] == [
        b"me:wrong\n",
        b"me:wrong",
    ]


@lab.needs_registry
@pytest.mark.parametrize("stray", ["\ufeff{}", "{}\u200b", "\ufeff{}\r\n"])
def test_what_nobody_sees_is_stray_as_well(images: Path, stray: str) -> None:
    secret = stray.format("right")
    fact, _, _ = log_in(images, TokenService({"me": "right"}, MINE), "me", secret)
    assert outcomes(fact) == [("credential", "refused"), ("trimmed", "granted")]
    fact, _, _ = log_in(images, TokenService({"me": "ri\u200bght"}, MINE), "me", "ri\u200bght")
    assert outcomes(fact) == [("credential", "granted")]


@lab.needs_registry
def test_a_genuine_credential_without_the_right_gets_an_empty_token(images: Path) -> None:
    fact, case, _ = log_in(images, TokenService({"me": "right"}), "me", "right")
    tried = fact.tried("credential")
    assert tried is not None
    assert (fact.accepted, tried.grants_pull(lab.REPOSITORY)) == (True, False)
    image = case.facts.get(ImageFact)
    assert image is not None
    assert image.answer is not None
    assert (image.answer.status, image.found) == (401, False)


@lab.needs_registry
@pytest.mark.parametrize("strangers", [True, False])
def test_whether_strangers_get_tokens_at_all_is_asked(images: Path, strangers: bool) -> None:
    service = TokenService(strangers=strangers, refuses_strangers_scopes=True)
    fact, _, _ = log_in(images, service)
    general = "granted" if strangers else "refused"
    assert outcomes(fact) == [("anonymous", "refused"), ("anonymous", general)]
    assert not fact.may_proceed


@lab.needs_registry
@pytest.mark.parametrize("posts", [True, False])
def test_an_identity_token_is_exchanged_by_post_and_else_by_get(images: Path, posts: bool) -> None:
    service = TokenService({"me": "idtoken"}, MINE, identity={"idtoken": "me"}, posts=posts)
    fact, _, tokens = log_in(images, service, "me", "idtoken", "identity-token")
    assert fact.accepted
    methods = [r.method for r in tokens.requests if r.body or "authorization" in r.headers]
    assert methods == (["POST"] if posts else ["POST", "GET"])


@lab.needs_registry
def test_a_bare_host_is_logged_in_to_without_a_scope(images: Path) -> None:
    fact, _, tokens = log_in(images, TokenService({"me": "right"}), "me", "right", image="")
    assert fact.accepted
    assert "scope" not in tokens.asked[0]


@lab.needs_registry
@pytest.mark.parametrize(
    ("secret", "who", "status"), [("right", "credential", 200), ("wrong", "anonymous", 401)]
)
def test_basic_is_tried_on_the_registry_itself(
    images: Path, tmp_path: Path, secret: str, who: str, status: int
) -> None:
    async def run() -> Case:
        with lab.distribution(images, auth=lab.htpasswd(tmp_path, "me", "right")) as hop:
            net = ready(Net(), hop)
            net.credential = credential("me", secret)
            case = await walk(case_of(hop, IMAGE), net)
            await net.close()
            return case

    case = asyncio.run(run())
    fact, image = case.facts.get(AuthFact), case.facts.get(ImageFact)
    assert fact is not None
    assert image is not None
    assert (fact.scheme, fact.who, fact.tries[0].answers[-1].status) == ("basic", who, status)
    assert image.found is (secret == "right")


def answered(
    script: Any, *, service: Mapping[str, Any] | None = None, hop: Hop | None = None
) -> tuple[AuthFact, Origin]:
    """How the login goes where the token service answers so."""

    async def run() -> tuple[AuthFact, Origin]:
        async with origin(script, role="token") as tokens:
            realm = f"http://127.0.0.1:{tokens.hop.port}/token"

            def registry(request: Request) -> bytes:
                return answer(401, b"", ("WWW-Authenticate", f'Bearer realm="{realm}"'))

            async with origin(registry) as server:
                net = ready(Net(), server.hop, tokens.hop)
                net.credential = credential("me", "right")
                case = case_of(server.hop, IMAGE)
                case.facts.add(await net.ping(case))
                fact = await net.authorize(case)
                await net.close()
                assert fact is not None
                return fact, tokens

    return asyncio.run(run())


LIFE = "has an expires_in that is no whole number, and clients refuse all of it then"


@pytest.mark.parametrize(
    ("said", "outcome", "flaw"),
    [
        (
            answer(200, b"<html><title>Sign in</title>", ("Content-Type", "text/html")),
            "no-token",
            "is a web page",
        ),
        (answer(200, b"token"), "no-token", "is not a JSON object"),
        (answer(200, {"expires_in": 60}), "no-token", "holds no token"),
        (answer(200, {"token": "a\nb"}), "no-token", "holds a token that no header can carry"),
        (answer(200, {"token": ["a"]}), "no-token", "holds no token"),
        (answer(200, {"token": "a", "expires_in": "300"}), "no-token", LIFE),
        (answer(200, b"[" * 10_000), "no-token", "is not a JSON object"),
        (answer(200, b" " * (2 << 20)), "no-token", "is larger than 1 MiB"),
        (answer(503, b"down"), "no-token", "is HTTP 503"),
        (answer(404, b""), "no-token", "is HTTP 404"),
        (answer(429, b""), "limited", ""),
        (answer(401, b""), "refused", ""),
        (answer(403, {"errors": [{"code": "DENIED"}]}), "refused", ""),
        (answer(400, {"error": "invalid_grant"}), "refused", ""),
        (b"nonsense\r\n\r\n", "unreachable", ""),
    ],
)
def test_what_is_no_token_is_told_apart(said: bytes, outcome: str, flaw: str) -> None:
    fact, _ = answered(lambda r: said)
    assert (fact.tries[0].outcome, fact.tries[0].flaw) == (outcome, flaw)
    assert not fact.may_proceed


@pytest.mark.parametrize(
    ("issued", "odd"),
    [
        (None, ""),
        ("2026-01-31T12:00:00Z", ""),
        ("2026-01-31T12:00:00.123456789+02:00", ""),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00"),
        ("2026-01-31 12:00:00Z", "2026-01-31 12:00:00Z"),
        (1769860800, "1769860800"),
        ("", "(empty)"),
    ],
)
def test_an_odd_time_of_issue_is_kept(issued: object, odd: str) -> None:
    fact, _ = answered(lambda r: answer(200, {"token": "a", "issued_at": issued}))
    assert (fact.may_proceed, fact.tries[0].odd_issue) == (True, odd)


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_both_names_of_a_token_are_taken(name: str) -> None:
    fact, _ = answered(lambda r: answer(200, {name: "opaque-token"}))
    assert (fact.accepted, fact.tries[0].access) == (True, None)
    assert "opaque-token" not in repr(fact)


def test_a_token_service_that_redirects_away_does_not_get_the_credential_there() -> None:
    fact, tokens = answered(lambda r: answer(302, b"", ("Location", "https://elsewhere.test/t")))
    assert (fact.tries[0].outcome, len(tokens.requests)) == ("no-token", 1)
    assert fact.tries[0].flaw == "is a redirect to https://elsewhere.test/t"


@pytest.mark.parametrize(
    ("registry", "realm", "code"),
    [
        (
            Hop("registry", "registry.corp.test", 443),
            "https://auth.other.test/token",
            "auth.realm-foreign",
        ),
        (
            Hop("registry", "registry.corp.test", 443),
            "http://auth.corp.test/token",
            "auth.realm-insecure",
        ),
    ],
)
def test_the_credential_is_held_back_from_strangers(registry: Hop, realm: str, code: str) -> None:
    async def run() -> tuple[AuthFact, Origin]:
        async with origin(lambda r: answer(200, {"token": "anonymous-token"})) as server:
            net = Net()
            net.credential = credential("me", "right")
            script = origin(
                lambda r: answer(401, b"", ("WWW-Authenticate", f'Bearer realm="{realm}"'))
            )
            async with script as ours:
                _speak(net, registry, ours.hop)
                _speak(net, Hop("token", "auth.other.test", 443), server.hop)
                case = case_of(registry, IMAGE)
                case.facts.add(await net.ping(case))
                fact = await net.authorize(case)
                await net.close()
                assert fact is not None
                return fact, server

    fact, server = asyncio.run(run())
    assert fact.withheld
    assert fact.ruling is not None
    assert fact.ruling.code == code
    assert all("authorization" not in r.headers for r in server.requests)
    assert len(server.requests) == (1 if code == "auth.realm-foreign" else 0)


@pytest.mark.parametrize(("scheme", "shown"), [("http", False), ("https", True)])
def test_a_registry_in_plain_http_names_nobody_that_gets_the_credential(
    scheme: Any, shown: bool
) -> None:
    async def run() -> list[Any]:
        registry = Hop("mirror", "mirror.corp.test", 80, scheme)
        challenge = 'Bearer realm="https://auth.corp.test/token"'
        async with (
            origin(lambda r: answer(200, {"token": "a-token"})) as server,
            origin(lambda r: answer(401, b"", ("WWW-Authenticate", challenge))) as ours,
        ):
            net = Net()
            net.credential = credential("me", "right")
            _speak(net, registry, ours.hop)
            _speak(net, Hop("token", "auth.corp.test", 443), server.hop)
            case = case_of(registry, IMAGE)
            case.facts.add(await net.ping(case))
            await net.authorize(case)
            await net.close()
            return server.requests

    assert any("authorization" in r.headers for r in asyncio.run(run())) is shown


def _speak(net: Net, hop: Hop, there: Hop) -> None:
    """Let `hop` be answered by the server at `there`, as if its ladder had been climbed."""
    ready(net, there)
    net.lines.dial_with(hop, lambda: net.lines.raw(there))
    net.lines.wrap_with(hop, _as_it_is)


async def _as_it_is(stream: Any) -> Any:
    return stream


def test_an_allowed_realm_gets_the_credential() -> None:
    async def run() -> AuthFact | None:
        registry = Hop("registry", "registry.corp.test", 443)
        challenge = 'Bearer realm="https://auth.other.test/token"'
        async with (
            origin(lambda r: answer(200, {"token": "a-token"})) as server,
            origin(lambda r: answer(401, b"", ("WWW-Authenticate", challenge))) as ours,
        ):
            net = Net()
            net.credential = credential("me", "right")
            _speak(net, registry, ours.hop)
            _speak(net, Hop("token", "auth.other.test", 443), server.hop)
            case = case_of(registry, IMAGE, allow_realms=("auth.other.test",))
            case.facts.add(await net.ping(case))
            fact = await net.authorize(case)
            await net.close()
            assert "authorization" in server.requests[0].headers
            return fact

    fact = asyncio.run(run())
    assert fact is not None
    assert fact.accepted
