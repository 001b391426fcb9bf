"""Which CAs does a program of containers/image trust for a registry?

The system's, and those of the first folder that the registry has in one of three certs.d
(docker/docker_client.go, dockerCertDir). Docker Hub's is named docker.io.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from doctor import hub
from doctor.clients.certs_d import first
from doctor.clients.machine import Machine
from doctor.facts.trust import Insecure, TrustFact


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
    named = hub.NAME if domain in hub.DOMAINS else domain
    own = f"{machine.home}/.config/containers/certs.d"
    folders = (own, "/etc/containers/certs.d", "/etc/docker/certs.d")
    found = first(machine, tuple(f"{each}/{named}" for each in folders), strict=False)
    return replace(
        base,
        stores=(*base.stores, *found.stores),
        faults=(*base.faults, *found.faults),
        client_pair=found.pair,
        insecure=insecure,
        plain_loopback=False,
    )
