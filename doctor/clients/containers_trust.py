"""Which CAs does a program of containers/image trust for a registry?

The system's, and those of the first folder that the registry has in one of three certs.d
(docker/docker_client.go, dockerCertDir). Docker Hub's is named docker.io.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.clients.certs_d import first
from doctor.clients.keyring import wanted
from doctor.clients.machine import Machine
from doctor.facts.trust import Insecure, TrustFact
from doctor.registry import hub

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.model import Target


def roots(machine: Machine) -> tuple[str, ...]:
    """The three certs.d, in order."""
    own = f"{machine.home}/.config/containers/certs.d"
    return own, "/etc/containers/certs.d", "/etc/docker/certs.d"


def named(domain: str) -> str:
    """What a registry's folder is called."""
    return hub.NAME if domain in hub.DOMAINS else domain


def folders(target: Target, endpoints: EndpointsFact) -> tuple[str, ...]:
    """What the folders of the registry and of its mirrors are called."""
    mirrors = (each for each in endpoints.asked if each.hop.role == "mirror")
    asked = (named(each.domain or each.hop.authority) for each in mirrors)
    return tuple(dict.fromkeys((named(wanted(target).domain), *asked)))


def trust(
    client: str,
    machine: Machine,
    environ: Mapping[str, str],
    domain: str,
    insecure: tuple[Insecure, ...],
    ca: str | None,
) -> TrustFact:
    """For every host of a pull from the registry `domain`. `ca`: the file of `--ca`."""
    from doctor.pki.store import go_store

    base = go_store(Path(machine.root), environ, (ca,) if ca else (), client=client)
    folders = tuple(f"{root}/{named(domain)}" for root in roots(machine))
    found = first(machine, folders, strict=False)
    return replace(
        base,
        stores=(*base.stores, *found.stores),
        faults=(*base.faults, *found.faults),
        client_pair=found.pair,
        insecure=insecure,
    )
