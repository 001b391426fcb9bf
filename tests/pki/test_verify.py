"""The verdict matrix: what Go says of each faulty chain, and that the healthy neighbour passes."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from doctor.facts.tls import Verdict
from doctor.facts.trust import TrustStore
from doctor.pki import errors
from doctor.pki.store import Roots
from doctor.pki.verify import go_verdict
from tests.certificates import DAY, NOW, Issued, authority, bundle, leaf, rsa_key, sha1_signed

HOST = "reg.test"


@dataclass(frozen=True)
class Chain:
    """What a server sends, and what the client trusts."""

    sent: tuple[x509.Certificate, ...]
    trusted: tuple[x509.Certificate, ...]


def under(issuer: Issued, **bent: object) -> Chain:
    """A leaf under that CA, sent with its intermediates, its root trusted."""
    issued = leaf(issuer, HOST, **bent)  # type: ignore[arg-type]
    return Chain(issued.chain, (issued.issuers[-1],))


def root(**bent: object) -> Issued:
    return authority(**bent)  # type: ignore[arg-type]


def mid(**bent: object) -> Issued:
    return authority("Test Intermediate", root(), **bent)  # type: ignore[arg-type]


def verdict(tmp_path: Path, chain: Chain, host: str = HOST, at: datetime = NOW) -> Verdict:
    file = tmp_path / "trusted.pem"
    file.write_text(bundle(*chain.trusted))
    return go_verdict(chain.sent, Roots((TrustStore("test", str(file)),)), host, at)


def objections(found: Verdict) -> set[tuple[int, int]]:
    return {(error.number, error.depth) for error in found.errors}


def self_signed(trusted: bool) -> Chain:
    own = leaf(None, HOST).certificate
    return Chain((own,), (own,) if trusted else (root().certificate,))


def private_root(sent: bool) -> Chain:
    issued = leaf(mid(), HOST)
    chain = (issued.certificate, *issued.issuers)
    return Chain(chain if sent else chain[:-1], (root(name="Another Root").certificate,))


def missing_intermediate() -> Chain:
    issued = leaf(mid(), HOST)
    return Chain((issued.certificate,), (issued.issuers[-1],))


def pinned(which: int) -> Chain:
    issued = leaf(mid(), HOST)
    everything = (issued.certificate, *issued.issuers)
    return Chain(issued.chain, (everything[which],))


def unordered() -> Chain:
    issued = leaf(authority("Lower", mid()), HOST)
    first, *others = issued.chain
    stranger = authority("Stranger").certificate
    return Chain((first, stranger, *reversed(others)), (issued.issuers[-1],))


def remade_ca() -> Chain:
    issued = leaf(root(name="Corp CA"), HOST)
    return Chain(issued.chain, (root(name="Corp CA").certificate,))


ACCEPTED: dict[str, Callable[[], Chain]] = {
    "healthy, no intermediate": lambda: under(root()),
    "healthy, one intermediate": lambda: under(mid()),
    "C14 RSA-1024 leaf": lambda: under(root(), key=rsa_key(1024)),
    "C14 RSA-1024 CA": lambda: under(root(key=rsa_key(1024))),
    "C25 leaf is itself a CA": lambda: under(root(), ca=True),
    "C26 leaf without key identifiers": lambda: under(root(), key_identifiers=False),
    "C28 basicConstraints not critical": lambda: under(root(critical_constraints=False)),
    "C29 CA without key usage": lambda: under(root(key_usage=False)),
    "C30 only the intermediate is trusted": lambda: pinned(1),
    "C31 only the leaf is trusted": lambda: pinned(0),
    "C32 unordered, with a stranger": unordered,
    "self-signed leaf that is trusted": lambda: self_signed(trusted=True),
    "no extended key usage at all": lambda: under(root(), usages=()),
    "path length that fits": lambda: under(authority("Mid", root(path_length=1))),
    "name constraint that permits": lambda: under(root(permitted=[x509.DNSName("test")])),
}

REFUSED: dict[str, tuple[Callable[[], Chain], set[tuple[int, int]]]] = {
    "C01 expired leaf": (
        lambda: under(mid(), not_before=NOW - 90 * DAY, not_after=NOW - DAY),
        {(errors.EXPIRED, 0)},
    ),
    "C02 expired intermediate": (lambda: under(mid(not_after=NOW - DAY)), {(errors.EXPIRED, 1)}),
    "C03 expired root": (
        lambda: under(authority("Mid", root(not_after=NOW - DAY))),
        {(errors.EXPIRED, 2)},
    ),
    "expired leaf and intermediate": (
        lambda: under(mid(not_after=NOW - 2 * DAY), not_before=NOW - 90 * DAY, not_after=NOW - DAY),
        {(errors.EXPIRED, 0), (errors.EXPIRED, 1)},
    ),
    "C04 not yet valid": (
        lambda: under(root(), not_before=NOW + DAY),
        {(errors.NOT_YET_VALID, 0)},
    ),
    "C07 common name only": (
        lambda: under(root(), alternative_names=False),
        {(errors.HOST, 0)},
    ),
    "C08 self-signed": (lambda: self_signed(trusted=False), {(18, 0)}),
    "C09 private root, sent": (lambda: private_root(sent=True), {(19, 2)}),
    "C10 private root, not sent": (lambda: private_root(sent=False), {(20, 1)}),
    "C11 missing intermediate": (missing_intermediate, {(20, 0)}),
    "C12 CA of the same name, other key": (remade_ca, {(20, 0)}),
    "C16 name not permitted": (
        lambda: under(root(permitted=[x509.DNSName("other.example")])),
        {(errors.NOT_PERMITTED, 0)},
    ),
    "C17 name excluded": (
        lambda: under(root(excluded=[x509.DNSName("test")])),
        {(errors.EXCLUDED, 0)},
    ),
    "C18 leaf for clients only": (
        lambda: under(root(), usages=[ExtendedKeyUsageOID.CLIENT_AUTH]),
        {(errors.PURPOSE, 0)},
    ),
    "C19 intermediate for clients only": (
        lambda: under(mid(usages=[ExtendedKeyUsageOID.CLIENT_AUTH])),
        {(errors.PURPOSE, 1)},
    ),
    "C19 root for clients only": (
        lambda: under(root(usages=[ExtendedKeyUsageOID.CLIENT_AUTH])),
        {(errors.PURPOSE, 1)},
    ),
    "C20 issuer that is no CA": (lambda: under(mid(ca=False)), {(errors.NOT_A_CA, 1)}),
    "C21 root without basicConstraints": (
        lambda: under(root(ca=None)),
        {(errors.NOT_A_CA, 1)},
    ),
    "C23 path too long": (
        lambda: under(authority("Mid", root(path_length=0))),
        {(errors.PATH_LENGTH, 2)},
    ),
    "C24 unknown critical extension": (
        lambda: under(root(), critical_unknown=True),
        {(errors.CRITICAL, 0)},
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_go_accepts(tmp_path: Path, case: str) -> None:
    found = verdict(tmp_path, ACCEPTED[case]())
    assert (found.ok, found.errors) == (True, ())


@pytest.mark.parametrize("case", REFUSED)
def test_go_refuses_and_every_objection_is_named(tmp_path: Path, case: str) -> None:
    make, expected = REFUSED[case]
    found = verdict(tmp_path, make())
    assert not found.ok
    assert objections(found) == expected


def test_an_issuer_without_the_right_to_sign_is_refused(tmp_path: Path) -> None:
    found = verdict(tmp_path, under(mid(cert_sign=False)))
    assert not found.ok
    assert found.has(errors.NO_CERT_SIGN)


def test_sha1_is_refused_and_is_not_called_an_unknown_authority(tmp_path: Path) -> None:
    issued = sha1_signed(root(), tmp_path, HOST)
    found = verdict(tmp_path, Chain(issued.chain, (issued.issuers[-1],)), at=NOW + DAY)
    assert objections(found) == {(errors.WEAK_SIGNATURE, 0)}


def test_independent_faults_are_all_found(tmp_path: Path) -> None:
    issued = leaf(root(), "else.test", not_before=NOW - 90 * DAY, not_after=NOW - DAY)
    found = verdict(tmp_path, Chain(issued.chain, (root(name="Another").certificate,)))
    assert objections(found) == {(20, 0), (errors.EXPIRED, 0), (errors.HOST, 0)}


@pytest.mark.parametrize(
    ("names", "host", "ok"),
    [
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.2",), "127.0.0.1", False),
        (("reg.test",), "127.0.0.1", False),
        (("*.test",), "reg.test", True),
        (("*.test",), "a.reg.test", False),
        (("reg.test",), "reg.test.", True),
    ],
)
def test_the_host_is_held_against_the_names(
    tmp_path: Path, names: tuple[str, ...], host: str, ok: bool
) -> None:
    issued = leaf(root(), *names)
    found = verdict(tmp_path, Chain(issued.chain, (issued.issuers[-1],)), host)
    assert found.ok is ok
    if not ok:
        literal = host.replace(".", "").isdigit()
        assert objections(found) == {(errors.ADDRESS if literal else errors.HOST, 0)}


def test_constraints_on_addresses_bind(tmp_path: Path) -> None:
    net = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    issued = leaf(root(permitted=[net]), "192.168.0.1")
    found = verdict(tmp_path, Chain(issued.chain, (issued.issuers[-1],)), "192.168.0.1")
    assert found.has(errors.NOT_PERMITTED)


def test_critical_constraints_that_go_does_not_know_are_refused(tmp_path: Path) -> None:
    directory = x509.DirectoryName(authority("Elsewhere").certificate.subject)
    found = verdict(tmp_path, under(root(excluded=[directory, x509.DNSName("x.example")])))
    assert not found.ok
    assert found.has(errors.CRITICAL)


def test_a_trusted_root_that_expired_does_not_hide_its_valid_twin(tmp_path: Path) -> None:
    key = root().key
    good = authority("Twin", key=key)
    old = authority("Twin", key=key, not_after=NOW - DAY)
    issued = leaf(good, HOST)
    assert verdict(tmp_path, Chain(issued.chain, (old.certificate, good.certificate))).ok


def test_nothing_is_accepted_without_a_certificate(tmp_path: Path) -> None:
    assert not verdict(tmp_path, Chain((), (root().certificate,))).ok


def test_nothing_is_accepted_without_a_store() -> None:
    assert not go_verdict(leaf(root(), HOST).chain, Roots(()), HOST, NOW).ok
