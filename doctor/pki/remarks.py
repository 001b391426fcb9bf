"""What is worth saying of a chain that this client accepts: a key that others refuse, a last day
that is near, a revocation that container clients do not look for?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from doctor.model import Finding
from doctor.pki import errors
from doctor.pki.evidence import short
from doctor.pki.objections import Objections


def weak_keys(objections: Objections) -> Iterator[Finding]:
    """Keys that OpenSSL refuses at its default level and Go takes: a warning, as the container
    clients here are Go's.
    """
    fact = objections.fact
    judged = next((v for v in fact.verdicts if v.rules == "openssl"), None)
    for error in judged.errors if judged else ():
        if error.number not in (errors.WEAK_LEAF_KEY, errors.WEAK_CA_KEY):
            continue
        cert = objections.certificate(error.depth)
        size = f"{cert.key_type.upper()} with {cert.key_bits} bits"
        yield objections.finding(
            "tls.weak-key",
            {
                "certificate": short(cert),
                "depth": error.depth,
                "key": size,
                "refused_by": "OpenSSL at its default security level",
            },
            {"subject": cert.subject, "key": size, "above": "yes" if error.depth else ""},
        )
        return


def expiring(objections: Objections, now: datetime, days: int) -> Iterator[Finding]:
    """The certificate of an accepted chain that ends first, when that is within `days`."""
    path = objections.verdict.path
    if not objections.verdict.ok or not path:
        return
    first = min(path, key=lambda cert: cert.not_after)
    left = (datetime.fromisoformat(first.not_after) - now).total_seconds() / 86400
    if left > days:
        return
    yield objections.finding(
        "tls.expires-soon",
        {"certificate": short(first), "days_left": round(left, 1), "warn_days": days},
        {
            "subject": first.subject,
            "not_after": first.not_after,
            "days": f"{left:.0f}",
            "above": "yes" if first != path[0] else "",
            "anchor": "yes" if first.index < 0 else "",
        },
    )


def revoked(objections: Objections) -> Iterator[Finding]:
    """A stapled response that says so; no other source is asked."""
    staple = objections.fact.staple
    if staple is None or staple.status != "revoked":
        return
    yield objections.finding(
        "tls.revoked",
        {
            "certificate": short(objections.certificate(0)),
            "ocsp": "stapled",
            "this_update": staple.this_update,
            "revoked_at": staple.revoked_at,
            "signature_verified": staple.verified,
        },
        {"subject": objections.certificate(0).subject, "revoked_at": staple.revoked_at},
        confidence="certain" if staple.verified else "likely",
    )
