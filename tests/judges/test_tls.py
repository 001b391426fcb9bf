"""Fact literals in, codes out: what the tls check concludes, and from what only looks like it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from doctor.causes import settle
from doctor.checks import tls
from doctor.codes import Book
from doctor.facts.dns import DnsFact
from doctor.facts.http import Answer
from doctor.facts.registry import ApiFact
from doctor.facts.tls import (
    Attempt,
    Certificate,
    ChainError,
    HttpPeek,
    IssuerFetch,
    Outcome,
    Staple,
    TimeReading,
    TlsFact,
    Verdict,
)
from doctor.facts.trust import CaFault, Insecure, Problem, TrustFact, TrustStore
from doctor.model import Case, Fact, Facts, Finding, Hop, Role, System, Target
from doctor.pki import errors, interception

HOST = "registry.corp.test"
HOP = Hop("registry", HOST, 443)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
TRUST = TrustFact(stores=(TrustStore("system", BUNDLE),))
BOOK = Book([("checks/tls.toml", (Path(tls.__file__).parent / "tls.toml").read_text())])

LEAF = Certificate(
    index=0,
    sha256="aa",
    subject=f"CN={HOST}",
    issuer="CN=Corp Intermediate",
    issuer_name="Corp Intermediate",
    common_name=HOST,
    dns_names=(HOST,),
    not_before="2026-10-01T00:00:00Z",
    not_after="2027-03-01T00:00:00Z",
    key_type="secp256r1",
    key_bits=256,
    signature="sha256",
    authority_key="0102",
)
MIDDLE = replace(
    LEAF,
    index=1,
    sha256="bb",
    subject="CN=Corp Intermediate",
    issuer="CN=Corp Root",
    issuer_name="Corp Root",
    common_name="Corp Intermediate",
    dns_names=(),
    ca=True,
    not_before="2020-01-01T00:00:00Z",
    not_after="2035-01-01T00:00:00Z",
)
ROOT = replace(
    MIDDLE, index=-1, sha256="cc", subject="CN=Corp Root", common_name="Corp Root", self_issued=True
)
PATH = (LEAF, MIDDLE, ROOT)


def verdict(
    *objections: tuple[int, int], path: tuple[Certificate, ...] = PATH, anchored: bool = True
) -> Verdict:
    return Verdict(
        paths=(BUNDLE,),
        ok=not objections,
        errors=tuple(ChainError(n, depth, errors.key(n)) for n, depth in objections),
        path=path,
        anchored=anchored,
        at="2026-11-23T12:00:00Z",
    )


def shaken(
    *objections: tuple[int, int],
    chain: tuple[Certificate, ...] = (LEAF, MIDDLE),
    path: tuple[Certificate, ...] | None = None,
    **more: Any,
) -> TlsFact:
    """A handshake that was done, with what this client holds against the chain."""
    unknown = any(number in errors.UNKNOWN_ISSUER for number, _ in objections)
    if path is None:
        path = chain if unknown else (*chain, ROOT)
    judged = verdict(*objections, path=path, anchored=not unknown)
    return TlsFact(name=HOST, version="TLSv1.3", chain=chain, verdicts=(judged,), **more)


GOOD = shaken()


def judged(
    fact: TlsFact | None,
    *,
    trust: TrustFact | None = TRUST,
    host: str = HOST,
    role: Role = "registry",
    client: str = "shell",
    system: System = "debian",
    others: tuple[tuple[Hop | None, Fact], ...] = (),
    now: datetime = NOW,
) -> dict[str, Finding]:
    registry = Hop("registry", host if role == "registry" else HOST, 443)
    hop = Hop(role, host, 443)
    target = Target(f"{HOST}/a:1", None, registry, now=now, client=client, system=system)
    facts = Facts(others)
    for own in (fact, trust):
        if own is not None:
            facts.add(own, hop)
    found = [BOOK.dress(finding, target) for finding in tls.judge(Case(target, facts, hop))]
    for finding in found:
        words = BOOK.get(finding.code)
        assert words is not None, finding.code
        assert finding.detail != words.means, f"{finding.code}: a param of its detail is missing"
        assert finding.remedies, f"{finding.code} has no remedy"
        assert finding.evidence
        assert all(isinstance(value, str) for value in finding.params.values())
    assert len({(f.code, f.subject) for f in found}) == len(found)
    return {finding.code: finding for finding in found}


def causes(found: dict[str, Finding]) -> list[str]:
    settled = settle(tuple(found.values()), BOOK.rules)
    return [finding.code for finding in settled if finding.root_cause]


def test_a_good_handshake_says_nothing() -> None:
    assert judged(GOOD) == {}


def test_no_fact_says_nothing() -> None:
    assert judged(None, trust=None) == {}
    assert judged(TlsFact(needed=False)) == {}
    assert judged(TlsFact(outcome="unreachable")) == {}


def test_a_private_root_is_an_unknown_authority_for_certain() -> None:
    found = judged(shaken((20, 1)))
    assert list(found) == ["tls.unknown-ca"]
    finding = found["tls.unknown-ca"]
    assert finding.confidence == "certain"
    assert "Corp Root" in finding.detail
    assert BUNDLE in finding.detail
    assert finding.evidence["stores"] == [BUNDLE]
    assert len(finding.evidence["chain"]) == 2


def test_on_a_system_whose_keychains_were_not_read_it_is_only_likely() -> None:
    found = judged(shaken((20, 1)), trust=replace(TRUST, complete=False), system="macos")
    assert found["tls.unknown-ca"].confidence == "likely"


def test_one_certificate_cannot_decide() -> None:
    found = judged(shaken((20, 0), chain=(LEAF,)))
    assert {code: f.confidence for code, f in found.items()} == {
        "tls.unknown-ca": "possible",
        "tls.incomplete-chain": "possible",
    }
    assert set(causes(found)) == set(found)
    assert "2 certificates or more are needed" in found["tls.incomplete-chain"].detail


def test_an_issuer_that_was_not_to_be_fetched_is_what_would_decide() -> None:
    url = "http://ca.test/i.der"
    for outcome, told in (("not fetched", True), ("HTTP 404", False)):
        fetch = IssuerFetch(url=url, outcome=outcome)
        found = judged(shaken((20, 0), chain=(LEAF,), fetches=(fetch,)))["tls.incomplete-chain"]
        steps = [step.text for remedy in found.remedies for step in remedy.steps]
        assert any(url in text for text in steps) is told


def test_a_ca_of_the_public_is_unknown_where_the_list_is_old_or_missing() -> None:
    """A container image without ca-certificates, most often."""
    for public, title in ((True, "Install the list of public authorities"), (False, "Add the CA")):
        found = judged(shaken((20, 1), public=public))["tls.unknown-ca"]
        assert found.remedies[0].title.startswith(title)


def test_a_fetched_issuer_that_completes_the_chain_decides() -> None:
    fetched = IssuerFetch(url="http://ca.test/i.der", outcome="fetched", sha256="bb")
    fact = shaken((20, 0), chain=(LEAF,), missing=(MIDDLE,), fetches=(fetched,))
    found = judged(fact)
    assert list(found) == ["tls.incomplete-chain"]
    finding = found["tls.incomplete-chain"]
    assert finding.confidence == "certain"
    assert finding.detail == (
        f"{HOP.name} sent 1 certificate; 2 certificates are needed to reach a root: "
        "Corp Intermediate is missing."
    )
    assert finding.evidence["verifies_with_it"] is True


def test_a_fetched_issuer_that_leads_nowhere_leaves_an_unknown_authority() -> None:
    fact = shaken((20, 0), chain=(LEAF,), beyond=(MIDDLE, ROOT))
    found = judged(fact)
    assert {code: f.confidence for code, f in found.items()} == {"tls.unknown-ca": "certain"}


def test_a_ca_that_was_made_anew_is_named() -> None:
    found = judged(shaken((20, 1), namesake=replace(ROOT, sha256="dd")))
    finding = found["tls.unknown-ca"]
    assert finding.evidence["same_name_other_key"]["sha256"] == "dd"
    assert finding.remedies[0].title.startswith("Replace the old certificate")
    assert "another Corp Root than the one trusted here" in finding.detail


def test_a_self_signed_certificate_is_not_also_an_unknown_authority() -> None:
    own = replace(LEAF, issuer=LEAF.subject, issuer_name=HOST, self_issued=True)
    assert list(judged(shaken((18, 0), chain=(own,)))) == ["tls.self-signed"]


def test_a_self_signed_default_is_recognised() -> None:
    own = replace(LEAF, subject="CN=TRAEFIK DEFAULT CERT", issuer="CN=TRAEFIK DEFAULT CERT")
    own = replace(own, self_issued=True, dns_names=("x.traefik.default",))
    found = judged(shaken((18, 0), (errors.HOST, 0), chain=(own,)))
    assert list(found) == ["tls.hostname-mismatch", "tls.self-signed"]
    assert [r.title for r in found["tls.self-signed"].remedies] == [
        f"Have {HOST} use a certificate of a real CA"
    ]
    assert "Traefik" in found["tls.self-signed"].evidence["known_default"]
    assert "Traefik" in found["tls.hostname-mismatch"].remedies[-1].steps[0].text


OLD_LEAF = replace(LEAF, not_before="2025-01-01T00:00:00Z", not_after="2026-11-01T00:00:00Z")


def reading(ahead_days: float, bound: bool = False, source: str = "Date of x:443") -> TimeReading:
    there = datetime.fromtimestamp(NOW.timestamp() + ahead_days * 86400, UTC)
    return TimeReading(
        source=source,
        there=there.strftime("%Y-%m-%dT%H:%M:%SZ"),
        here="2026-11-23T12:00:00Z",
        bound=bound,
        seconds_ahead=ahead_days * 86400,
    )


def expired(*clocks: TimeReading) -> TlsFact:
    return shaken((errors.EXPIRED, 0), chain=(OLD_LEAF, MIDDLE), clocks=clocks)


def test_an_expired_certificate_beside_a_right_clock() -> None:
    found = judged(expired(reading(0)))
    assert {code: f.confidence for code, f in found.items()} == {"tls.expired": "certain"}
    assert "2026-11-01" in found["tls.expired"].detail


def test_without_another_clock_it_is_likely_only() -> None:
    assert judged(expired())["tls.expired"].confidence == "likely"


def test_a_clock_that_is_ahead_explains_the_expiry() -> None:
    found = judged(expired(reading(-60)))
    assert set(found) == {"tls.clock-skew", "tls.expired"}
    assert found["tls.clock-skew"].severity == "error"
    assert found["tls.clock-skew"].confidence == "likely"
    assert "60 days ahead" in found["tls.clock-skew"].detail
    assert causes(found) == ["tls.clock-skew"]


def test_the_time_here_is_told_in_utc_wherever_here_is() -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    found = judged(expired(reading(-60)), now=tokyo)
    assert "The clock here says 2026-11-23T12:00:00Z;" in found["tls.clock-skew"].detail


def test_two_hosts_that_agree_make_it_sure() -> None:
    found = judged(expired(reading(-60), reading(-60, source="Date of y:443")))
    assert found["tls.clock-skew"].confidence == "certain"


def test_a_clock_that_is_wrong_but_explains_nothing_is_not_blamed() -> None:
    found = judged(expired(reading(-1)))
    assert list(found) == ["tls.expired"]


def test_a_clock_a_little_off_is_not_wrong() -> None:
    assert list(judged(expired(reading(-0.003)))) == ["tls.expired"]


def test_a_clock_from_before_the_release_of_our_roots_is_surely_wrong() -> None:
    young = replace(LEAF, not_before="2026-12-01T00:00:00Z")
    fact = shaken((errors.NOT_YET_VALID, 0), chain=(young, MIDDLE), clocks=(reading(30, True),))
    found = judged(fact)
    assert causes(found) == ["tls.clock-skew"]
    assert found["tls.clock-skew"].confidence == "certain"
    assert "at least 30 days behind" in found["tls.clock-skew"].detail


def test_not_yet_valid_with_a_right_clock() -> None:
    young = replace(LEAF, not_before="2026-12-01T00:00:00Z")
    fact = shaken((errors.NOT_YET_VALID, 0), chain=(young, MIDDLE), clocks=(reading(0),))
    assert list(judged(fact)) == ["tls.not-yet-valid"]


def test_two_unrelated_hosts_not_yet_valid_mean_the_clock() -> None:
    young = replace(LEAF, not_before="2026-12-01T00:00:00Z")
    fact = shaken((errors.NOT_YET_VALID, 0), chain=(young, MIDDLE))
    stranger = replace(young, issuer="CN=Other CA")
    other = shaken((errors.NOT_YET_VALID, 0), chain=(stranger, MIDDLE))
    token = Hop("token", "auth.test", 443)
    assert "tls.clock-skew" in judged(fact, others=((token, other),))
    assert "tls.clock-skew" not in judged(fact, others=((token, fact),))


def test_a_wrong_clock_that_hurts_nothing_yet_is_a_warning() -> None:
    said = Answer(hop=HOP, status=401, headers=(("date", "Mon, 23 Nov 2026 11:00:00 GMT"),))
    found = judged(GOOD, others=((None, ApiFact(answers=(said,))),))
    assert {code: f.severity for code, f in found.items()} == {"tls.clock-skew": "warning"}


def test_a_date_from_a_cache_is_no_clock() -> None:
    cached = (("date", "Mon, 23 Nov 2026 11:00:00 GMT"), ("age", "3600"))
    said = Answer(hop=HOP, status=401, headers=cached)
    assert judged(GOOD, others=((None, ApiFact(answers=(said,))),)) == {}


def test_an_expired_intermediate_is_not_the_servers_own() -> None:
    old = replace(MIDDLE, not_after="2026-11-01T00:00:00Z")
    found = judged(shaken((errors.EXPIRED, 1), chain=(LEAF, old)))
    assert list(found) == ["tls.intermediate-expired"]
    assert found["tls.intermediate-expired"].remedies[0].title.startswith("Have ")


def test_an_expired_root_of_ours_asks_for_a_newer_list() -> None:
    old = replace(ROOT, not_after="2026-11-01T00:00:00Z")
    for public, title in ((True, "Update the trust store"), (False, "Install the CA's new root")):
        found = judged(shaken((errors.EXPIRED, 2), path=(LEAF, MIDDLE, old), public=public))
        assert found["tls.intermediate-expired"].remedies[0].title.startswith(title)


def test_a_name_that_is_not_covered_names_the_nearest() -> None:
    other = replace(LEAF, dns_names=("registri.corp.test", "www.corp.test"))
    found = judged(shaken((errors.HOST, 0), chain=(other, MIDDLE)))
    finding = found["tls.hostname-mismatch"]
    assert finding.evidence["nearest"] == "registri.corp.test"
    assert finding.remedies[0].title == "Pull by the name registri.corp.test"


def test_a_wildcard_is_no_name_to_pull_by() -> None:
    star = replace(LEAF, dns_names=("reg*.corp.test",))
    finding = judged(shaken((errors.HOST, 0), chain=(star, MIDDLE)))["tls.hostname-mismatch"]
    assert not any(remedy.title.startswith("Pull by") for remedy in finding.remedies)


def test_a_common_name_alone_is_said_to_count_for_nothing() -> None:
    bare = replace(LEAF, dns_names=())
    finding = judged(shaken((errors.HOST, 0), chain=(bare, MIDDLE)))["tls.hostname-mismatch"]
    assert finding.evidence["common_name_only"] is True
    assert "without subject alternative names" in finding.detail


@pytest.mark.parametrize(
    ("number", "depth", "code"),
    [
        (errors.WEAK_SIGNATURE, 0, "tls.weak-signature"),
        (errors.WEAK_SIGNATURE, 1, "tls.weak-signature"),
        (errors.NOT_A_CA, 1, "tls.invalid-ca"),
        (errors.NO_CERT_SIGN, 1, "tls.invalid-ca"),
        (errors.PATH_LENGTH, 2, "tls.invalid-ca"),
        (errors.PURPOSE, 1, "tls.invalid-ca"),
        (errors.PURPOSE, 0, "tls.bad-certificate"),
        (errors.CRITICAL, 0, "tls.bad-certificate"),
        (errors.CRITICAL, 1, "tls.invalid-ca"),
        (errors.SIGNATURE, 0, "tls.bad-certificate"),
        (errors.MALFORMED, 0, "tls.bad-certificate"),
        (errors.NOT_PERMITTED, 0, "tls.name-constraint"),
        (errors.EXCLUDED, 0, "tls.name-constraint"),
    ],
)
def test_each_objection_has_its_code(number: int, depth: int, code: str) -> None:
    assert list(judged(shaken((number, depth)))) == [code]


def test_a_ca_without_the_right_to_sign_is_told_what_it_lacks() -> None:
    limited = replace(MIDDLE, key_usage=("digital_signature",))
    found = judged(shaken((errors.NOT_A_CA, 1), chain=(LEAF, limited)))
    assert "key usage" in found["tls.invalid-ca"].detail


def test_independent_objections_are_independent_causes() -> None:
    found = judged(
        shaken((20, 1), (errors.HOST, 0), chain=(replace(LEAF, dns_names=("x.test",)), MIDDLE))
    )
    assert set(causes(found)) == {"tls.unknown-ca", "tls.hostname-mismatch"}


def test_a_small_key_is_a_warning_for_gos_clients() -> None:
    small = replace(LEAF, key_type="rsa", key_bits=1024)
    openssl = Verdict(rules="openssl", errors=(ChainError(errors.WEAK_LEAF_KEY, 0, "x"),))
    fact = shaken(chain=(small, MIDDLE))
    fact = replace(fact, verdicts=(*fact.verdicts, openssl))
    found = judged(fact)
    assert {code: f.severity for code, f in found.items()} == {"tls.weak-key": "warning"}
    assert "RSA with 1024 bits" in found["tls.weak-key"].detail


@pytest.mark.parametrize(("last_day", "warned"), [("2026-12-10", True), ("2026-12-20", False)])
def test_what_ends_within_the_warning_window_is_warned_of(last_day: str, warned: bool) -> None:
    fact = shaken(chain=(replace(LEAF, not_after=f"{last_day}T00:00:00Z"), MIDDLE))
    assert ("tls.expires-soon" in judged(fact)) is warned


def test_who_must_act_before_a_certificate_ends_depends_on_whose_it_is() -> None:
    soon = "2026-12-10T00:00:00Z"
    leaf, middle, root = (replace(cert, not_after=soon) for cert in (LEAF, MIDDLE, ROOT))
    for path, title in (
        ((leaf, MIDDLE, ROOT), "Have it renewed"),
        ((LEAF, middle, ROOT), f"Have {HOST} send a newer intermediate"),
        ((LEAF, MIDDLE, root), "Have the successor of"),
    ):
        found = judged(shaken(chain=path[:2], path=path))["tls.expires-soon"]
        assert found.remedies[0].title.startswith(title)
        assert len(found.remedies) == 1


def test_what_is_expired_does_not_expire_soon() -> None:
    assert "tls.expires-soon" not in judged(expired(reading(0)))


@pytest.mark.parametrize(("status", "said"), [("revoked", True), ("good", False)])
def test_a_stapled_revocation_is_a_warning(status: Any, said: bool) -> None:
    staple = Staple(status=status, revoked_at="2026-11-20T00:00:00Z", verified=True)
    found = judged(shaken(staple=staple))
    assert ("tls.revoked" in found) is said
    if said:
        assert found["tls.revoked"].severity == "warning"


PRODUCTS = (
    ("Zscaler", "CN=Zscaler Intermediate Root CA (zscaler.net),OU=Zscaler Inc.,O=Zscaler Inc."),
    ("Netskope", "CN=ca.customer.goskope.com,O=Customer"),
    ("Netskope", "CN=certadmin,O=netskope Inc."),
    ("Cisco Umbrella", "CN=Cisco Umbrella Secondary SubCA fra-SG,O=Cisco"),
    ("Cisco Umbrella", "CN=Primary SubCA,O=Cisco"),
    ("Fortinet FortiGate", "CN=FG100E4Q17000000,O=Fortinet"),
    ("Forcepoint", "CN=Forcepoint Cloud CA"),
    ("McAfee Web Gateway", "CN=McAfee Web Gateway"),
    ("Skyhigh", "CN=Skyhigh Secure Web Gateway"),
    ("Blue Coat", "CN=proxy,O=Blue Coat SG-600 Series"),
    ("Sophos", "CN=Sophos SSL CA_C01001A2B3C4D5"),
    ("Sophos", "CN=sophosutm Proxy CA"),
    ("SonicWall", "OU=HTTPS Management Certificate for SonicWALL (self-signed)"),
    ("Smoothwall", "CN=Smoothwall-default-root-certificate-authority"),
    ("ContentKeeper", "CN=ContentKeeper Appliance CA (1)"),
    ("Cyberoam", "O=Cyberoam Certificate Authority"),
    ("NetSpark", "CN=www.netspark.com"),
    ("Trend Micro IWSS", "CN=IWSS.TREND"),
    ("Kaspersky", "CN=Kaspersky Anti-Virus Personal Root Certificate"),
    ("Avast", "CN=avast! Web/Mail Shield Root"),
    ("Bitdefender", "CN=Bitdefender Personal CA.Net-Defender"),
    ("mitmproxy", "CN=mitmproxy,O=mitmproxy"),
    ("Charles", "CN=Charles Proxy CA (2 Jan 2026)"),
    ("Charles", "CN=proxy,O=XK72 Ltd"),
    ("Fiddler", "CN=DO_NOT_TRUST_FiddlerRoot"),
    ("Burp Suite", "CN=PortSwigger CA"),
)


@pytest.mark.parametrize(("name", "issuer"), PRODUCTS)
def test_every_product_is_known_by_its_issuer_in_whatever_capitals(name: str, issuer: str) -> None:
    for written in (issuer, issuer.upper(), issuer.lower()):
        assert interception.product([LEAF, replace(LEAF, issuer=written)]) == name


@pytest.mark.parametrize(
    "issuer",
    ["CN=Cisco Root CA M2", "CN=Charles Root CA", "CN=Sophos Internal Web CA", "CN=Avast Lab CA"],
)
def test_a_makers_own_name_is_not_its_products(issuer: str) -> None:
    assert interception.product([replace(LEAF, issuer=issuer)]) is None


MITM = replace(LEAF, issuer="CN=mitmproxy,O=mitmproxy", issuer_name="mitmproxy")


def test_a_known_product_gives_interception_away() -> None:
    found = judged(shaken((20, 0), chain=(MITM,), public=False))
    assert causes(found) == ["tls.intercepted"]
    assert found["tls.intercepted"].confidence == "certain"
    assert found["tls.intercepted"].evidence["product"] == "mitmproxy"


def test_a_private_ca_is_no_interception() -> None:
    assert list(judged(shaken((20, 1), public=False))) == ["tls.unknown-ca"]


def test_a_public_registry_without_a_public_root_is_intercepted() -> None:
    found = judged(shaken((20, 1), public=False), host="ghcr.io")
    assert "tls.intercepted" in found
    assert found["tls.intercepted"].confidence == "likely"
    assert "tls.intercepted" not in judged(shaken((20, 1), public=True), host="ghcr.io")


def test_trusted_interception_is_a_warning() -> None:
    found = judged(shaken(chain=(MITM, MIDDLE), public=False))
    assert {code: f.severity for code, f in found.items()} == {"tls.intercepted": "warning"}


def test_one_private_ca_for_two_unrelated_hosts_is_not_enough() -> None:
    other = (Hop("token", "auth.example", 443), shaken((20, 1), public=False))
    assert "tls.intercepted" not in judged(shaken((20, 1), public=False), others=(other,))


def test_the_wrong_name_of_a_public_registry_is_no_interception() -> None:
    fact = shaken((errors.HOST, 0), chain=(replace(LEAF, dns_names=("x.test",)), MIDDLE))
    assert "tls.intercepted" not in judged(replace(fact, public=False), host="ghcr.io")


def failed(outcome: Outcome, *attempts: Attempt, **more: Any) -> TlsFact:
    return TlsFact(name=HOST, outcome=outcome, attempts=attempts, **more)


def tried(
    variant: str, outcome: Outcome = "done", version: str = "TLSv1.3", **more: Any
) -> Attempt:
    received = more.pop("received", 1000 if outcome == "done" else 0)
    version = version if outcome == "done" else ""
    return Attempt(variant=variant, outcome=outcome, version=version, received=received, **more)


NOTHING = tuple(
    tried(v, "reset")
    for v in ("no name", "another name", "small hello", "old protocols", "TLS 1.2")
)


def test_a_name_filter_is_proven_by_another_name() -> None:
    works = (tried("no name"), tried("another name", "alert", received=7), *NOTHING[2:])
    found = judged(failed("reset", *works, quiet_stays_open=True))
    finding = found["tls.handshake-reset"]
    assert finding.confidence == "certain"
    assert finding.evidence["name_filtered"] is True
    assert finding.remedies[0].title == f"Have {HOST} allowed by the filter"


def test_a_reset_whatever_the_name_is_a_broken_peer() -> None:
    finding = judged(failed("reset", *NOTHING, quiet_stays_open=True))["tls.handshake-reset"]
    assert finding.evidence["name_filtered"] is False
    assert finding.remedies[0].title == "Find out who cuts it"


def test_a_connection_that_is_cut_in_silence_is_left_to_tcp() -> None:
    assert judged(failed("reset", *NOTHING, quiet_stays_open=False)) == {}


def test_a_large_hello_is_told_from_a_name() -> None:
    works = (*NOTHING[:2], tried("small hello"), tried("old protocols"), tried("TLS 1.2"))
    finding = judged(failed("reset", *works, quiet_stays_open=True))["tls.handshake-reset"]
    assert finding.evidence["name_filtered"] is False
    assert finding.remedies[0].title == "Have large first messages let through"


def test_silence_is_a_timeout_and_small_packets_prove_the_mtu() -> None:
    plain = judged(failed("timeout", tried("small packets", "timeout")))["tls.handshake-timeout"]
    assert plain.remedies[0].title == "Find out who is silent"
    narrow = judged(failed("timeout", tried("small packets"), received=5))["tls.handshake-timeout"]
    assert narrow.remedies[0].title.startswith("Lower the MTU")


@pytest.mark.parametrize("outcome", ["alert", "refused", "closed", "reset"])
def test_old_protocols_are_proven_by_the_version_that_is_accepted(outcome: Outcome) -> None:
    works = (tried("old protocols", version="TLSv1.1"), tried("TLS 1.2", "alert"))
    found = judged(failed(outcome, *works, alert=70 if outcome == "alert" else None))
    assert list(found) == ["tls.protocol-too-old"]
    assert "TLSv1.1" in found["tls.protocol-too-old"].detail


def test_a_server_that_takes_tls_12_is_not_too_old() -> None:
    works = (tried("old protocols", version="TLSv1.1"), tried("TLS 1.2", version="TLSv1.2"))
    assert "tls.protocol-too-old" not in judged(failed("alert", *works, alert=80))


def test_no_common_cipher_names_what_the_server_takes() -> None:
    works = (tried("any cipher", version="TLSv1.2", cipher="AES128-SHA"), tried("TLS 1.2", "alert"))
    found = judged(failed("alert", *works, alert=40))
    assert list(found) == ["tls.no-common-cipher"]
    assert "AES128-SHA" in found["tls.no-common-cipher"].detail


@pytest.mark.parametrize("alert", [40, 49, 80, 112, 120])
def test_another_alert_is_a_refusal_with_its_name(alert: int) -> None:
    works = (tried("no name"), tried("any cipher", "alert", alert=alert))
    found = judged(failed("alert", *works, alert=alert))
    assert list(found) == ["tls.handshake-refused"]
    assert found["tls.handshake-refused"].evidence["alert"] == alert
    assert "no name" in found["tls.handshake-refused"].detail


REGISTRY = HttpPeek(status=401, headers=(("www-authenticate", "Basic"),))
WEB = HttpPeek(status=200, headers=(("server", "nginx"),), body="<html>")


def test_plain_http_is_left_to_the_api_check_where_it_is_a_registry() -> None:
    web = TlsFact(outcome="not-tls", first="HTTP/1.1 400 Bad Request\r\n", plain_http=WEB)
    found = judged(web)
    assert list(found) == ["tls.plain-http"]
    assert "HTTP/1.1 400 Bad Request" in found["tls.plain-http"].detail
    assert judged(replace(web, plain_http=REGISTRY)) == {}
    assert list(judged(replace(web, plain_http=REGISTRY), role="token")) == ["tls.plain-http"]
    assert judged(replace(web, plain_allowed=True)) == {}


def test_another_service_is_named() -> None:
    found = judged(TlsFact(outcome="not-tls", first="SSH-2.0-OpenSSH_9.2\r\n"))
    assert list(found) == ["tls.not-tls"]
    assert "SSH" in found["tls.not-tls"].detail


@pytest.mark.parametrize(
    ("more", "confidence"),
    [
        ({"alert": 116}, "certain"),
        ({"demand": HttpPeek(status=400, body="No required SSL certificate was sent")}, "certain"),
        ({}, "likely"),
    ],
)
def test_a_demanded_client_certificate(more: dict[str, Any], confidence: str) -> None:
    fact = shaken(client_certificate_requested=True, client_certificate_demanded=True, **more)
    fact = replace(fact, client_cas=("CN=Client CA",))
    found = judged(fact)
    assert {code: f.confidence for code, f in found.items()} == {
        "tls.client-certificate-required": confidence
    }
    assert "CN=Client CA" in found["tls.client-certificate-required"].detail


def test_a_client_certificate_that_is_only_asked_for_is_no_finding() -> None:
    assert judged(shaken(client_certificate_requested=True)) == {}


FAULTY = TrustFact(
    stores=TRUST.stores, faults=(CaFault("SSL_CERT_FILE", "/nope/ca.pem", "missing"),)
)


def test_an_unusable_ca_file_explains_an_unknown_authority() -> None:
    found = judged(shaken((20, 1), public=False), trust=FAULTY)
    assert causes(found) == ["tls.ca-file-unusable"]
    assert "/nope/ca.pem" in found["tls.ca-file-unusable"].detail
    assert found["tls.ca-file-unusable"].remedies[0].title == "Point SSL_CERT_FILE to the CA file"


def test_it_is_a_warning_where_the_pull_works_and_said_once() -> None:
    found = judged(GOOD, trust=FAULTY)
    assert {code: f.severity for code, f in found.items()} == {"tls.ca-file-unusable": "warning"}
    assert judged(GOOD, trust=FAULTY, role="token", host="auth.test") == {}


def test_it_is_found_although_the_network_was_not_tried() -> None:
    nothing_left = TrustFact(faults=FAULTY.faults)
    assert judged(None, trust=nothing_left)["tls.ca-file-unusable"].severity == "error"
    assert judged(None, trust=FAULTY)["tls.ca-file-unusable"].severity == "warning"


def in_certs_d(problem: Problem, name: str, *, stops: bool = True) -> TrustFact:
    path = f"/etc/docker/certs.d/{HOST}/{name}"
    return TrustFact(stores=TRUST.stores, faults=(CaFault("certs.d", path, problem, stops=stops),))


CERTS = f"/etc/docker/certs.d/{HOST}"


@pytest.mark.parametrize(("problem", "name", "command"), [
    ("no-key", "ca.cert", f"mv {CERTS}/ca.cert {CERTS}/ca.crt"),
    ("no-partner", "client.key", f"{CERTS}/client.cert"),
    ("no-match", "client.key", f"{CERTS}/client.key"),
    ("encrypted", "client.key", "openssl pkey"),
    ("unreadable", "ca.crt", f"CA_FILE {CERTS}/ca.crt"),
])  # fmt: skip
def test_a_broken_certs_d_ends_the_pull_whatever_the_chain(
    problem: Problem, name: str, command: str
) -> None:
    found = judged(GOOD, trust=in_certs_d(problem, name), client="docker")
    assert causes(found) == ["tls.ca-file-unusable"]
    steps = found["tls.ca-file-unusable"].remedies[0].steps
    assert any(command in (step.command or "") for step in steps)


def test_a_ca_of_another_name_is_a_cause_only_where_it_is_wanted() -> None:
    trust = in_certs_d("other-name", "ca.pem", stops=False)
    found = judged(None, trust=replace(trust, stores=()), client="docker")
    assert found["tls.ca-file-unusable"].severity == "warning"
    found = judged(GOOD, trust=trust, client="docker")
    assert found["tls.ca-file-unusable"].severity == "warning"
    found = judged(shaken((20, 1), public=False), trust=trust, client="docker")
    assert causes(found) == ["tls.ca-file-unusable"]
    commands = [step.command for step in found["tls.ca-file-unusable"].remedies[0].steps]
    assert f"sudo cp -p {CERTS}/ca.pem {CERTS}/ca.crt" in commands


def test_a_file_that_no_line_of_begins_a_certificate_is_mended_by_its_remedy(
    tmp_path: Path,
) -> None:
    """Everywhere: sed of macOS takes `\\t` for a t, and has no `\\x`."""
    pem = "-----BEGIN CERTIFICATE-----\ntable\n-----END CERTIFICATE-----"
    broken, whole = f"\ufeff  {pem}{pem}\n", f"{pem}\n{pem}\n"
    fact = TrustFact(
        stores=TRUST.stores, faults=(CaFault("certs.d", f"{tmp_path}/ca.crt", "not-a-line"),)
    )
    command = judged(GOOD, trust=fact)["tls.ca-file-unusable"].remedies[0].steps[0].command
    (tmp_path / "ca.crt").write_text(broken, "utf-8")
    subprocess.run((command or "").removeprefix("sudo "), shell=True, check=True)
    assert (tmp_path / "ca.crt").read_text("utf-8") == whole
    assert (tmp_path / "ca.crt.bak").read_text("utf-8") == broken


UNVERIFIED = replace(TRUST, insecure=(Insecure(HOST, "/etc/docker/daemon.json:2"),))
BY_NETWORK = replace(TRUST, insecure=(Insecure("10.0.0.0/8", "/x:1", network=True),))


@pytest.mark.parametrize("objection", [(20, 1), (10, 0), (62, 0)])
def test_what_is_not_verified_is_no_cause(objection: tuple[int, int]) -> None:
    found = judged(shaken(objection, public=False), trust=UNVERIFIED, client="docker")
    assert found
    assert {f.severity for f in found.values()} <= {"warning", "info"}
    assert causes(judged(shaken(objection, public=False), client="docker"))


def test_a_network_is_insecure_by_the_registrys_addresses() -> None:
    inside = ((Hop("registry", HOST, 443), DnsFact(addresses=("10.1.1.1",))),)
    outside = ((Hop("registry", HOST, 443), DnsFact(addresses=("11.1.1.1",))),)
    fact = shaken((20, 1), public=False)
    assert causes(judged(fact, trust=BY_NETWORK, others=outside)) == ["tls.unknown-ca"]
    assert causes(judged(fact, trust=BY_NETWORK)) == ["tls.unknown-ca"]
    assert causes(judged(fact, trust=BY_NETWORK, others=inside)) == []


def test_an_insecure_registry_must_still_shake_hands() -> None:
    found = judged(TlsFact(outcome="timeout"), trust=UNVERIFIED, client="docker")
    assert causes(found) == ["tls.handshake-timeout"]


@pytest.mark.parametrize(
    ("system", "install", "update"),
    [
        ("debian", "/usr/local/share/ca-certificates/registry.corp.test.crt", "update-ca-cert"),
        ("alpine", "/usr/local/share/ca-certificates/registry.corp.test.crt", "update-ca-cert"),
        ("rhel", "/etc/pki/ca-trust/source/anchors/registry.corp.test.crt", "update-ca-trust"),
        ("suse", "/etc/pki/trust/anchors/registry.corp.test.crt", "update-ca-certificates"),
        ("macos", "/Library/Keychains/System.keychain", "add-trusted-cert"),
        ("linux", "SSL_CERT_FILE=CA_FILE", "export"),
    ],
)
def test_the_first_remedy_is_this_systems(system: System, install: str, update: str) -> None:
    finding = judged(shaken((20, 1)), system=system)["tls.unknown-ca"]
    commands = "\n".join(step.command or "" for step in finding.remedies[0].steps)
    assert install in commands
    assert update in commands


@pytest.mark.parametrize(
    ("client", "folder"),
    [
        ("docker", "/etc/docker/certs.d/registry.corp.test/ca.crt"),
        ("podman", "/etc/containers/certs.d/registry.corp.test/ca.crt"),
        ("cri-o", "/etc/containers/certs.d/registry.corp.test/ca.crt"),
        ("containerd", "/etc/containerd/certs.d/registry.corp.test/ca.crt"),
    ],
)
def test_the_first_remedy_is_this_clients(client: str, folder: str) -> None:
    finding = judged(shaken((20, 1)), client=client)["tls.unknown-ca"]
    commands = [step.command or "" for step in finding.remedies[0].steps]
    assert commands[-1].endswith(folder) or any(folder in command for command in commands)
    token = judged(shaken((20, 1)), client=client, role="token", host="auth.test")
    commands = [step.command or "" for step in token["tls.unknown-ca"].remedies[0].steps]
    assert not any("certs.d" in command for command in commands)


def test_a_variable_that_replaces_the_store_is_where_the_ca_goes() -> None:
    trust = TrustFact(stores=(TrustStore("SSL_CERT_FILE", "/home/me/ca.pem"),))
    finding = judged(shaken((20, 1)), trust=trust)["tls.unknown-ca"]
    assert finding.remedies[0].steps[-1].command == "cat CA_FILE >> /home/me/ca.pem"


def test_the_words_are_sound() -> None:
    assert BOOK.proofread() == ()
    for code in BOOK.codes():
        words = BOOK.get(code)
        assert words is not None
        assert words.remedies
        assert "{" not in words.title


# ── settings of containerd ───────────────────────────────────────────────────────────────────────

HOSTS_TOML = f"/etc/containerd/certs.d/{HOST}/hosts.toml"


def skipping(
    allows: Any = "unverified", origin: str = f"{HOSTS_TOML}:4", ca: str = ""
) -> TrustFact:
    own = (TrustStore(f"ca in {HOSTS_TOML}:5", ca),) if ca else ()
    setting = Insecure("skip_verify = true", origin, allows=allows)
    return replace(TRUST, stores=(*TRUST.stores, *own), insecure=(setting,))


def test_verification_that_is_turned_off_is_told_with_its_line() -> None:
    found = judged(None, trust=skipping(), client="containerd")
    disabled = found["tls.verification-disabled"]
    assert disabled.severity == "warning"
    assert (disabled.evidence["path"], disabled.evidence["line"]) == (HOSTS_TOML, 4)
    commands = [step.command or "" for step in disabled.remedies[0].steps]
    assert commands[-1].startswith("sudo sed -i.before '4{/skip_verify/s#.*#ca = ")


@pytest.mark.parametrize("trust", [
    skipping("both"), skipping("plain"), skipping(origin=""), TRUST,
])  # fmt: skip
def test_what_allows_plain_http_too_or_is_a_default_is_not_told_so(trust: TrustFact) -> None:
    assert "tls.verification-disabled" not in judged(None, trust=trust, client="containerd")


def test_a_ca_that_is_named_already_needs_the_line_gone_alone() -> None:
    found = judged(None, trust=skipping(ca="/ca.crt"), client="containerd")
    (step,) = found["tls.verification-disabled"].remedies[0].steps
    assert step.command == f"sudo sed -i.before '4{{/skip_verify/d}}' {HOSTS_TOML}"


@pytest.mark.parametrize(("file", "command"), [
    ("/etc/rancher/k3s/registries.yaml", "s#insecure_skip_verify:.*#ca_file: /etc/rancher/k3s/"),
    ("/etc/containerd/config.toml", 's#insecure_skip_verify.*#ca_file = "/etc/containerd/'),
])  # fmt: skip
def test_each_file_has_its_own_spelling(file: str, command: str) -> None:
    found = judged(None, trust=skipping(origin=f"{file}:9"), client="containerd")
    steps = found["tls.verification-disabled"].remedies[0].steps
    assert any(command in (step.command or "") for step in steps)
