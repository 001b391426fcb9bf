"""Which credential provider plug-ins does the kubelet have, for which images, and does it start
with them?

CredentialProviderConfig (kubelet.config.k8s.io v1alpha1 to v1), read as kubernetes
pkg/credentialprovider/plugin/config.go reads it: strictly, so that an unknown field, a missing
duration or a program that is not there keeps the kubelet from starting. A plug-in is never run
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from doctor.clients.kubelet_keys import is_url, matches
from doctor.clients.machine import Machine, Text
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.images.tree import Node, TreeError, documents
from doctor.redact import plain

REFUSES = "the kubelet does not start"
PLUGINS = {
    "ecr": "ecr-credential-provider",
    "gar": "auth-provider-gcp",
    "acr": "acr-credential-provider",
}
"""By the profile of the registry: the plug-in that its cloud has."""
_VERSIONS = ("v1alpha1", "v1beta1", "v1")
_FIELDS = ("name", "matchImages", "defaultCacheDuration", "apiVersion", "args", "env")
_DURATION = re.compile(r"[+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_.eE+-]*")
_MOST = 200


@frozen
class Provider:
    """One plug-in: the images that it is asked for, and where it is set."""

    name: str
    globs: tuple[str, ...]
    where: Value

    def glob(self, image: str) -> str:
        """The first entry of `matchImages` that matches the image; "" for none."""
        return next((glob for glob in self.globs if matches(glob, image)), "")


@frozen
class Providers:
    """All of them, and what keeps the kubelet from starting."""

    each: tuple[Provider, ...] = ()
    files: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()


def read(machine: Machine, config: Value | None, folder: Value | None) -> Providers:
    """The plug-ins of `--image-credential-provider-config`, whose programs lie in
    `--image-credential-provider-bin-dir`."""
    if config is None and folder is None:
        return Providers()
    faults: list[ConfigFault] = []
    if config is None or folder is None:
        given, lacking = (config or folder), "bin-dir" if folder is None else "config"
        assert given is not None  # noqa: S101 - one of the two is there
        what = f"--image-credential-provider-{lacking} is not set beside the other flag"
        faults.append(ConfigFault(given.file, what, REFUSES, given.line))
    if folder is not None and not machine.is_folder(folder.text):
        what = f"there is no folder {plain(folder.text, 200)} for the plug-ins"
        faults.append(ConfigFault(folder.file, what, REFUSES, folder.line))
        folder = None
    found: list[Provider] = []
    files = list(_files(machine, config, faults)) if config is not None else []
    for path in files:
        found += _one_file(machine, path, faults)
    seen: set[str] = set()
    for provider in found:
        faults += _flaws(machine, provider, folder, seen)
        seen.add(provider.name)
    return Providers(tuple(found), tuple(files), tuple(faults))


def _files(machine: Machine, config: Value, faults: list[ConfigFault]) -> Iterator[str]:
    """The file, or those of a folder by name."""
    if not machine.is_folder(config.text):
        yield config.text
        return
    names = [n for n in machine.names(config.text) if n.endswith((".json", ".yaml", ".yml"))]
    if not names:
        what = "the folder of the plug-ins' configuration holds no .json, .yaml or .yml file"
        faults.append(ConfigFault(config.text, what, REFUSES))
    yield from (f"{config.text.rstrip('/')}/{name}" for name in names[:_MOST])


def _one_file(machine: Machine, path: str, faults: list[ConfigFault]) -> Iterator[Provider]:
    root, fault = document(machine, path)
    if fault is not None or root is None:
        faults += [fault] if fault else []
        return
    version = _text(root, "apiVersion")
    group, _, number = version.partition("/")
    if _text(root, "kind") != "CredentialProviderConfig":
        expected = "kind: CredentialProviderConfig"
        faults.append(_fault(path, root, "kind", "its kind is another one", expected))
        return
    if group != "kubelet.config.k8s.io" or number not in _VERSIONS:
        what = f"its apiVersion {plain(version, 80) or 'is not set'} is none that the kubelet reads"
        faults.append(
            _fault(path, root, "apiVersion", what, "apiVersion: kubelet.config.k8s.io/v1")
        )
        return
    faults += _strays(path, root, ("kind", "apiVersion", "providers"))
    listed = root.get("providers")
    if listed is None or not listed.items:
        faults.append(_fault(path, root, "providers", "providers lists no plug-in", "at least one"))
        return
    for node in listed.items[:_MOST]:
        globs = node.get("matchImages")
        texts = tuple(each.text or "" for each in (globs.items or ())) if globs else ()
        yield Provider(_text(node, "name"), texts[:_MOST], Value("", path, node.line))
        faults += _of_provider(path, node, texts)


def document(machine: Machine, path: str) -> tuple[Node | None, ConfigFault | None]:
    """The mapping that a file of the kubelet's holds, as YAML or JSON, or why there is none."""
    read = machine.read(path)
    if not isinstance(read, Text):
        ours = read.reason in ("special", "too-large", "forbidden")
        what = "there is no such file" if read.reason == "missing" else f"{read.detail}"
        effect = "the kubelet may read it all the same; it was not read here" if ours else REFUSES
        return None, ConfigFault(path, what, effect, 1, stops=not ours)
    text = read.text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON, where a tab is a blank
    root = next(documents(text), None)
    if isinstance(root, Node) and root.pairs is not None:
        return root, None
    line, what = (root.line, root.why) if isinstance(root, TreeError) else (1, "")
    return None, ConfigFault(path, what or "it holds no YAML mapping", REFUSES, line)


def _of_provider(path: str, node: Node, globs: tuple[str, ...]) -> Iterator[ConfigFault]:
    known = (*_FIELDS, "tokenAttributes")
    yield from _strays(path, node, known)
    name = _text(node, "name")
    if not name or "/" in name or " " in name or name in (".", ".."):
        yield _fault(path, node, "name", "a plug-in's name is its program's", "a file's name")
    version = _text(node, "apiVersion")
    group, _, number = version.partition("/")
    if group != "credentialprovider.kubelet.k8s.io" or number not in _VERSIONS:
        what = f"the plug-in's apiVersion {plain(version, 80) or 'is not set'}"
        expected = "apiVersion: credentialprovider.kubelet.k8s.io/v1"
        yield _fault(path, node, "apiVersion", f"{what} is none that the kubelet speaks", expected)
    if not globs:
        yield _fault(path, node, "matchImages", "matchImages lists no image", "at least one")
    for glob in globs:
        expected = '"*.example.com"'
        if not is_url(glob):
            what = f"{plain(glob, 200)} in matchImages is no host with a path"
            yield _fault(path, node, "matchImages", what, expected)
        elif "://" in glob:
            what = f"{plain(glob, 200)} in matchImages has a scheme"
            fault = _fault(path, node, "matchImages", what, expected)
            yield replace(fault, effect="it matches no image", stops=False)
    lasts = node.get("defaultCacheDuration")
    text = (lasts.text or "") if lasts else ""
    number_alone = lasts is not None and not lasts.quoted and _NUMBER.fullmatch(text)
    if number_alone or not _DURATION.fullmatch(text):
        what = f"defaultCacheDuration {plain(text, 40) or 'is not set'}"
        what += " is a number" if number_alone else " is no duration" if text else ""
        yield _fault(path, node, "defaultCacheDuration", what, 'defaultCacheDuration: "12h"')


def _flaws(
    machine: Machine, provider: Provider, folder: Value | None, seen: set[str]
) -> Iterator[ConfigFault]:
    """A plug-in that is named twice, or has no program."""
    where = provider.where
    name = plain(provider.name, 100)
    if provider.name in seen:
        yield ConfigFault(where.file, f"{name} is configured twice", REFUSES, where.line)
    if folder is None or not provider.name or "/" in provider.name:
        return
    program = f"{folder.text.rstrip('/')}/{provider.name}"
    if not machine.is_program(program):
        there = machine.is_file(program)
        what = "cannot be executed" if there else "is not there"
        what = f"its program {plain(program, 300)} {what}"
        yield ConfigFault(where.file, what, REFUSES, where.line, expected="the plug-in's program")


def _strays(path: str, node: Node, known: tuple[str, ...]) -> Iterator[ConfigFault]:
    for name, value in node.pairs or ():
        if name not in known:
            what = f"{plain(name, 60)} is no field here, and the kubelet takes none that it does"
            yield ConfigFault(
                path, f"{what} not know", REFUSES, value.line, expected=", ".join(known)
            )


def _fault(path: str, node: Node, name: str, what: str, expected: str) -> ConfigFault:
    found = node.get(name)
    return ConfigFault(path, what, REFUSES, (found or node).line, expected=expected)


def _text(node: Node, name: str) -> str:
    found = node.get(name)
    return (found.text or "") if found is not None else ""
