"""A small maker of CAs, chains and faults: every certificate that a test needs, made in
milliseconds with elliptic keys.

`Maker` holds one key pair and what is to be signed; `authority()` and `leaf()` give healthy ones,
and each argument bends one thing.
"""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
UNKNOWN_OID = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and what a server would send with it."""

    certificate: x509.Certificate
    key: Key
    issuers: tuple[x509.Certificate, ...] = ()
    """From its own issuer to the root."""

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """As a well-kept server sends it: itself and its intermediates, not the root."""
        return (self.certificate, *self.issuers[:-1])

    def write(
        self, folder: Path, name: str, chain: Sequence[x509.Certificate] | None = None
    ) -> tuple[Path, Path]:
        """The files for a server: the chain (as `chain` if given) and the key."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_text("".join(map(pem, self.chain if chain is None else chain)))
        key.write_text(self.key_pem)
        return certificate, key


def served(issued: Issued, folder: Path) -> ssl.SSLContext:
    """What a server needs to show that certificate; its files are left in the folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued.write(folder, "served"))
    return context


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def bundle(*certificates: x509.Certificate) -> str:
    return "".join(map(pem, certificates))


@cache
def rsa_key(bits: int, which: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def authority(
    name: str = "Test Root CA",
    issuer: Issued | None = None,
    *,
    key: Key | None = None,
    organisation: str | None = None,
    not_before: datetime = NOW - 400 * DAY,
    not_after: datetime = NOW + 4000 * DAY,
    ca: bool | None = True,
    path_length: int | None = None,
    key_usage: bool = True,
    cert_sign: bool = True,
    usages: Iterable[x509.ObjectIdentifier] = (),
    permitted: Sequence[x509.GeneralName] | None = None,
    excluded: Sequence[x509.GeneralName] | None = None,
    critical_constraints: bool = True,
) -> Issued:
    """A CA: a root, or an intermediate where `issuer` is given. `ca` None leaves basicConstraints
    out.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _start(_name(name, organisation), issuer, key, not_before, not_after)
    if ca is not None:
        length = path_length if ca else None
        builder = builder.add_extension(x509.BasicConstraints(ca, length), critical_constraints)
    if key_usage:
        builder = builder.add_extension(_key_usage(cert_sign=cert_sign), True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), False)
    if permitted or excluded:
        builder = builder.add_extension(x509.NameConstraints(permitted, excluded), True)
    return _finish(builder, key, issuer)


def leaf(
    issuer: Issued | None,
    *names: str,
    key: Key | None = None,
    common_name: str | None = None,
    alternative_names: bool = True,
    not_before: datetime = NOW - 10 * DAY,
    not_after: datetime = NOW + 90 * DAY,
    usages: Iterable[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    ca: bool | None = False,
    aia: str | None = None,
    critical_unknown: bool = False,
    key_identifiers: bool = True,
) -> Issued:
    """A server's certificate for `names` (addresses become IP entries); self-signed without an
    `issuer`.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    first = common_name if common_name is not None else (names[0] if names else "nobody")
    builder = _start(_name(first), issuer, key, not_before, not_after, identifiers=key_identifiers)
    if alternative_names and names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), False
        )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), False)
    if aia:
        where = x509.UniformResourceIdentifier(aia)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    if critical_unknown:
        builder = builder.add_extension(x509.UnrecognizedExtension(UNKNOWN_OID, b"\x05\x00"), True)
    return _finish(builder, key, issuer)


def sha1_signed(issuer: Issued, folder: Path, host: str) -> Issued:
    """A server's certificate signed with SHA-1, by the openssl program: cryptography does not make
    such any more.
    """
    plain = leaf(issuer, host, key=rsa_key(2048))
    files = {"leaf.key": plain.key_pem, "ca.crt": issuer.pem, "ca.key": issuer.key_pem}
    files["leaf.ext"] = f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth\n"
    for name, text in files.items():
        (folder / name).write_text(text)
    _openssl(folder, "req", "-new", "-key", "leaf.key", "-subj", f"/CN={host}", "-out", "leaf.csr")
    _openssl(
        folder,
        *("x509", "-req", "-sha1", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", "90", "-extfile", "leaf.ext", "-out", "leaf.crt"),
    )
    signed = x509.load_pem_x509_certificate((folder / "leaf.crt").read_bytes())
    return Issued(signed, plain.key, (issuer.certificate, *issuer.issuers))


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _name(common: str, organisation: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _start(
    subject: x509.Name,
    issuer: Issued | None,
    key: Key,
    not_before: datetime,
    not_after: datetime,
    *,
    identifiers: bool = True,
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if not identifiers:
        return builder
    above = (issuer.key if issuer else key).public_key()
    return builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)


def _finish(builder: x509.CertificateBuilder, key: Key, issuer: Issued | None) -> Issued:
    signer = issuer.key if issuer else key
    by_itself = isinstance(signer, ed25519.Ed25519PrivateKey)
    certificate = builder.sign(signer, None if by_itself else hashes.SHA256())
    return Issued(certificate, key, (issuer.certificate, *issuer.issuers) if issuer else ())


def _key_usage(*, cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
