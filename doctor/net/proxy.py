"""What does the proxy answer when it is asked for a connection to a host?

CONNECT (RFC 9110 section 9.3.6) is spoken by hand: HTTP libraries turn a refusal into an exception
and throw its headers and its page away, and these are the evidence that tells a policy from a
login, from a proxy without a way out, from a web server that is no proxy. Everything read is
bounded. Credentials are sent as Go sends them, Basic and unasked, and to an https proxy only on a
connection that was verified.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from doctor import __version__
from doctor.facts.proxy import Outcome, ProxySetting, RouteFact, Speaks, TunnelFact
from doctor.model import Hop
from doctor.net import refusal, socks
from doctor.net.refusal import Head
from doctor.redact import Secret, plain

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.net.lines import Stream

PATIENCE = 8.0
"""Seconds that a proxy gets to connect and to answer. Squid itself tries a destination for 60."""
_HEAD = 65536
_BODY = 2048
_BODY_PATIENCE = 1.0
_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]+")


class Tunnel:
    """A stream through a proxy. What came in one read with the proxy's answer is read first."""

    def __init__(self, stream: Stream, early: bytes) -> None:
        self._stream = stream
        self._early = early

    @property
    def peer(self) -> str:
        return self._stream.peer

    async def read(self, limit: int = 65536) -> bytes:
        if self._early:
            data, self._early = self._early[:limit], self._early[limit:]
            return data
        return await self._stream.read(limit)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def close(self) -> None:
        await self._stream.close()


@dataclass(slots=True)
class _Asked:
    """One request to the proxy, as far as it has come: read when it is cut."""

    fact: TunnelFact
    stream: Stream | None = None
    head: Head = field(default_factory=Head)
    tunnel: Tunnel | None = None


async def tunnel(hop: Hop, route: RouteFact, net: Net) -> TunnelFact:
    """Have the route's proxy connect to the hop. A tunnel is left in `net.lines`, with the way to
    open another."""
    if route.direct:
        return TunnelFact(needed=False)
    if route.proxy is None:
        return TunnelFact(outcome="no-setting")
    setting = route.proxy
    started = time.perf_counter()
    asked = await _ask(hop, setting, net)
    if asked.fact.outcome == "closed" and not asked.head.data:
        asked = await _ask(hop, setting, net)
    fact = asked.fact
    if fact.outcome in ("closed", "no-answer") and not asked.head.data:
        fact = replace(fact, speaks=await _speaks(setting, net))
        if fact.speaks:
            fact = replace(fact, outcome="not-a-proxy", hurried=False)
    if asked.tunnel:

        async def again() -> Stream:
            more = await _ask(hop, setting, net)
            if more.tunnel is None:
                raise ConnectionError(f"the proxy {setting.hop.name}: {plain(more.fact.said)}")
            return more.tunnel

        net.lines.proxied.add(hop)
        net.lines.dial_with(hop, again, asked.tunnel)
    return replace(fact, ms=(time.perf_counter() - started) * 1000)


async def _ask(hop: Hop, setting: ProxySetting, net: Net) -> _Asked:
    """One request, within its time. Whatever goes wrong is an outcome."""
    if not hop.host or not _NAME.fullmatch(hop.name):
        raise ValueError("a host that cannot be written into a request")
    asked = _Asked(TunnelFact(proxy=setting.hop.name, user=setting.user or ""))
    limit = net.patience(PATIENCE)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(limit):
            await _exchange(asked, hop, setting, net)
    except TimeoutError:
        if asked.head.status is None:  # else it is only the page that did not end
            outcome: Outcome = "no-answer" if asked.stream else "unreachable"
            waited = time.perf_counter() - started
            hurried = net.hurried(limit, PATIENCE)
            asked.fact = replace(asked.fact, outcome=outcome, waited=waited, hurried=hurried)
    except OSError:
        asked.fact = replace(asked.fact, outcome="closed" if asked.stream else "unreachable")
    except KeyError:
        asked.fact = replace(asked.fact, outcome="unreachable")
    if asked.tunnel is None and asked.stream:
        with contextlib.suppress(OSError):
            await asked.stream.close()
    return asked


async def _exchange(asked: _Asked, hop: Hop, setting: ProxySetting, net: Net) -> None:
    secure = setting.scheme == "https"
    stream = await (net.lines.ready if secure else net.lines.raw)(setting.hop)
    asked.stream = stream
    asked.fact = replace(asked.fact, peer=stream.peer)
    authorization = net.proxy_authorization.get(setting.hop)
    if setting.socks:
        await _socks(asked, stream, hop, authorization)
    else:
        await _connect(asked, stream, hop, authorization)


async def _socks(asked: _Asked, stream: Stream, hop: Hop, authorization: Secret | None) -> None:
    answer = await socks.request(stream, hop, _login(authorization) if authorization else None)
    asked.fact = replace(
        asked.fact,
        outcome=answer.outcome,
        reply=answer.reply,
        sent_credentials=answer.sent_credentials,
        first=refusal.safe(answer.first),
        speaks=answer.speaks,
        phrase=socks.REPLY_WORDS.get(answer.reply or 0, ""),
    )
    if answer.outcome == "tunnelled":
        asked.tunnel = Tunnel(stream, b"")


def _login(authorization: Secret) -> Secret:
    """`user:password` out of the Basic header's value."""
    import base64

    return Secret(base64.b64decode(authorization.reveal().partition(" ")[2]).decode())


async def _connect(asked: _Asked, stream: Stream, hop: Hop, authorization: Secret | None) -> None:
    lines = [
        f"CONNECT {hop.name} HTTP/1.1",
        f"Host: {hop.name}",
        f"User-Agent: registry-doctor/{__version__}",
    ]
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization.reveal()}")
    asked.fact = replace(asked.fact, sent_credentials=authorization is not None)
    await stream.write(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    head = asked.head
    ended = await _read_head(stream, head)
    if head.status is None:
        outcome: Outcome = "closed" if ended and not head.data else "not-a-proxy"
        speaks = refusal.protocol(head.data)
        asked.fact = replace(
            asked.fact, outcome=outcome, first=refusal.safe(head.data), speaks=speaks
        )
        return
    bare = asked.fact
    asked.fact = refusal.described(bare, head, head.rest, None)
    announced = refusal.page_follows(head)
    body = b"" if head.status == 200 and not announced else await _read_body(stream, head)
    if head.status == 200 and not body:
        asked.fact = refusal.described(bare, head, b"", "tunnelled")
        asked.tunnel = Tunnel(stream, head.rest)
        return
    asked.fact = refusal.described(bare, head, body, None)


async def _read_head(stream: Stream, head: Head) -> bool:
    """Read to the end of the head, at most 64 KiB. True if the connection ended before."""
    while len(head.data) < _HEAD:
        piece = await stream.read(4096)
        if not piece:
            refusal.take(head, head.data, b"")
            return True
        head.data += piece
        if not b"HTTP/".startswith(head.data[:5]) and not head.data.startswith(b"HTTP/"):
            return False
        found = re.search(rb"\r?\n\r?\n", head.data)
        if found:
            refusal.take(head, head.data[: found.end()], head.data[found.end() :])
            return False
    return False


async def _read_body(stream: Stream, head: Head) -> bytes:
    """The first 2 kB of the page, as far as it comes soon."""
    body = head.rest
    announced = dict(head.headers).get("content-length", "")
    wanted = min(_BODY, int(announced)) if re.fullmatch(r"\d{1,9}", announced) else _BODY
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_BODY_PATIENCE):
            while len(body) < wanted and (piece := await stream.read(_BODY)):
                body += piece
    return body[:_BODY]


async def _speaks(setting: ProxySetting, net: Net) -> Speaks:
    """The port said nothing to our protocol: does it answer to another? Asked on connections of
    their own."""
    if setting.scheme == "https":
        return ""
    other: tuple[Speaks, bytes, bytes] = ("socks5", b"\x05\x01\x00", b"\x05")
    if setting.socks:
        other = ("http", b"OPTIONS * HTTP/1.0\r\n\r\n", b"H")
    tests: list[tuple[Speaks, bytes, bytes]] = [("tls", _hello(), b"\x16\x15"), other]
    tasks = [asyncio.create_task(_answers(setting, net, *test)) for test in tests]
    try:
        for ended in asyncio.as_completed(tasks):
            if found := await ended:
                return found
    finally:
        for task in tasks:
            task.cancel()
    return ""


async def _answers(
    setting: ProxySetting, net: Net, name: Speaks, first: bytes, good: bytes
) -> Speaks:
    """`name` if the answer to `first` starts with one of the bytes in `good`."""
    stream: Stream | None = None
    try:
        async with asyncio.timeout(net.patience(1.0)):
            stream = await net.lines.raw(setting.hop)
            await stream.write(first)
            start = await stream.read(1)
            return name if start and start in good else ""
    except (OSError, KeyError):
        return ""
    finally:
        if stream:
            with contextlib.suppress(OSError):
                await stream.close()


def _hello() -> bytes:
    """A TLS ClientHello. The handshake goes no further."""
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()
