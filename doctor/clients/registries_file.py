"""What does one file of registries.conf(5) say, and what makes it unusable?

containers/image, sysregistriesv2.loadConfigFile, in its two formats: `[[registry]]` tables, and the
old lists `[registries.search]`, `insecure` and `block`, which drop-ins may not have and which do
not go together with the new format. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from doctor.clients.short_names import is_alias, is_short
from doctor.clients.toml import Table, TomlError, parse
from doctor.clients.unit import Value
from doctor.frozen import frozen
from doctor.redact import plain
from doctor.reference.grammar import authority_flaw
from doctor.reference.userinfo import hidden

SWITCH = "insecure = true"
"""The line of a table; an entry of the old lists is a host."""
MIRROR_KEYS = frozenset({"location", "insecure", "pull-from-mirror"})
KEYS = MIRROR_KEYS | {"prefix", "blocked", "mirror", "mirror-by-digest-only"}
"""What a `[[registry]]` may hold."""
_MODES = ("enforcing", "permissive", "disabled")
When = Literal["all", "digest-only", "tag-only"]
_WHEN: dict[str, When] = {
    "": "all",
    "all": "all",
    "digest-only": "digest-only",
    "tag-only": "tag-only",
}


@frozen
class Mirror:
    """A place that is asked before the registry itself."""

    location: Value
    insecure: Value | None = None
    """The line that says so; None: it is verified."""
    when: When = "all"
    """For which references it is asked."""
    unknown: tuple[Value, ...] = ()


@frozen
class Registry:
    """One `[[registry]]` table."""

    prefix: Value
    """Which images it is about, by the start of their names; `*.example.com`: all hosts below."""
    location: str
    """What stands in the prefix's place; "": nothing does."""
    insecure: Value | None = None
    blocked: Value | None = None
    mirrors: tuple[Mirror, ...] = ()
    digest_only: bool = False
    unknown: tuple[Value, ...] = ()
    """Keys that are none: they are passed over in silence."""


@frozen
class RegistriesFile:
    """What one file says; None: it does not say it."""

    registries: tuple[Registry, ...] = ()
    search: tuple[Value, ...] | None = None
    aliases: Mapping[str, Value] = field(default_factory=dict)
    mode: str = ""
    helpers: tuple[Value, ...] | None = None


def read(text: str, path: str, *, drop_in: bool = False) -> RegistriesFile:
    """One file. Raises `TomlError`."""
    root = parse(text).root
    old = root.get("registries", dict, "[registries.search]") is not None and _old(root, path)
    if old:
        if drop_in:
            what = "it is in the old format ([registries.search]), which drop-ins may not have"
            raise TomlError(what, old[1], 1, "[[registry]]")
        if any(root.get(key, kind) is not None for key, kind in _NEW):
            raise TomlError("it mixes the old format with the new one", old[1], 1, "[[registry]]")
        return old[0]
    tables = [_registry(table, path) for table in root.tables("registry")]
    _agree(tables)
    first: dict[str, Registry] = {}
    for table in tables:
        first.setdefault(table.prefix.text, table)
    mode = root.get("short-name-mode", str) or ""
    if mode and mode not in _MODES:
        what = f"short-name-mode is {plain(mode, 40)!r}"
        raise TomlError(what, root.line("short-name-mode"), 1, 'short-name-mode = "permissive"')
    helpers = root.texts("credential-helpers")
    return RegistriesFile(
        registries=tuple(first.values()),
        search=_search(root.texts("unqualified-search-registries"), path),
        aliases=aliases(root, path),
        mode=mode,
        helpers=None if helpers is None else tuple(Value(t, path, n) for t, n in helpers),
    )


_NEW = (
    ("registry", list),
    ("unqualified-search-registries", list),
    ("credential-helpers", list),
    ("short-name-mode", str),
    ("aliases", dict),
)


def _old(root: Table, path: str) -> tuple[RegistriesFile, int] | None:
    """The first version of the format: three lists of hosts. None: they hold nothing."""
    lists = {
        name: root.table("registries", name).texts("registries")
        for name in ("search", "insecure", "block")
    }
    given = [root.table("registries", name).line() for name, each in lists.items() if each]
    if not given:
        return None
    tables: dict[str, Registry] = {}
    for name in ("block", "insecure"):
        for text, line in lists[name] or ():
            location = _location(text, line)
            value = Value(location, path, line)
            table = tables.setdefault(location, Registry(value, location))
            tables[location] = (
                replace(table, blocked=value) if name == "block" else replace(table, insecure=value)
            )
    return RegistriesFile(tuple(tables.values()), _search(lists["search"], path)), min(given)


def _registry(table: Table, path: str) -> Registry:
    def value(key: str, text: str) -> Value:
        return Value(text, path, table.line(key))

    def switch(key: str) -> Value | None:
        return value(key, f"{key} = true") if table.get(key, bool, f"{key} = true") else None

    location = _location(table.get("location", str) or "", table.line("location"))
    prefix = _location(table.get("prefix", str) or "", table.line("prefix"))
    blocked, insecure = switch("blocked"), switch("insecure")
    digest_only = bool(table.get("mirror-by-digest-only", bool))
    at = value("prefix" if prefix else "location", prefix or location)
    if not location and not prefix.startswith("*."):
        what = (
            "a [[registry]] has no location"
            if prefix
            else "a [[registry]] has neither prefix nor location"
        )
        raise TomlError(what, table.line(), 1, 'location = "registry.example"')
    if prefix.startswith("*.") and re.search("[/@:]", prefix):
        what = f"prefix {plain(prefix, 60)} has more than a host after its *."
        raise TomlError(what, table.line("prefix"), 1, 'prefix = "*.example.com"')
    if table.get("pull-from-mirror", str):
        what = "pull-from-mirror stands at the registry itself; only a mirror can have it"
        raise TomlError(what, table.line("pull-from-mirror"), 1, "[[registry.mirror]]")
    mirrors = tuple(_mirror(each, path, digest_only) for each in table.tables("mirror"))
    unknown = _unknown(table, path, KEYS)
    return Registry(at, location, insecure, blocked, mirrors, digest_only, unknown)


def _unknown(table: Table, path: str, known: frozenset[str]) -> tuple[Value, ...]:
    keys = (key for key in table.values if key.lower() not in known)
    return tuple(Value(plain(key, 40), path, table.line(key)) for key in keys)


def _mirror(table: Table, path: str, digest_only: bool) -> Mirror:
    location = _location(table.get("location", str) or "", table.line("location"))
    if not location:
        raise TomlError("a mirror has no location", table.line(), 1, 'location = "mirror.example"')
    when = table.get("pull-from-mirror", str) or ""
    line = table.line("pull-from-mirror")
    if when and digest_only:
        what = "the mirror has pull-from-mirror, and its registry mirror-by-digest-only"
        raise TomlError(what, line, 1, "one of the two")
    if when not in _WHEN:
        what = f"pull-from-mirror is {plain(when, 40)!r}"
        raise TomlError(what, line, 1, '"all", "digest-only" or "tag-only"')
    insecure = Value(SWITCH, path, table.line("insecure"))
    return Mirror(
        Value(location, path, table.line("location")),
        insecure if table.get("insecure", bool, "insecure = true") else None,
        _WHEN[when],
        _unknown(table, path, MIRROR_KEYS),
    )


def _location(text: str, line: int) -> str:
    hidden(text)  # what stands before an @ is a secret from here on
    trimmed = text.rstrip("/")
    if trimmed.startswith(("http://", "https://")):
        bare = trimmed.partition("://")[2]
        what = f"{plain(trimmed, 100)} has a scheme, which has no place in registries.conf"
        raise TomlError(what, line, 1, plain(f'"{bare}"', 120))
    return trimmed


def _agree(tables: list[Registry]) -> None:
    """Tables of one file about the same location must agree on how it is spoken to."""
    first: dict[str, Registry] = {}
    for table in tables:
        where = table.location or table.prefix.text
        other = first.setdefault(where, table)
        for name in ("insecure", "blocked"):
            one, two = getattr(other, name), getattr(table, name)
            if (one is None) != (two is None):
                at = one or two
                what = f"{plain(where, 80)} stands in two tables, and {name} in one of them only"
                raise TomlError(what, at.line, 1, f"the same {name} in both")


def _search(listed: tuple[tuple[str, int], ...] | None, path: str) -> tuple[Value, ...] | None:
    if listed is None:
        return None
    found: list[Value] = []
    for text, line in listed:
        registry = _location(text, line)
        if not registry or authority_flaw(registry):
            what = f"unqualified-search-registries holds {plain(registry, 80)!r}"
            raise TomlError(what, line, 1, "host or host:port")
        found.append(Value(registry, path, line))
    return tuple(found)


def aliases(root: Table, path: str) -> dict[str, Value]:
    """Short names and what they stand for."""
    table = root.table("aliases")
    found: dict[str, Value] = {}
    for name in table.values:
        text, line = table.get(name, str), table.line(name)
        if not is_short(name):
            what = f"the alias {plain(name, 80)} is no short name"
            raise TomlError(what, line, 1, "a name without registry, tag and digest")
        if text and not is_alias(text):
            what = f"the alias {plain(name, 60)} leads to {plain(text, 80)}"
            raise TomlError(what, line, 1, "registry and repository, without tag and digest")
        found[name] = Value(text, path, line)
    return found
