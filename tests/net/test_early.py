"""Is what was begun before the loop goes on as if the loop had begun it?"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from doctor.facts.tcp import TcpFact
from doctor.model import Hop
from doctor.net import Net, early, tcp


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def connect(port: int) -> TcpFact:
    """What the TCP layer makes of it."""

    async def run() -> TcpFact:
        net = Net(deadline=time.monotonic() + 5)
        try:
            return await tcp.connect(Hop("registry", "127.0.0.1", port), ("127.0.0.1",), net)
        finally:
            await net.close()

    return asyncio.run(run())


def begin(port: int) -> early.LookUp:
    early.begin("127.0.0.1", port)
    begun = early.taken("127.0.0.1", port)
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
    assert early.taken("127.0.0.1", port) is None
    assert early.dialled("127.0.0.1", port) is None


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
    early.begin("a..b", 443)
    begun = early.taken("a..b", 443)
    assert begun is not None
    with pytest.raises((OSError, UnicodeError)):
        begun.result()


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
    assert early.is_direct(environ) is direct
