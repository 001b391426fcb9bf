"""What does a body say: how is it packed, which error, which title, and does it hold a token?

It is foreign: bounded by who read it, parsed here without trust, and every word that is kept is
scrubbed. JSON may be nested until the parser gives up; that is no JSON then, not a crash.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from doctor.redact import MASK, Secret, clip, scrub

_LOOKED_AT = 65_536
_SHORTEST = 4
"""A shorter echo is not looked for, as in `doctor.redact`."""


def forms(authorization: Secret | None, form: Secret | None) -> tuple[str, ...]:
    """In which forms may a server echo the secret that it was sent? Longest first."""
    found: set[str] = set()
    if authorization is not None:
        value = authorization.reveal()
        scheme, _, rest = value.partition(" ")
        found |= {value, rest}
        if scheme == "Basic":
            pair = base64.b64decode(rest + "==").decode("utf-8", "replace")
            found |= {pair, pair.partition(":")[2]}
    if form is not None:
        found |= {form.reveal(), dict(parse_qsl(form.reveal())).get("refresh_token", "")}
    return tuple(sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True))


def unsaid(text: str, sent: tuple[str, ...]) -> str:
    """The text without an echo of what was sent. Cheap enough for every header; bodies are scrubbed
    as well."""
    for each in sent:
        text = text.replace(each, MASK)
    return text


def unpacking(headers: tuple[tuple[str, str], ...]) -> Callable[[bytes, int], bytes] | None:
    """How a body is unpacked that came packed although nobody asked for that, as storage does with
    what was put there so: Go unpacks gzip, and nothing else (net/http/transport.go). At most that
    many bytes come of a piece; what does not unpack stays as it is."""
    packed = [value.strip().lower() for name, value in headers if name == "content-encoding"]
    if packed != ["gzip"]:
        return None
    import zlib

    stream = zlib.decompressobj(31)

    def unpack(piece: bytes, most: int) -> bytes:
        try:
            return stream.decompress(piece, most)
        except zlib.error:
            return piece

    return unpack


def holds_token(content: bytes) -> bool:
    found = read_json(content)
    secret = ("token", "access_token", "refresh_token", "id_token")
    return isinstance(found, dict) and any(found.get(name) for name in secret)


def named(content: bytes) -> str:
    """The names in a JSON object, without what they stand for; nothing of any other text."""
    found = read_json(content)
    names = [str(name)[:40] for name in found][:8] if isinstance(found, dict) else []
    return scrub("{" + ", ".join(f'"{name}": …' for name in names) + "}") if names else ""


def read_json(content: bytes) -> Any:
    """What the bytes say as JSON, or None where they are none: bad UTF-8, endless numbers and deep
    nesting included."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def error_of(content: bytes) -> tuple[str, str]:
    """The first error's code and message in a body, bounded and scrubbed; empty where there are
    none.

    Forms: `{"errors": [{"code", "message", "detail"}]}` (distribution specification), OAuth 2's
    `error` and `error_description`, the single `message`, `detail` or `details` that older
    registries and token services send, and the XML `<Code>` and `<Message>` of S3, Azure and Google
    storage.
    """
    if content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        code, message = _element(content, b"Code"), _element(content, b"Message")
        return (code, message) if code and " " not in code else ("", "")
    found = read_json(content)
    if not isinstance(found, dict):
        return "", ""
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else found
    if isinstance(first, str):
        return "", clip(first, 300)
    if not isinstance(first, dict):
        return "", ""
    names = ("message", "error_description", "detail", "details")
    message = next((v for n in names if isinstance(v := first.get(n), str) and v), "")
    code = next((v for n in ("code", "error") if isinstance(v := first.get(n), str)), "")
    return clip(code, 64), clip(message, 300)


def _element(content: bytes, name: bytes) -> str:
    found = re.search(rb"<%s>([^<]{1,300})</" % name, content[:_LOOKED_AT])
    return scrub(found[1].decode("utf-8", "replace").strip()) if found else ""


def title_of(content: bytes) -> str:
    from html import unescape

    found = re.search(rb"<title[^>]{0,200}>([^<]{1,400})", content[:_LOOKED_AT], re.IGNORECASE)
    text = " ".join(unescape(found[1].decode("utf-8", "replace")).split()) if found else ""
    return clip(text, 120, cut=True)
