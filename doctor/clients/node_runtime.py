"""Which container runtime does the kubelet have pull its images?"""

from __future__ import annotations

from collections.abc import Mapping

from doctor.clients import systemd
from doctor.clients.machine import Machine
from doctor.model import Client


def choose(
    machine: Machine,
    endpoint: str,
    environ: Mapping[str, str],
    ca: str | None,
    proxy: str | None,
) -> Client:
    """The runtime behind that socket; where nothing says, the one whose service is there."""
    is_crio = "crio" in endpoint
    if not endpoint and systemd.find(machine, "crio").unit:
        is_crio = not systemd.find(machine, "containerd").unit
    if is_crio:
        from doctor.clients.crio import Crio

        return Crio.here(environ, root=machine.root, ca=ca, proxy=proxy)
    from doctor.clients.containerd import Containerd

    return Containerd.here(environ, root=machine.root, ca=ca, proxy=proxy)
