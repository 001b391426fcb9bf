"""Can a client certificate and its key be shown to a server?"""

from __future__ import annotations

from doctor.facts.trust import Problem
from doctor.pki.certificate import from_der, pem_blocks


def pair_problem(certificate: bytes, key: bytes) -> Problem | None:
    """What keeps the pair (both PEM) from being used, or None."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    shown = next((from_der(der) for der in pem_blocks(certificate)), None)
    if shown is None:
        return "no-certificate"
    try:
        own = load_pem_private_key(key, None)
    except TypeError:
        return "encrypted"
    except (ValueError, UnsupportedAlgorithm):
        return "no-match"
    return None if own.public_key() == shown.public_key() else "no-match"
