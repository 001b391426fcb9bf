"""Does the ordinary engine find each fault of the demo, over real sockets, and nothing where there
is none?"""

from __future__ import annotations

import asyncio

import pytest

from doctor.demo import looked
from doctor.demo.faults import FAULTS, HEALTHY, chosen
from doctor.demo.scene import HOSTS
from doctor.model import Diagnosis, Report
from doctor.usage import UsageError

CAUSES = {
    "name-unknown": "dns.nxdomain",
    "connection-refused": "tcp.refused",
    "handshake-silent": "tls.handshake-timeout",
    "plain-http": "registry.http-only",
    "unknown-ca": "tls.unknown-ca",
    "self-signed": "tls.self-signed",
    "expired": "tls.expired",
    "not-yet-valid": "tls.not-yet-valid",
    "wrong-host": "tls.hostname-mismatch",
    "missing-intermediate": "tls.incomplete-chain",
    "intercepted": "tls.intercepted",
    "proxy-denies": "proxy.denied",
    "proxy-needs-login": "proxy.auth-required",
    "proxy-rejects-login": "proxy.auth-rejected",
    "proxy-no-way-out": "proxy.upstream-failed",
    "proxy-down": "proxy.unreachable",
    "not-a-proxy": "proxy.not-a-proxy",
    "captive-portal": "registry.not-a-registry",
    "firewall": "registry.blocked",
    "registry-error-500": "registry.server-error",
    "silent": "registry.timeout",
    "rate-limited": "rate.limited",
    "token-service-down": "auth.realm-unreachable",
    "no-login": "auth.no-credentials",
    "unauthorized": "auth.rejected",
    "login-elsewhere": "auth.wrong-key",
    "stray-newline": "auth.whitespace",
    "login-garbled": "auth.entry-malformed",
    "config-broken": "auth.config-unreadable",
    "denied": "auth.forbidden",
    "hidden-or-missing": "auth.denied-or-missing",
    "repository-unknown": "registry.name-unknown",
    "tag-unknown": "registry.manifest-unknown",
    "platform-missing": "registry.platform-missing",
    "manifest-broken": "registry.bad-response",
    "blob-host-down": "registry.blob-unreachable",
    "blob-missing": "registry.blob-missing",
    "link-expired": "registry.blob-refused",
}
WELL = {HEALTHY: "pass", "proxy-works": "pass", "expires-soon": "warn"}


def _looked(name: str) -> tuple[Report, Diagnosis]:
    report = asyncio.run(looked(name))
    (diagnosis,) = report.diagnoses
    return report, diagnosis


def test_every_fault_has_its_cause_here() -> None:
    assert {fault.name for fault in FAULTS} == {*CAUSES, *WELL}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_found_and_no_other(name: str) -> None:
    report, diagnosis = _looked(name)
    assert (report.verdict, diagnosis.root_causes) == ("fail", (CAUSES[name],))
    (cause,) = (f for f in diagnosis.findings if f.root_cause)
    alone = name == "name-unknown"  # no resolver is asked that could confirm it
    assert (cause.confidence == "possible") == alone
    assert cause.remedies


@pytest.mark.parametrize("name", WELL)
def test_where_the_pull_works_no_cause_is_found(name: str) -> None:
    report, diagnosis = _looked(name)
    assert (report.verdict, diagnosis.root_causes) == (WELL[name], ())
    assert {check.status for check in diagnosis.checks if check.applies} <= {"pass", "warn"}
    reached = {check.hop.host for check in diagnosis.checks if check.hop and check.name == "tls"}
    ends = {HOSTS[station] for station in ("registry", "token", "storage")}
    assert ends <= reached, "a login and a layer were tried as well"


def test_a_proxy_that_works_is_gone_through() -> None:
    _, diagnosis = _looked("proxy-works")
    hops = {check.hop.host for check in diagnosis.checks if check.hop}
    assert HOSTS["proxy"] in hops


def test_a_name_that_is_no_fault_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean unknown-ca"):
        chosen("unknown-cs")
