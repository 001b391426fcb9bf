"""Which folders below certs.d are meant for the registry, and count for nothing?

A folder's name has the port exactly as the image's name has it, and the first folder that is there
is the only one (moby daemon/pkg/registry, HostCertsDir; containers/image docker/docker_client.go,
dockerCertDir).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.clients.machine import Machine
from doctor.facts.client import ConfigFault

_COUNTS = (".crt", ".cert", ".key")
_TLS = ":443"


def missed(
    machine: Machine, client: str, roots: tuple[str, ...], domain: str
) -> Iterator[ConfigFault]:
    """The folders with certificates, and why they do not count. `roots` in the client's order."""
    there = [path for root in roots if machine.is_folder(path := f"{root}/{domain}")]
    if there and not _holds(machine, there[0]):
        hidden = next((path for path in there[1:] if _holds(machine, path)), "")
        if hidden:
            yield _fault(
                there[0],
                "it is there without a certificate, and the first folder that is there counts",
                f"{client} passes over {hidden}",
            )
    if there:
        return
    other = domain.removesuffix(_TLS) if domain.endswith(_TLS) else f"{domain}{_TLS}"
    if domain.endswith(_TLS) or ":" not in domain:
        for path in (f"{root}/{other}" for root in roots):
            if _holds(machine, path):
                what = f"it counts for images of {other}, and this image says {domain}"
                yield _fault(path, what, f"{client} passes over it")


def _holds(machine: Machine, folder: str) -> bool:
    return any(name.endswith(_COUNTS) for name in machine.names(folder))


def _fault(folder: str, what: str, effect: str) -> ConfigFault:
    return ConfigFault(folder, what, effect, stops=False, kind="passed-over")
