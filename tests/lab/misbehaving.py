"""A registry that is in order but for one answer, and the answers that no real server would give.

It speaks TLS on loopback with a certificate of its own, so that whoever has its CA says everything
that clients say to a real one. Its token service and its layers are on the same host, unless it is
the storage that is bent, or the bent answer leads elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.certificates import authority, leaf, served
from tests.lab import distribution
from tests.lab.origin import Origin, Raw, Request, answer, origin
from tests.lab.thread import running

Place = Literal["v2", "token", "manifest", "manifest-get", "blob", "storage", "tags"]
"""Where it is bent; "manifest-get" leaves the `HEAD` of manifests in order, "storage" is another
host that layers are sent to."""
CLOSE = ("Connection", "close")
OCI = f"{distribution.OCI}.manifest.v1+json"
INDEX = f"{distribution.OCI}.index.v1+json"
BEARER = 'Bearer realm="https://{host}/token",service="lab"'


@dataclass(frozen=True)
class Registry:
    """A running one. `ca` is the file of its CA."""

    server: Origin
    ca: Path

    @property
    def image(self) -> str:
        return f"{self.server.hop.name}/{distribution.REPOSITORY}:1.0"


@contextlib.contextmanager
def registry(folder: Path, place: Place, bent: Raw) -> Iterator[Registry]:
    """A public registry; one that asks for a token where the token service is bent."""
    ca = authority()
    file = folder / "ca.pem"
    file.write_text(ca.pem)
    context = served(leaf(ca, "127.0.0.1"), folder)
    with contextlib.ExitStack() as stack:
        if place == "storage":
            storage = stack.enter_context(running(lambda: origin(raw=bent, tls=context)))
            place, bent = "blob", redirects(307, f"https://{storage.hop.name}/b?sig=x")
        server = stack.enter_context(
            running(lambda: origin(raw=_but_for(place, bent), tls=context))
        )
        yield Registry(server, file)


def _but_for(place: Place, bent: Raw) -> Raw:
    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        if meets(place, request):
            await bent(request, writer)
        elif place == "token" and "authorization" not in request.headers:
            writer.write(answer(401, b"", ("WWW-Authenticate", BEARER.format(host=_host(writer)))))
        elif place == "tags" and "/manifests/" in request.path:
            unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            writer.write(answer(404, unknown, CLOSE, head=request.method == "HEAD"))
        else:
            writer.write(in_order(request))
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    return reply


def meets(place: Place, request: Request) -> bool:
    """Is the request for what lies there?"""
    match place:
        case "v2":
            return request.path == "/v2/"
        case "token":
            return request.path == "/token"
        case "manifest-get":
            return "/manifests/" in request.path and request.method == "GET"
        case "tags":
            return request.path.endswith("/tags/list")
        case "blob" if request.path.endswith(distribution.digest(distribution.CONFIG)):
            return False
    return f"/{place}s/" in request.path


def _host(writer: asyncio.StreamWriter) -> str:
    host, port = writer.get_extra_info("sockname")[:2]
    return f"{host}:{port}"


def in_order(request: Request) -> bytes:
    """What a registry says that has the lab's image."""
    head = request.method == "HEAD"
    if request.path == "/v2/":
        return answer(200, {}, CLOSE)
    if request.path == "/token":
        return answer(200, {"token": "a-token-of-the-lab", "expires_in": 300}, CLOSE)
    if "/manifests/" in request.path:
        kind, digest = ("Content-Type", OCI), distribution.digest(distribution.AMD64)
        return answer(
            200, distribution.AMD64, kind, ("Docker-Content-Digest", digest), CLOSE, head=head
        )
    if request.path.endswith(distribution.digest(distribution.CONFIG)):
        return answer(200, distribution.CONFIG, CLOSE)
    if "/blobs/" in request.path:
        length = len(distribution.LAYER)
        part = ("Content-Range", f"bytes 0-0/{length}")
        return answer(206, distribution.LAYER[:1], part, CLOSE)
    return answer(404, {"errors": [{"code": "NAME_UNKNOWN", "message": "?"}]}, CLOSE, head=head)


def says(*parts: bytes) -> Raw:
    """These bytes, and the connection's end."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))

    return write


def head(status: int, *lines: bytes, phrase: bytes = b"Status") -> bytes:
    """The start of an answer, as it is; no length is told."""
    return b"HTTP/1.1 %d %s\r\n%s\r\n" % (
        status,
        phrase,
        b"".join(line + b"\r\n" for line in lines),
    )


def whole(status: int, body: bytes, *lines: bytes, phrase: bytes = b"Status") -> Raw:
    """An answer with its length; header lines and body are sent as they are."""
    return says(head(status, *lines, b"Content-Length: %d" % len(body), phrase=phrase), body)


def tells(status: int, document: Any, *lines: bytes) -> Raw:
    """An answer whose body is JSON (what Python calls NaN is left to it), of that type unless
    `lines` say another."""
    named = any(line.lower().startswith(b"content-type:") for line in lines)
    kind = () if named else (b"Content-Type: application/json",)
    return whole(status, json.dumps(document).encode(), *kind, *lines)


def endless(start: bytes, piece: bytes) -> Raw:
    """`start`, then `piece` as long as anybody listens."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.transport.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return write


def drips(start: bytes, piece: bytes, seconds: float = 0.3) -> Raw:
    """`start`, then `piece` again and again, slowly."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.transport.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return write


def redirects(status: int, location: str | Callable[[Request], str]) -> Raw:
    """To the address; `{host}` in it is this server's own."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        place = location if isinstance(location, str) else location(request)
        where = place.replace("{host}", _host(writer))
        writer.write(answer(status, b"", ("Location", where), CLOSE))

    return write


def challenges(*values: bytes) -> Raw:
    """401 with these challenges; `{host}` in them is this server's own."""

    async def write(request: Request, writer: asyncio.StreamWriter) -> None:
        host = _host(writer).encode()
        lines = [b"WWW-Authenticate: " + value.replace(b"{host}", host) for value in values]
        await whole(401, b"", *lines)(request, writer)

    return write
