"""Has every address its own outcome, and does the ladder go on with the first that connects?"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import socketserver
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from doctor.facts.tcp import AddressesFact, TcpFact
from doctor.model import Hop
from doctor.net import Net
from doctor.net.tcp import dial
from tests.lab.names import possible
from tests.lab.namespace import Namespace

T = TypeVar("T")
needs_namespaces = pytest.mark.skipif(not possible(), reason="needs root for a network namespace")


def hop(port: int) -> Hop:
    return Hop("registry", "registry.example", port, "http")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def echo(*hosts: str, port: int = 0) -> Iterator[tuple[int, threading.Semaphore]]:
    """A server that sends back what it gets. Yields its port, and what counts ended connections."""
    ended = threading.Semaphore(0)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while data := self.request.recv(100):
                    self.request.sendall(data)
            ended.release()

    with contextlib.ExitStack() as running:
        for host in hosts or ("127.0.0.1",):
            server = socketserver.ThreadingTCPServer((host, port), Handler)
            server.daemon_threads = True
            running.enter_context(server)
            running.callback(server.shutdown)
            port = server.server_address[1]
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield port, ended


@contextmanager
def silent(address: str, port: int) -> Iterator[None]:
    """A place that never answers: its queue of connections is full, so the kernel drops every
    SYN."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.socket())
        server.bind((address, port))
        server.listen(0)
        for _ in range(3):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield


def run(use: Callable[[Net], Awaitable[T]], seconds: float = 20.0) -> T:
    async def go() -> T:
        net = Net(deadline=time.monotonic() + seconds)
        try:
            return await use(net)
        finally:
            await net.close()

    return asyncio.run(go())


@contextmanager
def namespace(network: str) -> Iterator[Namespace]:
    made = Namespace(network=network)
    try:
        yield made
    finally:
        made.close()


def outcomes(fact: TcpFact | AddressesFact) -> list[str]:
    return [attempt.outcome for attempt in fact.attempts]


def test_a_connection_is_left_for_the_layer_above_and_another_can_be_dialled() -> None:
    async def use(net: Net) -> tuple[TcpFact, list[bytes], str, int]:
        with echo() as (port, _):
            fact = await net.connect(hop(port), ("127.0.0.1",))
            first = await net.lines.raw(hop(port))
            second = await net.lines.raw(hop(port))
            said = []
            for stream in (first, second):
                await stream.write(b"hello")
                said.append(await stream.read())
            return fact, said, first.peer, port

    fact, said, peer, port = run(use)
    (attempt,) = fact.attempts
    assert (fact.ok, fact.reached, fact.port) == (True, ("127.0.0.1",), port)
    assert said == [b"hello", b"hello"]
    assert peer == f"127.0.0.1:{port}"
    assert attempt.source.startswith("127.0.0.1:")
    assert attempt.mss
    assert attempt.mss > 500


def test_nothing_listens() -> None:
    fact = run(lambda net: net.connect(hop(free_port()), ("127.0.0.1", "127.0.0.2")))
    assert (fact.ok, outcomes(fact)) == (False, ["refused", "refused"])
    assert {attempt.errno for attempt in fact.attempts} == {111}


def test_one_of_two_refuses_and_the_order_is_the_systems() -> None:
    async def use(net: Net) -> TcpFact:
        with echo("127.0.0.2") as (port, _):
            return await net.connect(hop(port), ("127.0.0.1", "127.0.0.2"))

    fact = run(use)
    assert outcomes(fact) == ["refused", "connected"]
    assert (fact.ok, fact.reached) == (True, ("127.0.0.2",))


def test_only_one_connection_stays_open() -> None:
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")

    async def use(net: Net) -> tuple[TcpFact, int, bool]:
        with echo(*hosts) as (port, ended):
            fact = await net.connect(hop(port), hosts)
            for _ in hosts[1:]:
                await asyncio.to_thread(ended.acquire)
            return fact, net.lines.opened, not ended.acquire(blocking=False)

    fact, opened, no_more = run(use)
    assert outcomes(fact) == ["connected"] * 3
    assert (opened, no_more) == (1, True)


def test_at_most_eight_addresses_are_tried() -> None:
    addresses = tuple(f"127.0.0.{n}" for n in range(1, 12))
    fact = run(lambda net: net.connect(hop(free_port()), addresses))
    assert (len(fact.attempts), fact.left_out) == (8, 3)


def test_no_address_is_no_connection() -> None:
    fact = run(lambda net: net.connect(hop(1), ()))
    assert (fact.ok, fact.attempts) == (False, ())


def test_the_segment_size_can_be_limited() -> None:
    async def use(net: Net) -> tuple[int | None, int | None]:
        with echo() as (port, _):
            small = await dial("127.0.0.1", hop(port), maxseg=1200)
            usual = await dial("127.0.0.1", hop(port))
            sizes = small.mss, usual.mss
            await small.close()
            await usual.close()
            return sizes

    small, usual = run(use)
    assert small
    assert usual
    assert small <= 1200 < usual


def test_a_host_name_is_never_dialled() -> None:
    async def use(net: Net) -> None:
        with pytest.raises(socket.gaierror):
            await dial("localhost", hop(80))

    run(use)


@needs_namespaces
@pytest.mark.parametrize(
    ("route", "outcome", "errno"),
    [
        ("route add blackhole 198.51.100.0/24", "blackholed", 22),
        ("route add prohibit 198.51.100.0/24", "prohibited", 13),
        ("route add unreachable 198.51.100.0/24", "unreachable", 113),
        ("", "no-route", 101),
    ],
)
def test_what_the_routing_table_does(route: str, outcome: str, errno: int) -> None:
    with namespace(route) as made:
        fact = made.call(lambda: run(lambda net: net.connect(hop(443), ("198.51.100.7",))))
    assert [(a.outcome, a.errno) for a in fact.attempts] == [(outcome, errno)]


def test_silence_is_a_timeout_of_our_own() -> None:
    port = free_port()
    with silent("127.0.0.9", port):
        fact = run(lambda net: net.connect(hop(port), ("127.0.0.9",)), seconds=5.5)
    (attempt,) = fact.attempts
    assert (attempt.outcome, attempt.errno, fact.ok, fact.hurried) == (
        "timeout",
        None,
        False,
        False,
    )
    assert attempt.words == f"no answer for {attempt.ms / 1000:.1f} s"


def test_silence_that_was_not_waited_for_is_no_outcome() -> None:
    port = free_port()
    with silent("127.0.0.9", port):
        fact = run(lambda net: net.connect(hop(port), ("127.0.0.9",)), seconds=0.9)
    (attempt,) = fact.attempts
    assert (attempt.outcome, fact.ok, fact.hurried) == ("pending", False, True)
    assert re.fullmatch(r"no answer yet after \d\.\d s", fact.seen)


def test_the_ladder_does_not_wait_for_a_silent_address_but_its_outcome_is_known_later() -> None:
    async def use(net: Net) -> tuple[TcpFact, AddressesFact]:
        with echo() as (port, _), silent("127.0.0.9", port):
            first = await net.connect(hop(port), ("127.0.0.9", "127.0.0.1"))
            return first, await net.addresses(hop(port))

    first, rest = run(use, seconds=5.5)
    assert (outcomes(first), first.reached) == (["pending", "connected"], ("127.0.0.1",))
    assert (outcomes(rest), first.hurried, rest.hurried) == (["timeout", "connected"], False, False)
    first, rest = run(use, seconds=0.9)
    assert (first.ok, first.hurried, rest.hurried) == (True, False, True)


def test_a_run_that_ends_leaves_no_attempt_behind() -> None:
    async def use() -> set[str]:
        net = Net(deadline=time.monotonic() + 60)
        with echo() as (port, _), silent("127.0.0.9", port):
            await net.connect(hop(port), ("127.0.0.9", "127.0.0.1"))
            await net.close()
            await asyncio.sleep(0)
            return {task.get_name() for task in asyncio.all_tasks()} & {"127.0.0.9"}

    assert asyncio.run(use()) == set()


@needs_namespaces
def test_both_families_are_tried() -> None:
    async def use(net: Net) -> TcpFact:
        with echo("127.0.0.1") as (port, _):
            return await net.connect(hop(port), ("::1", "2001:db8::9", "127.0.0.1"))

    with namespace("") as made:
        fact = made.call(lambda: run(use))
    assert [a.family for a in fact.attempts] == ["ipv6", "ipv6", "ipv4"]
    assert fact.attempts[0].outcome in ("refused", "no-ports", "no-family")
    assert fact.attempts[1].outcome in ("no-route", "no-ports", "no-family")
    assert fact.ok


def test_addresses_without_a_connection_attempt() -> None:
    assert run(lambda net: net.addresses(hop(443))) == AddressesFact(needed=False)
