"""Connections: is the cause found when addresses, ports or routes do not work?"""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, Way
from tests.lab.world import REGISTRY, SILENT, SPARE, UNREACHABLE, World

SIX = "2002:c058:630a::1"
"""6to4's address of the registry: as retired as the lab's other addresses (RFC 7526), and global."""
SIX_SILENT = "2002:c058:63c8::1"
PROHIBITED = "192.88.99.131"
SHORT = ("--timeout", "9")


def prohibited(world: World) -> None:
    world.run("ip", "route", "add", "prohibit", PROHIBITED)


def ipv6(world: World) -> None:
    """This machine has IPv6: the registry's address, and a way on which packets are lost."""
    world.run("ip", "addr", "add", f"{SIX}/128", "dev", "lo")
    world.run("ip", "addr", "add", "2002:c058:63fe::1/128", "dev", "hole", "nodad")
    world.run("ip", "-6", "route", "add", f"{SIX_SILENT}/128", "dev", "hole")


def served_over_ipv6(world: World) -> tuple[str, ...]:
    ipv6(world)
    return ()


HEALTHY = (
    Scenario("ipv6-only", Way(addresses=(SIX,), more_sites=served_over_ipv6)),
    Scenario(
        "one-address-refuses",
        Way(addresses=(REGISTRY, SPARE[0])),
        also=("tcp.some-addresses-fail",),
    ),
    Scenario(
        "one-address-silent",
        Way(addresses=(REGISTRY, SILENT)),
        also=("tcp.some-addresses-fail",),
        options=SHORT,
    ),
    Scenario(
        "ipv6-lost-ipv4-good",
        Way(addresses=(REGISTRY, SIX_SILENT), machine=ipv6),
        also=("tcp.ipv6-broken",),
        options=SHORT,
    ),
    Scenario("no-ipv6-here", Way(addresses=(REGISTRY, SIX_SILENT))),
)
FAULTS = (
    Scenario("refused", Way(port="closed"), ("tcp.refused",)),
    Scenario("wrong-port", Way(), ("tcp.refused",), target=f"{HOST}:5443/{REPOSITORY}:latest"),
    Scenario("dropped", Way(port="dropped"), ("tcp.timeout",), options=SHORT),
    Scenario("no-route", Way(addresses=(UNREACHABLE,)), ("tcp.unreachable",)),
    Scenario(
        "prohibited", Way(addresses=(PROHIBITED,), machine=prohibited), ("tcp.unreachable",)
    ),
    Scenario("cut-at-once", Way(port="resets"), ("tcp.reset",)),
    Scenario(
        "both-addresses-refuse", Way(addresses=(SPARE[0], SPARE[1])), ("tcp.refused",)
    ),
    Scenario(
        "ipv6-lost-and-nothing-else",
        Way(addresses=(SIX_SILENT,), port="closed", machine=ipv6),
        ("tcp.ipv6-broken",),
        options=SHORT,
    ),
    Scenario(
        "nothing-on-this-machine",
        Way(),
        ("tcp.refused",),
        target=f"localhost:5001/{REPOSITORY}:latest",
    ),
)  # fmt: skip
NAME = attrgetter("name")


@pytest.mark.lab
@pytest.mark.parametrize("scenario", (*HEALTHY, *FAULTS), ids=NAME)
def test_connections(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(scenario.play(lab, store))


@pytest.mark.lab
@pytest.mark.parametrize("scenario", HEALTHY, ids=NAME)
def test_what_is_called_healthy_can_be_pulled(scenario: Scenario, lab: World, store: Path) -> None:
    copied = scenario.pull(lab, store)
    assert copied.exit == 0, copied
