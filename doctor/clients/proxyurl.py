"""Does this value name a usable proxy, what would Go make of it, and what was probably meant?

Go (golang.org/x/net/http/httpproxy, parseProxy) takes a value that is no URL with a host for one
without `http://`, and a value that fails even so for none at all: the request then goes direct
without a word. Which of the two happens depends on the grammar of Go's net/url (`gourl`). Passwords
with characters that must be percent-encoded are the usual reason; nothing of what stands before an
`@` is ever shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from doctor.clients.gourl import RefusedError, Url, host_and_port, parse
from doctor.facts.proxy import Flaw, ProxyScheme, ProxySetting
from doctor.frozen import frozen
from doctor.redact import Secret
from doctor.reference.userinfo import learn_alone

PORTS: dict[str, int] = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""net/http/transport.go, portMap."""
_SCHEMES: dict[str, ProxyScheme] = {
    "http": "http",
    "https": "https",
    "socks5": "socks5",
    "socks5h": "socks5h",
}
_SOME_SCHEME = r"(?i)([a-z][a-z0-9+.-]*)(?::/+|//)|(https?|socks5h?):(?!\d)"
_NAME = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+(%25[\w.~-]+)?\]"


@frozen
class Reading:
    """A value taken apart. Exactly one of `setting` and `flaw` is there. `user` and `password` are
    percent-decoded."""

    setting: ProxySetting | None = None
    flaw: Flaw | None = None
    user: str = ""
    password: Secret | None = None


def read(value: str, origin: str) -> Reading:
    """Take the value of a setting apart. Its user information is told to the gate of secrets,
    whatever the rest is like."""
    hidden = _hide(value)
    try:
        url, ignored, why = _go_parse(value)
    except RefusedError as refusal:
        url, ignored, why = None, True, str(refusal)
    if url is None or why:
        return Reading(flaw=_flaw(value, origin, why, ignored))
    name, _, port = host_and_port(url.host)
    problem = _problem(url, name, port)
    if problem:
        return Reading(flaw=_flaw(value, origin, problem, False))
    scheme = _SCHEMES[url.scheme]
    user, mark, _ = (url.userinfo or "").partition(":")
    setting = ProxySetting(
        scheme=scheme,
        host=name.strip("[]").lower(),
        port=int(port or PORTS[scheme]),
        user=None if url.userinfo is None else unquote(user),
        password=bool(mark),
        origin=origin,
    )
    return Reading(setting, None, unquote(user), hidden)


def shown(value: str) -> str:
    """The value without user information: nothing before the last `@`, and no port that is none,
    may be a password."""
    start, mark, rest = value.partition("://")
    start, rest = (f"{start}://", rest) if mark and "@" not in start else ("", value)
    rest = rest.rpartition("@")[2]
    return start + re.sub(r":(?!\d{1,5}(?!\w))(?!//)[^/\]]*(?=/|$)", ":…", rest)


def authorization(user: str, password: Secret | None) -> Secret:
    """The value of `Proxy-Authorization` that Go sends: Basic, whatever the proxy asks for."""
    import base64

    text = f"{user}:{password.reveal() if password else ''}"
    return Secret("Basic " + base64.b64encode(text.encode()).decode())


def _hide(value: str) -> Secret | None:
    """Make a secret of the password, as it stands and decoded."""
    before, mark, _ = value.rpartition("@")
    if not mark:
        return None
    before = before.partition("://")[2] or before
    user, _, password = before.partition(":")
    if not password:
        learn_alone(user)
    Secret(password)
    return Secret(unquote(password)) if password else None


def _go_parse(value: str) -> tuple[Url | None, bool, str]:
    """(URL, ignored by Go, what is wrong). With something wrong and not ignored, Go uses the value
    and fails."""
    first: RefusedError | None = None
    url = Url()
    try:
        url = parse(value)
    except RefusedError as refusal:
        first = refusal
    if first is None and url.scheme and url.host:
        return url, False, ""
    try:
        again = parse(f"http://{value}")
    except RefusedError as refusal:
        if first is None:
            return None, False, str(refusal)
        raise (refusal if "://" not in value else first) from None
    if "://" in value:
        return None, False, str(first) if first else "names no host"
    return again, False, "" if again.host else "names no host"


def _problem(url: Url, name: str, port: str) -> str:
    """What keeps a value that Go parses from working."""
    if url.scheme not in _SCHEMES:
        return f"has the scheme {url.scheme}, which is none of http, https, socks5, socks5h"
    if not name:
        return "names no host"
    if name in _SCHEMES:
        return f"names the host {name}, where only a scheme can be meant"
    if not re.fullmatch(_NAME, name) or len(name) > 253:
        return "has a host name with a character that no host name holds"
    if port and not 0 < int(port[:6]) < 65536:
        return "has a port that is not between 1 and 65535"
    return ""


def _flaw(value: str, origin: str, problem: str, ignored: bool) -> Flaw:
    rest = value.rpartition("@")[0].partition("://")[2] or value.rpartition("@")[0]
    if "@" in value and "percent-encoded" not in problem and re.search(r"[/?#\\ ]", rest):
        problem = "has a user name or password with a character that must be percent-encoded"
    return Flaw(
        origin=origin,
        value=shown(value),
        problem=problem,
        corrected=_corrected(value),
        user="@" in value,
        ignored=ignored,
    )


def _corrected(value: str) -> str:
    """The value as it was probably meant, without user information; empty where it names no
    host."""
    from difflib import get_close_matches

    text = value.strip().strip("\"'").strip()
    scheme, rest = "http", text
    while (found := re.match(_SOME_SCHEME, rest)) is not None:
        scheme, rest = (found[1] or found[2]).lower(), rest[found.end() :]
    if scheme not in _SCHEMES:
        near = "socks5" if scheme.startswith("socks") else ""
        scheme = near or (get_close_matches(scheme, ("http", "https"), 1) or ["http"])[0]
    rest = rest.rpartition("@")[2].partition("/")[0].strip()
    name, _, port = host_and_port(rest)
    if name.count(":") > 1 and not name.startswith("["):
        name, port = f"[{rest}]", ""
    if not re.fullmatch(_NAME, name) or (port and not (port.isascii() and port.isdigit())):
        return ""
    if port and not 0 < int(port[:6]) < 65536:
        return ""
    return f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"
