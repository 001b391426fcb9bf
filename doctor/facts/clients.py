"""How does the same pull fare with the other clients of this machine?

Each client has a diagnosis of its own; here is what a comparison needs of it: how far it came, and
the decisions of its own that may be why.
"""

from __future__ import annotations

from collections.abc import Sequence

from doctor.facts.credential import CredentialFact
from doctor.facts.proxy import RouteFact
from doctor.facts.tls import TlsFact
from doctor.facts.trust import TrustFact
from doctor.frozen import frozen
from doctor.model import Fact, Hop, Status, Verdict


@frozen(kw_only=True)
class Eye:
    """One client's view."""

    client: str
    trace: str = ""
    """What shows that it is here; "" for the shell."""
    verdict: Verdict = "pass"
    whole: bool = True
    """Was the last thing tried that a pull (of a bare host: its use) needs?"""
    layers: tuple[tuple[str, Status], ...] = ()
    """Every layer of the path and how it went, in order."""
    first_failing: str = ""
    """The layer of the first cause; "" where there is none."""
    root_causes: tuple[str, ...] = ()
    reason: str = ""
    """The first cause in one sentence."""
    route: RouteFact | None = None
    """Its way to the registry."""
    credential: CredentialFact | None = None
    tls: tuple[tuple[Hop, TlsFact, TrustFact | None], ...] = ()
    """The handshakes, with the stores that this client consults there."""

    @property
    def works(self) -> bool:
        """Was it seen that this client can? Of what was left out nobody knows."""
        return self.whole and self.verdict in ("pass", "warn")

    @property
    def fails(self) -> bool:
        return self.verdict == "fail"

    def handshake(self, hop: Hop) -> tuple[TlsFact, TrustFact | None] | None:
        """Its handshake with that host, if it made one."""
        return next(((tls, trust) for at, tls, trust in self.tls if at == hop), None)


def named(eyes: Sequence[Eye]) -> str:
    """`docker`, `docker and podman`, `docker, podman and kubelet`."""
    *others, last = [eye.client for eye in eyes]
    return f"{', '.join(others)} and {last}" if others else last


@frozen(kw_only=True)
class ClientsFact(Fact):
    """Every client that was found, the default one first."""

    eyes: tuple[Eye, ...] = ()

    @property
    def seen(self) -> str:
        able = [each.client for each in self.eyes if each.works]
        return f"{', '.join(able) or 'none'} of {', '.join(e.client for e in self.eyes)} can"
