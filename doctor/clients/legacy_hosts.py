"""Which hosts do `mirrors` and `configs` in containerd's config.toml come to, the older way?

containerd internal/cri/server/images/image_pull.go, registryEndpoints: the endpoints in order,
those of `*` where the registry has none of its own, and the registry last unless it is among them.
A path is taken as it is: `/v2` is put nowhere behind it. `configs` are for a host as the endpoint
writes it; their `tls` ended with 1.x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from doctor.clients import untold
from doctor.clients.containerd_config import Config
from doctor.clients.hosts_dir import Hosts
from doctor.clients.hosts_toml import Host
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.reference.userinfo import hidden
from doctor.registry import hub

_FAILS = "every pull from this registry fails"
_SERVES = frozenset({"pull", "resolve", "referrers"})


def legacy(config: Config, domain: str) -> Hosts:
    """What is asked for the registry where `config_path` is not set."""
    hosts: list[Host] = []
    faults: list[ConfigFault] = []
    for value in _named(config, domain):
        host = _host(config, value)
        if host is None:
            what = f"{hidden(value.text)!r} is no URL"
            faults.append(ConfigFault(value.file, what, _FAILS, value.line, 1, '"https://HOST"'))
        else:
            hosts.append(host)
    if not any(host.authority == domain for host in hosts):
        own = hub.HOST if domain == hub.NAME else domain
        last = _host(config, Value(f"{_scheme(own)}://{own}", "", 0))
        hosts += [replace(last, url=Value("", "", 0))] if last else []
    return Hosts(tuple(hosts), faults=tuple(faults))


def _named(config: Config, domain: str) -> Iterator[Value]:
    chosen = config.mirrors.get(domain)
    yield from config.mirrors.get("*", ()) if chosen is None else chosen


def _scheme(host: str) -> str:
    return "http" if untold.containerd(host) else "https"


def _host(config: Config, value: Value) -> Host | None:
    written = value.text
    if "://" not in written:
        written = f"{_scheme(written.partition('/')[0])}://{written}"
    try:
        parts = urlsplit(written)
        _ = parts.port
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    if not host:
        return None
    ca = config.cas.get(host)
    return Host(
        url=replace(value, text=hidden(value.text)),
        scheme=parts.scheme,
        authority=host,
        path=(parts.path or "/v2").rstrip("/"),
        capabilities=_SERVES,
        ca=(ca,) if ca else (),
        skip_verify=config.skips.get(host),
    )
