"""What does a proxy's answer to CONNECT mean?

The status alone does not say: 404 is a web server's word for a method it does not know and some
proxies' for a host that they cannot find, a 302 leads to a block page, a 200 with a page is no
tunnel. So the headers that only proxies send, the software's name and the page's words are read as
well. Pure: bytes in, a fact out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from doctor.facts.proxy import Outcome, Speaks, TunnelFact
from doctor.net.location import names
from doctor.redact import clip, plain

_KEPT = frozenset(
    {
        *("proxy-authenticate", "proxy-agent", "proxy-connection", "proxy-status", "via", "server"),
        *("x-squid-error", "x-cache", "x-cache-lookup", "date", "content-type", "content-length"),
        *("location", "allow", "retry-after", "x-error", "x-block-reason", "www-authenticate"),
    }
)
_SIGNS = ("proxy-authenticate", "proxy-agent", "proxy-status", "x-squid-error", "via")
_PRODUCTS = re.compile(
    r"squid|tinyproxy|privoxy|mitmproxy|3proxy|ccproxy|blue ?coat|proxysg|zscaler|forcepoint"
    r"|mcafee|web ?gateway|fortiproxy|fortigate|sophos|ironport|traffic ?server|proxy",
    re.IGNORECASE,
)
_BLOCKED = re.compile(
    r"block|denied|deny|forbid|polic|not allowed|prohibit|restrict", re.IGNORECASE
)
_STATUS = re.compile(rb"HTTP/\d\.\d[ \t]+(\d{3})(?:[ \t]+([^\r\n]*))?\r?\n")


@dataclass(slots=True)
class Head:
    """An HTTP answer's head as far as it came. `rest`: what came behind it."""

    data: bytes = b""
    status: int | None = None
    phrase: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    rest: bytes = b""


def take(head: Head, data: bytes, rest: bytes) -> None:
    """Take the status line and the headers worth keeping out of a whole head."""
    status = _STATUS.match(data)
    if status is None:
        return
    head.status = int(status[1])
    head.phrase = clip((status[2] or b"").decode("utf-8", "replace").strip(), 200)
    head.rest = rest
    pairs = (
        line.partition(":") for line in data[status.end() :].decode("utf-8", "replace").splitlines()
    )
    kept = (
        (name.strip().lower(), clip(value.strip(), 500)) for name, _, value in list(pairs)[:200]
    )
    head.headers = tuple(
        (name, _without_values(value) if name == "location" else value)
        for name, value in kept
        if name in _KEPT
    )[:40]


def _without_values(location: str) -> str:
    """A block page's address often names the user and the machine in its query: parameter names
    only."""
    place, mark, query = location.partition("?")
    place = re.sub(r"//[^/]*@", "//", place)
    return place + mark + names(query)


def page_follows(head: Head) -> bool:
    """Does this 200 announce a page? A tunnel's answer has no body, whatever its headers say (RFC
    9110 section 9.3.6)."""
    headers = dict(head.headers)
    page = headers.get("content-type", "").partition(";")[0].strip() in ("text/html", "text/plain")
    return page and headers.get("content-length", "") != "0"


def described(fact: TunnelFact, head: Head, body: bytes, outcome: Outcome | None) -> TunnelFact:
    """The fact with what was answered; its outcome from the answer where none is given."""
    text = clip(body.decode("utf-8", "replace"), len(body), cut=True)
    authenticate = [value for name, value in head.headers if name == "proxy-authenticate"]
    fact = replace(
        fact,
        status=head.status,
        phrase=head.phrase,
        headers=head.headers,
        title=_title(text),
        body=text,
        schemes=tuple(dict.fromkeys(s for value in authenticate for s in _schemes(value))),
        signed=_signed(head.headers),
    )
    return replace(fact, outcome=outcome or _outcome(fact))


def _signed(headers: tuple[tuple[str, str], ...]) -> bool:
    """Do the headers say that a proxy answers?"""
    return any(
        name in _SIGNS or (name == "server" and _PRODUCTS.search(value)) for name, value in headers
    )


def _schemes(value: str) -> list[str]:
    """The scheme names in a Proxy-Authenticate value: tokens that are not a parameter (RFC 9110
    section 11.6.1)."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', value)
    found = re.findall(r"(?:^|,)\s*([A-Za-z][\w!#$%&'*+.^`|~-]*)(?=\s+[^=\s]|\s*(?:,|$))", bare)
    return [name.lower() for name in found]


def _title(page: str) -> str:
    from html import unescape

    found = re.search(r"<title[^>]*>(.{0,300}?)</title", page, re.IGNORECASE | re.DOTALL)
    text = (
        found[1] if found else re.sub(r"<[^>]{0,200}>", " ", page[:600]).strip().partition("\n")[0]
    )
    return " ".join(unescape(text).split())[:200]


def _outcome(fact: TunnelFact) -> Outcome:
    """What a status other than a plain 200 means as the answer to CONNECT."""
    status = fact.status or 0
    blocked = bool(_BLOCKED.search(fact.title) or _BLOCKED.search(fact.phrase))
    if status == 407:
        return "auth-rejected" if fact.sent_credentials else "auth-required"
    if status in (403, 451, 511):
        return "denied"
    if status in (502, 503, 504):
        return "upstream-failed"
    if 300 <= status < 400:
        return "denied" if fact.signed or blocked or fact.header("location") else "not-a-proxy"
    if 200 <= status < 300:
        return "denied" if fact.signed or blocked else "not-a-proxy"
    if status in (500, 505, 507, 408, 429) or (fact.signed and status >= 500):
        return "upstream-failed"
    if fact.signed:
        return "upstream-failed" if status in (400, 404) and not blocked else "denied"
    return "not-a-proxy"


def protocol(data: bytes) -> Speaks:
    """What these first bytes belong to, where that is not HTTP."""
    if data[:1] in (b"\x15", b"\x16") and data[1:2] == b"\x03":
        return "tls"
    return "socks5" if data[:1] == b"\x05" else ""


def safe(data: bytes) -> str:
    """The first bytes as text that can be shown."""
    return plain(clip(data.decode("utf-8", "replace"), 120, cut=True))
