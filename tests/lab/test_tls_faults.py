"""The certificate: does the command say what is the matter with the chain that a server sends?

Every chain here is shown by nginx and judged by skopeo as well, whose Go must refuse what is called
a fault and take what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.certificates import DAY, NOW, rsa_key
from tests.lab import chains, cure, servers
from tests.lab.chains import below, issued, stapled
from tests.lab.distribution import REPOSITORY
from tests.lab.fakes import other_time
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, ISSUER_HOST, Way
from tests.lab.world import REGISTRY, World

pytestmark = pytest.mark.lab

LATE: dict[str, Any] = {"not_before": NOW - 99 * DAY, "not_after": NOW - 5 * DAY}
EARLY: dict[str, Any] = {"not_before": NOW + 30 * DAY, "not_after": NOW + 90 * DAY}
AIA = f"http://{ISSUER_HOST}/issuing.crt"
BY_ADDRESS = f"{REGISTRY}/{REPOSITORY}:1.0"


def skewed(by: timedelta, location: str = "/v2/", **certificate: Any) -> Way:
    """The registry's clock says another time than the one here: its answers there carry it."""
    elsewhen = ("127.0.0.1", 5001)

    def start(world: World) -> Sequence[str]:
        other_time(world.far, by, elsewhen, ("127.0.0.1", servers.BACKEND))
        return ()

    onwards = "proxy_set_header Host $http_host; proxy_pass_header Date;"
    front = f"location {location} {{ proxy_pass http://127.0.0.1:5001; {onwards} }}"
    return replace(issued(**certificate), tls_front=front, more_sites=start)


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


ED25519 = ed25519.Ed25519PrivateKey.generate()
WEAK = "ssl_ciphers ALL:@SECLEVEL=0;"
USAGE = ExtendedKeyUsageOID
TAKEN = (
    Scenario("ecdsa", issued()),
    Scenario("rsa", issued(key=rsa_key(2048))),
    Scenario("ed25519", issued(key=ED25519)),
    Scenario("wildcard", issued("*.cleanstart.com")),
    Scenario("one-name-of-many", issued("www.cleanstart.com", HOST.upper(), "192.88.99.99")),
    Scenario("address", issued(REGISTRY), target=BY_ADDRESS),
    Scenario("root-sent-along", issued(sent=[0, 1, 2])),
    Scenario("cross-signed-by-an-expired-root", Way(certificate=chains.cross_signed)),
    Scenario("wrong-order-and-a-surplus-one", Way(certificate=chains.surplus)),
    Scenario("no-extended-key-usage", issued(usages=())),
    Scenario("any-extended-key-usage", issued(usages=(USAGE.ANY_EXTENDED_KEY_USAGE,))),
    Scenario("leaf-that-is-a-ca", issued(ca=True)),
    Scenario("ca-without-key-usage", below(key_usage=False)),
    Scenario("ca-with-a-path-length", below(path_length=0)),
    Scenario("ca-for-these-names", below(permitted=dns("cleanstart.com"))),
    Scenario("ca-not-for-other-names", below(excluded=dns("example.org"))),
    Scenario("good-staple", stapled(ocsp.OCSPCertStatus.GOOD)),
    Scenario("revoked", stapled(ocsp.OCSPCertStatus.REVOKED), also=("tls.revoked",)),
    Scenario(
        "rsa-1024",
        replace(issued(key=rsa_key(1024)), site=WEAK),
        also=("tls.weak-key",),
    ),
    Scenario("ends-soon", issued(not_after=NOW + 20 * DAY), also=("tls.expires-soon",)),
    Scenario("ends-later", issued(not_after=NOW + 22 * DAY)),
    Scenario("ends-soon-enough", issued(not_after=NOW + 20 * DAY), options=("--warn-days", "10")),
    Scenario("ca-ends-soon", below(not_after=NOW + 20 * DAY), also=("tls.expires-soon",)),
    Scenario("clock-a-little-off", skewed(timedelta(minutes=4))),
    Scenario("one-clock-is-off", skewed(timedelta(hours=2), "= /v2/")),
    Scenario("clock-off", skewed(timedelta(hours=2)), also=("tls.clock-skew",)),
)
REFUSED = (
    Scenario("unknown-ca", Way(certificate="unknown-ca"), ("tls.unknown-ca",)),
    Scenario("unknown-ca-sent-along", Way(certificate=chains.whole_unknown), ("tls.unknown-ca",)),
    Scenario("incomplete", Way(certificate="incomplete"), ("tls.incomplete-chain",)),
    Scenario(
        "incomplete-and-not-fetched",
        Way(certificate="incomplete"),
        ("tls.unknown-ca", "tls.incomplete-chain"),
        options=("--no-fetch-issuers",),
    ),
    Scenario(
        "incomplete-and-no-address",
        Way(certificate="incomplete-without-address"),
        ("tls.unknown-ca", "tls.incomplete-chain"),
    ),
    Scenario(
        "incomplete-and-nothing-there",
        issued(sent=[0], aia=f"http://{ISSUER_HOST}/gone.crt"),
        ("tls.unknown-ca", "tls.incomplete-chain"),
    ),
    Scenario(
        "incomplete-and-out-of-reach",
        issued(sent=[0], aia="http://192.88.99.29/issuing.crt"),
        ("tls.unknown-ca", "tls.incomplete-chain"),
    ),
    Scenario(
        "root-in-place-of-intermediate", issued(sent=[0, 2], aia=AIA), ("tls.incomplete-chain",)
    ),
    Scenario("expired", Way(certificate="expired"), ("tls.expired",)),
    Scenario("intermediate-expired", below(**LATE), ("tls.intermediate-expired",)),
    Scenario("not-yet-valid", Way(certificate="not-yet-valid"), ("tls.not-yet-valid",)),
    Scenario("ca-not-yet-valid", below(not_before=NOW + 30 * DAY), ("tls.not-yet-valid",)),
    Scenario("clock-behind", skewed(40 * DAY, **EARLY), ("tls.clock-skew",)),
    Scenario("clock-ahead", skewed(-20 * DAY, **LATE), ("tls.clock-skew",)),
    Scenario("clock-off-but-not-by-that", skewed(timedelta(hours=2), **LATE), ("tls.expired",)),
    Scenario("wrong-host", Way(certificate="wrong-host"), ("tls.hostname-mismatch",)),
    Scenario("common-name-only", issued(alternative_names=False), ("tls.hostname-mismatch",)),
    Scenario("wildcard-of-a-deeper-level", issued(f"*.{HOST}"), ("tls.hostname-mismatch",)),
    Scenario("wildcard-of-a-higher-level", issued("*.com"), ("tls.hostname-mismatch",)),
    Scenario("wildcard-within-a-label", issued("reg*.cleanstart.com"), ("tls.hostname-mismatch",)),
    Scenario(
        "servers-default",
        Way(certificate=chains.default),
        ("tls.hostname-mismatch", "tls.self-signed"),
    ),
    Scenario("address-not-named", issued(), ("tls.hostname-mismatch",), target=BY_ADDRESS),
    Scenario("sha1", Way(certificate=chains.sha1, site=WEAK), ("tls.weak-signature",)),
    Scenario("signature-broken", Way(certificate=chains.broken), ("tls.bad-certificate",)),
    Scenario("for-clients-only", issued(usages=(USAGE.CLIENT_AUTH,)), ("tls.bad-certificate",)),
    Scenario("unknown-extension", issued(critical_unknown=True), ("tls.bad-certificate",)),
    Scenario("not-a-ca", below(ca=False), ("tls.invalid-ca",)),
    Scenario("without-basic-constraints", below(ca=None), ("tls.invalid-ca",)),
    Scenario("may-not-sign", below(cert_sign=False), ("tls.invalid-ca",)),
    Scenario("path-too-long", Way(certificate=chains.two_below), ("tls.invalid-ca",)),
    Scenario("ca-for-clients-only", below(usages=(USAGE.CLIENT_AUTH,)), ("tls.invalid-ca",)),
    Scenario("ca-for-other-names", below(permitted=dns("example.org")), ("tls.name-constraint",)),
    Scenario("ca-not-for-this-name", below(excluded=dns(HOST)), ("tls.name-constraint",)),
    Scenario(
        "expired-and-for-another-host",
        issued("www.cleanstart.com", **LATE),
        ("tls.hostname-mismatch", "tls.expired"),
    ),
)


@pytest.mark.parametrize("scenario", (*TAKEN, *REFUSED), ids=attrgetter("name"))
def test_the_cause_is_found_and_is_real(scenario: Scenario, lab: World, store: Path) -> None:
    run, copied = scenario.both(lab, store)
    scenario.verify(run)
    assert (copied.exit == 0) is not bool(scenario.causes), copied


def test_a_name_that_the_certificate_holds_may_be_the_one_that_was_meant(
    lab: World, store: Path
) -> None:
    def mistyped(world: World) -> Sequence[str]:
        world.names["registri.cleanstart.com"] = (REGISTRY,)
        return ()

    target = f"registri.cleanstart.com/{REPOSITORY}:1.0"
    way = Way(more_sites=mistyped)
    scenario = Scenario("mistyped", way, ("tls.hostname-mismatch",), target=target)
    run = scenario.play(lab, store)
    scenario.verify(run)
    assert cure.remedy(run)["title"] == f"Pull by the name {HOST}"
    cure.mends(lab, run, target.replace("registri.cleanstart.com", HOST))
