"""What does each configured resolver say of a name when it is asked itself?

Kept reply by reply, with the rcode and the Extended DNS Errors as they came: a client's "no such
host" stands for a missing name, one without an address, a CNAME loop and a filter alike (measured
with Go 1.27, glibc 2.36 and musl 1.2.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.model import Fact

RecordType = Literal["A", "AAAA", "CNAME"]
Outcome = Literal[
    "addresses",
    "nxdomain",
    "no-data",
    "dangling",
    "cname-loop",
    "servfail",
    "refused",
    "lame",
    "misbehaving",
    "malformed",
    "tcp-blocked",
    "timeout",
    "port-closed",
    "unreachable",
]
"""What one query came to. "dangling": the last name of a CNAME chain does not exist; "lame": an
empty answer from a server that neither recurses nor owns the name; "misbehaving": another rcode;
"tcp-blocked": truncated over UDP, no answer over TCP."""

FINAL = frozenset({"cname-loop", "dangling", "nxdomain", "no-data"})
"""Answers without an address that end the search: no resolver after this one is asked."""
DEAD = frozenset({"timeout", "port-closed", "unreachable", "malformed"})
"""Outcomes of a resolver that said nothing of use."""
_WEIGHT: tuple[Outcome, ...] = (
    "addresses",
    "cname-loop",
    "dangling",
    "nxdomain",
    "tcp-blocked",
    "servfail",
    "refused",
    "lame",
    "misbehaving",
    "malformed",
    "timeout",
    "port-closed",
    "unreachable",
    "no-data",
)
"""Which of the A and the AAAA outcome decides how a resolver stands to a name."""
_FORGED = frozenset({4, 15, 16, 17})
_PROHIBITED = 18
_DNSSEC = range(5, 13)
_WORDS = {
    3: "Stale Answer",
    4: "Forged Answer",
    6: "DNSSEC Bogus",
    7: "Signature Expired",
    8: "Signature Not Yet Valid",
    9: "DNSKEY Missing",
    10: "RRSIGs Missing",
    12: "NSEC Missing",
    13: "Cached Error",
    15: "Blocked",
    16: "Censored",
    17: "Filtered",
    18: "Prohibited",
    20: "Not Authoritative",
    22: "No Reachable Authority",
    23: "Network Error",
}


@frozen
class Nameserver:
    """A `nameserver` line. `line` 0: the built-in default of a configuration that names none."""

    address: str
    line: int = 0


@frozen(kw_only=True)
class ResolverConfiguration:
    """What resolv.conf says. `problem`: why it gives no resolver ("missing", "empty", "unreadable:
    ..."), else empty."""

    file: str = "/etc/resolv.conf"
    problem: str = ""
    nameservers: tuple[Nameserver, ...] = ()
    """Those in use: glibc, musl and Go read the first three."""
    ignored: tuple[str, ...] = ()
    """Nameservers beyond the third."""
    unusable: tuple[str, ...] = ()
    """`nameserver` values that are no address, with their line."""
    search: tuple[str, ...] = ()
    ndots: int = 1
    options: tuple[str, ...] = ()
    manager: str = ""
    """Who writes the file, by its own words or its link: "systemd-resolved", "NetworkManager",
    "WSL", "Docker"..."""
    links_to: str = ""
    link: str = ""
    """The interface of the default route."""

    @property
    def asked(self) -> tuple[Nameserver, ...]:
        """The resolvers that a program here asks. With none configured, Go (net/dnsconfig_unix.go)
        asks this machine."""
        return self.nameservers or (Nameserver("127.0.0.1"), Nameserver("::1"))

    def commented_out(self, resolvers: Collection[str]) -> str:
        """The sed script that makes comments of their `nameserver` lines."""
        lines = [s.line for s in self.nameservers if s.address in resolvers]
        return "; ".join(f"{line}s/^/# /" for line in lines if line)

    @property
    def traits(self) -> dict[str, str]:
        """What a remedy must know of this machine's configuration; an empty value is a no."""
        by_hand = not self.links_to and self.manager in {"", "Docker"}
        there = not self.problem.startswith(("missing", "dangling"))
        return {
            "resolv_conf": self.file,
            "by_hand": "yes" if by_hand else "",
            "present": "yes" if there else "",
            "resolved": "yes" if self.manager == "systemd-resolved" else "",
            "networkmanager": "yes" if self.manager == "NetworkManager" else "",
            "other_manager": "" if by_hand else self.manager or self.links_to,
            "link": self.link,
        }


@frozen
class ExtendedError:
    """An Extended DNS Error (RFC 8914). The text is the resolver's own."""

    code: int
    text: str = ""

    def __str__(self) -> str:
        name = f" ({_WORDS[self.code]})" if self.code in _WORDS else ""
        return f"EDE {self.code}{name}" + (f": {self.text}" if self.text else "")


@frozen(kw_only=True)
class Reply:
    """One question to one resolver and what came of it."""

    resolver: str = ""
    name: str = ""
    type: RecordType = "A"
    outcome: Outcome = "addresses"
    rcode: str = ""
    """Of the message, "NOERROR" among them; empty: there was none."""
    addresses: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    """The CNAME chain, the name itself first; empty: no alias."""
    ede: tuple[ExtendedError, ...] = ()
    ttl: int | None = None
    recursion: bool = True
    """RA: does the resolver offer recursion?"""
    truncated: bool = False
    """Did the UDP answer carry TC?"""
    transport: Literal["udp", "tcp"] = "udp"
    size: int = 0
    """Bytes of the message."""
    error: str = ""
    """The system's word for what kept an answer away."""
    ms: float = 0.0

    @property
    def filtered(self) -> bool:
        """Does the resolver say that it put its own answer in place of the name's? (A refusal to
        serve this client is no filter.)"""
        codes = {error.code for error in self.ede}
        return bool(codes & _FORGED) or (_PROHIBITED in codes and self.outcome != "refused")

    @property
    def dnssec(self) -> bool:
        """Does the resolver say that DNSSEC validation is why?"""
        return any(error.code in _DNSSEC for error in self.ede)

    @property
    def said(self) -> str:
        """The answer in a phrase."""
        if self.addresses:
            return ", ".join(self.addresses)
        words = {
            "timeout": f"no answer for {self.ms / 1000:.1f} s",
            "port-closed": "its port 53 is closed",
            "tcp-blocked": "truncated over UDP, no answer over TCP",
            "no-data": "no address",
            "lame": "an empty answer without recursion",
        }
        return words.get(self.outcome) or self.rcode or self.error or self.outcome

    @property
    def proof(self) -> dict[str, Any]:
        """For a finding's evidence: JSON-able, only what there is."""
        proof = {
            "resolver": self.resolver,
            "name": self.name,
            "type": self.type,
            "outcome": self.outcome,
            "rcode": self.rcode,
            "addresses": list(self.addresses),
            "ttl": self.ttl,
            "chain": list(self.chain),
            "extended_errors": [str(error) for error in self.ede],
            "truncated": self.truncated,
            "recursion": None if self.recursion else "not offered",
            "transport": self.transport,
            "error": self.error,
            "ms": round(self.ms, 1),
        }
        return {key: value for key, value in proof.items() if value not in (None, "", [], False)}


@frozen(kw_only=True)
class ResolversFact(Fact):
    """The resolvers' view: each configured one asked directly."""

    name: str = ""
    needed: bool = True
    configuration: ResolverConfiguration = ResolverConfiguration()
    problem: str = ""
    """Why no query can carry the name."""
    replies: tuple[Reply, ...] = ()
    """The name itself, A and AAAA, at every resolver."""
    expanded: tuple[Reply, ...] = ()
    """The name with each search domain, at the first resolver that answers, where the system would
    try that."""
    unvalidated: tuple[Reply, ...] = ()
    """After SERVFAIL: the same with checking disabled (CD=1)."""
    small: tuple[Reply, ...] = ()
    """After a large answer: the same without EDNS, as glibc asks by default."""
    upstream: tuple[Reply, ...] = ()
    """After systemd-resolved's stub gave nothing: the servers behind it."""
    walked: tuple[str, ...] = ()
    """After SERVFAIL: the CNAME chain, asked for link by link. It loops if its last name stands in
    it before."""
    hurried: bool = False
    """Did the run's budget end the wait for a reply too soon?"""
    random: Reply | None = None
    """After a suspicious address: what became of a name that cannot exist (.invalid, RFC 6761)."""

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Those asked, in the order of the configuration."""
        return tuple(dict.fromkeys(reply.resolver for reply in self.replies))

    @property
    def standings(self) -> dict[str, Outcome]:
        """How each resolver stands to the name, A and AAAA together."""
        return {name: self._standing(name) for name in self.resolvers}

    def _standing(self, resolver: str) -> Outcome:
        found = {reply.outcome for reply in self.replies if reply.resolver == resolver}
        return next(outcome for outcome in _WEIGHT if outcome in found)

    def reply(self, resolver: str) -> Reply:
        """The reply that decides that resolver's standing."""
        standing = self._standing(resolver)
        mine = (reply for reply in self.replies if reply.resolver == resolver)
        return next(reply for reply in mine if reply.outcome == standing)

    def addresses(self, resolver: str | None = None) -> tuple[str, ...]:
        """What one resolver, or all of them, give for the name itself; each once."""
        wanted = (r for r in self.replies if resolver is None or r.resolver == resolver)
        return tuple(dict.fromkeys(a for reply in wanted for a in reply.addresses))

    @property
    def disagreement(self) -> Literal["", "existence", "network"]:
        """Do resolvers contradict each other? "existence": one gives addresses, another says there
        are none. "network": they give nothing in common, one private and another public addresses.
        Public addresses that differ are a CDN's rotation."""
        standings = self.standings
        giving = [name for name, said in standings.items() if said == "addresses"]
        if giving and FINAL & set(standings.values()):
            return "existence"
        given = [set(self.addresses(name)) for name in giving]
        for one in given:
            for other in given:
                if not one & other and _private(one) and not _private(other):
                    return "network"
        return ""

    @property
    def proof(self) -> dict[str, Any]:
        """For a finding's evidence: the replies side by side, and what the second round added."""
        proof = {
            "configuration": self.configuration.file,
            "ignored": list(self.configuration.ignored),
            "resolvers": [reply.proof for reply in self.replies],
            "with_search_domain": [reply.proof for reply in self.expanded],
            "checking_disabled": [reply.proof for reply in self.unvalidated],
            "without_edns": [reply.proof for reply in self.small],
            "behind_the_stub": [reply.proof for reply in self.upstream],
            "random_name": self.random.proof if self.random else None,
        }
        return {key: value for key, value in proof.items() if value}

    @property
    def seen(self) -> str:
        if not self.needed:
            return ""
        return "; ".join(f"{name}: {self.reply(name).said}" for name in self.resolvers)


def _private(addresses: Iterable[str]) -> bool:
    """Is none of them reachable across the internet?"""
    return not any(ip_address(address).is_global for address in addresses)
