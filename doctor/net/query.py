"""What does one resolver answer to one question?

Asked on sockets of our own: a connected UDP socket hears the ICMP message of a closed port, which
dnspython's does not, and takes datagrams from nobody else. EDNS with 1232 bytes (RFC 6891, DNS flag
day 2020) invites Extended DNS Errors (RFC 8914); a truncated answer is asked for again over TCP
(RFC 7766). Never raises: a failure is a Reply. Heavy: import it in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import replace

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA

from doctor.facts.resolvers import ExtendedError, Outcome, RecordType, Reply
from doctor.frozen import frozen

PORT = 53
_TRY = 1.5
"""Seconds for one try."""
_TRIES = 2
"""Over UDP, on one socket, so that a late answer to the first try still counts."""
_PAYLOAD = 1232
_MOST_STRANGE = 64
"""Datagrams that answer another question before a resolver is called malformed."""
_MOST_ALIASES = 16
_MOST_ADDRESSES = 32
_MOST_TEXT = 300
_NO_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})


@frozen
class Question:
    """Who is asked what. `checking`: may it withhold what fails DNSSEC validation (CD=0)?"""

    resolver: str
    name: str
    type: RecordType = "A"
    edns: bool = True
    checking: bool = True

    def message(self) -> dns.message.QueryMessage:
        asked = dns.name.from_text(self.name)
        flags = dns.flags.RD | (0 if self.checking else dns.flags.CD)
        edns = {"use_edns": 0, "payload": _PAYLOAD} if self.edns else {"use_edns": -1}
        return dns.message.make_query(asked, self.type, flags=flags, **edns)  # type: ignore[arg-type]


def unaskable(name: str) -> str:
    """Why no query can carry the name (a label over 63 bytes, an empty one), or nothing."""
    try:
        dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


async def ask(question: Question, until: float) -> Reply:
    """The reply, at the latest at `until`, an instant of the loop's clock. The name is askable."""
    started = time.perf_counter()
    reply = await _ask(question, until)
    if question.edns and reply.outcome == "misbehaving" and reply.rcode in _names(_NO_EDNS):
        reply = await _ask(replace(question, edns=False), until)
    return replace(reply, ms=(time.perf_counter() - started) * 1000)


async def _ask(question: Question, until: float) -> Reply:
    query = question.message()
    blank = Reply(resolver=question.resolver, name=question.name, type=question.type)
    try:
        answer = await _over_udp(question.resolver, query, until)
    except (OSError, ValueError) as error:
        return _silent(blank, error)
    if not answer.message.flags & dns.flags.TC:
        return _read(blank, answer)
    try:
        answer = await _over_tcp(question.resolver, query, until)
    except (OSError, ValueError, EOFError) as error:
        return replace(
            _silent(blank, error), outcome="tcp-blocked", truncated=True, transport="tcp"
        )
    return replace(_read(blank, answer), truncated=True, transport="tcp")


@frozen
class _Answer:
    message: dns.message.Message
    size: int


async def _over_udp(resolver: str, query: dns.message.Message, until: float) -> _Answer:
    loop = asyncio.get_running_loop()
    family, address = _place(resolver, socket.SOCK_DGRAM)
    strange: list[int] = []
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.connect(address)
        for _ in range(_TRIES):
            await loop.sock_sendall(line, query.to_wire())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(until, loop.time() + _TRY)):
                    return await _matching(line, query, strange)
    if strange:
        raise ValueError(f"{len(strange)} datagrams came, none of them an answer to the question")
    raise TimeoutError


async def _matching(line: socket.socket, query: dns.message.Message, strange: list[int]) -> _Answer:
    """The first datagram that answers the question: same id, same question. Anything else is
    somebody else's."""
    loop = asyncio.get_running_loop()
    while len(strange) < _MOST_STRANGE:
        wire = await loop.sock_recv(line, 65535)
        message = _parse(wire)
        if message is not None and query.is_response(message):
            return _Answer(message, len(wire))
        strange.append(len(wire))
    raise TimeoutError


async def _over_tcp(resolver: str, query: dns.message.Message, until: float) -> _Answer:
    loop = asyncio.get_running_loop()
    family, address = _place(resolver, socket.SOCK_STREAM)
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.setblocking(False)
        async with asyncio.timeout_at(min(until, loop.time() + _TRY)):
            await loop.sock_connect(line, address)
            wire = query.to_wire()
            await loop.sock_sendall(line, len(wire).to_bytes(2, "big") + wire)
            size = int.from_bytes(await _exactly(line, 2), "big")
            wire = await _exactly(line, size)
    message = _parse(wire)
    if message is None or not query.is_response(message):
        raise ValueError("the TCP answer is not an answer to the question")
    return _Answer(message, len(wire))


async def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(line, size - len(data))
        if not piece:
            raise EOFError(f"closed after {len(data)} of {size} bytes")
        data += piece
    return data


def _place(resolver: str, kind: socket.SocketKind) -> tuple[int, tuple[object, ...]]:
    """Family and socket address of a literal, its zone included. Numeric: nothing is looked up."""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    family, _, _, _, address = socket.getaddrinfo(resolver, PORT, type=kind, flags=flags)[0]
    return family, address


def _parse(wire: bytes) -> dns.message.Message | None:
    """Whatever a stranger sent, or None. An option that cannot be read (an error text that is not
    UTF-8) does not cost the rest."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True, continue_on_error=True)
    except Exception:
        return None


def _silent(blank: Reply, error: Exception) -> Reply:
    outcome: Outcome = "unreachable"
    if isinstance(error, TimeoutError):
        outcome = "timeout"
    elif isinstance(error, ConnectionRefusedError):
        outcome = "port-closed"
    elif not isinstance(error, OSError):
        outcome = "malformed"
    return replace(blank, outcome=outcome, error=getattr(error, "strerror", None) or str(error))


def _read(blank: Reply, answer: _Answer) -> Reply:
    message = answer.message
    chain, addresses, ttl = _follow(message, blank.type)
    read = replace(
        blank,
        rcode=dns.rcode.to_text(message.rcode()),
        chain=chain,
        addresses=addresses,
        ttl=ttl,
        ede=tuple(
            ExtendedError(int(e.code), (e.text or "")[:_MOST_TEXT])
            for e in message.extended_errors()[:8]
        ),
        recursion=bool(message.flags & dns.flags.RA),
        size=answer.size,
    )
    return replace(read, outcome=_outcome(read, message))


def _outcome(read: Reply, message: dns.message.Message) -> Outcome:
    if read.chain and _loops(read.chain):
        return "cname-loop"
    match message.rcode():
        case dns.rcode.NOERROR if read.addresses:
            return "addresses"
        case dns.rcode.NOERROR if message.errors:
            return "malformed"
        case dns.rcode.NOERROR if not message.answer and not (
            message.flags & (dns.flags.RA | dns.flags.AA)
        ):
            return "lame"
        case dns.rcode.NOERROR:
            return "no-data"
        case dns.rcode.NXDOMAIN:
            return "dangling" if read.chain else "nxdomain"
        case dns.rcode.SERVFAIL:
            return "servfail"
        case dns.rcode.REFUSED:
            return "refused"
    return "misbehaving"


def _loops(chain: tuple[str, ...]) -> bool:
    return chain[-1] in chain[:-1] or len(chain) > _MOST_ALIASES


def _follow(
    message: dns.message.Message, rdtype: str
) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """The CNAME chain from the question's name with that name in front (empty: no alias), the
    addresses at its end, the smallest TTL. Records of other names are passed over: nobody asked for
    them."""
    name = message.question[0].name if message.question else dns.name.root
    aliases = {s.name: s for s in message.answer if s.rdtype == dns.rdatatype.CNAME}
    chain, times = [name], []
    while (alias := aliases.get(name)) and len(chain) <= _MOST_ALIASES:
        name = alias[0].target
        times.append(alias.ttl)
        looped = name in chain
        chain.append(name)
        if looped:
            break
    wanted = dns.rdatatype.from_text(rdtype)
    sets = [s for s in message.answer if s.name == name and s.rdtype == wanted]
    addresses = [r.address for s in sets for r in s if wanted != dns.rdatatype.CNAME]
    times += [s.ttl for s in sets]
    shown = tuple(n.to_text(omit_final_dot=True).lower() for n in chain) if len(chain) > 1 else ()
    return shown, tuple(dict.fromkeys(addresses))[:_MOST_ADDRESSES], min(times, default=None)


def _names(codes: frozenset[dns.rcode.Rcode]) -> frozenset[str]:
    return frozenset(dns.rcode.to_text(code) for code in codes)
