"""No secret leaves that came from a server: a token, a signed link, a cookie, or what it repeats of
a credential (CONTRACT, promise 3)."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.lab import servers
from tests.lab.canary import NO_GATE, keeps, see, startup, wrong
from tests.lab.origin import Request, Script, answer, origin
from tests.lab.scenario import Scenario
from tests.lab.tokens import TokenService, signed
from tests.lab.way import HOST, PROXY_HOST, STORAGE_HOST, TOKEN_HOST, USER, Files, Stations, Way
from tests.lab.world import PROXY, REGISTRY, World
from tests.leaks import SECRETS, leaks, password, plainly, token

pytestmark = pytest.mark.lab


def repeating(script: Script) -> Way:
    """A registry that answers so, with the right certificate."""

    def listener(world: World, files: Files) -> object:
        return servers.played(world, REGISTRY, files, script=script)

    return Way(login="basic", key="none", listener=listener)


def registry(say: Callable[[str], bytes]) -> Script:
    """It asks for a login, and repeats the one that it is given."""

    def script(request: Request) -> bytes:
        heard = request.headers.get("authorization", "")
        if not heard:
            return answer(401, {}, ("WWW-Authenticate", 'Basic realm="lab"'))
        pair = base64.b64decode(heard.partition(" ")[2]).decode()
        return say(f"{heard} {pair} {quote(pair)}")

    return script


def _json(said: str) -> bytes:
    errors = [{"code": "DENIED", "message": f"the login {said} is wrong", "detail": said}]
    return answer(403, {"errors": errors})


def _page(said: str) -> bytes:
    text = html.escape(said)
    page = f"<html><title>Denied: {text}</title><body>{text}</body></html>"
    return answer(403, page.encode(), ("Content-Type", "text/html"))


def _headers(said: str) -> bytes:
    names = ("WWW-Authenticate", "Server", "X-Request-ID", "Warning", "Via", "Set-Cookie")
    head = "".join(f"{name}: x {said}\r\n" for name in names)
    return f"HTTP/1.1 401 No\r\n{head}Content-Length: 0\r\n\r\n".encode()


def _redirect(said: str) -> bytes:
    place = quote(said, safe="&=")
    where = f"https://login.example/{place}/?reason={place}#{place}"
    return answer(302, b"", ("Location", where))


def _error(said: str) -> bytes:
    return answer(500, f"panic: {said}\n{said.encode().hex()}".encode())


def _limit(said: str) -> bytes:
    return answer(429, f"slow down, {said}".encode(), ("Retry-After", said.encode().hex()))


REPEATING = {
    "json": (_json, "auth.forbidden"),
    "page": (_page, "auth.forbidden"),
    "headers": (_headers, "auth.rejected"),
    "redirect": (_redirect, "registry.bad-response"),
    "error": (_error, "registry.server-error"),
    "limit": (_limit, "rate.limited"),
}


@pytest.mark.parametrize("how", REPEATING)
def test_a_registry_that_repeats_the_login(how: str, lab: World, store: Path) -> None:
    say, cause = REPEATING[how]
    keeps(Scenario(how, repeating(registry(say)), (cause,), home=wrong("repeated")), lab, store)


@dataclass
class Odd(TokenService):
    """A token service that gives anybody this answer."""

    says: bytes = b""
    repeats: bool = False

    def script(self, request: Request) -> bytes:
        heard = request.headers.get("authorization", "")
        if self.repeats and heard:
            pair = base64.b64decode(heard.partition(" ")[2]).decode()
            return answer(200, {"token": pair, "access_token": heard})
        return self.says


def issuing(service: TokenService) -> Way:
    return Way(login="token", stations=Stations(service=lambda: service))


JWT = signed(USER, [], jti="the canary's")
SECRETS["a JWT"] = JWT.rpartition(".")[2]
REFRESH, ID = token("refresh_token"), token("id_token")
JSON = ("Content-Type", "application/json")
GIVEN = {
    "tokens": answer(200, {"token": JWT, "refresh_token": REFRESH, "expires_in": 300}),
    "opaque": answer(200, {"access_token": token("access_token"), "refresh_token": REFRESH}),
    "two": answer(200, {"token": token("token"), "access_token": token("access_token")}),
    "not-json": answer(200, f'{{"token": "{token("broken")}"'.encode(), JSON),
    "in-a-form": answer(200, f"access_token={plainly('in a form')}&x=1".encode()),
    "as-text": answer(200, token("as text").encode()),
    "in-a-list": answer(200, [token("in a list")]),
    "nested": answer(200, {"data": {"token": token("nested")}}),
    "not-for-headers": answer(200, {"token": f"{plainly('with a blank')} {plainly('in it')}"}),
    "on-a-page": answer(
        200,
        f"<html><title>Signed in</title>{token('on a page')}</html>".encode(),
        ("Content-Type", "text/html"),
    ),
    "with-an-error": answer(403, {"error": "denied", "access_token": token("with an error")}),
    "in-a-redirect": answer(302, b"", ("Location", f"https://x.example/#{plainly('behind #')}")),
    "in-a-cookie": answer(
        500,
        f"cookie: session={plainly('a cookie')}".encode(),
        ("Set-Cookie", f"session={plainly('a cookie')}; Path=/"),
    ),
}
CAUSES = {
    "tokens": "auth.forbidden",
    "in-a-redirect": "auth.realm-unreachable",
    "opaque": "auth.denied-or-missing",
    "two": "auth.denied-or-missing",
    "with-an-error": "auth.rejected",
}
"""Tokens that are sent, and that the registry does not take."""


def test_a_refresh_token_that_is_repeated_elsewhere(lab: World, store: Path) -> None:
    """The registry knows what its token service gave."""
    service = Odd(says=answer(200, {"token": JWT, "refresh_token": REFRESH, "id_token": ID}))
    front = f"location ~ /manifests/ {{ return 403 'no: {REFRESH} {ID}'; }}"
    keeps(
        Scenario("x", replace(issuing(service), tls_front=front), ("auth.forbidden",)), lab, store
    )


@pytest.mark.parametrize("how", GIVEN)
def test_what_a_token_service_gives(how: str, lab: World, store: Path) -> None:
    cause = CAUSES.get(how, "auth.realm-error")
    keeps(Scenario(how, issuing(Odd(says=GIVEN[how])), (cause,)), lab, store)


def test_a_token_service_that_repeats_the_login(lab: World, store: Path) -> None:
    way = replace(issuing(Odd(repeats=True, says=answer(401, {}))), key="none")
    keeps(Scenario("x", way, ("auth.realm-error",), home=wrong("given as a token")), lab, store)


SIGNED = f"X-Amz-Signature={plainly('signature')}&X-Amz-Security-Token={plainly('session')}&se=1"
STORAGE = f"https://{STORAGE_HOST}/b?{SIGNED}&key={plainly('a parameter of no known name')}"
ERROR = (
    'location = /b { default_type application/xml; return 403 "<Error><Code>AccessDenied</Code>'
    '<Message>$args</Message></Error>"; }'
)
IN_LINK = f"https://u:{plainly('in a link')}@{STORAGE_HOST}/b"
NO_PORT = f"https://u:{plainly('of no port')}@{HOST}:99999/"
REALM = f"https://u:{plainly('in a realm')}@{TOKEN_HOST}/token?token={plainly('in its query')}"
CHALLENGE = f"add_header WWW-Authenticate 'Bearer realm=\"{REALM}\"' always; return 401;"


def at(place: str, does: str, **more: object) -> Way:
    """A registry whose front does this at such a place."""
    return Way(tls_front=f"location {place} {{ {does} }}", **more)  # type: ignore[arg-type]


LINKS = (
    Scenario(
        "signed",
        at(
            "~ /blobs/",
            f"return 307 {STORAGE};",
            blobs="storage",
            stations=Stations(storage_front=ERROR),
        ),
        ("registry.blob-refused",),
    ),
    Scenario(
        "with-a-login", at("~ /blobs/", f"return 307 {IN_LINK};"), ("registry.blob-unreachable",)
    ),
    Scenario("no-address", at("/v2/", f"return 302 {NO_PORT};"), ("registry.not-a-registry",)),
    Scenario("realm-with-a-login", at("/v2/", CHALLENGE), ("registry.bad-response",)),
)


@pytest.mark.parametrize("scenario", LINKS, ids=lambda s: s.name)
def test_a_link(scenario: Scenario, lab: World, store: Path) -> None:
    keeps(scenario, lab, store)


def test_a_proxy_that_repeats_the_login(lab: World, store: Path) -> None:
    """Its page of refusal holds it in the ways that such pages do."""

    def script(request: Request) -> bytes:
        heard = request.headers.get("proxy-authorization", "")
        pair = base64.b64decode(heard.partition(" ")[2]).decode()
        page = f"<title>Denied {html.escape(pair)}</title>{'x' * 1900}{pair} {heard}"
        place = f"http://block.example/{quote(pair)}?user={quote(pair)}"
        return answer(
            403, page.encode(), ("Content-Type", "text/html"), ("Via", f"1.1 {heard}"),
            ("X-Block-Reason", pair.encode().hex()), ("Location", place),
        )  # fmt: skip

    def detour(world: World) -> dict[str, str]:
        world.far.serve(lambda: origin(script, at=(PROXY, 3128)))
        login = quote(password("repeated by a proxy"), safe="")
        return {"HTTPS_PROXY": f"http://bob:{login}@{PROXY_HOST}:3128"}

    keeps(Scenario("proxy", Way(detour=detour), ("proxy.denied",)), lab, store)


def test_without_the_gate_what_is_repeated_is_found(lab: World, store: Path) -> None:
    """The near miss of all these tests."""
    env = startup(lab, NO_GATE)
    way = repeating(registry(_error))
    looked = see(Scenario("x", way, home=wrong("without a gate"), env=env), lab, store)
    found = leaks(looked.surfaces)
    assert {"standard output", "terminal"} <= set(found)
    assert {place for places in found.values() for place in places} == {"without a gate"}
