"""What would `podman pull` do here, and with it skopeo and buildah?

No daemon: the user's environment counts, with what containers.conf adds to it; registries.conf says
where an image is asked for; the credential comes from auth.json's chain by containers/image's own
rules; a registry's folder in one of three certs.d adds CAs to the system's. Where the service of
another machine is used (CONTAINER_HOST, and always on macOS), that one pulls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from doctor.clients import (
    certs_missed,
    containers_conf,
    packages,
    policy_json,
    pull_sources,
    registries_conf,
    short_names,
)
from doctor.clients.containers_conf import ContainersConf
from doctor.clients.containers_trust import folders, roots, trust
from doctor.clients.keyring import Lookup, wanted
from doctor.clients.machine import Machine
from doctor.clients.placed import placed
from doctor.clients.policy_json import Policy
from doctor.clients.registries_conf import RegistriesConf
from doctor.facts.client import ClientFact, ConfigFault
from doctor.frozen import frozen
from doctor.model import Hop, Target

if TYPE_CHECKING:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.proxy import RouteFact
    from doctor.facts.trust import TrustFact
    from doctor.redact import Secret

_RULE = "it looks a mirror's credential up under the mirror's own name, and finds none there"
_PROGRAMS = ("/usr/bin", "/usr/local/bin", "/opt/podman/bin", "/opt/homebrew/bin")


@frozen
class Podman:
    """`proxy` and `ca` are the options `--proxy` and `--ca`, which stand in for what is set."""

    machine: Machine
    conf: ContainersConf = field(default_factory=ContainersConf)
    registries: RegistriesConf = field(default_factory=RegistriesConf)
    policy: Policy = field(default_factory=Policy)
    proxy: str | None = None
    ca: str | None = None
    name: str = "podman"

    @classmethod
    def here(
        cls,
        environ: Mapping[str, str],
        *,
        root: str = "/",
        ca: str | None = None,
        proxy: str | None = None,
    ) -> Podman:
        """Podman as this process's user would start it; files are read below `root`."""
        machine = Machine.here(environ, root)
        conf, registries = containers_conf.read(machine), registries_conf.read(machine)
        policy = policy_json.read(machine, registries_conf.STOPS)
        return cls(machine, conf, registries, policy, proxy, ca)

    def meant(self, target: Target) -> tuple[Target, ...]:
        """What a name without a registry stands for."""
        return short_names.meant(self.name, self.registries, target)

    def route(self, hop: Hop) -> RouteFact:
        """Which way the request to the hop goes, and why."""
        return self._route(hop)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The header value that the proxy's user and password come to, if it has any."""
        return self._route(hop)[1]

    def _route(self, hop: Hop) -> tuple[RouteFact, Secret | None]:
        from doctor.clients.proxy import route

        environ, added = containers_conf.variables(self.conf, self.machine.environ)
        fact, secret = route(hop, environ, self.proxy)
        ours = any(name.lower().endswith("_proxy") for name in added)
        return placed(fact, added) if ours else fact, secret

    def trust(self, hop: Hop, target: Target) -> TrustFact:
        """The system's trust store and the first folder that the registry has in a certs.d, for
        every host of the pull."""
        environ, _ = containers_conf.variables(self.conf, self.machine.environ)
        domain = wanted(target).domain
        insecure = pull_sources.insecure(self.registries, target, domain)
        return trust(self.name, self.machine, environ, domain, insecure, self.ca)

    def endpoints(self, target: Target) -> EndpointsFact:
        """The mirrors of the one table of registries.conf that counts, then the registry."""
        reference = target.original
        refusal = policy_json.refusal(self.policy, reference, self.machine) if reference else None
        return pull_sources.endpoints(self.name, self.registries, target, _RULE, refusal)

    def keys(self, target: Target) -> Lookup:
        """Where the credential comes from. No helper is run for it."""
        from doctor.clients.logins import podman

        return podman(self.machine, wanted(target), self.registries.helpers)

    def setup(self, target: Target) -> ClientFact:
        """Is it there, and what is wrong with its configuration?"""
        found = self.machine.which("podman") if not self.machine.foreign else None
        program = found or next(
            (p for f in _PROGRAMS if self.machine.is_file(p := f"{f}/podman")), ""
        )
        return ClientFact(
            client=self.name,
            program=program,
            version=packages.version(self.machine, ("podman",)),
            remote=self.machine.variable("CONTAINER_HOST"),
            rootless=self.machine.uid != 0,
            files=(*self.conf.files, *self.registries.files),
            faults=tuple(self._faults(target, program)),
        )

    def _faults(self, target: Target, program: str) -> Iterator[ConfigFault]:
        yield from self.conf.faults
        yield from self.registries.faults
        yield from pull_sources.faults(self.name, self.registries, target)
        yield from self.policy.told(program)
        yield from certs_missed.missed(
            self.machine, self.name, roots(self.machine), folders(target, self.endpoints(target))
        )
