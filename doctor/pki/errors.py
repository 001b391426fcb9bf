"""What do the verifier's numbers mean?

The numbers are OpenSSL's X509_V_ERR codes (openssl/x509_vfy.h), the same in 3.0 and 4.0; its texts
differ between the two, so nothing here depends on them. Go has no numbers: its objections are put
under the number of the same meaning.
"""

from __future__ import annotations

NOT_YET_VALID = 9
EXPIRED = 10
TIMES = (NOT_YET_VALID, EXPIRED)
SELF_SIGNED_LEAF = 18
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
"""The chain does not reach the store: no issuer, or a root that the store does not hold."""
SIGNATURE = 7
REVOKED = 23
PATH_LENGTH = 25
PURPOSE = 26
NO_CERT_SIGN = 32
CRITICAL = 34
MALFORMED = 41
NOT_PERMITTED = 47
EXCLUDED = 48
NAMES = (62, 64)
HOST = 62
ADDRESS = 64
WEAK_LEAF_KEY = 66
WEAK_CA_KEY = 67
WEAK_SIGNATURE = 68
NOT_A_CA = 79

_KEYS = {
    2: "issuer-not-found",
    7: "bad-signature",
    9: "not-yet-valid",
    10: "expired",
    18: "self-signed",
    19: "root-not-trusted",
    20: "issuer-not-trusted",
    21: "first-not-verified",
    22: "chain-too-long",
    23: "revoked",
    24: "issuer-without-key",
    25: "path-too-long",
    26: "wrong-purpose",
    32: "may-not-sign",
    34: "unknown-critical-extension",
    41: "malformed",
    47: "name-not-permitted",
    48: "name-excluded",
    62: "name-mismatch",
    64: "address-mismatch",
    66: "key-too-weak",
    67: "ca-key-too-weak",
    68: "signature-too-weak",
    79: "not-a-ca",
    85: "no-authority-key-id",
    86: "no-subject-key-id",
    89: "basic-constraints-not-critical",
    92: "ca-without-key-usage",
}


def key(number: int) -> str:
    """A stable word for the number: `x509-94` where it has none of its own."""
    return _KEYS.get(number, f"x509-{number}")
