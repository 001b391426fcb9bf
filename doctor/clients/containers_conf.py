"""Which variables does Podman's own configuration set for it?

containers.conf(5), `[engine] env`: taken for variables that the environment does not have (podman
cmd/podman/root.go). Of several files a later one's list replaces the earlier one's, unless it says
`{append = true}` (podman 5). A file that does not parse ends every command (seen with 4.3.1, a byte
order mark included); an entry without `=` is passed over with a warning. What `[containers]
http_proxy` says is about containers, not about pulls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from doctor.clients import toml
from doctor.clients.auth_json import config_home
from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

STOPS = "podman stops with an error"
_SYSTEM = ("/usr/share/containers/containers.conf", "/etc/containers/containers.conf")
_MOST = 200
_EXAMPLE = 'env = ["NAME=VALUE"]'


@frozen
class ContainersConf:
    """The files that are there, together."""

    files: tuple[str, ...] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    faults: tuple[ConfigFault, ...] = ()


def read(machine: Machine) -> ContainersConf:
    """All of Podman's files, in its order."""
    files: list[str] = []
    faults: list[ConfigFault] = []
    entries: list[Value] = []
    for path in _paths(machine):
        got = machine.read(path)
        if not isinstance(got, Text):
            if got.reason != "missing":
                faults.append(got.fault(STOPS, client="podman"))
            continue
        files.append(path)
        own, append, wrong = parse(got.text, path)
        faults += wrong
        if own is not None:
            entries = [*entries, *own] if append else list(own)
    environment: dict[str, Value] = {}
    for entry in entries:
        name, equals, text = entry.text.partition("=")
        if equals:
            environment.setdefault(name, Value(text, entry.file, entry.line))
        else:
            what, said = "an entry of [engine] env without =", '"NAME=VALUE"'
            effect = "podman passes over it with a warning"
            faults.append(ConfigFault(entry.file, what, effect, entry.line, 0, said, stops=False))
    return ContainersConf(tuple(files), environment, tuple(faults))


def _paths(machine: Machine) -> Iterator[str]:
    if alone := machine.variable("CONTAINERS_CONF"):
        yield alone
    else:
        yield from _SYSTEM
        yield from _drop_ins(machine, "/etc/containers/containers.conf.d")
        if machine.uid:
            own = f"{config_home(machine)}/containers/containers.conf"
            yield own
            yield from _drop_ins(machine, f"{own}.d")
    if last := machine.variable("CONTAINERS_CONF_OVERRIDE"):
        yield last


def _drop_ins(machine: Machine, folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in machine.names(folder) if name.endswith(".conf")][:_MOST]


def parse(text: str, path: str) -> tuple[tuple[Value, ...] | None, bool, tuple[ConfigFault, ...]]:
    """The entries of `[engine] env` (None: the file has no such list), whether they are added to
    those before, and what is wrong."""
    try:
        engine = toml.parse(text).root.table("engine")
        listed = engine.get("env", list, _EXAMPLE)
        if any(not isinstance(each, str | dict) for each in listed or ()):
            what = "env in [engine] is no list of strings"
            raise toml.TomlError(what, engine.line("env"), 1, _EXAMPLE)
    except toml.TomlError as flaw:
        where = (flaw.line, flaw.column, flaw.expected)
        return None, False, (ConfigFault(path, flaw.what, STOPS, *where),)
    if listed is None:
        return None, False, ()
    append = any(isinstance(e, dict) and e.get("append") is True for e in listed)
    entries = [
        Value(e, path, engine.line("env", str(n)))
        for n, e in enumerate(listed)
        if isinstance(e, str)
    ]
    return tuple(entries[:_MOST]), append, ()


def variables(
    conf: ContainersConf, environ: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Value]]:
    """The environment that Podman acts by, and of it what its configuration added."""
    added = {name: value for name, value in conf.environment.items() if name not in environ}
    return {**{name: value.text for name, value in added.items()}, **environ}, added
