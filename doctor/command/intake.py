"""What is to be looked at? The command line, the files that it names, and standard input -> the
targets, and the password."""

from __future__ import annotations

import os
import sys
import time
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from doctor.clients.eyes import ALL, DEFAULT
from doctor.command.options import Options
from doctor.command.parsers import DEFAULT_TARGET
from doctor.frozen import frozen
from doctor.model import Hop, Target
from doctor.redact import Secret, learn_variables
from doctor.reference import read_target
from doctor.reference.grammar import split
from doctor.reference.pasted import whole
from doctor.usage import UsageError

_MOST_PASSWORD = 65536
_MOST_VARIABLES = 1 << 20
_SOON = 1.0
"""Seconds for a file that may be a pipe."""
_BUILT = (
    "an image to be pulled; the file builds it too, and Compose goes on without the pull. With"
    " pull_policy: build in the service it is not asked for."
)
"""Said of an image that has a `build` beside it (compose-spec 05-services.md, pull_policy)."""
_AS_DOCKER = frozenset({"shell", "crane", "docker", "containerd"})
"""Clients for which a name without a registry is on Docker Hub and nowhere else."""


def given(options: Options) -> tuple[list[Target], Secret | None]:
    """The targets, and the password from standard input, if one was announced. Raises
    UsageError."""
    named, secret = _input(options)
    targets = _once(_targets(named, options), options.client)
    if secret is not None and len({t.registry for t in targets}) > 1:
        raise UsageError("--username goes to one registry; these targets are of several")
    return targets, secret


@frozen
class Named:
    """A target as it was given, and the file and line that named it."""

    text: str
    source: tuple[str, int] | None = None
    flaw: str = ""
    """Why it cannot be used as it stands, in a sentence."""
    platform: str = ""
    """The one that the file wants it for."""
    assumed: tuple[str, ...] = ()


def _input(options: Options) -> tuple[list[Named], Secret | None]:
    """The targets of the command line and of files, and the password from standard input."""
    named = [Named(text) for text in whole(options.targets)]
    for file in options.files:
        named += _named_in(file, options.timeout, options.platform)
    if not named and not options.files:
        named = [Named(DEFAULT_TARGET)]
    if not named:
        files = ("standard input" if file == "-" else file for file in options.files)
        raise UsageError(f"{', '.join(files)}: no image is named there")
    secret = None
    if options.password_stdin:
        given = _password(options.timeout)
        if len(given) > _MOST_PASSWORD:
            raise UsageError("--password-stdin: more than 64 KiB is no password")
        secret = Secret(given.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r"))
        if not secret:
            raise UsageError("--password-stdin: standard input was empty")
    return named, secret


def _password(seconds: float | None) -> bytes:
    from doctor.command.piped import INPUT, standard_input

    option, what = "--password-stdin", "the password or API key (it is shown as you type)"
    try:
        return standard_input(_MOST_PASSWORD + 1, seconds or INPUT, option, what)
    except OSError as error:
        raise UsageError(f"{option}: standard input cannot be read: {error.strerror}") from None


def _named_in(file: str, seconds: float | None, platform: str) -> list[Named]:
    from doctor.clients.system import own_platform
    from doctor.command.piped import INPUT, decoded, read, standard_input
    from doctor.images import images_in
    from doctor.registry import manifest

    limit, begun = 8 << 20, time.monotonic()
    try:
        if file == "-":
            data = standard_input(limit + 1, seconds or INPUT, "-f -", "the images, one a line,")
        else:
            data = read(file, limit + 1, seconds or 20.0)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"-f {file!r} cannot be read: {why}") from None
    if len(data) > limit:
        raise UsageError(f"-f {file!r} is larger than 8 MiB")
    typed = file == "-" and sys.stdin.isatty()

    def look() -> None:
        if seconds and not typed and time.monotonic() - begun > seconds:
            raise UsageError(f"-f {file!r} is not read to its end within {seconds:g} seconds")

    platforms = (platform, own_platform())
    found = images_in(file, decoded(data), _variables(file), look, platforms)
    return [
        Named(
            each.text,
            (each.file, each.line),
            each.problem or "",
            each.platform if manifest.platform(each.platform) else "",
            (_BUILT,) if each.built else (),
        )
        for each in found
    ]


def _variables(file: str) -> Mapping[str, str]:
    """What a Compose file's variables stand for: the shell's, then those of the `.env` beside it,
    which is read where one is missing."""
    from doctor.command.piped import decoded, read
    from doctor.images.dotenv import NAME, DotEnv

    def beside() -> str:
        place = os.path.join(os.path.dirname(file), NAME)
        try:
            return decoded(read(place, _MOST_VARIABLES, _SOON))
        except (OSError, ValueError, UsageError):
            return ""

    dotenv = DotEnv(beside, os.environ, learn_variables)
    return ChainMap(cast(dict[str, str], os.environ), cast(dict[str, str], dotenv))


def _once(targets: Sequence[Target], client: str) -> list[Target]:
    """What is the same for the client is looked at once, as it was written first; every place that
    names it is kept."""
    seen: dict[object, list[Target]] = {}
    for each in targets:
        seen.setdefault(_identity(each, client), []).append(each)
    merged = []
    for same in seen.values():
        first, *more = dict.fromkeys(each.source for each in same if each.source) or [None]
        also = tuple(each for each in more if each)
        merged.append(replace(same[0], source=first, also_named=also))
    return merged


def _identity(target: Target, client: str) -> object:
    """`nginx`, `nginx:latest` and `docker.io/library/nginx` are one image for Docker; where names
    without a registry are searched for, the first two are."""
    if target.flaw or not target.text:
        return target.text, target.flaw, target.source
    found = read_target(target.text)
    if target.reference is None or found.hints or found.removed:
        return target.text, target.platform
    names_registry = bool(split(target.text)[1])
    return target.reference, names_registry or client in _AS_DOCKER, target.platform


def _targets(named: Sequence[Named], options: Options) -> list[Target]:
    from doctor.clients.system import system

    kind = system(options.root)
    now = datetime.now().astimezone()
    targets = []
    for each in named:
        target = read_target(each.text)
        targets.append(
            Target(
                text=target.text,
                reference=target.reference,
                registry=target.registry or Hop("registry", "", 443),
                client=DEFAULT if options.client == ALL else options.client,
                platform=each.platform or options.platform,
                system=kind,
                root=options.root,
                warn_days=options.warn_days,
                allow_realms=options.allow_realm,
                now=now,
                source=each.source,
                flaw=each.flaw,
                assumed=(*target.assumed, *each.assumed),
            )
        )
    return targets
