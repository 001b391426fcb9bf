"""Does one request end in one bounded, harmless Answer, whatever the other side does?"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from doctor.facts.http import Answer, span
from doctor.model import Hop
from doctor.net import Net
from doctor.net.body import read_json
from doctor.net.http import Reply, fetch
from doctor.net.lines import Stream
from doctor.redact import Secret, scrub
from tests.lab.origin import Origin, Plain, Raw, Request, answer, origin, ready


def reply_to(
    use: Callable[[Net, Origin], Awaitable[Reply]],
    script: Callable[[Request], bytes] | None = None,
    *,
    raw: Raw | None = None,
    seconds: float = 30.0,
) -> tuple[Reply, Origin]:
    """What `use` gets from a server that answers so."""

    async def run() -> tuple[Reply, Origin]:
        async with origin(script, raw=raw) as server:
            net = ready(Net(deadline=time.monotonic() + seconds), server.hop)
            try:
                return await use(net, server), server
            finally:
                await net.close()

    return asyncio.run(run())


async def get(net: Net, server: Origin) -> Reply:
    return await fetch(server.hop, "GET", "/v2/", net)


def endless(*parts: bytes, then: bytes) -> Raw:
    """Write `parts`, then `then` for ever."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        while True:
            writer.write(then)
            await writer.drain()

    return write


def test_an_answer_is_kept_with_what_a_finding_needs() -> None:
    body = {"errors": [{"code": "DENIED", "message": "no access"}]}
    headers = (("X-Request-ID", "r-1"), ("Set-Cookie", "session=1"), ("X-Secret", "s"))
    reply, server = reply_to(get, lambda r: answer(403, body, *headers))
    got = reply.answer
    assert (got.outcome, got.phase, got.status, got.code, got.message) == (
        "answered", "", 403, "DENIED", "no access",
    )  # fmt: skip
    assert got.request_id == "x-request-id: r-1"
    assert {name for name, _ in got.headers} == {"x-request-id", "content-type", "content-length"}
    assert got.peer == f"127.0.0.1:{server.hop.port}"
    sent = server.requests[0].headers
    assert sent["user-agent"].startswith("registry-doctor/")
    assert sent["accept-encoding"] == "identity"
    assert "authorization" not in sent
    assert json.dumps(got.proof)


def test_a_connection_is_kept_for_the_next_request() -> None:
    async def twice(net: Net, server: Origin) -> Reply:
        await get(net, server)
        return await get(net, server)

    reply, server = reply_to(twice, lambda r: answer(200, b"{}"))
    assert reply.answer.reused
    assert server.connections == 1


def test_a_connection_whose_answer_was_cut_is_not_kept() -> None:
    async def twice(net: Net, server: Origin) -> Reply:
        await fetch(server.hop, "GET", "/blob", net, limit=1)
        return await get(net, server)

    reply, server = reply_to(twice, lambda r: answer(200, b"x" * 200_000))
    assert not reply.answer.reused
    assert server.connections == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_no_finding() -> None:
    async def answer_and_leave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b"{}"))
        await writer.drain()

    async def twice(net: Net, server: Origin) -> Reply:
        await get(net, server)
        return await get(net, server)

    reply, server = reply_to(twice, raw=answer_and_leave)
    assert (reply.answer.status, reply.answer.reused, reply.answer.retries) == (200, False, 1)
    assert server.connections == 2


def test_a_fresh_connection_that_closes_without_a_byte_is_a_finding() -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    reply, server = reply_to(get, raw=hang_up)
    assert (reply.answer.outcome, reply.answer.phase) == ("closed", "headers")
    assert len(server.requests) == 1


def test_a_gigabyte_is_not_read() -> None:
    raw = endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", then=b"x" * 65536)

    async def whole(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/v2/", net, limit=100_000, whole=True)

    reply, _ = reply_to(whole, raw=raw)
    assert reply.answer.outcome == "too-large"
    assert len(reply.content) == 100_000
    assert reply.answer.received < 400_000


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_no_success_is_cut_whoever_wants_it_whole(status: int) -> None:
    start = f"HTTP/1.1 {status} No\r\nContent-Length: 1073741824\r\n\r\n".encode()

    async def whole(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/v2/", net, limit=1 << 22, whole=True)

    reply, _ = reply_to(whole, raw=endless(start, then=b"x" * 65536))
    assert (reply.answer.outcome, reply.answer.status, reply.answer.cut) == (
        "answered",
        status,
        True,
    )
    assert len(reply.content) == 65536


PACKED = ("Content-Encoding", "gzip")


@pytest.mark.parametrize(
    ("body", "headers", "content"),
    [
        (gzip.compress(b'{"a": 1}', mtime=0), (PACKED,), b'{"a": 1}'),
        (gzip.compress(b'{"a": 1}', mtime=0), (), gzip.compress(b'{"a": 1}', mtime=0)),
        (b'{"a": 1}', (PACKED,), b'{"a": 1}'),
        (
            gzip.compress(b"{}", mtime=0),
            (("Content-Encoding", "x-gzip"),),
            gzip.compress(b"{}", mtime=0),
        ),
        (b'{"a": 1}', (("Content-Encoding", "identity"),), b'{"a": 1}'),
        (b"", (PACKED,), b""),
    ],
)
def test_what_came_packed_is_unpacked(body: bytes, headers: Any, content: bytes) -> None:
    """Nobody asked for it, and clients take it: Go unpacks it before they see it."""
    reply, _ = reply_to(get, lambda r: answer(200, body, *headers))
    assert (reply.answer.outcome, reply.content) == ("answered", content)


@pytest.mark.parametrize("body", [gzip.compress(b" " * (1 << 28), mtime=0), b"\0" * (1 << 21)])
def test_a_packed_body_is_bounded_as_any(body: bytes) -> None:
    async def whole(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/", net, limit=1 << 20, whole=True)

    reply, _ = reply_to(whole, lambda r: answer(200, body, PACKED))
    assert (reply.answer.outcome, len(reply.content)) == ("too-large", 1 << 20)


def test_the_words_of_an_error_that_came_packed_are_read() -> None:
    said = {"errors": [{"code": "DENIED", "message": "no"}]}
    packed = gzip.compress(json.dumps(said).encode())
    reply, _ = reply_to(get, lambda r: answer(403, packed, PACKED))
    assert (reply.answer.code, reply.answer.message) == ("DENIED", "no")


def test_a_body_that_may_be_cut_is_cut() -> None:
    raw = endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then=b"1\r\nx\r\n")

    async def one(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/blob", net, limit=1)

    reply, _ = reply_to(one, raw=raw)
    assert (reply.answer.outcome, reply.answer.cut, reply.content) == ("answered", True, b"x")


@pytest.mark.parametrize(
    ("start", "then"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["many headers", "one long header", "informational answers"],
)
def test_headers_without_end_are_too_large(start: bytes, then: bytes) -> None:
    reply, _ = reply_to(get, raw=endless(start, then=then * 50))
    assert (reply.answer.outcome, reply.answer.status) == ("too-large", None)
    assert reply.answer.received < 1_000_000


@pytest.mark.parametrize(
    ("start", "phase"),
    [(b"", "headers"), (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", "body")],
)
def test_a_stall_says_where_it_stalled(start: bytes, phase: str) -> None:
    async def stall(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await asyncio.Event().wait()

    reply, _ = reply_to(get, raw=stall, seconds=0.9)
    assert (reply.answer.outcome, reply.answer.phase) == ("timeout", phase)
    assert reply.answer.received == len(start)
    assert reply.answer.hurried
    assert reply.answer.waited > 0
    assert reply.answer.said.endswith(f" for {span(reply.answer.waited)} s")


def test_a_stall_that_was_waited_for_is_no_haste() -> None:
    async def stall(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def brief(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/v2/", net, seconds=0.2)

    reply, _ = reply_to(brief, raw=stall)
    assert (reply.answer.outcome, reply.answer.hurried) == ("timeout", False)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.051, "0.051"), (0.4, "0.4"), (6.66, "6.7"), (8.01, "8"), (9.97, "10")]
)
def test_a_wait_is_told_as_finely_as_it_is_short(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_an_answer_that_drips_ends_with_the_patience() -> None:
    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    reply, _ = reply_to(get, raw=drip, seconds=0.9)
    assert (reply.answer.outcome, reply.answer.phase) == ("timeout", "body")
    assert reply.answer.status == 200


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "malformed"),
        (b"HTTP/1.1 999999 OK\r\n\r\n", "malformed"),
    ],
)
def test_a_broken_answer_is_an_answer(sent: bytes, outcome: str) -> None:
    async def send(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    reply, _ = reply_to(get, raw=send)
    assert reply.answer.outcome == outcome


def test_bytes_that_are_no_text_do_no_harm() -> None:
    body = b"\xff\xfe\x1b[2J" + "\u202egnp".encode()
    headers = (("Content-Type", "text/plain"), ("Server", "a\x1b]0;title\x07b"))
    reply, _ = reply_to(get, lambda r: answer(500, body, *headers))
    assert reply.answer.status == 500
    assert reply.answer.body.startswith("\ufffd\ufffd")


def test_json_nested_beyond_reason_is_no_json() -> None:
    assert read_json(b"[" * 10_000 + b"]" * 10_000) is None
    assert read_json(b'{"a": [1]}') == {"a": [1]}
    reply, _ = reply_to(get, lambda r: answer(404, b'{"errors":' + b"[" * 100_000))
    assert (reply.answer.status, reply.answer.code) == (404, "")


def test_a_redirect_is_told_without_its_signature_and_kept_with_it() -> None:
    link = "https://Storage.test/b/x?X-Amz-Signature=topsecret&part=1"

    async def look(net: Net, server: Origin) -> Reply:
        reply = await get(net, server)
        assert reply.answer.location is not None
        assert net.links[reply.answer.location].reveal().endswith("topsecret&part=1")
        return reply

    reply, _ = reply_to(look, lambda r: answer(307, b"", ("Location", link)))
    assert reply.answer.location == "https://storage.test/b/x?X-Amz-Signature=&part="
    assert "topsecret" not in repr(reply.answer)
    assert "topsecret" not in repr(reply)


def test_what_signs_a_link_is_known_as_a_secret_and_an_open_link_stays_legible() -> None:
    signature, link = "5f2cb3f0a1d94e7788aa", "https://storage.test/b"
    signed, _ = reply_to(
        get, lambda r: answer(307, b"", ("Location", f"{link}?X-Amz-Signature={signature}"))
    )
    opened, _ = reply_to(get, lambda r: answer(307, b"", ("Location", link)))
    assert signed.location is not None
    assert signature not in scrub(f"<SignatureProvided>{signature}</SignatureProvided>")
    assert scrub(f"sent to {opened.answer.location}") == f"sent to {link}"


@pytest.mark.parametrize("location", ["http://[::1", "javascript:alert(1)", "http://a:99999/"])
def test_a_redirect_to_nowhere_leads_nowhere(location: str) -> None:
    reply, _ = reply_to(get, lambda r: answer(302, b"", ("Location", location)))
    assert (reply.answer.status, reply.answer.adrift) == (302, True)
    assert reply.location is None


def test_the_request_target_is_sent_byte_for_byte() -> None:
    target = "/b/x?sig=a%2Fb%3d|~&se=2026-01-01T00%3A00%3A00Z"

    async def ask(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", target, net)

    _, server = reply_to(ask, lambda r: answer(200))
    assert server.requests[0].target == target


def test_a_token_stays_out_of_the_answer_and_a_refusal_does_not() -> None:
    async def private(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/token", net, private=True)

    reply, _ = reply_to(private, lambda r: answer(200, {"token": "abcdefgh", "x": 1}))
    assert reply.json["token"] == "abcdefgh"
    assert reply.answer.body == ""
    assert "abcdefgh" not in repr(reply)
    reply, _ = reply_to(private, lambda r: answer(200, b"<html><title>Hello</title>"))
    assert (reply.answer.is_page, reply.answer.title) == (True, "Hello")


def test_the_authorization_is_sent_and_never_told() -> None:
    async def ask(net: Net, server: Origin) -> Reply:
        secret = Secret("Basic dXNlcjpodW50ZXIy")
        return await fetch(server.hop, "GET", "/v2/", net, authorization=secret)

    reply, server = reply_to(
        ask, lambda r: answer(401, f"you sent {r.headers['authorization']}".encode())
    )
    assert server.requests[0].headers["authorization"] == "Basic dXNlcjpodW50ZXIy"
    assert "dXNlcjpodW50ZXIy" not in repr(reply.answer)


def test_what_was_sent_is_not_echoed_into_a_fact_by_any_header() -> None:
    async def ask(net: Net, server: Origin) -> Reply:
        secret = Secret("Basic dXNlcjpodW50ZXIy")
        return await fetch(server.hop, "GET", "/v2/", net, authorization=secret)

    echoes = (("X-Request-ID", "hunter2"), ("Server", "dXNlcjpodW50ZXIy"))
    reply, _ = reply_to(ask, lambda r: answer(200, {"password": "hunter2"}, *echoes))
    assert len(reply.answer.headers) == 4
    assert "hunter2" not in repr(reply.answer)
    assert "dXNlcjpodW50ZXIy" not in repr(reply.answer)


def test_an_authorization_that_http_cannot_carry_is_not_sent() -> None:
    async def ask(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/", net, authorization=Secret("Bearer a\nX-Evil: 1"))

    reply, server = reply_to(ask, lambda r: answer(200))
    assert (reply.answer.outcome, server.requests) == ("unsendable", [])
    assert "Evil" not in repr(reply)


def test_a_form_is_posted_as_a_form() -> None:
    async def ask(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "POST", "/token", net, body=Secret("a=1&b=2"))

    _, server = reply_to(ask, lambda r: answer(200))
    assert server.requests[0].body == b"a=1&b=2"
    assert server.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


def ask_over(stream: object) -> Answer:
    """What comes of a request over a stream made by the test."""

    async def run() -> Answer:
        hop, net = Hop("registry", "registry.test", 443), Net()

        async def as_it_is(raw: object) -> object:
            return raw

        net.lines.wrap_with(hop, as_it_is, stream)  # type: ignore[arg-type]
        return (await fetch(hop, "GET", "/v2/", net)).answer

    return asyncio.run(run())


class Breaking(Plain):
    """A stream whose reading fails."""

    peer = "192.0.2.1:443"

    def __init__(self, failure: OSError) -> None:
        self.failure = failure

    async def read(self, limit: int = 65536) -> bytes:
        raise self.failure

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class AlertError(OSError):
    alert = 116


def test_a_tls_alert_after_the_handshake_is_told_from_a_reset() -> None:
    got = ask_over(Breaking(AlertError()))
    assert (got.outcome, got.alert, got.phase) == ("tls-alert", 116, "headers")
    got = ask_over(Breaking(ConnectionResetError(104, "Connection reset by peer")))
    assert (got.outcome, got.alert, got.error) == ("reset", None, "Connection reset by peer")


def test_without_a_verified_connection_nothing_is_said() -> None:
    got = asyncio.run(fetch(Hop("registry", "registry.test", 443), "GET", "/v2/", Net())).answer
    assert (got.outcome, got.phase) == ("unconnected", "connect")


def test_no_secret_is_sent_over_plain_http_but_to_loopback() -> None:
    async def run() -> tuple[str, list[Request]]:
        async with origin(lambda r: answer(200)) as server:
            far, net = Hop("registry", "registry.test", 80, "http"), ready(Net(), server.hop)
            net.lines.dial_with(far, lambda: net.lines.raw(server.hop))
            net.lines.wrap_with(far, as_it_is)
            reply = await fetch(far, "GET", "/v2/", net, authorization=Secret("Basic YTpiYmJi"))
            return reply.answer.outcome, server.requests

    assert asyncio.run(run()) == ("unsendable", [])


async def as_it_is(stream: Stream) -> Stream:
    return stream


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"accessToken": "opaque-s3cret", "x": 1}, '{"accessToken": …, "x": …}'),
        (["opaque-s3cret"], ""),
        (b"opaque-s3cret", ""),
    ],
)
def test_a_token_under_a_strange_name_stays_out_too(body: object, kept: str) -> None:
    async def private(net: Net, server: Origin) -> Reply:
        return await fetch(server.hop, "GET", "/token", net, private=True)

    headers = () if isinstance(body, bytes) else (("Content-Type", "application/json"),)
    reply, _ = reply_to(private, lambda r: answer(200, body, *headers))
    assert reply.answer.body == kept
    assert "s3cret" not in repr(reply)
