"""Does the lab itself do what its tests rely on?"""

from __future__ import annotations

import socket
import time

import pytest

from tests.lab import servers
from tests.lab.fakes import Kind, fake
from tests.lab.programs import need, need_namespaces
from tests.lab.world import REGISTRY, RESOLVER, SILENT, SPARE, UNREACHABLE, World, world

pytestmark = pytest.mark.lab


def _knock(made: World, address: str, port: int = 443, seconds: float = 1.0) -> str:
    """What comes of a connection from where the client stands."""

    def knock() -> str:
        try:
            with socket.create_connection((address, port), seconds) as line:
                line.send(b"hello")
                return "said " + line.recv(100).decode()
        except OSError as error:
            return type(error).__name__

    return made.near.call(knock)


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        (SPARE[0], "ConnectionRefusedError"),
        (SILENT, "TimeoutError"),
        (UNREACHABLE, "OSError"),
        ("1.1.1.1", "OSError"),
    ],
)
def test_an_address_fails_as_it_is_meant_to(lab: World, address: str, outcome: str) -> None:
    assert _knock(lab, address) == outcome


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("resets-on-hello", "ConnectionResetError"),
        ("says-nothing", "TimeoutError"),
        ("drips", "said HTTP/1.1 200 OK"),
    ],
)
def test_a_fake_behaves(lab: World, kind: Kind, outcome: str) -> None:
    fake(lab.far, kind, SPARE[1])
    assert _knock(lab, SPARE[1]).startswith(outcome)


def test_the_machine_s_own_settings_are_not_seen(lab: World) -> None:
    seen = lab.run("sh", "-c", "ls /etc; cat /etc/resolv.conf; env")
    assert f"nameserver {RESOLVER}" in seen.stdout
    assert "hostname" not in seen.stdout.split()
    assert "PROXY" not in seen.stdout.upper()


@pytest.mark.parametrize("what", ["dns", "tcp"])
def test_every_packet_takes_its_time(what: str) -> None:
    """Held is at least as long as asked for; that it is not much longer, `make bench` shows."""
    need_namespaces()
    need("unbound")
    with world(0.025) as made:
        made.names["registry.cleanstart.com"] = (REGISTRY,)
        servers.resolver(made)

        def ask() -> float:
            started = time.perf_counter()
            with socket.create_connection((RESOLVER, 53), 5):
                return time.perf_counter() - started

        if what == "tcp":
            seconds = made.near.call(ask)
        else:
            looked_up = made.run("getent", "ahostsv4", "registry.cleanstart.com")
            assert REGISTRY in looked_up.stdout
            seconds = looked_up.seconds
        assert seconds >= 0.05
