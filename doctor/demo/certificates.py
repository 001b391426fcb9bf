"""With which certificates do the demo's servers show themselves, and which CA is trusted there?

Every run makes its own CAs and keys (elliptic, in milliseconds); they end with it. The CA that is
trusted is trusted in the demo alone: it stands in the file that plays the system's trust store.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from doctor.demo.faults import Certificate
from doctor.frozen import frozen

_DAY = timedelta(days=1)
_OTHER = "cdn.example.net"
_OF = "Registry Doctor Demo"


@frozen
class Issued:
    """A certificate, its key, and those above it, from its issuer to the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def context(self, folder: Path, name: str, *, sends: int | None = None) -> ssl.SSLContext:
        """What a server needs to show it, with `sends` of those above it (None: all but the root).
        Python's ssl reads keys from files only: they are left in the folder."""
        chain = self.above[:-1] if sends is None else self.above[:sends]
        file = folder / f"{name}.pem"
        file.touch(0o600)
        secret = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        file.write_text("".join([secret, self.pem, *map(pem, chain)]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authorities:
    """The demo's CAs: the one that is trusted there, with an issuing CA below it."""

    def __init__(self) -> None:
        self.root = authority(f"{_OF} Root CA", _OF)
        self.issuing = authority(f"{_OF} Issuing CA", _OF, self.root)

    def server(self, host: str) -> Issued:
        """A certificate as it should be."""
        return leaf(host, self.issuing)

    def bent(self, kind: Certificate, host: str, issuers: str, folder: Path) -> ssl.SSLContext:
        """The registry's, with that fault. `issuers`: where the issuing CA's certificate can be
        had."""
        now = datetime.now(UTC)
        if kind == "unknown-ca":
            root = authority("Example Corp Internal Root CA", "Example Corp")
            below = authority("Example Corp Server CA", "Example Corp", root)
            # With the root, as such servers often send it: then the CA can be shown.
            return leaf(host, below).context(folder, "registry", sends=2)
        if kind == "intercepted":
            # mitmproxy names its CA so: that gives it away.
            root = authority("mitmproxy", "mitmproxy")
            return leaf(host, root).context(folder, "registry", sends=1)
        if kind == "leaf-alone":
            return leaf(host, self.issuing, aia=issuers).context(folder, "registry", sends=0)
        made = {
            "good": lambda: self.server(host),
            "self-signed": lambda: leaf(host, None),
            "wrong-host": lambda: leaf(_OTHER, self.issuing),
            "expired": lambda: leaf(host, self.issuing, end=now - 3 * _DAY),
            "expires-soon": lambda: leaf(host, self.issuing, end=now + 7 * _DAY),
            "not-yet-valid": lambda: leaf(host, self.issuing, begin=now + _DAY),
        }[kind]()
        return made.context(folder, "registry")


def authority(name: str, organisation: str, issuer: Issued | None = None) -> Issued:
    """A CA: a root, or one below `issuer`."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _started(subject, issuer, key, now - 400 * _DAY, now + 3000 * _DAY)
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(usage, True)
    )
    return _signed(builder, key, issuer)


def leaf(
    host: str,
    issuer: Issued | None,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    aia: str = "",
) -> Issued:
    """A server's certificate for that host; without an issuer it is its own."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = (
        _started(subject, issuer, key, begin or now - 60 * _DAY, end or now + 180 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    )
    if aia:
        where = x509.UniformResourceIdentifier(aia)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    return _signed(builder, key, issuer)


def _started(
    subject: x509.Name,
    issuer: Issued | None,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    above = (issuer.key if issuer else key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: Issued | None
) -> Issued:
    certificate = builder.sign((issuer.key if issuer else key), hashes.SHA256())
    return Issued(certificate, key, (issuer.certificate, *issuer.above) if issuer else ())
