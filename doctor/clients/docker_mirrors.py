"""Which mirrors does dockerd ask before Docker Hub, for what exactly, and which values keep it from
starting?

`registry-mirrors` is for Docker Hub alone (moby daemon/pkg/registry/config.go, ValidateMirror and
loadMirrors). The two image stores go about it differently: the one of old keeps the mirror's path
before /v2/ and shows every mirror the login for Docker Hub (daemon/internal/distribution,
registry.go); containerd's adds /v2 where it is not there, says with `?ns=` what it asks for, and
shows a credential to its own host alone (daemon/hosts.go, daemon/containerd/resolver.go).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from urllib.parse import quote

from doctor.clients.gourl import RefusedError, Url, host_and_port, parse
from doctor.clients.keyring import Lookup, Wanted
from doctor.clients.proxyurl import shown
from doctor.clients.unit import Value
from doctor.facts.client import Store
from doctor.facts.credential import Place
from doctor.facts.endpoint import Endpoint
from doctor.frozen import frozen
from doctor.model import Hop, Scheme
from doctor.redact import plain
from doctor.reference.grammar import authority_flaw
from doctor.reference.userinfo import hidden
from doctor.registry import hub

SETTING = "registry-mirrors"
_PORTS = {"https": 443, "http": 80}
_TAKES_PATHS = (24, 0, 8)
"""The version of dockerd that no longer refuses a path (moby pull requests 46594 and 46944)."""


@frozen
class Flawed:
    """Why dockerd does not start with a value, as the end of a sentence that starts with it, and
    what was probably meant; "" where nobody can tell."""

    what: str
    meant: str = ""


def flaw(text: str) -> Flawed | None:
    """What is wrong with a value; None for one that dockerd takes."""
    hidden(text)  # what stands before an @ is a secret from here on
    scheme, there, _ = text.partition("://")
    if not there or not scheme:
        return Flawed("has no scheme", f"https://{text.lstrip(':/')}" if _is_host(text) else "")
    try:
        url = parse(text)
    except RefusedError as refusal:
        return Flawed(str(refusal))
    if url.scheme not in _PORTS:
        return Flawed(f'has the scheme "{plain(url.scheme, 20)}", not https or http')
    if url.query or url.fragment:
        return Flawed("holds a query or a fragment", f"{url.scheme}://{url.host}{url.path}")
    if url.userinfo is not None:
        return Flawed("holds a user name", f"{url.scheme}://{url.host}{url.path}")
    return None


def _is_host(text: str) -> bool:
    return authority_flaw(text.lstrip(":/").partition("/")[0]) is None


def flaw_for(text: str, version: str) -> Flawed | None:
    """The same for a dockerd of that version, as far as that matters; "": nobody knows which."""
    numbers = re.match(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", version)
    url = _parsed(text)
    if (
        numbers is None
        or tuple(map(int, numbers.groups())) >= _TAKES_PATHS
        or url.path in ("", "/")
    ):
        return flaw(text)
    return Flawed("holds a path, and 24.0.8 is the first version that takes one")


def normal(text: str) -> str:
    """A value as dockerd keeps it: two that differ by a slash at the end are one."""
    return text.removesuffix("/") + "/"


def distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values that count, each once, in order."""
    found: dict[str, Value] = {}
    for value in values:
        if flaw(value.text) is None:
            found.setdefault(normal(value.text), value)
    return tuple(found.values())


def endpoint(value: Value, repository: str, store: Store) -> Endpoint:
    """What is asked of that mirror for a repository of Docker Hub."""
    url = _parsed(value.text)
    name, _, port = host_and_port(url.host)
    usable = url.scheme in _PORTS and authority_flaw(url.host) is None
    scheme: Scheme = "http" if url.scheme == "http" else "https"
    number = int(port) if usable and port else _PORTS[scheme]
    hop = Hop("mirror", name.strip("[]").lower(), number, scheme)
    path = quote(url.path, safe="/%:@!$&'()*+,;=-._~")
    of_containerd = store == "containerd"
    return Endpoint(
        hop=hop,
        repository=repository,
        base=_joined(path) if of_containerd else f"{path.rstrip('/')}/v2",
        namespace=hub.NAME if of_containerd and url.host not in (hub.NAME, hub.HOST) else "",
        origin=value.origin,
        written=shown(value.text),
        domain=url.host if usable else "",
        skipped="" if usable else "it names no host that can be asked",
    )


def _joined(path: str) -> str:
    path = path.removesuffix("/")
    return path if path.endswith("/v2") else posixpath.normpath(f"/{path}/v2").replace("//", "/")


def _parsed(text: str) -> Url:
    try:
        return parse(text)
    except RefusedError:
        return Url()


def rule(store: Store, *, logged_in: bool) -> str:
    """Why a mirror is shown no credential; "" where it is shown the one for Docker Hub."""
    if store == "containerd":
        return "its containerd image store shows a credential to its own host, and to no mirror"
    return "" if logged_in else "it shows mirrors the login for Docker Hub, and has none"


def keys(want: Wanted, named: Lookup, store: Store) -> Lookup:
    """A mirror has no credential of its own, ever. What docker may show it is the one for Docker
    Hub (`named`), which is not shown to it from here (CONTRACT, promise 2)."""
    note = rule(store, logged_in=bool(named.tries))
    withheld = "" if note else "docker shows it the login for Docker Hub, which is not done here"
    where = named.tries[0].where if named.tries else named.config
    place = Place(where, "not-read" if withheld else "ignored", None, withheld or note)
    return Lookup(
        named.client, want, (), places=(place,), tools=named.tools, config=named.config,
        foreign=named.foreign, withheld=withheld,
    )  # fmt: skip
