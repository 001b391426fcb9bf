"""What was seen of a host's TLS: the chain as it was sent, how each store judges it, and how a
handshake ended?

`TlsFact` is one handshake with everything learned from it; which stores a client consults is local
configuration, and so `doctor.facts.trust`. Numbers are X509_V_ERR codes and TLS alert numbers (RFC
8446 section 6), never a library's words: two OpenSSL versions print different words for the same
fault. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Literal

from doctor.frozen import frozen
from doctor.model import Fact

Rules = Literal["go", "openssl"]
Outcome = Literal[
    "done", "alert", "reset", "closed", "timeout", "not-tls", "refused", "unreachable"
]
"""How a handshake ended. "refused": this side ended it; "unreachable": no raw stream could be
opened for it.
"""


@frozen(kw_only=True)
class Certificate:
    """What one certificate says. `index`: its place in the chain as sent, 0 the server's own."""

    index: int = 0
    sha256: str = ""
    version: int = 3
    subject: str = ""
    issuer: str = ""
    common_name: str = ""
    issuer_name: str = ""
    """The issuer in short: its common name, else its organisation, else the whole name."""
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    not_before: str = ""
    not_after: str = ""
    serial: str = ""
    key_type: str = ""
    key_bits: int = 0
    signature: str = ""
    """The signature's hash: "sha256", "sha1"; "ed25519" where the scheme has none of its own."""
    ca: bool | None = None
    """basicConstraints' CA flag; None: no such extension."""
    path_length: int | None = None
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    authority_key: str = ""
    issuer_urls: tuple[str, ...] = ()
    """Where the issuer's certificate can be fetched (AIA caIssuers)."""
    scts: int = 0
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    critical_unknown: tuple[str, ...] = ()
    """Critical extensions that Go's verifier does not handle, by OID."""
    self_issued: bool = False
    problem: str = ""
    """Why it cannot be read in full; the other fields then hold what could be."""


@frozen
class ChainError:
    """One objection to one certificate. `depth` counts from the server's own certificate (0)
    towards the root.
    """

    number: int
    depth: int
    key: str


@frozen(kw_only=True)
class Verdict:
    """What one store says about the chain by one family's rules."""

    store: str = "system"
    paths: tuple[str, ...] = ()
    rules: Rules = "go"
    ok: bool = False
    errors: tuple[ChainError, ...] = ()
    path: tuple[Certificate, ...] = ()
    """The certificates judged, from the server's own to the anchor, or as far as could be built."""
    anchored: bool = False
    """Does `path` end in a certificate of the store?"""
    at: str = ""
    """The instant it was judged for."""

    def has(self, *numbers: int) -> bool:
        return any(error.number in numbers for error in self.errors)

    def only(self, *numbers: int) -> bool:
        return bool(self.errors) and all(error.number in numbers for error in self.errors)


@frozen(kw_only=True)
class Attempt:
    """One handshake made to tell causes apart."""

    variant: str = ""
    """What differs: "no name", "another name", "small hello", "TLS 1.2", "old protocols", "any
    cipher", "no ALPN", "small packets".
    """
    name: str | None = None
    """The server name sent."""
    outcome: Outcome = "done"
    alert: int | None = None
    version: str = ""
    cipher: str = ""
    leaf: str = ""
    """SHA-256 of the certificate it presented."""
    subject: str = ""
    received: int = 0
    ms: float = 0.0


@frozen(kw_only=True)
class HttpPeek:
    """What a port that speaks plain HTTP answered to an uncredentialed GET /v2/."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def is_registry(self) -> bool:
        """Does it answer as the distribution specification says a registry does?"""
        return self.status in {200, 401} and bool(
            self.header("docker-distribution-api-version") or self.header("www-authenticate")
        )

    @property
    def wants_client_certificate(self) -> bool:
        """nginx refuses a client without a certificate with HTTP 400 and this page, not with an
        alert.
        """
        said = self.body.lower()
        words = "no required ssl certificate" in said or "ssl certificate error" in said
        return self.status in {400, 495, 496} and words

    @property
    def wants_tls(self) -> bool:
        """A server of TLS that is spoken to in plain HTTP may answer so, to say that: in the words
        of nginx, of Go's net/http and of Apache's mod_ssl.
        """
        said = self.body.lower()
        ports = ("to https port", "to an https server", "to an ssl-enabled server port")
        return self.status == 400 and any(words in said for words in ports)


@frozen(kw_only=True)
class IssuerFetch:
    """One attempt to get a missing issuer from the address that a certificate names."""

    url: str = ""
    outcome: str = ""
    """"fetched", or why not: "timeout", "refused address", "HTTP 404", "too large", "no
    certificate"...
    """
    sha256: str = ""
    subject: str = ""


@frozen(kw_only=True)
class Staple:
    """A stapled OCSP response about the server's own certificate."""

    status: Literal["good", "revoked", "unknown", "unusable"] = "unusable"
    this_update: str = ""
    revoked_at: str = ""
    verified: bool = False
    """Is it signed by the certificate's issuer, or by a responder that the issuer named?"""


@frozen(kw_only=True)
class TimeReading:
    """What another clock said beside what ours said. `bound`: the true time is that or later,
    nothing more.
    """

    source: str = ""
    there: str = ""
    here: str = ""
    bound: bool = False
    seconds_ahead: float = 0.0
    """There minus here: positive when our clock is behind."""


@frozen(kw_only=True)
class TlsFact(Fact):
    """One handshake and everything learned because of it. `ok`: HTTP may be spoken on the hop."""

    needed: bool = True
    """False where the hop is spoken to in plain HTTP by configuration (a proxy with an http://
    address).
    """
    outcome: Outcome = "done"
    name: str | None = None
    """The server name sent (SNI); None for an address."""
    peer: str = ""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    alert: int | None = None
    """The alert that the server sent."""
    reason: str = ""
    """Why this side refused, in the library's words (evidence only)."""
    waited: float = 0.0
    """The seconds after which it was given up, for "timeout"."""
    hurried: bool = False
    """Did the run's budget end that wait too soon?"""
    received: int = 0
    first: str = ""
    """The first bytes received, made harmless, when they are not TLS."""
    chain: tuple[Certificate, ...] = ()
    """As sent."""
    verdicts: tuple[Verdict, ...] = ()
    """First: this client's, by its own rules. The others are evidence."""
    client_certificate_requested: bool = False
    client_certificate_sent: bool = False
    client_certificate_demanded: bool = False
    """Was an exchange without one refused, by an alert or by an HTTP answer that says so?"""
    demand: HttpPeek | None = None
    """That HTTP answer."""
    client_cas: tuple[str, ...] = ()
    staple: Staple | None = None
    attempts: tuple[Attempt, ...] = ()
    fetches: tuple[IssuerFetch, ...] = ()
    missing: tuple[Certificate, ...] = ()
    """Certificates that were not sent and with which the chain verifies: proof that the chain is
    incomplete.
    """
    missing_from: str = ""
    """Where they came from: "AIA" or a store's label."""
    beyond: tuple[Certificate, ...] = ()
    """Issuers that were fetched and lead to no root that the client holds."""
    namesake: Certificate | None = None
    """A certificate of the client's stores that has the missing issuer's name and another key: the
    CA was made anew.
    """
    public: bool | None = None
    """Does the chain reach a root that certifi holds (expiry aside)? None: not asked."""
    plain_http: HttpPeek | None = None
    plain_allowed: bool = False
    """Does this client speak plain HTTP to such a host (one that was given as loopback)?"""
    quiet_stays_open: bool | None = None
    """Does a connection that says nothing stay open? None: not tried."""
    clocks: tuple[TimeReading, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """This client's verdict."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def ok(self) -> bool:
        if not self.needed:
            return True
        if self.plain_http is not None:
            return self.plain_allowed
        good = self.verdict is not None and self.verdict.ok
        return self.outcome == "done" and good and not self.client_certificate_demanded

    @property
    def seen(self) -> str:
        if not self.needed:
            return "not needed"
        if self.plain_http is not None:
            return "plain HTTP"
        if self.client_certificate_demanded:
            return "a client certificate is demanded"
        if self.outcome == "not-tls":
            return "what answers is not TLS"
        if self.outcome != "done":
            number = f" {self.alert}" if self.alert is not None else ""
            return f"handshake: {self.outcome}{number}"
        sent = f"{len(self.chain)} certificate" + ("" if len(self.chain) == 1 else "s")
        return f"{self.version}, {sent}, {'verified' if self.ok else 'not verified'}"
