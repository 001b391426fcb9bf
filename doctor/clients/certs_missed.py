"""Which folders below certs.d are meant for the registry, and count for nothing?

A folder's name has the port exactly as the image's name has it, and the first folder that is there
is the only one (moby daemon/pkg/registry, HostCertsDir; containers/image docker/docker_client.go,
dockerCertDir). containerd has more names for one, `_default` among them, and looks for all of them
below one root before it goes to the next (core/remotes/docker/config/hosts.go, hostDirFromRoots).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from doctor.clients import hosts_dir
from doctor.clients.machine import Machine
from doctor.facts.client import ConfigFault

_CERTIFICATES = (".crt", ".cert", ".key")
_TLS = ":443"


def missed(
    machine: Machine, client: str, roots: tuple[str, ...], domains: Iterable[str]
) -> Iterator[ConfigFault]:
    """The folders with certificates, and why they do not count. `roots` in the client's order."""
    for domain in dict.fromkeys(domains):
        names = tuple(f"{root}/{domain}" for root in roots)
        others = tuple(f"{root}/{other}" for root in roots for other in _otherwise(domain))
        yield from _missed(machine, client, domain, names, others)


def missed_by_containerd(
    machine: Machine, roots: tuple[str, ...], domain: str
) -> Iterator[ConfigFault]:
    """The same for containerd's folders, whose hosts.toml counts as certificates do."""
    names = tuple(hosts_dir.candidates(roots, domain))
    others = tuple(
        path
        for other in _otherwise(domain)
        for path in hosts_dir.candidates(roots, other)
        if not _is_default(path)
    )
    yield from _missed(machine, "containerd", domain, names, others)


def _missed(
    machine: Machine, client: str, domain: str, names: tuple[str, ...], others: tuple[str, ...]
) -> Iterator[ConfigFault]:
    there = [path for path in names if machine.is_folder(path)]
    own = [path for path in there if not _is_default(path)]
    if there and (_is_default(there[0]) or not _holds(machine, there[0])):
        hidden = next((path for path in own if path != there[0] and _holds(machine, path)), "")
        if hidden:
            empty = "" if _is_default(there[0]) else "without a certificate, "
            what = f"it is there {empty}and the first folder that is there counts"
            right = next(path for path in names if not _is_default(path))
            right = right if _is_default(there[0]) else there[0]
            yield _fault(there[0], what, client, hidden, right)
    if own:
        return
    wrong = next((path for path in others if _holds(machine, path)), "")
    if wrong:
        (other,) = _otherwise(domain)
        what = f"it counts for images of {other}, and this image says {domain}"
        right = f"{wrong.rpartition('/')[0]}/{domain}"
        yield _fault(wrong, what, client, wrong, right)


def _otherwise(domain: str) -> tuple[str, ...]:
    """The other spelling of a registry at the port of TLS."""
    if domain.endswith(_TLS):
        return (domain.removesuffix(_TLS),)
    return () if ":" in domain else (f"{domain}{_TLS}",)


def _is_default(folder: str) -> bool:
    return folder.endswith(f"/{hosts_dir.DEFAULT}")


def _holds(machine: Machine, folder: str) -> bool:
    names = machine.names(folder)
    return "hosts.toml" in names or any(name.endswith(_CERTIFICATES) for name in names)


def _fault(folder: str, what: str, client: str, lies_in: str, belongs_in: str) -> ConfigFault:
    which = lies_in if lies_in != folder else "it"
    return ConfigFault(
        folder,
        what,
        f"{client} passes over {which}",
        stops=False,
        kind="passed-over",
        lies_in=lies_in,
        belongs_in=belongs_in,
    )
