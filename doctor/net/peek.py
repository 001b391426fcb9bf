"""What does a port say to a few plain words, and when there are none?

Four short looks, each on a connection of its own or on one that is given up afterwards. None ever
carries a credential.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
from typing import TYPE_CHECKING

from doctor.facts.http import KEPT_HEADERS
from doctor.facts.tls import HttpPeek
from doctor.redact import clip

if TYPE_CHECKING:
    from doctor.model import Hop
    from doctor.net import Net
    from doctor.net.lines import Stream

_HEAD = 16 * 1024
_BODY = 2048
_CUT = frozenset({errno.ECONNRESET, errno.ENOTCONN})
"""A reset that is quicker than the look at the new connection leaves ENOTCONN."""
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})\b")


async def plain_http(hop: Hop, net: Net, seconds: float = 3.0) -> HttpPeek | None:
    """GET /v2/ in plain HTTP on a fresh raw stream; None when what answers is not HTTP."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(net.patience(seconds)):
            stream = await net.lines.raw(hop)
            try:
                return await request(stream, hop, "GET")
            finally:
                await stream.close()
    return None


async def request(stream: Stream, hop: Hop, method: str) -> HttpPeek | None:
    """One uncredentialed request for /v2/ on this very stream; the caller sets the deadline and
    closes. OSError passes.
    """
    lines = (f"{method} /v2/ HTTP/1.1", f"Host: {hop.authority}", "User-Agent: registry-doctor")
    text = "\r\n".join((*lines, "Accept: */*", "Connection: close", "", ""))
    await stream.write(text.encode("ascii", "replace"))
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _HEAD:
        part = await stream.read(4096)
        if not part:
            break
        data += part
        if not b"HTTP/".startswith(data[:5]):
            break  # it speaks something else, and may have no more to say
    head, _, body = data.partition(b"\r\n\r\n")
    if _STATUS.match(head) and method != "HEAD":
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(0.5):
                while len(body) < _BODY and (part := await stream.read(_BODY)):
                    body += part
    return _parse(head, body)


def _parse(head: bytes, body: bytes) -> HttpPeek | None:
    found = _STATUS.match(head)
    if not found:
        return None
    headers = []
    for line in head.split(b"\r\n")[1:100]:
        name, colon, value = line.partition(b":")
        key = name.strip().lower().decode("latin-1")
        if colon and key in KEPT_HEADERS:
            headers.append((key, clip(value.strip().decode("latin-1"), 2000, cut=True)))
    text = clip(body.decode("utf-8", "replace"), _BODY, cut=True)
    return HttpPeek(status=int(found[1]), headers=tuple(headers), body=text)


async def stays_open(hop: Hop, net: Net, seconds: float = 0.3) -> bool | None:
    """Does a connection on which nothing is said stay open that long? A greeting counts as open, a
    cut that comes while the connection is made counts as the other; None: it cannot be had.
    """
    try:
        async with asyncio.timeout(net.patience(3.0)):
            stream = await net.lines.raw(hop)
    except (OSError, TimeoutError, KeyError) as trouble:
        return False if getattr(trouble, "errno", None) in _CUT else None
    try:
        async with asyncio.timeout(net.patience(seconds)):
            return bool(await stream.read(1))
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        await stream.close()
