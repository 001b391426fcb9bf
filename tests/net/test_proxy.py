"""What does a proxy's answer come to: squid's own, and those of things that are no proxy?"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from doctor.checks import detour
from doctor.facts.proxy import (
    Candidate,
    DetourFact,
    ProxyScheme,
    ProxySetting,
    RouteFact,
    TunnelFact,
)
from doctor.facts.tcp import Attempt, TcpFact
from doctor.facts.trust import TrustFact, TrustStore
from doctor.model import Case, Facts, Hop, Target
from doctor.net import Net
from doctor.net.refusal import Head, page_follows, take
from doctor.redact import Secret
from tests.certificates import authority, leaf

HELPER = "/usr/lib/squid/basic_ncsa_auth"
SQUID = shutil.which("squid", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_squid = pytest.mark.skipif(
    not (SQUID and shutil.which("htpasswd") and Path(HELPER).exists()),
    reason="needs squid and htpasswd",
)
BASIC = "Basic " + base64.b64encode(b"user:correct horse").decode()
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve, host: str = "127.0.0.1") -> Iterator[int]:
    """A server whose every connection is handed to `serve`, in a thread of its own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                serve(self.request)

    with socketserver.ThreadingTCPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(100):
        connection.sendall(data)


def says(answer: bytes) -> Serve:
    """Reads what is asked, answers that, and hangs up."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return serve


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def setting(
    port: int, scheme: ProxyScheme = "http", *, host: str = "127.0.0.1", user: str | None = None
) -> ProxySetting:
    return ProxySetting(scheme=scheme, host=host, port=port, user=user, origin="HTTPS_PROXY")


@dataclass(frozen=True)
class Asked:
    fact: TunnelFact
    echoed: tuple[bytes, ...] = ()


def ask(
    host: str,
    port: int,
    through: ProxySetting,
    *,
    authorization: str | None = None,
    roots: Path | None = None,
    seconds: float = 20.0,
) -> Asked:
    """What the proxy makes of that host, and what two tunnels through it carry back."""
    hop = Hop("registry", host, port)

    async def go() -> Asked:
        net = Net(deadline=time.monotonic() + seconds)
        if authorization:
            net.proxy_authorization[through.hop] = Secret(authorization)
        try:
            await net.connect(through.hop, ("127.0.0.1",))
            if roots:
                stores = (TrustStore(label="system", path=str(roots)),)
                tls = await net.handshake(through.hop, TrustFact(stores=stores))
                assert tls.ok, tls
            fact = await net.tunnel(hop, RouteFact(proxy=through, reason="variable"))
            return Asked(fact, await echoes(net, hop) if fact.ok else ())
        finally:
            await net.close()

    return asyncio.run(go())


async def echoes(net: Net, hop: Hop) -> tuple[bytes, ...]:
    """Through the tunnel that was left, and through another one."""
    got = []
    for said in (b"first", b"second"):
        stream = await net.lines.raw(hop)
        await stream.write(said)
        got.append(await stream.read())
    return tuple(got)


# ── squid ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Squid:
    open: int
    login: int
    secure: int
    allowed: int
    """A port that CONNECT may go to, with an echo behind it."""
    closed: int
    """Another one, with nothing behind it."""
    root: Path


@pytest.fixture(scope="module")
def squid() -> Iterator[Squid]:
    with tempfile.TemporaryDirectory() as folder:  # squid reads as a user of its own
        Path(folder).chmod(0o755)
        yield from running_squid(Path(folder))


def running_squid(place: Path) -> Iterator[Squid]:
    ca = authority()
    (place / "root.pem").write_text(ca.pem)
    chain, key = leaf(ca, "proxy.test").write(place, "proxy")
    key.chmod(0o644)
    subprocess.run(
        ["htpasswd", "-cbm", str(place / "accounts"), "user", "correct horse"],
        check=True,
        capture_output=True,
    )
    (place / "hosts").write_text("127.0.0.1 registry.test denied.test\n")
    with listening(echo) as allowed:
        made = Squid(
            open=free_port(),
            login=free_port(),
            secure=free_port(),
            allowed=allowed,
            closed=free_port(),
            root=place / "root.pem",
        )
        (place / "squid.conf").write_text(
            f"""
            http_port 127.0.0.1:{made.open} name=open
            http_port 127.0.0.1:{made.login} name=login
            https_port 127.0.0.1:{made.secure} name=secure tls-cert={chain} tls-key={key}
            auth_param basic program {HELPER} {place}/accounts
            auth_param basic realm test
            acl login myportname login
            acl known proxy_auth REQUIRED
            acl SSL_ports port 443 {allowed} {made.closed}
            acl denied dstdomain denied.test
            http_access deny login !known
            http_access deny !SSL_ports
            http_access deny denied
            http_access allow all
            hosts_file {place}/hosts
            dns_nameservers 127.0.0.1
            dns_timeout 1 seconds
            dns_retransmit_interval 1 seconds
            cache deny all
            pid_filename none
            access_log none
            cache_log {place}/cache.log
            coredump_dir {place}
            shutdown_lifetime 0 seconds
            visible_hostname proxy.test
            mime_table /usr/share/squid/mime.conf
            """.replace("            ", "")
        )
        with started(place, made):
            yield made


@contextmanager
def started(place: Path, made: Squid) -> Iterator[None]:
    assert SQUID
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [SQUID, "-N", "-f", str(place / "squid.conf")], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", made.secure), 1).close()
                break
            time.sleep(0.02)
        assert process.poll() is None, (place / "log").read_text(errors="replace")
        yield
    finally:
        process.kill()
        process.wait()


@needs_squid
def test_a_tunnel_carries_what_is_said_and_another_can_be_had(squid: Squid) -> None:
    asked = ask("registry.test", squid.allowed, setting(squid.open))
    assert (asked.fact.outcome, asked.fact.status, asked.fact.ok) == ("tunnelled", 200, True)
    assert asked.echoed == (b"first", b"second")


@needs_squid
def test_a_name_that_resolves_only_at_the_proxy_is_no_fault(squid: Squid) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("registry.test", 443)
    assert ask("registry.test", squid.allowed, setting(squid.open)).fact.ok


@needs_squid
@pytest.mark.parametrize(("host", "port"), [("denied.test", 443), ("registry.test", 5000)])
def test_what_its_rules_forbid(squid: Squid, host: str, port: int) -> None:
    fact = ask(host, port, setting(squid.open)).fact
    assert (fact.outcome, fact.status, fact.ok) == ("denied", 403, False)
    assert fact.header("x-squid-error").startswith("ERR_ACCESS_DENIED")
    assert fact.title == "ERROR: The requested URL could not be retrieved"
    assert len(fact.body) <= 2048
    assert fact.signed


@needs_squid
@pytest.mark.parametrize("host", ["registry.test", "nowhere.test"])
def test_what_it_cannot_reach_itself(squid: Squid, host: str) -> None:
    fact = ask(host, squid.closed, setting(squid.open)).fact
    assert fact.outcome == "upstream-failed"
    assert fact.status in (500, 503)
    assert fact.header("x-squid-error").startswith("ERR_")


@needs_squid
def test_no_login_and_a_wrong_login_and_a_right_one(squid: Squid) -> None:
    through = setting(squid.login)
    none = ask("registry.test", squid.allowed, through).fact
    assert (none.outcome, none.status, none.schemes) == ("auth-required", 407, ("basic",))
    wrong = "Basic " + base64.b64encode(b"user:canary-wrong").decode()
    bad = ask("registry.test", squid.allowed, through, authorization=wrong).fact
    assert (bad.outcome, bad.sent_credentials) == ("auth-rejected", True)
    assert "canary-wrong" not in repr(bad)
    assert wrong.partition(" ")[2] not in repr(bad)
    good = ask("registry.test", squid.allowed, through, authorization=BASIC)
    assert good.fact.ok
    assert good.echoed == (b"first", b"second")


@needs_squid
def test_a_proxy_that_is_spoken_to_over_tls(squid: Squid) -> None:
    through = setting(squid.secure, "https", host="proxy.test")
    asked = ask("registry.test", squid.allowed, through, roots=squid.root)
    assert asked.fact.outcome == "tunnelled"
    assert asked.echoed == (b"first", b"second")


@needs_squid
def test_nothing_is_said_to_a_tls_proxy_that_was_not_verified(squid: Squid) -> None:
    through = setting(squid.secure, "https", host="proxy.test")
    fact = ask("registry.test", squid.allowed, through, authorization=BASIC).fact
    assert (fact.outcome, fact.sent_credentials) == ("unreachable", False)


@needs_squid
def test_the_tls_port_asked_in_the_clear(squid: Squid) -> None:
    fact = ask("registry.test", squid.allowed, setting(squid.secure)).fact
    assert (fact.outcome, fact.speaks) == ("not-a-proxy", "tls")


@needs_squid
def test_an_http_proxy_asked_for_socks(squid: Squid) -> None:
    fact = ask("registry.test", squid.allowed, setting(squid.open, "socks5"), seconds=2).fact
    assert (fact.outcome, fact.speaks) == ("not-a-proxy", "http")


# ── things that are no proxy, and odd ones ─────────────────────────────────────────────────────


def page(status: str, *headers: str, body: str = "") -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


NGINX = page(
    "405 Not Allowed",
    "Server: nginx/1.29.3",
    "Content-Type: text/html",
    body="<html><head><title>405 Not Allowed</title></head></html>",
)
HTTPS_PORT = page("400 Bad Request", body="Client sent an HTTP request to an HTTPS server.\n")
WELCOME = page("200 OK", "Content-Type: text/html", body="<title>Welcome to nginx!</title>")
BLOCKED = page(
    "200 OK", "Content-Type: text/html; charset=utf-8", body="<title>Access Denied</title>"
)
REDIRECT = page("302 Found", "Location: https://block.corp/why?user=jane&url=registry.test")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (NGINX, "not-a-proxy"),
        (HTTPS_PORT, "not-a-proxy"),
        (WELCOME, "not-a-proxy"),
        (BLOCKED, "denied"),
        (REDIRECT, "denied"),
        (page("404 Not Found"), "not-a-proxy"),
        (page("404 Not Found", "Server: Privoxy 3.0"), "upstream-failed"),
        (page("501 Not Implemented", "Server: SimpleHTTP/0.6"), "not-a-proxy"),
        (page("401 Unauthorized"), "not-a-proxy"),
        (page("403 Forbidden"), "denied"),
        (page("451 Unavailable For Legal Reasons"), "denied"),
        (page("500 Unable to connect", "Server: tinyproxy/1.11"), "upstream-failed"),
        (page("502 Bad Gateway"), "upstream-failed"),
        (page("504 Gateway Timeout"), "upstream-failed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not-a-proxy"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "not-a-proxy"),
        (b"HTTP/1.1 200\r\n\r\n", "tunnelled"),
        (b"HTTP/1.0 200 Connection established\n\n", "tunnelled"),
        (b"HTTP/1.1 twohundred\r\n\r\n", "not-a-proxy"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "not-a-proxy"),
        (b"HTTP/1.1 200 OK\r\nX: y", "tunnelled"),
    ],
)
def test_what_an_answer_means(answer: bytes, outcome: str) -> None:
    with listening(says(answer)) as port:
        fact = ask_once(port)
    assert fact.outcome == outcome


def ask_once(port: int, seconds: float = 20.0) -> TunnelFact:
    async def go() -> TunnelFact:
        net = Net(deadline=time.monotonic() + seconds)
        try:
            through = setting(port)
            await net.connect(through.hop, ("127.0.0.1",))
            hop = Hop("registry", "registry.test", 443)
            return await net.tunnel(hop, RouteFact(proxy=through, reason="variable"))
        finally:
            await net.close()

    return asyncio.run(go())


def test_a_block_page_address_keeps_no_values() -> None:
    with listening(says(REDIRECT)) as port:
        fact = ask_once(port)
    assert fact.header("location") == "https://block.corp/why?user=&url="


def test_a_page_that_shows_the_request_shows_no_credentials() -> None:
    def serve(connection: socket.socket) -> None:
        request = connection.recv(4096).decode()
        connection.sendall(page("403 Forbidden", "X-Error: " + request[-60:-4], body=request))

    with listening(serve) as port:
        asked = ask("registry.test", 443, setting(port, user="user"), authorization=BASIC)
    assert asked.fact.outcome == "denied"
    assert "CONNECT registry.test:443" in asked.fact.body
    assert BASIC.partition(" ")[2] not in repr(asked.fact)


def test_the_schemes_of_a_407() -> None:
    answer = page(
        "407 Proxy Authentication Required",
        "Proxy-Authenticate: Negotiate",
        'Proxy-Authenticate: NTLM, Digest realm="a, Basic b", qop="auth", nonce=x==',
    )
    with listening(says(answer)) as port:
        fact = ask_once(port)
    assert (fact.outcome, fact.schemes) == ("auth-required", ("negotiate", "ntlm", "digest"))


def test_bytes_that_came_with_the_answer_are_not_lost() -> None:
    with listening(says(b"HTTP/1.1 200 OK\r\n\r\nearly")) as port:

        async def go() -> bytes:
            net = Net()
            hop = Hop("registry", "registry.test", 443)
            through = setting(port)
            try:
                await net.connect(through.hop, ("127.0.0.1",))
                await net.tunnel(hop, RouteFact(proxy=through, reason="variable"))
                stream = await net.lines.raw(hop)
                return await stream.read(2) + await stream.read()
            finally:
                await net.close()

        assert asyncio.run(go()) == b"early"


def test_silence() -> None:
    release = threading.Event()

    def serve(connection: socket.socket) -> None:
        release.wait(20)

    with listening(serve) as port:
        fact = ask_once(port, seconds=0.9)
        release.set()
    assert (fact.outcome, fact.speaks, fact.waited > 0) == ("no-answer", "", True)


def test_closed_without_an_answer() -> None:
    with listening(lambda connection: None) as port:
        fact = ask_once(port)
    assert (fact.outcome, fact.speaks, fact.status) == ("closed", "", None)


def test_a_connection_that_had_gone_stale_is_replaced() -> None:
    served: list[int] = []

    def serve(connection: socket.socket) -> None:
        served.append(1)
        if len(served) > 1:
            says(b"HTTP/1.1 200 OK\r\n\r\n")(connection)

    with listening(serve) as port:
        assert ask_once(port).outcome == "tunnelled"


def test_a_direct_way_needs_no_tunnel() -> None:
    hop = Hop("registry", "registry.test", 443)
    fact = asyncio.run(Net().tunnel(hop, RouteFact()))
    assert (fact.ok, fact.needed) == (True, False)


def test_an_unusable_setting_gives_no_tunnel_and_no_direct_way() -> None:
    hop = Hop("registry", "registry.test", 443)
    fact = asyncio.run(Net().tunnel(hop, RouteFact(reason="unusable", variable="HTTPS_PROXY")))
    assert (fact.ok, fact.outcome) == (False, "no-setting")


@pytest.mark.parametrize("host", ["a\r\nX: y", "a b", "", "ä"])
def test_a_host_that_would_change_the_request_is_not_asked_for(host: str) -> None:
    with listening(echo) as port, pytest.raises(ValueError, match="cannot be written"):
        ask(host, 443, setting(port))


def test_an_ipv6_destination_stands_in_brackets() -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(page("403 Forbidden"))

    with listening(serve) as port:
        ask("2001:db8::1", 443, setting(port))
    assert asked[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")
    assert b"Proxy-Authorization" not in asked[0]


@pytest.mark.parametrize(
    ("headers", "follows"),
    [
        (b"", False),
        (b"Content-Type: text/html\r\nContent-Length: 0\r\n", False),
        (b"Content-Type: text/html\r\n", True),
        (b"Content-Length: 10\r\n", False),
    ],
)
def test_which_200_announces_a_page(headers: bytes, follows: bool) -> None:
    head = Head()
    take(head, b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n", b"")
    assert page_follows(head) is follows


# ── SOCKS ──────────────────────────────────────────────────────────────────────────────────────


def socks(reply: int = 0, login: tuple[bytes, bytes] | None = None, method: int = 0) -> Serve:
    """A SOCKS5 server that answers so, and then sends back what it gets."""

    def serve(connection: socket.socket) -> None:
        version, count = connection.recv(2)
        offered = connection.recv(count)
        wanted = 2 if login else method
        if version != 5 or wanted not in offered:
            connection.sendall(b"\x05\xff")
            return
        connection.sendall(bytes((5, wanted)))
        if login:
            given = connection.recv(512)
            user, password = given[2 : 2 + given[1]], given[3 + given[1] :]
            connection.sendall(b"\x01\x00" if (user, password) == login else b"\x01\x01")
            if (user, password) != login:
                return
        request = connection.recv(512)
        assert request[:4] == b"\x05\x01\x00\x03"
        assert request[5:-2] == b"registry.test"
        connection.sendall(bytes((5, reply, 0, 1)) + b"\x7f\0\0\1\1\1" + b"")
        if reply == 0:
            echo(connection)

    return serve


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_server_resolves_the_name_itself(scheme: ProxyScheme) -> None:
    with listening(socks()) as port:
        asked = ask("registry.test", 443, setting(port, scheme))
    assert asked.fact.outcome == "tunnelled"
    assert asked.echoed == (b"first", b"second")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (1, "upstream-failed"),
        (2, "denied"),
        (3, "upstream-failed"),
        (4, "upstream-failed"),
        (5, "upstream-failed"),
        (6, "upstream-failed"),
        (7, "not-a-proxy"),
        (8, "upstream-failed"),
        (99, "upstream-failed"),
    ],
)
def test_what_a_socks_server_replies(reply: int, outcome: str) -> None:
    with listening(socks(reply)) as port:
        fact = ask("registry.test", 443, setting(port, "socks5")).fact
    assert (fact.outcome, fact.reply) == (outcome, reply)


def test_a_socks_login() -> None:
    with listening(socks(login=(b"user", b"correct horse"))) as port:
        through = setting(port, "socks5")
        assert ask("registry.test", 443, through).fact.outcome == "auth-required"
        assert ask("registry.test", 443, through, authorization=BASIC).fact.ok
        wrong = "Basic " + base64.b64encode(b"user:canary-wrong").decode()
        fact = ask("registry.test", 443, through, authorization=wrong).fact
    assert (fact.outcome, fact.sent_credentials) == ("auth-rejected", True)
    assert "canary" not in repr(fact)


def test_a_socks_server_named_as_an_http_proxy() -> None:
    with listening(socks()) as port:
        fact = ask("registry.test", 443, setting(port)).fact
    assert (fact.outcome, fact.speaks) == ("not-a-proxy", "socks5")


@pytest.mark.parametrize("greeting", [b"", b"\x05", b"\x04\x5a", b"SSH-2.0-x\r\n"])
def test_no_socks_server(greeting: bytes) -> None:
    with listening(says(greeting)) as port:
        fact = ask("registry.test", 443, setting(port, "socks5")).fact
    assert fact.outcome in ("not-a-proxy", "closed")
    assert not fact.ok


# ── the way around a closed direct path ────────────────────────────────────────────────────────

TARGET = Target(
    text="registry.test/app:1", reference=None, registry=Hop("registry", "registry.test", 443)
)
DEAD = TcpFact(attempts=(Attempt(address="192.0.2.1", outcome="timeout"),))


def detoured(port: int, direct: TcpFact, candidates: int = 1) -> DetourFact | None:
    """What the check makes of a proxy on that port; further candidates are on a dead one."""
    ports = [port, *(free_port() for _ in range(candidates - 1))]
    known = [Candidate(setting=setting(each), why="all-proxy") for each in reversed(ports)]
    facts = Facts(
        [(TARGET.registry, RouteFact(candidates=tuple(known))), (TARGET.registry, direct)]
    )

    async def go() -> DetourFact | None:
        net = Net(deadline=time.monotonic() + 20)
        try:
            return await detour.probe(Case(TARGET, facts), net)
        finally:
            await net.close()

    return asyncio.run(go())


def test_a_known_proxy_is_asked_once_the_direct_way_has_failed() -> None:
    with listening(says(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        fact = detoured(port, DEAD, candidates=2)
    assert fact
    assert [tried.outcome for tried in fact.tries] == ["unreachable", "tunnelled"]
    assert fact.reached
    assert fact.reached.setting.port == port


def test_a_known_proxy_that_refuses_is_no_way_around() -> None:
    with listening(says(page("403 Forbidden"))) as port:
        fact = detoured(port, DEAD)
    assert fact
    assert ([tried.outcome for tried in fact.tries], fact.reached) == (["denied"], None)


def test_an_open_direct_way_needs_no_way_around() -> None:
    came: list[int] = []
    with listening(lambda connection: came.append(1)) as port:
        assert detoured(port, TcpFact(attempts=(Attempt(address="192.0.2.1"),))) is None
    assert came == []
