"""Which images does a file name, and in which line?

Kubernetes manifests, Compose files, Dockerfiles, Helm's output and plain lists, told apart by what
is in them first and by their name second. Files given by others are hostile: everything is bounded,
nothing of YAML is constructed, and a part that cannot be read is an entry with its line while the
rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from doctor.frozen import frozen
from doctor.registry import hub

MOST_CHARACTERS = 8 << 20
MOST_IMAGES = 10_000
_NONE: Mapping[str, str] = MappingProxyType({})


class Found(NamedTuple):
    """Line from 1, the image's text, why it cannot be used as it is, for which platform the file
    wants it, and whether the file also says how to build it."""

    line: int
    text: str
    problem: str | None = None
    platform: str = ""
    built: bool = False


@frozen
class Named:
    """An image that a file names."""

    text: str
    """As it stands there, Compose's and Dockerfiles' defaults filled in; empty where a whole part
    cannot be read."""
    file: str
    line: int
    problem: str | None = None
    """Why it cannot be diagnosed as it stands, in a sentence; None: it can be tried."""
    platform: str = ""
    """The platform that the file itself wants it for (`platform:` of a Compose service, `FROM
    --platform`); empty where it says nothing of it."""
    built: bool = False
    """Does the file also say how to build it, so that a pull that fails ends nothing?"""


def images_in(
    name: str,
    text: str,
    environ: Mapping[str, str] = _NONE,
    look: Callable[[], None] = lambda: None,
    platforms: tuple[str, str] = ("linux/amd64", "linux/amd64"),
) -> tuple[Named, ...]:
    """Every image of the file `name` (`-`: standard input) in the order of its lines, repetitions
    included. `environ` fills in the variables of a Compose file, whose defaults count else;
    `platforms`, the one that is wanted and the builder's own, those of a Dockerfile. `look` is
    called now and then while YAML is read: what it raises ends that."""
    if len(text) > MOST_CHARACTERS:
        return (Named("", name, 1, "The file is larger than 8 MiB, the most that is read."),)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return (Named("", name, line, "The file is no text: it holds NUL characters."),)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = islice(_found(name, text, environ, look, platforms), MOST_IMAGES + 1)
    named = [Named(e.text, name, e.line, e.problem, e.platform, e.built) for e in found]
    if len(named) > MOST_IMAGES:
        told = f"The file names more than {MOST_IMAGES:,} images; the rest was left out."
        named[MOST_IMAGES] = Named("", name, named[MOST_IMAGES].line, told)
    return tuple(named)


def _found(
    name: str,
    text: str,
    environ: Mapping[str, str],
    look: Callable[[], None],
    platforms: tuple[str, str],
) -> Iterable[Found]:
    kind = kind_of(name, text)
    if kind == "list":
        from doctor.images.lists import listed

        return listed(text)
    if kind == "dockerfile":
        from doctor.images.dockerfile import bases

        return _as_images(bases(text, platforms))
    from doctor.images.workloads import pulled

    return _as_images(pulled(text, environ, look, platforms))


def _as_images(found: Iterable[Found]) -> Iterator[Found]:
    """What a client takes for an image and a user's target would be a host (`my.app:8080`) is
    written out."""
    from doctor.reference import read_target

    for each in found:
        read = read_target(each.text)
        if read.registry and not read.reference and not read.removed:
            yield each._replace(text=f"{hub.NAME}/library/{each.text}")
        else:
            yield each


_DOCKERFILE = re.compile(r"(?i)(?:.*[/\\])?(?:(?:docker|container)file[^/\\]*|[^/\\]+\.dockerfile)")
_YAML_NAME = re.compile(r"(?i).+\.(?:ya?ml|json)")
_INSTRUCTION = re.compile(r"(?i)\s*FROM\s+\S")
_ARGUMENT = re.compile(r"(?i)\s*ARG\s+[A-Za-z_]\w*")
_SAYS = re.compile(r"^[ \t]*[^\s#][^\n]*", re.MULTILINE)
_YAML_START = re.compile(
    r"---(?:\s|$)|%YAML|[{\[]|(?:-\s+)*[\"']?[A-Za-z_$][\w./$-]*[\"']?\s*:(?:\s|$)|-\s*$|-\s+[{\[]"
)


def kind_of(name: str, text: str) -> str:
    """`dockerfile`, `yaml` (JSON included) or `list`."""
    first = _first_lines(text)
    start = next((line for line in first if not _ARGUMENT.match(line)), "")
    if _INSTRUCTION.match(start):
        return "dockerfile"
    if first and _YAML_START.match(first[0].lstrip()):
        return "yaml"
    if _DOCKERFILE.fullmatch(name):
        return "dockerfile"
    return "yaml" if _YAML_NAME.fullmatch(name) and not _is_image(first[:1]) else "list"


def _is_image(lines: list[str]) -> bool:
    from doctor.reference import Reference, parse

    return bool(lines) and isinstance(parse(lines[0].strip()), Reference)


def _first_lines(text: str) -> list[str]:
    """The first lines that say something; comments and blank lines do not."""
    return [match[0] for match in islice(_SAYS.finditer(text), 50)]
