"""Would a Go client accept this chain from this host, and what are all of its objections?

OpenSSL does the cryptography: it builds the path into the client's store and checks signatures,
dates, CA flags, path lengths and name constraints. Offline it stops at its first error and does not
look at names, extended key usage or hash functions, so the rest is checked here over the whole
path, by Go's rules (src/crypto/x509/verify.go and parser.go, Go 1.27). The result is never more
lenient than Go: credentials are sent on the strength of it. Where OpenSSL is the stricter one (a
small key, a CA certificate that serves as a server's), its objection is left to its own verdict,
which the handshake itself gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.tls import Certificate, ChainError, Verdict
from doctor.frozen import frozen
from doctor.pki import errors
from doctor.pki.certificate import der, describe, quietly
from doctor.pki.names import address, covers
from doctor.stamp import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509
    from OpenSSL.crypto import X509Store

    from doctor.pki.store import Roots

_STRONG = frozenset({"sha256", "sha384", "sha512", "ed25519"})
_KEYS = frozenset({"rsa", "secp224r1", "secp256r1", "secp384r1", "secp521r1", "ed25519"})
_LARGEST_RSA = 8192
"""crypto/tls refuses a larger RSA key in a server's chain (handshake_client.go, maxRSAKeySize)."""
_SERVER_AUTH = frozenset({"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"})
"""id-kp-serverAuth and anyExtendedKeyUsage."""


@frozen
class Built:
    """What came of building a path into a store, dates aside: the path, and the verifier's first
    objection.
    """

    path: tuple[x509.Certificate, ...]
    anchored: bool
    error: ChainError | None = None

    @property
    def unknown(self) -> bool:
        """Did it not reach the store at all?"""
        reach = (*errors.UNKNOWN_ISSUER, errors.SIGNATURE)
        return self.error is not None and self.error.number in reach


def go_verdict(
    chain: Sequence[x509.Certificate],
    roots: Roots,
    host: str,
    at: datetime,
    *,
    label: str = "system",
) -> Verdict:
    """The verdict of a Go client that trusts `roots`, for a chain as sent (the server's own
    certificate first).
    """
    if not chain:
        nothing = ChainError(errors.MALFORMED, 0, "no-certificate")
        return Verdict(store=label, paths=roots.paths, errors=(nothing,), at=stamp(at))
    built = build(chain, roots, at)
    return replace(judge(built, chain, host, at), store=label, paths=roots.paths)


def judge(built: Built, chain: Sequence[x509.Certificate], host: str, at: datetime) -> Verdict:
    """The verdict over a path that is built already."""
    path = tuple(describe(cert, _place(cert, chain)) for cert in built.path)
    found = [built.error] if built.error else []
    found += _objections(path, built.anchored, stamp(at))
    found += _host_objections(path[0], host)
    return Verdict(
        ok=built.anchored and not found,
        errors=_distinct(found),
        path=path,
        anchored=built.anchored,
        at=stamp(at),
    )


def _place(cert: x509.Certificate, chain: Sequence[x509.Certificate]) -> int:
    """The certificate's place in the chain as sent; -1: it came from the store."""
    return next((place for place, sent in enumerate(chain) if sent == cert), -1)


def build(chain: Sequence[x509.Certificate], roots: Roots, at: datetime) -> Built:
    """The path from the server's own certificate into the store; the store's directories are read
    only if need be.
    """
    built = _build(chain, roots, at)
    if built.unknown and roots.widen():
        built = _build(chain, roots, at)
    return built


def _build(chain: Sequence[x509.Certificate], roots: Roots, at: datetime) -> Built:
    store = roots.store()
    store.set_time(at)
    built = _path(chain, store)
    if built.error is not None and built.error.number in errors.TIMES:
        # Dates are found over the whole path by `_objections`; here another path must not be hidden
        # by one expired certificate.
        built = _path(chain, roots.untimed())
    return built


def _path(chain: Sequence[x509.Certificate], store: X509Store) -> Built:
    from OpenSSL import crypto

    leaf, *rest = (crypto.load_certificate(crypto.FILETYPE_ASN1, der(cert)) for cert in chain)
    try:
        verified = crypto.X509StoreContext(store, leaf, rest).get_verified_chain()
    except crypto.X509StoreContextError as trouble:
        number, depth = int(trouble.errors[0]), int(trouble.errors[1])
        return Built(in_order(chain), False, ChainError(number, depth, errors.key(number)))
    with quietly():
        return Built(tuple(cert.to_cryptography() for cert in verified), True)


def in_order(chain: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The chain as far as issuers were sent: servers send certificates in any order, and others
    besides.
    """
    path, left = [chain[0]], list(chain[1:])
    while path[-1].subject != path[-1].issuer:
        issuer = next((cert for cert in left if cert.subject == path[-1].issuer), None)
        if issuer is None:
            break
        left.remove(issuer)
        path.append(issuer)
    return tuple(path)


def _objections(path: Sequence[Certificate], anchored: bool, at: str) -> Iterator[ChainError]:
    """What Go holds against each certificate of the path by itself."""
    last = len(path) - 1
    for depth, cert in enumerate(path):
        # An anchor is trusted as it is: its own signature counts for nothing, nor does that of a
        # root that was sent along.
        anchor = depth == last and (anchored or cert.self_issued)
        numbers = [*_own(cert, at)]
        if not anchor and cert.signature not in _STRONG:
            numbers.append(errors.WEAK_SIGNATURE)
        if depth:
            numbers += _as_issuer(cert, depth, anchor=anchor and anchored)
        for number in numbers:
            yield ChainError(number, depth, errors.key(number))


def _own(cert: Certificate, at: str) -> Iterator[int]:
    if cert.problem or cert.serial.startswith("-") or not _supported(cert):
        yield errors.MALFORMED
    if cert.not_before > at:
        yield errors.NOT_YET_VALID
    if cert.not_after < at:
        yield errors.EXPIRED
    if cert.critical_unknown:
        yield errors.CRITICAL
    if cert.extended_key_usage and not _SERVER_AUTH.intersection(cert.extended_key_usage):
        yield errors.PURPOSE


def _supported(cert: Certificate) -> bool:
    small_enough = cert.key_type != "rsa" or cert.key_bits <= _LARGEST_RSA
    return cert.key_type in _KEYS and small_enough


def _as_issuer(cert: Certificate, depth: int, *, anchor: bool) -> Iterator[int]:
    if cert.ca is not True and not (anchor and cert.version == 1):
        yield errors.NOT_A_CA
    if cert.key_usage and "key_cert_sign" not in cert.key_usage:
        yield errors.NO_CERT_SIGN
    if cert.path_length is not None and depth - 1 > cert.path_length:
        yield errors.PATH_LENGTH


def _host_objections(leaf: Certificate, host: str) -> Iterator[ChainError]:
    if covers(host, leaf.dns_names, leaf.ip_addresses):
        return
    number = errors.ADDRESS if address(host) else errors.HOST
    named = leaf.dns_names or leaf.ip_addresses
    yield ChainError(number, 0, errors.key(number) if named else "no-alternative-names")


def _distinct(found: Iterable[ChainError]) -> tuple[ChainError, ...]:
    """In the order found, each number once for each depth."""
    return tuple({(error.number, error.depth): error for error in found}.values())


def openssl_verdict(seen: Iterable[tuple[int, int]], roots: Roots, at: datetime) -> Verdict:
    """The verdict of OpenSSL's own verification in the handshake (number, depth), at its default
    security level.

    It says nothing about names, which pyOpenSSL does not check.
    """
    found = _distinct(ChainError(number, depth, errors.key(number)) for number, depth in seen)
    return Verdict(rules="openssl", paths=roots.paths, ok=not found, errors=found, at=stamp(at))
