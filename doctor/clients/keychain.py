"""Which credential does go-containerregistry's default keychain find?

The rule of `--as shell` and `--as crane`, and of ko, cosign and kaniko (google/go-containerregistry
pkg/authn/keychain.go): Docker's `config.json` if there is one, else one of Podman's files, read by
Docker's rules either way; the repository's full name is looked up before the registry. A file that
does not parse ends the pull.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.clients.auth_json import config_home, podman_lookup
from doctor.clients.docker_config import Config, parse
from doctor.clients.docker_keys import (
    VARIABLE,
    Variable,
    docker_lookup,
    folder,
    held,
    place,
    tries_for,
    variable,
)
from doctor.clients.keyring import (
    Ask,
    Held,
    Lookup,
    Try,
    Wanted,
    access_fault,
    entry_faults,
    installed_store,
    login_tools,
    near_misses,
    stored,
)
from doctor.clients.machine import Machine, Unread
from doctor.facts.credential import Fault, Otherwise, Place
from doctor.frozen import frozen
from doctor.registry import hub

STOPS = "stops with an error"
TAKEN = "takes it for missing"


@frozen
class _File:
    """The one file that the keychain loads ("" for none), and what the trace says of those before
    and after it."""

    path: str
    before: tuple[Place, ...] = ()
    after: tuple[Place, ...] = ()
    barred: tuple[Fault, ...] = ()
    """Those before it that this user may not read, which the keychain takes for missing."""


def keys(want: Wanted) -> tuple[str, ...]:
    """What is looked up, in order: the repository's full name, then the registry's key."""
    domain = hub.LEGACY if want.hub else want.domain
    return (*([f"{domain}/{want.path}"] if want.path else []), want.key)


def resolve(machine: Machine, want: Wanted, client: str = "shell") -> Lookup:
    """The look-up of the default keychain, with what docker and podman would decide otherwise."""
    file = _choose(machine)
    given = variable(machine)
    config, read = _load(machine, file.path)
    faults = [*read, *entry_faults(config, want, STOPS, stops=True)]
    if given.fault and file.path:
        faults.append(given.fault)
    stopped = any(f.stops for f in faults)
    tries = () if stopped or not file.path else _tries(config, given, want)
    if not tries:
        faults += file.barred
    lookup = Lookup(
        client=client,
        wanted=want,
        keys=keys(want),
        tries=tries,
        places=(*_places(file, config, given, want, faults), *file.after),
        faults=tuple(faults),
        near_misses=(*near_misses(config, want), *near_misses(given.config, want))
        if file.path
        else (),
        files=stored(config),
        store=installed_store(machine),
        tools=login_tools(machine),
        config=file.path or f"{folder(machine)}/config.json",
        foreign=machine.foreign,
    )
    others = (docker_lookup(machine, want), podman_lookup(machine, want))
    return replace(
        lookup, also=tuple(also(lookup, config, others)), otherwise=otherwise(lookup, others)
    )


def _choose(machine: Machine) -> _File:
    home = f"{machine.home}/.docker/config.json"
    docker = f"{folder(machine)}/config.json"
    if machine.is_file(home) or machine.is_file(docker):
        why = "not read: a Docker configuration is there"
        after = tuple(
            Place(p, "not-read", None, why) for p in _podman_files(machine) if machine.is_file(p)
        )
        return _File(docker, after=after)
    before = [Place(docker, "missing", None, _why_missing(machine, docker))]
    barred = _barred(machine, docker)
    for path in _podman_files(machine):
        if machine.is_file(path):
            return _File(path, tuple(before), barred=barred)
        before.append(Place(path, "missing", None, _why_missing(machine, path)))
        barred += _barred(machine, path)
    return _File("", tuple(before), barred=barred)


def _barred(machine: Machine, path: str) -> tuple[Fault, ...]:
    """A runtime folder left over from another user's session is passed over: no login of this one
    lies there."""
    runtime = machine.variable("XDG_RUNTIME_DIR")
    read = machine.read(path)
    if not isinstance(read, Unread) or read.reason != "forbidden":
        return ()
    if runtime and path == f"{runtime}/containers/auth.json":
        return ()
    return (access_fault(read, TAKEN, stops=False),)


def _podman_files(machine: Machine) -> tuple[str, ...]:
    runtime = machine.variable("XDG_RUNTIME_DIR")
    named = machine.variable("REGISTRY_AUTH_FILE")
    return (
        *([named] if named else []),
        *([f"{runtime}/containers/auth.json"] if runtime else []),
        f"{config_home(machine)}/containers/auth.json",
    )


def _why_missing(machine: Machine, path: str) -> str:
    read = machine.read(path)
    if not isinstance(read, Unread) or read.reason == "missing":
        return ""
    return f"taken for missing: {read.detail}"


def _load(machine: Machine, path: str) -> tuple[Config, list[Fault]]:
    if not path:
        return Config(""), []
    read = machine.read(path)
    if not isinstance(read, Unread):
        return parse(read.text, path, read), []
    if read.reason == "missing":
        return Config(path), []
    ours = read.reason in ("special", "too-large")
    effect = "may read it all the same; it was not read here" if ours else STOPS
    return Config(path), [access_fault(read, effect, stops=not ours)]


def _tries(config: Config, given: Variable, want: Wanted) -> tuple[Try, ...]:
    tries: list[Try] = []
    for key in keys(want):
        tries += tries_for(key, config, given)
        if any(isinstance(t, Held) for t in tries):
            break
    return tuple(tries)


def _places(
    file: _File, config: Config, given: Variable, want: Wanted, faults: list[Fault]
) -> Iterator[Place]:
    entry = next((e for k in keys(want) if (e := given.config.entry(k))), None)
    if not given.given:
        yield Place(VARIABLE, "unset")
    elif not file.path:
        yield Place(
            VARIABLE,
            "not-read",
            None,
            "go-containerregistry reads it only beside a configuration file",
        )
    elif given.fault:
        yield Place(VARIABLE, "ignored", None, given.fault.what)
    elif entry:
        yield Place(VARIABLE, "used", entry.key)
    else:
        yield Place(
            VARIABLE, "no-match", None, f'keys count exactly here; "{want.key}" was looked up'
        )
    yield from file.before
    broken = next((f for f in faults if f.where == config.where and f.kind != "incomplete"), None)
    if not file.path:
        return
    if broken:
        yield Place(file.path, "unreadable", None, broken.what)
    elif config.text is None:
        yield Place(file.path, "missing", None, "")
    elif entry:
        yield Place(file.path, "not-read", None, f"{VARIABLE} has the registry's key")
    else:
        exact = next((k for k in keys(want) if config.entry(k) or k in config.helpers), want.key)
        yield place(config, exact)


def also(lookup: Lookup, config: Config, others: tuple[Lookup, ...]) -> Iterator[Held]:
    """Credentials for the registry that stand in the clear and lose: in the same file, or where
    only another client looks."""
    taken = {(t.where, t.key) for t in lookup.tries if isinstance(t, Held)}
    candidates = [h for k in lookup.keys for h in held(config, k)]
    candidates += [t for other in others for t in other.tries if isinstance(t, Held)]
    for each in candidates:
        if (each.where, each.key) not in taken:
            taken.add((each.where, each.key))
            yield each


def otherwise(lookup: Lookup, others: tuple[Lookup, ...]) -> tuple[Otherwise, ...]:
    notes = []
    for other in others:
        if not _agree(lookup, other):
            notes.append(Otherwise(other.client, _decision(other)))
    return tuple(notes)


def _agree(one: Lookup, other: Lookup) -> bool:
    if one.stopped or other.stopped:
        return one.stopped == other.stopped
    mine, theirs = one.decision, other.decision
    if isinstance(mine, Held) and isinstance(theirs, Held):
        a, b = mine.credential, theirs.credential
        return (a.user, a.kind) == (b.user, b.kind) and a.secret == b.secret
    if isinstance(mine, Ask) and isinstance(theirs, Ask):
        return mine.program == theirs.program and mine.key == theirs.key
    return mine is None and theirs is None


def _decision(lookup: Lookup) -> str:
    if lookup.stopped:
        fault = next(f for f in lookup.faults if f.stops)
        return f"stops at {fault.where}: {fault.what}"
    match lookup.decision:
        case Held(where=where, key=key):
            return f'uses the entry "{key}" of {where}'
        case Ask(program=program, key=key, where=where):
            return f'asks {program} for "{key}", set in {where}'
        case _:
            return "finds no credential"
