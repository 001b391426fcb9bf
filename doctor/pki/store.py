"""Which CA certificates does a client on this machine trust?

Go on Linux (src/crypto/x509/root_linux.go and root_unix.go, 1.27) takes the first readable file of
a fixed list *and* every file of fixed directories. `SSL_CERT_FILE` replaces the list of files,
`SSL_CERT_DIR` (parted by colons) the list of directories; a file that is missing or holds nothing
is passed over in silence, which is how a typing error becomes "unknown authority". Only
`CERTIFICATE` blocks without headers count: OpenSSL's `TRUSTED CERTIFICATE` blocks, which Red Hat's
directory holds, do not.

On macOS Go asks the system; its keychains are no files, so there the description says that it is
not complete.

Loading the one bundle takes 4-8 ms, reading the directories several times that. So the bundle is
loaded first, and the directories are read only when it does not verify the chain: `Roots.widen`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.facts.trust import CaFault, Problem, TrustFact, TrustStore
from doctor.pki.certificate import pem_blocks
from doctor.root import located, read

if TYPE_CHECKING:
    from cryptography import x509
    from OpenSSL import SSL
    from OpenSSL.crypto import X509, X509Store

FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")

_LARGEST = 16 * 1024 * 1024
_MOST_FILES = 4000
_NO_CHECK_TIME = (
    0x200000  # X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h); pyOpenSSL has no name for it
)


def go_store(
    root: Path,
    env: Mapping[str, str],
    extra_ca: Iterable[str] = (),
    *,
    client: str = "shell",
    platform: str = sys.platform,
) -> TrustFact:
    """What a Go program started here would trust, and `extra_ca` (files that are tried with, on
    this machine) besides.
    """
    stores: list[TrustStore] = []
    faults: list[CaFault] = []
    chosen = env.get("SSL_CERT_FILE", "")
    if chosen:
        take(TrustStore("SSL_CERT_FILE", chosen, "file", _below(root, chosen)), stores, faults)
    else:
        first = next((file for file in FILES if _readable(_below(root, file))), None)
        if first is not None:
            stores.append(TrustStore("system", first, "file", _below(root, first)))
    for extra in extra_ca:
        take(TrustStore("--ca", extra, "file", extra), stores, faults)
    listed = env.get("SSL_CERT_DIR", "")
    for folder in listed.split(":") if listed else DIRECTORIES:
        place = _below(root, folder)
        if os.path.isdir(place):
            label = "SSL_CERT_DIR" if listed else "system"
            inside = str(root) if str(root) != "/" else ""
            stores.append(TrustStore(label, folder, "directory", place, inside))
        elif listed and folder:
            there = os.path.exists(place)
            faults.append(
                CaFault("SSL_CERT_DIR", folder, "not-a-directory" if there else "missing")
            )
    return TrustFact(
        client=client,
        stores=tuple(stores),
        faults=tuple(faults),
        complete=platform != "darwin" or str(root) != "/",
    )


def _below(root: Path, path: str) -> str:
    """Where the client's path lies for this process. A relative path is this process's own."""
    return located(str(root), path) if path.startswith("/") else path


def take(store: TrustStore, stores: list[TrustStore], faults: list[CaFault]) -> None:
    problem = ca_problem(store.source)
    if problem is None:
        stores.append(store)
    else:
        faults.append(CaFault(store.label, store.path, problem))


def ca_problem(path: str) -> Problem | None:
    """What keeps the file from being a CA file, or None: it holds at least one certificate."""
    problem = _problem(path)
    if problem is not None:
        return problem
    data = _content(path)
    if not data.strip():
        return "empty"
    if any(True for _ in _certificates(data)):
        return None
    return "not-a-line" if any(True for _ in _certificates(_lined(data))) else "no-certificate"


def _lined(data: bytes) -> bytes:
    """The text with each first and last line of a block on a line of its own."""
    apart = data.removeprefix(_BOM).replace(b"----------", b"-----\n-----")
    return b"\n".join(line.strip() for line in apart.splitlines())


_BOM = b"\xef\xbb\xbf"
"""OpenSSL passes over it, Go does not."""


def _problem(path: str) -> Problem | None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):
        return "unreadable"
    if not stat.S_ISREG(mode):
        return "not-a-file"
    return None if os.access(path, os.R_OK) else "unreadable"


def _readable(path: str) -> bool:
    return _problem(path) is None


def _content(path: str) -> bytes:
    """The file's bytes, at most 16 MiB; b"" when it is no regular file or cannot be read."""
    try:
        return read("/", path, _LARGEST).data
    except (OSError, ValueError):
        return b""


def _certificates(data: bytes) -> Iterator[X509]:
    """What OpenSSL can read of a bundle; cryptography would warn aloud of each odd serial number in
    it.
    """
    from OpenSSL import crypto

    for der in pem_blocks(data):
        try:
            yield crypto.load_certificate(crypto.FILETYPE_ASN1, der)
        except crypto.Error:
            continue


def _files(store: TrustStore) -> Iterator[str]:
    """The files that Go reads in a directory: not the links to names of the same directory
    (OpenSSL's hashes).
    """
    folder = store.source
    try:
        names = sorted(os.listdir(folder))[:_MOST_FILES]
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            if os.path.islink(path) and "/" not in os.readlink(path):
                continue
        except OSError:
            continue
        yield _below(Path(store.root), f"{store.path}/{name}") if store.root else path


class Roots:
    """The certificates of a client's stores, loaded as far as they were needed."""

    def __init__(self, stores: Iterable[TrustStore]) -> None:
        listed = tuple(stores)
        self.files = tuple(store for store in listed if store.kind == "file")
        self.directories = tuple(store for store in listed if store.kind == "directory")
        self.wide = not self.directories
        self._store: X509Store | None = None
        self._untimed: X509Store | None = None
        self._context: SSL.Context | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """What has been consulted so far."""
        return tuple(
            store.path for store in (*self.files, *(self.directories if self.wide else ()))
        )

    def store(self) -> X509Store:
        """What verifies, at an instant that the caller sets; partial chains count, as they do for
        Go.
        """
        from OpenSSL import crypto

        if self._store is None:
            self._store = self._load(crypto.X509Store())
        self._store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        return self._store

    def fill(self, context: SSL.Context) -> None:
        """Load into a handshake's own store, and verify with that one from now on.

        The context is kept: pyOpenSSL's `get_cert_store` does not count the reference that it gives
        away.
        """
        store = context.get_cert_store()
        if store is not None:
            self._context, self._store = context, self._load(store)

    def untimed(self) -> X509Store:
        """The same certificates, for verification that does not look at dates."""
        from OpenSSL import crypto

        if self._untimed is None:
            self._untimed = self._load(crypto.X509Store())
            self._untimed.set_flags(_NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN)
        return self._untimed

    def widen(self) -> bool:
        """Consult the directories too. False: there is nothing more to consult."""
        if self.wide:
            return False
        self.wide = True
        self._store = self._untimed = None
        return True

    def named(self, subject: bytes) -> Iterator[x509.Certificate]:
        """The certificates of the consulted stores with this subject (DER)."""
        from doctor.pki.certificate import from_der

        for data in self._contents():
            for der in pem_blocks(data):
                cert = from_der(der) if subject in der else None
                if cert is not None and cert.subject.public_bytes() == subject:
                    yield cert

    def count(self) -> int:
        """How many certificates the consulted stores hold, repeated ones counted again."""
        return sum(data.count(b"-----BEGIN CERTIFICATE-----") for data in self._contents())

    def _contents(self) -> Iterator[bytes]:
        for store in self.files:
            yield _content(store.source)
        for store in self.directories if self.wide else ():
            for path in _files(store):
                yield _content(path)

    def _load(self, store: X509Store) -> X509Store:
        for place in self.files:
            data = _content(place.source)
            odd = b"BEGIN TRUSTED CERTIFICATE" in data or data.startswith(_BOM)
            if odd or not _load_quickly(store, place.source):
                _add(store, _certificates(data))
        if self.wide:
            for folder in self.directories:
                for path in _files(folder):
                    _add(store, _certificates(_content(path)))
        return store


def _load_quickly(store: X509Store, path: str) -> bool:
    """OpenSSL's own reader: one unreadable block makes it give up, so False means to read block by
    block.
    """
    from OpenSSL import crypto

    try:
        store.load_locations(path)
    except crypto.Error:
        return False
    return True


def _add(store: X509Store, certificates: Iterable[X509]) -> None:
    from OpenSSL import crypto

    for cert in certificates:
        try:
            store.add_cert(cert)
        except crypto.Error:
            continue
