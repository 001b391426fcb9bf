"""Fact literals in, codes out: what connection attempts prove, and what only looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.checks import addresses, tcp
from doctor.facts.dns import DnsFact, HostsLine
from doctor.facts.proxy import Candidate, ProxySetting, RouteFact
from doctor.facts.tcp import AddressesFact, Attempt, Outcome, TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Target

REGISTRY = Hop("registry", "registry.corp", 443)
FOUR, FOUR_TOO, SIX, SIX_TOO = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
GOOD = Attempt(address=FOUR, ms=8.0)


def bad(address: str, outcome: Outcome, errno: int | None = None, ms: float = 3000.0) -> Attempt:
    return Attempt(address=address, outcome=outcome, errno=errno, ms=ms)


def judged(*facts: Fact, hop: Hop = REGISTRY) -> dict[str, Finding]:
    target = Target(text="registry.corp/app:1", reference=None, registry=REGISTRY)
    case = Case(target, Facts((hop, fact) for fact in facts), hop)
    found = [*tcp.judge(case), *addresses.judge(case)]
    assert len({finding.code for finding in found}) == len(found)
    assert all(finding.hop == hop for finding in found)
    return {finding.code: finding for finding in found}


def ended(*attempts: Attempt) -> tuple[Fact, ...]:
    return TcpFact(port=443, attempts=attempts), AddressesFact(port=443, attempts=attempts)


@pytest.mark.parametrize(
    ("outcome", "errno", "code"),
    [
        ("refused", 111, "tcp.refused"),
        ("timeout", None, "tcp.timeout"),
        ("timeout", 110, "tcp.timeout"),
        ("unreachable", 113, "tcp.unreachable"),
        ("no-route", 101, "tcp.unreachable"),
        ("prohibited", 13, "tcp.unreachable"),
        ("blackholed", 22, "tcp.unreachable"),
        ("no-ports", 99, "tcp.unreachable"),
        ("other", 71, "tcp.unreachable"),
        ("reset", 104, "tcp.reset"),
    ],
)
def test_one_address_fails(outcome: Outcome, errno: int | None, code: str) -> None:
    found = judged(*ended(bad(FOUR, outcome, errno)))
    assert list(found) == [code]
    evidence = found[code].evidence
    assert evidence["port"] == 443
    assert evidence["attempts"][0]["address"] == FOUR
    assert evidence["attempts"][0].get("errno") == errno
    assert evidence["attempts"][0]["ms"] == 3000.0


def test_a_reset_while_connecting_is_told_in_full() -> None:
    assert judged(*ended(bad(FOUR, "reset", 104)))["tcp.reset"].params["when"] == "at once"


def test_one_address_works() -> None:
    assert judged(*ended(GOOD)) == {}


def test_nobody_looked() -> None:
    assert judged() == {}


def test_a_proxy_connects_in_our_place() -> None:
    assert judged(TcpFact(needed=False), AddressesFact(needed=False)) == {}


@pytest.mark.parametrize(
    ("attempts", "code"),
    [
        ((bad(FOUR, "timeout"), bad(SIX, "no-route", 101)), "tcp.timeout"),
        ((bad(FOUR, "refused"), bad(SIX, "timeout")), "tcp.refused"),
        ((bad(FOUR, "timeout"), bad(FOUR_TOO, "refused")), "tcp.refused"),
        (
            (bad(FOUR, "timeout"), bad(FOUR_TOO, "timeout"), bad("192.0.2.3", "refused")),
            "tcp.timeout",
        ),
        ((bad(SIX, "refused"),), "tcp.refused"),
    ],
)
def test_several_outcomes_come_to_one_code(attempts: tuple[Attempt, ...], code: str) -> None:
    assert list(judged(*ended(*attempts))) == [code]


def test_the_list_to_allow_names_every_host_of_the_path_but_the_proxies() -> None:
    token, proxy = Hop("token", "auth.corp", 443), Hop("proxy", "proxy.corp", 3128, "http")
    target = Target(text="registry.corp", reference=None, registry=REGISTRY)
    facts = Facts(
        [
            (proxy, RouteFact()),
            (REGISTRY, RouteFact()),
            (token, RouteFact()),
            (token, TcpFact(attempts=(bad(FOUR, "timeout"),))),
        ]
    )
    (finding,) = tcp.judge(Case(target, facts, token))
    assert finding.params["allow"] == "auth.corp:443, registry.corp:443"


def test_a_proxy_that_is_known_is_named() -> None:
    known = Candidate(setting=ProxySetting(host="proxy.corp", port=3128, origin="ALL_PROXY"))
    found = judged(*ended(bad(FOUR, "timeout")), RouteFact(candidates=(known,)))
    assert found["tcp.timeout"].params["proxy_known"] == "http://proxy.corp:3128"


# ── cut before TLS ─────────────────────────────────────────────────────────────────────────────

CUT = TlsFact(outcome="reset", quiet_stays_open=False)


def test_cut_although_nothing_was_said() -> None:
    found = judged(*ended(GOOD), CUT)
    assert list(found) == ["tcp.reset"]
    assert found["tcp.reset"].evidence["peer"] == FOUR
    assert "nothing was sent" in found["tcp.reset"].evidence["when"]


@pytest.mark.parametrize(
    "tls",
    [
        replace(CUT, quiet_stays_open=True),
        replace(CUT, quiet_stays_open=None),
        TlsFact(needed=False, quiet_stays_open=False),
    ],
)
def test_not_cut_before_tls(tls: TlsFact) -> None:
    assert judged(*ended(GOOD), tls) == {}


# ── some of several ────────────────────────────────────────────────────────────────────────────


def test_one_of_two_is_dead() -> None:
    found = judged(*ended(GOOD, bad(FOUR_TOO, "timeout")))
    assert list(found) == ["tcp.some-addresses-fail"]
    finding = found["tcp.some-addresses-fail"]
    assert finding.severity is None
    assert [a["outcome"] for a in finding.evidence["attempts"]] == ["connected", "timeout"]
    assert finding.params["addresses"] == FOUR_TOO
    assert finding.params["working"] == FOUR


def test_what_had_not_ended_is_not_dead() -> None:
    first = TcpFact(attempts=(GOOD, bad(FOUR_TOO, "pending")))
    assert judged(first) == {}
    late = AddressesFact(attempts=(GOOD, replace(GOOD, address=FOUR_TOO)))
    assert judged(first, late) == {}
    dead = AddressesFact(attempts=(GOOD, bad(FOUR_TOO, "refused")))
    assert list(judged(first, dead)) == ["tcp.some-addresses-fail"]


def test_dead_addresses_from_the_hosts_file_are_said_to_be() -> None:
    pinned = DnsFact(addresses=(FOUR, FOUR_TOO), pins=(HostsLine("/etc/hosts", 3, FOUR_TOO),))
    found = judged(*ended(GOOD, bad(FOUR_TOO, "timeout")), pinned)
    assert found["tcp.some-addresses-fail"].params["pinned"]


# ── IPv6 ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", ["timeout", "refused", "unreachable", "blackholed"])
def test_ipv6_fails_and_ipv4_works(outcome: Outcome) -> None:
    found = judged(*ended(bad(SIX, outcome), bad(SIX_TOO, outcome), GOOD))
    assert list(found) == ["tcp.ipv6-broken"]
    finding = found["tcp.ipv6-broken"]
    assert finding.severity == "warning"
    assert [a["address"] for a in finding.evidence["ipv6"]] == [SIX, SIX_TOO]
    assert [a["outcome"] for a in finding.evidence["ipv4"]] == ["connected"]


def test_a_machine_without_ipv6_is_no_fault() -> None:
    found = judged(*ended(bad(SIX, "no-route", 101, ms=0.1), GOOD))
    assert found["tcp.ipv6-broken"].severity == "info"


def test_one_of_two_ipv6_addresses() -> None:
    works = replace(GOOD, address=SIX_TOO)
    assert list(judged(*ended(bad(SIX, "timeout"), works, GOOD))) == ["tcp.some-addresses-fail"]


def test_both_families_have_dead_addresses() -> None:
    found = judged(*ended(bad(SIX, "timeout"), bad(FOUR_TOO, "timeout"), GOOD))
    assert list(found) == ["tcp.ipv6-broken", "tcp.some-addresses-fail"]
    assert found["tcp.some-addresses-fail"].params["addresses"] == FOUR_TOO


@pytest.mark.parametrize("outcome", ["timeout", "no-route", "unreachable"])
def test_there_is_no_ipv4_to_fall_back_to(outcome: Outcome) -> None:
    found = judged(*ended(bad(SIX, outcome), bad(SIX_TOO, outcome)))
    assert list(found) == ["tcp.ipv6-broken"]
    assert found["tcp.ipv6-broken"].severity == "error"


def test_an_ipv6_address_given_as_such_is_no_name_with_ipv6_addresses() -> None:
    hop = Hop("registry", SIX, 443)
    assert list(judged(*ended(bad(SIX, "no-route", 101)), hop=hop)) == ["tcp.unreachable"]


def test_a_server_that_listens_on_one_loopback_address_is_healthy() -> None:
    hop = Hop("registry", "localhost", 5000, "http")
    attempts = (bad("::1", "refused", 111), replace(GOOD, address="127.0.0.1"))
    assert judged(*ended(*attempts), hop=hop) == {}
