"""Which registries does a client speak plain HTTP with, or leave unverified, untold?

Every client has its own idea of what is near enough for that; what a setting says besides is read
where the settings are. podman does it for none.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, ip_address, ip_network

from doctor.facts.trust import Insecure

_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def crane(domain: str) -> bool:
    """Does go-containerregistry try plain HTTP where HTTPS fails? For `localhost`, names below it,
    127.0.0.1, ::1 and the private addresses of RFC 1918, each as it is written in the reference,
    whatever the port (pkg/name/registry.go, `Scheme`). Looked up is nothing."""
    if domain in ("::1", "[::1]") or domain.startswith("[::1]:"):
        return True
    host = domain.partition(":")[0]
    if host in ("localhost", "127.0.0.1") or host.endswith(".localhost"):
        return True
    try:
        address = IPv4Address(host)
    except AddressValueError:
        return False
    return any(address in network for network in _PRIVATE)


def docker(host: str) -> tuple[Insecure, ...]:
    """What dockerd takes for insecure: these networks, in which the addresses of a name are looked
    for too (moby daemon/pkg/registry/config.go). `localhost` is in them wherever it is looked
    up."""
    networks = (Insecure("127.0.0.0/8", network=True), Insecure("::1/128", network=True))
    return (*networks, Insecure("127.0.0.0/8")) if host == "localhost" else networks


CRIO = Insecure("127.0.0.0/8", network=True)
"""What CRI-O takes for insecure, by the addresses of the registry that the image names."""


def containerd(domain: str) -> bool:
    """Does containerd leave the registry unverified, and speak plain HTTP with it on other ports
    than 443? `localhost` and loopback addresses, as written (core/remotes/docker/registry.go,
    `MatchLocalhost`)."""
    host, colon, port = domain.rpartition(":")
    named = host if colon and port.isdigit() and (":" not in host or "]" in host) else domain
    try:
        found = ip_address(named.strip("[]"))
    except ValueError:
        return named == "localhost"
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
