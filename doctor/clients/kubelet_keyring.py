"""Which credentials does the kubelet have for an image, in which order?

Pure: texts in, candidates out, for the files of a node and for pull Secrets alike. Followed:
kubernetes pkg/credentialprovider (keyring.go, config.go, secrets/secrets.go). Every credential
whose key matches is tried, each as a pull of its own; if there is one, none is tried without.
Helpers and tokens beside `auth` count for nothing. One malformed entry spoils the whole text: a
Secret then ends every pull of the pod, a file of the node is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from doctor.clients.auth_entry import Entry
from doctor.clients.docker_config import KUBELETS, Config, parse
from doctor.clients.keyring import Held, Wanted, modified
from doctor.clients.kubelet_keys import HUB, filed, image, matches, near
from doctor.clients.machine import Text
from doctor.credential import Credential
from doctor.facts.credential import Fault, NearMiss, Place
from doctor.frozen import frozen
from doctor.redact import Secret, plain
from doctor.registry import hub

SECRETS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
"""The types of pull Secrets, and the key of `data` that the kubelet reads in each."""
_MOST_TOLD = 20


@frozen
class Document:
    """A text that holds keys. `bare`: the legacy layout, without `auths` around the map."""

    origin: str
    text: str = field(repr=False)
    bare: bool = False
    source: Text | None = None


def of_secret(origin: str, kind: str, data: Mapping[str, str]) -> Document | None:
    """What the kubelet reads of a Secret (`data` decoded); None where it passes over it in silence:
    another type, or nothing under its key."""
    name = SECRETS.get(kind, "")
    text = data.get(name, "")
    return Document(origin, text, bare=name == ".dockercfg") if text else None


def read(document: Document) -> Config:
    """The entries of a text. `spoilt` says whether they count."""
    return parse(
        document.text, document.origin, document.source, dialect=KUBELETS, bare=document.bare
    )


def spoilt(config: Config) -> Fault | None:
    """What makes the whole text unusable for the kubelet; None where nothing does."""
    if config.empty:
        return Fault("syntax", config.where, "it is empty")
    if config.trailing:
        return Fault("syntax", config.where, "something follows the JSON object")
    return next(iter(config.faults), None)


@frozen
class Key:
    """An entry's key, and what came of it. `note` says why, where it does not match or does not
    serve."""

    where: str
    key: str
    matches: bool
    note: str = ""
    line: int = 0


@frozen
class Ring:
    """The answer of one keyring. The kubelet has three, whose answers follow each other: the pod's
    Secrets, the node's files, its plug-ins."""

    held: tuple[Held, ...] = ()
    """To be tried in this order."""
    keys: tuple[Key, ...] = ()
    """Every key: those that match in the kubelet's order, then the others."""
    near_misses: tuple[NearMiss, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Entries that match and lack what a login needs; the kubelet pulls with nothing then."""

    def places(self, where: str) -> tuple[Place, ...]:
        """The trace of one text: each key that matches, else why the others do not."""
        mine = [key for key in self.keys if key.where == where]
        held = {(each.where, each.key) for each in self.held}
        matching = tuple(
            Place(where, "used" if (where, each.key) in held else "marker", each.key, each.note)
            for each in mine
            if each.matches
        )
        if matching:
            return matching
        said = [f'"{plain(each.key, 200)}": {each.note}' for each in mine[:_MOST_TOLD]]
        more = len(mine) - len(said)
        note = "; ".join([*said, *([f"{more} more"] if more > 0 else [])])
        return (Place(where, "no-match", None, note or "it holds no entries"),)


def ring(configs: Sequence[Config], want: Wanted) -> Ring:
    """One keyring over texts in their order, none of which is `spoilt`."""
    index: dict[str, list[tuple[Config, Entry]]] = {}
    outside: list[tuple[Config, Entry]] = []
    for config in configs:
        for entry in config.entries:
            name = filed(entry.key)
            if name is None:
                outside.append((config, entry))
            else:
                index.setdefault(name, []).append((config, entry))
    wanted, order = image(want), sorted(index, reverse=True)
    found = [name for name in order if matches(name, wanted)]
    last_resort = want.hub and HUB in index
    if not found and last_resort:
        found = [HUB]
    chosen = [(name, each) for name in found for each in index[name]]
    others = [each for name in order if name not in found for each in index[name]]
    answer = Ring(
        keys=(
            *(_matching(*each, index[name]) for name, each in chosen),
            *(_other(*each, want, bool(found)) for each in [*others, *outside]),
        )
    )
    for _, (config, entry) in chosen:
        held = _held(config, entry)
        flaw = _lacks(config, entry)
        answer = replace(
            answer,
            held=(*answer.held, *([held] if held else [])),
            faults=(*answer.faults, *([flaw] if flaw else [])),
        )
    misses = [_near_miss(*each, want) for each in [*others, *outside]]
    return replace(answer, near_misses=tuple(miss for miss in misses if miss))


def _matching(config: Config, entry: Entry, namesakes: list[tuple[Config, Entry]]) -> Key:
    note = _blank(entry)
    alike = sum(other is config for other, _ in namesakes)
    if alike > 1 and not note:
        note = f"{alike} keys of this file mean the same; which comes first is left to chance"
    return Key(config.where, entry.key, True, note, entry.line)


def _other(config: Config, entry: Entry, want: Wanted, decided: bool) -> Key:
    """Why a key does not serve."""
    name = filed(entry.key)
    if name is None:
        note = "it is no URL, and the kubelet passes over it"
    elif name == HUB and want.hub and decided:
        note = "it counts for Docker Hub only where no other key matches"
    else:
        why = near(entry.key, want)
        note = NearMiss("", entry.key, "", why).reason if why else "it is for another registry"
    return Key(config.where, entry.key, False, note, entry.line)


def _near_miss(config: Config, entry: Entry, want: Wanted) -> NearMiss | None:
    why = near(entry.key, want) if _credential(entry, "") else None
    if why is None or (want.hub and filed(entry.key) == HUB):
        return None
    wanted = hub.KEY if want.hub else want.domain
    return NearMiss(config.where, entry.key, wanted, why, entry.line)


def _held(config: Config, entry: Entry) -> Held | None:
    found = _credential(entry, f'{config.where} ("{entry.key}")')
    return Held(found, config.where, entry.key, modified(config.text)) if found else None


def _credential(entry: Entry, origin: str) -> Credential | None:
    """`auth` beats the fields beside it. Without a user name the runtimes send nothing."""
    given = entry.secret is not None
    user = entry.user if given else entry.plain_user
    secret = entry.secret if given else entry.plain_secret
    return Credential(user, secret or Secret(""), "password", origin) if user else None


def _blank(entry: Entry) -> str:
    """Why an entry that matches gives no credential; "" where it gives one."""
    if _credential(entry, "") is not None:
        return ""
    if entry.identity or entry.registry_token:
        return "it holds a token alone, which the kubelet does not read"
    if entry.clear:
        return "it has a password and no user name"
    return "an empty entry: a helper was meant to hold the credential, and the kubelet asks none"


def _lacks(config: Config, entry: Entry) -> Fault | None:
    """The half-filled entry as a fault. An empty one is none: it says what it is."""
    what = _blank(entry) if entry.clear else ""
    if not what and entry.user and entry.secret is not None and not entry.secret:
        what = "it has a user name and an empty password"
    if not what:
        return None
    at = (entry.line, entry.column, entry.key)
    return Fault("incomplete", config.where, what, *at, ours=True, stops=False)
