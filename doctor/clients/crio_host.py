"""How is CRI-O set up on this machine: where does it listen, with which environment and which
settings does it run?

Followed: cri-o pkg/config and internal/criocli. /etc/crio/crio.conf, then every file below
crio.conf.d in the order of names, whatever its ending: a copy left there counts. A later value
replaces the earlier one, a flag of the command the files' own. The daemon is root's, so root's
files of registries.conf and auth.json are its own, and variables of podman's are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from doctor.clients import registries_conf, systemd
from doctor.clients.machine import Machine, Text
from doctor.clients.registries_conf import RegistriesConf
from doctor.clients.toml import Table, TomlError, parse
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

SOCKET = "/var/run/crio/crio.sock"
_FILE = "/etc/crio/crio.conf"
_REFUSES = "CRI-O does not start"
_STOPS = "CRI-O ends every pull with an error"
_MOST, _DEEPEST = 200, 5
"""Drop-ins that are read, and folders of them inside of each other."""
_PROGRAMS = ("/usr/bin", "/usr/local/bin", "/usr/sbin")
_FLAGS = {
    "config": "config",
    "c": "config",
    "config-dir": "config-dir",
    "d": "config-dir",
    "listen": "listen",
    "global-auth-file": "global_auth_file",
    "signature-policy": "signature_policy",
    "insecure-registry": "insecure_registries",
}
_TEXTS = ("global_auth_file", "signature_policy", "short_name_mode", "namespaced_auth_dir")


@frozen
class CrioHost:
    """The daemon's set-up as the files have it."""

    program: str = ""
    variables: Mapping[str, Value] = field(default_factory=dict)
    """Its environment."""
    settings: Mapping[str, Value] = field(default_factory=dict)
    """`listen`, and the texts of `[crio.image]`; an empty one is left out."""
    insecure: tuple[Value, ...] = ()
    flagged: frozenset[str] = frozenset()
    """Where they are flags of the command."""
    registries: RegistriesConf = field(default_factory=RegistriesConf)
    files: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()

    @property
    def socket(self) -> str:
        """Where it listens."""
        value = self.settings.get("listen")
        return value.text.removeprefix("unix://") if value else SOCKET

    @property
    def environ(self) -> dict[str, str]:
        return {name: value.text for name, value in self.variables.items()}

    def text(self, name: str) -> str:
        """A setting; "" where it is not made."""
        value = self.settings.get(name)
        return value.text if value else ""


def daemons(machine: Machine, environ: Mapping[str, str]) -> Machine:
    """The machine as the daemon sees it."""
    own = {name: value for name, value in environ.items() if name.startswith("XDG_")}
    return replace(machine, environ=own, home="/root", uid=0)


def read(machine: Machine) -> CrioHost:
    """Find the daemon and read what it goes by."""
    service = systemd.find(machine, "crio")
    if not service.unit:
        service = systemd.find(machine, "cri-o")
    flags = service.flags(_FLAGS)
    found = replace(_Found(), files=service.files, faults=service.faults)
    for path, must in _paths(machine, flags):
        found = _with(found, machine, path, must=must)
    settings = dict(found.settings)
    settings |= {name: flags[name][-1] for name in (*_TEXTS, "listen") if name in flags}
    flagged = tuple(
        replace(each, text=text)
        for each in flags.get("insecure_registries", ())
        for text in each.text.split(",")
    )
    registries = registries_conf.read(daemons(machine, service.variables), _STOPS)
    return CrioHost(
        program=next((p for f in _PROGRAMS if machine.is_file(p := f"{f}/crio")), ""),
        variables=service.environment,
        settings={name: value for name, value in settings.items() if value.text},
        insecure=flagged or found.insecure,
        flagged=frozenset(each.file for each in flagged),
        registries=replace(registries, mode=_mode(settings)),
        files=(*found.files, *registries.files),
        faults=(*found.faults, *registries.faults),
    )


def _mode(settings: Mapping[str, Value]) -> str:
    """What registries.conf says of it does not count; older ones ask every registry in order."""
    value = settings.get("short_name_mode")
    return "enforcing" if value and value.text == "enforcing" else "disabled"


@frozen
class _Found:
    """What the files read so far come to."""

    settings: Mapping[str, Value] = field(default_factory=dict)
    insecure: tuple[Value, ...] = ()
    files: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()


def _paths(machine: Machine, flags: Mapping[str, tuple[Value, ...]]) -> Iterator[tuple[str, bool]]:
    """The files in order, and whether each must be there."""
    named = flags.get("config")
    yield named[-1].text if named else _FILE, bool(named)
    folder = flags["config-dir"][-1].text if "config-dir" in flags else f"{_FILE}.d"
    for number, path in enumerate(_below(machine, folder, _DEEPEST)):
        if number < _MOST:
            yield path, False


def _below(machine: Machine, folder: str, deep: int) -> Iterator[str]:
    for name in machine.names(folder)[:_MOST]:
        path = f"{folder}/{name}"
        if machine.link(path) or not machine.is_folder(path):
            yield path
        elif deep:
            yield from _below(machine, path, deep - 1)


def _with(found: _Found, machine: Machine, path: str, *, must: bool) -> _Found:
    got = machine.read(path)
    if not isinstance(got, Text):
        if got.reason == "missing" and not must:
            return found
        fault = got.fault(_REFUSES, client="CRI-O", root=True)
        return replace(found, faults=(*found.faults, fault))
    try:
        said = _image(parse(got.text).root, path)
    except TomlError as flaw:
        where = (flaw.line, flaw.column, flaw.expected)
        fault = ConfigFault(path, flaw.what, _REFUSES, *where)
        return replace(found, files=(*found.files, path), faults=(*found.faults, fault))
    return _Found(
        {**found.settings, **said.settings},
        found.insecure if _INSECURE not in said.settings else said.insecure,
        (*found.files, path),
        (*found.faults, *said.faults),
    )


_INSECURE = "insecure_registries"


def _image(root: Table, path: str) -> _Found:
    """What one file says of images. Raises `TomlError`."""
    table, api = root.table("crio", "image"), root.table("crio", "api")
    settings = {
        name: Value(text, path, table.line(name))
        for name in _TEXTS
        if (text := table.get(name, str)) is not None
    }
    listen = api.get("listen", str)
    if listen is not None:
        settings["listen"] = Value(listen, path, api.line("listen"))
    insecure = table.texts(_INSECURE)
    if insecure is not None:
        settings[_INSECURE] = Value("", path, table.line(_INSECURE))
    faults = []
    if table.texts("registries"):
        what = "registries in [crio.image] is for names without a registry, and no longer read"
        effect = "CRI-O passes over it"
        said = "unqualified-search-registries in /etc/containers/registries.conf"
        line = table.line("registries")
        faults.append(ConfigFault(path, what, effect, line, 1, said, stops=False))
    listed = tuple(Value(text, path, line) for text, line in insecure or ())
    return _Found(settings, listed, (), tuple(faults))
