"""Which entry of a NO_PROXY list sends this host direct, by each family's own rule?

There is no standard for the list, and one list is read in five ways: `.host` covers `host` itself
for some, a port is looked at by some, `*` counts anywhere or only alone, a network in CIDR notation
covers literal addresses for some and a name never. Sources, by family:
golang.org/x/net/http/httpproxy proxy.go; curl lib/noproxy.c (8.9, and before it, when blanks parted
entries too); requests utils.py should_bypass_proxies; CPython urllib/request.py
proxy_bypass_environment; httpx _utils.py get_environment_proxies and URLPattern.

Every function takes the list as it is set and the host as in a URL (lower case, no brackets), and
gives the entry that matched as it is written, or None: through the proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_DEFAULT = {"http": 80, "https": 443}


def go(listed: str, host: str, port: int) -> str | None:
    """Go: a name and all below it, `.name` or `*.name` only what is below; ports count; CIDR for
    literal addresses, an IPv4 one in IPv6's dress among them; an entry's name may be written in its
    own letters; `*` anywhere."""
    entries = tuple(_entries(listed, ","))
    if "*" in entries:
        return "*"
    address = _plain(_address(host))
    for entry in entries:
        wanted = entry.lower()
        network = _network(wanted)
        if network is not None:
            if address is not None and address.version == network.version and address in network:
                return entry
            continue
        name, own_port = _split_port(wanted)
        if not name or (own_port and own_port != str(port)):
            continue
        literal = _plain(_address(name))
        if literal is not None:
            if literal == address:
                return entry
        elif _go_domain(_ascii(name), host):
            return entry
    return None


def curl(listed: str, host: str, port: int = 0, *, blanks: bool = False) -> str | None:
    """curl: a name and all below it, dots at either end ignored; no ports; CIDR for literal
    addresses; `*` only as the whole list.

    A blank ends the list since 8.9; with `blanks` it parts entries, as before.
    """
    if listed == "*":
        return listed
    address = _address(host)
    bare = host.removesuffix(".")
    for entry in _curl_entries(listed, blanks):
        if address is None:
            name = entry.removesuffix(".").removeprefix(".").lower()
            if name and (bare == name or bare.endswith(f".{name}")):
                return entry
        elif _curl_network(entry, address):
            return entry
    return None


def requests(listed: str, host: str, port: int, *, scheme: str = "https") -> str | None:
    """requests: a name and all below it, leading dots ignored; a port counts where the URL writes
    one; CIDR for IPv4 literals; then urllib's rule."""
    literal = _address(host)
    written = host if port == _DEFAULT[scheme] else f"{host}:{port}"
    for entry in _entries(listed.replace(" ", ""), ","):
        if isinstance(literal, ipaddress.IPv4Address):
            network = _network(entry)
            if entry == host or (network and network.prefixlen and literal in network):
                return entry
            continue
        name = entry.lstrip(".")
        if any(own == name or own.endswith(f".{name}") for own in (host, written)):
            return entry
    return urllib(listed, host, port, scheme=scheme, named=False)


def urllib(
    listed: str, host: str, port: int, *, scheme: str = "https", named: bool = True
) -> str | None:
    """urllib: a name and all below it, leading dots ignored; a port counts where the URL writes
    one; no CIDR; `*` only as the whole list.

    `named`: is the host looked up together with the port that the URL writes?
    """
    if listed == "*":
        return listed
    own = f"[{host}]" if named and ":" in host else host
    written = f"{own}:{port}" if named and port != _DEFAULT[scheme] else own
    for entry in _entries(listed, ","):
        name = entry.lstrip(".").lower()
        if any(text == name or text.endswith(f".{name}") for text in (own, written)):
            return entry
    return None


def httpx(listed: str, host: str, port: int, *, scheme: str = "https") -> str | None:
    """httpx: a name and all below it, `.name` only what is below, `*.name` nothing; a port counts
    where the URL writes one; `scheme://name` is that scheme's alone; no CIDR; `*` anywhere."""
    entries = tuple(_entries(listed, ","))
    if "*" in entries:
        return "*"
    for entry in entries:
        wanted = entry.lower()
        own_scheme, mark, rest = wanted.partition("://")
        if mark and own_scheme not in ("all", scheme):
            continue
        name = rest if mark else wanted
        exact = bool(mark) or name == "localhost" or _address(name.partition("/")[0]) is not None
        if _httpx_matches(name, exact, host, port, scheme):
            return entry
    return None


def _httpx_matches(name: str, exact: bool, host: str, port: int, scheme: str) -> bool:
    if _address(name) is None:
        name, own_port = _split_port(name.partition("/")[0])
        written = "" if port == _DEFAULT[scheme] else str(port)
        if own_port and own_port != written:
            return False
    if name.startswith("*"):
        if not exact:
            return False
        name, exact = name[1:], False
    if exact:
        return host == name
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _go_domain(name: str, host: str) -> bool:
    name = name.removeprefix("*") if name.startswith("*.") else name
    below = name if name.startswith(".") else f".{name}"
    return host.endswith(below) or (below != name and host == name)


def _entries(listed: str, mark: str) -> Iterator[str]:
    return (entry.strip() for entry in listed.split(mark) if entry.strip())


def _curl_entries(listed: str, blanks: bool) -> Iterator[str]:
    """lib/noproxy.c: blanks before an entry are passed over; after one, anything but a comma ends
    the list."""
    for part in listed.split(","):
        words = part.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        yield from words if blanks else words[:1]
        if len(words) > 1 and not blanks:
            return


def _curl_network(entry: str, address: _Address) -> bool:
    """lib/noproxy.c, Curl_cidr4_match: no length, and a length of 0, mean the address itself."""
    name, _, length = entry.partition("/")
    network = _address(name)
    digits = length[: len(length) - len(length.lstrip("0123456789"))]
    bits = int(digits[:4] or 0)
    if network is None or network.version != address.version or bits > address.max_prefixlen:
        return False
    shift = address.max_prefixlen - (bits or address.max_prefixlen)
    return int(network) >> shift == int(address) >> shift


def _split_port(text: str) -> tuple[str, str]:
    """`host`, `port` as Go's net.SplitHostPort has them; without a port, or in a form it refuses,
    all is the host."""
    if text.startswith("["):
        inner, mark, rest = text[1:].partition("]")
        return (inner, rest[1:]) if mark and rest.startswith(":") else (text, "")
    name, mark, port = text.partition(":")
    return (name, port) if mark and ":" not in port else (text, "")


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _plain(address: _Address | None) -> _Address | None:
    """As net.IP has it: `::ffff:10.1.2.3` is 10.1.2.3."""
    return getattr(address, "ipv4_mapped", None) or address


def _ascii(name: str) -> str:
    """The name as it goes over the wire; itself where it has no such form."""
    if name.isascii():
        return name
    dot = "." if name.startswith(".") else ""
    try:
        return dot + name.removeprefix(".").encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """`address/length`; as in Go, bits beyond the length do not matter."""
    name, mark, length = text.partition("/")
    if not mark or _address(name) is None or not (length.isascii() and length.isdigit()):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
