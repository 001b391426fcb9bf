"""What does Go's net/url make of a text (src/net/url/url.go, parse)?

Its refusals decide what a client does with a setting: a value that it does not parse is passed over
or keeps a daemon from starting.
"""

from __future__ import annotations

import re

from doctor.frozen import frozen

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_NOT_HOST = re.compile(r"[\x00-\x20\\^`{|}/?#@\x7f]|%(?!25|[89A-Fa-f])")


@frozen
class Url:
    """Its parts as they are written; `host` with its port. What an opaque URL holds is left out."""

    scheme: str = ""
    userinfo: str | None = None
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""


class RefusedError(ValueError):
    """Go's url.Parse returns an error. The text says what is wrong, in words about the value: a
    verb and no more of the value than that."""


def parse(text: str) -> Url:
    """net/url.Parse. Raises RefusedError where it returns an error."""
    raw, _, fragment = text.partition("#")
    if _CONTROL.search(raw):
        raise RefusedError("holds a control character, such as a line end")
    found = _SCHEME.fullmatch(raw)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", raw)
    if not found and raw.startswith(":"):
        raise RefusedError("starts with a colon")
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme)
        if ":" in rest.partition("/")[0]:
            raise RefusedError("is no URL")
    userinfo, host = None, ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        userinfo, host = _authority(authority)
    if _ESCAPE.search(rest) or _ESCAPE.search(fragment):
        raise RefusedError("holds a % that is not followed by two hexadecimal digits")
    return Url(scheme, userinfo, host, rest, query, fragment)


def _authority(authority: str) -> tuple[str | None, str]:
    userinfo, mark, host = authority.rpartition("@")
    name, colon, port = host_and_port(host)
    if host.startswith("[") and "]" not in host:
        raise RefusedError("opens a bracket [ that is not closed")
    if colon and not (port == "" or (port.isascii() and port.isdigit())):
        raise RefusedError("has a port that is no number")
    if _NOT_HOST.search(name):
        raise RefusedError(
            "has a host name with a space or another character that no host name holds"
        )
    if not mark:
        return None, host
    if not _USERINFO.fullmatch(userinfo):
        raise RefusedError(
            "has a user name or password with a character that must be percent-encoded"
        )
    if _ESCAPE.search(userinfo):
        raise RefusedError("has a user name or password with a % that must be written %25")
    return userinfo, host


def host_and_port(host: str) -> tuple[str, str, str]:
    """The name (a bracketed address with its brackets), the colon, the port."""
    if host.startswith("[") and "]" in host:
        end = host.rindex("]") + 1
        return host[:end], host[end : end + 1], host[end + 1 :]
    name, colon, port = host.rpartition(":")
    return (name, colon, port) if colon else (host, "", "")
