"""How does one TLS handshake go, with everything that can be seen of it?

It is driven through memory buffers over a `Stream`, so that the exact bytes, every verification
error with its depth, the chain even of a failed handshake, the certificate request and the alert's
number are at hand, and deadlines are asyncio's own. The verifier's callback takes note and lets the
handshake go on: the verdict is made afterwards, offline, and nothing is sent on the connection
unless it is good (`doctor.net.tls`).

The offer is a Go client's (crypto/tls, Go 1.27): TLS 1.2 or newer, forward-secret suites only, no
renegotiation, and also servers without RFC 5746. What OpenSSL would offer beyond that must not make
a server look healthy that Go cannot speak to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from doctor.facts.tls import Outcome
from doctor.facts.trust import KeyPair
from doctor.frozen import frozen
from doctor.net.lines import Stream

if TYPE_CHECKING:
    from OpenSSL import SSL

TLS10, TLS12 = 0x0301, 0x0303

# cipherSuitesPreferenceOrder without those that are off by default: crypto/tls/cipher_suites.go.
# The TLS 1.3 suites are OpenSSL's own default, which is Go's set.
GO_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
)
EVERY_CIPHER = b"ALL:COMPLEMENTOFALL:@SECLEVEL=0"

_MOST_BYTES = 1024 * 1024
"""A handshake of more bytes is given up; OpenSSL itself stops at a chain of 100 KiB."""
_KEPT = 512
_RECORDS = frozenset({0x14, 0x15, 0x16, 0x17})
_READ_ALERT = 0x4004  # SSL_CB_READ_ALERT (openssl/ssl.h)
_LEGACY_SERVER = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT
_NO_RENEGOTIATION = 0x40000000  # SSL_OP_NO_RENEGOTIATION
_REQUEST_STATE = b"read server certificate request"


@frozen
class Offer:
    """What the client says first."""

    name: str | None
    """The server name to send (SNI); None sends none."""
    variant: str = ""
    oldest: int = TLS12
    newest: int = 0
    """0: the newest that there is."""
    ciphers: bytes = GO_CIPHERS
    small: bool = False
    """Without the post-quantum key share, which fills a packet: about 350 bytes in place of about
    1550.
    """
    alpn: bool = True
    pair: KeyPair | None = None


@dataclass(slots=True, eq=False, repr=False)
class Greeting:
    """What one handshake gave. Holds the live connection, so it is no fact."""

    offer: Offer
    outcome: Outcome = "done"
    alert: int | None = None
    reason: str = ""
    received: int = 0
    first: bytes = b""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    requested: bool = False
    client_cas: tuple[str, ...] = ()
    staple: bytes = b""
    seen: list[tuple[int, int]] = field(default_factory=list)
    """(X509_V_ERR number, depth), all of them, by OpenSSL's rules against the context's store."""
    ders: tuple[bytes, ...] = ()
    """The chain as sent."""
    ms: float = 0.0
    secured: Secured | None = None
    """The stream over the finished handshake."""


class AlertError(ConnectionError):
    """The other side ended TLS with an alert after the handshake: in TLS 1.3 a missing client
    certificate shows only so.
    """

    def __init__(self, alert: int | None, reason: str) -> None:
        super().__init__(f"TLS alert {alert}" if alert is not None else f"TLS: {reason}")
        self.alert = alert


class Secured:
    """A stream inside a finished handshake. Whether HTTP may be spoken on it is decided by who made
    it.
    """

    def __init__(self, stream: Stream, connection: SSL.Connection, greeting: Greeting) -> None:
        self._stream = stream
        self._connection = connection
        self._greeting = greeting

    @property
    def peer(self) -> str:
        return self._stream.peer

    @property
    def alert(self) -> int | None:
        return self._greeting.alert

    async def read(self, limit: int = 65536) -> bytes:
        from OpenSSL import SSL

        while True:
            try:
                return self._connection.recv(limit)
            except SSL.WantReadError:
                await self._flush()
                data = await self._stream.read(65536)
                if not data:
                    return b""
                self._connection.bio_write(data)
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as trouble:
                with contextlib.suppress(OSError):
                    await self._flush()
                raise AlertError(self.alert, _reason(trouble)) from None

    async def write(self, data: bytes) -> None:
        from OpenSSL import SSL

        try:
            self._connection.sendall(data)
        except SSL.Error as trouble:
            raise AlertError(self.alert, _reason(trouble)) from None
        await self._flush()

    async def _flush(self) -> None:
        await _flush(self._connection, self._stream)

    async def close(self) -> None:
        from OpenSSL import SSL

        with contextlib.suppress(SSL.Error, OSError, TimeoutError):
            self._connection.shutdown()
            async with asyncio.timeout(0.1):
                await self._flush()
        await self._stream.close()


async def greet(
    stream: Stream,
    offer: Offer,
    seconds: float,
    *,
    meanwhile: Callable[[SSL.Context], None] | None = None,
) -> Greeting:
    """Shake hands on `stream` within `seconds`. `meanwhile` fills the context's store while the
    answer is under way.

    Never raises for what the other side does. The stream is closed unless the outcome is "done".
    """
    import time

    greeting = Greeting(offer)
    start = time.perf_counter()
    connection = _connection(offer, greeting)
    try:
        async with asyncio.timeout(seconds):
            await _shake(stream, connection, greeting, meanwhile)
    except TimeoutError:
        greeting.outcome = "timeout"
    except ConnectionError as trouble:
        greeting.outcome = "reset"
        greeting.reason = trouble.strerror or type(trouble).__name__
    except OSError as trouble:
        greeting.outcome = "closed"
        greeting.reason = trouble.strerror or type(trouble).__name__
    greeting.ms = (time.perf_counter() - start) * 1000
    _take_down(connection, greeting)
    if greeting.outcome == "done":
        greeting.secured = Secured(stream, connection, greeting)
    else:
        await stream.close()
    return greeting


def warm() -> None:
    """Import what a handshake needs, so that its time is not taken for the other side's."""
    import OpenSSL.SSL  # noqa: F401


def _connection(offer: Offer, greeting: Greeting) -> SSL.Connection:
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(offer.oldest)
    context.set_max_proto_version(offer.newest)
    context.set_cipher_list(offer.ciphers)
    context.set_options(_LEGACY_SERVER | _NO_RENEGOTIATION)
    if offer.alpn:
        context.set_alpn_protos([b"http/1.1"])
    if offer.small:
        from cryptography.hazmat.primitives.asymmetric import ec

        context.set_tmp_ecdh(ec.SECP256R1())
    if offer.pair is not None:
        context.use_certificate_chain_file(offer.pair.certificate)
        context.use_privatekey_file(offer.pair.key)

    def note(_: object, __: object, number: int, depth: int, good: int) -> bool:
        if not good:
            greeting.seen.append((number, depth))
        return True

    def follow(connection: SSL.Connection, where: int, value: int) -> None:
        if where & _READ_ALERT == _READ_ALERT and value >> 8 == 2:
            greeting.alert = value & 0xFF
        elif not greeting.requested:
            greeting.requested = _REQUEST_STATE in connection.get_state_string()

    def keep(_: object, staple: bytes, __: object) -> bool:
        greeting.staple = staple
        return True

    context.set_verify(SSL.VERIFY_PEER, note)
    context.set_info_callback(follow)
    context.set_ocsp_client_callback(keep)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    connection.request_ocsp()
    if offer.name is not None:
        connection.set_tlsext_host_name(offer.name.encode("idna"))
    return connection


async def _shake(
    stream: Stream,
    connection: SSL.Connection,
    greeting: Greeting,
    meanwhile: Callable[[SSL.Context], None] | None,
) -> None:
    from OpenSSL import SSL

    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            await _flush(connection, stream)
        except SSL.Error as trouble:
            greeting.outcome = "alert" if greeting.alert is not None else "refused"
            greeting.reason = _reason(trouble)
            with contextlib.suppress(OSError):
                await _flush(connection, stream)
            return
        else:
            await _flush(connection, stream)
            return
        if meanwhile is not None:
            meanwhile(connection.get_context())
            meanwhile = None
        data = await stream.read(65536)
        if not _take(data, greeting):
            await _more(stream, greeting)
            return
        connection.bio_write(data)


def _take(data: bytes, greeting: Greeting) -> bool:
    """Note what came. False: there is no point in going on."""
    before = greeting.received
    greeting.received += len(data)
    greeting.first += data[: max(0, _KEPT - before)]
    if not data:
        greeting.outcome = "closed"
    elif greeting.first[0] not in _RECORDS:
        greeting.outcome = "not-tls"
    elif greeting.received > _MOST_BYTES:
        greeting.outcome, greeting.reason = "refused", "more than 1 MiB"
    return greeting.outcome == "done"


async def _more(stream: Stream, greeting: Greeting) -> None:
    """A greeting in several pieces: wait a moment for enough of it to be recognised."""
    if greeting.outcome != "not-tls":
        return
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(0.2):
            while len(greeting.first) < 16 and (data := await stream.read(_KEPT)):
                greeting.first += data
                greeting.received += len(data)


async def _flush(connection: SSL.Connection, stream: Stream) -> None:
    from OpenSSL import SSL

    pending = b""
    with contextlib.suppress(SSL.WantReadError):
        while True:
            pending += connection.bio_read(65536)
    if pending:
        await stream.write(pending)


def _take_down(connection: SSL.Connection, greeting: Greeting) -> None:
    """What the connection can tell, whatever became of it."""
    from OpenSSL import crypto

    sent = connection.get_peer_cert_chain() or []
    greeting.ders = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) for cert in sent)
    if greeting.requested:
        names = connection.get_client_ca_list()
        greeting.client_cas = tuple(_name(name) for name in names[:20])
    if greeting.outcome == "done":
        greeting.version = connection.get_protocol_version_name()
        greeting.cipher = connection.get_cipher_name() or ""
        greeting.alpn = connection.get_alpn_proto_negotiated().decode("ascii", "replace")


def _name(name: Any) -> str:
    parts = name.get_components()
    return ", ".join(f"{key.decode()}={value.decode('utf-8', 'replace')}" for key, value in parts)


def _reason(trouble: Exception) -> str:
    """OpenSSL's own reason, for evidence only: its words change from version to version."""
    queue = trouble.args[0] if trouble.args and isinstance(trouble.args[0], list) else []
    return str(queue[0][-1]) if queue and queue[0] else type(trouble).__name__
