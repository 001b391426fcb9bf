"""Is this text an image reference, and if not, at which character does it stop being one?

The rules and their order are those of Docker, containerd and the kubelet's credential look-up
(distribution/reference normalize.go, `ParseNormalizedNamed`; regexp.go; opencontainers/go-digest).
Their order matters: it decides which of two faults a client names, and what is a host. The clients
say "invalid reference format" to almost everything; a scanner knows the place and the rule. Where
Go only finds out when it connects (a port above 65535, a name no resolver takes), the text is
refused here already.
"""

from __future__ import annotations

import re
from typing import Literal

from doctor.frozen import frozen
from doctor.model import Hop, Role
from doctor.registry import hub

MOST_PATH = 255
_MOST_HOST = 253
"""RFC 1035 2.3.4: a name of 253 characters and labels of 63 are the longest that can be asked
for."""
DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}

Kind = Literal[
    "empty", "image-id", "upper-case", "component", "path-length", "tag", "tag-colon", "tag-length",
    "not-a-digest", "digest-empty", "digest-algorithm", "digest-length", "digest-case", "digest",
    "host", "host-letter", "host-length", "port", "address", "login",
]  # fmt: skip

RULES: dict[Kind, str] = {
    "empty": "a reference names at least a repository, such as redis or registry.corp/app:1.0",
    "image-id": "64 hexadecimal digits alone are an image's ID; a reference names a repository",
    "upper-case": "a repository is written in lower case",
    "component": "each part of a repository is lower-case letters and digits, with one dot, one or"
    " two underscores or any hyphens between them",
    "path-length": f"a repository has at most {MOST_PATH} characters, library/ included",
    "tag": "a tag is letters, digits, `_`, `.` and `-`, and starts with a letter, a digit or `_`",
    "tag-colon": "a reference has one tag, after the last part of the repository",
    "tag-length": "a tag has at most 128 characters",
    "not-a-digest": "after `@` stands a digest: `sha256:` and 64 hexadecimal digits",
    "digest-empty": "after `@` stands a digest: `sha256:` and 64 hexadecimal digits",
    "digest-algorithm": "a digest's algorithm is sha256, sha384 or sha512",
    "digest-length": "sha256 has 64 hexadecimal digits, sha384 96 and sha512 128",
    "digest-case": "a digest's hexadecimal digits are written in lower case",
    "digest": "a digest's digits are 0-9 and a-f",
    "host": "a host is labels of letters, digits and inner hyphens, joined by single dots",
    "host-letter": "a host is written in ASCII letters; other alphabets in their xn-- form",
    "host-length": "a host has at most 253 characters, and 63 between two dots",
    "port": "a port is a number from 1 to 65535",
    "address": "an IPv6 address stands in square brackets, without a zone: [2001:db8::1]:5000",
    "login": "a reference holds no user name and no password; clients take them from their own"
    " configuration",
}
"""What would be valid where the scanner stopped."""

_ID = re.compile(r"[a-f0-9]{64}")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_SEPARATORS = re.compile(r"[._-]*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NO_LABEL = re.compile(r"[^A-Za-z0-9.-]")
_PORT = re.compile(r"0{0,8}[0-9]{1,5}")
_HEX = re.compile(r"[0-9a-f]*")
_BRACKETS = re.compile(r"\[([0-9A-Fa-f:]*)\]")


@frozen
class Flaw:
    """Where a text stops being a reference: the index of the offending character, and by which
    rule."""

    kind: Kind
    position: int


@frozen
class Reference:
    """An image's full name. `str()` is its canonical text, which parses to the same reference."""

    domain: str
    """The registry as the reference names it, normalised (`docker.io`), with its port if it has
    one."""
    repository: str
    """With `library/` where Docker Hub's short names have it left out."""
    tag: str | None = None
    """`latest` where the text gave neither tag nor digest."""
    digest: str | None = None

    @property
    def registry(self) -> str:
        """The domain: what credentials are stored under."""
        return self.domain

    @property
    def host(self) -> str:
        """The host that a client contacts, lower case, without brackets."""
        return self.hop.host

    @property
    def port(self) -> int | None:
        """The port if the reference names one."""
        return _port_of(self.domain)

    @property
    def hop(self) -> Hop:
        """Where a client asks for it: HTTPS, port 443 unless another is named."""
        return hop_of(self.domain)

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.domain}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"


def hop_of(authority: str, role: Role = "registry") -> Hop:
    """The hop behind `host[:port]`, which must have passed `authority_flaw`. Docker Hub's names
    lead to the host that serves it."""
    if authority in hub.DOMAINS:
        return Hop(role, hub.HOST, 443)
    host = authority[: authority.index("]") + 1] if "]" in authority else authority.split(":")[0]
    return Hop(role, host.strip("[]").lower(), _port_of(authority) or 443)


def _port_of(authority: str) -> int | None:
    port = authority.rpartition("]")[2].partition(":")[2]
    return int(port) if port else None


def scan(text: str) -> Reference | Flaw:
    """The reference, or the first flaw by the order of the clients' own rules."""
    if not text:
        return Flaw("empty", 0)
    if _ID.fullmatch(text):
        return Flaw("image-id", 0)
    domain, start = split(text)
    end = _name_end(text, start)
    flaw = (
        _capital(text, start)
        or (authority_flaw(text[: start - 1]) if start else None)
        or _path_flaw(text, start, end, domain)
    )
    if flaw:
        return flaw
    tag, at, digest = text[end:].partition("@")
    flaw = _tag_flaw(tag, end) or (_digest_flaw(digest, end + len(tag) + 1) if at else None)
    if flaw:
        return Flaw(flaw.kind, min(flaw.position, len(text) - 1))
    path = text[start:end]
    if domain == hub.NAME and "/" not in path:
        path = f"library/{path}"
    return Reference(domain, path, tag[1:] or (None if at else "latest"), digest or None)


def split(text: str) -> tuple[str, int]:
    """The domain, and where the rest starts (0: no registry is named). Only what a slash follows
    can be a domain."""
    first, slash, _ = text.partition("/")
    if not slash:
        return hub.NAME, 0
    if first in hub.DOMAINS:
        return hub.NAME, len(first) + 1
    if first == "localhost" or "." in first or ":" in first or first.lower() != first:
        return first, len(first) + 1
    return hub.NAME, 0


def _name_end(text: str, start: int) -> int:
    found = re.compile("[:@]").search(text, start)
    return found.start() if found else len(text)


def _capital(text: str, start: int) -> Flaw | None:
    """An upper-case letter before the first colon of the rest: the clients look for it before
    anything else."""
    remote = text[start:].partition(":")[0]
    for i, letter in enumerate(remote):
        if letter.lower() != letter:
            return Flaw("upper-case", start + i)
    return None


def _path_flaw(text: str, start: int, end: int, domain: str) -> Flaw | None:
    at = start
    for component in text[start:end].split("/"):
        if (stop := _component_stop(component)) is not None:
            return Flaw("component", min(at + stop, len(text) - 1))
        at += len(component) + 1
    prefix = len("library/") if domain == hub.NAME and "/" not in text[start:end] else 0
    if prefix + end - start > MOST_PATH:
        return Flaw("path-length", start + MOST_PATH - prefix)
    return None


def _component_stop(component: str) -> int | None:
    """The index of the first character that breaks the rule; None if none does."""
    match = _COMPONENT.match(component)
    if match is None:
        return 0
    stop = match.end()
    if stop == len(component):
        return None
    run = _SEPARATORS.match(component, stop)
    separators = run[0] if run else ""
    after = stop + len(separators)
    if separators in ("", ".", "_", "__") or set(separators) == {"-"}:
        return min(after, len(component) - 1)
    kept = 2 if separators.startswith("__") else 1
    return stop + kept


def _tag_flaw(tag: str, at: int) -> Flaw | None:
    if not tag:
        return None
    match = _TAG.match(tag, 1)
    stop = match.end() if match else 1
    if stop < len(tag) or not match:
        colon = match and tag[stop : stop + 1] == ":"
        return Flaw("tag-colon" if colon else "tag", at + min(stop, len(tag) - 1))
    return Flaw("tag-length", at + 129) if len(tag) > 129 else None


def _digest_flaw(digest: str, at: int) -> Flaw | None:
    algorithm, colon, digits = digest.partition(":")
    if not digits and (not algorithm or algorithm in DIGITS):
        return Flaw("digest-empty", at + len(digest))
    if not colon:
        return Flaw("not-a-digest", at)
    if algorithm not in DIGITS:
        return Flaw("digest-algorithm", at)
    start, length = at + len(algorithm) + 1, DIGITS[algorithm]
    match = _HEX.match(digits)
    stop = match.end() if match else 0
    if stop < len(digits):
        return Flaw("digest-case" if digits[stop] in "ABCDEF" else "digest", start + stop)
    return Flaw("digest-length", start + min(length, len(digits))) if stop != length else None


def authority_flaw(text: str) -> Flaw | None:
    """What is wrong with `host[:port]`, by the grammar and by what can be contacted at all."""
    if text.startswith("["):
        match = _BRACKETS.match(text)
        if match is None or not is_ipv6(match[1]):
            return Flaw("address", 1 if len(text) > 1 else 0)
        host, rest = match[0], text[match.end() :]
        if rest and not rest.startswith(":"):
            return Flaw("address", match.end())
    elif text.count(":") > 1 and is_ipv6(text):
        return Flaw("address", 0)
    else:
        host = text.partition(":")[0]
        rest = text[len(host) :]
        if flaw := _host_flaw(host):
            return flaw
    return _port_flaw(rest, len(host))


def is_ipv6(text: str) -> bool:
    """An address as references may hold it: no zone, no dotted IPv4 part."""
    from ipaddress import IPv6Address

    if "%" in text or "." in text or len(text) > 39:
        return False
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _host_flaw(host: str) -> Flaw | None:
    if bad := _NO_LABEL.search(host):
        return Flaw("host" if bad[0].isascii() else "host-letter", bad.start())
    at = 0
    for label in host.split("."):
        if not label or label.startswith("-"):
            return Flaw("host", min(at, max(0, len(host) - 1)))
        if label.endswith("-"):
            return Flaw("host", at + len(label) - 1)
        if len(label) > 63:
            return Flaw("host-length", at + 63)
        at += len(label) + 1
    return Flaw("host-length", _MOST_HOST) if len(host) > _MOST_HOST else None


def _port_flaw(rest: str, at: int) -> Flaw | None:
    if not rest:
        return None
    port = rest[1:]
    if _PORT.fullmatch(port) and 1 <= int(port) <= 65535:
        return None
    return Flaw("port", at + (1 if port else 0))
