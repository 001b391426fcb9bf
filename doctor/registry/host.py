"""What does the spelling of a host say: is it an address, this machine, a cloud's metadata service?

Nothing is looked up here. Whether a *name* stands for this machine without a resolver is another
question (`doctor.facts.dns.is_localhost`), and so is what a certificate or NO_PROXY takes for an
address: those have rules of their own.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_NAMES = {"metadata.google.internal", "metadata.goog", "metadata"}
_METADATA = tuple(
    ipaddress.ip_network(each)
    for each in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")
)
"""Link-local, where most clouds answer; AWS's IPv6 address; Alibaba Cloud's."""


def address(host: str) -> Address | None:
    """The host as an IP address, its zone left out, an IPv4 address in IPv6 clothes as itself; None
    for a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host: str) -> bool:
    """Is it given as a loopback address, or as `localhost`? Plain HTTP may be spoken to it
    (go-containerregistry pkg/name/registry.go, `Scheme`), and no Go program sends it to a proxy
    (x/net http/httpproxy, `useProxy`)."""
    found = address(host)
    return found.is_loopback if found else host == "localhost"


def is_metadata(host: str) -> bool:
    """A metadata service by name, a link-local address, or no host's address at all."""
    found = address(bare(host))
    if found is None:
        return bare(host) in _METADATA_NAMES
    return (
        any(found in net for net in _METADATA if net.version == found.version)
        or found.is_unspecified
    )


def bare(host: str) -> str:
    """The host in the one spelling in which hosts are compared."""
    return host.lower().rstrip(".").strip("[]")


def is_network(text: str) -> bool:
    """Is it a network in CIDR notation, as lists of insecure registries hold them?"""
    try:
        return "/" in text and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False
