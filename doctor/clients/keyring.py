"""Where does one client find the credential for one registry? The answer's shape, shared by all
clients.

A look-up ends in `tries`: what to take in order, a credential that stands in a file or a helper to
ask. Nothing is run here; whoever holds the network asks the helpers (`checks/credentials.py`).
Beside them stands the trace: every place, with the key that matched or why none did.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase

from doctor.clients.docker_config import Config, hostname
from doctor.clients.machine import Machine, Text, Unread
from doctor.credential import Credential
from doctor.facts.credential import (
    CredentialFact,
    Fault,
    NearMiss,
    Otherwise,
    Place,
    StoredFile,
    Why,
)
from doctor.facts.helper import HelperFact
from doctor.frozen import frozen
from doctor.model import Target
from doctor.registry import hub

HUB_SPELLINGS = hub.HOSTS | {"hub.docker.com", "registry.hub.docker.com", "auth.docker.io"}


@frozen
class Wanted:
    """The registry (`host[:port]` as the reference writes it) and the repository that a credential
    is looked up for."""

    domain: str
    path: str = ""

    @property
    def hub(self) -> bool:
        return self.domain in hub.DOMAINS

    @property
    def key(self) -> str:
        """What Docker's programs look up: for Docker Hub its historic address, else the registry as
        written."""
        return hub.KEY if self.hub else self.domain

    def means(self, key: str) -> bool:
        """Is an entry under this key about the registry, by anybody's rule?"""
        return key == self.key or loosely(key) == loosely(self.domain) or self.near(key) is not None

    def near(self, key: str) -> Why | None:
        """In what way a key that does not match comes near; None: it is about something else, or
        matches."""
        if key == self.key or (not self.hub and hostname(key) == self.key):
            return None
        found, wanted = loosely(key), loosely(self.domain)
        if self.hub or wanted in HUB_SPELLINGS:
            return "docker-hub" if found in HUB_SPELLINGS or key == hub.KEY else None
        if "*" in found:
            return "wildcard" if _covers(found, wanted) else None
        if found == wanted:
            return "white-space" if key != "".join(key.split()) else "letter-case"
        same_host = _without_port(found) == _without_port(wanted)
        return "port" if same_host else None


def wanted(target: Target) -> Wanted:
    """What a target's credential is looked up for. A bare host counts as written, with its port if
    one was given."""
    if target.reference is not None:
        return Wanted(target.reference.registry, target.reference.repository)
    hop, text = target.registry, target.text.strip().rstrip("/")
    as_written = hop.host != hub.HOST and text.lower() in (hop.host, hop.name, hop.authority)
    return Wanted(text if as_written else target.named)


def loosely(key: str) -> str:
    """The host and port that a person means by a key: no scheme, path, white space or capitals."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", "".join(key.split()).lower())
    return bare.split("/")[0]


def _covers(pattern: str, authority: str) -> bool:
    """Does a pattern match as the kubelet's would: label by label, the port included?"""
    theirs, ours = pattern.split("."), authority.split(".")
    return len(theirs) == len(ours) and all(map(fnmatchcase, ours, theirs))


def _without_port(authority: str) -> str:
    return re.sub(r":\d*$", "", authority)


@frozen
class Ask:
    """A helper to be asked for a key. `where` is the file, `setting` the field in it that names the
    helper."""

    program: str
    key: str
    where: str
    setting: str
    barred: str = ""
    """Why it is not run here, whatever else holds."""
    credential: None = None
    """What tells it from a `Held`, without a look at the class."""


@frozen
class Held:
    """A credential that stands in a file or a variable."""

    credential: Credential
    where: str
    key: str
    modified: float | None = None


Try = Ask | Held


@frozen
class Lookup:
    """The outcome: `tries` in order, the first that gives a credential counts; a helper that fails
    ends the pull.

    `also` are credentials for the same registry that this client does not get to. A fault with
    `stops` leaves `tries` empty.
    """

    client: str
    wanted: Wanted
    keys: tuple[str, ...]
    tries: tuple[Try, ...] = ()
    places: tuple[Place, ...] = ()
    faults: tuple[Fault, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    also: tuple[Held, ...] = ()
    otherwise: tuple[Otherwise, ...] = ()
    files: tuple[StoredFile, ...] = ()
    store: str | None = None
    tools: tuple[str, ...] = ()
    config: str = ""
    """The file that the client reads, or would read first."""
    foreign: bool = False
    """The configuration is another machine's: helpers are not run."""
    withheld: str = ""
    """Why a credential that this client would show here is not looked up."""
    unseen: str = ""
    """What could not be looked at here although the client does, as a sentence."""
    plugin: str = ""
    """The plug-in that the client would need for this registry and is not set to use."""

    def told(
        self,
        credential: Credential | None,
        helpers: tuple[HelperFact, ...] = (),
        unasked: str = "",
        tried: int = 0,
    ) -> CredentialFact:
        """The fact, once the helpers have been asked and one of the tries gave `credential`;
        `tried` of them were tried in vain before."""
        from doctor.clients.told import fact

        return fact(self, credential, helpers, unasked, tried)

    @property
    def stopped(self) -> bool:
        return any(f.stops for f in self.faults)

    @property
    def decision(self) -> Try | None:
        """What decides, helpers asked for the repository's own name left out: they answer for the
        registry as a rule."""
        return next(
            (t for t in self.tries if isinstance(t, Held) or t.key == self.wanted.key), None
        )


def access_fault(unread: Unread, effect: str, *, stops: bool) -> Fault:
    """The fault of a file that is there and cannot be read."""
    words = {
        "forbidden": "this user may not read it",
        "directory": "it is a folder",
        "special": "it is not a regular file, so it was not opened",
        "too-large": unread.detail,
        "loop": "its links go in a circle",
    }
    return Fault(
        "access",
        unread.path,
        words.get(unread.reason, unread.detail),
        effect=effect,
        stops=stops,
        barred=unread.barred,
    )


def entry_faults(config: Config, want: Wanted, effect: str, *, stops: bool) -> tuple[Fault, ...]:
    """A file's faults as this client meets them, and the half-filled entry for this registry."""
    told = [
        replace(f, ours=f.key is not None and want.means(f.key), effect=effect, stops=stops)
        for f in config.faults
    ]
    for entry in config.matching(want.key):
        what = entry.lacks
        if what:
            told.append(
                Fault(
                    "incomplete",
                    config.where,
                    what,
                    entry.line,
                    entry.column,
                    entry.key,
                    True,
                    "",
                    False,
                )
            )
    return tuple(told)


def near_misses(config: Config, want: Wanted) -> tuple[NearMiss, ...]:
    """The keys of a file under which a credential stands, or a helper, that the client passes over
    for this registry."""
    found: list[NearMiss] = []
    for entry in config.entries:
        why = want.near(entry.key) if entry.clear else None
        if why:
            found.append(NearMiss(config.where, entry.key, want.key, why, entry.line))
    for key in config.helpers:
        same = key != want.key and loosely(key) == loosely(want.domain)
        kind: Why | None = want.near(key) or ("helper-key" if same else None)
        if kind:
            found.append(NearMiss(config.where, key, want.key, kind, setting="credHelpers"))
    return tuple(found)


def stored(config: Config) -> tuple[StoredFile, ...]:
    """The file as a store of secrets in the clear; nothing where it holds none."""
    keys = tuple(e.key for e in config.entries if e.clear)
    text = config.text
    return (
        (StoredFile(text.path, text.mode, text.uid, keys, text.open_to),) if text and keys else ()
    )


def modified(text: Text | None) -> float | None:
    return text.modified if text else None


def login_tools(machine: Machine) -> tuple[str, ...]:
    """The programs on PATH that can store a login where this client looks."""
    return tuple(name for name in ("docker", "podman", "skopeo") if machine.which(name))


def installed_store(machine: Machine) -> str | None:
    """A general credential store on PATH, by the names of docker-credential-helpers and Docker
    Desktop."""
    for name in ("osxkeychain", "wincred", "desktop", "secretservice", "pass"):
        if machine.which(f"docker-credential-{name}") and (name != "pass" or machine.which("pass")):
            return name
    return None
