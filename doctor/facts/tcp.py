"""Which of a host's addresses take a connection, and how does each of the others end?

Every address has its own outcome: a library that tries them in turn (or merges their errors) hides
the one that is dead, and pulls then fail at random. Outcomes come from errno (Linux, measured): 111
refused, 113/101 unreachable, 13 a `prohibit` route or local policy, 22 a `blackhole` route, 99 no
free local port (or no address of that family); silence is a timeout of our own.
"""

from __future__ import annotations

from typing import Any, Literal

from doctor.frozen import frozen
from doctor.model import Fact

Family = Literal["ipv4", "ipv6"]
Outcome = Literal[
    "connected",
    "refused",
    "timeout",
    "unreachable",
    "prohibited",
    "blackholed",
    "reset",
    "no-route",
    "no-ports",
    "no-family",
    "no-files",
    "other",
    "pending",
]
"""How one attempt ended. "no-route": this machine has no route to the network at all (ENETUNREACH).
"no-family": the kernel has no such protocol. "no-files": this process may open no more. "pending":
not ended when the fact was taken, or when the run's budget ended the wait too soon."""

_WORDS = {
    "connected": "connected",
    "refused": "connection refused",
    "timeout": "no answer",
    "unreachable": "no route to host",
    "prohibited": "forbidden by this machine's own policy or a prohibit route",
    "blackholed": "a blackhole route drops it on this machine",
    "reset": "connection reset",
    "no-route": "network is unreachable: no route from this machine",
    "no-ports": "no local address or port left to connect from",
    "no-family": "this machine does not speak that protocol",
    "no-files": "this process may open no more files",
    "other": "not connected",
    "pending": "no answer yet",
}


@frozen(kw_only=True)
class Attempt:
    """One connection attempt. `ms`: how long it took, or was waited for."""

    address: str
    outcome: Outcome = "connected"
    ms: float = 0.0
    errno: int | None = None
    source: str = ""
    """The local address and port: which interface or VPN was used."""
    mss: int | None = None
    """The largest segment, in bytes, that the two ends agreed on."""

    @property
    def family(self) -> Family:
        return "ipv6" if ":" in self.address else "ipv4"

    @property
    def connected(self) -> bool:
        return self.outcome == "connected"

    @property
    def local(self) -> bool:
        """Did it end on this machine, at once, for want of a route or of the protocol? Then no
        client waits for it."""
        return self.outcome in ("no-route", "no-family", "no-ports")

    @property
    def words(self) -> str:
        """The outcome in words, a wait with its length."""
        link = {"timeout": "for", "pending": "after"}.get(self.outcome)
        waited = f" {link} {self.ms / 1000:.1f} s" if link else ""
        return _WORDS[self.outcome] + waited

    @property
    def proof(self) -> dict[str, Any]:
        """What a finding puts in evidence: JSON-able."""
        proof = {
            "address": self.address,
            "outcome": self.outcome,
            "ms": round(self.ms, 1),
            "errno": self.errno,
            "source": self.source or None,
            "mss": self.mss,
        }
        return {key: value for key, value in proof.items() if value is not None}


@frozen(kw_only=True)
class TcpFact(Fact):
    """What came of connecting to a host's addresses by the time one of them took the connection, or
    all had failed."""

    needed: bool = True
    """False where a proxy connects to the host in our place."""
    port: int = 0
    attempts: tuple[Attempt, ...] = ()
    """In the order in which the system gave the addresses."""
    left_out: int = 0
    """Addresses beyond those that are tried."""

    @property
    def reached(self) -> tuple[str, ...]:
        """The addresses that took a connection, the quickest first."""
        return tuple(a.address for a in sorted(self.attempts, key=lambda a: a.ms) if a.connected)

    @property
    def ok(self) -> bool:
        return not self.needed or any(attempt.connected for attempt in self.attempts)

    @property
    def left_to(self) -> str:
        return "" if self.needed else "proxy"

    @property
    def hurried(self) -> bool:
        return not self.ok and any(attempt.outcome == "pending" for attempt in self.attempts)

    @property
    def only_ipv6_fails(self) -> bool:
        """Were there IPv6 addresses alone, and did every one of them stay unreachable? A refusal
        shows that the path works."""
        ends = (
            "timeout",
            "unreachable",
            "prohibited",
            "blackholed",
            "no-route",
            "no-family",
            "no-ports",
        )
        return bool(self.attempts) and all(
            attempt.family == "ipv6" and attempt.outcome in ends for attempt in self.attempts
        )

    @property
    def seen(self) -> str:
        if not self.needed:
            return "the proxy connects"
        best = min((a for a in self.attempts if a.connected), key=lambda a: a.ms, default=None)
        if best:
            return f"{best.address} in {best.ms:.0f} ms"
        return ", ".join(dict.fromkeys(attempt.words for attempt in self.attempts))


@frozen(kw_only=True)
class AddressesFact(Fact):
    """What came of every address in the end."""

    needed: bool = True
    port: int = 0
    attempts: tuple[Attempt, ...] = ()
    left_out: int = 0

    @property
    def hurried(self) -> bool:
        return any(attempt.outcome == "pending" for attempt in self.attempts)

    @property
    def seen(self) -> str:
        if not self.needed:
            return ""
        good = sum(attempt.connected for attempt in self.attempts)
        return f"{good} of {len(self.attempts)} addresses connect"
