"""Whom does containerd trust at one of its hosts, and what is wrong with the files that say so?

The CAs of a host's entry come beside the system's, and go for its token service and its storage
too, which are asked with the same settings. A file that cannot be used ends every pull from the
registry, whichever of its hosts it is for: the settings of all are made before the first is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.clients.certs_d import LABEL, ca_problem_of, misnamed, pair_fault
from doctor.clients.hosts_dir import Hosts, insecure
from doctor.clients.hosts_toml import Host
from doctor.clients.machine import Machine
from doctor.clients.unit import Value
from doctor.facts.trust import CaFault, KeyPair, TrustFact, TrustStore


def trusted(base: TrustFact, machine: Machine, hosts: Hosts, host: Host | None) -> TrustFact:
    """The system's trust with what the host's entry adds."""
    faults = [fault for each in hosts.hosts for fault in _faults(machine, each)]
    if hosts.folder and not hosts.file:
        faults += misnamed(machine, hosts.folder, machine.names(hosts.folder))
    broken = {fault.path for fault in faults}
    stores = [
        TrustStore(_label(ca), ca.text, "file", machine.located(ca.text))
        for ca in (host.ca if host else ())
        if ca.text not in broken
    ]
    pairs = [
        _pair(machine, *pair)
        for pair in (host.pairs if host else ())
        if not broken & {file.text for file in pair if file}
    ]
    return replace(
        base,
        stores=(*base.stores, *stores),
        faults=(*base.faults, *dict.fromkeys(faults)),
        client_pair=pairs[0] if pairs else None,
        insecure=insecure(host) if host else (),
    )


def _label(setting: Value) -> str:
    return f"ca in {setting.origin}" if setting.line else LABEL


def _pair(machine: Machine, certificate: Value, key: Value | None) -> KeyPair:
    place = machine.located(certificate.text)
    return KeyPair(place, machine.located(key.text) if key else place, certificate.origin)


def _faults(machine: Machine, host: Host) -> Iterator[CaFault]:
    for ca in host.ca:
        problem = ca_problem_of(machine, ca.text)
        if problem:
            hidden = problem == "unreadable"  # for this user; containerd is root
            origin = ca.origin if ca.line and not hidden else ""
            yield CaFault(_label(ca), ca.text, problem, origin, stops=not hidden)
    for certificate, key in host.pairs:
        label = f"client in {certificate.origin}" if certificate.line else LABEL
        origin = certificate.origin if certificate.line else ""
        own = (key or certificate).text
        fault = pair_fault(machine, certificate.text, own, label, origin)
        if fault and key is None and fault.problem == "no-match":
            fault = replace(fault, problem="no-key")
        if fault:
            yield fault
