"""Where does an address lead that a registry names: a redirect's Location, a challenge's realm?

It comes from outside, so it is bounded and taken apart here once: RFC 3986 references resolved
against the request (RFC 9110 section 10.2.2), a host lower-cased, a port always set, user
information refused in a realm and dropped from a redirect. The request target is kept byte for byte
(a signature covers it); only characters that HTTP does not allow in it are percent-encoded.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import field
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from doctor.facts.dns import is_localhost
from doctor.frozen import frozen
from doctor.model import Hop, Role
from doctor.redact import clip, scrub
from doctor.registry.realm import is_loopback, is_metadata

_LONGEST = 8192
_LONGEST_PATH = 1024
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_SHOWN = frozenset({"service", "scope", "n"})
_SIGNING = frozenset(
    {
        *(
            "x-amz-signature",
            "signature",
            "sig",
            "x-goog-signature",
            "key-pair-id",
            "policy",
            "hmac",
        ),
        *("token", "verify", "access_token", "x-amz-credential", "expires", "se"),
    }
)


_ORDINARY = re.compile(r"[0-9TZ:.+-]*|[a-z]+/[a-z0-9.+-]+|AWS4-[A-Z0-9-]+|[^A-Za-z0-9]*")
_SHORTEST_SIGNATURE = 16
"""Characters of a value that is a secret and no date, number or name."""


@frozen
class Place:
    """A hop and what to ask it for. `target` (path and query) may hold a signature: it never enters
    a fact."""

    hop: Hop
    target: str
    signed: bool
    user: bool
    """User information stood in it."""
    signatures: tuple[str, ...] = field(default=(), repr=False)
    """The values that prove the right to it, apart: whoever is sent them may repeat them."""

    @property
    def shown(self) -> str:
        """The address with the names of its query's parameters and without their values."""
        return f"{self.hop.scheme}://{self.hop.authority}{shown(self.target)}"


def place(text: str, *, role: Role, base: Hop | None = None, path: str = "/") -> Place | None:
    """Take an address apart, relative to `base` and `path` where given. None: not an http or https
    address with a host."""
    text = text.strip(" \t")
    if not text or len(text) > _LONGEST or any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        return None
    try:
        if base is not None:
            text = urljoin(f"{base.scheme}://{base.authority}{path}", text)
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not _is_host(host) or port == 0:
        return None
    scheme = "https" if parts.scheme == "https" else "http"
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=-._~")
    fields = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)
    signing = [value for name, value in fields if name.lower() in _SIGNING]
    hop = Hop(
        role,
        host,
        port or {"https": 443, "http": 80}[scheme],
        "https" if scheme == "https" else "http",
    )
    signatures = tuple(
        value
        for name, value in fields
        if len(value) >= _SHORTEST_SIGNATURE
        and (name.lower() in _SIGNING or (name not in _SHOWN and _is_key(value)))
    )
    return Place(hop, target, bool(signing), "@" in parts.netloc, signatures)


def _is_key(value: str) -> bool:
    """Does the value of a parameter of no known name look like a secret, and not like a time or a
    media type?"""
    random = re.search("[A-Za-z].*[0-9]|[0-9].*[A-Za-z]", value) and not _ORDINARY.fullmatch(value)
    return bool(random)


def shown(target: str) -> str:
    """A path and query fit for a fact: only values that hold no secret by their nature are kept."""
    path, mark, query = target.partition("?")
    if not mark:
        return _bounded(path)
    return f"{_bounded(path)}?{names(query, _SHOWN)}"


def names(query: str, shown: frozenset[str] = frozenset()) -> str:
    """A query with the names of its parameters and the values of these. Scrubbed as a whole before
    it is parted: an `&` may stand in a secret. A long word without a `=` is a value, not a name."""
    fields = (field.partition("=") for field in scrub(query[:4096]).split("&")[:32])
    kept = (
        f"{name}{eq}{value if name in shown else ''}"
        for name, eq, value in fields
        if eq or len(name) <= _SHORTEST_SIGNATURE
    )
    return "&".join(kept)


def _bounded(path: str) -> str:
    return path if len(path) <= _LONGEST_PATH else clip(path, _LONGEST_PATH)


def _is_host(host: str) -> bool:
    """A name or an address that can be looked up: no control, no space, no bracket left over, no
    zone, no label that DNS has not (RFC 1035, section 2.3.4). What ends in a number is an IPv4
    address as it is usually written, or nothing: `127.1` and `0x7f000001` are loopback to
    getaddrinfo, and names to whoever compares names (URL Standard, "ends in a number")."""
    if not host or len(host) > 253 or "%" in host:
        return False
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _is_quad(host)
    known = all(c.isascii() and (c.isalnum() or c in "-._") for c in host)
    return known and all(0 < len(label) < 64 for label in labels)


def _is_quad(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def may_be_contacted(place: Place, registry: Hop) -> bool:
    """May a connection be opened to a host that the registry named, so that a registry cannot point
    us at what lies near us?

    Plain HTTP only from one loopback address to another; a link-local, private or loopback address,
    `localhost` and the names of cloud metadata services (whose addresses are link-local) only where
    the registry is given as such itself. Rule after go-containerregistry,
    pkg/v1/remote/transport/bearer.go, validateRealmURL.
    """
    if place.hop.scheme == "http":
        return is_loopback(place.hop.host) and is_loopback(registry.host)
    try:
        address = ipaddress.ip_address(place.hop.host)
    except ValueError:
        if is_metadata(place.hop.host):
            return False
        return not is_localhost(place.hop.host) or is_loopback(registry.host)
    if address.is_link_local or address.is_unspecified or address.is_multicast:
        return False
    if not (address.is_private or address.is_loopback):
        return True
    try:
        return ipaddress.ip_address(registry.host).is_private
    except ValueError:
        return registry.host == "localhost" and address.is_loopback
