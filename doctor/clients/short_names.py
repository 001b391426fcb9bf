"""What does a name without a registry stand for, for podman and CRI-O?

containers/image, pkg/shortnames: an alias, else each of `unqualified-search-registries` in order,
else an error. Docker's rule, by which it is on Docker Hub, holds for neither. With several
registries to choose from podman asks on a terminal; without one it tries them in order, or stops
where short-name-mode is enforcing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.client import ConfigFault
from doctor.model import Target
from doctor.redact import plain
from doctor.reference.grammar import Reference, scan
from doctor.reference.pasted import unwrap

if TYPE_CHECKING:
    from doctor.clients.registries_conf import RegistriesConf

_DOCKERS = "It names no registry, so it is on Docker Hub"


def is_short(name: str) -> bool:
    """Is it a repository without registry, tag and digest?"""
    first, slash, _ = name.partition("/")
    if slash and _is_registry(first):
        return False
    lower = f"registry.invalid/{name.lower()}"
    return ":" not in name and "@" not in name and isinstance(scan(lower), Reference)


def is_alias(text: str) -> bool:
    """Is it a registry and a repository, without tag and digest?"""
    first, _, rest = text.partition("/")
    bare = bool(rest) and ":" not in rest and "@" not in rest
    return bare and _is_registry(first) and isinstance(scan(text), Reference)


def _is_registry(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost"


def _split(target: Target) -> tuple[str, str] | None:
    """The short name and what follows it (tag, digest); None where the target names a registry."""
    if target.reference is None:
        return None
    text = target.text if isinstance(scan(target.text), Reference) else unwrap(target.text).text
    name = text.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = f"{head}{slash}{last.partition(':')[0]}"
    return (name, text[len(name) :]) if is_short(name) else None


def meant(client: str, conf: RegistriesConf, target: Target) -> tuple[Target, ...]:
    """The images that the client takes the target for, in its order: the target itself where it
    names its registry, or where nothing is known for it."""
    split = _split(target)
    if split is None:
        return (target,)
    name, rest = split
    if (alias := conf.aliases.get(name)) and alias.text:
        said = f"{client} takes {name} for {alias.text}: an alias in {alias.origin}."
        images = [f"{alias.text}{rest}"]
    elif conf.search:
        listed = ", then on ".join(each.text for each in conf.search)
        said = f"{client} looks for {name} on {listed} ({conf.search[0].origin})."
        images = [f"{each.text}/{name}{rest}" for each in conf.search]
    else:
        return (target,)
    others = tuple(each for each in target.assumed if not each.startswith(_DOCKERS))
    return tuple(
        replace(target, reference=image, registry=image.hop, assumed=(plain(said, 300), *others))
        for image in map(scan, images)
        if isinstance(image, Reference)
    ) or (target,)


def fault(client: str, conf: RegistriesConf, target: Target) -> ConfigFault | None:
    """Why the client knows no registry for the name, or will not choose one."""
    split = _split(target)
    if split is None or conf.faults or ((alias := conf.aliases.get(split[0])) and alias.text):
        return None
    name = plain(split[0], 80)
    if not conf.search:
        what = f"neither an alias for {name} nor unqualified-search-registries are set"
        effect = f"{client} stops with an error, because the name has no registry"
        expected = 'unqualified-search-registries = ["docker.io"]'
        image = str(target.reference)
        return ConfigFault(conf.main, what, effect, 1, expected=expected, image=image)
    if len(conf.search) > 1 and conf.mode == "enforcing":
        first = conf.search[0]
        what = f"{len(conf.search)} registries stand for {name}, and short-name-mode is enforcing"
        effect = f"{client} stops with an error where it cannot ask on a terminal"
        stops = client != "podman"
        image = str(scan(f"{first.text}/{split[0]}{split[1]}"))
        where = (first.line, 1, "one registry")
        return ConfigFault(first.file, what, effect, *where, stops=stops, image=image)
    return None
