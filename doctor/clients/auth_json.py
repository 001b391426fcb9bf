"""Which credential would podman, skopeo and buildah use?

Followed: containers/image pkg/docker/config/config.go and containers-auth.json(5). Not Docker's
rules: repository keys count, `credsStore` and plain `username`/`password` do not, a file that is
there and empty or broken ends the look-up. What podman does where a variable names a file that is
not there is its own (cmd/podman/images/pull.go): up to 4.6 it stops, since 4.7 it goes on; skopeo
always goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.clients import packages
from doctor.clients.auth_entry import Entry
from doctor.clients.docker_config import Config, parse
from doctor.clients.keyring import (
    Ask,
    Held,
    Lookup,
    Try,
    Wanted,
    access_fault,
    modified,
)
from doctor.clients.machine import Machine, Text, Unread
from doctor.credential import Credential
from doctor.facts.credential import Fault, Place
from doctor.registry import hub

if TYPE_CHECKING:
    from doctor.clients.unit import Value

STOPS = "stops with an error"
AUTH_FILES = "containers-auth.json"
"""What the auth files are called among credential helpers."""


def named(machine: Machine) -> tuple[str, str]:
    """The one file that a variable names, and the variable; ("", "") where none does."""
    if alone := machine.variable("REGISTRY_AUTH_FILE"):
        return alone, "REGISTRY_AUTH_FILE"
    if folder := machine.variable("DOCKER_CONFIG"):
        return f"{folder}/config.json", "DOCKER_CONFIG"
    return "", ""


def files(machine: Machine) -> tuple[str, ...]:
    """The files in Podman's order. `REGISTRY_AUTH_FILE`, else `DOCKER_CONFIG`, stands alone."""
    if alone := named(machine)[0]:
        return (alone,)
    return (
        runtime_file(machine),
        f"{config_home(machine)}/containers/auth.json",
        f"{machine.home}/.docker/config.json",
        f"{machine.home}/.dockercfg",
    )


def runtime_file(machine: Machine) -> str:
    """Where `podman login` writes: gone after a reboot or the last logout."""
    runtime = machine.variable("XDG_RUNTIME_DIR") or f"/run/containers/{machine.uid}"
    return (
        f"{runtime}/containers/auth.json"
        if machine.variable("XDG_RUNTIME_DIR")
        else f"{runtime}/auth.json"
    )


def config_home(machine: Machine) -> str:
    return machine.variable("XDG_CONFIG_HOME") or f"{machine.home}/.config"


def keys(want: Wanted) -> tuple[str, ...]:
    """The exact keys, from the repository up to the registry."""
    domain = hub.NAME if want.hub else want.domain
    parts = [p for p in want.path.split("/") if p]
    return tuple("/".join([domain, *parts[:n]]) for n in range(len(parts), -1, -1))


def normal(key: str) -> str:
    """A key's registry by Podman's rule: cut at the first `/` only if a scheme was cut off."""
    for scheme in ("https://", "http://"):
        if key.startswith(scheme):
            key = key.removeprefix(scheme).partition("/")[0]
            break
    return hub.LEGACY if key in hub.HOSTS else key


def find(config: Config, want: Wanted) -> Entry | None:
    """The entry that counts in one file: an exact key, the most specific first; else one that
    normalises to the registry."""
    looked_up = keys(want)
    for key in looked_up:
        if entry := config.entry(key):
            return entry
    registry = normal(looked_up[-1])
    return next((e for e in reversed(config.entries) if normal(e.key) == registry), None)


def credential(entry: Entry, origin: str) -> Credential | None:
    """What an entry gives: `auth`, and an identity token only beside one. Docker's other fields are
    not read."""
    if not entry.user or entry.broken:
        return None
    if entry.identity:
        return Credential(entry.user, entry.identity, "identity-token", origin)
    return Credential(entry.user, entry.secret, "password", origin) if entry.secret else None


def podman_lookup(
    machine: Machine,
    want: Wanted,
    helpers: tuple[Value, ...] = (),
    paths: tuple[str, ...] = (),
) -> Lookup:
    """The whole look-up: the first place that gives a credential counts. `helpers`: those that
    registries.conf names for all registries, the auth files among them by a name of theirs;
    `paths`: the auth files, where they are not podman's."""
    tries: list[Try] = []
    places: list[Place] = []
    absent = None if paths else _absent(machine)
    paths = paths or files(machine)
    if absent and absent.stops:
        gone = Place(absent.where, "missing", None, f"{absent.variable} names it")
        return Lookup("podman", want, keys(want), (), (gone,), (absent,))
    for helper in helpers or (None,):
        if any(isinstance(each, Held) for each in tries):
            break
        if helper is not None and helper.text != AUTH_FILES:
            asked, place = _general(helper, want)
            tries.append(asked)
            places.append(place)
            continue
        found, seen, fault = _in_files(machine, want, paths)
        tries += found
        places += seen
        if fault:
            return Lookup("podman", want, keys(want), (), tuple(places), (fault,))
    if helpers and all(each.text != AUTH_FILES for each in helpers):
        note = f"credential-helpers in {helpers[0].origin} does not list {AUTH_FILES}"
        places += [Place(path, "ignored", None, note) for path in paths if machine.is_file(path)]
    faults = (absent,) if absent else ()
    return Lookup("podman", want, keys(want), tuple(tries), tuple(places), faults)


def _absent(machine: Machine) -> Fault | None:
    """That a variable names a file which is not there. Podman looks for it before all else."""
    path, variable = named(machine)
    read = machine.read(path) if path else None
    if not isinstance(read, Unread) or read.reason != "missing":
        return None
    version = packages.version(machine, ("podman",))
    stops = (0, 0) < packages.numbers(version)[:2] < (4, 7)
    effect = STOPS if stops else "goes on without it"
    if not version:
        effect = "stops with an error before version 4.7, and goes on without it since"
    what = f"{variable} names it, and there is no such file"
    return Fault("missing", path, what, effect=effect, stops=stops, variable=variable)


def _general(helper: Value, want: Wanted) -> tuple[Ask, Place]:
    """A helper for all registries: it is asked for the registry alone."""
    program, key = f"docker-credential-{helper.text}", keys(want)[-1]
    note = f"credential-helpers names {program}"
    place = Place(helper.file, "helper", key, note)
    return Ask(program, key, helper.file, "credential-helpers"), place


def _in_files(
    machine: Machine, want: Wanted, paths: tuple[str, ...]
) -> tuple[list[Try], list[Place], Fault | None]:
    """What the auth files hold, up to the first that decides, and what ends the look-up."""
    tries: list[Try] = []
    places: list[Place] = []
    for path in paths:
        read = machine.read(path)
        if isinstance(read, Unread) and read.reason == "missing":
            places.append(Place(path, "missing"))
            continue
        config = parsed(read) if isinstance(read, Text) else Config(path)
        fault = (
            access_fault(read, STOPS, stops=True)
            if isinstance(read, Unread)
            else fatal(config, want)
        )
        if fault:
            places.append(Place(path, "unreadable", None, fault.what))
            return [], places, fault
        outcome, place = _one_file(config, want)
        places.append(place)
        if outcome:
            tries.append(outcome)
        if isinstance(outcome, Held):
            break
    return tries, places, None


def parsed(text: Text) -> Config:
    """A file of the chain; `.dockercfg` is the bare map of entries."""
    if text.path.endswith("/.dockercfg"):
        return parse(f'{{"auths": {text.text or "null"}}}', text.path, text)
    return parse(text.text, text.path, text)


def fatal(config: Config, want: Wanted) -> Fault | None:
    """What ends Podman's look-up in a file that could be read."""
    if config.empty:
        return Fault("syntax", config.where, "the file is empty", effect=STOPS)
    if config.trailing:
        return Fault("syntax", config.where, "something follows the JSON object", effect=STOPS)
    entry = find(config, want)
    for fault in config.faults:
        chosen = entry is not None and entry.bad_base64 and fault.key == entry.key
        if fault.kind in ("syntax", "type") or (fault.kind == "entry" and chosen):
            return Fault(
                fault.kind,
                config.where,
                fault.what,
                fault.line,
                fault.column,
                fault.key,
                False,
                STOPS,
            )
    return None


def _one_file(config: Config, want: Wanted) -> tuple[Try | None, Place]:
    registry = keys(want)[-1]
    if program := config.helpers.get(registry):
        setting = f'credHelpers["{registry}"]'
        note = f"{setting} names docker-credential-{program}"
        ask = Ask(f"docker-credential-{program}", registry, config.where, setting)
        return ask, Place(config.where, "helper", registry, note)
    entry = find(config, want)
    if entry is None:
        return None, Place(config.where, "no-match", None, f'"{registry}" was looked up')
    found = credential(entry, f'{config.where} ("{entry.key}")')
    if found is None:
        return None, Place(
            config.where, "marker", entry.key, "the entry holds no auth that Podman reads"
        )
    return Held(found, config.where, entry.key, modified(config.text)), Place(
        config.where, "used", entry.key
    )
