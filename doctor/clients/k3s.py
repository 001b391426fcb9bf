"""What do k3s and RKE2 have containerd ask for an image?

Their registries.yaml, read when the service starts (k3s docs, installation/private-registry; k3s
pkg/agent/containerd/config.go): the endpoints of the registry, or of `*`, in order, then the
registry itself unless `--disable-default-registry-endpoint` takes it away from those that have
endpoints. `configs` are for an endpoint's host; `rewrite` changes the name that mirrors are asked
for. They run a containerd of their own, with their service's environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from doctor.clients import untold
from doctor.clients.containerd_config import Auth
from doctor.clients.hosts_dir import Hosts, port_of, settled
from doctor.clients.hosts_toml import Host
from doctor.clients.machine import Machine, Text
from doctor.clients.rewrite import is_followed
from doctor.clients.unit import Value
from doctor.facts.client import ConfigFault
from doctor.facts.credential import Place
from doctor.frozen import frozen
from doctor.redact import Secret
from doctor.reference.userinfo import hidden
from doctor.registry import hub

if TYPE_CHECKING:
    from doctor.images.tree import Node

SOCKET = "/run/k3s/containerd/containerd.sock"
FLAG = "disable-default-registry-endpoint"
_CAP = 1 << 18
_MOST = 200
_SERVES = frozenset({"pull", "resolve", "referrers"})
_PROXY = "CONTAINERD_"


@frozen
class Mirror:
    """What stands under a registry's name."""

    endpoints: tuple[Value, ...] = ()
    rewrites: tuple[tuple[str, str], ...] = ()


@frozen
class Settings:
    """What stands under an endpoint's host."""

    ca: Value | None = None
    pair: tuple[Value, Value | None] | None = None
    skip_verify: Value | None = None
    auth: Auth | None = None


@frozen
class Registries:
    """The file as the service takes it."""

    file: str
    there: bool = False
    mirrors: Mapping[str, Mirror] = field(default_factory=dict)
    configs: Mapping[str, Settings] = field(default_factory=dict)
    faults: tuple[ConfigFault, ...] = ()
    no_default: bool = False
    """Is the registry itself left out where it has endpoints?"""


def read(machine: Machine, file: str, name: str) -> Registries:
    """The file. `name`: k3s or rke2."""
    stops = f"{name} does not start"
    got = machine.read(file, _CAP)
    if not isinstance(got, Text):
        if got.reason == "missing":
            return Registries(file)
        return Registries(file, True, faults=(got.fault(stops, client=name, root=True),))
    return parse(got.text, file, stops)


def parse(text: str, file: str, stops: str) -> Registries:
    """The same from its text."""
    from doctor.images.tree import TreeError, documents

    base = Registries(file, True)
    root = next(iter(documents(text.removeprefix("\ufeff"))), None)
    if isinstance(root, TreeError):
        what = f"{root.why[:1].lower()}{root.why[1:].rstrip('.')}"
        return replace(base, faults=(ConfigFault(file, what, stops, root.line, 1, "YAML"),))
    if root is None or root.null:
        return base
    reading = _Reading(file, stops)
    return replace(
        base,
        mirrors=dict(reading.mirrors(root)),
        configs=dict(reading.configs(root)),
        faults=tuple(reading.faults),
    )


class _Reading:
    """The tree taken apart; what does not fit is noted."""

    def __init__(self, file: str, stops: str) -> None:
        self.file, self.stops = file, stops
        self.faults: list[ConfigFault] = []

    def value(self, node: Node) -> Value:
        return Value(node.text or "", self.file, node.line)

    def wrong(self, node: Node, what: str, expected: str) -> None:
        self.faults.append(ConfigFault(self.file, what, self.stops, node.line, 1, expected))

    def table(self, node: Node | None, name: str) -> Iterator[tuple[str, Node]]:
        if node is None or node.null:
            return
        if node.pairs is None:
            self.wrong(node, f"{name} is no mapping", f"{name}:")
            return
        yield from node.pairs[:_MOST]

    def mirrors(self, root: Node) -> Iterator[tuple[str, Mirror]]:
        for name, node in self.table(
            root.get("mirrors") if self._is_map(root) else None, "mirrors"
        ):
            if node.null:
                yield name, Mirror()
                continue
            if node.pairs is None:
                self.wrong(node, "a mirror is no mapping", "endpoint:")
                continue
            yield name, Mirror(tuple(self.endpoints(node)), tuple(self.rewrites(node)))

    def _is_map(self, root: Node) -> bool:
        if root.pairs is None:
            if not any(f.what == "the file is no mapping" for f in self.faults):
                self.wrong(root, "the file is no mapping", "mirrors: and configs:")
            return False
        return True

    def endpoints(self, node: Node) -> Iterator[Value]:
        listed = node.get("endpoint")
        if listed is None or listed.null:
            return
        if listed.items is None:
            self.wrong(listed, "endpoint is no list", 'endpoint: ["https://HOST"]')
            return
        for each in listed.items[:_MOST]:
            if each.text is None:
                self.wrong(each, "an endpoint is no string", '"https://HOST"')
            else:
                yield self.value(each)

    def rewrites(self, node: Node) -> Iterator[tuple[str, str]]:
        for pattern, put in self.table(node.get("rewrite"), "rewrite"):
            if put.text is None:
                self.wrong(put, "a rewrite is no string", '"^a/(.*)": "b/$1"')
            elif not is_followed(pattern):
                what = f"the pattern {pattern[:60]!r} is too involved to be followed here"
                effect = "the name is asked for as it stands; k3s may rewrite it"
                fault = ConfigFault(self.file, what, effect, put.line, 1, stops=False)
                self.faults.append(fault)
            else:
                yield pattern, put.text

    def configs(self, root: Node) -> Iterator[tuple[str, Settings]]:
        for host, node in self.table(
            root.get("configs") if self._is_map(root) else None, "configs"
        ):
            tls = node.get("tls") if node.pairs else None
            auth = node.get("auth") if node.pairs else None
            cert, key = (tls.get(k) if tls else None for k in ("cert_file", "key_file"))
            ca = tls.get("ca_file") if tls else None
            skip = tls.get("insecure_skip_verify") if tls else None
            yes = skip is not None and (skip.text or "").lower() in ("true", "yes", "on")
            yield (
                host,
                Settings(
                    ca=self.value(ca) if ca and ca.text else None,
                    pair=(self.value(cert), self.value(key) if key and key.text else None)
                    if cert and cert.text
                    else None,
                    skip_verify=Value("insecure_skip_verify: true", self.file, skip.line)
                    if skip and yes
                    else None,
                    auth=self.auth(host, auth) if auth else None,
                ),
            )

    def auth(self, host: str, node: Node) -> Auth:
        def text(key: str) -> str:
            found = node.get(key)
            return (found.text or "") if found else ""

        def kept(key: str) -> Secret | None:
            return Secret(text(key)) if text(key) else None

        at = Value(host, self.file, node.line)
        token = kept("identity_token") or kept("token")
        return Auth(at, text("username"), kept("password"), token, kept("auth"))


def hosts(registries: Registries, domain: str) -> Hosts:
    """What is asked for the registry."""
    own = hub.HOST if domain == hub.NAME else domain
    mirror = registries.mirrors.get(domain)
    mirror = registries.mirrors.get("*") if mirror is None else mirror
    found: dict[tuple[str, str, str], Host] = {}
    for value in mirror.endpoints if mirror else ():
        host = _endpoint(registries, value, mirror)
        if host is not None:
            found.setdefault((host.scheme, host.authority, host.path), host)
    (last,) = settled((_with(registries, Host(Value("", "", 0)), domain),), domain)
    found.pop((last.scheme, own, "/v2"), None)
    listed = list(found.values())
    if not (mirror and registries.no_default and listed):
        listed.append(last)
    outcome = "used" if registries.there and not registries.faults else "missing"
    place = Place(registries.file, "unreadable" if registries.faults else outcome)  # type: ignore[arg-type]
    return Hosts(tuple(listed), file=registries.file, places=(place,))


def _endpoint(registries: Registries, value: Value, mirror: Mirror | None) -> Host | None:
    """An endpoint that is no URL is ignored."""
    written = value.text if "://" in value.text else f"//{value.text}"
    try:
        parts = urlsplit(written)
        _ = parts.port
    except ValueError:
        return None
    name = parts.netloc.rpartition("@")[2]
    if not name:
        return None
    odd = untold.containerd(name) and port_of(name) not in ("", "443")
    host = Host(
        url=replace(value, text=hidden(value.text)),
        scheme=parts.scheme or ("http" if odd else "https"),
        authority=hub.HOST if name == hub.NAME else name,
        path="/v2" if parts.path in ("", "/", "/v2") else parts.path.rstrip("/"),
        capabilities=_SERVES,
        rewrites=mirror.rewrites if mirror else (),
    )
    return _with(registries, host, name)


def _with(registries: Registries, host: Host, name: str) -> Host:
    """The host with what `configs` has for it, or for every host."""
    named = hub.NAME if name == hub.HOST else name
    settings = registries.configs.get(named) or registries.configs.get("*")
    if settings is None:
        return host
    return replace(
        host,
        ca=(settings.ca,) if settings.ca else (),
        pairs=(settings.pair,) if settings.pair else (),
        skip_verify=settings.skip_verify,
        tls=bool(settings.ca or settings.pair or settings.skip_verify),
    )


def containerds(environment: Mapping[str, Value]) -> dict[str, Value]:
    """The service's variables as its containerd gets them: those named CONTAINERD_X stand in for
    X."""
    own = {k.removeprefix(_PROXY): v for k, v in environment.items() if k.startswith(_PROXY)}
    rest = {k: v for k, v in environment.items() if not k.startswith(_PROXY)}
    return {**rest, **own}
