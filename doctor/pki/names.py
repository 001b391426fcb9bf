"""Does a certificate cover this host, by Go's rules?

The rules are those of Go's crypto/x509 `Certificate.VerifyHostname` (src/crypto/x509/verify.go):
only subjectAltName counts, a wildcard is a whole first label, an IP address is compared with IP
entries only, an underscore is allowed, a trailing dot of the name asked for is ignored. OpenSSL
differs for `*.tld`, underscores and trailing dots.
"""

from __future__ import annotations

import ipaddress
import string
from collections.abc import Iterable

_LETTERS = frozenset(string.ascii_letters + string.digits + "_")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address(host: str) -> Address | None:
    """The address that `host` is a literal of (brackets allowed; IPv4 mapped into IPv6 becomes
    IPv4), or None for a name.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        return None
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def covers(host: str, dns_names: Iterable[str], ip_addresses: Iterable[str]) -> bool:
    """Would Go accept a certificate with these subjectAltName entries for `host`?"""
    literal = address(host)
    if literal is not None:
        return any(address(entry) == literal for entry in ip_addresses)
    return any(_matches(pattern, host) for pattern in dns_names)


def _matches(pattern: str, host: str) -> bool:
    pattern, host = _lower(pattern), _lower(host)
    if not (_valid(host.removesuffix("."), wildcard=False) and _valid(pattern, wildcard=True)):
        return pattern == host and host not in {"", "."}
    wanted, asked = pattern.split("."), host.removesuffix(".").split(".")
    if len(wanted) != len(asked):
        return False
    return all(
        want == have or (place == 0 and want == "*")
        for place, (want, have) in enumerate(zip(wanted, asked, strict=True))
    )


def _lower(name: str) -> str:
    """ASCII lower case: other letters must not fold into ASCII (the Kelvin sign is no k)."""
    return "".join(c.lower() if c.isascii() else c for c in name)


def _valid(name: str, *, wildcard: bool) -> bool:
    if not name or name == "*":
        return False
    return all(
        (wildcard and place == 0 and label == "*") or _label(label)
        for place, label in enumerate(name.split("."))
    )


def _label(label: str) -> bool:
    return bool(label) and all(
        c in _LETTERS or (c == "-" and place > 0) for place, c in enumerate(label)
    )


def nearest(host: str, dns_names: Iterable[str]) -> str | None:
    """The name on the certificate that the user most likely meant, or None when nothing is near."""
    import difflib

    names = [name for name in dns_names if not name.startswith("*")]
    wildcards = [name for name in dns_names if name.startswith("*.")]
    if address(host) is not None:
        return names[0] if len(names) == 1 else None
    for name in names:
        if name.endswith("." + host) or host.endswith("." + name) or name.split(".")[0] == host:
            return name
    close = difflib.get_close_matches(host, names, n=1, cutoff=0.75)
    if close:
        return close[0]
    below = [name for name in wildcards if host.endswith(name[1:]) or name[2:] == host]
    return below[0] if below else None
