"""Do certificates that a stranger made cost a known amount, and stay harmless?

The port is spoken to before anything is trusted: whatever it shows is foreign, names, addresses and
the number of certificates included. And what it says may be no TLS at all.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from tests.certificates import DAY, NOW, Issued, authority, leaf
from tests.command import doctor
from tests.lab.bounds import HASTE, Said, alive, bounded, said, told
from tests.lab.misbehaving import in_order
from tests.lab.origin import Request, answer, origin
from tests.lab.thread import running

TIMEOUT = 3.0
EVIL = "A\x1b]0;x\x07\x1b[2J\u202e\x9b31m<b>[red]Z"
ROOT = authority()


@contextmanager
def shown(
    folder: Path, issued: Issued, chain: Sequence[x509.Certificate] | None = None, date: str = ""
) -> Iterator[str]:
    """A registry in order that shows this chain; `HOST:PORT`. `date` is what its clock says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued.write(folder, "shown", chain))

    def script(request: Request) -> bytes:
        if date:
            return answer(200, {}, ("Date", date), head=request.method == "HEAD")
        return in_order(request)

    with running(lambda: origin(script, tls=context)) as server:
        yield server.hop.name


def diagnosed(folder: Path, host: str) -> Said:
    """The report, and that what a terminal gets is harmless."""
    (folder / "ca.pem").write_text(ROOT.pem)
    asked = (
        "check",
        "--timeout",
        str(TIMEOUT),
        "--ca",
        str(folder / "ca.pem"),
        f"{host}/lab/app:1.0",
    )
    text = doctor(*asked, "--verbose", home=folder)
    bounded(text, TIMEOUT)
    assert alive(text.text) == set()
    return said(doctor(*asked, "--json", home=folder), TIMEOUT)


def test_a_chain_in_order_passes(tmp_path: Path) -> None:
    with shown(tmp_path, leaf(authority("Middle", ROOT), "127.0.0.1")) as host:
        assert diagnosed(tmp_path, host).exit == 0


def expired(name: str | None = None) -> Issued:
    dates = (NOW - 99 * DAY, NOW - 9 * DAY)
    return leaf(ROOT, "127.0.0.1", common_name=name, not_before=dates[0], not_after=dates[1])


def _named(kind: str) -> tuple[Issued, str]:
    """A certificate with names of that kind, and the cause that shows them."""
    match kind:
        case "root":
            root = authority(EVIL, organisation=EVIL)
            return leaf(authority("Middle", root), "127.0.0.1"), "tls.unknown-ca"
        case "self-signed":
            return leaf(None, "127.0.0.1", common_name=EVIL), "tls.self-signed"
        case "expired":
            return expired(EVIL), "tls.expired"
    return leaf(ROOT, common_name=EVIL, alternative_names=False), "tls.hostname-mismatch"


@pytest.mark.parametrize("kind", ["root", "self-signed", "expired", "host"])
def test_names_in_certificates_are_shown_as_what_they_are(tmp_path: Path, kind: str) -> None:
    issued, cause = _named(kind)
    with shown(tmp_path, issued) as host:
        found = diagnosed(tmp_path, host)
    assert found.causes == (cause,)
    assert "<ESC>[2J<U+202E>" in found.codes[cause]["detail"]


def test_names_without_number_are_not_all_told(tmp_path: Path) -> None:
    names = [f"host-{n}.example" for n in range(5000)]
    with shown(tmp_path, leaf(ROOT, *names)) as host:
        found = diagnosed(tmp_path, host)
    assert found.causes == ("tls.hostname-mismatch",)
    assert "and 4995 more" in found.codes["tls.hostname-mismatch"]["detail"]
    with shown(tmp_path, leaf(ROOT, *names, "127.0.0.1")) as host:
        assert diagnosed(tmp_path, host).exit == 0


ADDRESSES = (
    *("http://a..b/", f"http://{'a' * 70}.example/", "http://[::1/", "http://127.0.0.1:99999/"),
    *("javascript:x", "file:///etc/passwd", "ldap://127.0.0.1/", "//x", "http:", "http://\x1b[2J/"),
    *("http://127.0.0.1:1/\x1b[2J", "http://127.0.0.1:1/ x", "http://127.0.0.1:1/" + "a" * 9000),
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda a: ascii(a)[1:30])
def test_an_address_for_the_issuer_may_be_anything(tmp_path: Path, address: str) -> None:
    issued = leaf(authority("Middle", ROOT), "127.0.0.1", aia=address)
    with shown(tmp_path, issued, [issued.certificate]) as host:
        found = diagnosed(tmp_path, host)
    assert set(found.causes) == {"tls.unknown-ca", "tls.incomplete-chain"}, found


@pytest.mark.parametrize("kind", ["strangers", "repeated", "in a circle", "a maze"])
def test_a_chain_without_end(tmp_path: Path, kind: str) -> None:
    issued, chain = _endless(kind)
    with shown(tmp_path, issued, chain) as host:
        found = diagnosed(tmp_path, host)
    assert "tls.unknown-ca" in found.causes, found


def _endless(kind: str) -> tuple[Issued, list[x509.Certificate]]:
    if kind == "in a circle":
        first, second = authority("First"), authority("Second")
        one = authority("First", second, key=first.key)
        other = authority("Second", first, key=second.key)
        issued = leaf(one, "127.0.0.1")
        return issued, [issued.certificate, one.certificate, other.certificate]
    issued = leaf(authority("Middle", authority("Nobody's root")), "127.0.0.1")
    if kind == "strangers":
        return issued, [issued.certificate, *(authority(f"X{n}").certificate for n in range(60))]
    if kind == "repeated":
        return issued, [issued.certificate] * 150
    upper, found = authority("Level 8"), []
    for level in range(8):  # six certificates at each level: 6^8 ways up, and none to a root
        made = [authority(f"Level {7 - level}", upper, key=upper.key) for _ in range(6)]
        found += [each.certificate for each in made]
        upper = made[0]
    issued = leaf(upper, "127.0.0.1")
    return issued, [issued.certificate, *found]


DATES = (
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999",
    "Fri, 31 Dec 9999 23:59:59 -2300",
    "Mon, 01 Jan 2026 00:00:00 GMT\x1b[2J",
)


@pytest.mark.parametrize("date", DATES)
def test_the_clock_of_whoever_shows_an_expired_one_may_say_anything(
    tmp_path: Path, date: str
) -> None:
    with shown(tmp_path, expired(), date=date) as host:
        assert diagnosed(tmp_path, host).causes == ("tls.expired",)


# What is no TLS


@asynccontextmanager
async def greeting(first: bytes, more: bytes = b"") -> AsyncIterator[int]:
    """A port that speaks first, and goes on as long as anybody listens where there is more."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        try:
            while more and not writer.transport.is_closing():
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)
            await reader.read()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


RECORD = b"\x16\x03\x03\x40\0" + b"\0" * 16384
GREETINGS = {
    "SSH": (b"SSH-2.0-" + EVIL.encode() + b"\r\n", b"", "tls.not-tls"),
    "mail": (b"220 " + EVIL.encode() + b" ESMTP\r\n", b"", "tls.not-tls"),
    "MySQL": (b"\x4a\0\0\0\x0a5.7\x1b[2J\0", b"", "tls.not-tls"),
    "zeros without end": (b"", b"\0" * 65536, "tls.not-tls"),
    "words without end": (b"", b"SSH-2.0-" * 8192, "tls.not-tls"),
    "an escape": (b"\x1b", b"", "tls.not-tls"),
    "a record that is none": (b"\x16\x03\x03\x40\0" + b"\2" * 16384, b"", "tls.handshake-refused"),
    "records without end": (b"", RECORD * 4, "tls.handshake-refused"),
    "an alert": (b"\x15\x03\x01\0\2\2\x28", b"", "tls.handshake-refused"),
    "silence": (b"", b"", HASTE),
}  # fmt: skip


@pytest.mark.parametrize("kind", GREETINGS)
def test_a_port_that_speaks_something_else(tmp_path: Path, kind: str) -> None:
    first, more, cause = GREETINGS[kind]
    with running(lambda: greeting(first, more)) as port:
        found = diagnosed(tmp_path, f"127.0.0.1:{port}")
    assert (found.causes, found.exit) == told(cause), found
