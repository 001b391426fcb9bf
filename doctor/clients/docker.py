"""What would `docker pull` do here?

Two programs: the command looks the credential up as this user and hands it over; the daemon pulls,
by its own environment, its own trust and its own list of insecure registries. moby
daemon/pkg/registry (config.go, registry.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.clients import docker_host, docker_mirrors, untold
from doctor.clients.certs_d import first
from doctor.clients.daemon_json import mirror_fault
from doctor.clients.docker_host import DockerHost
from doctor.clients.keyring import Lookup, Wanted, wanted
from doctor.clients.machine import Machine
from doctor.clients.unit import Value
from doctor.facts.client import ClientFact, ConfigFault, Daemon, Store
from doctor.facts.trust import Insecure
from doctor.frozen import frozen
from doctor.model import Hop, Target
from doctor.redact import plain
from doctor.registry import hub
from doctor.registry.host import is_network

if TYPE_CHECKING:
    from doctor.clients.hosts_dir import Hosts
    from doctor.facts.credential import Place
    from doctor.facts.endpoint import Endpoint, EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.trust import TrustFact
    from doctor.redact import Secret

_HUB_ALONE = f"{docker_mirrors.SETTING} is for Docker Hub alone"


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
        """The image store: as the daemon says, else as the files tell."""
        return (self.daemon.store if self.daemon else "") or self.host.store

    def route(self, hop: Hop) -> RouteFact:
        """Which way the daemon's request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy; for the shell's own, where only that one is known."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.placed import daemons

        return daemons(
            hop, self.host.variables, self.machine.environ, self.proxy, self.host.elsewhere
        )

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The daemon's trust stores: the system's, and what the registry's folder in certs.d adds,
        which goes for its token service and its storage too."""
        from doctor.pki.store import go_store

        registry = wanted(target).domain
        extra = (self.ca,) if self.ca else ()
        base = go_store(Path(self.machine.root), self.host.environ, extra, client=self.name)
        seen = not (self.host.desktop or self.host.snap) and bool(self.host.socket)
        base = replace(base, complete=base.complete and seen)
        insecure = tuple(self._insecure(registry, target.registry.host))
        if self.store == "containerd":
            return self._of_hosts(base, target, insecure)
        literal = (registry.rpartition(":")[0] or registry,)
        passed_over = registry in hub.DOMAINS or any(each.covers(literal) for each in insecure)
        folders = () if passed_over else (f"{self.host.certs}/{registry}",)
        found = first(self.machine, folders)
        return replace(
            base,
            stores=(*base.stores, *found.stores),
            faults=(*base.faults, *found.faults),
            client_pair=found.pair,
            insecure=insecure,
        )

    def _of_hosts(
        self, base: TrustFact, target: Target, insecure: tuple[Insecure, ...]
    ) -> TrustFact:
        """The same for containerd's store, which reads the folder as containerd does. Where that
        lists one host, what is set for dockerd goes for it as well, and a mirror of
        registry-mirrors is met with what is set for it (moby daemon/hosts.go,
        mergeLegacyConfig)."""
        from doctor.clients import host_endpoints
        from doctor.clients.host_trust import trusted

        hosts = self._hosts(target)
        alone = len(hosts.hosts) == 1
        fact = trusted(
            base,
            self.machine,
            hosts,
            hosts.hosts[0] if alone else host_endpoints.entry(hosts, target),
        )
        return replace(
            fact,
            insecure=(*fact.insecure, *(insecure if alone else ())),
        )

    def _hosts(self, target: Target) -> Hosts:
        """What containerd's store reads for the registry, none for the store of old."""
        from doctor.clients import host_endpoints, hosts_dir

        if self.store != "containerd":
            return hosts_dir.Hosts()
        return hosts_dir.find(self.machine, (self.host.certs,), host_endpoints.domain(target))

    def _insecure(self, domain: str, host: str) -> Iterator[Insecure]:
        """What may make this registry an insecure one: its own name, or a network."""
        if domain in hub.DOMAINS:
            return
        for value in self.host.insecure:
            entry = value.text.rpartition("://")[2].rstrip("/")
            if is_network(entry):
                yield Insecure(entry, value.origin, network=True)
            elif entry == domain:
                yield Insecure(value.text, value.origin)
        yield from untold.docker(host)

    @property
    def mirrors(self) -> tuple[Value, ...]:
        """What is asked before Docker Hub: what the running daemon says, with the place that sets
        it; else what is set."""
        running = self.daemon.mirrors if self.daemon else None
        if running is None:
            return self.host.mirrors
        known = {docker_mirrors.normal(each.text): each for each in self.host.mirrors}
        told = docker_mirrors.distinct(Value(text, "", 0) for text in running)
        return tuple(known.get(docker_mirrors.normal(each.text), each) for each in told)

    def endpoints(self, target: Target) -> EndpointsFact:
        """For Docker Hub its mirrors, in order; at last the registry itself."""
        from doctor.facts.endpoint import EndpointsFact

        want, hosts = wanted(target), self._hosts(target)
        listed = self._listed(target, hosts)
        ignored = "" if want.hub and target.reference else _HUB_ALONE
        if len(hosts.hosts) > 1:
            ignored = f"{hosts.file} lists several hosts"
        mirrors = () if ignored else self.mirrors
        logged_in = bool(self._login(want).tries)
        return EndpointsFact(
            client=self.name,
            endpoints=(
                *(docker_mirrors.endpoint(each, want.path, self.store) for each in mirrors),
                *listed,
            ),
            places=(*self._places(ignored), *hosts.places),
            rule=docker_mirrors.rule(self.store, logged_in=logged_in)
            if mirrors or len(listed) > 1
            else "",
            tells="gravest" if self.store == "containerd" else "last",
        )

    def _listed(self, target: Target, hosts: Hosts) -> tuple[Endpoint, ...]:
        """What the hosts.toml lists, the registry itself last; that alone without one."""
        from doctor.clients import host_endpoints
        from doctor.facts.endpoint import home

        if not hosts.file or target.original is None:
            return (home(target),)
        return tuple(host_endpoints.endpoints(hosts, target))

    def _places(self, ignored: str) -> Iterator[Place]:
        """Where mirrors are set. `ignored`: why they count for nothing here."""
        from doctor.facts.credential import Place

        for each in self.host.mirrors:
            note = ignored or ("" if self._has_read(each) else "the running daemon has not read it")
            yield Place(each.origin, "ignored" if note else "used", each.text, note)

    def _has_read(self, mirror: Value) -> bool:
        asked = {docker_mirrors.normal(each.text) for each in self.mirrors}
        return docker_mirrors.normal(mirror.text) in asked

    def keys(self, target: Target) -> Lookup:
        """Where the command takes the credential from. No helper is run for it."""
        want = wanted(target)
        if target.registry.role == "mirror":
            from doctor.clients import host_endpoints

            named = self._login(replace(want, domain=host_endpoints.domain(target)))
            return docker_mirrors.keys(want, named, self.store)
        return self._login(want)

    def _login(self, want: Wanted) -> Lookup:
        from doctor.clients.logins import docker

        return docker(self.machine, want)

    def setup(self, target: Target) -> ClientFact:
        """Is it there and running, and what is wrong with its configuration?"""
        host, hosts = self.host, self._hosts(target)
        return ClientFact(
            client=self.name,
            program=host.program,
            version=(self.daemon.version if self.daemon else "") or host.version,
            daemon=self.daemon or Daemon(host.socket),
            remote="" if host.socket else host.endpoint,
            rootless=host.rootless,
            desktop=host.desktop,
            snap=host.snap,
            store=self.store,
            files=(*host.files, *((hosts.file,) if hosts.file else ())),
            faults=(*host.faults, *hosts.faults, *self._passed_over(target), *self._unread(target)),
            user=self.machine.variable("USER") or self.machine.variable("LOGNAME"),
            flagged=tuple(sorted(host.flagged)),
        )

    def _passed_over(self, target: Target) -> Iterator[ConfigFault]:
        """Settings that are for this registry by their name, and count for nothing."""
        from doctor.clients import certs_missed

        want = wanted(target)
        if want.hub:
            for value in self.host.insecure:
                if value.text.rpartition("://")[2].rstrip("/") in hub.DOMAINS:
                    what = f'"{plain(value.text, 60)}" is among the insecure registries'
                    effect = "dockerd verifies Docker Hub all the same"
                    yield ConfigFault(
                        value.file, what, effect, value.line, stops=False, kind="passed-over"
                    )
        if self.host.socket and not self.host.desktop:
            if not want.hub:
                yield from certs_missed.missed(
                    self.machine, "docker", (self.host.certs,), (want.domain,)
                )
            if self.store != "containerd":
                yield from self._of_other_store(target)

    def _of_other_store(self, target: Target) -> Iterator[ConfigFault]:
        """A hosts.toml, which counts for containerd's image store alone."""
        from doctor.clients import host_endpoints, hosts_dir

        file = hosts_dir.find(self.machine, (self.host.certs,), host_endpoints.domain(target)).file
        if not file:
            return
        what = "hosts.toml counts for containerd's image store alone"
        effect = "docker's graphdriver store passes over it"
        if not self.store:
            effect = "which store this daemon has cannot be seen, and it is taken for passed over"
        yield ConfigFault(
            file, what, effect, stops=False, kind="other-store", sure=bool(self.store)
        )

    def _unread(self, target: Target) -> Iterator[ConfigFault]:
        """Mirrors that a file has and the running daemon does not, and those that a daemon as old
        as it does not start with."""
        version = self.daemon.version if self.daemon else ""
        for each in self.host.mirrors:
            if flawed := docker_mirrors.flaw_for(each.text, version):
                yield mirror_fault(each, flawed)
        for each in self.host.mirrors if wanted(target).hub else ():
            if not self._has_read(each):
                what = f'the running daemon does not know the mirror "{each.text}"'
                effect = "it counts once the daemon has read the file again"
                yield ConfigFault(each.file, what, effect, each.line, stops=False, kind="unread")
