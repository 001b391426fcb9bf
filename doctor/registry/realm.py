"""May this host receive the credential of this registry?

A registry names its token service in a challenge, and docker, podman and containerd send the
password to whatever it names. Here it goes only where the registry's owner can be taken for the
receiver: the registry's own host, a host on the same registrable domain (Public Suffix List with
its private section, so that two customers of one hoster are strangers), a pair known by evidence,
or a host that the user allowed. Never over plain HTTP but on loopback, and never to a cloud's
metadata service or a link-local address: a challenge that names one is an attempt to make the
client ask where the attacker cannot (SSRF, as in go-containerregistry's own check).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal

from doctor.frozen import frozen
from doctor.model import Hop
from doctor.registry.host import address, bare, is_loopback, is_metadata

__all__ = ["Permission", "Rule", "is_loopback", "is_metadata", "may_receive", "registrable"]

Rule = Literal["registry", "allowed", "pair", "domain", "plain-http", "metadata", "foreign"]


@frozen
class Permission:
    """May the credential go there, by which rule, and why in one phrase. `domains`: the two that
    were compared."""

    allowed: bool
    rule: Rule
    why: str
    domains: tuple[str, str] = ("", "")

    @property
    def code(self) -> Literal["auth.realm-insecure", "auth.realm-foreign"] | None:
        """The finding that a refusal is; None for leave."""
        if self.allowed:
            return None
        return "auth.realm-insecure" if self.rule == "plain-http" else "auth.realm-foreign"


def may_receive(
    realm: Hop,
    registry: Hop,
    *,
    allow: Iterable[str] = (),
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Permission:
    """May `realm` receive the credential that is for `registry`?

    `allow` are the hosts of `--allow-realm`, with or without a port; `pairs` are token hosts known
    for this registry, each with the source that says so (None: what `registry.profile` knows). The
    rule on plain HTTP comes before every leave: it holds for the registry itself too.
    """
    host, own = bare(realm.host), bare(registry.host)
    if realm.scheme != "https" and not is_loopback(host):
        return Permission(False, "plain-http", f"{realm.name} is spoken to over plain HTTP")
    if host == own:
        return Permission(True, "registry", f"{realm.host} is the registry's own host")
    if is_metadata(host):
        why = f"{realm.host} is an address of cloud metadata services or link-local"
        return Permission(False, "metadata", why, (host, own))
    if any(_names(each, realm) for each in allow):
        return Permission(True, "allowed", f"{realm.host} was allowed with --allow-realm")
    if source := _source(host, own, pairs):
        why = f"{realm.host} is this registry's token service ({source})"
        return Permission(True, "pair", why)
    domains = (registrable(host), registrable(own))
    if domains[0] and domains[0] == domains[1]:
        return Permission(True, "domain", f"{host} and {own} are both on {domains[0]}", domains)
    theirs, ours = domains[0] or host, domains[1] or own
    why = f"{host} is not on the registry's domain {ours}"
    return Permission(False, "foreign", why, (theirs, ours))


def _source(host: str, own: str, pairs: Iterable[tuple[str, str]] | None) -> str:
    """Who says that this host is the registry's token service; "" if nobody does."""
    if pairs is None:
        from doctor.registry.profile import for_host

        pairs = for_host(own).pairs
    return next((source for known, source in pairs if bare(known) == host), "")


@cache
def registrable(host: str) -> str:
    """The name one step below a public suffix, private suffixes included; "" for an address, a
    single label, a suffix itself."""
    host = bare(host)
    if address(host) is not None or "." not in host:
        return ""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(_rules(host)).privatesuffix(host) or ""


def _rules(host: str) -> list[str]:
    """The lines of the list that say anything about this host. All of it takes a tenth of a second
    to be made sense of, more than a packet takes to come back."""
    said = set()
    for name in {host, _unicode(host)}:
        labels = name.split(".")
        ends = [".".join(labels[place:]) for place in range(len(labels))]
        said |= {f"{mark}{end}" for end in ends for mark in ("", "*.", "!")}
    lines = _list()
    return [rule for rule in said if rule.encode("utf-8", "replace") in lines]


@cache
def _list() -> frozenset[bytes]:
    """Its lines. No rule of it has white space behind it, where a line may end
    (publicsuffix.org/list, "Format")."""
    from publicsuffixlist import PSLFILE

    with open(PSLFILE, "rb") as file:
        return frozenset(file.read().split(b"\n"))


def _unicode(host: str) -> str:
    try:
        return host.encode().decode("idna")
    except UnicodeError:
        return host


def _names(allowed: str, realm: Hop) -> bool:
    """Is the realm what `--allow-realm` names? With a port it must agree, without one any port will
    do."""
    text = allowed.strip().lower()
    return text in (realm.host, realm.name, realm.authority) or bare(text) == bare(realm.host)
