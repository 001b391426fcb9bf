"""The registry's certificate, bent in one way or another, as a `Way` has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.certificates import DAY, NOW, Issued, authority, leaf, sha1_signed
from tests.lab.way import HOST, Way
from tests.lab.world import World

OLD_ROOT = authority("Old Root CA", not_after=NOW - 30 * DAY)


def issued(*names: str, sent: Sequence[int] | None = None, **bent: Any) -> Way:
    """The registry's certificate is for these names (its own) and bent so. `sent`: what comes in
    place of leaf, intermediate and root, by their places."""

    def issue(world: World, issuer: Issued) -> tuple[Issued, Any]:
        made = leaf(issuer, *(names or (HOST,)), **bent)
        chain = [made.certificate, *made.issuers]
        return made, [chain[place] for place in sent] if sent else None

    return Way(certificate=issue)


def below(**bent: Any) -> Way:
    """A healthy certificate of an intermediate that is bent so."""

    def issue(world: World, issuer: Issued) -> tuple[Issued, Any]:
        return leaf(authority("Bent Issuing CA", world.ca, **bent), HOST), None

    return Way(certificate=issue)


def two_below(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """One CA more than the path length of the first allows."""
    narrow = authority("Narrow CA", world.ca, path_length=0)
    return leaf(authority("Surplus CA", narrow), HOST), None


def whole_unknown(world: World, issuer: Issued) -> tuple[Issued, Any]:
    made = leaf(authority("Strange Issuing CA", authority("Strange Root CA")), HOST)
    return made, (made.certificate, *made.issuers)


def default(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """What ingress-nginx shows for a host without a Secret."""
    name = "Kubernetes Ingress Controller Fake Certificate"
    return leaf(None, "ingress.local", common_name=name), None


def broken(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """The last bit of the signature is another one."""
    made = leaf(issuer, HOST)
    der = bytearray(made.certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    bent = x509.load_der_x509_certificate(bytes(der))
    return Issued(bent, made.key, made.issuers), None


def sha1(world: World, issuer: Issued) -> tuple[Issued, Any]:
    return sha1_signed(issuer, world.place("sha1"), HOST), None


def cross_signed(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """The root came into use under an older one, whose time is over: both are still sent."""
    made = leaf(issuer, HOST)
    across = authority("Lab Root CA", OLD_ROOT, key=world.ca.key)
    return made, [*made.chain, across.certificate, OLD_ROOT.certificate]


def surplus(world: World, issuer: Issued) -> tuple[Issued, Any]:
    """A certificate that has nothing to do with it, and the wrong order."""
    made = leaf(issuer, HOST)
    stranger = authority("Strange Root CA").certificate
    return made, [made.certificate, world.ca.certificate, stranger, issuer.certificate]


def stapled(status: ocsp.OCSPCertStatus) -> Way:
    """nginx sends along what the CA says of the certificate."""

    def issue(world: World, issuer: Issued) -> tuple[Issued, Any]:
        made = leaf(issuer, HOST)
        revoked = NOW - DAY if status is ocsp.OCSPCertStatus.REVOKED else None
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                made.certificate,
                issuer.certificate,
                hashes.SHA1(),
                status,
                NOW,
                NOW + DAY,
                revoked,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.NAME, issuer.certificate)
            .sign(issuer.key, hashes.SHA256())
        )
        (world.etc / "staple.der").write_bytes(response.public_bytes(Encoding.DER))
        return made, None

    return Way(certificate=issue, site="ssl_stapling on; ssl_stapling_file /etc/staple.der;")
