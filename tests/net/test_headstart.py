"""Is what was begun before the loop goes on as if the loop had begun it?"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from doctor.facts.tcp import TcpFact
from doctor.model import Hop
from doctor.net import Net, headstart, tcp


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def connect(port: int, *addresses: str, host: str = "127.0.0.1", seconds: float = 5) -> TcpFact:
    """What the TCP layer makes of the host with these addresses (none: its own)."""

    async def run() -> TcpFact:
        net = Net(deadline=time.monotonic() + seconds)
        try:
            return await tcp.connect(Hop("registry", host, port), addresses or (host,), net)
        finally:
            await net.close()

    return asyncio.run(run())


def begin(port: int, host: str = "127.0.0.1") -> headstart.LookUp:
    headstart.begin(host, port)
    begun = headstart.begun(host, port)
    assert begun is not None
    return begun


def accepted(server: socket.socket) -> int:
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except TimeoutError:
            return count
        count += 1


def test_the_connection_that_was_begun_is_the_one_that_is_used(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    begun = begin(port)
    assert begun.result() == (("127.0.0.1",), "127.0.0.1")
    fact = connect(port)
    assert [attempt.outcome for attempt in fact.attempts] == ["connected"]
    assert fact.ms > 0
    assert accepted(listening) == 1
    assert headstart.begun("127.0.0.1", port) is None


def test_an_address_in_another_spelling_is_the_same_place() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        begin(port, "::1").result()
        fact = connect(port, "0:0::0001", host="::1")
        assert [a.outcome for a in fact.attempts] == ["connected"]
        assert accepted(server) == 1


def is_closed(server: socket.socket) -> bool:
    """Does the other side of the next connection end?"""
    with server.accept()[0] as line:
        line.settimeout(2)
        return line.recv(1) == b""


def test_what_nobody_goes_on_with_is_closed_when_the_host_was_dialled(
    listening: socket.socket,
) -> None:
    """The name was slow, and a resolver's own answer led elsewhere."""
    port = listening.getsockname()[1]
    begin(port).result()
    headstart.end("127.0.0.1", port)
    assert is_closed(listening)
    begin(port).result()
    assert [a.outcome for a in connect(port, "127.0.0.2").attempts] == ["refused"]
    assert is_closed(listening)


def test_what_nobody_goes_on_with_is_closed_at_the_end_of_the_run(
    listening: socket.socket,
) -> None:
    port = listening.getsockname()[1]
    begin(port).result()
    asyncio.run(Net().close())
    assert is_closed(listening)
    assert headstart.begun("127.0.0.1", port) is None


def test_a_look_up_that_ends_when_nobody_waits_dials_nothing(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def late(host: str, port: int) -> headstart.Found:
        answers.wait(5)
        return (("127.0.0.1",), host)

    monkeypatch.setattr(headstart, "addresses", late)
    port = listening.getsockname()[1]
    begun = begin(port)
    assert [a.outcome for a in connect(port, "127.0.0.2").attempts] == ["refused"]
    answers.set()
    begun.result()
    assert accepted(listening) == 0


def test_nothing_connects_twice(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a second `connect` on a socket is an error, as on macOS, the first one counts."""

    async def twice(*_: object) -> None:
        raise OSError(errno.EINVAL, "connected already")

    port = listening.getsockname()[1]
    begin(port).result()
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", twice)
    assert [a.outcome for a in connect(port).attempts] == ["connected"]


def test_an_attempt_under_way_ends_with_the_patience() -> None:
    """One that the run's budget cut short has not failed: it is left pending."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.socket() as one, socket.socket() as two:
            for filler in (one, two):
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            begin(port).result()
            assert [a.outcome for a in connect(port, seconds=0.6).attempts] == ["pending"]


def test_what_the_system_refuses_to_begin_is_told_as_ever() -> None:
    host = "255.255.255.255"
    alone = connect(9, host=host)
    begin(9, host).result()
    outcomes = [[(a.outcome, a.errno) for a in f.attempts] for f in (alone, connect(9, host=host))]
    assert outcomes[0] == outcomes[1] != []


def test_a_connection_that_nobody_began_is_made(listening: socket.socket) -> None:
    assert [a.outcome for a in connect(listening.getsockname()[1]).attempts] == ["connected"]
    assert accepted(listening) == 1


def test_a_refusal_is_told_to_who_goes_on(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    listening.close()
    begin(port).result()
    fact = connect(port)
    assert [attempt.outcome for attempt in fact.attempts] == ["refused"]


def test_a_name_that_is_none_raises_as_getaddrinfo_does() -> None:
    headstart.begin("a..b", 443)
    begun = headstart.begun("a..b", 443)
    assert begun is not None
    with pytest.raises((OSError, UnicodeError)):
        begun.result()
    headstart.end_all()


@pytest.mark.parametrize(
    ("environ", "direct"),
    [
        ({}, True),
        ({"HTTPS_PROXY": ""}, True),
        ({"no_proxy": "*"}, True),
        ({"https_proxy": "http://proxy:3128"}, False),
        ({"Http_Proxy": "http://proxy:3128"}, False),
        ({"ALL_PROXY": "socks5://proxy"}, False),
    ],
)
def test_where_a_proxy_is_set_nothing_is_begun(environ: dict[str, str], direct: bool) -> None:
    assert headstart.is_direct(environ) is direct
