"""What is read out of a certificate, and that hostile bytes end in data, not in an exception."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from doctor.pki.certificate import describe, from_der, parse, pem_blocks
from tests.certificates import authority, leaf, rsa_key

ROOT = authority("Root", organisation="Corp", permitted=[x509.DNSName("test")], path_length=1)
LEAF = leaf(ROOT, "reg.test", "10.0.0.5", key=rsa_key(2048), aia="http://ca.test/root.der")


def test_a_leaf_is_described() -> None:
    seen = describe(LEAF.certificate, 0)
    assert (seen.dns_names, seen.ip_addresses) == (("reg.test",), ("10.0.0.5",))
    assert (seen.key_type, seen.key_bits, seen.signature) == ("rsa", 2048, "sha256")
    assert (seen.common_name, seen.issuer_name, seen.self_issued) == ("reg.test", "Root", False)
    assert seen.issuer_urls == ("http://ca.test/root.der",)
    assert seen.extended_key_usage == ("1.3.6.1.5.5.7.3.1",)
    own = x509.SubjectKeyIdentifier.from_public_key(ROOT.certificate.public_key())
    assert seen.authority_key == own.digest.hex()
    assert seen.not_before.endswith("Z")
    assert seen.problem == ""


def test_a_ca_is_described() -> None:
    seen = describe(ROOT.certificate)
    assert (seen.ca, seen.path_length, seen.self_issued) == (True, 1, True)
    assert (seen.permitted, seen.excluded) == (("test",), ())
    assert "key_cert_sign" in seen.key_usage


def test_der_pem_and_pkcs7_are_read() -> None:
    cert = ROOT.certificate
    bag = pkcs7.serialize_certificates([cert], Encoding.DER)
    for data in (cert.public_bytes(Encoding.DER), cert.public_bytes(Encoding.PEM), bag):
        assert parse(data) == (cert,)
    assert parse(b"<html>") == ()


def test_blocks_with_headers_and_of_other_types_are_passed_over() -> None:
    good = ROOT.pem.encode()
    begin = b"-----BEGIN CERTIFICATE-----\n"
    headed = good.replace(begin, begin + b"Proc-Type: 4,ENCRYPTED\n\n")
    other = good.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")
    assert pem_blocks(headed + other) == ()
    assert len(pem_blocks(headed + other + good)) == 1


def test_the_first_and_last_line_are_lines_of_their_own() -> None:
    """As in Go's encoding/pem: two files put together without a line end between are none."""
    good = ROOT.pem.encode()
    indented = b"".join(b"  " + line for line in good.splitlines(keepends=True))
    for data in (b"\xef\xbb\xbf" + good, b" " + good, indented, good.rstrip(b"\n") + good):
        assert pem_blocks(data) == ()
    body = good.replace(b"\n", b"\n ").replace(b"\n -----END", b"\n-----END")
    crlf = good.replace(b"\n", b"\r\n")
    for data in (good.rstrip(b"\n"), b"# root\n" + good, crlf, body, good.replace(b"-\n", b"- \n")):
        assert len(pem_blocks(data)) == 1
    assert len(pem_blocks(good + good)) == 2


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=4))
def test_a_damaged_certificate_is_described_or_named_unreadable(at: int, damage: bytes) -> None:
    der = LEAF.certificate.public_bytes(Encoding.DER)
    at %= len(der)
    cert = from_der(der[:at] + damage + der[at + len(damage) :])
    if cert is not None:
        describe(cert)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_certificate(data: bytes) -> None:
    assert parse(data) == ()
