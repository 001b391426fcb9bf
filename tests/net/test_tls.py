"""The handshake against real servers on loopback, one fault each, with the server's own record of
what reached it.
"""

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from OpenSSL import SSL

from doctor.facts.http import Answer
from doctor.facts.tls import TlsFact
from doctor.facts.trust import Insecure, KeyPair, TrustFact, TrustStore
from doctor.model import Hop
from doctor.net import Net, peek, tcp
from doctor.net.http import fetch
from doctor.net.lines import Stream
from doctor.net.tls import handshake
from doctor.pki import errors
from doctor.redact import Secret
from tests.certificates import DAY, NOW, Issued, authority, bundle, leaf, rsa_key

NAME = "reg.test"
ANSWER = b"HTTP/1.1 401 Unauthorized\r\nDocker-Distribution-Api-Version: registry/2.0\r\n"
ROOT = authority()
MIDDLE = authority("Test Intermediate", ROOT)
LEAF = leaf(MIDDLE, NAME, "localhost", "127.0.0.1")


def running(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """The test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@dataclass
class Server:
    """What listens, and what it saw."""

    port: int
    connections: int = 0
    said: list[bytes] = field(default_factory=list)
    """The first application bytes of each connection that said something."""


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes | None]]


@contextlib.asynccontextmanager
async def serve(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(0)
    tasks: set[asyncio.Task[object]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                said = await handler(reader, writer)
                if said:
                    server.said.append(said)
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    listening = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serve_openly(tls: ssl.SSLContext) -> AsyncIterator[Server]:
    """A server of blocking sockets: asyncio's own drops the connection where TLS wants an alert
    sent.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(listening.getsockname()[1])

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            with tls.wrap_socket(connection, server_side=True) as secured:
                said = secured.recv(4096)
                server.said.append(said)
                secured.sendall(ANSWER + date() + b"Content-Length: 0\r\n\r\n")
                secured.unwrap()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                server.connections += 1
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        await asyncio.to_thread(accepting.join)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A registry that wants a login, with a clock that is right."""
    said = await reader.read(4096)
    writer.write(ANSWER + date() + b"Content-Length: 0\r\n\r\n")
    await writer.drain()
    return said


def date(off: timedelta = timedelta()) -> bytes:
    said = (datetime.now(UTC) + off).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return f"Date: {said}\r\n".encode()


def says(data: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read(4096)
        writer.write(data)
        await writer.drain()
        return said

    return handler


def alert(number: int) -> Handler:
    return says(bytes([0x15, 3, 3, 0, 2, 2, number]))


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def context(
    tmp_path: Path,
    issued: Issued = LEAF,
    chain: tuple[x509.Certificate, ...] | None = None,
    *,
    newest: ssl.TLSVersion | None = None,
    oldest: ssl.TLSVersion | None = None,
    ciphers: str | None = None,
    client_ca: Issued | None = None,
    optional: bool = False,
) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers:
        made.set_ciphers(ciphers)
    made.load_cert_chain(*issued.write(tmp_path, f"server-{time.monotonic_ns()}", chain))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if oldest is not None:
            made.minimum_version = oldest
        if newest is not None:
            made.maximum_version = newest
    if client_ca is not None:
        made.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=client_ca.pem)
    return made


def trusting(tmp_path: Path, *roots: Issued, pair: KeyPair | None = None) -> TrustFact:
    file = tmp_path / f"trusted-{time.monotonic_ns()}.pem"
    file.write_text(bundle(*(root.certificate for root in roots)))
    return TrustFact(stores=(TrustStore("system", str(file)),), client_pair=pair)


def net_to(hop: Hop, seconds: float) -> Net:
    net = Net(deadline=time.monotonic() + seconds)

    net.lines.dial_with(hop, lambda: tcp.dial("127.0.0.1", hop))
    return net


async def look(
    server: Server,
    trust: TrustFact,
    host: str = NAME,
    *,
    seconds: float = 20.0,
    fetch_issuers: bool = True,
    then: Callable[[Net, Hop], Awaitable[None]] | None = None,
) -> TlsFact:
    hop = Hop("registry", host, server.port)
    net = net_to(hop, seconds)
    net.fetch_issuers = fetch_issuers
    try:
        fact = await handshake(hop, trust, net)
        assert net.lines.may_speak(hop) is fact.ok
        if then is not None:
            await then(net, hop)
    finally:
        await net.close()
    return fact


def numbers(fact: TlsFact) -> set[tuple[int, int]]:
    assert fact.verdict is not None
    return {(error.number, error.depth) for error in fact.verdict.errors}


@running
async def test_a_verified_connection_is_left_ready_and_is_the_only_one(tmp_path: Path) -> None:
    async def speak(net: Net, hop: Hop) -> None:
        first = await net.lines.ready(hop)
        second = await net.lines.ready(hop)
        for stream in (first, second):
            await stream.write(b"GET /v2/ HTTP/1.1\r\nHost: reg.test\r\n\r\n")
            assert (await stream.read()).startswith(b"HTTP/1.1 401")

    async with serve(answer, context(tmp_path)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
        assert server.connections == 1
        assert fact.ok
        assert (fact.version, fact.name, fact.peer) == (
            "TLSv1.3",
            NAME,
            f"127.0.0.1:{server.port}",
        )
        assert [cert.subject for cert in fact.chain] == ["CN=reg.test", "CN=Test Intermediate"]
        assert fact.public is None
        assert all(verdict.ok for verdict in fact.verdicts)
        await look(server, trusting(tmp_path, ROOT), then=speak)
        assert server.connections == 3


@running
async def test_nothing_is_said_on_a_connection_that_is_not_trusted(tmp_path: Path) -> None:
    async with serve(answer, context(tmp_path)) as server:
        fact = await look(server, trusting(tmp_path, authority("Another")))
    assert not fact.ok
    assert numbers(fact) == {(20, 1)}
    assert [verdict.store for verdict in fact.verdicts] == ["system", "system", "certifi"]
    assert server.said == []


@running
async def test_a_second_connection_with_another_certificate_is_refused(tmp_path: Path) -> None:
    tls = context(tmp_path)
    other = context(tmp_path, leaf(authority("Stranger"), NAME))
    strangers = False

    def choose(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if strangers:
            sock.context = other

    tls.sni_callback = choose

    async def speak(net: Net, hop: Hop) -> None:
        nonlocal strangers
        strangers = True
        await net.lines.ready(hop)
        with pytest.raises(OSError, match="does not verify"):
            await net.lines.ready(hop)

    async with serve(answer, tls) as server:
        assert (await look(server, trusting(tmp_path, ROOT), then=speak)).ok
    assert server.said == []


@running
async def test_an_address_is_asked_for_without_a_name(tmp_path: Path) -> None:
    names: list[str | None] = []
    tls = context(tmp_path)
    tls.sni_callback = lambda sock, name, ctx: names.append(name)
    async with serve(answer, tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT), "127.0.0.1")
        assert fact.ok
        assert (await look(server, trusting(tmp_path, ROOT), "localhost")).ok
    assert names == [None, "localhost"]


@running
async def test_a_wrong_name_is_compared_with_what_comes_without_it(tmp_path: Path) -> None:
    async with serve(answer, context(tmp_path)) as server:
        fact = await look(server, trusting(tmp_path, ROOT), "other.test")
    assert numbers(fact) == {(errors.HOST, 0)}
    assert {made.variant: made.leaf == fact.chain[0].sha256 for made in fact.attempts} == {
        "no name": True,
        "another name": True,
    }


@contextlib.asynccontextmanager
async def issuer_at(data: bytes, status: str = "200 OK") -> AsyncIterator[str]:
    head = f"HTTP/1.0 {status}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    async with serve(says(head + data)) as server:
        yield f"http://127.0.0.1:{server.port}/ca.der"


async def leaf_alone(tmp_path: Path, url: str, fetch_issuers: bool = True) -> TlsFact:
    issued = leaf(MIDDLE, NAME, aia=url)
    tls = context(tmp_path, issued, (issued.certificate,))
    async with serve(answer, tls) as server:
        return await look(server, trusting(tmp_path, ROOT), fetch_issuers=fetch_issuers)


@running
async def test_a_missing_intermediate_is_proven_by_fetching_it(tmp_path: Path) -> None:
    async with issuer_at(MIDDLE.certificate.public_bytes(Encoding.DER)) as url:
        fact = await leaf_alone(tmp_path, url)
    assert not fact.ok
    assert [cert.subject for cert in fact.missing] == ["CN=Test Intermediate"]
    assert fact.missing_from == "AIA"
    assert [fetch.outcome for fetch in fact.fetches] == ["fetched"]


@running
async def test_a_fetched_stranger_proves_nothing(tmp_path: Path) -> None:
    async with issuer_at(authority("Test Intermediate").pem.encode()) as url:
        fact = await leaf_alone(tmp_path, url)
    assert fact.missing == ()
    assert [fetch.outcome for fetch in fact.fetches] == ["fetched, but it is not the issuer"]


@pytest.mark.parametrize(
    ("data", "status", "outcome"),
    [
        (b"", "404 Not Found", "HTTP 404"),
        (b"", "302 Found", "HTTP 302"),
        (b"<html>", "200 OK", "no certificate there"),
        (b"x" * 70_000, "200 OK", "more than 64 KiB"),
    ],
)
@running
async def test_what_is_no_issuer_is_named(
    tmp_path: Path, data: bytes, status: str, outcome: str
) -> None:
    async with issuer_at(data, status) as url:
        fact = await leaf_alone(tmp_path, url)
    assert [fetch.outcome for fetch in fact.fetches] == [outcome]
    assert fact.missing == ()


@running
async def test_an_issuer_may_come_in_chunks(tmp_path: Path) -> None:
    data = MIDDLE.certificate.public_bytes(Encoding.DER)
    parts = [data[:100], data[100:], b""]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serve(says(head + body)) as server:
        fact = await leaf_alone(tmp_path, f"http://127.0.0.1:{server.port}/ca.der?x=1")
    assert [fetch.outcome for fetch in fact.fetches] == ["fetched"]
    (said,) = server.said
    assert said.startswith(b"GET /ca.der?x=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in said


@running
async def test_why_nothing_is_fetched_is_said_in_the_systems_words(tmp_path: Path) -> None:
    async with serve(answer) as gone:
        url = f"http://127.0.0.1:{gone.port}/ca.der"
    fact = await leaf_alone(tmp_path, url)
    assert [fetch.outcome for fetch in fact.fetches] == ["Connection refused"]
    async with serve(says(b"220 smtp ready\r\n")) as other:
        fact = await leaf_alone(tmp_path, f"http://127.0.0.1:{other.port}/ca.der")
    assert [fetch.outcome for fetch in fact.fetches] == ["no HTTP answer"]


@running
async def test_nothing_is_fetched_when_that_is_turned_off(tmp_path: Path) -> None:
    async with serve(answer) as issuers:
        url = f"http://127.0.0.1:{issuers.port}/ca.der"
        fact = await leaf_alone(tmp_path, url, fetch_issuers=False)
    assert issuers.connections == 0
    assert [fetch.outcome for fetch in fact.fetches] == ["not fetched"]


@running
async def test_a_public_registry_does_not_lead_into_a_private_network() -> None:
    from doctor.net.issuers import fetch

    async with serve(answer) as inside:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            url = f"http://{host}:{inside.port}/ca.der"
            result, found = await fetch(url, Net(), inside=False)
            assert (result.outcome, found) == ("the address leads into a private network", ())
        result, _ = await fetch(f"https://127.0.0.1:{inside.port}/", Net(), inside=True)
        assert result.outcome == "only http:// addresses are fetched"
    assert inside.connections == 0


@running
async def test_when_only_dates_are_wrong_the_server_is_asked_for_the_time(tmp_path: Path) -> None:
    late = leaf(MIDDLE, NAME, not_before=NOW - 90 * DAY, not_after=NOW - 3 * DAY)

    async def behind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read(4096)
        writer.write(ANSWER + date(-30 * DAY) + b"\r\n")
        await writer.drain()
        return said

    async with serve(behind, context(tmp_path, late)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert numbers(fact) == {(errors.EXPIRED, 0)}
    assert not fact.ok
    clock = fact.clocks[0]
    assert clock.source == f"Date of {NAME}:{server.port}"
    assert round(clock.seconds_ahead / 86400) == -30
    assert fact.clocks[1].bound
    asked = server.said[0]
    assert asked.startswith(b"HEAD /v2/ HTTP/1.1\r\n")
    assert b"authorization" not in asked.lower()


@running
async def test_an_expired_certificate_of_an_unknown_ca_is_not_asked(tmp_path: Path) -> None:
    late = leaf(MIDDLE, NAME, not_before=NOW - 90 * DAY, not_after=NOW - 3 * DAY)
    async with serve(answer, context(tmp_path, late)) as server:
        fact = await look(server, trusting(tmp_path, authority("Another")))
    assert fact.clocks == ()
    assert server.said == []


@running
async def test_an_expired_certificate_for_another_name_is_not_asked(tmp_path: Path) -> None:
    late = leaf(MIDDLE, "other.test", not_before=NOW - 90 * DAY, not_after=NOW - 3 * DAY)
    async with serve(answer, context(tmp_path, late)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert numbers(fact) == {(errors.EXPIRED, 0), (errors.HOST, 0)}
    assert server.said == []


@pytest.mark.parametrize(("untold", "host", "allowed"), [
    (True, "localhost", True),
    (True, "127.0.0.1", True),
    (True, NAME, True),
    (False, "127.0.0.1", False),
    (False, NAME, False),
])  # fmt: skip
@running
async def test_plain_http_is_recognised_and_spoken_where_the_client_does_untold(
    tmp_path: Path, untold: bool, host: str, allowed: bool
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read(4096)
        good = said.startswith(b"GET ")
        body = b"Content-Length: 0\r\n\r\n"
        writer.write(ANSWER + body if good else b"HTTP/1.1 400 Bad Request\r\n" + body)
        await writer.drain()
        return said

    trust = trusting(tmp_path, ROOT)
    if untold:
        trust = replace(trust, insecure=(Insecure(host, allows="plain"),))
    async with serve(handler) as server:
        fact = await look(server, trust, host)
    assert (fact.outcome, fact.ok, fact.plain_allowed) == ("not-tls", allowed, allowed)
    assert fact.first.startswith("HTTP/1.1 400")
    assert fact.plain_http is not None
    assert fact.plain_http.status == 401
    assert fact.plain_http.is_registry
    asked = next(said for said in server.said if said.startswith(b"GET"))
    assert asked.startswith(b"GET /v2/ HTTP/1.1\r\n")
    assert b"authorization" not in asked.lower()


INSECURE = Insecure("reg.test", "/etc/docker/daemon.json:2")


@pytest.mark.parametrize(("setting", "host", "allowed", "sent"), [
    (INSECURE, NAME, True, False),
    (Insecure("127.0.0.0/8", network=True), NAME, True, False),
    (Insecure("10.0.0.0/8", network=True), NAME, False, False),
    (INSECURE, "127.0.0.1", True, True),
])  # fmt: skip
@running
async def test_an_insecure_registry_is_spoken_to_in_plain_http_without_a_secret(
    tmp_path: Path, setting: Insecure, host: str, allowed: bool, sent: bool
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read(4096)
        writer.write(ANSWER + b"Content-Length: 0\r\n\r\n")
        await writer.drain()
        return said

    async def speak(net: Net, hop: Hop) -> None:
        secret = Secret("Basic canary")
        answers.append((await fetch(hop, "GET", "/v2/", net)).answer)
        answers.append((await fetch(hop, "GET", "/v2/", net, authorization=secret)).answer)

    answers: list[Answer] = []
    trust = replace(trusting(tmp_path, ROOT), insecure=(setting,))
    async with serve(handler) as server:
        fact = await look(server, trust, host, then=speak)
    assert fact.plain_allowed is allowed
    assert (answers[0].status == 401) is allowed
    assert any(b"canary" in said for said in server.said) is sent


@running
async def test_an_insecure_registry_is_not_spoken_to_over_unverified_tls(tmp_path: Path) -> None:
    trust = replace(trusting(tmp_path, authority("Another")), insecure=(INSECURE,))
    async with serve(answer, context(tmp_path)) as server:
        fact = await look(server, trust)
    assert not fact.ok
    assert server.said == []


@pytest.mark.parametrize(
    ("to_words", "is_http"),
    [(ANSWER + b"Content-Length: 0\r\n\r\n", True), (b"<!DOCTYPE HTML>\r\n\r\n", False)],
    ids=["http", "a near miss"],
)
@running
async def test_plain_http_is_known_though_a_hello_is_answered_without_a_status_line(
    tmp_path: Path, to_words: bytes, is_http: bool
) -> None:
    """Python's http.server takes a hello for a request of HTTP/0.9 and answers it bare."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read(4096)
        writer.write(to_words if said.startswith(b"GET ") else b"<!DOCTYPE HTML>\n<html>\n")
        await writer.drain()
        return said

    untold = Insecure("127.0.0.1", allows="plain")
    async with serve(handler) as server:
        trust = replace(trusting(tmp_path, ROOT), insecure=(untold,))
        fact = await look(server, trust, "127.0.0.1")
    assert (fact.outcome, fact.ok) == ("not-tls", is_http)
    assert (fact.plain_http is not None) is is_http


@running
async def test_another_service_is_known_by_its_greeting(tmp_path: Path) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        await reader.read(4096)

    async with serve(ssh) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.first) == ("not-tls", "SSH-2.0-OpenSSH_9.2\r\n")
    assert fact.plain_http is None


async def relay(
    data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
) -> None:
    inward, outward = await asyncio.open_connection("127.0.0.1", port)
    outward.write(data)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await source.read(65536):
                target.write(part)
                await target.drain()
        target.close()

    await asyncio.gather(copy(inward, writer), copy(reader, outward))


def filtering(port: int, name: bytes = NAME.encode()) -> Handler:
    """A firewall that resets a ClientHello with the name in it, and lets others through to the
    server at `port`.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(65536)
        if name in hello:
            reset(writer)
        elif hello:
            await relay(hello, reader, writer, port)

    return handler


@running
async def test_a_filter_by_name_is_told_from_a_broken_server(tmp_path: Path) -> None:
    async with (
        serve(answer, context(tmp_path)) as behind,
        serve(filtering(behind.port)) as server,
    ):
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.received, fact.quiet_stays_open) == ("reset", 0, True)
    assert {made.variant for made in fact.attempts if made.outcome == "done"} == {
        "no name",
        "another name",
    }


@running
async def test_a_connection_reset_without_a_word_is_not_the_handshakes_fault(
    tmp_path: Path,
) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with serve(cut) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.outcome in {"reset", "closed"}
    assert fact.quiet_stays_open is False
    assert all(made.outcome != "done" for made in fact.attempts)


@running
@pytest.mark.parametrize(
    ("number", "open_"),
    [(errno.ECONNRESET, False), (errno.ENOTCONN, False), (errno.ECONNREFUSED, None)],
)
async def test_a_cut_while_connecting_is_a_cut(number: int, open_: bool | None) -> None:
    """A real server's reset comes then or a moment later, as the scheduler likes."""
    hop, net = Hop("registry", "127.0.0.1", 1), Net()

    async def dial() -> Stream:
        raise OSError(number, "as the system says")

    net.lines.dial_with(hop, dial)
    assert await peek.stays_open(hop, net) is open_


@running
async def test_an_end_after_the_hello_is_a_closed_handshake(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)

    async with serve(hang_up) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.quiet_stays_open) == ("closed", True)


@running
async def test_a_large_hello_that_is_not_taken_is_told_apart(tmp_path: Path) -> None:
    async with serve(answer, context(tmp_path)) as behind:

        async def narrow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            hello = await reader.read(65536)
            if len(hello) > 1000:
                reset(writer)
            elif hello:
                await relay(hello, reader, writer, behind.port)

        async with serve(narrow) as server:
            fact = await look(server, trusting(tmp_path, ROOT))
    done = {made.variant for made in fact.attempts if made.outcome == "done"}
    assert fact.outcome == "reset"
    assert "small hello" in done
    assert not done & {"no name", "another name"}


@pytest.mark.parametrize("any_hello", [False, True])
@running
async def test_a_tls_port_that_says_so_in_plain_http_speaks_tls(
    tmp_path: Path, any_hello: bool
) -> None:
    """As nginx does; what cuts the handshake lets that through."""
    page = b"<title>400 The plain HTTP request was sent to HTTPS port</title>"
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(page)}\r\n\r\n".encode()
    async with serve(answer, context(tmp_path)) as behind:

        async def box(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(65536)
            if first.startswith(b"GET "):
                writer.write(head + page)
                await writer.drain()
            elif any_hello or len(first) > 1000:
                reset(writer)
            elif first:
                await relay(first, reader, writer, behind.port)

        async with serve(box) as server:
            fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.plain_http) == ("reset", None)
    assert any(made.variant == "small hello" for made in fact.attempts)


@running
async def test_silence_is_waited_for_within_the_runs_deadline(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        await asyncio.sleep(60)

    async with serve(silent) as server:
        start = time.monotonic()
        fact = await look(server, trusting(tmp_path, ROOT), seconds=1.0)
        took = time.monotonic() - start
    assert (fact.outcome, fact.received, fact.hurried) == ("timeout", 0, True)
    assert 0 < fact.waited < took < 20
    assert len(fact.attempts) <= 6
    assert server.connections <= 1 + 6 + 2


@running
async def test_silence_to_a_client_certificate_is_silence(tmp_path: Path) -> None:
    """It says no word of what it thinks of the certificate."""
    ca, shaken = authority("Clients"), 0
    pair = KeyPair(*map(str, leaf(ca, "client").write(tmp_path, "client")))
    inner = context(tmp_path, client_ca=ca, optional=True)
    async with serve(answer, inner) as behind:

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal shaken
            shaken += 1
            first = await reader.read(65536)
            if shaken == 1:
                await relay(first, reader, writer, behind.port)
            else:
                await asyncio.sleep(60)

        async with serve(once) as server:
            fact = await look(server, trusting(tmp_path, ROOT, pair=pair), seconds=2.0)
    assert (fact.outcome, fact.client_certificate_demanded) == ("timeout", False)
    assert (fact.hurried, fact.ok) == (True, False)


@pytest.mark.parametrize("number", [40, 49, 70, 71, 80, 112, 120])
@running
async def test_an_alert_is_known_by_its_number(tmp_path: Path, number: int) -> None:
    async with serve(alert(number)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.alert) == ("alert", number)
    assert not fact.client_certificate_demanded
    assert 0 < len(fact.attempts) <= 6


@running
async def test_a_server_of_old_protocols_is_found_out(tmp_path: Path) -> None:
    tls = context(
        tmp_path,
        oldest=ssl.TLSVersion.TLSv1,
        newest=ssl.TLSVersion.TLSv1_1,
        ciphers="ALL:@SECLEVEL=0",
    )
    async with serve_openly(tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.alert) == ("alert", 70)
    old = next(made for made in fact.attempts if made.variant == "old protocols")
    assert (old.outcome, old.version) == ("done", "TLSv1.1")


@running
async def test_a_server_without_a_common_suite_is_found_out(tmp_path: Path) -> None:
    issued = leaf(MIDDLE, NAME, key=rsa_key(2048))
    tls = context(tmp_path, issued, newest=ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA")
    async with serve_openly(tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert (fact.outcome, fact.alert) == ("alert", 40)
    free = next(made for made in fact.attempts if made.variant == "any cipher")
    assert (free.outcome, free.cipher) == ("done", "AES128-SHA")


CLIENT_CA = authority("Client CA")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@running
async def test_a_demanded_client_certificate_is_found_in_every_version(
    tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    tls = context(tmp_path, newest=newest, client_ca=CLIENT_CA)
    async with serve_openly(tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
        assert fact.client_certificate_requested
        assert fact.client_certificate_demanded
        assert not fact.ok
        assert fact.alert in {40, 116}


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@running
async def test_a_demand_without_an_alert_is_a_demand_too(
    tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    async with serve(answer, context(tmp_path, newest=newest, client_ca=CLIENT_CA)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.client_certificate_demanded
    assert (fact.alert, fact.ok) == (None, False)


@running
async def test_a_client_certificate_is_not_shown_to_a_stranger(tmp_path: Path) -> None:
    certificate, key = leaf(CLIENT_CA, "me", usages=()).write(tmp_path, "mine")
    trust = trusting(tmp_path, authority("Another"), pair=KeyPair(str(certificate), str(key)))
    async with serve_openly(context(tmp_path, client_ca=CLIENT_CA)) as server:
        fact = await look(server, trust)
    assert not fact.client_certificate_sent
    assert server.said == []


@running
async def test_a_client_certificate_that_is_only_asked_for_is_no_fault(tmp_path: Path) -> None:
    tls = context(tmp_path, client_ca=CLIENT_CA, optional=True)
    async with serve_openly(tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.ok
    assert fact.client_certificate_requested
    assert not fact.client_certificate_demanded


@running
async def test_a_page_may_demand_the_client_certificate(tmp_path: Path) -> None:
    page = b"<h1>400 Bad Request</h1>No required SSL certificate was sent"
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(page)}\r\n\r\n".encode()
    tls = context(tmp_path, client_ca=CLIENT_CA, optional=True)
    async with serve(says(head + page), tls) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.client_certificate_demanded
    assert fact.demand is not None
    assert fact.demand.status == 400


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("known", [True, False])
@running
async def test_a_configured_client_certificate_is_shown(
    tmp_path: Path, newest: ssl.TLSVersion, known: bool
) -> None:
    mine = leaf(CLIENT_CA if known else authority("Nobody"), "me", usages=())
    certificate, key = mine.write(tmp_path, "mine")
    trust = trusting(tmp_path, ROOT, pair=KeyPair(str(certificate), str(key)))
    tls = context(tmp_path, newest=newest, client_ca=CLIENT_CA)
    async with serve_openly(tls) as server:
        fact = await look(server, trust)
    assert fact.client_certificate_sent
    assert fact.ok is known
    assert (server.said != []) is known
    assert fact.client_certificate_demanded is not known


@running
async def test_a_stapled_response_is_read(tmp_path: Path) -> None:
    from doctor.pki.staple import read

    staple = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            LEAF.certificate,
            MIDDLE.certificate,
            hashes.SHA1(),
            ocsp.OCSPCertStatus.REVOKED,
            NOW,
            NOW + DAY,
            NOW - DAY,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.NAME, MIDDLE.certificate)
        .sign(MIDDLE.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    tls = pyopenssl(tmp_path)
    tls.set_ocsp_server_callback(lambda connection, data: staple)
    async with serve(driving(tls)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.ok
    assert fact.staple is not None
    assert (fact.staple.status, fact.staple.verified) == ("revoked", True)
    assert read(staple, leaf(MIDDLE, NAME).chain).status == "unusable"
    assert read(b"\x30\x00", LEAF.chain).status == "unusable"
    stranger = (LEAF.certificate, authority("Test Intermediate").certificate)
    assert not read(staple, stranger).verified


@running
async def test_the_cas_that_a_server_accepts_are_named(tmp_path: Path) -> None:
    tls = pyopenssl(tmp_path)
    tls.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    (tmp_path / "client-ca.pem").write_text(CLIENT_CA.pem)
    tls.load_client_ca(str(tmp_path / "client-ca.pem").encode())
    async with serve(driving(tls)) as server:
        fact = await look(server, trusting(tmp_path, ROOT))
    assert fact.client_certificate_demanded
    assert fact.client_cas == ("CN=Client CA",)


def pyopenssl(tmp_path: Path) -> SSL.Context:
    """A server's context of pyOpenSSL's: the standard library's neither staples nor names CAs."""
    certificate, key = LEAF.write(tmp_path, "pyopenssl")
    tls = SSL.Context(SSL.TLS_SERVER_METHOD)
    tls.use_certificate_chain_file(str(certificate))
    tls.use_privatekey_file(str(key))
    return tls


def driving(tls: SSL.Context) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = SSL.Connection(tls, None)
        connection.set_accept_state()
        while data := await reader.read(65536):
            connection.bio_write(data)
            with contextlib.suppress(SSL.Error):
                connection.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                writer.write(connection.bio_read(65536))

    return handler


@running
async def test_a_hop_in_plain_http_needs_no_handshake() -> None:
    hop = Hop("proxy", "proxy.test", 3128, "http")
    fact = await handshake(hop, TrustFact(), Net())
    assert fact.ok
    assert not fact.needed
