"""What do all the files of registries.conf(5) together say?

containers/image, pkg/sysregistriesv2 (podman, skopeo, buildah, CRI-O). A file that is named, else
the user's own, else the machine's; then the drop-ins by name. A later table of the same prefix
replaces the earlier one whole, a list the earlier list. One flaw in one of the files ends every
pull. Which table counts for an image, and what follows from it, is in `pull_sources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from doctor.clients import registries_file
from doctor.clients.machine import Machine, Text
from doctor.clients.registries_file import RegistriesFile, Registry
from doctor.clients.toml import TomlError, parse
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

STOPS = "podman stops every pull with an error"
FILE = "/etc/containers/registries.conf"
_OWN = ".config/containers/registries.conf"
_VARIABLES = ("CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH")
_MOST = 200
"""Drop-ins of a folder that are read."""


@frozen
class RegistriesConf:
    """All files together; empty of registries where `faults` end every pull."""

    files: tuple[str, ...] = ()
    registries: tuple[Registry, ...] = ()
    """One for each prefix, by their names."""
    search: tuple[Value, ...] = ()
    """Registries for names without one, in order."""
    aliases: Mapping[str, Value] = field(default_factory=dict)
    """Short name -> full name; "" takes an alias away."""
    mode: str = "permissive"
    helpers: tuple[Value, ...] = ()
    """Credential helpers in order; none: the auth files alone."""
    faults: tuple[ConfigFault, ...] = ()

    @property
    def main(self) -> str:
        """The file to write a setting into."""
        return next((f for f in self.files if f.endswith("registries.conf")), FILE)


def read(machine: Machine, stops: str = STOPS) -> RegistriesConf:
    """All the files as the programs of this machine's user read them. `stops`: what the client then
    does that cannot use one of them."""
    found = RegistriesConf()
    files: list[str] = []
    faults: list[ConfigFault] = []
    for path, kind in _paths(machine):
        got = machine.read(path)
        if not isinstance(got, Text):
            if got.reason != "missing" or kind == "named":
                faults.append(got.fault(stops))
            continue
        files.append(path)
        try:
            found = _merged(found, registries_file.read(got.text, path, drop_in=kind == "drop-in"))
        except TomlError as flaw:
            where = (flaw.line, flaw.column, flaw.expected)
            faults.append(ConfigFault(path, flaw.what, stops, *where))
    generated, flaw_there = _generated(machine)
    aliases = {**found.aliases, **generated}
    if any(fault.stops for fault in faults):
        found, aliases = RegistriesConf(), {}
    return replace(found, files=tuple(files), aliases=aliases, faults=(*faults, *flaw_there))


def _paths(machine: Machine) -> Iterator[tuple[str, str]]:
    """The files in order: the one that a variable names, or the main one, then the drop-ins."""
    own = f"{machine.home}/{_OWN}"
    has_own = machine.is_file(own) or machine.is_folder(own)
    named = next((path for name in _VARIABLES if (path := machine.variable(name))), "")
    if named:
        yield named, "named"
    else:
        yield own if has_own else FILE, "main"
    for folder in (f"{own}.d",) if has_own and not named else (f"{FILE}.d", f"{own}.d"):
        names = [name for name in machine.names(folder) if name.endswith(".conf")]
        for path in (f"{folder}/{name}" for name in names[:_MOST]):
            if not machine.is_folder(path) or machine.link(path):
                yield path, "drop-in"


def _generated(machine: Machine) -> tuple[dict[str, Value], tuple[ConfigFault, ...]]:
    """The aliases that podman itself wrote down when somebody chose one; they win."""
    cache = machine.variable("XDG_CACHE_HOME") or f"{machine.home}/.cache"
    path = f"{cache if machine.uid else '/var/cache'}/containers/short-name-aliases.conf"
    got = machine.read(path)
    if not isinstance(got, Text):
        return {}, ()
    try:
        return registries_file.aliases(parse(got.text).root, path), ()
    except TomlError as flaw:
        effect = "the client stops with an error at names without a registry"
        where = (flaw.line, flaw.column, flaw.expected)
        return {}, (ConfigFault(path, flaw.what, effect, *where, stops=False),)


def _merged(found: RegistriesConf, file: RegistriesFile) -> RegistriesConf:
    tables = {each.prefix.text: each for each in (*found.registries, *file.registries)}
    return replace(
        found,
        registries=tuple(tables[prefix] for prefix in sorted(tables)),
        search=found.search if file.search is None else file.search,
        aliases={**found.aliases, **file.aliases},
        mode=file.mode or found.mode,
        helpers=found.helpers if file.helpers is None else file.helpers,
    )
