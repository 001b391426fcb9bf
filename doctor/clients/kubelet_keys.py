"""Does a key of the kubelet's keyring match an image, and if not, in what way does it come near?

Followed: kubernetes pkg/credentialprovider/keyring.go (Add, URLsMatchStr) with Go's net/url
(Parse), net (SplitHostPort) and path/filepath (Match). A key is a URL with or without a scheme; in
its host each label is a glob, its port is a text, and its path is a plain prefix of the image's:
`/team` matches `/team2/app`. What is no URL is passed over, and so a `?` is never a glob: it begins
a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from doctor.clients.keyring import HUB_SPELLINGS, Wanted, loosely
from doctor.facts.credential import Why
from doctor.registry import hub

HUB = hub.LEGACY
"""The key whose entry serves for Docker Hub where no other key matches."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:\[\]<>\"\x80-\U0010ffff-]*")
_USER = re.compile(r"(?:[A-Za-z0-9._:~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})*")
_ESCAPE = re.compile(r"%(?P<byte>[0-9A-Fa-f]{2})?")


def image(want: Wanted) -> str:
    """The image as the kubelet looks it up: its normal name without tag and digest."""
    domain = hub.NAME if want.hub else want.domain
    return f"{domain}/{want.path}" if want.path else domain


def filed(key: str) -> str | None:
    """Under which text an entry is filed: without scheme, user and query, and without a leading
    `/v1` or `/v2` that a slash follows. None: the key is no URL, and the entry is passed over."""
    bare = re.sub(r"^https?://", "", key, count=1)
    url = _url(bare)
    if url is None:
        return None
    host, path = url
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path in ("", "/") else host + path


def matches(glob: str, image: str) -> bool:
    """Does a key as it is filed, or an entry of `matchImages`, match the image?"""
    pattern, target = _url(glob), _url(image)
    if pattern is None or target is None or not target[1].startswith(pattern[1]):
        return False
    (labels, port), (wanted, wanted_port) = _split(pattern[0]), _split(target[0])
    if port != wanted_port or len(labels) != len(wanted):
        return False
    return all(map(_label, labels, wanted))


def is_url(glob: str) -> bool:
    """Does Go find a URL in it, so that it can match anything at all?"""
    return _url(glob) is not None


def near(key: str, want: Wanted) -> Why | None:
    """In what way a key that does not match comes near; None: it is about something else."""
    named, wanted = loosely(key), loosely(want.domain)
    name = filed(key)
    url = _url(name) if name is not None else None
    if url is not None and matches(url[0], image(Wanted(want.domain))):
        if url[1] in ("/v1", "/v2"):
            return "api-path"
        return "tag" if re.search(r"[:@]", url[1]) else "namespace"
    (bare, port), (ours, our_port) = _parted(named), _parted(wanted)
    if "*" in bare and port == our_port and _covers(bare, ours):
        return "depth"
    if want.hub or wanted in HUB_SPELLINGS:
        return "docker-hub" if named in HUB_SPELLINGS else None
    if named == wanted:
        return _misspelt(key, name)
    return "port" if port != our_port and fnmatchcase(ours, bare) else None


def _misspelt(key: str, name: str | None) -> Why | None:
    if key != "".join(key.split()):
        return "white-space"
    if name is None:
        return None
    return "scheme" if "://" in re.sub(r"^https?://", "", key) else "letter-case"


def _covers(pattern: str, host: str) -> bool:
    """Would the pattern match if a `*` stood for any number of labels, or for none?"""
    return fnmatchcase(host, pattern) or fnmatchcase(host, pattern.removeprefix("*."))


def _parted(authority: str) -> tuple[str, str]:
    host, _, port = authority.partition(":") if authority.count(":") == 1 else (authority, "", "")
    return host, port


def _url(text: str) -> tuple[str, str] | None:
    """Host and path of `https://` and the text; None where Go finds no URL in that."""
    text = text.partition("#")[0]
    if _CONTROL.search(text):
        return None
    authority, slash, rest = text.partition("?")[0].partition("/")
    user, at, host = authority.rpartition("@")
    if (at and not _USER.fullmatch(user)) or not _is_host(host):
        return None
    path = _unescaped(slash + rest)
    return None if path is None else (host, path)


def _is_host(host: str) -> bool:
    """Characters that may stand in a host; behind the last colon digits, or nothing."""
    if not _HOST.fullmatch(host):
        return False
    if host.startswith("["):
        _inside, bracket, after = host.rpartition("]")
        return bool(bracket) and re.fullmatch(r"(?::[0-9]*)?", after) is not None
    _, colon, port = host.rpartition(":")
    return not colon or re.fullmatch(r"[0-9]*", port) is not None


def _unescaped(path: str) -> str | None:
    found = bytearray()
    at = 0
    for escape in _ESCAPE.finditer(path):
        if escape["byte"] is None:
            return None
        found += path[at : escape.start()].encode("utf-8", "replace")
        found.append(int(escape["byte"], 16))
        at = escape.end()
    return (found + path[at:].encode("utf-8", "replace")).decode("utf-8", "replace")


def _split(host: str) -> tuple[list[str], str]:
    """The labels, and the port as a text; what net.SplitHostPort does not part is all host."""
    if host.startswith("["):
        inside, bracket, port = host.partition("]:")
        alone = bracket and not re.search(r"[\[\]]", inside[1:] + port) and ":" not in port
        return (inside[1:].split("."), port) if alone else (host.split("."), "")
    name, colon, port = host.rpartition(":")
    if not colon or re.search(r"[:\[\]]", name):
        return host.split("."), ""
    return name.split("."), port


def _label(pattern: str, label: str) -> bool:
    """filepath.Match of one label; a broken pattern matches nothing."""
    try:
        return re.fullmatch("".join(_translated(pattern)), label, re.DOTALL) is not None
    except (ValueError, re.error):
        return False


_CLASS = re.compile(r"\[(?P<body>(?:[^\]\\-](?:-[^\]\\-])?)+)\]", re.DOTALL)


def _translated(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "[":
            found = _CLASS.match(pattern, at)
            if found is None:
                raise ValueError(pattern)
            yield f"[{re.sub(r'([^-])', _escaped, found['body'])}]"
            at = found.end()
            continue
        yield "[^/]*" if sign == "*" else re.escape(sign)
        at += 1


def _escaped(character: re.Match[str]) -> str:
    return re.escape(character[0])
