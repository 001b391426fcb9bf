"""Which variables does Podman's own configuration set for it?

containers.conf(5), `[engine] env`: taken for variables that the environment does not have (podman
cmd/podman/root.go). Of several files a later one's list replaces the earlier one's, unless it says
`{append = true}` (podman 5). A file that does not parse ends every command (seen with 4.3.1, a byte
order mark included); an entry without `=` is passed over with a warning. What `[containers]
http_proxy` says is about containers, not about pulls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from doctor.clients.auth_json import config_home
from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

STOPS = "podman stops with an error"
_SYSTEM = ("/usr/share/containers/containers.conf", "/etc/containers/containers.conf")
_MOST = 200


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
                faults.append(_unread(path, got.reason, got.detail))
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


def _unread(path: str, reason: str, detail: str) -> ConfigFault:
    ours = reason in ("special", "too-large")
    effect = "podman may read it all the same; it was not read here" if ours else STOPS
    return ConfigFault(path, f"it cannot be read: {detail}", effect, 1, stops=not ours)


def parse(text: str, path: str) -> tuple[tuple[Value, ...] | None, bool, tuple[ConfigFault, ...]]:
    """The entries of `[engine] env` (None: the file has no such list), whether they are added to
    those before, and what is wrong."""
    import tomllib

    if text.startswith("\ufeff"):
        fault = ConfigFault(path, "it starts with a byte order mark", STOPS, 1, 1, "no such mark")
        return None, False, (fault,)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, False, (_syntax(str(error), text, path),)
    except (RecursionError, ValueError):
        return None, False, (ConfigFault(path, "it is not TOML that can be read", STOPS, 1, 1),)
    engine = found.get("engine", {})
    if not isinstance(engine, dict):
        return None, False, (ConfigFault(path, "engine is no table", STOPS, 1, 1, "[engine]"),)
    listed = engine.get("env")
    if listed is None:
        return None, False, ()
    line = _line(text, r"(?m)^\s*env\s*=")
    if not isinstance(listed, list) or any(not isinstance(e, str | dict) for e in listed):
        what = "env in [engine] is no list of strings"
        fault = ConfigFault(path, what, STOPS, line, 1, expected='env = ["NAME=VALUE"]')
        return None, False, (fault,)
    append = any(isinstance(e, dict) and e.get("append") is True for e in listed)
    entries = [e for e in listed if isinstance(e, str)][:_MOST]
    return tuple(Value(e, path, _line_of(text, e, line)) for e in entries), append, ()


def _syntax(message: str, text: str, path: str) -> ConfigFault:
    """tomllib names the place at the end of its message."""
    said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    what = said[1] if said else message
    last = text.count("\n") + 1
    line = int(said[2]) if said and said[2] else last
    column = int(said[3]) if said and said[3] else 1
    return ConfigFault(path, f"{what[:1].lower()}{what[1:]}", STOPS, line, column)


def _line(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    return text.count("\n", 0, found.start(0)) + 1 if found else 1


def _line_of(text: str, entry: str, otherwise: int) -> int:
    at = next((p for q in "\"'" if (p := text.find(f"{q}{entry}{q}")) >= 0), -1)
    return text.count("\n", 0, at) + 1 if at >= 0 else otherwise


def variables(
    conf: ContainersConf, environ: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Value]]:
    """The environment that Podman acts by, and of it what its configuration added."""
    added = {name: value for name, value in conf.environment.items() if name not in environ}
    return {**{name: value.text for name, value in added.items()}, **environ}, added
