"""Which way does a request to this very host go, why, and what did the proxy on that way answer?

`RouteFact` is the decision by Go's rule with its trace, `TunnelFact` one CONNECT (or SOCKS request)
and its answer, `DetourFact` what a proxy that is known here, but not used, made of the same request
after the direct path had failed. No fact holds user information: a setting's value is kept without
it, and the proxy's password is the network layer's alone.
"""

from __future__ import annotations

from typing import Any, Literal

from doctor.facts.http import span
from doctor.frozen import frozen
from doctor.model import Fact, Facts, Hop

ProxyScheme = Literal["http", "https", "socks5", "socks5h"]
Way = Literal["direct", "proxy"]
Family = Literal["go", "curl", "curl before 8.9", "requests", "python-urllib", "httpx"]
Reason = Literal[
    "proxy-itself",
    "override",
    "variable",
    "no-variable",
    "loopback",
    "no-proxy",
    "ignored",
    "unusable",
]
"""Why a way is taken. "proxy-itself": the hop is a proxy. "ignored": the variable holds something
that Go cannot parse, so Go acts as if it were not set. "unusable": Go would use the value, and fail
with it."""
Outcome = Literal[
    "tunnelled",
    "denied",
    "auth-required",
    "auth-rejected",
    "upstream-failed",
    "no-answer",
    "closed",
    "not-a-proxy",
    "unresolvable",
    "unreachable",
    "tls-failed",
    "no-setting",
]
"""What came of asking a proxy for a host. "closed": it ended the connection without an answer;
"no-answer": it said nothing in time. "unresolvable", "unreachable" and "tls-failed": it could not
be asked. "no-setting": no usable setting names a proxy."""
Why = Literal["no-proxy", "all-proxy", "http-only", "other-case", "elsewhere", "shell"]
"""Why a known proxy is not used: excluded by NO_PROXY; named only by ALL_PROXY, or only for plain
HTTP; named only by the variable in the other case; named by another file of this machine; named by
the shell's variables, which the client's daemon does not see."""
Speaks = Literal["", "http", "tls", "socks5"]

_PROTOCOLS = {"http": "HTTP", "tls": "TLS", "socks5": "SOCKS5"}


@frozen(kw_only=True)
class ProxySetting:
    """A usable proxy setting. `origin`: the variable, option, or file with line that holds it."""

    scheme: ProxyScheme = "http"
    host: str = ""
    port: int = 80
    user: str | None = None
    password: bool = False
    """Is a password set?"""
    origin: str = ""

    @property
    def hop(self) -> Hop:
        return Hop("proxy", self.host, self.port, "https" if self.scheme == "https" else "http")

    @property
    def url(self) -> str:
        """As it should be written, without user information."""
        return f"{self.scheme}://{self.hop.name}"

    @property
    def socks(self) -> bool:
        return self.scheme in ("socks5", "socks5h")


@frozen(kw_only=True)
class Flaw:
    """A setting that holds no usable proxy. `value` is without user information."""

    origin: str = ""
    value: str = ""
    problem: str = ""
    """What is wrong, as the end of a sentence about the value."""
    corrected: str = ""
    """The value as it was probably meant, without user information; empty where nobody can tell."""
    user: bool = False
    """Does the value hold user information?"""
    ignored: bool = False
    """Does Go take no notice of it and go direct (else: it fails with it)?"""
    used: bool = False
    """Is it this hop's request that it spoils?"""


@frozen(kw_only=True)
class Reading:
    """What one family of clients makes of this environment for this host. `variable` None: it finds
    no proxy."""

    family: Family = "go"
    way: Way = "direct"
    variable: str | None = None
    no_proxy: str | None = None
    """The variable with the exceptions that it reads."""
    entry: str | None = None
    """The exception that matched."""


@frozen(kw_only=True)
class Conflict:
    """One variable in both cases with different values, which are kept without user information."""

    upper: str = ""
    upper_value: str = ""
    lower: str = ""
    lower_value: str = ""


@frozen(kw_only=True)
class Candidate:
    """A proxy that is known here and not used for this host, and why it is not."""

    setting: ProxySetting
    why: Why = "elsewhere"
    no_proxy: str = ""
    """The exceptions that are set beside it."""


@frozen(kw_only=True)
class RouteFact(Fact):
    """The way that this client's request to the hop goes, and how that was decided."""

    proxy: ProxySetting | None = None
    reason: Reason = "no-variable"
    variable: str | None = None
    """The variable that decided."""
    value: str = ""
    """Its value without user information."""
    no_proxy: str = ""
    """The exceptions as they are set, and the variable that sets them."""
    no_proxy_variable: str = ""
    entry: str | None = None
    """The exception that matched by Go's rule."""
    readings: tuple[Reading, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def direct(self) -> bool:
        return self.proxy is None and self.reason != "unusable"

    @property
    def asks(self) -> Hop | None:
        """The proxy whose credentials belong to this decision: the one used, else the first
        candidate."""
        setting = self.proxy or (self.candidates[0].setting if self.candidates else None)
        return setting.hop if setting else None

    @property
    def ok(self) -> bool:
        return self.reason != "unusable"

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return (self.proxy.hop,) if self.proxy else ()

    @property
    def seen(self) -> str:
        if self.proxy:
            return f"through {self.proxy.url}, by {self.proxy.origin}"
        return {
            "loopback": "direct: a loopback host",
            "no-proxy": f"direct: {self.no_proxy_variable} holds {self.entry}",
            "ignored": f"direct: {self.variable} is not usable",
            "unusable": f"{self.variable} is not usable",
        }.get(self.reason, "direct")

    def near_miss(self, host: str) -> str:
        """An entry of NO_PROXY that looks as if it were meant for the host, whether or not Go takes
        it so; else empty."""
        for entry in self.no_proxy.replace(",", " ").split():
            name = entry.lower().partition("://")[2] or entry.lower()
            name = name.removeprefix("*").strip(".").partition("/")[0].partition(":")[0]
            if name and (host == name or host.endswith(f".{name}")):
                return entry
        return ""


@frozen(kw_only=True)
class TunnelFact(Fact):
    """One request to a proxy for a connection to the hop, and its answer. What the proxy said is
    foreign text, bounded."""

    needed: bool = True
    """False where the way is direct."""
    outcome: Outcome = "tunnelled"
    proxy: str = ""
    """`host:port` of the proxy."""
    peer: str = ""
    status: int | None = None
    phrase: str = ""
    """The reason phrase of the status line."""
    headers: tuple[tuple[str, str], ...] = ()
    """Lower-case names, of an allow-list."""
    title: str = ""
    """The title of the page that came with a refusal, else its first line."""
    body: str = ""
    """The first 2 kB of it."""
    schemes: tuple[str, ...] = ()
    """The authentication schemes offered with a 407, lower case."""
    sent_credentials: bool = False
    user: str = ""
    reply: int | None = None
    """A SOCKS server's reply code (RFC 1928 section 6)."""
    first: str = ""
    """The first bytes of an answer that is not the protocol's, made safe to show."""
    speaks: Speaks = ""
    """What the port was found to speak instead."""
    signed: bool = False
    """Do the answer's headers name a proxy?"""
    waited: float = 0.0
    """Seconds without an answer."""
    hurried: bool = False
    """Did the run's budget end that wait too soon?"""

    @property
    def ok(self) -> bool:
        return not self.needed or self.outcome == "tunnelled"

    @property
    def seen(self) -> str:
        if not self.needed:
            return "direct"
        if self.outcome == "tunnelled":
            return f"tunnel through {self.proxy}"
        return f"{self.proxy}: {self.said}" if self.proxy else self.said

    @property
    def said(self) -> str:
        """The proxy's answer in one phrase."""
        if self.status is not None:
            return f"{self.status} {self.phrase}".strip()
        if self.reply is not None:
            return f"SOCKS reply {self.reply} {self.phrase}".rstrip()
        if self.speaks:
            return f"it speaks {_PROTOCOLS[self.speaks]}"
        return {
            "no-answer": f"no answer for {span(self.waited)} s",
            "closed": "closed the connection without an answer",
            "auth-required": "it wants a user name and password",
            "auth-rejected": "it rejected the user name and password",
            "not-a-proxy": f"it answered {self.first}"
            if self.first
            else "it gave no proxy's answer",
        }.get(self.outcome, self.outcome)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def proof(self) -> dict[str, Any]:
        """What a finding puts in evidence: JSON-able, only what there is."""
        proof = {
            "proxy": self.proxy,
            "peer": self.peer,
            "outcome": self.outcome,
            "status": self.status,
            "phrase": self.phrase,
            "headers": dict(self.headers),
            "title": self.title,
            "body": self.body[:500],
            "schemes_offered": list(self.schemes),
            "credentials_sent": self.sent_credentials or None,
            "user": self.user,
            "socks_reply": self.reply,
            "first_bytes": self.first,
            "speaks": self.speaks,
            "waited_seconds": round(self.waited, 1) or None,
        }
        return {key: value for key, value in proof.items() if value not in ("", None, [], {})}


@frozen(kw_only=True)
class Try:
    """One candidate asked for the host that the direct path does not reach."""

    candidate: Candidate
    outcome: Outcome = "tunnelled"


@frozen(kw_only=True)
class DetourFact(Fact):
    """What the proxies that are known here, but not used, made of the host. Looked at only after
    the direct path failed."""

    tries: tuple[Try, ...] = ()

    @property
    def reached(self) -> Candidate | None:
        """The first that got through."""
        return next((t.candidate for t in self.tries if t.outcome == "tunnelled"), None)

    @property
    def seen(self) -> str:
        found = self.reached
        return f"{found.setting.url} reaches it" if found else "no proxy known here reaches it"


def stations(facts: Facts, at: Hop) -> tuple[str, ...]:
    """Every host that this pull was seen to need, the one in question first: the list to have
    allowed."""
    hops = [hop for hop, _ in facts.all(RouteFact) if hop and hop.role != "proxy"]
    return tuple(dict.fromkeys(hop.name for hop in (at, *hops)))
