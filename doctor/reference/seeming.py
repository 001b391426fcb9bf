"""Does a reference mean something else than it seems to?

Only a dot, a port, an upper-case letter or the name `localhost` make the part before the first
slash a host: `myhost/app`, meant for a registry in the house, is asked of Docker Hub, and a team's
name in upper case is asked of a host. The clients say nothing. Said where names speak for a
mistake, not to every short name.
"""

from __future__ import annotations

import re
from typing import Literal

from doctor.frozen import frozen
from doctor.reference.excerpt import excerpt
from doctor.reference.grammar import Reference, scan, split
from doctor.reference.pasted import page
from doctor.registry import hub

_NAMED_LIKE = {
    "cleanstart": "registry.cleanstart.com",
    "ghcr": "ghcr.io",
    "quay": "quay.io",
    "gcr": "gcr.io",
    "mcr": "mcr.microsoft.com",
}
"""What people call a registry -> its host."""
_HOST_WORD = (
    r"(?:^|[-_])(?:registry|registries|harbor|nexus|artifactory|zot|reg|host|server|srv|mirror|intranet|corp)\d*(?=$|[-_])"
    r"|(?<!^g)(?:host|registry|harbor|nexus|artifactory)\d*$"
)
_DOMAIN = (
    r"(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|cloud|local|internal|intranet|corp|lan|home|test"
    r"|example)"
)
_FILE = r"(?i)[^/]+\.(?:ya?ml|json|txt|lock)|(?:docker|container)file[^/:]*"


@frozen
class Seeming:
    """What the text seems to mean and does not. `suggestion`: how that would be written."""

    kind: Literal["missing-host", "missing-repository", "upper-case-host", "web-page", "file"]
    text: str
    suggestion: str


def seeming(text: str, reference: Reference | None) -> tuple[Seeming, ...]:
    """The likely misunderstandings of a target; none for most. `reference` None: it is taken for a
    host."""
    if reference is None:
        return (_file(text),) if re.fullmatch(_FILE, text) else ()
    found = _web_page(text) or _upper_case(text, reference) or _missing_host(text, reference)
    return (found,) if found else ()


def named_as_file(text: str) -> bool:
    """Has it the name of a file that names images, in whatever folder?"""
    return re.fullmatch(_FILE, text.rpartition("/")[2]) is not None


def file_here(text: str, reference: Reference) -> Seeming:
    """A file of that name is here: `-f` was forgotten."""
    told = f"{excerpt(text)} is taken for the image {reference}, and a file of that name is here."
    return Seeming("file", told, text)


def _file(text: str) -> Seeming:
    told = f"{excerpt(text)} is taken for a registry host, and has the name of a file."
    return Seeming("file", told, text)


def _web_page(text: str) -> Seeming | None:
    image = page(text)
    told = f"{excerpt(text)} is a page of a web site; the image that it shows is {image}."
    return Seeming("web-page", told, image) if image else None


def _upper_case(text: str, reference: Reference) -> Seeming | None:
    domain = split(text)[0]
    if domain == domain.lower() or "." in domain or ":" in domain:
        return None
    meant = text.lower() if reference.digest else text[: len(domain)].lower() + text[len(domain) :]
    told = (
        f"An upper-case letter makes {excerpt(domain)} a host: the image is asked of"
        f" {excerpt(reference.hop.name)}, not of Docker Hub, whose names are in lower case."
    )
    return Seeming("upper-case-host", told, meant)


def _missing_host(text: str, reference: Reference) -> Seeming | None:
    first, slash, rest = text.partition("/")
    if reference.domain != hub.NAME or split(text)[1]:
        return None
    if not slash:
        return _missing_repository(text, reference)
    told = (
        f"{excerpt(first)} has neither dot nor port, so it is no host:"
        f" the image is {reference}, on Docker Hub"
    )
    if host := _NAMED_LIKE.get(first):
        return Seeming("missing-host", f"{told}, not on {host}.", f"{host}/{rest}")
    suggestion = f"{first}:443/{rest}"
    if not isinstance(scan(suggestion), Reference):
        return None
    if "/" in reference.repository.partition("/")[2]:
        return Seeming("missing-host", f"{told}, which has no names of three parts.", suggestion)
    return Seeming("missing-host", f"{told}.", suggestion) if re.search(_HOST_WORD, first) else None


def _missing_repository(text: str, reference: Reference) -> Seeming | None:
    """`registry.example.com:v1`: what follows the colon is no port, so it is an image."""
    name = re.split("[:@]", text, maxsplit=1)[0]
    if not re.fullmatch(_DOMAIN, name):
        return None
    told = (
        f"{excerpt(text)} has no slash and ends in no port, so it is no host:"
        f" the image is {reference}, on Docker Hub."
    )
    return Seeming("missing-repository", told, name)
