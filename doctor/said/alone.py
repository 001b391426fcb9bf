"""What do a few words mean that are all somebody copied: `401 Unauthorized`, `connection refused`?

As the whole text they are taken for an error of a pull, which is what is asked about, and never for
certain. In a log they are anybody's.
"""

from __future__ import annotations

import re
from dataclasses import replace

from doctor.redact import plain
from doctor.said import Said, ambiguous, error

_LONGEST = 80
_AROUND = re.compile(
    r"(?:error:? |http(?:/[12](?:\.[01])?)? |status(?: code)?:? )*\(?(.*?)[\s.!:)]*"
)
_PHRASES = (
    *("unauthorized", "401 Unauthorized", "authentication required", "403 Forbidden"),
    *("connection refused", "connection reset by peer", "connection timed out", "i/o timeout"),
    *("no route to host", "network is unreachable", "TLS handshake timeout"),
    *("toomanyrequests", "429 Too Many Requests", "rate limit exceeded", "404 Not Found"),
    *("Client.Timeout exceeded while awaiting headers", "context deadline exceeded"),
    *("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"),
    *("504 Gateway Timeout", "407 Proxy Authentication Required"),
)
"""As the clients spell them."""
_SPELT = {
    **{phrase.lower(): phrase for phrase in _PHRASES},
    "forbidden": "403 Forbidden",
    "too many requests": "429 Too Many Requests",
}

_OTHERS = {
    "tcp.refused": ("proxy.unreachable",),
    "registry.timeout": ("tcp.timeout",),
    "auth.forbidden": ("registry.blocked",),
}
"""What the words around would rule out."""


def alone(text: str) -> tuple[Said, ...]:
    """The error, where the whole text is one of these phrases."""
    text = text.strip()
    found = _AROUND.fullmatch(text.lower()) if len(text) <= _LONGEST else None
    phrase = _SPELT.get(found[1]) if found else None
    if phrase is None:
        return ()
    said = error(phrase)
    others = _OTHERS.get("".join(said.codes[:1]), ())
    codes = tuple(dict.fromkeys((*said.codes, *others)))
    told = (*said.cannot_tell, ambiguous.ALONE)
    return (replace(said, text=plain(text), codes=codes, confidence="possible", cannot_tell=told),)
