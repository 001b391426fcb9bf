"""Do a name server's answers, of which every byte is foreign, cost a known amount and stay
harmless?"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest

from tests.lab.bounds import SLACK, alive
from tests.lab.way import HOST, IMAGE
from tests.lab.world import RESOLVER, Run, World

pytestmark = pytest.mark.lab

TIMEOUT = 4.0
EVIL = b"A\x1b[2J\t\xe2\x80\xae\xc2\x9b1m\0\x07"
A, CNAME, OPT, AAAA = 1, 5, 41, 28
Answers = Callable[[bytes, bytes, int], bytes]
"""The query's id, its question, its type -> an answer."""


@contextlib.asynccontextmanager
async def server(answers: Answers) -> AsyncIterator[None]:
    """Over UDP alone; TCP takes a connection and says nothing."""

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            end = data.index(b"\0", 12) + 5
            kind = struct.unpack(">H", data[end - 4 : end - 2])[0]
            if reply := answers(data[:2], data[12:end], kind):
                self.transport.sendto(reply, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=(RESOLVER, 53))
    try:
        yield
    finally:
        transport.close()


def message(
    ident: bytes, question: bytes, *records: bytes, rcode: int = 0, more: bytes = b""
) -> bytes:
    additional = 1 if more else 0
    head = struct.pack(">HHHHH", 0x8180 | rcode, 1, len(records), 0, additional)
    return ident + head + question + b"".join(records) + more


def record(kind: int, data: bytes, owner: bytes = b"\xc0\x0c") -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def extended(code: int, text: bytes) -> bytes:
    """An EDNS record with an extended error (RFC 8914)."""
    option = struct.pack(">HHH", 15, 2 + len(text), code) + text
    return b"\0" + struct.pack(">HHIH", OPT, 1232, 0, len(option)) + option


def label(text: bytes) -> bytes:
    return bytes((len(text),)) + text


ALIAS = label(EVIL) + label(b"example") + b"\0"
LONG = b"".join(label(b"\x1b" * 63) for _ in range(3)) + label(b"\x1b" * 60) + b"\0"


def says(*records: bytes, rcode: int = 0, more: bytes = b"") -> Answers:
    return lambda ident, question, kind: message(ident, question, *records, rcode=rcode, more=more)


def refusing(ident: bytes, question: bytes, kind: int) -> bytes:
    """The address of a machine that refuses."""
    found = [record(A, bytes((192, 88, 99, 20)))] if kind == A else []
    return message(ident, question, *found)


def circle(ident: bytes, question: bytes, kind: int) -> bytes:
    """A record whose owner's name is a pointer to itself."""
    here = b"\xc0" + bytes((12 + len(question),))
    return message(ident, question, record(CNAME, b"\xc0\x0c", here))


MANY = [record(A, bytes((192, 88, 99, 20)))] * 4000
KINDS: dict[str, tuple[Answers, str]] = {
    "an address": (refusing, "tcp.refused"),
    "an extended error": (says(rcode=3, more=extended(15, EVIL)), "dns.sinkholed"),
    "an extended error of 60 kB": (says(rcode=2, more=extended(0, EVIL * 4000)), "dns.servfail"),
    "a failure with a word": (says(rcode=2, more=extended(6, EVIL)), "dns.servfail"),
    "a refusal": (says(rcode=5, more=extended(18, EVIL)), "dns.refused"),
    "an alias to noise": (says(record(CNAME, ALIAS), rcode=3), "dns.no-address"),
    "an alias as long as can be": (says(record(CNAME, LONG), rcode=3), "dns.no-address"),
    "an alias to itself": (says(record(CNAME, b"\xc0\x0c")), "dns.cname-loop"),
    "a pointer to itself": (circle, "dns.timeout"),
    "records that are cut off": (
        lambda *q: message(*q[:2], record(A, b"\1\2\3\4"))[:-7],
        "dns.timeout",
    ),
    "an address of no length": (says(record(A, b"")), "dns.timeout"),
    "4,000 addresses": (says(*MANY), "tcp.refused"),
    "another question": (
        lambda i, q, k: message(i, label(b"other") + b"\0" + q[-4:]),
        "dns.timeout",
    ),
    "another id": (lambda i, q, k: message(b"\0\0", q), "dns.timeout"),
    "noise": (lambda i, q, k: i + EVIL * 9, "dns.timeout"),
    "its own question": (lambda i, q, k: i + b"\1\0\0\1" + b"\0" * 6 + q, "dns.timeout"),
    "nothing": (lambda i, q, k: b"", "dns.timeout"),
}


PATIENT = frozenset({"another question", "another id", "noise", "nothing", "4,000 addresses"})
LONG_ENOUGH = 7.0
"""Seconds, of which silence gets a third: then it proves something. A busy machine reads 4,000
addresses for longer than four seconds."""


def diagnosed(lab: World, seconds: float) -> Run:
    asked = ("check", "--timeout", str(seconds))
    text = lab.doctor(*asked, "--verbose", IMAGE)
    assert alive(text.stdout + text.stderr) == set(), text
    run = lab.check(*asked[1:], IMAGE)
    assert (run.exit, run.stderr) == (text.exit, ""), run
    assert run.seconds < seconds + 1 + SLACK, run
    assert not {f["code"] for f in run.findings if f["code"].startswith("doctor.")}, run
    return run


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer(lab: World, kind: str) -> None:
    answers, cause = KINDS[kind]
    lab.far.serve(lambda: server(answers))
    run = diagnosed(lab, LONG_ENOUGH if kind in PATIENT else TIMEOUT)
    assert (run.root_causes, run.exit) == ([cause], 1), run


def test_words_of_a_server_are_shown_as_what_they_are(lab: World) -> None:
    lab.far.serve(lambda: server(KINDS["an extended error"][0]))
    said = lab.doctor("check", "--verbose", IMAGE).stdout
    assert "<ESC>[2J<TAB><U+202E>" in said
    assert HOST in said
