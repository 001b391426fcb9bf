"""Whom does a client trust at a hop: which stores does it consult, what of them cannot be used, and
where does it go on without verification?

Local configuration alone; how a chain fares there is in `doctor.facts.tls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from doctor.frozen import frozen
from doctor.model import Fact

Problem = Literal[
    "missing",
    "unreadable",
    "not-a-file",
    "not-a-directory",
    "empty",
    "no-certificate",
    "not-a-line",
    "no-match",
    "no-key",
    "no-partner",
    "encrypted",
    "other-name",
]
"""What keeps a CA or client-certificate file from being used. "no-key": a .cert without its .key;
"no-partner": a .key without its .cert; "other-name": a certificate whose name does not end in
.crt, where that is what counts."""
StoreKind = Literal["file", "directory"]


@frozen
class TrustStore:
    """One place that a client takes CA certificates from."""

    label: str
    """The setting that names it: "system", "SSL_CERT_FILE", "SSL_CERT_DIR", "--ca", "certs.d"."""
    path: str
    """As the client sees it."""
    kind: StoreKind = "file"
    location: str = ""
    """Where it lies for this process, when that differs from `path` (a mounted node, `--root`)."""
    root: str = ""
    """The folder that is that machine's `/`: links inside a directory stay below it."""

    @property
    def source(self) -> str:
        return self.location or self.path


@frozen
class CaFault:
    """A configured CA or client-certificate file that cannot be used."""

    setting: str
    path: str
    problem: Problem
    origin: str = ""
    """File and line of the setting; empty for a variable or an option."""
    stops: bool = False
    """Does the client fail because of it (else: it goes on without)?"""


@frozen
class KeyPair:
    """The files of a client certificate that a client would present."""

    certificate: str
    key: str
    origin: str = ""


@frozen
class Insecure:
    """A setting that lets the client go on without verification, in plain HTTP, or both. `network`:
    it is one in CIDR notation, and covers the registry by its addresses.
    """

    entry: str
    origin: str = ""
    """File and line; "" for the client's own default."""
    network: bool = False
    allows: Literal["both", "unverified", "plain"] = "both"
    switch: bool = False
    """Does its line say true, and would false take it back (else: it is one of a list)?"""

    def covers(self, addresses: Iterable[str]) -> bool:
        return not self.network or any(_within(each, self.entry) for each in addresses)


def _within(address: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(address.partition("%")[0]) in ip_network(network, strict=False)
    except ValueError:
        return False


@frozen(kw_only=True)
class TrustFact(Fact):
    """Which stores this client consults for the hop, in order; all of them together are what it
    trusts.
    """

    client: str = "shell"
    stores: tuple[TrustStore, ...] = ()
    faults: tuple[CaFault, ...] = ()
    client_pair: KeyPair | None = None
    complete: bool = True
    """False where the client also asks something that is not a file (the macOS keychains)."""
    insecure: tuple[Insecure, ...] = ()
    """Settings that may take verification away, and the client's own defaults that do; a network
    counts only once addresses are known."""

    def unverified(self, addresses: Iterable[str]) -> Insecure | None:
        """The setting by which this client does not verify a registry with these addresses."""
        return self._first("plain", addresses)

    def in_the_clear(self, addresses: Iterable[str]) -> Insecure | None:
        """The setting by which this client speaks plain HTTP with such a registry."""
        return self._first("unverified", addresses)

    def _first(self, other: str, addresses: Iterable[str]) -> Insecure | None:
        known = tuple(addresses)
        return next((i for i in self.insecure if i.allows != other and i.covers(known)), None)

    @property
    def seen(self) -> str:
        return ", ".join(store.path for store in self.stores) or "no trust store"
