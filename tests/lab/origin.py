"""A server on loopback that answers as a test tells it to, and writes down what it was asked.

It speaks just enough HTTP/1.1 to be scripted byte by byte: what a test of hostile answers needs is
a server that a web framework would refuse to be. Requests are read whole before the script is
asked.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from doctor.credential import Credential, Kind
from doctor.model import Case, Facts, Hop, Role, Target
from doctor.net import Net
from doctor.net.lines import Stream
from doctor.redact import Secret
from doctor.reference import read_target


@dataclass(frozen=True)
class Request:
    """What arrived. Header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    connection: int = 0

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Script = Callable[[Request], bytes]
Raw = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Origin:
    """One server while it runs."""

    hop: Hop
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    @property
    def asked(self) -> list[str]:
        """`METHOD target` of every request, in order."""
        return [f"{r.method} {r.target}" for r in self.requests]


@asynccontextmanager
async def origin(
    script: Script | None = None,
    *,
    raw: Raw | None = None,
    role: Role = "registry",
    at: tuple[str, int] = ("127.0.0.1", 0),
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Origin]:
    """Run a server: `script` gives the bytes of each answer; `raw` writes them itself, and the
    connection ends after it. `at` another address than a free port on loopback, it may speak
    `tls`."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        number = state.connections
        try:
            while (request := await _read(reader, number)) is not None:
                state.requests.append(request)
                if raw is not None:
                    await raw(request, writer)
                    break
                assert script is not None
                answer = script(request)
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower():
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, *at, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    state = Origin(Hop(role, at[0], port, "https" if tls else "http"))
    try:
        yield state
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()


async def _read(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = await reader.readexactly(1)
        if not head.isalpha():  # the start of a TLS handshake: hang up, as a web server does
            return None
        head += await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body, connection)


def answer(
    status: int, body: bytes | Any = b"", *headers: tuple[str, str], head: bool = False
) -> bytes:
    """The bytes of an answer; a body that is not bytes is sent as JSON. `head`: the body is only
    counted."""
    fields = list(headers)
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        if not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("Content-Type", "application/json"))
    fields.append(("Content-Length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + (b"" if head else body)


class Plain:
    """An asyncio connection as a `doctor.net.lines.Stream`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def peer(self) -> str:
        host, port = self._writer.get_extra_info("peername")[:2]
        return f"{host}:{port}"

    async def read(self, limit: int = 65536) -> bytes:
        return await self._reader.read(limit)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()


def ready(net: Net, *hops: Hop) -> Net:
    """Let HTTP be spoken to these hops over plain TCP, as the layers below would."""

    async def as_it_is(stream: Stream) -> Stream:
        return stream

    for hop in hops:

        async def dial(hop: Hop = hop) -> Stream:
            return Plain(*await asyncio.open_connection(hop.host, hop.port))

        net.lines.dial_with(hop, dial)
        net.lines.wrap_with(hop, as_it_is)
    return net


def case_of(hop: Hop, image: str = "", **target: Any) -> Case:
    """A case for `image` (`repository:tag`) at that registry; no image: the bare host."""
    text = f"{hop.authority}/{image}"
    reference = read_target(text).reference if image else None
    return Case(Target(text=text, reference=reference, registry=hop, **target), Facts())


def credential(user: str, secret: str, kind: Kind = "password") -> Credential:
    return Credential(user, Secret(secret), kind, "a test")


async def walk(case: Case, net: Net) -> Case:
    """The registry's checks in the engine's order, each as far as the one before it allows."""
    for ask in (net.ping, net.authorize, net.anonymous, net.image, net.blob):
        fact = await ask(case)
        if fact is None:
            continue
        case.facts.add(fact)
        ready(net, *fact.leads_to)
        if not fact.ok:
            break
    return case
