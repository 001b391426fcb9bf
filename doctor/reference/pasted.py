"""What did somebody mean whose text is no image reference?

References are pasted from browsers, shells, manifests and chats, and bring along what stood around
them. `unwrap` takes off what changes nothing (a scheme, a command, quotes, blanks). `correct` mends
the rest as a suggestion, one flaw after another, and gives one only if it parses in the end: a
guess is never diagnosed in place of what was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from doctor.frozen import frozen
from doctor.reference.grammar import Flaw, Reference, authority_flaw, scan, split
from doctor.registry import hub

_ROUNDS = 8
"""Nothing real is wrapped deeper, or has more flaws that can be mended."""
_LONGEST = 4096
"""A longer text is not mended: no reference is."""


@frozen
class Unwrapped:
    """The text inside, and in sentences what was taken off. `web`: it was a web address, so it
    begins with a host."""

    text: str
    removed: tuple[str, ...] = ()
    web: bool = False


_Taken = tuple[str, str] | None
"""The text inside, and a sentence on what was around it."""


def unwrap(text: str) -> Unwrapped:
    """Take off what surrounds a reference without changing its meaning."""
    removed: list[str] = []
    web = False
    while len(removed) < _ROUNDS:
        taken = next((found for layer in _LAYERS if (found := layer(text))), None)
        if taken is None:
            break
        web = web or text.lower().startswith(("http://", "https://", "oci://"))
        text = taken[0]
        removed.append(taken[1])
    return Unwrapped(text, tuple(removed), web)


def _blanks(text: str) -> _Taken:
    inside = text.strip()
    return (inside, "The white space around it was left out.") if inside != text else None


_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»"}


def _quotes(text: str) -> _Taken:
    body = text.removesuffix(",").removesuffix(";")
    if len(body) > 1 and _QUOTES.get(body[0]) == body[-1] and body[-1] not in body[1:-1]:
        return body[1:-1], "The quotes around it were left out."
    return None


_PROGRAMS = frozenset(
    ("docker", "podman", "nerdctl", "crictl", "ctr", "skopeo", "crane", "buildah", "oras", "regctl")
)
_VERBS = frozenset(
    ("pull", "inspect", "manifest", "image", "images", "i", "digest", "config", "ls", "list-tags")
) | {"get", "check", "login"}
_VALUED = frozenset(
    ("--platform", "--authfile", "--auth-file", "--creds", "--username", "--password", "-u", "-p")
) | {"--arch", "--os", "--variant", "--cert-dir", "--format", "--retry-times"}
"""Options whose value is the next word."""


def _command(text: str) -> _Taken:
    words = text[:_LONGEST].split(maxsplit=40)
    while words and words[0] in ("$", "#", ">", "sudo"):
        words.pop(0)
    if len(words) < 3 or words[0] not in _PROGRAMS or words[1] not in _VERBS:
        return None
    verbs = [words.pop(0)]
    while words and words[0] in _VERBS:
        verbs.append(words.pop(0))
    named = []
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            named.append(word)
        elif word in _VALUED and words:
            words.pop(0)
    return (named[0], f"`{' '.join(verbs)}` in front was left out.") if len(named) == 1 else None


def whole(words: Sequence[str]) -> tuple[str, ...]:
    """The targets of a command line: a client's command that was pasted without quotes arrives in
    words, and is one."""
    text = " ".join(words)
    return (text,) if len(words) > 1 and _command(text) else tuple(words)


_KEY = r"(?s)(?:[-*]\s+)?([\"']?)image\1\s*:\s+(?P<rest>\S.*)"
_FROM = r"(?i)FROM\s+(?P<rest>\S+)(?:\s+AS\s+\S+)?"


def _key(text: str) -> _Taken:
    if match := re.fullmatch(_KEY, text) or re.fullmatch(_FROM, text):
        word = "`image:`" if match.re.pattern == _KEY else "`FROM`"
        return match["rest"].removesuffix(","), f"{word} in front was left out."
    return None


_SCHEME = re.compile(
    r"(?i)(?P<scheme>https?|docker|oci|docker-image|registry)://(?P<rest>.+)", re.S
)
_API = r"(?P<host>[^/]+)/v2/(?P<path>.+)/(?:manifests/(?P<which>[^/]+)|tags/list)"


def _scheme(text: str) -> _Taken:
    match = _SCHEME.fullmatch(text)
    if match is None:
        return None
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme.startswith("http"):
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
        if image := page(rest):
            return image, f"The web page was taken for the image that it shows, `{image}`."
        rest = _api(rest)
    host, _, path = rest.partition("/")
    if path.strip("/") in ("", "v2", "v1"):
        rest = host
    elif scheme in ("https", "http", "oci") and split(rest)[0] == hub.NAME and host != hub.NAME:
        rest = f"{host}:{80 if scheme == 'http' else 443}/{path}"
    return rest, f"`{scheme}://` in front was left out: a reference has no scheme."


def _api(address: str) -> str:
    """An address of the registry's API as the reference that it asks for."""
    if match := re.fullmatch(_API, address):
        which = match["which"] or ""
        mark = "@" if ":" in which else ":" if which else ""
        return f"{match['host']}/{match['path']}{mark}{which}"
    return address


_LAYERS: tuple[Callable[[str], _Taken], ...] = (_blanks, _quotes, _command, _key, _scheme)

_PAGES = (
    (r"(?:www\.)?hub\.docker\.com/(?:r|repository/docker)/([^/]+/[^/]+)(?:/.*)?", r"docker.io/\1"),
    (r"(?:www\.)?hub\.docker\.com/_/([^/]+)(?:/.*)?", r"docker.io/library/\1"),
    (r"hub\.docker\.com/layers/([^/]+/[^/]+)/([^/]+)(?:/.*)?", r"docker.io/\1:\2"),
    (r"quay\.io/repository/([^/]+/[^/]+)(?:/.*)?", r"quay.io/\1"),
    (r"github\.com/([^/]+)/[^/]+/pkgs/container/([^/]+)(?:/.*)?", r"ghcr.io/\1/\2"),
    (r"github\.com/orgs/([^/]+)/packages/container/package/([^/]+)", r"ghcr.io/\1/\2"),
    (r"gallery\.ecr\.aws/([^/]+/[^/]+)(?:/.*)?", r"public.ecr.aws/\1"),
)
_SITES = ("hub.docker.com/", "quay.io/", "github.com/", "gallery.ecr.aws/")
"""Where they are: looked at first, for most targets are on none."""


def page(address: str) -> str | None:
    """The image that a page of a registry's web site shows; the address without scheme and
    query."""
    from urllib.parse import unquote

    if len(address) > _LONGEST:
        return None
    shown = address.split(":")[0].rstrip("/")
    if not shown.removeprefix("www.").startswith(_SITES):
        return None
    for pattern, image in _PAGES:
        if match := re.fullmatch(pattern, shown):
            meant = unquote(match.expand(image)).lower()
            return meant if isinstance(scan(meant), Reference) else None
    return None


def correct(text: str) -> str | None:
    """The reference that was probably meant; it parses. None where nothing near does."""
    if len(text) > _LONGEST:
        return None
    unwrapped = unwrap(text)
    text = unwrapped.text
    for _ in range(_ROUNDS):
        found = scan(text)
        if isinstance(found, Reference):
            host_only = unwrapped.web and "/" not in text
            return None if host_only else text
        mended = _clean(text)
        if mended == text:
            mended = _MENDERS[found.kind](text, found) if found.kind in _MENDERS else text
        if mended == text:
            return None
        text = unwrap(mended).text
    return None


_SIGNS = {ord(sign): "-" for sign in "‐‑‒–—−﹣－"} | {ord("\\"): "/"}  # noqa: RUF001
_LOOKALIKES = str.maketrans("аеорсухіјѕԁԛԝһ", "aeopcyxijsdqwh")  # noqa: RUF001 - Cyrillic


def correct_host(authority: str) -> str | None:
    """The same for a bare `host[:port]`."""
    host, colon, port = _clean(authority[:_LONGEST]).partition(":")
    near = f"{punycode(host.rstrip('.')) or ''}{colon}{port}"
    return None if near == authority or authority_flaw(near) else near


def _clean(text: str) -> str:
    """Without invisible characters and blanks beside separators; typographic signs as the ASCII
    that they stand for."""
    text = text.translate(_SIGNS)
    seen = [c for c in text if unicodedata.category(c) not in ("Cc", "Cf") or c.isspace()]
    text = unicodedata.normalize("NFKC", "".join(seen))
    if re.search("[a-z]", text):
        text = text.translate(_LOOKALIKES)
    return re.sub(r"\s*([:/@])\s*", r"\1", text.strip())


def _lower(text: str, flaw: Flaw) -> str:
    start = split(text)[1]
    end = text.find(":", start)
    remote = text[start:] if end < 0 else text[start:end]
    return text[:start] + remote.lower() + text[start + len(remote) :]


def _slashes(text: str, flaw: Flaw) -> str:
    mark = re.compile("[:@]").search(text, split(text)[1])
    end = mark.start() if mark else len(text)
    return re.sub("/+", "/", text[:end]).strip("/") + text[end:]


def _tag(text: str, flaw: Flaw) -> str:
    if text[flaw.position] == "+":
        return text.replace("+", "_")
    return text[:-1] if text.endswith(":") else text.replace(":@", "@")


def _one_tag(text: str, flaw: Flaw) -> str:
    """`app:1:2`: what came last was meant as the tag; `app:sha256:…` is a digest."""
    start = split(text)[1]
    name, _, tags = text[start:].partition(":")
    tags, at, digest = tags.partition("@")
    if re.fullmatch("sha(256:.{64}|384:.{96}|512:.{128})", tags) and not at:
        return f"{text[:start]}{name}@{tags}"
    return f"{text[:start]}{name}:{tags.rstrip(':').rpartition(':')[2]}{at}{digest}"


def _no_digest(text: str, flaw: Flaw) -> str:
    return text.partition("@")[0]


def _digest_as_tag(text: str, flaw: Flaw) -> str:
    name, _, rest = text.partition("@")
    return text if ":" in name[split(text)[1] :] or ":" in rest else f"{name}:{rest}"


def _lower_digest(text: str, flaw: Flaw) -> str:
    name, _, digest = text.rpartition("@")
    return f"{name}@{digest.lower()}"


def _host(text: str, flaw: Flaw) -> str:
    """A name's final dot, which resolvers know and references do not."""
    authority, slash, rest = text.partition("/")
    host, colon, port = authority.partition(":")
    return f"{host.rstrip('.')}{colon}{port}{slash}{rest}" if host.strip(".") else text


def _ascii_host(text: str, flaw: Flaw) -> str:
    authority, slash, rest = text.partition("/")
    host, colon, port = authority.partition(":")
    return f"{punycode(host) or host}{colon}{port}{slash}{rest}"


def punycode(host: str) -> str | None:
    """The xn-- form of an internationalised name (IDNA 2008 with the mapping of UTS 46)."""
    if len(host) > 253:
        return None
    try:
        import idna

        ascii_form: str = idna.encode(host, uts46=True).decode()
    except (ImportError, UnicodeError):
        return None
    return None if authority_flaw(ascii_form) else ascii_form


def _port(text: str, flaw: Flaw) -> str:
    """An impossible port left out; where the name is a host only by its port, HTTPS's own."""
    authority, slash, rest = text.partition("/")
    host, _, port = authority.partition(":")
    if not slash or (port and not (port.isascii() and port.isdigit())):
        return text
    plain = split(f"{host}/")[1] > 0
    return f"{host}{'' if plain else ':443'}/{rest}"


def _brackets(text: str, flaw: Flaw) -> str:
    authority, slash, rest = text.partition("/")
    return f"[{authority}]{slash}{rest}" if not authority.startswith("[") else text


_MENDERS: dict[str, Callable[[str, Flaw], str]] = {
    "upper-case": _lower,
    "component": _slashes,
    "tag": _tag,
    "tag-colon": _one_tag,
    "digest-empty": _no_digest,
    "digest-length": _no_digest,
    "not-a-digest": _digest_as_tag,
    "digest-case": _lower_digest,
    "host": _host,
    "host-letter": _ascii_host,
    "port": _port,
    "address": _brackets,
}
