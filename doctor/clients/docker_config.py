"""What does a Docker `config.json` say about credentials, read as Docker's own code reads it?

Followed: docker/cli cli/config/configfile/file.go (the file), cli/config/credentials/file_store.go
(its keys) and Go's encoding/json: field names match in any letter case, the first JSON value counts
and what follows it is not looked at, an empty file is an empty configuration, and one entry that
does not decode makes the whole file unusable. Podman reads the same files by other rules
(`doctor.clients.auth_json`), so an entry keeps what either of them needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from doctor.clients.auth_entry import Decode, Entry, decode, decode_as_kubelet, kept
from doctor.clients.machine import Text
from doctor.facts.credential import Fault
from doctor.frozen import frozen
from doctor.gojson import as_go, kind, no_constant, slip
from doctor.redact import Secret, plain
from doctor.reference.userinfo import hidden, learn_alone

_DOCKERS_TEXTS = (
    "credsStore",
    "psFormat",
    "imagesFormat",
    "networksFormat",
    "pluginsFormat",
    "volumesFormat",
    "statsFormat",
    "detachKeys",
    "serviceInspectFormat",
    "servicesFormat",
    "tasksFormat",
    "secretFormat",
    "configFormat",
    "nodesFormat",
    "currentContext",
    "experimental",
)
_ENTRY = ("auth", "username", "password", "email")


@frozen
class Dialect:
    """What a program reads of such a file: a field of another type spoils the whole only where the
    program takes that field."""

    decode: Decode = decode
    entry: tuple[str, ...] = (*_ENTRY, "identitytoken", "registrytoken")
    texts: tuple[str, ...] = _DOCKERS_TEXTS
    maps: tuple[str, ...] = ("HttpHeaders", "aliases", "features")
    helpers: bool = True


DOCKERS = Dialect()
KUBELETS = Dialect(decode_as_kubelet, _ENTRY, (), ("HttpHeaders",), helpers=False)
"""kubernetes pkg/credentialprovider/config.go (DockerConfigJSON, dockerConfigEntryWithAuth)."""


@frozen
class Config:
    """A parsed file, or variable. With a fault of kind syntax or access there are no entries."""

    where: str
    entries: tuple[Entry, ...] = ()
    store: str = ""
    helpers: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    empty: bool = False
    """Nothing but white space: Docker takes that for {}, Podman gives up."""
    trailing: bool = False
    """Something follows the JSON value: Docker does not look at it, Podman gives up."""
    text: Text | None = None

    def entry(self, key: str) -> Entry | None:
        """The entry under exactly this key."""
        return next((e for e in self.entries if e.key == key), None)

    def matching(self, key: str) -> tuple[Entry, ...]:
        """Docker's look-up: the exact key, else every entry whose host name is the key (of several
        the one that wins is left to chance)."""
        exact = self.entry(key)
        return (exact,) if exact else tuple(e for e in self.entries if hostname(e.key) == key)

    def helper(self, key: str) -> tuple[str, str]:
        """The helper that Docker asks for the key, and the setting that names it; else ("", "")."""
        if key in self.helpers:
            return self.helpers[key], f'credHelpers["{plain(key, 200)}"]'
        return (self.store, "credsStore") if self.store else ("", "")


def hostname(key: str) -> str:
    """What Docker takes for the host of a key: scheme and everything after the host cut off
    (ConvertToHostname)."""
    if "://" in key:
        try:
            url = urlsplit(key)
            host, port = url.hostname, url.port
        except ValueError:
            host, port = None, None
        if host:
            written = re.sub(r"^.*@", "", url.netloc)
            host = written[1:].split("]")[0] if written.startswith("[") else written.split(":")[0]
            if port is None:
                return host
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return key.partition("/")[0]


def parse(
    text: str,
    where: str,
    source: Text | None = None,
    *,
    dialect: Dialect = DOCKERS,
    bare: bool = False,
) -> Config:
    """The configuration in a text; `bare`: it is the map of `auths` alone. Never raises: what is
    wrong stands in `faults`, with line and column."""
    body = text.lstrip(" \t\r\n")
    if not body:
        return Config(where, empty=True, text=source)
    start = len(text) - len(body)
    try:
        value, end = json.JSONDecoder(parse_constant=no_constant).raw_decode(text, start)
        value = as_go(value)
    except json.JSONDecodeError as error:
        what = "it starts with a byte order mark" if body[0] == "\ufeff" else slip(error, text)
        fault = Fault("syntax", where, what, error.lineno, error.colno)
        return Config(where, faults=(fault,), text=source)
    except (ValueError, RecursionError):
        fault = Fault("syntax", where, "it is not JSON that a client can read", 1, 1)
        return Config(where, faults=(fault,), text=source)
    trailing = bool(text[end:].strip(" \t\r\n"))
    if value is None:
        return Config(where, trailing=trailing, text=source)
    if not isinstance(value, dict):
        fault = Fault("type", where, f"it holds {kind(value)}, not an object", 1, 1)
        return Config(where, faults=(fault,), text=source)
    return _config({"auths": value} if bare else value, text, where, trailing, source, dialect)


def _config(
    value: dict[str, Any],
    text: str,
    where: str,
    trailing: bool,
    source: Text | None,
    dialect: Dialect,
) -> Config:
    faults: list[Fault] = []
    entries: list[Entry] = []
    for key, raw in _map(value, "auths", text, where, faults).items():
        line, column = position(text, key)
        entry = _entry(key, raw, line, column, where, faults, dialect)
        if entry:
            entries.append(entry)
    helpers = _map(value, "credHelpers", text, where, faults if dialect.helpers else [])
    for key, name in helpers.items():
        if dialect.helpers and not isinstance(name, str):
            line, column = position(text, key)
            what = f'credHelpers["{plain(key, 200)}"] is {kind(name)}, not the name of a helper'
            faults.append(Fault("type", where, what, line, column, key))
    for name in dialect.texts:
        other = member(value, name)
        if other is not None and not isinstance(other, str):
            what = f"{name} is {kind(other)}, not a string"
            faults.append(Fault("field", where, what, *position(text, name)))
    for name in dialect.maps:
        other = member(value, name)
        texts = isinstance(other, dict) and all(isinstance(v, str) for v in other.values())
        if other is not None and not texts:
            what = f"{name} is not an object of strings"
            faults.append(Fault("field", where, what, *position(text, name)))
    _learn_headers(member(value, "HttpHeaders"))
    store = member(value, "credsStore")
    return Config(
        where,
        entries=tuple(entries),
        store=store if isinstance(store, str) else "",
        helpers={k: v for k, v in helpers.items() if isinstance(v, str)},
        faults=tuple(faults),
        trailing=trailing,
        text=source,
    )


def member(value: dict[str, Any], name: str) -> Any:
    """A field as encoding/json finds it: in any letter case, the last one counts."""
    found = None
    for key, other in value.items():
        if key.casefold() == name.casefold():
            found = other
    return found


def position(text: str, key: str) -> tuple[int, int]:
    """Line and column of a key's first mention as a JSON string; (0, 0) if it is spelt with escapes
    of its own."""
    for spelt in (json.dumps(key, ensure_ascii=False), json.dumps(key)):
        found = re.search(re.escape(spelt) + r"\s*:", text)
        at = found.start() if found else text.casefold().find(spelt.casefold())
        if at >= 0:
            return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    return 0, 0


def _map(
    value: dict[str, Any], name: str, text: str, where: str, faults: list[Fault]
) -> dict[str, Any]:
    found = member(value, name)
    if found is None:
        return {}
    if isinstance(found, dict):
        return found
    what = f"{name} is {kind(found)}, not an object"
    faults.append(Fault("type", where, what, *position(text, name)))
    return {}


def _entry(
    key: str,
    raw: Any,
    line: int,
    column: int,
    where: str,
    faults: list[Fault],
    dialect: Dialect,
) -> Entry | None:
    hidden(key)  # what stands before an @ is a secret from here on
    if raw is None:
        return Entry(key, line, column)
    if not isinstance(raw, dict):
        what = f"the entry is {kind(raw)}, not an object"
        faults.append(Fault("type", where, what, line, column, key))
        return None
    parts: dict[str, str] = {}
    for name in DOCKERS.entry:
        part = member(raw, name)
        if part is not None and not isinstance(part, str) and name in dialect.entry:
            what = f"its field {name} is {kind(part)}, not a string"
            faults.append(Fault("type", where, what, line, column, key))
        parts[name] = part if isinstance(part, str) else ""
    user, secret, broken, bad_base64 = dialect.decode(parts["auth"])
    if not parts["password"]:
        learn_alone(parts["username"])
    if broken:
        faults.append(Fault("entry", where, broken, line, column, key))
    return Entry(
        key=key,
        line=line,
        column=column,
        user=user,
        secret=secret,
        plain_user=parts["username"],
        plain_secret=kept(parts["password"]),
        identity=kept(parts["identitytoken"]),
        registry_token=kept(parts["registrytoken"]),
        broken=broken,
        bad_base64=bad_base64,
    )


def _learn_headers(headers: Any) -> None:
    if isinstance(headers, dict):
        for value in headers.values():
            if isinstance(value, str):
                Secret(value)
