"""What would `docker pull` do here?

Two programs: the command looks the credential up as this user and hands it over; the daemon pulls,
by its own environment, its own trust and its own list of insecure registries. moby
daemon/pkg/registry (config.go, registry.go).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor import hub
from doctor.clients import docker_host
from doctor.clients.certs_d import first
from doctor.clients.docker_host import DockerHost
from doctor.clients.keyring import Lookup, wanted
from doctor.clients.machine import Machine
from doctor.clients.placed import known_to_the_shell, placed, set_elsewhere
from doctor.facts.client import ClientFact, Daemon, Store
from doctor.facts.tls import Insecure
from doctor.frozen import frozen
from doctor.model import Hop, Target

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.tls import TrustFact
    from doctor.redact import Secret

_LOOPBACK = (
    Insecure("127.0.0.0/8", network=True),
    Insecure("::1/128", network=True),
)
"""What dockerd takes for insecure without being told."""


@frozen
class Docker:
    """`proxy` and `ca` are the options `--proxy` and `--ca`, which stand in for what is set."""

    machine: Machine
    host: DockerHost = field(default_factory=DockerHost)
    daemon: Daemon | None = None
    """What the daemon said of itself; None: it was not asked."""
    proxy: str | None = None
    ca: str | None = None
    name: str = "docker"

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
    ) -> Docker:
        """Docker as this process's user would call it; files are read below `root`."""
        machine = Machine.here(environ, root)
        return cls(machine, docker_host.read(machine), None, proxy, ca)

    @property
    def socket(self) -> str:
        """Where the daemon can be asked; "" where it is not this machine's."""
        return "" if self.machine.foreign else self.host.socket

    def asked(self, daemon: Daemon) -> Docker:
        """The same, with what the daemon said."""
        return replace(self, daemon=daemon)

    @property
    def store(self) -> Store:
        """The image store: as the daemon says, else as daemon.json forces it."""
        if self.daemon and self.daemon.store:
            return self.daemon.store
        forced = self.host.settings.containerd_store
        return "" if forced is None else "containerd" if forced else "graphdriver"

    def route(self, hop: Hop) -> RouteFact:
        """Which way the daemon's request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy; for the shell's own, where only that one is known."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.proxy import route

        shell, secret = known_to_the_shell(hop, self.machine.environ)
        others = (*shell, *set_elsewhere(self.host.elsewhere))
        fact, own = route(hop, self.host.environ, self.proxy, others)
        candidates = fact.candidates
        if not fact.proxy and shell and candidates and candidates[0] is shell[0]:
            own = secret
        return placed(fact, self.host.variables), own

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The daemon's trust stores: the system's, and the registry's folder in certs.d, which
        goes for its token service and its storage too."""
        from doctor.pki.store import go_store

        domain = wanted(target).domain
        extra = (self.ca,) if self.ca else ()
        base = go_store(Path(self.machine.root), self.host.environ, extra, client=self.name)
        complete = base.complete and not self.host.desktop and bool(self.host.socket)
        insecure = tuple(self._insecure(domain, target.registry.host))
        found = first(self.machine, self._folders(domain, insecure))
        return replace(
            base,
            stores=(*base.stores, *found.stores),
            faults=(*base.faults, *found.faults),
            client_pair=found.pair,
            complete=complete,
            insecure=insecure,
        )

    def _folders(self, domain: str, insecure: tuple[Insecure, ...]) -> tuple[str, ...]:
        """Where the registry's folder may be. The store that docker has of old reads none for
        Docker Hub, nor for a registry that it does not verify."""
        own = self.host.certs
        if self.store == "containerd":
            host, _, port = domain.rpartition(":") if ":" in domain else (domain, "", "")
            named = hub.NAME if domain in hub.DOMAINS else domain
            written = (f"{own}/{host}_{port}_",) if port.isdigit() else ()
            return (*written, f"{own}/{named}", f"{own}/_default")
        literal = (domain.rpartition(":")[0] or domain,)
        if domain in hub.DOMAINS or any(each.covers(literal) for each in insecure):
            return ()
        return (f"{own}/{domain}",)

    def _insecure(self, domain: str, host: str) -> Iterator[Insecure]:
        """What may make this registry an insecure one: its own name, or a network."""
        if domain in hub.DOMAINS:
            return
        for value in self.host.insecure:
            entry = value.text.rpartition("://")[2].rstrip("/")
            if _is_network(entry):
                yield Insecure(entry, value.origin, network=True)
            elif entry == domain:
                yield Insecure(value.text, value.origin)
        yield from _LOOPBACK
        if host == "localhost":
            yield Insecure("127.0.0.0/8")

    def endpoints(self, target: Target) -> EndpointsFact:
        """The registry itself: it has no mirrors."""
        from doctor.facts.endpoint import only

        return only(self.name, target)

    def keys(self, target: Target) -> Lookup:
        """Where the command takes the credential from. No helper is run for it."""
        from doctor.clients.logins import docker

        return docker(self.machine, wanted(target))

    def setup(self, target: Target) -> ClientFact:
        """Is it there and running, and what is wrong with its configuration?"""
        host = self.host
        return ClientFact(
            client=self.name,
            program=host.program,
            version=self.daemon.version if self.daemon else "",
            daemon=self.daemon or Daemon(host.socket),
            remote="" if host.socket else host.endpoint,
            rootless=host.rootless,
            desktop=host.desktop,
            store=self.store,
            files=host.files,
            faults=host.faults,
            user=self.machine.variable("USER") or self.machine.variable("LOGNAME"),
            flagged=tuple(sorted(host.flagged)),
        )


def _is_network(entry: str) -> bool:
    try:
        return "/" in entry and bool(ipaddress.ip_network(entry, strict=False))
    except ValueError:
        return False
