"""What may a probe use? A `Net`: the only way to the network and to other programs, and all that a
test has to fake.

One file a layer: dns, tcp, proxy, tls, http, registry, token, helper. Each method here hands on to
its file, which is imported only when it is needed. What a layer opened, the next one finds in
`lines`; what one layer learned is in the facts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from doctor.model import Case, Hop

if TYPE_CHECKING:
    from doctor.credential import Credential
    from doctor.facts.client import Daemon
    from doctor.facts.dns import DnsFact
    from doctor.facts.helper import HelperAnswer
    from doctor.facts.proxy import RouteFact, TunnelFact
    from doctor.facts.registry import AnonymousFact, ApiFact, AuthFact, BlobFact, ImageFact
    from doctor.facts.resolvers import ResolversFact
    from doctor.facts.tcp import AddressesFact, TcpFact
    from doctor.facts.tls import TlsFact
    from doctor.facts.trust import TrustFact
    from doctor.net.http import Reply
    from doctor.net.lines import Lines
    from doctor.net.once import Once
    from doctor.net.tcp import Dialling
    from doctor.redact import Secret


T = TypeVar("T")
LookUp = Callable[[str, int], tuple[tuple[str, ...], str]]
"""A host and a port -> its addresses in order, and its canonical name. Raises OSError."""


def _lines() -> Lines:
    from doctor.net.lines import Lines

    return Lines()


@dataclass(slots=True, eq=False, repr=False)
class Net:
    """The network as one target's probes may use it.

    `deadline` is a `time.monotonic()` instant. `credential` is what the keyring found;
    `authorization` holds, by registry hop, the header value that requests to it carry once the
    token service has given one. Neither ever enters a fact.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    root: str = "/"
    deadline: float = field(default_factory=lambda: time.monotonic() + 20.0)
    fetch_issuers: bool = True
    offline: bool = False
    """`--offline`: no packet leaves, and no program is started that may send one."""
    look_up: LookUp | None = None
    """Who knows the names in place of the system; then no resolver is asked for any."""
    lines: Lines = field(default_factory=_lines)
    dialling: dict[Hop, Dialling] = field(default_factory=dict)
    credential: Credential | None = None
    attempt: int = 0
    """Which of several credentials it is that the client tries one after the other, from 0."""
    proxy_authorization: dict[Hop, Secret] = field(default_factory=dict)
    authorization: dict[Hop, Secret] = field(default_factory=dict)
    links: dict[str, Secret] = field(default_factory=dict)
    pulls: dict[tuple[str, Hop], Net] = field(default_factory=dict)
    """What `for_pull` has handed out."""
    begun: dict[tuple[object, ...], Once] = field(default_factory=dict)
    """What `once` was asked for; one for all pulls of a run."""

    def for_pull(self, client: str, registry: Hop, credential: Credential | None) -> Net:
        """The network for one pull by one client. Pulls from the same registry share connections;
        those from another one, or by another client, do not: what they trust may differ."""
        pull = (client, registry)
        if pull not in self.pulls:
            self.pulls[pull] = replace(
                self, lines=_lines(), dialling={}, proxy_authorization={}, pulls={}
            )
        return replace(self.pulls[pull], credential=credential, authorization={}, links={})

    def again(self) -> Net:
        """The network for the same pull with the client's next credential."""
        return replace(self, credential=None, attempt=self.attempt + 1, authorization={}, links={})

    async def once(self, what: tuple[object, ...], work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do what comes out the same for every client once in a run. Who comes later, or while it
        is under way, is given the same."""
        from doctor.net.once import Once

        begun = self.begun.get(what)
        if begun is None or begun.task.cancelled():
            begun = self.begun[what] = Once.of(work)
        result: T = await begun.result()
        return result

    def patience(self, seconds: float) -> float:
        """How long a wait meant to last `seconds` may last: never more than a third of what is
        left, never under 50 ms."""
        return max(0.05, min(seconds, (self.deadline - time.monotonic()) / 3))

    @staticmethod
    def hurried(patience: float, seconds: float) -> bool:
        """Did the budget leave so little of a wait meant to last `seconds` that silence proves
        nothing about the other side? Less than half does: half of the wait for a connection still
        sees the system try twice (RFC 6298: again after a second)."""
        return patience < seconds / 2

    async def resolve(self, case: Case) -> DnsFact:
        """Ask the system for the hop's addresses."""
        from doctor.net import dns
        from doctor.net.preload import compare, while_waiting
        from doctor.net.resolvconf import is_address

        if case.at.role == "token" and not is_address(case.at.host):
            compare(case.at, case.target.registry)
        with while_waiting():
            return await dns.resolve(case, self)

    async def ask_resolvers(self, case: Case) -> ResolversFact:
        """Ask every configured resolver itself for the hop's name."""
        from doctor.net import resolvers

        return await resolvers.ask(case, self)

    async def connect(self, hop: Hop, addresses: tuple[str, ...]) -> TcpFact:
        """Try every address; leave the first connection in `lines`."""
        from doctor.net import tcp
        from doctor.net.preload import while_waiting

        with while_waiting():
            return await tcp.connect(hop, addresses, self)

    async def addresses(self, hop: Hop) -> AddressesFact:
        """What came of the addresses that `connect` did not wait for."""
        from doctor.net import tcp

        return await tcp.addresses(hop, self)

    async def tunnel(self, hop: Hop, route: RouteFact) -> TunnelFact:
        """Have the proxy connect to the hop; leave the tunnel in `lines`."""
        from doctor.net import proxy

        return await proxy.tunnel(hop, route, self)

    async def handshake(self, hop: Hop, trust: TrustFact) -> TlsFact:
        """Capture the chain, verify it, tell the ways to fail apart; leave a verified stream in
        `lines`."""
        from doctor.net import tls
        from doctor.net.preload import while_waiting

        with while_waiting():
            return await tls.handshake(hop, trust, self)

    async def fetch(
        self,
        hop: Hop,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = 65536,
        seconds: float = 8.0,
    ) -> Reply:
        """One HTTP request on a ready stream of the hop, without a credential. No redirect is
        followed; a failure is an answer too. The body (`reply.json`, `reply.content`) is foreign
        and may hold anything; only what the probe takes from it enters a fact."""
        from doctor.net import http

        return await http.fetch(
            hop, method, path, self, headers=headers, limit=limit, seconds=seconds
        )

    async def ping(self, case: Case) -> ApiFact:
        """Ask the registry for its API, without a credential."""
        from doctor.net import registry

        return await registry.ping(case, self)

    async def authorize(self, case: Case) -> AuthFact | None:
        """Log in as the client would; what requests to the registry then carry is in
        `authorization`."""
        from doctor.net import login

        return await login.authorize(case, self)

    async def anonymous(self, case: Case) -> AnonymousFact | None:
        """Ask for the image without the credential that is in use."""
        from doctor.net import login

        return await login.anonymous(case, self)

    async def image(self, case: Case) -> ImageFact | None:
        """Read the manifest for the platform; find out where its layers lie."""
        from doctor.net import image

        return await image.look(case, self)

    async def blob(self, case: Case) -> BlobFact | None:
        """Read one byte of a layer where the registry keeps it."""
        from doctor.net import blob

        return await blob.read(case, self)

    async def helper(self, program: str, argument: str, *, seconds: float = 5.0) -> HelperAnswer:
        """Run a credential helper's `get`, bounded, without a terminal."""
        from doctor.net import helper

        return await self.once(
            ("helper", program, argument),
            lambda: helper.get(program, argument, self, seconds=seconds),
        )

    async def daemon(self, socket: str) -> Daemon:
        """Ask the Docker daemon behind a socket of this machine what it is."""
        from doctor.net import dockerd

        return await self._asked(dockerd.ask, socket)

    async def runtime(self, socket: str) -> Daemon:
        """Ask whether a container runtime answers on a socket of this machine."""
        from doctor.net import runtime

        return await self._asked(runtime.ask, socket)

    async def _asked(
        self, ask: Callable[[str, float], Coroutine[Any, Any, Daemon]], socket: str
    ) -> Daemon:
        """What came of asking, within the run's budget. Silence that it cut short says nothing."""
        from doctor.facts.client import Daemon
        from doctor.net.dockerd import SECONDS

        patience = self.patience(SECONDS)
        found = await ask(socket, patience)
        cut = found.state == "silent" and self.hurried(patience, SECONDS)
        return Daemon(socket) if cut else found

    async def close(self) -> None:
        """Leave nothing open."""
        from doctor.net import headstart

        headstart.end_all()
        for pull in self.pulls.values():
            await pull.close()
        for dialling in self.dialling.values():
            dialling.cancel()
        await self.lines.close()
