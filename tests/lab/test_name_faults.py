"""Names: is the cause found when it lies with resolvers, zones, search domains or the hosts file?"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

from tests.certificates import leaf
from tests.lab import cure, servers
from tests.lab.nameserver import serving
from tests.lab.programs import need
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, IMAGE, Way
from tests.lab.world import PROXY, REGISTRY, RESOLVER, SILENT, SPARE, World

Bend = Callable[[World], object]
OTHER = SPARE[6]
"""A second resolver."""
BLOCK_PAGE = "10.200.0.1"
SILENT_TOO = "192.88.99.201"
SHORT = ("--timeout", "9")
ZONE = "cleanstart.com"


def zone(records: str) -> Bend:
    """BIND holds the registry's zone, with these records; empty: it could not load them."""
    return lambda world: servers.named(world, {ZONE: records})


def unbound(*server: str) -> Bend:
    """It has no names of its own, but these lines."""
    return lambda world: servers.resolver(world, names={}, server=server)


def faked(fault: str) -> Bend:
    """What no real name server does on purpose."""
    text = f"{HOST} {fault}\n{HOST} A {REGISTRY}\n"
    return lambda world: world.far.serve(lambda: serving(text, RESOLVER))


def bogus(world: World) -> None:
    """A validating resolver, whose trust anchor the zone is not signed for."""
    servers.named(world, {ZONE: f"registry A {REGISTRY}"}, address=OTHER)
    anchor = f'trust-anchor: "{ZONE}. DS 12345 13 2 {"ab" * 32}"'
    lines = ('module-config: "validator iterator"', f'local-zone: "{ZONE}" transparent', anchor)
    stub = f'stub-zone:\n  name: "{ZONE}"\n  stub-addr: {OTHER}\n'
    servers.resolver(world, names={}, server=lines, clauses=stub)


def split(world: World) -> None:
    """The first resolver does not have the registry's name, the second does."""
    servers.resolver(world, names={"proxy.example": (PROXY,)})
    servers.resolver(world, address=OTHER)


def wildcard(world: World) -> None:
    """Any name below corp.example leads to a host that is no registry."""
    redirect = 'local-zone: "corp.example" redirect'
    found = f"local-data: 'corp.example. 60 IN A {SPARE[0]}'"
    servers.resolver(world, names={}, server=(redirect, found))


def captured(world: World) -> None:
    """A wildcard that is asked before the registry's own name."""
    redirect = 'local-zone: "corp.example" redirect'
    found = f"local-data: 'corp.example. 60 IN A {SPARE[0]}'"
    servers.resolver(world, server=(redirect, found))


def block_page(world: World) -> tuple[str, ...]:
    """A filter's own web server, at a private address."""
    world.run("ip", "addr", "add", f"{BLOCK_PAGE}/32", "dev", "lo")
    files = leaf(world.ca, "filter.example").write(world.place("certificates"), "filter")
    return (servers.site(BLOCK_PAGE, certificate=files, locations="location /v2/ { return 403; }"),)


def resolv_conf(*lines: str) -> Bend:
    return lambda world: (world.etc / "resolv.conf").write_text("".join(f"{x}\n" for x in lines))


def hosts(*lines: str) -> Bend:
    text = "127.0.0.1 localhost\n" + "".join(f"{line}\n" for line in lines)
    return lambda world: (world.etc / "hosts").write_text(text)


def servers_are(*addresses: str, options: str = "options timeout:1") -> Bend:
    return resolv_conf(*(f"nameserver {each}" for each in addresses), options)


def two_resolvers(world: World) -> None:
    servers.resolver(world)
    servers.resolver(world, address=OTHER)


HEALTHY = (
    Scenario(
        "first-resolver-dead",
        Way(machine=servers_are(SILENT, RESOLVER)),
        also=("dns.resolver-down", "dns.slow"),
    ),
    Scenario(
        "two-resolvers-agree",
        Way(resolvers=two_resolvers, machine=servers_are(RESOLVER, OTHER)),
    ),
    Scenario("hosts-file-agrees", Way(machine=hosts(f"{REGISTRY} {HOST}"))),
    Scenario(
        "hosts-file-makes-the-name",
        Way(name="unknown", machine=hosts(f"{REGISTRY} {HOST}")),
    ),
    Scenario("alias", Way(resolvers=zone(f"registry CNAME edge\nedge A {REGISTRY}"))),
    Scenario("search-domain-unused", Way(machine=resolv_conf(f"nameserver {RESOLVER}", "search a.example b.example"))),
    Scenario("address-of-one-family", Way(resolvers=faked("aaaa-nxdomain"))),
)  # fmt: skip

FAULTS = (
    Scenario("mistyped", Way(), ("dns.nxdomain",), target=IMAGE.replace("registry", "registri")),
    Scenario("nxdomain", Way(resolvers=zone("www A 192.88.99.29")), ("dns.nxdomain",)),
    Scenario("alias-to-nowhere", Way(resolvers=zone("registry CNAME gone")), ("dns.no-address",)),
    Scenario("no-record", Way(resolvers=zone('registry TXT "moved"')), ("dns.no-address",)),
    Scenario("zone-not-loaded", Way(resolvers=zone("")), ("dns.servfail",)),
    Scenario("signature-does-not-hold", Way(resolvers=bogus), ("dns.servfail",)),
    Scenario(
        "resolver-refuses",
        Way(resolvers=unbound("access-control: 0.0.0.0/0 refuse")),
        ("dns.refused",),
    ),
    Scenario(
        "resolvers-silent",
        Way(machine=servers_are(SILENT, SILENT_TOO)),
        ("dns.timeout",),
        options=SHORT,
    ),
    Scenario(
        "no-resolver",
        Way(machine=resolv_conf()),
        ("dns.no-resolver",),
        options=SHORT,
    ),
    Scenario(
        "resolvers-disagree",
        Way(resolvers=split, machine=servers_are(RESOLVER, OTHER)),
        ("dns.resolvers-disagree",),
    ),
    Scenario(
        "sinkhole",
        Way(resolvers=unbound(f'local-zone: "{HOST}" always_null')),
        ("dns.sinkholed",),
    ),
    Scenario(
        "filter-with-a-page",
        Way(addresses=(BLOCK_PAGE,), more_sites=block_page),
        ("dns.sinkholed",),
    ),
    Scenario("filter-says-so", Way(resolvers=faked("blocked")), ("dns.sinkholed",)),
    Scenario("alias-loop", Way(resolvers=zone("registry CNAME a\na CNAME registry")), ("dns.cname-loop",)),
    Scenario(
        "search-domain-wildcard",
        Way(
            resolvers=wildcard,
            machine=resolv_conf(f"nameserver {RESOLVER}", "search corp.example"),
        ),
        ("dns.search-domain",),
    ),
    Scenario(
        "search-domain-first",
        Way(
            resolvers=captured,
            machine=resolv_conf(f"nameserver {RESOLVER}", "search corp.example", "options ndots:5"),
        ),
        ("dns.search-domain",),
    ),
    Scenario(
        "hosts-file-pins-a-dead-address",
        Way(machine=hosts(f"{SPARE[0]} {HOST} other.example")),
        ("dns.hosts-override",),
    ),
    Scenario(
        "answer-cut-and-tcp-blocked",
        Way(resolvers=faked("tcp-blocked")),
        ("dns.tcp-blocked",),
        options=SHORT,
    ),
)  # fmt: skip


NAME = attrgetter("name")


@pytest.mark.lab
@pytest.mark.parametrize("scenario", (*HEALTHY, *FAULTS), ids=NAME)
def test_names(scenario: Scenario, lab: World, store: Path) -> None:
    need("named")
    scenario.verify(scenario.play(lab, store))


@pytest.mark.lab
@pytest.mark.parametrize("scenario", HEALTHY, ids=NAME)
def test_what_is_called_healthy_can_be_pulled(scenario: Scenario, lab: World, store: Path) -> None:
    need("named")
    copied = scenario.pull(lab, store)
    assert copied.exit == 0, copied


@pytest.mark.lab
@pytest.mark.parametrize(
    "name",
    ["resolvers-silent", "no-resolver", "search-domain-first", "hosts-file-pins-a-dead-address"],
)
def test_the_first_remedy_mends_it(name: str, lab: World, store: Path) -> None:
    scenario = next(each for each in FAULTS if each.name == name)
    run = scenario.play(lab, store)
    cure.mends(lab, run, scenario.target, words={"RESOLVER": RESOLVER})
