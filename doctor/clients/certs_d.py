"""What does a registry's folder below certs.d give: which CAs, which client certificate?

Docker's rule (moby daemon/pkg/registry, ReadCertsDirectory), which containers/image shares
(pkg/tlsclientconfig, SetupCertificates) but for what it does with a file it cannot read: the ending
decides. Every .crt is a CA beside the system's; a .cert needs a .key of its name and the other way
round, or the client fails; all else is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.clients.machine import Machine, Text
from doctor.facts.trust import CaFault, KeyPair, Problem, TrustStore
from doctor.frozen import frozen

LABEL = "certs.d"
_MOST = 100
_CA_ENDINGS = (".pem", ".cer", ".ca", ".der")


@frozen
class CertsD:
    """A registry's folder; `folder` "": there is none."""

    folder: str = ""
    stores: tuple[TrustStore, ...] = ()
    faults: tuple[CaFault, ...] = ()
    pair: KeyPair | None = None


def first(machine: Machine, folders: tuple[str, ...], *, strict: bool = True) -> CertsD:
    """The first folder that is there. `strict`: a CA file that cannot be read ends the pull."""
    for folder in folders:
        if machine.is_folder(folder):
            return _read(machine, folder, strict)
    return CertsD()


def _read(machine: Machine, folder: str, strict: bool) -> CertsD:
    names = machine.names(folder)[:_MOST]
    stores: list[TrustStore] = []
    faults: list[CaFault] = []
    pairs: list[KeyPair] = []
    for name in names:
        path = f"{folder}/{name}"
        stem, dot, ending = name.rpartition(".")
        if ending == "crt" and dot:
            problem = ca_problem_of(machine, path)
            if problem is None:
                stores.append(TrustStore(LABEL, path, "file", machine.located(path)))
            else:
                hard = problem in ("unreadable", "not-a-file") or (strict and problem == "missing")
                faults.append(CaFault(LABEL, path, problem, stops=hard))
        elif ending == "cert" and dot:
            if f"{stem}.key" not in names:
                faults.append(CaFault(LABEL, path, "no-key", stops=True))
            elif fault := pair_fault(machine, path, f"{folder}/{stem}.key"):
                faults.append(fault)
            else:
                key = machine.located(f"{folder}/{stem}.key")
                pairs.append(KeyPair(machine.located(path), key, folder))
        elif ending == "key" and dot and f"{stem}.cert" not in names:
            faults.append(CaFault(LABEL, path, "no-partner", stops=True))
    faults += misnamed(machine, folder, names)
    return CertsD(folder, tuple(stores), tuple(faults), pairs[0] if pairs else None)


def ca_problem_of(machine: Machine, path: str) -> Problem | None:
    """What keeps the file of that machine from being a CA's."""
    from doctor.pki.store import ca_problem

    return ca_problem(machine.located(path))


def pair_fault(
    machine: Machine, certificate: str, key: str, label: str = LABEL, origin: str = ""
) -> CaFault | None:
    """What keeps the pair from being used."""
    from doctor.pki.pair import pair_problem

    texts: list[bytes] = []
    for path in (certificate, key):
        read = machine.read(path)
        if not isinstance(read, Text):
            why: Problem = "missing" if read.reason == "missing" else "unreadable"
            # A key is root's alone: that this user may not read it does not hinder the daemon.
            hidden = read.reason == "forbidden"
            return CaFault(label, path, why, "" if hidden else origin, stops=not hidden)
        texts.append(read.text.encode())
    problem = pair_problem(*texts)
    if problem is None:
        return None
    path = certificate if problem == "no-certificate" else key
    return CaFault(label, path, problem, origin, stops=True)


def misnamed(machine: Machine, folder: str, names: tuple[str, ...]) -> Iterator[CaFault]:
    """Certificates that were put there in vain, because of their names."""
    if any(name.endswith(".crt") for name in names):
        return
    for name in names:
        if name.endswith(_CA_ENDINGS) and ca_problem_of(machine, f"{folder}/{name}") is None:
            yield CaFault(LABEL, f"{folder}/{name}", "other-name")
