"""Whose eyes are there, which of them does this machine have, and how is a client made by its name?

One line a client, and nothing else names its module. A client is found here if its program lies
where programs do, or its socket, its configuration or its unit is there; below another root it is
the files alone. The shell is always there. Docker's login file does not count: others write it too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.clients.machine import Machine
from doctor.frozen import frozen

if TYPE_CHECKING:
    from doctor.model import Client

DEFAULT = "shell"
ALL = "all"
"""`--as all`: every client that is found."""
_PROGRAMS = (
    *("/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/snap/bin"),
    *("/opt/homebrew/bin", "/opt/podman/bin", "/opt/bin"),
)


@frozen
class Eyes:
    """One client: the class that is it (`module.Class` in this room), and what shows that it is
    here."""

    name: str
    made_by: str
    programs: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Sockets and configuration."""
    units: tuple[str, ...] = ()
    plain: bool = False
    """Is it one program without settings of its own?"""
    of_cri: tuple[str, ...] = ()
    """More places, that count where containerd's config.toml leaves on what pulls for pods."""


EYES = (
    Eyes("shell", "shell.Shell", plain=True),
    Eyes("crane", "shell.Shell", ("crane",), plain=True),
    Eyes(
        "docker", "docker.Docker", ("docker", "dockerd"),
        ("/var/run/docker.sock", "/etc/docker/daemon.json", "/etc/docker/certs.d"), ("docker",),
    ),
    Eyes("podman", "podman.Podman", ("podman",), ("/etc/containers/containers.conf",)),
    Eyes(
        "containerd", "containerd.Containerd", ("k3s", "rke2"),
        ("/etc/rancher",), ("k3s", "k3s-agent", "rke2-server", "rke2-agent"),
        of_cri=("/run/containerd/containerd.sock", "/etc/containerd/config.toml"),
    ),  # its program and unit alone are part of Docker's packages, which switch CRI off
    Eyes(
        "cri-o", "crio.Crio", ("crio",),
        ("/var/run/crio/crio.sock", "/etc/crio/crio.conf", "/etc/crio/crio.conf.d"), ("crio",),
    ),
    Eyes("kubelet", "kubelet.Kubelet", ("kubelet",), ("/var/lib/kubelet",), ("kubelet",)),
)  # fmt: skip
NAMES = tuple(each.name for each in EYES)
PLAIN = frozenset(each.name for each in EYES if each.plain)


def plain_program(client: str, only: Collection[str], skip: Collection[str]) -> bool:
    """Is a program without settings of its own looked at, and no check asked for or left out that
    only others have?"""
    return client in PLAIN and not only and "client" not in skip


@frozen
class Found:
    """A client that is here, and the path that shows it; "" for the one that always is."""

    name: str
    trace: str = ""


def found(machine: Machine) -> tuple[Found, ...]:
    """The clients of this machine, the default one first."""
    seen = ((each.name, _trace(machine, each)) for each in EYES if each.name != DEFAULT)
    return (Found(DEFAULT), *(Found(name, trace) for name, trace in seen if trace))


def _trace(machine: Machine, eyes: Eyes) -> str:
    from doctor.clients.systemd import SYSTEM

    for program in eyes.programs:
        on_path = "" if machine.foreign else machine.which(program)
        if on_path:
            return on_path
    programs = (f"{folder}/{name}" for name in eyes.programs for folder in _PROGRAMS)
    units = (f"{folder}/{name}.service" for name in eyes.units for folder in SYSTEM)
    everywhere = (*programs, *eyes.places, *eyes.of_cri, *units)
    there = (p for p in everywhere if machine.is_file(p) or machine.is_folder(p))
    return next((p for p in there if p not in eyes.of_cri or not _without_cri(machine)), "")


def _without_cri(machine: Machine) -> bool:
    from doctor.clients.containerd_config import without_cri

    return bool(without_cri(machine))


def client(
    name: str,
    environ: Mapping[str, str],
    *,
    root: str = "/",
    ca: str | None = None,
    proxy: str | None = None,
) -> Client:
    """The client of that name as this process's user would use it; files are read below `root`.
    `ca` and `proxy` stand in for what is set."""
    from importlib import import_module

    eyes = next(each for each in EYES if each.name == name)
    module, _, kind = eyes.made_by.partition(".")
    made: Any = getattr(import_module(f"doctor.clients.{module}"), kind)
    here: Client = made.here(environ, root=root, ca=ca, proxy=proxy)
    return here if here.name == name else replace(here, name=name)  # type: ignore[type-var]
