"""What would CRI-O do here, when a pod's image is pulled?

A daemon of root's that goes by containers/image's rules, as podman does: registries.conf, certs.d,
auth files. Its own are crio.conf, its service's environment, and that the kubelet hands it the
pod's pull Secrets with the request: those go to the image's own registry, never to a mirror on
another host (cri-o server/image_pull.go, containers/image newImageSourceAttempt).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from doctor.clients import (
    certs_missed,
    crio_host,
    packages,
    policy_json,
    pull_sources,
    short_names,
    untold,
)
from doctor.clients.containers_trust import folders, roots, trust
from doctor.clients.crio_host import CrioHost
from doctor.clients.keyring import Lookup, wanted
from doctor.clients.machine import Machine
from doctor.clients.policy_json import Policy
from doctor.facts.client import ClientFact, ConfigFault, Daemon
from doctor.facts.credential import Place
from doctor.facts.trust import Insecure
from doctor.frozen import frozen
from doctor.model import Hop, Target
from doctor.registry.host import is_network

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.trust import TrustFact
    from doctor.redact import Secret

_RULE = "pull Secrets go to the image's own registry alone, and no auth file of this node has one"
_STOPS = "CRI-O ends every pull with an error"


@frozen
class Crio:
    """`proxy` and `ca` are the options `--proxy` and `--ca`, which stand in for what is set."""

    machine: Machine
    """As the daemon sees it."""
    host: CrioHost = field(default_factory=CrioHost)
    policy: Policy = field(default_factory=Policy)
    daemon: Daemon | None = None
    """What came of asking on its socket; None: nobody did."""
    shell: Mapping[str, str] = field(default_factory=dict)
    """The environment of who runs this."""
    proxy: str | None = None
    ca: str | None = None
    name: str = "cri-o"

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
    ) -> Crio:
        """CRI-O as it is set up on this machine; files are read below `root`."""
        machine = Machine.here(environ, root)
        host = crio_host.read(machine)
        own = crio_host.daemons(machine, host.environ)
        policy = policy_json.read(own, _STOPS, host.text("signature_policy"))
        return cls(own, host, policy, None, environ, proxy, ca)

    @property
    def socket(self) -> str:
        """Where the daemon can be asked; "" where it is not this machine's, or not there."""
        return self.host.socket if self.host.program and not self.machine.foreign else ""

    def asked(self, daemon: Daemon) -> Crio:
        """The same, with what came of asking."""
        return replace(self, daemon=daemon)

    def meant(self, target: Target) -> tuple[Target, ...]:
        """What a name without a registry stands for."""
        return short_names.meant("CRI-O", self.host.registries, target)

    def route(self, hop: Hop) -> RouteFact:
        """Which way the daemon's request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy; for the shell's own, where only that one is known."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.placed import daemons

        return daemons(hop, self.host.variables, self.shell, self.proxy)

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The system's trust store and the first folder that the registry has in a certs.d, for
        every host of the pull."""
        domain = wanted(target).domain
        insecure = tuple(self._insecure(target, domain))
        return trust(self.name, self.machine, self.host.environ, domain, insecure, self.ca)

    def _insecure(self, target: Target, domain: str) -> Iterator[Insecure]:
        """registries.conf by place; crio.conf by the registry that the image names, for its
        mirrors too. A network counts by that registry's addresses, which a mirror does not
        tell."""
        yield from pull_sources.insecure(self.host.registries, target, domain)
        named = (target.asked.registry if target.asked else "") or domain
        for value in self.host.insecure:
            if value.text == named:
                yield Insecure(value.text, value.origin)
            elif named == domain and is_network(value.text):
                yield Insecure(value.text, value.origin, network=True)
        if named == domain:
            yield untold.CRIO

    def endpoints(self, target: Target) -> EndpointsFact:
        """The mirrors of the one table of registries.conf that counts, then the registry."""
        reference = target.original
        refusal = policy_json.refusal(self.policy, reference, self.machine) if reference else None
        return pull_sources.endpoints(self.name, self.host.registries, target, _RULE, refusal)

    def keys(self, target: Target) -> Lookup:
        """Where this node's own credential comes from; a pull Secret would come before it. No
        helper is run for it."""
        from doctor.clients.auth_json import files
        from doctor.clients.logins import podman

        named = self.host.text("global_auth_file")
        helpers = self.host.registries.helpers
        paths = (named,) if named else files(self.machine)
        found = podman(self.machine, wanted(target), helpers, paths)
        places = (*self._places(), *found.places)
        config = named or f"{self.machine.home}/.config/containers/auth.json"
        return replace(found, client=self.name, places=places, config=config, otherwise=())

    def _places(self) -> Iterator[Place]:
        yield Place("the pod's pull Secrets", "not-read", None, "they come with the kubelet's call")
        folder = self.host.text("namespaced_auth_dir") or "/etc/crio/auth"
        if self.machine.is_folder(folder):
            note = "a file for the pod's namespace comes before the node's own"
            yield Place(folder, "not-read", None, note)

    def setup(self, target: Target) -> ClientFact:
        """Is it there and running, and what is wrong with its configuration?"""
        host = self.host
        return ClientFact(
            client=self.name,
            program=host.program,
            version=packages.version(self.machine, ("cri-o",)),
            daemon=self.daemon or Daemon(host.socket),
            files=host.files,
            faults=(*host.faults, *self._of_this(target)),
            user=self.shell.get("USER", "") or self.shell.get("LOGNAME", ""),
            flagged=tuple(sorted(host.flagged)),
        )

    def _of_this(self, target: Target) -> Iterator[ConfigFault]:
        yield from pull_sources.faults("CRI-O", self.host.registries, target)
        yield from self.policy.told(self.host.program)
        names = folders(target, self.endpoints(target))
        yield from certs_missed.missed(self.machine, "CRI-O", roots(self.machine), names)
