"""Which files does containerd's configuration consist of, in which order?

containerd cmd/containerd/server/config (of 1.x: services/server/config). They are read once, when
it starts; the files of `imports` come after the file that names them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from doctor.clients.machine import Machine
from doctor.clients.toml import Toml
from doctor.clients.toml import read as read_toml
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault

PATH = "/etc/containerd/config.toml"
REFUSES = "containerd does not start"
_CONF_D = "/etc/containerd/conf.d/*.toml"
_MOST_FILES = 50
_MOST = 200

Version = tuple[int, ...]
"""Major, minor and patch, as far as they count; (0, 0): unknown."""


def files(machine: Machine, path: str, version: Version) -> tuple[list[Toml], list[ConfigFault]]:
    """The files in the order in which they are put together, and what is wrong with some."""
    tomls: list[Toml] = []
    faults: list[ConfigFault] = []
    pending: list[Value] = [Value(path, "", 0)]
    seen: set[str] = set()
    while pending and len(seen) < _MOST_FILES:
        named = pending.pop(0)
        if named.text in seen:
            continue
        seen.add(named.text)
        got = read_toml(machine, named.text, REFUSES, stops=True)
        if isinstance(got, ConfigFault):
            faults.append(got)
        elif got is not None:
            if not isinstance(got.values.get("version", 1), int):
                line = got.line("version")
                faults.append(ConfigFault(got.file, "version is no number", REFUSES, line, 1, "3"))
            tomls.append(got)
            pending += _imports(machine, got)
        elif named.file:
            what = f"imports names {named.text}: there is no such file"
            faults.append(ConfigFault(named.file, what, REFUSES, named.line, 1))
        elif version[0] != 1:
            pending += [Value(file, path, 0) for file in _matching(machine, _CONF_D)]
    return tomls, faults


def _imports(machine: Machine, toml: Toml) -> Iterator[Value]:
    listed = toml.values.get("imports", [])
    for number, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, str):
            line = toml.line("imports", str(number))
            path = posixpath.join(posixpath.dirname(toml.file), posixpath.normpath(each))
            for found in _matching(machine, path) if "*" in path else (path,):
                yield Value(found, toml.file, line)


def _matching(machine: Machine, pattern: str) -> Iterator[str]:
    """As far as patterns are used: in the file's name."""
    folder, _, name = pattern.rpartition("/")
    for each in machine.names(folder)[:_MOST]:
        if fnmatchcase(each, name):
            yield f"{folder}/{each}"
