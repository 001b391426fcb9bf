"""What does containerd's config.toml say about registries?

containerd internal/cri/config (of 1.x: pkg/cri/config); docs/cri/registry.md. Of several files
(`containerd_files`) a later one's table of a plug-in replaces the earlier one whole in 1.x (seen
with 1.6.20); in 2.x both are put together. `config_path` stands in the table of the CRI plug-in,
which 2.x has parted; without it 1.x reads no hosts.toml, and 2.x goes by two folders.

From 2.1 on images are pulled by the transfer service, which takes `config_path` for the name of one
folder: a list parted by colons, the default among them, then finds nothing (containerd issues 12415
and 12808). Settings that this service does not know lead back to the older way.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from doctor.clients.containerd_files import PATH, REFUSES, Version, files
from doctor.clients.machine import Machine
from doctor.clients.toml import Toml
from doctor.clients.toml import read as read_toml
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.redact import Secret

SOCKET = "/run/containerd/containerd.sock"
DEFAULT_ROOTS = "/etc/containerd/certs.d:/etc/docker/certs.d"
IMAGES = "io.containerd.cri.v1.images"
_CRI = ("io.containerd.grpc.v1.cri", "cri")
_MOST = 200


@frozen
class Auth:
    """A credential in config.toml, by the host that it is for."""

    host: Value
    user: str = ""
    secret: Secret | None = field(default=None, repr=False)
    token: Secret | None = field(default=None, repr=False)
    packed: Secret | None = field(default=None, repr=False)


@frozen
class Config:
    """What the files come to."""

    files: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()
    major: int = 2
    """Which layout and which defaults hold: 1 or 2."""
    config_path: Value = field(default_factory=lambda: Value("", "", 0))
    is_list: bool = True
    """Is `config_path` taken for a list of folders (else: for the name of one)?"""
    maybe_one: bool = False
    """Nobody knows the version, and from 2.1 on it would be taken for the name of one."""
    mirrors: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    skips: Mapping[str, Value] = field(default_factory=dict)
    """Hosts whose certificate is not verified (1.x, `configs`)."""
    cas: Mapping[str, Value] = field(default_factory=dict)
    auths: tuple[Auth, ...] = ()
    address: str = SOCKET
    appendable: bool = True
    """Can a table for the registry be put at the end of the first file?"""
    appendable_v2: bool = False
    """The same in the layout of 1.x."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders below which registries have theirs."""
        if not self.config_path.text:
            return ()
        if not self.is_list:
            return (posixpath.normpath(self.config_path.text),)
        return tuple(root for root in self.config_path.text.split(":") if root)


def read(machine: Machine, path: str = PATH, version: Version = (0, 0)) -> Config:
    """The file and what it imports. `version` as far as it is known."""
    tomls, faults = files(machine, path, version)
    if any(fault.stops for fault in faults):
        return Config(tuple(t.file for t in tomls), tuple(faults))
    major = version[0] or _major(tomls)
    tables = _tables(tomls, major)
    config = Config(
        files=tuple(t.file for t in tomls),
        faults=tuple(faults),
        major=major,
        appendable=_layout(tomls) > 2
        and all(("plugins", IMAGES, "registry") not in t.lines for t in tomls),
        appendable_v2=_layout(tomls) == 2
        and all(("plugins", _CRI[0], "registry") not in t.lines for t in tomls),
    )
    for toml in tomls:
        grpc = toml.values.get("grpc")
        if isinstance(grpc, dict) and isinstance(grpc.get("address"), str) and grpc["address"]:
            config = replace(config, address=grpc["address"])
    return _registries(config, tables, version)


def without_cri(machine: Machine) -> str:
    """file:line that switches off what pulls for pods, as the file in Docker's packages does
    (`disabled_plugins = ["cri"]`); "" where it is on."""
    toml = read_toml(machine, PATH, REFUSES, stops=True)
    listed = toml.values.get("disabled_plugins") if isinstance(toml, Toml) else None
    if not isinstance(toml, Toml) or not isinstance(listed, list):
        return ""
    off = any(name in (*_CRI, IMAGES) for name in listed if isinstance(name, str))
    return f"{toml.file}:{toml.line('disabled_plugins')}" if off else ""


def _major(tomls: list[Toml]) -> int:
    """By the layout, where nothing else says it. Without a file it is today's."""
    return 2 if not tomls or _layout(tomls) > 2 else 1


def _layout(tomls: list[Toml]) -> int:
    """The version that the first file says it has."""
    version = tomls[0].values.get("version", 1) if tomls else 0
    return version if isinstance(version, int) else 1


Found = tuple[Any, Toml, tuple[str, ...]]
"""A value, and where it stands."""


def _tables(tomls: list[Toml], major: int) -> list[Found]:
    """The tables of the image part of the CRI plug-in, the one that counts most at last."""
    found: list[Found] = []
    for toml in tomls:
        plugins = toml.values.get("plugins")
        if not isinstance(plugins, dict):
            continue
        for name in (*_CRI, IMAGES):
            table = plugins.get(name)
            if isinstance(table, dict) and (major > 1 or name != IMAGES):
                own: Found = (table, toml, ("plugins", name))
                found = [own] if major == 1 else [*found, own]
    return found


def _get(tables: list[Found], *keys: str) -> Found | None:
    """The last table's value under these keys."""
    for table, toml, path in reversed(tables):
        value: Any = table
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return value, toml, (*path, *keys)
    return None


def _all(tables: list[Found], *keys: str) -> Iterator[tuple[str, Any, Toml, tuple[str, ...]]]:
    """The entries of a table of tables, later files' last."""
    for table, toml, path in tables:
        value: Any = table
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, dict):
            for name, each in list(value.items())[:_MOST]:
                yield name, each, toml, (*path, *keys, name)


def _registries(config: Config, tables: list[Found], version: Version) -> Config:
    """The registry's part of the settings."""
    faults: list[ConfigFault] = [*config.faults]
    legacy: dict[str, Value] = {}
    for name in ("mirrors", "configs", "auths"):
        for _, _, toml, at in _all(tables, "registry", name):
            legacy.setdefault(name, Value(name, toml.file, toml.line(*at)))
    given = _get(tables, "registry", "config_path")
    path = Value("", "", 0)
    if given is not None:
        value, toml, at = given
        path = Value(value if isinstance(value, str) else "", toml.file, toml.line(*at))
        if not isinstance(value, str):
            faults.append(ConfigFault(toml.file, "config_path is no string", REFUSES, path.line, 1))
    if not path.text and "mirrors" not in legacy and config.major > 1:
        path = Value(DEFAULT_ROOTS, path.file, path.line)
    if path.text and "mirrors" in legacy:
        mirror = legacy["mirrors"]
        what = f"mirrors cannot be set beside config_path ({path.origin})"
        expected = "one of the two; mirrors belong into hosts.toml files"
        faults.append(ConfigFault(mirror.file, what, REFUSES, mirror.line, 1, expected))
    for old in legacy.values():
        what = f"{old.text} is deprecated"
        effect = "containerd takes it with a warning; its removal is announced for 2.3"
        expected = "config_path and a hosts.toml for each registry"
        faults.append(ConfigFault(old.file, what, effect, old.line, 1, expected, stops=False))
    by_transfer = not legacy and not _local_pull(tables)
    return replace(
        config,
        faults=tuple(faults),
        config_path=path,
        is_list=not (version >= (2, 1) and by_transfer),
        maybe_one=version == (0, 0) and by_transfer and ":" in path.text,
        mirrors=dict(_mirrors(tables)),
        skips=dict(_skips(tables)) if config.major == 1 else {},
        cas=dict(_cas(tables)) if config.major == 1 else {},
        auths=tuple(_auths(tables)),
    )


def _local_pull(tables: list[Found]) -> bool:
    """Does a setting lead back to the older way to pull (CheckLocalImagePullConfigs)?"""

    def said(*keys: str) -> Any:
        found = _get(tables, *keys)
        return found[0] if found else None

    layers = [said("discard_unpacked_layers"), said("containerd", "discard_unpacked_layers")]
    notes = [said(*k, "disable_snapshot_annotations") for k in ((), ("containerd",))]
    downloads = said("max_concurrent_downloads")
    return (
        said("use_local_image_pull") is True
        or said("image_pull_with_sync_fs") is True
        or True in layers
        or False in notes
        or (isinstance(downloads, int) and downloads != 3)
    )


def _mirrors(tables: list[Found]) -> Iterator[tuple[str, tuple[Value, ...]]]:
    for name, table, toml, path in _all(tables, "registry", "mirrors"):
        listed = table.get("endpoint", []) if isinstance(table, dict) else []
        yield (
            name,
            tuple(
                Value(each, toml.file, toml.line(*path, "endpoint", str(n)))
                for n, each in enumerate(listed if isinstance(listed, list) else ())
                if isinstance(each, str)
            ),
        )


def _tls(tables: list[Found]) -> Iterator[tuple[str, dict[str, Any], Toml, tuple[str, ...]]]:
    for name, table, toml, path in _all(tables, "registry", "configs"):
        tls = table.get("tls") if isinstance(table, dict) else None
        if isinstance(tls, dict):
            yield name, tls, toml, (*path, "tls")


def _skips(tables: list[Found]) -> Iterator[tuple[str, Value]]:
    for name, tls, toml, path in _tls(tables):
        if tls.get("insecure_skip_verify") is True:
            line = toml.line(*path, "insecure_skip_verify")
            yield name, Value("insecure_skip_verify = true", toml.file, line)


def _cas(tables: list[Found]) -> Iterator[tuple[str, Value]]:
    for name, tls, toml, path in _tls(tables):
        if isinstance(tls.get("ca_file"), str) and tls["ca_file"]:
            yield name, Value(tls["ca_file"], toml.file, toml.line(*path, "ca_file"))


def _auths(tables: list[Found]) -> Iterator[Auth]:
    """`auths` of an endpoint's URL count as those of its host."""
    for name, table, toml, path in _all(tables, "registry", "configs"):
        auth = table.get("auth") if isinstance(table, dict) else None
        if isinstance(auth, dict):
            yield _auth(Value(name, toml.file, toml.line(*path, "auth")), auth)
    for name, table, toml, path in _all(tables, "registry", "auths"):
        if isinstance(table, dict):
            host = name.partition("://")[2].partition("/")[0] or name
            yield _auth(Value(host, toml.file, toml.line(*path)), table)


def _auth(host: Value, table: Mapping[str, Any]) -> Auth:
    def text(key: str) -> str:
        value = table.get(key)
        return value if isinstance(value, str) else ""

    def kept(key: str) -> Secret | None:
        return Secret(text(key)) if text(key) else None

    return Auth(host, text("username"), kept("password"), kept("identitytoken"), kept("auth"))
