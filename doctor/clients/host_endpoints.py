"""Which endpoints do the hosts of a registry's folder come to for one image?

containerd core/remotes/docker/resolver.go and pusher.go: a host that may not serve the reference is
passed over, and one that is not the registry that the image names is told with `?ns=` which it
stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.clients.hosts_dir import Hosts, ways
from doctor.clients.hosts_toml import Host
from doctor.clients.keyring import wanted
from doctor.clients.rewrite import rewritten
from doctor.facts.endpoint import Endpoint
from doctor.model import Hop, Target
from doctor.registry import hub


def domain(target: Target) -> str:
    """The registry as the image names it, whichever endpoint is looked at: what its folder is
    named after."""
    named = target.original
    return named.registry if named else wanted(target).domain


def entry(hosts: Hosts, target: Target) -> Host | None:
    """The entry of the endpoint in question; for a registry that is asked directly, its own."""
    endpoint = target.endpoint
    for host in hosts.hosts:
        if target.registry not in ways(host):
            continue
        if endpoint is None or (endpoint.origin, endpoint.written) == _written(host):
            return host
    return None


def _written(host: Host) -> tuple[str, str]:
    return (host.url.origin, host.url.text) if host.url.text else ("", "")


def endpoints(hosts: Hosts, target: Target) -> Iterator[Endpoint]:
    """Where they have the target's image asked for, in order, those that are passed over for it
    included."""
    reference = target.original
    assert reference is not None  # noqa: S101 - the caller has looked
    registry = domain(target)
    own = reference.hop
    seen: list[Hop] = []
    for host in hosts.hosts:
        names_another = host.authority != registry and (registry, host.authority) != (
            hub.NAME,
            hub.HOST,
        )
        origin, written = _written(host)
        for hop in ways(host):
            skipped = _skipped(host, by_tag=not reference.digest)
            if not skipped and hop in seen:
                skipped = "it is asked before this already"
            if not skipped:
                seen.append(hop)
            yield Endpoint(
                hop=replace(hop, role="registry" if hop.name == own.name else "mirror"),
                repository=rewritten(reference.repository, host.rewrites),
                base=host.path,
                namespace=registry if names_another else "",
                origin=origin,
                written=written,
                skipped=skipped,
            )


def _skipped(host: Host, *, by_tag: bool) -> str:
    """Why the host is passed over for the reference."""
    listed = ", ".join(sorted(host.capabilities))
    if "pull" not in host.capabilities:
        return f"its capabilities are {listed}; a pull needs pull"
    if by_tag and "resolve" not in host.capabilities:
        return f"it is for digests only: its capabilities are {listed}; a tag needs resolve"
    return ""
