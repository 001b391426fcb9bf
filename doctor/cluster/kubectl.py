"""How does this machine fare on its way to the API server? The ordinary ladder, with the proxy and
the certificates that the kubeconfig names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from doctor.clients.proxy import route
from doctor.clients.shell import Shell
from doctor.facts.http import Answer
from doctor.facts.registry import ApiFact
from doctor.facts.trust import TrustFact, TrustStore
from doctor.frozen import frozen
from doctor.model import Diagnosis, Fact, Facts, Hop, Target
from doctor.outcome import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from doctor.codes import Book
    from doctor.model import Check
    from doctor.net import Net
    from doctor.net.kubesettings import Settings
    from doctor.redact import Secret

LADDER = frozenset({"dns", "proxy", "tcp", "tls"})


@frozen
class Kubectl:
    """What talks to the API server: this machine's shell, but for what the kubeconfig sets."""

    shell: Shell
    proxy: str | None
    ca: str | None
    name: str = "shell"

    def route(self, hop: Hop) -> Fact:
        """The kubeconfig's proxy, else the environment's."""
        return route(hop, self.shell.machine.environ, self.proxy)[0]

    def proxy_login(self, hop: Hop) -> Secret | None:
        """The login that stands in the proxy's address."""
        return route(hop, self.shell.machine.environ, self.proxy)[1]

    def trust(self, hop: Hop, target: Target) -> Fact:
        """The kubeconfig's authority alone, where it names one."""
        if not self.ca:
            return self.shell.trust(hop, target)
        return TrustFact(stores=(TrustStore("certificate-authority", self.ca),))

    def endpoints(self, target: Target) -> Fact:
        """The server itself."""
        return self.shell.endpoints(target)

    def keys(self, target: Target) -> object:
        """Nobody asks for them."""
        return self.shell.keys(target)

    def setup(self, target: Target) -> None:
        """Nothing."""


def answered(
    settings: Settings, environ: Mapping[str, str], ms: float, now: datetime
) -> Diagnosis | None:
    """The way to an API server that answers: nothing needs to be walked to know it."""
    hop = settings.hop
    if hop is None:
        return None
    client = Kubectl(Shell.here(environ), settings.proxy, settings.ca)
    answer = Answer(hop=hop, path="/version", status=200, ms=ms)
    facts = Facts([(hop, client.route(hop)), (hop, ApiFact(answers=(answer,)))])
    return Diagnosis(Target(settings.server, None, hop, now=now), facts, (), (), "pass", (), ())


async def walk(
    settings: Settings,
    environ: Mapping[str, str],
    checks: Sequence[Check],
    book: Book,
    net: Net,
    now: datetime,
) -> Diagnosis | None:
    """The way to the API server; None where there is no address to walk to."""
    from doctor.engine import Engine

    hop = settings.hop
    if hop is None:
        return None
    target = Target(settings.server, None, hop, now=now)
    client = Kubectl(Shell.here(environ), settings.proxy, settings.ca)
    ladder = [c for c in checks if c.name in LADDER]
    engine = Engine(ladder, book, choice=Choice(only=LADDER))
    found = await engine.diagnose(target, client, net.for_pull("kubectl", hop, None))
    return replace(found, target=target)
