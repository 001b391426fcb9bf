"""How is the kubelet of this node set up: by which unit, with which flags and files?

What bears on a pull: the folder of its state (where it looks for credentials first), the folder it
starts in and its HOME (where it looks next), the runtime that it talks to, its credential provider
plug-ins. A flag beats the configuration file. k3s and RKE2 carry a kubelet in their own service,
and hand flags to it as `--kubelet-arg`, or from their configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from doctor.clients import containerd_node, credential_providers, packages, systemd
from doctor.clients.credential_providers import Providers, document
from doctor.clients.machine import Machine
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

STATE = "/var/lib/kubelet"
_SERVICES = ("kubelet", "k3s", "k3s-agent", "rke2-server", "rke2-agent")
_PROGRAMS = ("/usr/bin", "/usr/local/bin", "/opt/bin", "/usr/sbin")
_FLAGS = {
    name: name
    for name in (
        "root-dir",
        "config",
        "container-runtime-endpoint",
        "image-credential-provider-config",
        "image-credential-provider-bin-dir",
    )
}
_OTHERS = ("k3s", "rke2")
_OF_K3S = "/var/lib/rancher/credentialprovider"


@frozen
class KubeletNode:
    """The kubelet's set-up as the files have it."""

    program: str = ""
    version: str = ""
    service: systemd.Service = field(default_factory=lambda: systemd.Service("kubelet"))
    state: str = STATE
    """`--root-dir`."""
    home: str = ""
    """HOME of the kubelet; "" where its service has none, as is usual."""
    endpoint: Value | None = None
    """The runtime's socket; None: nothing says."""
    providers: Providers = field(default_factory=Providers)
    plugins: Value | None = None
    """The flag that names their configuration."""
    faults: tuple[ConfigFault, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder that the kubelet starts in."""
        return self.service.folder


def read(machine: Machine) -> KubeletNode:
    """Find the kubelet and read what it goes by."""
    services = (systemd.find(machine, name) for name in _SERVICES)
    service = next((each for each in services if each.unit), systemd.Service("kubelet"))
    flags = {**_handed_over(machine, service), **_flags(service)}
    faults = list(service.faults)
    files = list(service.files)
    endpoint = flags.get("container-runtime-endpoint")
    named = flags.get("config")
    path = named.text if named else f"{STATE}/config.yaml"
    if named or machine.is_file(path):
        files.append(path)
        root, fault = document(machine, path)
        faults += [fault] if fault else []
        set_there = root.get("containerRuntimeEndpoint") if root else None
        if endpoint is None and set_there is not None and set_there.text:
            endpoint = Value(set_there.text, path, set_there.line)
    config, programs = _plugins(machine, service, flags)
    providers = credential_providers.read(machine, config, programs)
    home = service.environment.get("HOME")
    return KubeletNode(
        program=_program(machine, service),
        version=_version(machine, service),
        service=service,
        state=flags["root-dir"].text if flags.get("root-dir") else STATE,
        home=home.text if home else "/root" if service.user in ("root", "0") else "",
        endpoint=endpoint,
        providers=providers,
        plugins=config,
        faults=(*faults, *providers.faults),
        files=(*files, *providers.files),
    )


def _program(machine: Machine, service: systemd.Service) -> str:
    names = ("kubelet", *(["k3s"] if "k3s" in service.name else []))
    return next((p for n in names for f in _PROGRAMS if machine.is_file(p := f"{f}/{n}")), "")


def _version(machine: Machine, service: systemd.Service) -> str:
    kind = service.name.partition("-")[0]
    if kind in _OTHERS:
        return containerd_node.rancher_version(machine, kind)
    return packages.version(machine, ("kubelet",))


def _flags(service: systemd.Service) -> dict[str, Value]:
    """The flags that matter; of one that is given twice the last counts."""
    given = replace(service, arguments=tuple(_arguments(service))).flags(_FLAGS)
    return {name: replace(at[-1], text=at[-1].text.strip("\"'")) for name, at in given.items()}


def _arguments(service: systemd.Service) -> Iterator[str]:
    """The command's words, what is handed to k3s's kubelet among them."""
    words = iter(service.arguments)
    for word in words:
        name, _, text = word.partition("=")
        yield f"--{text or next(words, '')}" if name.lstrip("-") == "kubelet-arg" else word


def _handed_over(machine: Machine, service: systemd.Service) -> dict[str, Value]:
    """What the configuration of k3s and RKE2 hands to their kubelet; the command's own flags come
    after it (k3s pkg/configfilearg/parser.go)."""
    kind = service.name.partition("-")[0]
    if kind not in _OTHERS:
        return {}
    path = f"/etc/rancher/{kind}/config.yaml"
    parts = (f"{path}.d/{name}" for name in machine.names(f"{path}.d") if name.endswith(".yaml"))
    found: dict[str, Value] = {}
    for file in (path, *parts):
        root = document(machine, file)[0] if machine.is_file(file) else None
        listed = root.get("kubelet-arg") if root else None
        for node in (listed.items or [listed]) if listed else ():
            name, _, text = (node.text or "").lstrip("-").partition("=")
            if name in _FLAGS:
                found[name] = Value(text, file, node.line)
    return found


def _plugins(
    machine: Machine, service: systemd.Service, flags: Mapping[str, Value]
) -> tuple[Value | None, Value | None]:
    """Where the plug-ins' configuration and programs lie. k3s takes a place of its own where both
    are there."""
    config = flags.get("image-credential-provider-config")
    folder = flags.get("image-credential-provider-bin-dir")
    if config is None and folder is None and service.name.startswith(_OTHERS):
        file, programs = f"{_OF_K3S}/config.yaml", f"{_OF_K3S}/bin"
        if machine.is_file(file) and machine.is_folder(programs):
            return Value(file, service.unit, 0), Value(programs, service.unit, 0)
    return (config if config and config.text else None, folder if folder and folder.text else None)
