"""Which container runtime does the kubelet have pull its images?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.clients import systemd
from doctor.clients.machine import Machine
from doctor.clients.placed import known_to_the_shell, placed
from doctor.frozen import frozen
from doctor.model import Client, Hop, Target

if TYPE_CHECKING:
    from doctor.clients.keyring import Lookup
    from doctor.facts.client import ClientFact
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.tls import TrustFact
    from doctor.redact import Secret


def choose(
    machine: Machine,
    endpoint: str,
    environ: Mapping[str, str],
    ca: str | None,
    proxy: str | None,
) -> Client:
    """The runtime behind that socket; where nothing says, the one whose service is there."""
    named = "cri-o" if "crio" in endpoint else "containerd"
    if not endpoint and systemd.find(machine, "crio").unit:
        named = "cri-o" if not systemd.find(machine, "containerd").unit else named
    module, value = {"cri-o": ("crio", "Crio"), "containerd": ("containerd", "Containerd")}[named]
    if find_spec(f"doctor.clients.{module}"):
        kind = getattr(import_module(f"doctor.clients.{module}"), value)
        found: Client = kind.here(environ, root=machine.root, ca=ca, proxy=proxy)
        return found
    return Runtime(machine, named, systemd.find(machine, module), ca, proxy)


@frozen
class Runtime:
    """A runtime of which only its service is looked at: the registry itself is its one endpoint,
    the system's trust store its only one."""

    machine: Machine
    name: str
    service: systemd.Service
    ca: str | None = None
    proxy: str | None = None

    def route(self, hop: Hop) -> RouteFact:
        """Which way the runtime's request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy; for the shell's own, where only that one is known."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.proxy import route

        shell, secret = known_to_the_shell(hop, self.machine.environ)
        fact, own = route(hop, self.service.variables, self.proxy, shell)
        candidates = fact.candidates
        if not fact.proxy and shell and candidates and candidates[0] is shell[0]:
            own = secret
        return placed(fact, self.service.environment), own

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The system's trust store."""
        from doctor.pki.store import go_store

        extra = (self.ca,) if self.ca else ()
        root, environ = Path(self.machine.root), self.service.variables
        return replace(go_store(root, environ, extra, client=self.name), plain_loopback=False)

    def endpoints(self, target: Target) -> EndpointsFact:
        """The registry itself."""
        from doctor.facts.endpoint import only

        return only(self.name, target)

    def keys(self, target: Target) -> Lookup:
        """None of its own: the kubelet gives them."""
        from doctor.clients.keyring import Lookup, wanted

        return Lookup(self.name, wanted(target), ())

    def setup(self, target: Target) -> ClientFact:
        """Its service."""
        from doctor.facts.client import ClientFact

        service = self.service
        files = (*([service.unit] if service.unit else []), *service.drop_ins)
        return ClientFact(client=self.name, files=files)
