"""What does this certificate say, in plain data?

A certificate from the wire may be malformed in any field, and cryptography reads extensions only
when asked: whatever cannot be read is left out and named in `Certificate.problem`, so one broken
field does not hide the others.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from doctor.facts.tls import Certificate
from doctor.stamp import stamp

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

LARGEST = 64 * 1024
"""No certificate larger than this many bytes is read."""

_PEM = (
    rb"(?:\A|(?<=\n))-----BEGIN CERTIFICATE-----[ \t]*\r?\n(?P<body>[^:-]+?)"
    rb"(?<=\n)-----END CERTIFICATE-----[ \t]*\r?(?:\n|\Z)"
)

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)

# Extensions that Go's crypto/x509 handles when they are critical (src/crypto/x509/parser.go,
# processExtensions): key usage, basic constraints, subject alternative name, name constraints, CRL
# distribution points, extended key usage, certificate policies, and the three constraints on
# policies. Key identifiers and AIA must not be critical there.
_HANDLED = frozenset(f"2.5.29.{number}" for number in (15, 17, 19, 30, 31, 32, 33, 36, 37, 54))


def pem_blocks(data: bytes) -> tuple[bytes, ...]:
    """The DER of every CERTIFICATE block, as Go reads them (encoding/pem): its first and last line
    are lines of their own, with nothing before or behind; blocks of other types and blocks with
    headers are passed over.
    """
    import base64
    import binascii

    found = []
    for match in re.finditer(_PEM, data):
        try:
            found.append(base64.b64decode(b"".join(match["body"].split()), validate=True))
        except binascii.Error:
            continue
    return tuple(found)


def parse(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in DER, PEM or PKCS#7 bytes; those that cannot be read are left out."""
    from cryptography.hazmat.primitives.serialization import pkcs7

    if len(data) > LARGEST:
        return ()
    if b"-----BEGIN CERTIFICATE" in data:
        return tuple(cert for der in pem_blocks(data) if (cert := from_der(der)) is not None)
    alone = from_der(data)
    if alone is not None:
        return (alone,)
    with quietly():
        try:
            if b"-----BEGIN" in data:
                return tuple(pkcs7.load_pem_pkcs7_certificates(data))
            return tuple(pkcs7.load_der_pkcs7_certificates(data))
        except (ValueError, TypeError):
            return ()


def from_der(der: bytes) -> x509.Certificate | None:
    """The certificate, or None when even its outline cannot be read."""
    from cryptography import x509

    with quietly():
        try:
            return x509.load_der_x509_certificate(der)
        except (ValueError, TypeError):
            return None


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """cryptography warns on standard error of what it means to refuse one day (a serial number of
    0); here that is data.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def pem(cert: x509.Certificate) -> bytes:
    """The PEM text, in lines of 64 characters as every bundle has them."""
    return cert.public_bytes(_encoding().PEM)


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(_encoding().DER)


def _encoding() -> type[Encoding]:
    """From where it is defined: `serialization` itself brings SSH keys and every cipher along, six
    milliseconds of each diagnosis (measured, cryptography 50)."""
    try:
        from cryptography.hazmat.primitives._serialization import Encoding
    except ImportError:
        from cryptography.hazmat.primitives.serialization import Encoding
    return Encoding


def fingerprint(cert: x509.Certificate) -> str:
    """SHA-256 of the DER, in lower-case hex."""
    from cryptography.hazmat.primitives import hashes

    return cert.fingerprint(hashes.SHA256()).hex()


def unreadable(der: bytes, index: int = 0) -> Certificate:
    """The description of bytes that are no certificate."""
    import hashlib

    return Certificate(
        index=index, sha256=hashlib.sha256(der).hexdigest(), problem="cannot be parsed"
    )


def describe(cert: x509.Certificate, index: int = 0) -> Certificate:
    """Everything the checks may want to know of one certificate."""
    fields: dict[str, Any] = {"index": index, "sha256": fingerprint(cert)}
    problems: list[str] = []
    with quietly():
        for read in (_names, _validity, _key, _signature, _extensions):
            try:
                fields |= read(cert)
            except Exception as trouble:  # malformed ASN.1 raises more kinds than ValueError
                problems.append(f"{read.__name__.lstrip('_')}: {type(trouble).__name__}")
    return Certificate(**fields, problem="; ".join(problems))


def _names(cert: x509.Certificate) -> dict[str, Any]:
    return {
        "subject": cert.subject.rfc4514_string(),
        "issuer": cert.issuer.rfc4514_string(),
        "common_name": _common(cert.subject),
        "issuer_name": _short(cert.issuer),
        "self_issued": cert.subject.public_bytes() == cert.issuer.public_bytes(),
        "version": cert.version.value + 1,
        "serial": format(cert.serial_number, "x"),
    }


def _common(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return _text(found[0].value) if found else ""


def _short(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    if common := _common(name):
        return common
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return _text(found[0].value) if found else name.rfc4514_string()


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()


def _validity(cert: x509.Certificate) -> dict[str, Any]:
    return {
        "not_before": stamp(cert.not_valid_before_utc),
        "not_after": stamp(cert.not_valid_after_utc),
    }


def _key(cert: x509.Certificate) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    key = cert.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return {"key_type": "rsa", "key_bits": key.key_size}
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"key_type": key.curve.name, "key_bits": key.curve.key_size}
    if isinstance(key, dsa.DSAPublicKey):
        return {"key_type": "dsa", "key_bits": key.key_size}
    return {"key_type": type(key).__name__.removesuffix("PublicKey").lower()}


def _signature(cert: x509.Certificate) -> dict[str, Any]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.oid import SignatureAlgorithmOID

    try:
        algorithm = cert.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return {"signature": cert.signature_algorithm_oid.dotted_string}
    if algorithm is not None:
        return {"signature": algorithm.name}
    edwards = cert.signature_algorithm_oid == SignatureAlgorithmOID.ED25519
    return {"signature": "ed25519" if edwards else cert.signature_algorithm_oid.dotted_string}


def _extensions(cert: x509.Certificate) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    unknown = []
    for extension in cert.extensions:
        if extension.critical and not _handled(extension):
            unknown.append(extension.oid.dotted_string)
        fields |= _extension(extension.value)
    return {**fields, "critical_unknown": tuple(unknown)}


def _handled(extension: x509.Extension[Any]) -> bool:
    """Go passes over critical constraints on other kinds of names than it knows: then the extension
    is unhandled.
    """
    from cryptography import x509

    constraints = extension.value
    if isinstance(constraints, x509.NameConstraints):
        names = (*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ()))
        known = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
        return all(isinstance(name, known) for name in names)
    return extension.oid.dotted_string in _HANDLED


def _extension(value: Any) -> dict[str, Any]:
    from cryptography import x509

    match value:
        case x509.BasicConstraints():
            return {"ca": value.ca, "path_length": value.path_length}
        case x509.SubjectAlternativeName():
            return {
                "dns_names": tuple(value.get_values_for_type(x509.DNSName)),
                "ip_addresses": tuple(map(str, value.get_values_for_type(x509.IPAddress))),
            }
        case x509.KeyUsage():
            return {"key_usage": tuple(name for name in _USAGES if getattr(value, name))}
        case x509.ExtendedKeyUsage():
            return {"extended_key_usage": tuple(oid.dotted_string for oid in value)}
        case x509.AuthorityKeyIdentifier():
            return {"authority_key": (value.key_identifier or b"").hex()}
        case x509.PrecertificateSignedCertificateTimestamps():
            return {"scts": len(list(value))}
        case x509.NameConstraints():
            return {
                "permitted": _subtrees(value.permitted_subtrees),
                "excluded": _subtrees(value.excluded_subtrees),
            }
        case x509.AuthorityInformationAccess():
            return _access(value)
    return {}


def _subtrees(names: Iterable[x509.GeneralName] | None) -> tuple[str, ...]:
    return tuple(str(getattr(name, "value", name)) for name in names or ())


def _access(value: x509.AuthorityInformationAccess) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    return {
        "issuer_urls": tuple(
            entry.access_location.value
            for entry in value
            if entry.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            and isinstance(entry.access_location, x509.UniformResourceIdentifier)
        )
    }
