"""What would a Go command-line client do that is started here?

The default pair of eyes: credentials as go-containerregistry's default keychain finds them, the
environment's proxy by Go's rules, the system's trust store with SSL_CERT_FILE and SSL_CERT_DIR,
plain HTTP after HTTPS where go-containerregistry takes a registry for one nearby.
crane is such a client, so it is the same one under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.clients.keyring import Lookup, wanted
from doctor.clients.machine import Machine
from doctor.frozen import frozen
from doctor.model import Hop, Target

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.trust import TrustFact
    from doctor.redact import Secret


@frozen
class Shell:
    """`proxy` and `ca` are the options `--proxy` and `--ca`, which stand in for what is set."""

    machine: Machine
    name: str = "shell"
    proxy: str | None = None
    ca: str | None = None

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
        name: str = "shell",
    ) -> Shell:
        """The client as this process's user would start it; files are read below `root`."""
        return cls(Machine.here(environ, root), name, proxy, ca)

    def route(self, hop: Hop) -> RouteFact:
        """Which way the request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value that the proxy's user and password come to, if it has any."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.proxy import route

        return route(hop, self.machine.environ, self.proxy)

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The trust stores that Go would load, and whether it goes on without TLS."""
        from pathlib import Path

        from doctor.clients import untold
        from doctor.facts.trust import Insecure
        from doctor.pki.store import go_store

        extra = (self.ca,) if self.ca else ()
        environ = self.machine.environ
        base = go_store(Path(self.machine.root), environ, extra, client=self.name)
        if not untold.crane(target.named):
            return base
        return replace(base, insecure=(Insecure(target.named, allows="plain"),))

    def endpoints(self, target: Target) -> EndpointsFact:
        """The registry itself, it has no mirrors: by HTTPS, and where it tries plain HTTP too and
        no port is written, on port 80 after that (go-containerregistry
        pkg/v1/remote/transport/ping.go)."""
        from doctor.clients import untold
        from doctor.facts.endpoint import Endpoint, EndpointsFact, home, only

        reference, named = target.reference, target.named
        has_port = named.rpartition(":")[2].isdigit() and not named.endswith("]")
        if reference is None or has_port or not untold.crane(named):
            return only(self.name, target)
        own = home(target)
        plain = replace(own.hop, port=80, scheme="http")
        other = Endpoint(plain, reference.repository, domain=named, instead=True)
        return EndpointsFact(client=self.name, endpoints=(own, other))

    def keys(self, target: Target) -> Lookup:
        """Where the credential comes from. No helper is run for it."""
        from doctor.clients.keychain import resolve

        return resolve(self.machine, wanted(target), self.name)

    def setup(self, target: Target) -> None:
        """Nothing: it has no daemon and no settings."""
