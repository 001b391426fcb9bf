"""What does a SOCKS5 server answer when asked for a connection to a host?

RFC 1928 and 1929, spoken by hand so that each step's answer is evidence. The host goes to the
server as a name, as Go does for `socks5` and `socks5h` alike (net/http, socksNewDialer): that it
does not resolve here is no fault.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from doctor.facts.proxy import Outcome, Speaks
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.redact import Secret

if TYPE_CHECKING:
    from doctor.net.lines import Stream

_REPLIES: dict[int, Outcome] = {
    0: "tunnelled",
    1: "upstream-failed",
    2: "denied",
    3: "upstream-failed",
    4: "upstream-failed",
    5: "upstream-failed",
    6: "upstream-failed",
    7: "not-a-proxy",
    8: "upstream-failed",
}
REPLY_WORDS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}
"""RFC 1928 section 6."""
_NO_METHOD = 0xFF
_NONE, _PASSWORD = 0, 2


@frozen
class Answered:
    """How it went. `first`: the bytes that were no SOCKS answer."""

    outcome: Outcome
    reply: int | None = None
    sent_credentials: bool = False
    first: bytes = b""
    speaks: Speaks = ""


async def request(stream: Stream, hop: Hop, login: Secret | None) -> Answered:
    """Ask for a connection to the hop. `login` is `user:password`. OSError as the stream gives it;
    the deadline is the caller's."""
    await stream.write(bytes((5, 2, _NONE, _PASSWORD)) if login else bytes((5, 1, _NONE)))
    chosen = await _exactly(stream, 2)
    if len(chosen) < 2 or chosen[0] != 5:
        return await _stranger(stream, chosen)
    sent = False
    if chosen[1] == _PASSWORD and login:
        sent = True
        await stream.write(_login(login))
        verdict = await _exactly(stream, 2)
        if len(verdict) < 2 or verdict[1] != 0:
            return Answered("auth-rejected", sent_credentials=True)
    elif chosen[1] in (_NO_METHOD, _PASSWORD):
        return Answered("auth-rejected" if login else "auth-required")
    elif chosen[1] != _NONE:
        return Answered("not-a-proxy", first=chosen)
    await stream.write(b"\x05\x01\x00" + _address(hop) + hop.port.to_bytes(2, "big"))
    head = await _exactly(stream, 4)
    if len(head) < 4 or head[0] != 5:
        return Answered("not-a-proxy" if head else "closed", sent_credentials=sent, first=head)
    if head[1] == 0:
        await _bound_address(stream, head[3])
    return Answered(_REPLIES.get(head[1], "upstream-failed"), head[1], sent)


def _login(login: Secret) -> bytes:
    """RFC 1929: user and password, each with its length in one byte."""
    user, _, password = login.reveal().partition(":")
    parts = (user.encode()[:255], password.encode()[:255])
    return b"\x01" + b"".join(bytes((len(part),)) + part for part in parts)


def _address(hop: Hop) -> bytes:
    try:
        literal = ipaddress.ip_address(hop.host)
    except ValueError:
        name = hop.host.encode("ascii")
        return b"\x03" + bytes((len(name),)) + name
    return (b"\x01" if literal.version == 4 else b"\x04") + literal.packed


async def _bound_address(stream: Stream, kind: int) -> None:
    """Read past the address that the server connects from."""
    length = {1: 4, 4: 16}.get(kind, 0)
    if kind == 3:
        length = (await _exactly(stream, 1) or b"\0")[0]
    await _exactly(stream, length + 2)


async def _stranger(stream: Stream, start: bytes) -> Answered:
    """It does not answer as a SOCKS server does: what is it?"""
    if not start:
        return Answered("closed")
    more = start + (await stream.read(254) if len(start) == 2 else b"")
    speaks: Speaks = "http" if more.startswith(b"HTTP/") else ""
    return Answered("not-a-proxy", first=more, speaks=speaks)


async def _exactly(stream: Stream, count: int) -> bytes:
    """That many bytes and no more, or fewer where the connection ends."""
    data = b""
    while len(data) < count:
        piece = await stream.read(count - len(data))
        if not piece:
            break
        data += piece
    return data
