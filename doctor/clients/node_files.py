"""Which credential does the kubelet find on its node, beside the Secrets of a pod?

Followed: kubernetes pkg/credentialprovider/config.go (ReadDockerConfigFile). The first valid file
counts, be there a key in it that matches or not: `config.json` in the kubelet's state folder, in
the folder it starts in, in `$HOME/.docker` and in `/.docker`; only where there is none,
`.dockercfg`. What does not parse is passed over without a word. What is found is kept for five
minutes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from doctor.clients import keychain
from doctor.clients.auth_json import podman_lookup
from doctor.clients.credential_providers import PLUGINS, Provider
from doctor.clients.docker_config import Config
from doctor.clients.docker_keys import docker_lookup
from doctor.clients.keyring import Ask, Held, Lookup, Try, Wanted, access_fault, stored
from doctor.clients.kubelet_keyring import Document, Ring, read, ring, spoilt
from doctor.clients.kubelet_keys import image
from doctor.clients.kubelet_node import KubeletNode
from doctor.clients.machine import Machine, Text, Unread
from doctor.facts.credential import Fault, Place
from doctor.frozen import frozen
from doctor.registry import profile

PASSES = "passes over the file without a word and looks in the next place"
_ROOTS = "/root/.docker/config.json"
_SECRETS = Place(
    "imagePullSecrets", "not-read", None, "a pod's own come first; they are not on the node"
)


def files(node: KubeletNode) -> tuple[str, ...]:
    """The files in the kubelet's order. Without HOME, its part is the folder it starts in."""
    home = node.home or node.folder
    folders = (node.state, node.folder, f"{home}/.docker", "/.docker")
    legacy = (node.state, node.folder, home, "/")
    paths = (
        *(f"{folder}/config.json" for folder in folders),
        *(f"{folder}/.dockercfg" for folder in legacy),
    )
    return tuple(dict.fromkeys(posixpath.normpath(f"/{path.lstrip('/')}") for path in paths))


@frozen
class _Search:
    """What came of the files."""

    chosen: Config | None = None
    places: tuple[Place, ...] = ()
    faults: tuple[Fault, ...] = ()
    unseen: str = ""
    later: tuple[Config, ...] = ()
    """Files that would count if the chosen one were not there."""


def lookup(machine: Machine, node: KubeletNode, want: Wanted) -> Lookup:
    """The node's own candidates: its file's, then its plug-ins'. A pod's Secrets come before."""
    found = _search(machine, node, want)
    answer = ring([found.chosen], want) if found.chosen else Ring()
    asks = [ask for each in node.providers.each if (ask := _ask(each, want))]
    tries: tuple[Try, ...] = (*answer.held, *asks)
    base = Lookup(
        client="kubelet",
        wanted=want,
        keys=(image(want),),
        tries=tries,
        places=(_SECRETS, *found.places, *_plugins(node, want)),
        faults=(*found.faults, *answer.faults),
        near_misses=answer.near_misses,
        files=stored(found.chosen) if found.chosen else (),
        store=asks[0].program if asks else None,
        config=found.chosen.where if found.chosen else files(node)[0],
        foreign=machine.foreign,
        unseen=found.unseen,
        plugin="" if asks else _plugin(want),
    )
    others = (docker_lookup(machine, want), podman_lookup(machine, want))
    return replace(
        base,
        also=tuple(_also(base, found, want, others)),
        otherwise=keychain.otherwise(base, others),
    )


def _search(machine: Machine, node: KubeletNode, want: Wanted) -> _Search:
    found = _Search()
    for path in files(node):
        found = _look(machine, path, want, found)
    if not node.home and machine.is_file(_ROOTS):
        note = "the kubelet's service has no HOME, so it does not look there"
        found = replace(found, places=(*found.places, Place(_ROOTS, "not-read", None, note)))
        text = machine.read(_ROOTS)
        if isinstance(text, Text):
            found = replace(found, later=(*found.later, _config(text)))
    return found


def _look(machine: Machine, path: str, want: Wanted, found: _Search) -> _Search:
    """What came of it with one more file looked at."""
    text = machine.read(path)
    if isinstance(text, Unread):
        return _unread(text, found)
    config = _config(text)
    flaw = spoilt(config)
    if found.chosen:
        note = f"{found.chosen.where} is there, and the kubelet reads one file"
        later = (*found.later, *([] if flaw else [config]))
        return replace(
            found, places=(*found.places, Place(path, "not-read", None, note)), later=later
        )
    if flaw is None:
        places = ring([config], want).places(path)
        return replace(found, chosen=config, places=(*found.places, *places))
    told = [
        replace(f, ours=f.key is not None and want.means(f.key), effect=PASSES, stops=False)
        for f in (config.faults or (flaw,))
    ]
    place = Place(path, "unreadable", None, flaw.what)
    return replace(found, places=(*found.places, place), faults=(*found.faults, *told))


def _unread(text: Unread, found: _Search) -> _Search:
    if text.reason == "missing":
        return replace(found, places=(*found.places, Place(text.path, "missing")))
    if found.chosen:
        return found
    ours = text.reason in ("forbidden", "special", "too-large")
    effect = "may read it all the same; what it holds is not known here" if ours else PASSES
    fault = access_fault(text, effect, stops=False)
    unseen = f"{text.path} was not read: {fault.what}" if ours else ""
    return replace(
        found,
        places=(*found.places, Place(text.path, "unreadable", None, fault.what)),
        faults=(*found.faults, fault),
        unseen=found.unseen or unseen,
    )


def _config(text: Text) -> Config:
    return read(Document(text.path, text.text, text.path.endswith("/.dockercfg"), text))


def _ask(provider: Provider, want: Wanted) -> Ask | None:
    """The plug-in as a candidate that nobody asks here."""
    glob = provider.glob(image(want))
    if not glob:
        return None
    where = provider.where
    why = f"{provider.name} is asked by the kubelet alone; what it gives is not known here"
    return Ask(provider.name, glob, f"{where.file}:{where.line}", "matchImages", why)


def _plugins(node: KubeletNode, want: Wanted) -> Iterator[Place]:
    """The trace of the plug-ins."""
    for provider in node.providers.each:
        where = f"{provider.where.file}:{provider.where.line}"
        if glob := provider.glob(image(want)):
            note = f"the plug-in {provider.name} is for this image"
            yield Place(where, "helper", glob, note)
        else:
            globs = ", ".join(f'"{glob}"' for glob in provider.globs[:5])
            yield Place(where, "no-match", None, f"the plug-in {provider.name} is for {globs}")
    if node.plugins is None:
        needed = _plugin(want)
        note = f"this registry's cloud has {needed}" if needed else ""
        yield Place("--image-credential-provider-config", "unset", None, note)


def _plugin(want: Wanted) -> str:
    """The plug-in that the cloud of this registry has; "" for a registry of no cloud."""
    return PLUGINS.get(profile.for_host(want.domain.partition(":")[0]).name, "")


def _also(base: Lookup, found: _Search, want: Wanted, others: tuple[Lookup, ...]) -> Iterator[Held]:
    """Credentials for the registry that the kubelet does not get to."""
    taken = {(each.where, each.key) for each in base.tries if isinstance(each, Held)}
    candidates = [held for config in found.later for held in ring([config], want).held]
    candidates += [t for other in others for t in other.tries if isinstance(t, Held)]
    for each in candidates:
        if (each.where, each.key) not in taken:
            taken.add((each.where, each.key))
            yield each
