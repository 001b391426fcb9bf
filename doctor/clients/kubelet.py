"""How would a pull fare that the kubelet of this node orders?

The kubelet does not pull: it finds credentials (`node_files`, and for a pod its Secrets) and has
the container runtime pull, once with each of them. So the endpoints, the proxy and the trust are
the runtime's, the keys the kubelet's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.clients import kubelet_node, node_runtime
from doctor.clients.keyring import Lookup, wanted
from doctor.clients.kubelet_node import KubeletNode
from doctor.clients.machine import Machine
from doctor.facts.client import ClientFact
from doctor.frozen import frozen
from doctor.model import Client, Fact, Hop, Target

if TYPE_CHECKING:
    from doctor.redact import Secret


@frozen
class Kubelet:
    """The kubelet and the runtime that pulls for it."""

    machine: Machine
    node: KubeletNode
    runtime: Client
    name: str = "kubelet"

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
    ) -> Kubelet:
        """The kubelet of this machine, or of the node whose files lie below `root`."""
        machine = Machine.here(environ, root)
        node = kubelet_node.read(machine)
        endpoint = node.endpoint.text if node.endpoint else ""
        return cls(machine, node, node_runtime.choose(machine, endpoint, environ, ca, proxy))

    def route(self, hop: Hop) -> Fact:
        """Which way the runtime's request to the hop goes, and why."""
        return self.runtime.route(hop)

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value for that proxy."""
        return self.runtime.proxy_login(hop)

    def trust(self, hop: Hop, target: Target) -> Fact:
        """The runtime's trust stores."""
        return self.runtime.trust(hop, target)

    def endpoints(self, target: Target) -> Fact:
        """Where the runtime asks for the image."""
        return self.runtime.endpoints(target)

    def keys(self, target: Target) -> Lookup:
        """The node's own credentials, in the order in which each is tried, by the image's own name;
        where there is none, what the runtime has. No plug-in is run."""
        from doctor.clients.node_files import lookup

        named = replace(target, reference=target.original)
        own = lookup(self.machine, self.node, wanted(named))
        theirs: Lookup = self.runtime.keys(target)
        if target.registry.role == "mirror":
            return self._for_mirror(own, theirs)
        if own.tries:
            return own
        return replace(
            own,
            tries=theirs.tries,
            places=(*own.places, *theirs.places),
            faults=(*own.faults, *theirs.faults),
            files=(*own.files, *theirs.files),
        )

    def _for_mirror(self, own: Lookup, theirs: Lookup) -> Lookup:
        """What the runtime itself has for the mirror. containerd offers the image's credential to
        every host that asks, CRI-O to the image's registry alone; here it goes to no mirror."""
        offered = self.runtime.name == "containerd" and bool(own.tries)
        why = "containerd offers it the registry's credential, which is not shown to a mirror here"
        return replace(theirs, client=self.name, unseen=why if offered else theirs.unseen)

    def setup(self, target: Target) -> ClientFact:
        """Is it there, which runtime does it talk to, and what is wrong with its configuration or
        the runtime's?"""
        theirs: Any = self.runtime.setup(target)
        runtime, node = self.runtime.name, self.node
        return ClientFact(
            client=self.name,
            program=node.program,
            version=node.version,
            runtime=runtime,
            files=(*node.files, *(theirs.files if theirs else ())),
            faults=(
                *node.faults,
                *(replace(f, client=runtime) for f in (theirs.faults if theirs else ())),
            ),
            flagged=theirs.flagged if theirs else (),
        )
