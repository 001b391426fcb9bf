"""Which hosts does a registry's hosts.toml name, in which order, and with which settings?

containerd core/remotes/docker/config/hosts.go, docs/hosts.md. The tables `[host."URL"]` come in the
file's order, then `server`, which the keys outside of any table are for. A file that does not parse
does not count at all: containerd logs an error and goes on as if only certificate files were there.
An unknown capability or a value of another type is such a flaw, and before 1.7.25 a file without a
table `host` (containerd issue 10027; seen with 1.6.20). Keys that it does not know it passes over
in silence.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, NoReturn
from urllib.parse import urlsplit

from doctor.clients.hosts_remarks import remarks
from doctor.clients.toml import Toml
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.redact import Secret
from doctor.reference.userinfo import hidden

IGNORED = (
    "containerd logs an error and goes on without this file: its mirrors and CAs count for nothing"
)
CAPABILITIES = frozenset({"pull", "resolve", "push", "referrers"})
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_MOST = 100


@frozen
class Host:
    """One host that is asked. `authority` "": the registry that the image itself names."""

    url: Value
    """As it is written, a password left out; its line is that of the table."""
    scheme: str = "https"
    authority: str = ""
    """`host[:port]` as written."""
    path: str = "/v2"
    """What requests lie below, without a slash at its end."""
    capabilities: frozenset[str] = CAPABILITIES
    ca: tuple[Value, ...] = ()
    pairs: tuple[tuple[Value, Value | None], ...] = ()
    """Client certificates with their keys; None: the key is in the same file."""
    skip_verify: Value | None = None
    """The setting, where it is true."""
    tls: bool = False
    """Has it settings for TLS?"""
    headers: tuple[Value, ...] = ()
    """The names alone."""
    login: Secret | None = field(default=None, repr=False)
    """What its header Authorization says."""
    rewrites: tuple[tuple[str, str], ...] = ()
    """Patterns and what they put in the repository's place (k3s)."""


@frozen
class HostsToml:
    """A file as containerd takes it. `hosts` None: it does not count."""

    file: str
    hosts: tuple[Host, ...] | None = None
    faults: tuple[ConfigFault, ...] = ()


class _FlawError(Exception):
    """Why containerd does not take the file, and where."""

    def __init__(self, line: int, what: str, expected: str) -> None:
        super().__init__(what)
        self.line, self.what, self.expected = line, what, expected


def understood(toml: Toml | ConfigFault, folder: str, *, needs_host: bool = False) -> HostsToml:
    """What the file comes to; relative paths start from its folder. `needs_host`: this containerd
    takes no file without a table `host`."""
    if isinstance(toml, ConfigFault):
        return HostsToml(toml.file, None, (toml,))
    try:
        if needs_host and "host" not in toml.values:
            _refuse(toml, ("server",), "it has no table host, which containerd before 1.7.25 wants",
                    "a line [host] at its end")  # fmt: skip
        hosts = tuple(_hosts(toml, folder))
    except _FlawError as flaw:
        fault = ConfigFault(toml.file, flaw.what, IGNORED, flaw.line, 1, flaw.expected, stops=False)
        return HostsToml(toml.file, None, (fault,))
    return HostsToml(toml.file, hosts, tuple(remarks(toml, hosts)))


def _hosts(toml: Toml, folder: str) -> Iterator[Host]:
    root = _lower(toml.values)
    server = root.get("server", "")
    if not isinstance(server, str):
        _refuse(toml, ("server",), "server is no string", 'server = "https://HOST"')
    tables = toml.values.get("host", {})
    if not isinstance(tables, dict) or any(not isinstance(t, dict) for t in tables.values()):
        _refuse(toml, ("host",), "host is no table of tables", '[host."https://HOST"]')
    order: list[str] = []
    for path in toml.headers:
        if len(path) > 1 and path[0] == "host" and order[-1:] != [path[1]]:
            order.append(path[1])
    for table in tables:
        if table not in order:  # containerd decodes it all the same: a flaw in it counts
            _host(toml, table, _lower(tables[table]), ("host", table), folder)
    for url in order[:_MOST]:
        yield _host(toml, url, _lower(tables[url]), ("host", url), folder)
    yield _host(toml, server, root, (), folder)


def _lower(table: Mapping[str, Any]) -> dict[str, Any]:
    """Keys count in any letter case, the exact spelling first (go-toml)."""
    return {**{key.lower(): value for key, value in table.items()}, **table}


def _host(
    toml: Toml, url: str, table: Mapping[str, Any], path: tuple[str, ...], folder: str
) -> Host:
    override = _boolean(toml, table, path, "override_path")
    scheme, authority, base = _address(toml, url, path, override=bool(override))
    skip = _boolean(toml, table, path, "skip_verify")
    ca, pairs = _ca(toml, table, path, folder), _pairs(toml, table, path, folder)
    timeout = table.get("dial_timeout", "")
    if not isinstance(timeout, str) or (timeout and not _DURATION.fullmatch(timeout)):
        _refuse(toml, (*path, "dial_timeout"), "dial_timeout is no duration", '"3s"')
    headers, login = _headers(toml, table, path)
    return Host(
        url=Value(hidden(url), toml.file, toml.line(*(path or ("server",))) if url else 0),
        scheme=scheme,
        authority=authority,
        path=base,
        capabilities=_capabilities(toml, table, path),
        ca=ca,
        pairs=pairs,
        skip_verify=Value("skip_verify = true", toml.file, toml.line(*path, "skip_verify"))
        if skip
        else None,
        tls=skip is not None or bool(pairs) or table.get("ca") is not None,
        headers=headers,
        login=login,
    )


def _refuse(toml: Toml, path: tuple[str, ...], what: str, expected: str) -> NoReturn:
    raise _FlawError(toml.line(*path), what, expected)


def _boolean(toml: Toml, table: Mapping[str, Any], path: tuple[str, ...], key: str) -> bool | None:
    found = table.get(key)
    if found is not None and not isinstance(found, bool):
        _refuse(toml, (*path, key), f"{key} is no boolean", f"{key} = true")
    return found


def _address(
    toml: Toml, url: str, path: tuple[str, ...], *, override: bool
) -> tuple[str, str, str]:
    """Scheme, host and path: `/v2` is put behind the path unless that ends so or is said to be
    all."""
    if not url:
        return "https", "", "/v2"
    written = url if url.startswith("http") else f"https://{url}"
    try:
        parts = urlsplit(written)
        _ = parts.port
        if re.search(r"[\x00-\x20\x7f]", url):
            raise ValueError("a blank")
    except ValueError:
        _refuse(toml, path or ("server",), f"{hidden(url)!r} is no URL", "https://HOST")
    base = posixpath.normpath(parts.path) if parts.path else ""
    if not base.endswith("/v2") and not override:
        base = f"{base}/v2"
    authority = parts.netloc.rpartition("@")[2]
    return parts.scheme, authority, f"/{base.strip('/')}".rstrip("/")


def _capabilities(toml: Toml, table: Mapping[str, Any], path: tuple[str, ...]) -> frozenset[str]:
    found = table.get("capabilities", [])
    at = (*path, "capabilities")
    expected = 'capabilities = ["pull", "resolve"]'
    if not isinstance(found, list) or any(not isinstance(each, str) for each in found):
        _refuse(toml, at, "capabilities is no list of strings", expected)
    for number, each in enumerate(found):
        if each.lower() not in CAPABILITIES:
            what = f'"{each[:40]}" is no capability'
            _refuse(toml, (*at, str(number)), what, "pull, resolve, push or referrers")
    return frozenset(each.lower() for each in found) or CAPABILITIES


def _ca(
    toml: Toml, table: Mapping[str, Any], path: tuple[str, ...], folder: str
) -> tuple[Value, ...]:
    found = table.get("ca", [])
    files = [found] if isinstance(found, str) else found
    if not isinstance(files, list) or any(not isinstance(each, str) for each in files):
        _refuse(toml, (*path, "ca"), "ca is neither a string nor a list of them", 'ca = "ca.crt"')
    return tuple(
        Value(posixpath.join(folder, each), toml.file, toml.line(*path, "ca", str(n)))
        for n, each in enumerate(files[:_MOST])
    )


def _pairs(
    toml: Toml, table: Mapping[str, Any], path: tuple[str, ...], folder: str
) -> tuple[tuple[Value, Value | None], ...]:
    found = table.get("client", [])
    at = (*path, "client")
    listed = [found] if isinstance(found, str) else found
    expected = 'client = [["client.cert", "client.key"]]'
    if not isinstance(listed, list):
        _refuse(toml, at, "client is neither a string nor a list", expected)
    pairs: list[tuple[Value, Value | None]] = []
    for number, each in enumerate(listed[:_MOST]):
        line = toml.line(*at, str(number))
        names = [each] if isinstance(each, str) else each
        whole = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not whole or (isinstance(each, list) and len(names) != 2):
            _refuse(toml, (*at, str(number)), "an entry of client is no pair of files", expected)
        files = [Value(posixpath.join(folder, name), toml.file, line) for name in names]
        pairs.append((files[0], files[1] if len(files) > 1 else None))
    return tuple(pairs)


def _headers(
    toml: Toml, table: Mapping[str, Any], path: tuple[str, ...]
) -> tuple[tuple[Value, ...], Secret | None]:
    """The headers' names; every value is a secret from here on."""
    found = table.get("header", {})
    at = (*path, "header")
    if not isinstance(found, dict):
        _refuse(toml, at, "header is no table", f"[{'.'.join(at)}]")
    names: list[Value] = []
    login = None
    for name, value in found.items():
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or any(not isinstance(each, str) for each in listed):
            what = f'header "{name[:40]}" is neither a string nor a list of them'
            _refuse(toml, (*at, name), what, '"VALUE"')
        secrets = [Secret(each) for each in listed]
        names.append(Value(name[:80], toml.file, toml.line(*at, name)))
        if name.lower() == "authorization" and secrets:
            login = secrets[0]
    return tuple(names), login
