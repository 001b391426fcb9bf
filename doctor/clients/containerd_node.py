"""Which containerd pulls on this machine, and by which settings?

One of its own, or the one inside k3s or RKE2, where such a node is found. Its version is what the
package manager's files say; nothing is started to ask it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Literal

from doctor.clients import containerd_config, containerd_files, hosts_dir, k3s, packages, systemd
from doctor.clients.containerd_config import Auth, Config
from doctor.clients.hosts_dir import Hosts
from doctor.clients.k3s import Registries
from doctor.clients.legacy_hosts import legacy
from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.facts.credential import Place
from doctor.frozen import frozen

Kind = Literal["containerd", "k3s", "rke2"]
_PROGRAMS = ("/usr/bin/containerd", "/usr/local/bin/containerd", "/usr/sbin/containerd")
_THEIRS: tuple[tuple[Kind, tuple[str, ...], tuple[str, ...]], ...] = (
    ("k3s", ("k3s", "k3s-agent"), ("/usr/local/bin/k3s", "/usr/bin/k3s")),
    ("rke2", ("rke2-server", "rke2-agent"), ("/usr/local/bin/rke2", "/usr/bin/rke2")),
)
_PACKAGES = ("containerd.io", "containerd", "moby-containerd")
_FLAGS = {"config": "config", "c": "config", "address": "address", "a": "address"}


@frozen
class Node:
    """Whose containerd it is, and what it goes by."""

    kind: Kind = "containerd"
    service: str = "containerd"
    """The unit that starts it."""
    program: str = ""
    version: str = ""
    socket: str = containerd_config.SOCKET
    variables: Mapping[str, Value] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    registries: Registries | None = None
    """Of k3s and RKE2, which write config.toml themselves."""
    files: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        return {name: value.text for name, value in self.variables.items()}

    @property
    def certs(self) -> str:
        """Below which folder a registry's own is made; "" where none would count."""
        config = self.config
        if self.registries is not None or (not config.is_list and ":" in config.config_path.text):
            return ""
        return next(iter(config.roots), "")

    @property
    def auths(self) -> tuple[Auth, ...]:
        """The node's own credentials."""
        if self.registries is None:
            return self.config.auths
        return tuple(each.auth for each in self.registries.configs.values() if each.auth)

    def hosts(self, machine: Machine, domain: str) -> Hosts:
        """What is asked for a registry."""
        if self.registries is not None:
            return k3s.hosts(self.registries, domain)
        config = self.config
        if not config.config_path.text:
            found = legacy(config, domain)
            return replace(found, faults=(*found.faults, *self._no_path(machine, domain)))
        needs_host = (0, 0) < packages.numbers(self.version) < (1, 7, 25)
        found = hosts_dir.find(machine, config.roots, domain, needs_host=needs_host)
        if (config.is_list and not config.maybe_one) or ":" not in config.config_path.text:
            return found
        return replace(found, faults=(*found.faults, *self._one_folder(machine, domain)))

    def _no_path(self, machine: Machine, domain: str) -> Iterator[ConfigFault]:
        """What lies where hosts.toml files usually lie, and is read only if config_path says so."""
        usual = containerd_config.DEFAULT_ROOTS.partition(":")[0]
        lost = hosts_dir.find(machine, (usual,), domain)
        if not lost.folder or machine.names(lost.folder) == ():
            return
        file = (self.config.files or (containerd_files.PATH,))[0]
        effect = f"containerd does not read {lost.file or lost.folder}"
        if not self.version:
            effect = f"{effect} up to version 1.7; no list of packages says which version this is"
        yield ConfigFault(
            file=file,
            what="config_path is not set",
            effect=effect,
            expected=f'config_path = "{usual}"',
            stops=False,
            kind="no-path",
            sure=bool(self.version),
        )

    def _one_folder(self, machine: Machine, domain: str) -> Iterator[ConfigFault]:
        """The list that is taken for one folder's name, where it keeps settings from counting."""
        path = self.config.config_path
        listed = replace(self.config, is_list=True).roots
        lost = hosts_dir.find(machine, listed, domain).folder
        unsure = self.config.maybe_one
        if not lost and (unsure or not path.line):
            return
        file = path.file or (self.config.files or (containerd_files.PATH,))[0]
        said = f'config_path is the list "{path.text}"' + ("" if path.line else " by default")
        version = "from 2.1 on" if unsure else self.version
        effect = (
            f"containerd {version} takes it for the name of one folder, "
            f"so {lost or 'what lies in those folders'} counts for nothing"
        )
        if unsure:
            effect = f"{effect}; no list of packages says which version this is"
        yield ConfigFault(
            file=file,
            what=said,
            effect=effect,
            line=path.line,
            column=1 if path.line else 0,
            expected="one folder",
            stops=False,
            kind="one-folder",
            sure=not unsure,
        )


def read(machine: Machine) -> Node:
    """Find it and read what it goes by."""
    for kind, services, programs in _THEIRS:
        found = _theirs(machine, kind, services, programs)
        if found is not None:
            return found
    service = systemd.find(machine, "containerd")
    flags = service.flags(_FLAGS)
    version = packages.version(machine, _PACKAGES)
    path = _path(flags, "config", containerd_files.PATH)
    config = containerd_config.read(machine, path, packages.numbers(version)[:2])
    return Node(
        program=next((p for p in _PROGRAMS if machine.is_file(p)), ""),
        version=version,
        socket=_path(flags, "address", config.address),
        variables=service.environment,
        config=config,
        files=(*service.files, *config.files),
        faults=(*config.faults, *service.faults),
    )


def rancher_version(machine: Machine, kind: str) -> str:
    """Of k3s or RKE2 (`kind`): what a list of packages says; for RKE2 else the folder that it has
    unpacked itself to, which is named after its release. k3s names its own by a checksum."""
    names = (kind, f"{kind}-server", f"{kind}-agent", f"{kind}-common")
    if listed := packages.version(machine, names):
        return listed
    folder = f"/var/lib/rancher/{kind}"
    unpacked = [n for n in machine.names(f"{folder}/data") if re.match(r"v\d", n)]
    used = machine.link(f"{folder}/bin") or (unpacked[0] if len(unpacked) == 1 else "")
    found = re.search(r"(?:^|/)v(\d+\.\d+\.\d+)-", used)
    return found[1] if found else ""


def _theirs(
    machine: Machine, kind: Kind, services: tuple[str, ...], programs: tuple[str, ...]
) -> Node | None:
    folder = f"/etc/rancher/{kind}"
    units = [systemd.find(machine, name) for name in services]
    service = next((unit for unit in units if unit.unit), units[0])
    program = next((p for p in programs if machine.is_file(p)), "")
    if not (service.unit or program or machine.is_folder(folder)):
        return None
    flags = service.flags({"private-registry": "registries"})
    path = _path(flags, "registries", f"{folder}/registries.yaml")
    registries = k3s.read(machine, path, kind)
    no_default = any(
        word.lstrip("-").partition("=")[0] == k3s.FLAG and not word.endswith("=false")
        for word in service.arguments
    ) or _set_in(machine, f"{folder}/config.yaml", k3s.FLAG)
    return Node(
        kind=kind,
        service=service.name,
        program=program,
        version=rancher_version(machine, kind),
        socket=k3s.SOCKET,
        variables=k3s.containerds(service.environment),
        registries=replace(registries, no_default=no_default),
        files=(*service.files, *((registries.file,) if registries.there else ())),
        faults=(*registries.faults, *service.faults),
    )


def _path(flags: Mapping[str, tuple[Value, ...]], name: str, default: str) -> str:
    """The path that a flag of the service's command gives; of several the last counts."""
    given = [each.text for each in flags.get(name, ()) if each.text.startswith("/")]
    return given[-1] if given else default


def _set_in(machine: Machine, file: str, flag: str) -> bool:
    """Is the flag true in the YAML file that holds flags?"""
    got = machine.read(file)
    pattern = rf"(?m)^{re.escape(flag)}:[ \t]*[\"']?true\b"
    return isinstance(got, Text) and re.search(pattern, got.text) is not None


def looked_at(node: Node) -> Iterator[Place]:
    """The files that decide where hosts.toml files are looked for."""
    if node.registries is not None:
        return
    for file in node.config.files:
        yield Place(file, "used")
    if not node.config.files:
        yield Place(containerd_files.PATH, "missing")
    if not node.config.config_path.text:
        yield Place("config_path", "unset", None, "hosts.toml files are not read")
