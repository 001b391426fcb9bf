"""What does the system give for a name, and what do this machine's own files say about it?

`DnsFact` is getaddrinfo's view: what a program here gets, and what the ladder goes on with. What
the resolvers behind it say when asked themselves is in `doctor.facts.resolvers`; only the two side
by side tell a hosts file, a dead resolver, a search domain or a filter from a name that does not
exist.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.model import Fact

Outcome = Literal["answered", "no-name", "no-data", "again", "refused", "timeout", "not-a-name"]
"""getaddrinfo's end: EAI_NONAME, EAI_NODATA, EAI_AGAIN; "refused": every other code; "not-a-name":
no query was sent."""


_WORD = re.compile(r"[A-Za-z0-9._-]+")
"""A name that means nothing to sed where it stands as a replacement."""


@frozen
class HostsLine:
    """A line of the hosts file that gives the name an address. `names`: all names on it, in order,
    as written."""

    file: str
    line: int
    address: str
    names: tuple[str, ...] = ()

    def without(self, name: str) -> str:
        """The sed script that takes the name off the line: one with no other name becomes a
        comment, and so does one that could not be written again as it is."""
        wanted = name.rstrip(".").lower()
        others = [other for other in self.names if other.rstrip(".").lower() != wanted]
        if others and all(_WORD.fullmatch(other) for other in others):
            return f"{self.line}s/.*/{self.address} {' '.join(others)}/"
        return f"{self.line}s/^/# /"


@frozen(kw_only=True)
class DnsFact(Fact):
    """The system's view: what a program that calls getaddrinfo gets here."""

    name: str = ""
    needed: bool = True
    """False where a proxy resolves the name."""
    literal: bool = False
    """The host is an address: nothing was asked."""
    outcome: Outcome = "answered"
    code: int | None = None
    """getaddrinfo's error number."""
    message: str = ""
    """getaddrinfo's own words."""
    addresses: tuple[str, ...] = ()
    """In the system's order, each once."""
    source: Literal["system", "resolvers"] = "system"
    """"resolvers": the system had not answered when a resolver that was asked itself had."""
    hurried: bool = False
    """Did the run's budget end the wait for the system too soon?"""
    canonical: str = ""
    """The name that the addresses belong to, as getaddrinfo gives it."""
    pins: tuple[HostsLine, ...] = ()
    """The lines of the hosts file that name the host, used or not."""
    sources: tuple[str, ...] = ()
    """The `hosts` line of nsswitch.conf, actions in brackets left out; empty: no such line."""

    @property
    def ok(self) -> bool:
        return bool(self.addresses) or not self.needed

    @property
    def left_to(self) -> str:
        return "" if self.needed else "proxy"

    @property
    def pins_in_use(self) -> tuple[HostsLine, ...]:
        """The lines that the system's answer comes from."""
        given = {ip_address(address) for address in self.addresses}
        return tuple(pin for pin in self.pins if ip_address(pin.address) in given)

    @property
    def proof(self) -> dict[str, Any]:
        """For a finding's evidence: JSON-able."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "code": self.code,
            "message": self.message,
            "addresses": list(self.addresses),
            "nsswitch_hosts": list(self.sources),
            "ms": round(self.ms, 1),
        }

    @property
    def seen(self) -> str:
        if not self.needed:
            return "left to the proxy"
        if self.literal:
            return "an address"
        if not self.addresses:
            return self.message or self.outcome
        more = len(self.addresses) - 1
        return self.addresses[0] + (f" and {more} more" if more else "")


def is_localhost(name: str) -> bool:
    """Is it this machine's own name for itself, for which no resolver is to be asked (RFC 6761
    section 6.3)?"""
    bare = name.rstrip(".").lower()
    return bare in {"localhost", "localhost.localdomain"} or bare.endswith(".localhost")
