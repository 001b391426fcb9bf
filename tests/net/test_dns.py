"""The real look-up against real name servers: getaddrinfo and the direct queries in a namespace of
their own, and the file readers."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.facts.dns import DnsFact
from doctor.facts.proxy import ProxySetting, RouteFact
from doctor.model import Case, Facts, Hop, Target
from doctor.net import Net, resolvconf
from tests.lab import names
from tests.lab.names import Seen, look

namespace = pytest.mark.skipif(
    not names.possible(), reason="needs root to make a network and mount namespace"
)
GOOD = "registry.lab A 93.184.216.34"
ONE, TWO, THREE = "127.0.0.1", "127.0.0.2", "127.0.0.3"


def outcomes(seen: Seen) -> dict[str, str]:
    """Type -> outcome of the first resolver."""
    first = seen.resolvers["replies"][0]["resolver"]
    return {r["type"]: r["outcome"] for r in seen.resolvers["replies"] if r["resolver"] == first}


# Every fault of a single resolver, as the system and as a direct query see it


@namespace
@pytest.mark.parametrize(
    ("fault", "a", "aaaa", "code"),
    [
        ("nxdomain", "nxdomain", "nxdomain", "dns.nxdomain"),
        ("nodata", "no-data", "no-data", "dns.no-address"),
        ("servfail", "servfail", "servfail", "dns.servfail"),
        ("refused", "refused", "refused", "dns.refused"),
        ("notimp", "misbehaving", "misbehaving", "dns.servfail"),
        ("formerr", "misbehaving", "misbehaving", "dns.servfail"),
        ("truncated", "addresses", "addresses", ""),
        ("dangling", "dangling", "dangling", "dns.no-address"),
        ("alias-nodata", "no-data", "no-data", "dns.no-address"),
        ("cname-loop", "cname-loop", "cname-loop", "dns.cname-loop"),
        ("lame", "lame", "lame", "dns.servfail"),
        ("aaaa-servfail", "addresses", "servfail", "dns.servfail"),
        ("aaaa-nxdomain", "addresses", "nxdomain", ""),
        ("ipv6-only", "no-data", "addresses", ""),
        ("sinkhole", "addresses", "addresses", "dns.sinkholed"),
        ("blocked", "nxdomain", "nxdomain", "dns.sinkholed"),
        ("bogus", "servfail", "servfail", "dns.servfail"),
        ("loop-servfail", "servfail", "servfail", "dns.cname-loop"),
        ("prohibited", "refused", "refused", "dns.refused"),
        ("forged", "addresses", "addresses", "dns.sinkholed"),
        ("bad-ede", "nxdomain", "nxdomain", "dns.nxdomain"),
        ("large", "addresses", "no-data", ""),
        ("spoofed", "addresses", "addresses", ""),
        ("no-edns", "addresses", "addresses", ""),
    ],
)
def test_a_fault_is_told_by_its_own_code(fault: str, a: str, aaaa: str, code: str) -> None:
    seen = look(f"{fault}.lab", {ONE: ""})
    assert outcomes(seen) == {"A": a, "AAAA": aaaa}
    assert list(seen.codes) == ([code] if code else [])


@namespace
def test_a_healthy_name() -> None:
    seen = look("registry.lab", {ONE: "registry.lab A 10.9.8.7\nregistry.lab AAAA fd00::7"})
    assert sorted(seen.dns["addresses"]) == ["10.9.8.7", "fd00::7"]
    assert not seen.codes
    asked = [tuple(entry) for entry in seen.asked[ONE]]
    direct_and_system = [entry for entry in asked if entry[0] == "registry.lab"]
    assert len(direct_and_system) == 4


@namespace
def test_a_public_name_is_the_only_one_asked_for() -> None:
    seen = look("registry.lab", {ONE: "registry.lab A 93.184.216.34"})
    assert {entry[0] for entry in seen.asked[ONE]} == {"registry.lab"}


@namespace
def test_the_extended_error_and_its_text_are_kept() -> None:
    seen = look("blocked.lab", {ONE: ""})
    assert seen.resolvers["replies"][0]["ede"] == [{"code": 15, "text": "blocked by policy of lab"}]
    unreadable = look("bad-ede.lab", {ONE: ""}).resolvers["replies"][0]
    assert (unreadable["rcode"], unreadable["ede"]) == ("NXDOMAIN", [])


@namespace
def test_a_forged_datagram_is_not_taken_for_the_answer() -> None:
    seen = look("spoofed.lab", {ONE: ""})
    addresses = [a for r in seen.resolvers["replies"] for a in r["addresses"]]
    assert addresses == ["192.0.2.10", "2001:db8::10"]


@namespace
def test_validation_that_fails_is_proven_without_it() -> None:
    seen = look("bogus.lab", {ONE: ""})
    assert seen.details["dns.servfail"]["params"]["dnssec"] == "yes"
    assert "dnssec" not in look("servfail.lab", {ONE: ""}).details["dns.servfail"]["params"]


@namespace
def test_the_alias_chain_is_followed_and_only_its_end_counts() -> None:
    zone = "registry.lab CNAME edge.lab\nedge.lab CNAME node.lab\nnode.lab A 10.0.0.9"
    reply = look("registry.lab", {ONE: zone}).resolvers["replies"][0]
    assert reply["chain"] == ["registry.lab", "edge.lab", "node.lab"]
    assert reply["addresses"] == ["10.0.0.9"]


@namespace
def test_silence_ends_in_time_and_does_not_hold_the_exit() -> None:
    seen = look("silent.lab", {ONE: ""}, seconds=6.0)
    assert seen.dns["outcome"] == "timeout"
    assert list(seen.codes) == ["dns.timeout"]
    assert ONE in seen.details["dns.timeout"]["params"]["tried"]
    assert seen.dns["ms"] < 3000
    assert seen.left_after < 2.0  # getaddrinfo itself goes on for ten seconds


@namespace
def test_silence_that_was_not_waited_for_is_nobodys_fault() -> None:
    seen = look("silent.lab", {ONE: ""}, seconds=2.0)
    assert (seen.dns["outcome"], seen.dns["hurried"], seen.codes) == ("timeout", True, {})
    assert seen.resolvers["hurried"]


@namespace
def test_bytes_that_are_no_dns_are_told_from_silence() -> None:
    seen = look("garbage.lab", {ONE: ""}, seconds=6.0)
    assert outcomes(seen) == {"A": "malformed", "AAAA": "malformed"}
    assert list(seen.codes) == ["dns.timeout"]


@namespace
def test_a_closed_port_is_heard_of() -> None:
    seen = look("registry.lab", {}, resolv_conf=f"nameserver {ONE}\n")
    assert outcomes(seen) == {"A": "port-closed", "AAAA": "port-closed"}
    assert list(seen.codes) == ["dns.timeout"]


@namespace
def test_blocked_tcp_is_proven_by_the_tc_bit() -> None:
    seen = look("tcp-blocked.lab", {ONE: ""}, seconds=6.0)
    assert seen.codes == {"dns.tcp-blocked": "error"}
    blocked = seen.details["dns.tcp-blocked"]["evidence"]["resolvers"][0]
    assert blocked["truncated"] is True
    assert blocked["transport"] == "tcp"


@namespace
def test_an_answer_that_only_fits_with_edns_finds_blocked_tcp_too() -> None:
    seen = look("large-tcp-blocked.lab", {ONE: ""}, seconds=15.0)
    assert seen.codes["dns.tcp-blocked"] == "warning"
    assert "dns.tcp-blocked" not in look("large.lab", {ONE: ""}).codes


# No resolver, no network


@namespace
@pytest.mark.parametrize("text", [None, "", "# nothing\n", "nameserver dns.lab\n", "search lab\n"])
def test_no_resolver_at_all(text: str | None) -> None:
    resolv_conf = "\n" if text == "" else text
    seen = look("registry.lab", {}, resolv_conf=resolv_conf)
    assert list(seen.codes) == ["dns.no-resolver"]
    assert seen.details["dns.no-resolver"]["evidence"]["problem"]


@namespace
def test_a_resolver_on_this_machine_serves_an_empty_configuration() -> None:
    seen = look("registry.lab", {ONE: "registry.lab A 10.0.0.9"}, resolv_conf="# empty\n")
    assert seen.dns["addresses"] == ["10.0.0.9"]
    assert not seen.codes


@namespace
def test_no_network_at_all() -> None:
    conf = "nameserver 10.255.0.1\nnameserver fd00::1\n"
    seen = look("registry.lab", {}, resolv_conf=conf, loopback=False)
    assert outcomes(seen) == {"A": "unreachable", "AAAA": "unreachable"}
    assert list(seen.codes) == ["dns.timeout"]
    assert "unreachable" in seen.details["dns.timeout"]["params"]["tried"]


@namespace
def test_nsswitch_without_dns() -> None:
    zone = {ONE: "registry.lab A 10.0.0.9"}
    seen = look("registry.lab", zone, nsswitch="hosts: files\n")
    assert list(seen.codes) == ["dns.no-resolver"]
    resolved = "hosts: files resolve [!UNAVAIL=return] dns\n"
    assert not look("registry.lab", zone, nsswitch=resolved).codes


@namespace
def test_an_nsswitch_that_returns_before_dns_is_not_taken_for_a_missing_name() -> None:
    zone = {ONE: "registry.lab A 10.0.0.9"}
    seen = look("registry.lab", zone, nsswitch="hosts: files [NOTFOUND=return] dns\n")
    assert seen.details["dns.nxdomain"]["confidence"] == "possible"
    assert seen.details["dns.nxdomain"]["params"]["before_dns"] == "yes"
    missing = look("missing.lab", zone).details["dns.nxdomain"]
    assert missing["confidence"] == "certain"
    assert "before_dns" not in missing["params"]


@namespace
@pytest.mark.parametrize("host", ["a" * 64 + ".lab", "registry..lab"])
def test_a_name_that_no_query_can_carry(host: str) -> None:
    seen = look(host, {ONE: "* A 10.0.0.1"})
    assert seen.dns["outcome"] == "not-a-name"
    assert list(seen.codes) == ["dns.nxdomain"]
    assert not seen.asked[ONE]


# Several resolvers, and what else may answer


@namespace
def test_a_dead_first_resolver_does_not_fail_the_look_up() -> None:
    zone = "registry.lab A 93.184.216.34"
    conf = f"nameserver {ONE}\nnameserver {TWO}\noptions timeout:1\n"
    seen = look("registry.lab", {ONE: "registry.lab silent", TWO: zone}, resolv_conf=conf)
    assert seen.dns["addresses"] == ["93.184.216.34"]
    assert seen.codes["dns.resolver-down"] == "warning"
    assert seen.details["dns.resolver-down"]["params"]["sed"] == "1s/^/# /"


@namespace
def test_when_the_system_waits_too_long_a_resolver_s_own_answer_serves() -> None:
    zone = "registry.lab A 93.184.216.34"
    seen = look("registry.lab", {ONE: "registry.lab silent", TWO: zone}, seconds=30.0)
    assert seen.dns["source"] == "resolvers"  # glibc waits five seconds for the first
    assert seen.dns["addresses"] == ["93.184.216.34"]
    assert set(seen.codes) == {"dns.resolver-down", "dns.slow"}


@namespace
def test_split_horizon_is_seen_in_both_orders() -> None:
    private, public = "registry.lab A 10.0.0.9", ""
    works = look("registry.lab", {ONE: private, TWO: public})
    assert works.codes == {"dns.resolvers-disagree": "warning"}
    fails = look("registry.lab", {ONE: public, TWO: private})
    assert fails.codes == {"dns.resolvers-disagree": "error"}
    assert fails.details["dns.resolvers-disagree"]["params"]["sed"] == "1s/^/# /"


@namespace
def test_only_three_resolvers_are_asked() -> None:
    zone = "registry.lab A 93.184.216.34"
    conf = "".join(f"nameserver 127.0.0.{n}\n" for n in range(1, 5))
    servers = {ONE: zone, TWO: zone, THREE: zone, "127.0.0.4": zone}
    seen = look("registry.lab", servers, resolv_conf=conf)
    assert seen.resolvers["configuration"]["ignored"] == ["127.0.0.4"]
    assert not seen.asked["127.0.0.4"]
    assert seen.asked[THREE]


@namespace
def test_a_pinned_host() -> None:
    zone = {ONE: "registry.lab A 93.184.216.34"}
    hosts = "127.0.0.1 localhost\n# old\n10.9.9.9\tgit.lab Registry.LAB # moved\n"
    seen = look("registry.lab", zone, hosts=hosts)
    assert seen.dns["addresses"] == ["10.9.9.9"]
    assert seen.codes == {"dns.hosts-override": "warning"}
    assert seen.details["dns.hosts-override"]["params"]["sed"] == "3s/.*/10.9.9.9 git.lab/"
    same = look("registry.lab", zone, hosts="93.184.216.34 registry.lab\n")
    assert not same.codes


@namespace
def test_a_wildcard_search_domain_catches_a_typo() -> None:
    zone = "*.wild.lab A 10.0.0.66"
    conf = f"nameserver {ONE}\nsearch wild.lab\n"
    seen = look("registri.lab", {ONE: zone}, resolv_conf=conf)
    assert seen.dns["addresses"] == ["10.0.0.66"]
    assert list(seen.codes) == ["dns.search-domain"]
    assert seen.details["dns.search-domain"]["params"]["expanded"] == "registri.lab.wild.lab"


@namespace
def test_ndots_puts_the_search_domain_before_the_name() -> None:
    zone = "registry.lab A 93.184.216.34\n*.wild.lab A 10.0.0.66"
    conf = f"nameserver {ONE}\nsearch wild.lab\noptions ndots:"
    first = look("registry.lab", {ONE: zone}, resolv_conf=f"{conf}5\n")
    assert first.dns["addresses"] == ["10.0.0.66"]
    assert list(first.codes) == ["dns.search-domain"]
    after = look("registry.lab", {ONE: zone}, resolv_conf=f"{conf}1\n")
    assert after.dns["addresses"] == ["93.184.216.34"]
    assert not after.codes


@namespace
def test_a_portal_that_answers_for_every_name() -> None:
    portal = look("registry.lab", {ONE: "* A 10.0.0.1"})
    assert list(portal.codes) == ["dns.sinkholed"]
    assert ".invalid" in portal.details["dns.sinkholed"]["evidence"]["why"]
    assert not look("registry.lab", {ONE: "*.lab A 10.0.0.1"}).codes


# What the first remedy says, carried out


@namespace
@pytest.mark.parametrize(
    ("zone", "files"),
    [
        ("registry.lab servfail", {}),
        ("registry.lab refused", {}),
        ("registry.lab silent", {"resolv_conf": f"nameserver {ONE}\noptions timeout:1 attempts:1"}),
        (None, {"resolv_conf": None}),
        (None, {"resolv_conf": "search lab"}),
        (None, {}),
        (GOOD, {"nsswitch": "hosts: files\n"}),
        (GOOD, {"nsswitch": "passwd: files\nhosts: files [NOTFOUND=return] dns\n"}),
        (GOOD, {"hosts": "127.0.0.1 localhost\n10.9.9.9 git.lab registry.lab\n"}),
        (GOOD, {"hosts": "127.0.0.1 localhost\n10.9.9.9 registry.lab\n10.9.9.8 registry.lab"}),
        ("", {"resolv_conf": f"nameserver {ONE}\nnameserver {TWO}"}),
        (
            f"{GOOD}\n*.wild.lab A 10.0.0.66",
            {"resolv_conf": f"nameserver {ONE}\nsearch wild.lab\noptions ndots:5"},
        ),
        (GOOD, {"resolv_conf": f"nameserver {THREE}\nnameserver {ONE}"}),
    ],
)
def test_the_first_remedy_cures(zone: str | None, files: dict[str, Any]) -> None:
    zones = {TWO: GOOD} if zone is None else {ONE: zone, TWO: GOOD}
    options = {"resolv_conf": f"nameserver {ONE}\n"} | files
    seen = look("registry.lab", zones, seconds=6.0, cure_with=TWO, **options)
    assert seen.codes
    assert not seen.after


# Nothing is asked


def case(host: str, *facts: RouteFact) -> Case:
    hop = Hop("registry", host, 443)
    found = Facts((hop, fact) for fact in facts)
    return Case(Target(text=host, reference=None, registry=hop), found, hop)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_is_not_looked_up(host: str) -> None:
    fact = asyncio.run(Net().resolve(case(host)))
    assert fact == DnsFact(name=host, literal=True, addresses=(host,))
    assert not asyncio.run(Net().ask_resolvers(case(host))).replies


@pytest.mark.parametrize("host", ["localhost", "registry.localhost"])
def test_no_resolver_is_asked_for_this_machine_s_own_name(host: str) -> None:
    fact = asyncio.run(Net().ask_resolvers(case(host)))
    assert (fact.needed, fact.replies) == (False, ())


def test_a_name_that_a_proxy_resolves_is_left_to_it() -> None:
    proxied = case("registry.lab", RouteFact(proxy=ProxySetting(host="proxy.lab", port=3128)))
    fact = asyncio.run(Net().resolve(proxied))
    assert fact.ok
    assert not fact.needed
    asked = asyncio.run(Net().ask_resolvers(proxied))
    assert not asked.needed
    assert not asked.replies


def test_an_address_costs_no_dns_library() -> None:
    program = (
        "import asyncio, sys\n"
        "from doctor.model import Case, Facts, Hop, Target\n"
        "from doctor.net import Net\n"
        "hop = Hop('registry', '192.0.2.1', 443)\n"
        "case = Case(Target('t', None, hop), Facts(), hop)\n"
        "asyncio.run(Net().resolve(case)); asyncio.run(Net().ask_resolvers(case))\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'dns'])\n"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, env=path
    )
    assert json.loads(done.stdout) == [], done.stderr


# The files


def test_resolv_conf_as_glibc_and_go_read_it() -> None:
    found = resolvconf.parse(
        "# Generated by NetworkManager\n"
        "nameserver 10.0.0.1 # glued\n"
        "nameserver dns.corp\n"
        "nameserver fe80::1%eth0\n"
        "domain old.corp\n"
        "search Corp. lab\n"
        "options ndots:3 timeout:2\n"
        "options ndots:99\n"
        "nameserver 10.0.0.3\n"
        "nameserver 10.0.0.4\n"
    )
    assert [(s.address, s.line) for s in found.nameservers] == [
        ("10.0.0.1", 2),
        ("fe80::1%eth0", 4),
        ("10.0.0.3", 9),
    ]
    assert found.ignored == ("10.0.0.4",)
    assert found.unusable == ("line 3: dns.corp",)
    assert found.search == ("corp", "lab")
    assert found.ndots == 15
    assert found.manager == "NetworkManager"
    assert not found.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "empty"), ("\n \n", "empty"), ("# nothing", "no nameserver line")],
)
def test_a_resolv_conf_without_a_resolver(text: str, problem: str) -> None:
    assert resolvconf.parse(text).problem == problem


def test_a_resolv_conf_that_cannot_be_read(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    assert resolvconf.configuration(tmp_path).problem == "missing"
    (etc / "resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    dangling = resolvconf.configuration(tmp_path)
    assert (dangling.problem, dangling.manager) == ("dangling link", "systemd-resolved")
    (etc / "resolv.conf").unlink()
    (etc / "resolv.conf").mkdir()
    assert resolvconf.configuration(tmp_path).problem.startswith("unreadable")


def test_links_stay_below_the_root(tmp_path: Path) -> None:
    etc, run = tmp_path / "root/etc", tmp_path / "root/run"
    etc.mkdir(parents=True)
    run.mkdir()
    (run / "stub").write_text("nameserver 10.0.0.1\n")
    (etc / "resolv.conf").symlink_to("/run/stub")
    found = resolvconf.configuration(tmp_path / "root")
    assert [s.address for s in found.nameservers] == ["10.0.0.1"]
    (tmp_path / "outside").write_text("nameserver 10.6.6.6\n")
    (etc / "resolv.conf").unlink()
    (etc / "resolv.conf").symlink_to("../../outside")
    assert not resolvconf.configuration(tmp_path / "root").nameservers


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/hosts")
    assert resolvconf.pins("registry.corp", tmp_path) == ()


def test_hosts_lines_by_number() -> None:
    text = (
        "127.0.0.1 localhost\n"
        "#10.0.0.1 registry.corp\n"
        "10.0.0.2 git.corp REGISTRY.corp. # comment\n"
        "10.0.0.3 my-registry.corp\n"
        "not-an-address registry.corp\n"
        "fd00::2\tregistry.corp\n"
    )
    found = resolvconf.parse_hosts(text, "registry.corp")
    assert [(line.line, line.address) for line in found] == [(3, "10.0.0.2"), (6, "fd00::2")]
    assert found[0].names == ("git.corp", "REGISTRY.corp.")


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("hosts: files dns\n", ("files", "dns")),
        (
            "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # x\n",
            ("files", "mdns4_minimal", "dns"),
        ),
        ("passwd: files\n# hosts: dns\n", ()),
        ("hosts: mymachines resolve [!UNAVAIL=return] files\n", ("mymachines", "resolve", "files")),
    ],
)
def test_nsswitch(text: str, sources: tuple[str, ...]) -> None:
    assert resolvconf.parse_nsswitch(text) == sources


def test_when_search_domains_are_tried() -> None:
    found = resolvconf.parse("nameserver 10.0.0.1\nsearch corp lab\noptions ndots:2\n")
    assert resolvconf.expansions("a.b", found, failed=False) == ("a.b.corp", "a.b.lab")
    assert resolvconf.expansions("a.b.c", found, failed=False) == ()
    assert resolvconf.expansions("a.b.c", found, failed=True) == ("a.b.c.corp", "a.b.c.lab")
    assert resolvconf.expansions("a.b.", found, failed=True) == ()


@given(st.text())
def test_any_text_is_a_resolv_conf(text: str) -> None:
    found = resolvconf.parse(text)
    assert len(found.nameservers) <= 3
    assert bool(found.problem) == (not found.nameservers)
    for server in found.nameservers:
        ipaddress.ip_address(server.address)


@given(st.text(), st.text(alphabet="ab.#\n ", max_size=8))
def test_any_text_is_a_hosts_file(text: str, host: str) -> None:
    for line in resolvconf.parse_hosts(text, host):
        ipaddress.ip_address(line.address)
        assert host.rstrip(".").lower() in (name.rstrip(".").lower() for name in line.names)
    resolvconf.parse_nsswitch(text)


def test_names_that_are_given_are_neither_asked_of_the_system_nor_of_a_resolver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the system was asked")

    def look_up(host: str, port: int) -> tuple[tuple[str, ...], str]:
        if host != "registry.lab":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ("127.0.0.1",), host

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    net = Net(look_up=look_up)
    found = asyncio.run(net.resolve(case("registry.lab")))
    assert (found.outcome, found.addresses) == ("answered", ("127.0.0.1",))
    assert not asyncio.run(net.ask_resolvers(case("registry.lab"))).needed
    missing = asyncio.run(Net(look_up=look_up).resolve(case("other.lab")))
    assert (missing.outcome, missing.addresses) == ("no-name", ())
