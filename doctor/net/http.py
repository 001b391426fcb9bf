"""What does a host answer to one request, however badly it behaves?

Every bound stands here: bytes of headers (`wire`), bytes of body, seconds for the whole
exchange, so that a registry that sends 1 GiB, headers without end or one byte a second costs a
known amount. Nothing is followed, nothing is remembered between requests but the open connection.
Failures are Answers. A kept connection that the other side had closed meanwhile is not a finding:
the request is made again on another one, as Go's net/http does (Transport.shouldRetryRequest).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from doctor import __version__
from doctor.facts.http import KEPT_HEADERS, Answer, Outcome, Phase, Who
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.net.body import (
    error_of,
    forms,
    holds_token,
    named,
    read_json,
    title_of,
    unpacking,
    unsaid,
)
from doctor.net.location import Place, place, shown
from doctor.redact import Secret, clip

if TYPE_CHECKING:
    from doctor.net import Net
    from doctor.net.wire import Line

USER_AGENT = f"registry-doctor/{__version__}"
ERROR_BODY = 65_536
"""Bytes read of an answer that is not wanted as a whole."""
_ERROR = 8192
"""Bytes read of an error at least: its body tells the reason."""
_EXCERPT = 1024
_TAG = 64
"""Of a page in the place of a token: its first tag."""
_LONGEST_HEADER = 4096
_MOST_HEADERS = 64
_STALE_TRIES = 4


@frozen(kw_only=True)
class Reply:
    """An answer and what stays out of facts: its bytes, and where it redirects to in full."""

    answer: Answer
    content: bytes = field(default=b"", repr=False)
    location: Secret | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, or None where it is none (nested beyond reason included)."""
        return read_json(self.content)


@dataclass(slots=True, eq=False, repr=False)
class _Exchange:
    """How far one request has come; read when it fails."""

    phase: Phase = "connect"
    line: Line | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    location: str | None = None
    content: bytearray = field(default_factory=bytearray)
    cut: bool = False
    outcome: Outcome = "answered"
    alert: int | None = None
    error: str = ""
    sent: tuple[str, ...] = field(default=(), repr=False)
    """The forms of the secret that was sent, which an answer may echo."""


async def fetch(
    hop: Hop,
    method: str,
    target: str,
    net: Net,
    *,
    headers: Mapping[str, str] | None = None,
    authorization: Secret | None = None,
    limit: int = ERROR_BODY,
    whole: bool = False,
    private: bool = False,
    who: Who = "",
    seconds: float = 8.0,
    body: Secret | None = None,
) -> Reply:
    """Make one request on a ready stream of the hop; follow nothing.

    `limit` bounds the body's bytes; with `whole` a longer one is "too-large", else it is cut, as
    that of an error or a redirect always is: its status and its start tell enough.
    `private`: the body may hold a token, so no part of a successful one enters the fact. `body` is
    a form. The link of a redirect is also put in `net.links`.
    """
    if (authorization or body) and net.lines.overheard(hop):
        return Reply(
            answer=Answer(hop=hop, method=method, path=shown(target), outcome="unsendable")
        )
    patience = net.patience(seconds)
    start = time.perf_counter()
    retries = 0
    sent = forms(authorization, body)
    exchange = _Exchange()
    try:
        async with asyncio.timeout(patience):
            for retries in range(_STALE_TRIES):  # noqa: B007 - told in the answer
                exchange = _Exchange(sent=sent)
                await _exchange(
                    exchange,
                    hop,
                    method,
                    target,
                    net,
                    _fields(hop, headers or {}, authorization, body),
                    body,
                    limit,
                )
                if not _was_stale(exchange, method):
                    break
    except TimeoutError:
        exchange.outcome = "timeout"
    success = exchange.status is not None and exchange.status < 300
    if whole and success and exchange.cut and exchange.outcome == "answered":
        exchange.outcome = "too-large"
    answer = replace(
        _answer(exchange, private=private),
        hop=hop,
        method=method,
        path=shown(target),
        who=who,
        in_the_clear=hop in net.lines.in_the_clear,
        ms=(time.perf_counter() - start) * 1000,
        waited=time.perf_counter() - start if exchange.outcome == "timeout" else 0.0,
        hurried=exchange.outcome == "timeout" and net.hurried(patience, seconds),
        retries=retries,
    )
    link = None
    if exchange.location is not None:
        link, answer = _link(exchange.location, answer, hop, target, net)
    return Reply(answer=answer, content=bytes(exchange.content), location=link)


def _fields(
    hop: Hop, headers: Mapping[str, str], authorization: Secret | None, body: Secret | None
) -> list[tuple[bytes, bytes]]:
    fields = {
        "Host": hop.authority,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Accept": "*/*",
        **headers,
    }
    if body is not None:
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    if authorization is not None:
        fields["Authorization"] = authorization.reveal().strip(" \t")
    return [(name.encode(), value.encode()) for name, value in fields.items()]


async def _exchange(
    exchange: _Exchange,
    hop: Hop,
    method: str,
    target: str,
    net: Net,
    fields: list[tuple[bytes, bytes]],
    body: Secret | None,
    limit: int,
) -> None:
    from doctor.net import wire

    line = await _line(exchange, hop, net)
    if line is None:
        return
    spoken = wire.Exchange(line)
    exchange.phase = "send"
    try:
        form = body.reveal().encode() if body else b""
        _head(exchange, *await spoken.ask(method, target, fields, form))
        await _body(exchange, spoken.body(), limit)
    except wire.UnsendableError:
        exchange.outcome = "unsendable"
    except wire.TooMuchError:
        exchange.outcome = "too-large"
    except (wire.ProtocolError, OSError) as failure:
        _broke(exchange, line, str(failure))
    finally:
        if exchange.phase == "send" and line.sent:
            exchange.phase = "headers"
        if spoken.reusable and exchange.outcome == "answered":
            net.lines.give_back(hop, line)
        else:
            await line.close()


async def _line(exchange: _Exchange, hop: Hop, net: Net) -> Line | None:
    from doctor.net.wire import Line

    try:
        exchange.line = Line(await net.lines.ready(hop))
    except KeyError:
        exchange.outcome, exchange.error = "unconnected", "no verified connection may be opened"
    except TimeoutError:
        exchange.outcome = "timeout"
    except OSError as failure:
        exchange.alert = getattr(failure, "alert", None)
        exchange.outcome = "tls-alert" if exchange.alert is not None else "unconnected"
        exchange.error = failure.strerror or type(failure).__name__
    return exchange.line


def _head(exchange: _Exchange, status: int, raw: list[tuple[bytes, bytes]]) -> None:
    exchange.status, exchange.phase = status, "body"
    kept = []
    for name, value in raw[:_MOST_HEADERS]:
        key = name.decode("ascii", "replace").lower()
        if key == "location" and exchange.location is None:
            exchange.location = value.decode("utf-8", "replace")
        elif key in KEPT_HEADERS:
            text = unsaid(value.decode("utf-8", "replace"), exchange.sent)
            kept.append(
                (key, text if len(text) <= _LONGEST_HEADER else clip(text, _LONGEST_HEADER))
            )
    exchange.headers = tuple(kept)


async def _body(exchange: _Exchange, pieces: AsyncIterator[bytes], limit: int) -> None:
    if exchange.status is not None and exchange.status >= 300:
        limit = min(max(limit, _ERROR), ERROR_BODY)
    unpack, came = unpacking(exchange.headers), 0
    async for piece in pieces:
        room, came = limit - len(exchange.content), came + len(piece)
        part = unpack(piece, room + 1) if unpack else piece
        exchange.content += part[:room]
        if len(part) > room or came > limit:
            exchange.cut = True
            break
    exchange.phase = ""


def _broke(exchange: _Exchange, line: Line, words: str) -> None:
    """The connection or the protocol broke: by whom, and how?"""
    exchange.alert = getattr(line.failure, "alert", None)
    if exchange.alert is not None:
        exchange.outcome = "tls-alert"
    elif isinstance(line.failure, TimeoutError):
        exchange.outcome = "timeout"
    elif line.failure is not None:
        exchange.outcome = "reset"
        exchange.error = line.failure.strerror or type(line.failure).__name__
    elif line.ended:
        exchange.outcome = "closed"
    else:
        exchange.outcome, exchange.error = "malformed", clip(words, 200)


def _was_stale(exchange: _Exchange, method: str) -> bool:
    """Had the other side closed a kept connection before it could see the request?"""
    line = exchange.line
    quiet = line is not None and line.reused and not line.received
    return quiet and exchange.outcome in ("reset", "closed") and method in ("GET", "HEAD")


def _answer(exchange: _Exchange, *, private: bool) -> Answer:
    line, status = exchange.line, exchange.status
    facts = Answer(
        outcome=exchange.outcome,
        phase=exchange.phase,
        status=status,
        headers=exchange.headers,
        cut=exchange.cut,
        received=line.received if line else 0,
        peer=line.peer if line else "",
        alert=exchange.alert,
        error=exchange.error,
        reused=line.reused if line else False,
    )
    content = bytes(exchange.content)
    success = status is not None and status < 300
    if success and not private and content.startswith(b"{"):
        return facts
    text = content[: 4 * _EXCERPT].decode("utf-8", "replace")
    if text:
        more = exchange.cut or len(content) > 4 * _EXCERPT
        facts = replace(facts, body=clip(unsaid(text, exchange.sent), _EXCERPT, cut=more))
    if success and private:  # a page may hold a token, and so may names that nobody knows
        start = facts.body.partition(">")[0][:_TAG] if facts.is_page else named(content)
        facts = replace(facts, body="" if holds_token(content) else start)
    code, message = ("", "") if success else error_of(content)
    message = unsaid(message, exchange.sent)
    return replace(
        facts, code=code, message=message, title=title_of(content) if facts.is_page else ""
    )


def _link(
    location: str, answer: Answer, hop: Hop, target: str, net: Net
) -> tuple[Secret | None, Answer]:
    """Keep the redirect's full address among the secrets, and its harmless form in the answer."""
    led = place(location, role=hop.role, base=hop, path=target.partition("?")[0])
    if led is None:
        sent = clip(location.partition("?")[0], 200)
        return None, replace(answer, location=sent, adrift=True)
    full = f"{led.hop.scheme}://{led.hop.authority}{led.target}"
    for value in led.signatures:
        Secret(value)  # the gate knows it from now on: storage repeats it in its errors
    secret = Secret(full, learn=full != led.shown)
    here = _same_host(location, led, hop) and answer.in_the_clear
    told = f"http://{hop.authority}{shown(led.target)}" if here else led.shown
    net.links[told] = secret
    return secret, replace(answer, location=told)


def _same_host(location: str, led: Place, hop: Hop) -> bool:
    """Does the redirect stay where it is asked, by naming no scheme of its own?"""
    return led.hop == hop and not re.match(r"(?i)\s*https?:", location)
