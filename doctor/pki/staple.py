"""Does the stapled OCSP response say that the server's certificate was revoked?

RFC 6960. Container clients do not look at it, so it is evidence and a warning. It counts as
verified only when its signature is the issuer's own, or that of a responder whose certificate the
issuer signed for this purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doctor.facts.tls import Staple
from doctor.stamp import stamp

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.ocsp import OCSPResponse


def read(der: bytes, chain: Sequence[x509.Certificate]) -> Staple:
    """What the response says about `chain[0]`; "unusable" where it is malformed, refused, or about
    another certificate.
    """
    from cryptography.x509 import ocsp

    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return Staple()
        if response.serial_number != chain[0].serial_number:
            return Staple()
        status = {
            ocsp.OCSPCertStatus.GOOD: "good",
            ocsp.OCSPCertStatus.REVOKED: "revoked",
        }.get(response.certificate_status, "unknown")
        revoked = response.revocation_time_utc
        return Staple(
            status=status,  # type: ignore[arg-type]
            this_update=stamp(response.this_update_utc),
            revoked_at=stamp(revoked) if revoked else "",
            verified=_signed(response, chain),
        )
    except (ValueError, TypeError):
        return Staple()


def _signed(response: OCSPResponse, chain: Sequence[x509.Certificate]) -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer = next((cert for cert in chain[1:] if cert.subject == chain[0].issuer), None)
    if issuer is None:
        return False
    signers: list[x509.Certificate] = [issuer]
    for responder in response.certificates:
        try:
            responder.verify_directly_issued_by(issuer)
            usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except Exception:  # noqa: S112 - any flaw in it makes it no responder of this issuer
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage:
            signers.append(responder)
    return any(_verifies(response, signer.public_key()) for signer in signers)


def _verifies(response: OCSPResponse, key: Any) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    data, algorithm = response.tbs_response_bytes, response.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(response.signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(response.signature, data, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True
