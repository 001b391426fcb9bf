"""Which image or registry does a text mean, what was read into it, and if it means none: where and
why?

`parse` follows the clients (`grammar`). `read_target` follows the contract's rule for what a
user may type, where a bare host is a host and not, as for the clients, an image on Docker Hub of
that name. A text that breaks the grammar is a value and no exception: it is a finding about the
user's set-up. No message holds more than 80 characters of what was given, or a password that stood
in it.
"""

from __future__ import annotations

import re
import unicodedata

from doctor.frozen import frozen
from doctor.model import Hop
from doctor.reference.excerpt import excerpt
from doctor.reference.grammar import (
    RULES,
    Flaw,
    Kind,
    Reference,
    authority_flaw,
    hop_of,
    is_ipv6,
    scan,
    split,
)
from doctor.reference.pasted import Unwrapped, correct, correct_host, unwrap
from doctor.reference.seeming import Seeming, seeming
from doctor.reference.userinfo import hidden, login
from doctor.registry import hub

__all__ = ["Reference", "Seeming", "TargetText", "Unparsable", "excerpt", "parse", "read_target"]

_LONGEST = 16384
"""What follows is not looked at: it cannot make a reference of the rest."""


@frozen
class Unparsable:
    """What is no reference: where it stops being one, what would be valid there, and what was
    probably meant."""

    text: str
    """The text, or the part of it around `position`, made safe; at most 80 characters."""
    position: int
    """Index of the offending character in what was given."""
    rule: str
    hint: str = ""
    suggestion: str | None = None
    """A reference, or for a bare host a host, that parses."""
    says: str = ""
    """What a client makes of it, in its own words where it has some."""
    kind: Kind = "component"

    @property
    def statement(self) -> str:
        """What is wrong with it, in a sentence or two."""
        at = f"{self.text} is no image reference from its character {self.position + 1} on"
        return f"{at}: {self.rule}. {self.hint}".rstrip()


@frozen
class TargetText:
    """What a user's text stands for: an image (`reference` and its registry), a bare registry, or a
    problem."""

    text: str
    """What was given, without any password that stood in it."""
    reference: Reference | None = None
    registry: Hop | None = None
    assumed: tuple[str, ...] = ()
    """What was read into it, a sentence each."""
    problem: Unparsable | None = None
    hints: tuple[Seeming, ...] = ()
    """In what way it does not mean what it seems to."""
    removed: tuple[str, ...] = ()
    """What was left out of it, a sentence each; a client would refuse the text as it stands."""


def parse(text: str) -> Reference | Unparsable:
    """The reference as Docker, containerd and the kubelet read it."""
    text = text[:_LONGEST]
    found = scan(text)
    return found if isinstance(found, Reference) else _unparsable(text, found)


def read_target(text: str) -> TargetText:
    """What a TARGET of the command line, or a line of a file, stands for."""
    text = text[:_LONGEST]
    found = scan(text)
    if isinstance(found, Reference) and "/" in text:
        return _image(text, found, Unwrapped(text))
    if login(text):
        return TargetText(hidden(text), problem=_unparsable(text, Flaw("login", 0)))
    inside = unwrap(text)
    if (authority := _authority(inside)) is not None:
        return _registry(text, authority, inside)
    image = scan(inside.text)
    if isinstance(image, Reference):
        return _image(text, image, inside)
    flaw = found if isinstance(found, Flaw) else image
    return TargetText(hidden(text), problem=_unparsable(text, flaw, inside.text))


def _authority(inside: Unwrapped) -> str | None:
    """`host[:port]` where the text means a host, without any slash or lone colon at its end; None
    where it means an image."""
    body, slash, rest = inside.text.partition("/")
    if rest or not body or "@" in body or "\\" in body or any(c.isspace() for c in body):
        return None
    if slash or inside.web:
        return body.removesuffix(":")
    if body.startswith("[") or is_ipv6(body):
        return body
    name, _, port = body.partition(":")
    hostlike = "." in name or name.lower() == "localhost"
    is_port = not port or not authority_flaw(f"x:{port}")
    return body.removesuffix(":") if hostlike and is_port else None


def _registry(text: str, authority: str, inside: Unwrapped) -> TargetText:
    if is_ipv6(authority):
        authority = f"[{authority}]"
    if flaw := authority_flaw(authority):
        return TargetText(hidden(text), problem=_unusable_host(text, authority, flaw))
    because = _why_host(authority, inside)
    image = scan(authority)
    other = (
        f"; the clients take an image so named for {image}" if isinstance(image, Reference) else ""
    )
    assumed = (
        *inside.removed,
        f"{excerpt(authority)} is a registry host, because {because}{other}.",
    )
    hop = hop_of(authority.lower())
    return TargetText(
        hidden(text), None, hop, assumed, hints=seeming(inside.text, None), removed=inside.removed
    )


def _why_host(authority: str, inside: Unwrapped) -> str:
    if inside.web:
        return "a web address begins with one"
    if inside.text.endswith("/"):
        return "it ends in a slash"
    name = authority.partition(":")[0]
    if name.lower() == "localhost":
        return "localhost is one"
    return "it is an IP address" if _is_address(authority) else "it has a dot and no slash"


def _is_address(authority: str) -> bool:
    from ipaddress import IPv4Address

    if authority.startswith("["):
        return True
    try:
        IPv4Address(authority.partition(":")[0])
    except ValueError:
        return False
    return True


def _unusable_host(text: str, authority: str, flaw: Flaw) -> Unparsable:
    position = max(text.find(authority), 0) + flaw.position
    return Unparsable(
        text=excerpt(hidden(text), position),
        position=position,
        rule=RULES[flaw.kind],
        hint=_hint(authority, flaw),
        suggestion=correct_host(authority),
        says=_SAYS.get(flaw.kind, "no client can contact it"),
        kind=flaw.kind,
    )


def _image(text: str, reference: Reference, inside: Unwrapped) -> TargetText:
    return TargetText(
        hidden(text),
        reference,
        reference.hop,
        (*inside.removed, *_assumed(inside.text, reference)),
        hints=seeming(inside.text, reference),
        removed=inside.removed,
    )


def _assumed(text: str, reference: Reference) -> tuple[str, ...]:
    said = []
    domain, start = split(text)
    if not start:
        library = ", below library/ as all names without a slash" if "/" not in text else ""
        said.append(f"It names no registry, so it is on Docker Hub{library}: {reference}.")
    elif domain == hub.NAME and not text.startswith(hub.NAME):
        said.append(f"{text[: start - 1]} stands for {hub.NAME}.")
    elif "." not in domain and ":" not in domain and domain != "localhost":
        said.append(f"{excerpt(domain)} is a host, because it has an upper-case letter.")
    if reference.tag == "latest" and not text.endswith(":latest") and not reference.digest:
        said.append("It names neither tag nor digest, so the tag is latest.")
    if reference.tag and reference.digest:
        said.append(f"The digest decides what is pulled; the tag {reference.tag} is only a label.")
    return tuple(said)


def _unparsable(text: str, flaw: Flaw, inner: str = "") -> Unparsable:
    held = login(text)
    if held:
        flaw = Flaw("login", held.start)
    body = held.without if held else text
    return Unparsable(
        text=excerpt(hidden(text), flaw.position),
        position=flaw.position,
        rule=RULES[flaw.kind],
        hint=_hint(inner or text, _as_flaw(inner) or flaw),
        suggestion=correct(body),
        says=_says(text, flaw),
        kind=flaw.kind,
    )


def _as_flaw(text: str) -> Flaw | None:
    found = scan(text) if text else None
    return found if isinstance(found, Flaw) else None


_SAYS: dict[Kind, str] = {
    "image-id": "invalid repository name, cannot specify 64-byte hexadecimal strings",
    "path-length": "repository name must not be more than 255 characters",
    "digest-algorithm": "unsupported digest algorithm",
    "digest-length": "invalid checksum digest length",
    "digest-case": "invalid checksum digest format",
    "host-length": "it is taken, and then not found by any resolver",
}


def _says(text: str, flaw: Flaw) -> str:
    """Docker's, containerd's and the kubelet's own words, as far as they depend on the kind of flaw
    alone."""
    if flaw.kind == "upper-case":
        return "invalid reference format: repository name must be lowercase"
    if flaw.kind == "port" and text[flaw.position : flaw.position + 1].isdigit():
        return "it is taken, and refused when the client connects: invalid port"
    if flaw.kind == "digest-length" and re.search(r":[0-9a-f]{,31}$", text):
        return "invalid reference format"
    return _SAYS.get(flaw.kind, "invalid reference format")


_PLACEHOLDER = r"\$\{|\$\(|\{\{|\$[A-Za-z_]|<[A-Za-z][^>]*>|%[A-Za-z_]+%"
_FILE = r"(?s)(?:\.{0,2}/|~/).*|.*(?:\.ya?ml|\.json|Dockerfile|Containerfile)"


def _hint(text: str, flaw: Flaw) -> str:
    """What more can be said of this very text."""
    character = text[flaw.position : flaw.position + 1]
    if flaw.kind == "login":
        return "Log in with the client instead; whoever saw the text knows the password now."
    if not text.strip():
        return "A variable that was empty, perhaps?"
    if re.search(_PLACEHOLDER, text[:4096]):
        return "A placeholder was not filled in."
    if re.fullmatch(_FILE, text[:4096]):
        return "The images that a file names are diagnosed with: doctor check -f FILE."
    if character and (not character.isascii() or ord(character) < 32):
        name = unicodedata.name(character, "a control character")
        hint = f"The character is U+{ord(character):04X}, {name}."
        if "\udc80" <= character <= "\udcff":  # how Python keeps what it cannot decode (PEP 383)
            hint = f"It is the byte 0x{ord(character) - 0xDC00:02X}, which is not UTF-8."
        if flaw.kind == "host-letter":
            hint += (
                " Go's clients send a host's bytes as they are, and no resolver knows that name."
            )
        return hint
    if flaw.kind == "port" and character == ":" and text[flaw.position :].startswith("://"):
        return "A reference has no scheme: nothing stands before the host."
    return _HINTS.get(flaw.kind, "") if flaw.kind != "tag" or character == ":" else ""


_HINTS: dict[Kind, str] = {
    "tag": "The tag is missing after the colon: a variable that was empty, perhaps.",
    "tag-colon": "Two tags: a tag was added to a name that has one already, perhaps.",
    "digest-length": "Digits were lost when it was copied, perhaps.",
    "digest-empty": "The digest was not filled in, perhaps.",
    "not-a-digest": "A tag is joined with a colon.",
    "image-id": "`docker image inspect` shows under RepoDigests where it came from.",
}
