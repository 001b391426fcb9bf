"""A server repeats the credential that it was sent, in its own way and where it likes: does any
part of it come back out?

Everything that the facts hold and everything that the judges say of them goes through the gate, as
it does in a report; then the search takes every encoding off again.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qs

import pytest

from doctor.credential import Kind
from doctor.model import Case
from doctor.net import Net
from doctor.plugins import installed
from doctor.redact import scrub, scrub_data
from doctor.report.document import jsonable
from tests.encodings import ENCODINGS
from tests.lab.origin import Origin, Request, answer, case_of, credential, origin, ready, walk
from tests.leaks import leaks, password, token

USER = "alice"
Say = Callable[[str], bytes]
"""The answer that holds this text."""


def _json(**fields: object) -> bytes:
    return answer(403, fields)


def _page(title: str, text: str = "") -> bytes:
    page = f"<!doctype html><html><head><title>{title}</title></head><body>{text}</body></html>"
    return answer(403, page.encode(), ("Content-Type", "text/html"))


def _header(name: str, value: str, status: int = 403) -> bytes:
    """Header values hold no line end, and what is not ASCII goes as UTF-8."""
    line = " ".join(value.split())
    head = f"HTTP/1.1 {status} Status\r\n{name}: {line}\r\nContent-Length: 0\r\n\r\n"
    return head.encode("utf-8", "surrogateescape")


def _to(where: str) -> bytes:
    return _header("Location", where, 307)


PLACES: Mapping[str, Say] = {
    "text": lambda s: answer(403, s.encode("utf-8", "surrogatepass")),
    "text of a success": lambda s: answer(200, f"hello {s}".encode()),
    "message": lambda s: _json(errors=[{"code": "DENIED", "message": f"you sent {s}"}]),
    "detail": lambda s: _json(errors=[{"code": "DENIED", "message": "", "detail": f"sent {s}"}]),
    "code": lambda s: _json(errors=[{"code": s, "message": "denied"}]),
    "error_description": lambda s: _json(error="invalid_client", error_description=s),
    "another field": lambda s: _json(request={"headers": [{"authorization": s}]}),
    "broken JSON": lambda s: answer(500, b'{"errors": [' + json.dumps(s).encode()),
    "title": lambda s: _page(html.escape(s)),
    "page": lambda s: _page("Forbidden", html.escape(s)),
    "XML": lambda s: answer(
        403, f"<Error><Code>AccessDenied</Code><Message>{html.escape(s)}</Message></Error>".encode()
    ),
    "challenge": lambda s: _header(
        "WWW-Authenticate", f'Basic realm="{s}", error="invalid_token"', 401
    ),
    "Server": lambda s: _header("Server", s),
    "request id": lambda s: _header("X-Request-ID", s),
    "Retry-After": lambda s: _header("Retry-After", s, 429),
    "rate limit": lambda s: _header("Docker-RateLimit-Source", s, 429),
    "digest": lambda s: _header("Docker-Content-Digest", s, 200),
    "media type": lambda s: _header("Content-Type", s, 200),
    "Set-Cookie": lambda s: _header("Set-Cookie", f"session={s}"),
    "path of a redirect": lambda s: _to(f"/error/{s}"),
    "query of a redirect": lambda s: _to(f"https://login.example/?reason={s}&x=1"),
    "fragment of a redirect": lambda s: _to(f"https://login.example/#{s}"),
    "user of a redirect": lambda s: _to(f"https://x:{s}@login.example/"),
    "host of a redirect": lambda s: _to(f"https://{s}.example/"),
    "scheme of a redirect": lambda s: _to(f"x-{s}://example/"),
    "status line": lambda s: (
        f"HTTP/1.1 403 {' '.join(s.split())}\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "no HTTP": lambda s: s.encode("utf-8", "surrogatepass") + b"\r\n\r\n",
}


def heard(request: Request) -> list[str]:
    """What a server can say back: the whole value, the pair in it, its halves."""
    form = parse_qs(request.body.decode())
    value = request.headers.get("authorization", "")
    found = [*form.get("refresh_token", []), *([request.body.decode()] if form else [])]
    if value.startswith("Basic "):
        pair = base64.b64decode(value.removeprefix("Basic ")).decode()
        found += [pair, *pair.split(":", 1)[1:]]
    return [*found, *([value, value.partition(" ")[2]] if value else [])]


def registry(
    say: Say, encode: Callable[[str], str], which: int, stage: str
) -> Callable[..., bytes]:
    """A registry that lets everybody on until `stage`, and then repeats what it hears."""

    def script(request: Request) -> bytes:
        words = heard(request)
        at = request.path
        challenge = ("WWW-Authenticate", 'Basic realm="lab"')
        if stage in ("token", "form", "bearer"):
            realm = f"http://{request.headers['host']}/token"
            challenge = ("WWW-Authenticate", f'Bearer realm="{realm}",service="lab"')
        if at == "/token" and stage == "bearer":
            return answer(200, {"token": token("a token that was issued")})
        begun = bool(words) and (stage != "image" or "/manifests/" in at)
        if begun and not (stage in ("token", "form") and at != "/token"):
            return say(encode(words[which % len(words)]))
        if words and at == "/v2/":
            return answer(200, {})
        return answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}, challenge)

    return script


def told(case: Case) -> Iterator[str]:
    """Everything that a report could be made of."""
    yield scrub(repr(list(case.facts)))
    yield scrub(repr([fact.seen for _, fact in case.facts]))
    for check in installed().checks:
        if check.scope == "target":
            for finding in check.judge(case):
                yield json.dumps(scrub_data(jsonable(finding.evidence)))
                yield json.dumps(scrub_data(jsonable(finding.params)))


def look(script: Callable[..., bytes], kind: Kind, secret: str) -> tuple[list[str], Origin]:
    async def run() -> tuple[list[str], Origin]:
        async with origin(script) as server:
            net = ready(Net(), server.hop)
            net.credential = credential(USER, secret, kind)
            case = await walk(case_of(server.hop, "lab/app:1.0"), net)
            await net.close()
            return list(told(case)), server

    return asyncio.run(run())


STAGES = ("login", "image", "token", "form", "bearer")
SOME = (
    *("as it is", "base64 behind one character", "base64 for URLs", "URL-encoded twice"),
    *("hexadecimal", "JSON by Go", "HTML by Go", "password before user, base64"),
)
"""What a gate that knows a secret finds is tested apart (tests/test_spelling.py); here it is where
the text goes."""


@pytest.mark.parametrize("place", PLACES)
def test_whatever_it_repeats_stays_inside(place: str) -> None:
    secret = password("a configuration")
    for number, how in enumerate(SOME):
        stage = STAGES[number % len(STAGES)]
        script = registry(PLACES[place], ENCODINGS[how], number // 3, stage)
        kind: Kind = "identity-token" if stage == "form" else "password"
        said, server = look(script, kind, secret)
        assert any(heard(request) for request in server.requests)
        assert leaks({how: "\n".join(said).encode()}) == {}, (stage, said)


@pytest.mark.parametrize("place", PLACES)
def test_also_when_it_is_cut_in_the_middle(place: str) -> None:
    """Every text from outside is bounded somewhere; what stands across that border is cut."""
    secret = password("a configuration")
    for number, limit in enumerate((64, 80, 120, 128, 200, 256, 300, 500, 1024, 2000, 4096, 8192)):
        ahead = "x" * (limit - 18)
        stage = STAGES[number % 2]
        script = registry(lambda s, a=ahead: PLACES[place](f"{a}{s}"), str, 1, stage)  # type: ignore[misc]
        said, _ = look(script, "password", secret)
        assert leaks({f"cut at {limit}": "\n".join(said).encode()}) == {}, said
