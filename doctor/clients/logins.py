"""What do the docker command and podman find for a registry, and what nearly?

`docker_keys` and `auth_json` hold their rules; here each look-up is told whole: every place, the
keys that come near, the credentials that lose, what another client of this machine would decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.clients import keychain
from doctor.clients.auth_json import credential, files, keys, normal, parsed, podman_lookup
from doctor.clients.docker_config import Config, parse
from doctor.clients.docker_keys import VARIABLE, Variable, docker_lookup, folder, variable
from doctor.clients.keyring import (
    Lookup,
    Wanted,
    access_fault,
    installed_store,
    login_tools,
    near_misses,
    stored,
)
from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Value
from doctor.facts.credential import Fault, NearMiss, Place, Why

GOES_ON = "goes on with a warning and without that file's logins"


def docker(machine: Machine, want: Wanted) -> Lookup:
    """What `docker pull` hands to the daemon, which itself reads nothing."""
    base = docker_lookup(machine, want)
    given = variable(machine)
    path = f"{folder(machine)}/config.json"
    read = machine.read(path)
    config = parse(read.text, path, read) if isinstance(read, Text) else Config(path)
    faults: list[Fault] = [*base.faults, *([given.fault] if given.fault else [])]
    there = base.places
    if not isinstance(read, Text):
        there = (Place(path, "missing"),)
        if read.reason != "missing":
            fault = access_fault(read, GOES_ON, stops=False)
            faults.append(fault)
            there = (Place(path, "unreadable", None, fault.what),)
    broken = next((f for f in faults if f.where == path and f.kind != "incomplete"), None)
    if broken:
        there = (Place(path, "unreadable", None, broken.what),)
    lookup = replace(
        base,
        places=(_of_variable(given, want), *there),
        faults=tuple(faults),
        near_misses=(
            *(() if broken else near_misses(config, want)),
            *near_misses(given.config, want),
        ),
        files=stored(config),
        store=installed_store(machine),
        tools=login_tools(machine),
        config=path,
        foreign=machine.foreign,
    )
    others = (keychain.resolve(machine, want, "crane"), podman_lookup(machine, want))
    return _beside(lookup, config, others)


def _of_variable(given: Variable, want: Wanted) -> Place:
    if not given.given:
        return Place(VARIABLE, "unset")
    if given.fault:
        return Place(VARIABLE, "ignored", None, given.fault.what)
    if entry := given.config.entry(want.key):
        return Place(VARIABLE, "used", entry.key)
    return Place(VARIABLE, "no-match", None, f'keys count exactly here; "{want.key}" was looked up')


def podman(
    machine: Machine,
    want: Wanted,
    helpers: tuple[Value, ...] = (),
    paths: tuple[str, ...] = (),
) -> Lookup:
    """What `podman pull` finds; skopeo and buildah look the same way, and CRI-O in `paths`.
    `helpers`: those that registries.conf names for all registries."""
    base = podman_lookup(machine, want, helpers, paths)
    paths = paths or files(machine)
    configs = [parsed(read) for path in paths if isinstance(read := machine.read(path), Text)]
    lookup = replace(
        base,
        near_misses=tuple(miss for each in configs for miss in _near(each, want)),
        files=tuple(file for each in configs for file in stored(each)),
        tools=tuple(t for t in login_tools(machine) if t != "docker"),
        config=paths[0],
        foreign=machine.foreign,
    )
    others = (docker_lookup(machine, want), keychain.resolve(machine, want, "crane"))
    return _beside(lookup, Config(""), others)


def _near(config: Config, want: Wanted) -> Iterator[NearMiss]:
    """Keys that hold what podman could use, and that it does not look up for this repository."""
    registry = keys(want)[-1]
    for entry in config.entries:
        if credential(entry, "") is None or entry.key in keys(want):
            continue
        if normal(entry.key) == normal(registry):
            continue
        why: Why | None = want.near(entry.key)
        if entry.key.startswith(f"{registry}/"):
            why = "namespace"
        if why:
            yield NearMiss(config.where, entry.key, registry, why, entry.line)


def _beside(lookup: Lookup, config: Config, others: tuple[Lookup, ...]) -> Lookup:
    return replace(
        lookup,
        also=tuple(keychain.also(lookup, config, others)),
        otherwise=keychain.otherwise(lookup, others),
    )
