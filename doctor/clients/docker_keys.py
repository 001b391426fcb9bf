"""Which credential does Docker's configuration give for a key, and what would the docker command
itself use?

Order (docker/cli GetCredentialsStore): `DOCKER_AUTH_CONFIG` by exact key; else the helper, if one
is set for the key or for all, and then nothing else, even if it has none; else `auths`.
go-containerregistry links the same code, so both go through `tries_for`.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any

from doctor.clients.docker_config import Config, member, parse
from doctor.clients.keyring import (
    Ask,
    Held,
    Lookup,
    Try,
    Wanted,
    entry_faults,
    modified,
)
from doctor.clients.machine import Machine, Text
from doctor.facts.credential import Fault, Place
from doctor.frozen import frozen
from doctor.redact import plain
from doctor.reference.userinfo import hidden

VARIABLE = "DOCKER_AUTH_CONFIG"


@frozen
class Variable:
    """`DOCKER_AUTH_CONFIG`: set or not, and its entries unless something in it makes Docker ignore
    it whole."""

    given: bool = False
    config: Config = field(default_factory=lambda: Config(VARIABLE))
    fault: Fault | None = None


def variable(machine: Machine) -> Variable:
    """The variable by docker/cli's strict rules: only `auths`, in it only `auth`, and nothing
    behind the JSON value."""
    text = machine.variable(VARIABLE)
    if not text:
        return Variable()
    config = parse(text, VARIABLE)
    fault = next(iter(config.faults), None) or _strict(text, config)
    if fault is None:
        return Variable(True, config)
    effect = "ignores the variable"
    told = Fault(
        fault.kind, VARIABLE, fault.what, fault.line, fault.column, fault.key, False, effect, False
    )
    return Variable(True, Config(VARIABLE), told)


def _strict(text: str, config: Config) -> Fault | None:
    if config.trailing:
        return Fault("syntax", VARIABLE, "something follows the JSON object")
    value: Any = json.loads(text) if text.strip() else {}
    given = value or {}
    unknown = [name for name in given if name.casefold() != "auths"]
    for entry in config.entries:
        fields = (member(given, "auths") or {}).get(entry.key) or {}
        unknown += [name for name in fields if name.casefold() != "auth"]
        if entry.secret is None and not unknown:
            what = "the entry has no auth"
            return Fault("entry", VARIABLE, what, entry.line, entry.column, entry.key)
    if unknown:
        what = f'it has the field "{plain(unknown[0], 60)}"; only auths with auth in it is read'
        return Fault("type", VARIABLE, what)
    return None


def folder(machine: Machine) -> str:
    """Docker's configuration folder."""
    return machine.variable("DOCKER_CONFIG") or f"{machine.home}/.docker"


def tries_for(key: str, config: Config, given: Variable) -> tuple[Try, ...]:
    """What Docker's code takes for a key, in order. An empty entry gives nothing, and nothing after
    it is tried."""
    entry = given.config.entry(key)
    if entry:
        credential = entry.docker(f'{VARIABLE} ("{key}")')
        return (Held(credential, VARIABLE, key),) if credential else ()
    program, setting = config.helper(key)
    if program:
        return (Ask(f"docker-credential-{program}", key, config.where, setting),)
    return tuple(held(config, key)[:1])


def held(config: Config, key: str) -> tuple[Held, ...]:
    """The credentials of `auths` for a key by Docker's matching."""
    found = []
    for entry in config.matching(key):
        credential = entry.docker(f'{config.where} ("{entry.key}")')
        if credential:
            found.append(Held(credential, config.where, entry.key, modified(config.text)))
    return tuple(found)


def place(config: Config, key: str) -> Place:
    """What the trace says of a configuration that was read, for the key in question."""
    program, setting = config.helper(key)
    if program:
        passed_over = [e.key for e in config.matching(key) if e.clear]
        note = f"{setting} names docker-credential-{program}"
        if passed_over:
            note += f'; the entry "{passed_over[0]}" in auths is not used'
        return Place(config.where, "helper", key, note)
    found = config.matching(key)
    if not found:
        return Place(config.where, "no-match", None, _what_there_is(config, key))
    if found[0].marker:
        note = "an empty entry: a helper was meant to hold the credential, and none is set"
        return Place(config.where, "marker", found[0].key, note)
    if found[0].broken:
        return Place(config.where, "unreadable", found[0].key, found[0].broken)
    note = f"{len(found)} keys match; which one counts is left to chance" if len(found) > 1 else ""
    return Place(config.where, "used", found[0].key, note)


def _what_there_is(config: Config, key: str) -> str:
    keys = [e.key for e in config.entries][:5]
    if not keys:
        return f'it holds no entries; "{key}" was looked up'
    names = ", ".join(f'"{hidden(k)}"' for k in keys) + (
        " and more" if len(config.entries) > 5 else ""
    )
    return f'it has {names}; "{key}" was looked up'


def docker_lookup(machine: Machine, want: Wanted) -> Lookup:
    """What `docker pull` would find: Docker's folder and the registry's key alone; a broken file it
    reads as far as it goes."""
    given = variable(machine)
    path = f"{folder(machine)}/config.json"
    found = machine.read(path)
    config = parse(found.text, path, found) if isinstance(found, Text) else Config(path)
    faults = entry_faults(
        config, want, "goes on with a warning and without that file's logins", stops=False
    )
    broken = any(f.kind != "incomplete" for f in faults)
    used = Config(path) if broken else config
    if not (used.entries or used.store or used.helpers):
        used = Config(path, store=_chosen_store(machine))
    return Lookup(
        "docker",
        want,
        (want.key,),
        tries_for(want.key, used, given),
        (place(used, want.key),),
        faults,
    )


def _chosen_store(machine: Machine) -> str:
    """The store that the docker command takes by itself where nothing is configured (Linux: pass,
    else secretservice)."""
    name = "pass" if machine.which("pass") else "secretservice"
    return name if machine.which(f"docker-credential-{name}") else ""
