"""What would containerd do for a pod's image on this machine, or what does it inside k3s and RKE2?

The kubelet has it pull (CRI); `ctr` goes by none of these settings. Its service's environment
counts, never the shell's. It has no credential of its own as a rule: the kubelet hands over those
of the pod's pull Secrets, and they are offered to every host that asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.clients import containerd_config, containerd_node, host_endpoints
from doctor.clients.containerd_node import Node
from doctor.clients.hosts_dir import Hosts
from doctor.clients.keyring import Lookup, wanted
from doctor.clients.machine import Machine
from doctor.facts.client import ClientFact, ConfigFault, Daemon
from doctor.frozen import frozen
from doctor.model import Hop, Target

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.trust import TrustFact
    from doctor.redact import Secret

RULE = (
    "it has none of its own for the mirror, and offers what the kubelet hands over, a pull Secret "
    "of the pod, to every host that asks"
)
NO_HOSTS = 'none of its hosts may be asked (containerd says "no resolve hosts: not found")'


@frozen
class Containerd:
    """`proxy` and `ca` are the options `--proxy` and `--ca`, which stand in for what is set."""

    machine: Machine
    node: Node = field(default_factory=Node)
    daemon: Daemon | None = None
    """What came of asking on its socket; None: it was not asked."""
    proxy: str | None = None
    ca: str | None = None
    name: str = "containerd"

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
    ) -> Containerd:
        """The containerd of this machine; files are read below `root`."""
        machine = Machine.here(environ, root)
        return cls(machine, containerd_node.read(machine), None, proxy, ca)

    @property
    def socket(self) -> str:
        """Where it can be asked; "" where it is another machine's, or not installed."""
        return "" if self.machine.foreign or not self.node.program else self.node.socket

    def asked(self, daemon: Daemon) -> Containerd:
        """The same, with what came of asking. The socket is root's alone: that this user may not
        use it says nothing of the daemon."""
        if daemon.state == "denied":
            daemon = replace(daemon, state="not-asked")
        return replace(self, daemon=daemon)

    def route(self, hop: Hop) -> RouteFact:
        """Which way the service's request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy; for the shell's own, where only that one is known."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.placed import daemons

        return daemons(hop, self.node.variables, self.machine.environ, self.proxy)

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The system's trust store, and what the entry of the host in question adds for every host
        of the pull."""
        from doctor.clients.host_trust import trusted
        from doctor.pki.store import go_store

        extra = (self.ca,) if self.ca else ()
        base = go_store(Path(self.machine.root), self.node.environ, extra, client=self.name)
        hosts = self._hosts(target)
        return trusted(base, self.machine, hosts, host_endpoints.entry(hosts, target))

    def endpoints(self, target: Target) -> EndpointsFact:
        """The hosts in order, those passed over for this reference included."""
        from doctor.facts.endpoint import Blocked, EndpointsFact, only

        reference = target.original
        if reference is None:
            return only(self.name, target)
        hosts = self._hosts(target)
        found = tuple(host_endpoints.endpoints(hosts, target))
        first = next((h.url for h in hosts.hosts if h.url.line), None)
        none = not any(not each.skipped for each in found)
        return EndpointsFact(
            client=self.name,
            endpoints=found,
            blocked=Blocked(hosts.file or (first.file if first else ""), first.line, NO_HOSTS)
            if none and first
            else None,
            certs=self.node.certs,
            places=(*containerd_node.looked_at(self.node), *hosts.places),
            rule=RULE,
            tells="gravest",
        )

    def _hosts(self, target: Target) -> Hosts:
        return self.node.hosts(self.machine, host_endpoints.domain(target))

    def _missed(self, domain: str) -> Iterator[ConfigFault]:
        """Folders of certs.d that count for nothing, where any count."""
        from doctor.clients.certs_missed import missed_by_containerd

        config = self.node.config
        if self.node.certs and config.config_path.text:
            yield from missed_by_containerd(self.machine, config.roots, domain)

    def keys(self, target: Target) -> Lookup:
        """The node's own credential for the host, where its settings hold one. No helper is run."""
        from doctor.clients.containerd_keys import lookup

        hosts = self._hosts(target)
        return lookup(self.node, wanted(target), host_endpoints.entry(hosts, target), self.machine)

    def setup(self, target: Target) -> ClientFact:
        """Is it there and running, and what is wrong with its configuration?"""
        node = self.node
        hosts = self._hosts(target)
        off = "" if node.registries else containerd_config.without_cri(self.machine)
        found = (
            *node.faults,
            *(f for f in hosts.faults if not off or f.kind != "no-path"),
            *self._missed(host_endpoints.domain(target)),
        )
        return ClientFact(
            client=self.name,
            program=node.program,
            version=node.version,
            daemon=self.daemon or Daemon(node.socket),
            files=(*node.files, *((hosts.file,) if hosts.file not in ("", *node.files) else ())),
            faults=tuple(dict.fromkeys(found)),
            service=node.service,
            without_cri=off,
            appendable=bool(node.config.files) and node.config.appendable,
            appendable_v2=bool(node.config.files)
            and node.config.appendable_v2
            and not node.config.mirrors,
            mirror=next((f"{h.scheme}://{h.authority}" for h in hosts.hosts[:-1]), ""),
        )
