"""Fact literals in, codes out: what the name checks conclude from what was seen, and from what only
looks like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, get_args

import pytest

from doctor.checks import dns, resolvers
from doctor.facts.dns import DnsFact, HostsLine
from doctor.facts.registry import ApiFact
from doctor.facts.resolvers import (
    ExtendedError,
    Nameserver,
    Outcome,
    Reply,
    ResolverConfiguration,
    ResolversFact,
)
from doctor.facts.tcp import Attempt, TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Severity, Target

HOST = "registry.corp"
ONE, TWO = "10.0.0.2", "10.0.0.3"
PUBLIC, PRIVATE = "93.184.216.34", "10.1.2.3"
DEAD_TCP = TcpFact(attempts=(Attempt(address=PUBLIC, outcome="refused"),))
GOOD_TCP = TcpFact(attempts=(Attempt(address=PUBLIC),))
BAD_TLS = TlsFact(outcome="alert", alert=112)


def findings(*facts: Fact, host: str = HOST, text: str = "") -> dict[str, Finding]:
    hop = Hop("registry", host, 443)
    target = Target(text=text or f"{host}/team/app:1", reference=None, registry=hop)
    case = Case(target, Facts((None if isinstance(f, ApiFact) else hop, f) for f in facts), hop)
    found = [*dns.judge(case), *resolvers.judge(case)]
    assert len({f.code for f in found}) == len(found)
    return {finding.code: finding for finding in found}


def severity(finding: Finding) -> Severity:
    """With the code's default where the judge sets none."""
    defaults = {"dns.resolver-down": "warning", "dns.slow": "warning"}
    return finding.severity or cast(Severity, defaults.get(finding.code, "error"))


def replies(outcome: Outcome, *addresses: str, at: str = ONE, **more: Any) -> tuple[Reply, ...]:
    """A and AAAA of one resolver, the same outcome for both; addresses go to their family."""
    four = tuple(a for a in addresses if ":" not in a)
    six = tuple(a for a in addresses if ":" in a)
    blank = Reply(resolver=at, name=HOST, outcome=outcome, **more)
    return (
        replace(blank, type="A", addresses=four),
        replace(
            blank, type="AAAA", addresses=six, outcome=outcome if six or not four else "no-data"
        ),
    )


def asked(*parts: tuple[Reply, ...], **more: Any) -> ResolversFact:
    found = tuple(reply for part in parts for reply in part)
    servers = tuple(dict.fromkeys(reply.resolver for reply in found))
    named = tuple(Nameserver(address, line) for line, address in enumerate(servers, 1))
    more.setdefault("configuration", ResolverConfiguration(nameservers=named))
    return ResolversFact(name=HOST, replies=found, **more)


def system(*addresses: str, **more: Any) -> DnsFact:
    return DnsFact(name=HOST, addresses=addresses, ms=4.0, **more)


def failed(outcome: str = "no-name", code: int = -2) -> DnsFact:
    return DnsFact(
        name=HOST, outcome=cast(Any, outcome), code=code, message="its own words", ms=4.0
    )


# A name that resolves


def test_a_healthy_name_says_nothing() -> None:
    assert not findings(system(PUBLIC), asked(replies("addresses", PUBLIC)))


def test_an_address_a_proxied_hop_and_a_blocked_probe_say_nothing() -> None:
    assert not findings(DnsFact(name=PUBLIC, literal=True, addresses=(PUBLIC,)))
    assert not findings(DnsFact(name=HOST, needed=False), ResolversFact(needed=False))
    assert not findings()


def test_a_private_address_of_a_private_registry_is_no_sinkhole() -> None:
    assert not findings(system(PRIVATE), asked(replies("addresses", PRIVATE)), DEAD_TCP)


# A name that does not


@pytest.mark.parametrize(
    ("outcome", "rcode", "code"),
    [
        ("nxdomain", "NXDOMAIN", "dns.nxdomain"),
        ("no-data", "NOERROR", "dns.no-address"),
        ("dangling", "NXDOMAIN", "dns.no-address"),
        ("cname-loop", "NOERROR", "dns.cname-loop"),
        ("servfail", "SERVFAIL", "dns.servfail"),
        ("misbehaving", "NOTIMP", "dns.servfail"),
        ("lame", "NOERROR", "dns.servfail"),
        ("refused", "REFUSED", "dns.refused"),
        ("timeout", "", "dns.timeout"),
        ("port-closed", "", "dns.timeout"),
        ("unreachable", "", "dns.timeout"),
        ("malformed", "", "dns.timeout"),
        ("tcp-blocked", "NOERROR", "dns.tcp-blocked"),
    ],
)
def test_the_outcome_at_the_resolver_names_the_cause(
    outcome: Outcome, rcode: str, code: str
) -> None:
    found = findings(failed(), asked(replies(outcome, rcode=rcode)))
    assert list(found) == [code]
    assert severity(found[code]) == "error"
    evidence = found[code].evidence
    assert evidence["resolvers"][0]["resolver"] == ONE
    assert evidence["resolvers"][0]["outcome"] == outcome
    assert evidence["system"]["message"] == "its own words"


def test_every_outcome_has_a_code() -> None:
    for outcome in get_args(Outcome):
        assert findings(failed(), asked(replies(outcome)))


def test_an_alias_of_a_missing_name_is_no_missing_name() -> None:
    chain = (HOST, "edge.cdn.example")
    found = findings(failed(), asked(replies("dangling", rcode="NXDOMAIN", chain=chain)))
    assert list(found) == ["dns.no-address"]
    assert found["dns.no-address"].params["alias_end"] == "edge.cdn.example"


def test_the_first_final_answer_decides_and_silence_does_not() -> None:
    found = findings(failed(), asked(replies("timeout"), replies("nxdomain", at=TWO)))
    assert set(found) == {"dns.nxdomain", "dns.resolver-down"}
    assert found["dns.nxdomain"].params["resolver"] == TWO
    assert severity(found["dns.resolver-down"]) == "warning"


def test_servfail_that_goes_away_without_validation_is_dnssec() -> None:
    bad = asked(replies("servfail"), unvalidated=replies("addresses", PUBLIC))
    assert findings(failed("again"), bad)["dns.servfail"].params["dnssec"] == "yes"
    same = asked(replies("servfail"), unvalidated=replies("servfail"))
    assert "dnssec" not in findings(failed("again"), same)["dns.servfail"].params


def test_servfail_over_a_circle_of_aliases_is_the_circle() -> None:
    round_trip = (HOST, "a.corp", HOST)
    found = findings(failed("again"), asked(replies("servfail"), walked=round_trip))
    assert list(found) == ["dns.cname-loop"]
    assert found["dns.cname-loop"].evidence["chain"] == list(round_trip)
    straight = findings(failed("again"), asked(replies("servfail"), walked=(HOST, "a.corp")))
    assert list(straight) == ["dns.servfail"]


def test_refused_with_ede_prohibited_is_no_filter() -> None:
    ede = (ExtendedError(18, "not for you"),)
    found = findings(failed("again"), asked(replies("refused", ede=ede)))
    assert list(found) == ["dns.refused"]
    assert "not for you" in found["dns.refused"].params["ede"]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("no-name", "dns.nxdomain"),
        ("no-data", "dns.no-address"),
        ("again", "dns.servfail"),
        ("timeout", "dns.timeout"),
    ],
)
def test_a_failure_that_no_resolver_explains_is_only_possible(outcome: str, code: str) -> None:
    found = findings(failed(outcome), asked(replies("addresses", PUBLIC, "2606:2800::1")))
    assert list(found) == [code]
    assert found[code].confidence == "possible"


def test_a_host_that_no_query_can_carry_does_not_exist() -> None:
    found = findings(failed("not-a-name"), asked(problem="A DNS label is > 63 octets long."))
    assert found["dns.nxdomain"].confidence == "certain"


def test_musl_fails_where_one_family_fails() -> None:
    half = (replies("addresses", PUBLIC)[0], replies("nxdomain", rcode="NXDOMAIN")[1])
    assert list(findings(failed(), asked(half))) == ["dns.nxdomain"]


def test_a_mistyped_registry_is_suggested_and_a_strange_name_is_not() -> None:
    gone = asked(replies("nxdomain"))
    near = findings(failed(), gone, host="ghcr.oi", text="ghcr.oi/org/app:1")["dns.nxdomain"]
    assert near.params["nearest_target"] == "ghcr.io/org/app:1"
    for host in ("registry.corp", "registry.example.com", "gitlab.com"):
        assert "nearest" not in findings(failed(), gone, host=host)["dns.nxdomain"].params


# No resolver


@pytest.mark.parametrize("problem", ["missing", "empty", "no nameserver line", "unreadable: x"])
def test_no_resolver_where_none_is_configured_and_none_answers(problem: str) -> None:
    none = ResolverConfiguration(problem=problem, unusable=("line 1: dns.corp",))
    quiet = asked(
        replies("port-closed", at="127.0.0.1"),
        replies("port-closed", at="::1"),
        configuration=none,
    )
    found = findings(failed("again"), quiet)
    assert list(found) == ["dns.no-resolver"]
    assert found["dns.no-resolver"].evidence["problem"] == problem
    assert "line 1: dns.corp" in found["dns.no-resolver"].params["lacks"]


def test_an_empty_configuration_with_a_resolver_on_this_machine_is_fine() -> None:
    none = ResolverConfiguration(problem="empty")
    local = asked(
        replies("addresses", PUBLIC, at="127.0.0.1"),
        replies("port-closed", at="::1"),
        configuration=none,
    )
    assert not findings(system(PUBLIC), local)
    gone = asked(replies("nxdomain", at="127.0.0.1"), configuration=none)
    assert list(findings(failed(), gone)) == ["dns.nxdomain"]


def test_nsswitch_without_dns_is_no_resolver() -> None:
    answers = asked(replies("addresses", PUBLIC))
    alone = replace(failed(), sources=("files", "myhostname"))
    assert list(findings(alone, answers)) == ["dns.no-resolver"]
    for sources in (("files", "dns"), ("mymachines", "resolve", "files"), ("files", "sss"), ()):
        other = findings(replace(failed(), sources=sources), answers)
        assert list(other) == ["dns.nxdomain"]


# Resolvers compared


def test_a_dead_resolver_beside_a_living_one_is_a_warning() -> None:
    found = findings(
        system(PUBLIC), asked(replies("timeout"), replies("addresses", PUBLIC, at=TWO))
    )
    assert list(found) == ["dns.resolver-down"]
    assert severity(found["dns.resolver-down"]) == "warning"
    assert found["dns.resolver-down"].params["sed"] == "1s/^/# /"


def test_a_resolver_that_cannot_be_reached_at_all_costs_no_time() -> None:
    found = findings(
        system(PUBLIC), asked(replies("addresses", PUBLIC), replies("unreachable", at="fd00::1"))
    )
    assert severity(found["dns.resolver-down"]) == "info"


def test_a_resolver_that_gives_up_beside_one_that_works_is_a_warning() -> None:
    for outcome, code in (("servfail", "dns.servfail"), ("refused", "dns.refused")):
        both = asked(replies(cast(Outcome, outcome)), replies("addresses", PUBLIC, at=TWO))
        found = findings(system(PUBLIC), both)
        assert list(found) == [code]
        assert severity(found[code]) == "warning"
        assert found[code].params["family"] == ""


def test_one_broken_family_is_a_warning_for_other_clients() -> None:
    half = (replies("addresses", PUBLIC)[0], replies("servfail", rcode="SERVFAIL")[1])
    found = findings(system(PUBLIC), asked(half))
    assert severity(found["dns.servfail"]) == "warning"
    assert found["dns.servfail"].params["family"] == "AAAA"


def test_resolvers_that_disagree_about_existence() -> None:
    split = asked(replies("addresses", PRIVATE), replies("nxdomain", at=TWO, rcode="NXDOMAIN"))
    works = findings(system(PRIVATE), split)
    assert list(works) == ["dns.resolvers-disagree"]
    assert severity(works["dns.resolvers-disagree"]) == "warning"
    denied = asked(replies("nxdomain", rcode="NXDOMAIN"), replies("addresses", PRIVATE, at=TWO))
    fails = findings(failed(), denied)
    assert list(fails) == ["dns.resolvers-disagree"]
    assert severity(fails["dns.resolvers-disagree"]) == "error"
    assert fails["dns.resolvers-disagree"].params["sed"] == "1s/^/# /"


def test_a_private_and_a_public_answer_disagree() -> None:
    split = asked(replies("addresses", PRIVATE), replies("addresses", PUBLIC, at=TWO))
    assert list(findings(system(PRIVATE), split)) == ["dns.resolvers-disagree"]


@pytest.mark.parametrize(
    "other",
    [
        (PUBLIC, "93.184.216.35"),
        ("93.184.216.35", PUBLIC),
        ("151.101.1.1",),
        (PUBLIC, PRIVATE),
    ],
)
def test_rotated_and_reordered_addresses_are_no_disagreement(other: tuple[str, ...]) -> None:
    both = asked(
        replies("addresses", PUBLIC, "93.184.216.35"), replies("addresses", *other, at=TWO)
    )
    assert not findings(system(PUBLIC), both)


def test_silence_is_no_disagreement() -> None:
    both = asked(replies("addresses", PUBLIC), replies("timeout", at=TWO))
    assert "dns.resolvers-disagree" not in findings(system(PUBLIC), both)


def test_blocked_tcp_is_an_error_only_where_nothing_was_found() -> None:
    cut = replies("tcp-blocked", truncated=True, transport="tcp", error="timed out")
    fails = findings(failed("timeout"), asked(cut))
    assert list(fails) == ["dns.tcp-blocked"]
    assert severity(fails["dns.tcp-blocked"]) == "error"
    works = findings(system(PUBLIC), asked(replies("addresses", PUBLIC), small=cut))
    assert severity(works["dns.tcp-blocked"]) == "warning"
    assert works["dns.tcp-blocked"].params["fits"] == "yes"


def test_a_truncated_answer_that_tcp_completes_is_fine() -> None:
    whole = replies("addresses", PUBLIC, truncated=True, transport="tcp")
    assert not findings(system(PUBLIC), asked(whole))


def test_slow_names_where_the_time_goes() -> None:
    late = replace(system(PUBLIC), ms=5004.0)
    found = findings(late, asked(replies("timeout"), replies("addresses", PUBLIC, at=TWO)))
    assert set(found) == {"dns.slow", "dns.resolver-down"}
    assert found["dns.slow"].params["dead"] == ONE
    half = (replies("addresses", PUBLIC)[0], replies("timeout")[1])
    assert findings(late, asked(half))["dns.slow"].params["silent_family"] == "AAAA"
    assert "dns.slow" not in findings(replace(late, ms=900.0), asked(half))


# Another host's address


def pinned(address: str = PRIVATE, *names: str) -> DnsFact:
    line = HostsLine("/etc/hosts", 12, address, names or (HOST,))
    return system(address, pins=(line,))


def test_a_pinned_address_that_dns_does_not_give_is_a_warning() -> None:
    found = findings(pinned(), asked(replies("addresses", PUBLIC)), GOOD_TCP)
    assert list(found) == ["dns.hosts-override"]
    override = found["dns.hosts-override"]
    assert severity(override) == "warning"
    assert override.evidence["pinned"] == [{"file": "/etc/hosts", "line": 12, "address": PRIVATE}]
    assert override.evidence["dns_answer"] == [PUBLIC]


@pytest.mark.parametrize(
    ("facts", "confidence"),
    [
        ((DEAD_TCP,), "likely"),
        ((GOOD_TCP, BAD_TLS), "certain"),
        ((GOOD_TCP, ApiFact()), "likely"),
    ],
)
def test_it_is_an_error_where_what_follows_fails(facts: tuple[Fact, ...], confidence: str) -> None:
    found = findings(pinned(), asked(replies("addresses", PUBLIC)), *facts)
    assert severity(found["dns.hosts-override"]) == "error"
    assert found["dns.hosts-override"].confidence == confidence


def test_a_pin_for_a_name_that_dns_does_not_have_is_meant() -> None:
    found = findings(pinned(), asked(replies("nxdomain")), DEAD_TCP)
    assert severity(found["dns.hosts-override"]) == "info"


def test_pins_that_change_nothing_say_nothing() -> None:
    assert not findings(pinned(PUBLIC), asked(replies("addresses", PUBLIC)), DEAD_TCP)
    assert not findings(pinned(), asked(replies("timeout")), DEAD_TCP)
    unused = system(PUBLIC, pins=(HostsLine("/etc/hosts", 3, PRIVATE, (HOST,)),))
    assert not findings(unused, asked(replies("addresses", PUBLIC)), DEAD_TCP)


def test_localhost_is_no_override() -> None:
    line = HostsLine("/etc/hosts", 1, "127.0.0.1", ("localhost",))
    here = DnsFact(name="localhost", addresses=("127.0.0.1",), pins=(line,))
    assert not findings(here, asked(replies("nxdomain")), DEAD_TCP, host="localhost")


def test_a_blocking_hosts_line_is_the_hosts_file_and_no_sinkhole() -> None:
    found = findings(pinned("0.0.0.0"), asked(replies("addresses", PUBLIC)), DEAD_TCP)
    assert list(found) == ["dns.hosts-override"]


def test_the_edit_keeps_the_other_names_of_the_line() -> None:
    answer = asked(replies("addresses", PUBLIC))
    alone = findings(pinned(PRIVATE, HOST), answer)["dns.hosts-override"]
    assert alone.params["sed"] == "12s/^/# /"
    shared = findings(pinned(PRIVATE, HOST, "git.corp"), answer)["dns.hosts-override"]
    assert shared.params["sed"] == f"12s/.*/{PRIVATE} git.corp/"
    hostile = findings(pinned(PRIVATE, HOST, "a/;w"), answer)["dns.hosts-override"]
    assert hostile.params["sed"] == "12s/^/# /"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1", "127.4.5.6", "::1"])
def test_an_address_that_is_no_other_host_is_a_sinkhole(address: str) -> None:
    found = findings(system(address), asked(replies("addresses", address)), DEAD_TCP)
    assert list(found) == ["dns.sinkholed"]
    assert address in found["dns.sinkholed"].evidence["why"]


def test_a_loopback_address_that_works_is_somebody_s_tunnel() -> None:
    local = asked(replies("addresses", "127.0.0.1"))
    assert not findings(system("127.0.0.1"), local, GOOD_TCP)
    name = DnsFact(name="registry.localhost", addresses=("127.0.0.1",))
    assert not findings(name, local, DEAD_TCP, host="registry.localhost")


@pytest.mark.parametrize("code", [4, 15, 16, 17])
def test_the_resolver_s_own_word_for_a_filter(code: int) -> None:
    ede = (ExtendedError(code, "policy"),)
    no_answer = findings(failed(), asked(replies("nxdomain", ede=ede)))
    assert list(no_answer) == ["dns.sinkholed"]
    false_answer = findings(system(PUBLIC), asked(replies("addresses", PUBLIC, ede=ede)))
    assert list(false_answer) == ["dns.sinkholed"]
    assert "policy" in false_answer["dns.sinkholed"].params["why"]


@pytest.mark.parametrize("code", [3, 6, 22, 29])
def test_other_extended_errors_are_no_filter(code: int) -> None:
    plain = asked(replies("addresses", PUBLIC, ede=(ExtendedError(code),)))
    assert not findings(system(PUBLIC), plain, DEAD_TCP)


def test_an_answer_for_a_name_that_cannot_exist_proves_substitution() -> None:
    same = Reply(name="4f.invalid", outcome="addresses", addresses=(PUBLIC,))
    portal = asked(replies("addresses", PUBLIC), random=same)
    assert list(findings(system(PUBLIC), portal, GOOD_TCP, BAD_TLS)) == ["dns.sinkholed"]
    assert not findings(
        system(PUBLIC), portal, GOOD_TCP, ApiFact(elsewhere=Hop("registry", "x", 1))
    )
    gone = Reply(name="4f.invalid", outcome="nxdomain")
    honest = asked(replies("addresses", PUBLIC), random=gone)
    assert not findings(system(PUBLIC), honest, GOOD_TCP, BAD_TLS)


def test_a_private_address_for_a_public_registry_is_likely_a_filter() -> None:
    answer = asked(replies("addresses", PRIVATE))
    for host in ("ghcr.io", "registry-1.docker.io", "europe-docker.pkg.dev"):
        fact = replace(system(PRIVATE), name=host)
        found = findings(fact, answer, DEAD_TCP, host=host)
        assert found["dns.sinkholed"].confidence == "likely"
        assert not findings(fact, answer, GOOD_TCP, host=host)
    for host in ("notghcr.io", "team.azurecr.io", "1.dkr.ecr.eu-west-1.amazonaws.com"):
        assert not findings(replace(system(PRIVATE), name=host), answer, DEAD_TCP, host=host)


def test_a_private_link_is_no_sinkhole() -> None:
    chain = ("quay.io", "quay.privatelink.example.net")
    link = asked(replies("addresses", PRIVATE, chain=chain))
    fact = replace(system(PRIVATE), name="quay.io")
    assert not findings(fact, link, DEAD_TCP, host="quay.io")


def test_an_answer_through_a_search_domain() -> None:
    name = f"{HOST}.wild.corp"
    expanded = tuple(replace(r, name=name) for r in replies("addresses", PRIVATE))
    typo = asked(replies("nxdomain"), expanded=expanded)
    found = findings(system(PRIVATE), typo)
    assert list(found) == ["dns.search-domain"]
    assert severity(found["dns.search-domain"]) == "warning"
    assert found["dns.search-domain"].evidence["expanded"] == name
    assert found["dns.search-domain"].params["domain"] == "wild.corp"
    assert found["dns.search-domain"].params["expanded_target"] == f"{name}/team/app:1"
    error = findings(system(PRIVATE), typo, GOOD_TCP, BAD_TLS)
    assert severity(error["dns.search-domain"]) == "error"
    ndots = asked(replies("addresses", PUBLIC), expanded=expanded)
    assert findings(system(PRIVATE), ndots)["dns.search-domain"].params["ndots"] == "1"
    assert not findings(system(PUBLIC), ndots)
