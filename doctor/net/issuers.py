"""Can a certificate that the server did not send be had from the address that the chain names for
it?

Authority Information Access (RFC 5280 section 4.2.2.1) names where an issuer's certificate lies.
Browsers fetch it, container clients do not, so success is the proof of an incomplete chain. The
address stands in a certificate that nobody has verified: it is fetched over plain HTTP only,
without redirects, with little patience and few bytes, and never from loopback, private or
link-local addresses unless the registry itself is at such a one. What comes back is trusted for
nothing: it only fills a gap between the server's certificate and a root that the client holds.

The fetch goes direct, by httpx, to the address that was looked at. Where only a proxy has a way out
it ends in a timeout, and the evidence says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from doctor.facts.tls import IssuerFetch

if TYPE_CHECKING:
    from cryptography import x509

    from doctor.net import Net

MOST = 4
_BYTES = 64 * 1024
_SECONDS = 3.0


async def fetch(
    url: str, net: Net, *, inside: bool
) -> tuple[IssuerFetch, tuple[x509.Certificate, ...]]:
    """Get the certificates at `url`. `inside`: the registry itself is in a private network."""
    from doctor.pki.certificate import describe, fingerprint, parse

    try:
        async with asyncio.timeout(net.patience(_SECONDS)):
            data = await _get(url, inside, net)
    except _NotFetched as why:
        return IssuerFetch(url=url, outcome=str(why)), ()
    except TimeoutError:
        return IssuerFetch(url=url, outcome="no answer in time (fetched without a proxy)"), ()
    except OSError as trouble:
        return IssuerFetch(url=url, outcome=trouble.strerror or type(trouble).__name__), ()
    except UnicodeError:
        return IssuerFetch(url=url, outcome="the address names no host that DNS can have"), ()
    found = parse(data)
    if not found:
        return IssuerFetch(url=url, outcome="no certificate there"), ()
    first = describe(found[0])
    return (
        IssuerFetch(
            url=url, outcome="fetched", sha256=fingerprint(found[0]), subject=first.subject
        ),
        found,
    )


class _NotFetched(Exception):  # noqa: N818
    """Why an address is not fetched from, or what it gave in place of a certificate."""


async def _get(url: str, inside: bool, net: Net) -> bytes:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise _NotFetched("the address is no URL") from None
    if parts.scheme != "http" or not host:
        raise _NotFetched("only http:// addresses are fetched")
    address = await _resolve(host, port, inside, net)
    return await _fetched(parts, address)


async def _fetched(parts: SplitResult, address: str) -> bytes:
    """What is there, from that address and under the name in the URL."""
    import ssl

    import httpx

    place = f"[{address}]" if ":" in address else address
    there = parts._replace(netloc=f"{place}:{parts.port or 80}", fragment="").geturl()
    headers = {"Host": parts.netloc.rpartition("@")[2], "Accept-Encoding": "identity"}
    trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # plain HTTP needs no store
    try:
        async with (
            httpx.AsyncClient(trust_env=False, verify=trusting_nobody) as client,
            client.stream("GET", there, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise _NotFetched(f"HTTP {answer.status_code}")
            return await _body(answer.aiter_raw())
    except (httpx.InvalidURL, httpx.LocalProtocolError):
        raise _NotFetched("the address is no URL") from None
    except httpx.HTTPError as trouble:
        raise _NotFetched(_reason(trouble)) from None


async def _body(pieces: AsyncIterator[bytes]) -> bytes:
    data = b""
    async for piece in pieces:
        data += piece
        if len(data) > _BYTES:
            raise _NotFetched("more than 64 KiB")
    return data


def _reason(trouble: BaseException) -> str:
    """What the system said, which lies below the words of httpx and of asyncio."""
    while below := trouble.__cause__ or trouble.__context__:
        trouble = below
    number = trouble.errno if isinstance(trouble, OSError) else None
    return os.strerror(number) if number else "no HTTP answer"


async def _resolve(host: str, port: int, inside: bool, net: Net) -> str:
    from doctor.net import daemon, headstart, resolvconf

    if net.look_up is None and resolvconf.ends_programs():
        raise _NotFetched("no name can be looked up here")
    look_up = net.look_up or headstart.addresses
    found, _ = await daemon.begin(lambda: look_up(host.strip("[]"), port))
    allowed = [address for address in found if inside or is_public(address)]
    if not allowed:
        raise _NotFetched("the address leads into a private network")
    return allowed[0]


def is_public(address: str) -> bool:
    """Is the literal address one of the public Internet?"""
    with contextlib.suppress(ValueError):
        place = ipaddress.ip_address(address.split("%")[0])
        mapped = place.ipv4_mapped if isinstance(place, ipaddress.IPv6Address) else None
        return (mapped or place).is_global and not place.is_multicast
    return False
