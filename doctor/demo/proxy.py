"""How does the demo's proxy take a CONNECT?

As Squid answers: a status, its own error header and a page. It leads to the demo's own servers and
nowhere else, so it is of no use to anybody who finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from doctor.demo.faults import Proxy
from doctor.demo.listening import LOOPBACK, Answer, Request, read

_PAGE = (
    "<html><head><title>ERROR: The requested URL could not be retrieved</title></head>"
    "<body><p>{}</p></body></html>"
)
_SERVER = ("Server", "squid/6.10")


@dataclass
class Forward:
    """A proxy for these hosts: `HOST:PORT` to the port on loopback."""

    does: Proxy
    ways: Callable[[], Mapping[str, int]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        request = await read(reader)
        if request is None:
            return
        answer = self._refusal(request)
        port = self.ways().get(request.target)
        if answer is None and port is None:
            answer = _error(503, "ERR_DNS_FAIL 0", "Unable to determine IP address.")
        if answer is not None:
            writer.write(answer.encoded(head=False))
            await writer.drain()
            return
        inner, outer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass(reader, outer), _pass(inner, writer))
        finally:
            outer.transport.abort()

    def _refusal(self, request: Request) -> Answer | None:
        close = ("Connection", "close")
        if self.does == "web-server" or request.method != "CONNECT":
            page = b"<html><head><title>Welcome to nginx!</title></head></html>"
            html = ("Content-Type", "text/html")
            return Answer(405, page, (("Server", "nginx"), html, close))
        if self.does == "denies":
            return _error(403, "ERR_ACCESS_DENIED 0", "Access Denied.")
        if self.does == "no-way-out":
            return _error(503, "ERR_CONNECT_FAIL 110", "Connection to the host failed.")
        if self.does == "wants-login":
            wants = ("Proxy-Authenticate", 'Basic realm="Demo proxy"')
            said = "Cache Access Denied."
            return _error(407, "ERR_CACHE_ACCESS_DENIED 0", said, wants)
        return None


def _error(status: int, error: str, text: str, *more: tuple[str, str]) -> Answer:
    html = ("Content-Type", "text/html;charset=utf-8")
    headers = (_SERVER, html, ("X-Squid-Error", error), ("Connection", "close"), *more)
    return Answer(status, _PAGE.format(text).encode(), headers)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
