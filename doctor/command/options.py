"""Can what was typed be used? The options of `doctor check`, read once, checked before anything is
contacted."""

from __future__ import annotations

import math
import os
import re
import stat
from argparse import Namespace
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from doctor.clients.eyes import ALL, NAMES, plain_program
from doctor.clients.system import own_platform
from doctor.command.delivery import check
from doctor.command.parsers import FORMATS
from doctor.frozen import frozen
from doctor.usage import UsageError

CLIENTS = (*NAMES, ALL)
"""What `--as` takes in this version."""

_PLATFORM = r"[a-z0-9_]+/[a-z0-9_]+(/[a-z0-9_.]+)?"


@frozen
class Output:
    """A format and where it goes; `file` None is standard output."""

    format: str
    file: str | None


@frozen
class Options:
    """What the user asked for, usable as it stands."""

    targets: tuple[str, ...]
    files: tuple[str, ...]
    outputs: tuple[Output, ...]
    client: str
    platform: str
    only: frozenset[str]
    skip: frozenset[str]
    timeout: float | None
    ca: str | None
    proxy: str | None
    username: str | None
    password_stdin: bool
    root: str
    allow_realm: tuple[str, ...]
    warn_days: int
    fetch_issuers: bool
    offline: bool
    strict: bool
    colour: bool | None
    quiet: bool
    verbose: bool

    @property
    def plain_program(self) -> bool:
        """See `eyes.plain_program`."""
        return plain_program(self.client, self.only, self.skip)


def read(args: Namespace, checks: Callable[[], Collection[str]]) -> Options:
    """The options that argparse found, made sense of. `checks` gives the names that `--only` and
    `--skip` may use. Raises UsageError."""
    if args.client not in CLIENTS:
        raise UsageError(
            f"--as {args.client!r} is not known; this version looks as {_one_of(CLIENTS)}"
        )
    if args.password_stdin and "-" in args.file:
        raise UsageError(
            "--password-stdin and -f - both want standard input; give one of them another way"
        )
    if bool(args.username) != args.password_stdin:
        raise UsageError("--username and --password-stdin go together")
    if args.root != "/" and not (args.root and Path(args.root).is_dir()):
        raise UsageError(f"--root {args.root!r} is not a folder")
    if args.root != "/" and not os.access(args.root, os.R_OK | os.X_OK):
        raise UsageError(f"--root {args.root!r} cannot be read by this user; try with sudo")
    only, skip = _names("--only", args.only, checks), _names("--skip", args.skip, checks)
    if skip and not (only or frozenset(checks())) - skip:
        raise UsageError("--skip leaves out every check that would be made; nothing is left to do")
    return Options(
        targets=tuple(args.targets),
        files=tuple(args.file),
        outputs=_outputs(args.format or [], args.output, args.quiet),
        client=args.client,
        platform=_platform(args.platform),
        only=only,
        skip=skip,
        timeout=_seconds(args.timeout),
        ca=_certificates(args.ca),
        proxy=args.proxy,
        username=args.username,
        password_stdin=args.password_stdin,
        root=args.root,
        allow_realm=tuple(map(_host, args.allow_realm)),
        warn_days=_days(args.warn_days),
        fetch_issuers=not args.no_fetch_issuers,
        offline=args.offline,
        strict=args.strict,
        colour=False if args.no_color or os.environ.get("NO_COLOR") else None,
        quiet=args.quiet,
        verbose=args.verbose,
    )


def _one_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _outputs(formats: Sequence[str], files: Sequence[str], quiet: bool) -> tuple[Output, ...]:
    for each in formats:
        if each not in FORMATS:
            raise UsageError(
                f"--format {each!r} is not known; this version has {', '.join(FORMATS)}"
            )
    formats = formats or ["text"]
    if len(files) > len(formats):
        raise UsageError(
            f"{len(files)} -o for {len(formats)} --format: the n-th -o belongs to the n-th --format"
        )
    targets = [
        *(None if file == "-" else file for file in files),
        *([None] * (len(formats) - len(files))),
    ]
    if targets.count(None) > 1:
        raise UsageError(
            "only one format can go to standard output; give the others a file with -o"
        )
    for file in targets:
        if file is not None:
            check(file)
    outputs = [Output(f, t) for f, t in zip(formats, targets, strict=True)]
    return tuple(o for o in outputs if o.file or not quiet)


def _platform(text: str | None) -> str:
    if text is None:
        return own_platform()
    if not re.fullmatch(_PLATFORM, text):
        raise UsageError(
            f"--platform {text[:80]!r} is not OS/ARCH[/VARIANT], such as linux/arm64/v8"
        )
    return text


def _names(option: str, text: str, checks: Callable[[], Collection[str]]) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        return names
    known = checks()
    if unknown := sorted(names - set(known)):
        import difflib

        near = difflib.get_close_matches(unknown[0], list(known), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"{option}: {unknown[0][:80]!r} is no check; {hint}the checks are {', '.join(known)}"
        )
    return names


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds <= 86400):
        raise UsageError(
            f"--timeout {text[:40]!r} is not a number of seconds above 0 (at most 86400)"
        )
    return seconds


def _host(text: str) -> str:
    if not text.strip() or re.search(r"[/@]|\S\s+\S", text):
        raise UsageError(
            f"--allow-realm {text[:80]!r} is no host; give the token service's name alone, such as "
            "auth.example.com, with :PORT if one port is meant"
        )
    return text


def _days(text: str | None) -> int:
    if text is None:
        return 21
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise UsageError(f"--warn-days {text[:40]!r} is not a number of days, such as 21")
    return int(text)


def _without_waiting(path: str, flags: int) -> int:
    """A pipe is opened although nobody writes to it, and can be refused."""
    return os.open(path, flags | os.O_NONBLOCK)


def _certificates(file: str | None) -> str | None:
    if file is None:
        return None
    try:
        with open(file, "rb", opener=_without_waiting) as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise UsageError(f"--ca {file!r} is not a regular file")
            start = handle.read(4 << 20)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--ca {file!r} cannot be read: {why}") from None
    if (
        b"-----BEGIN CERTIFICATE-----" not in start
        and b"-----BEGIN TRUSTED CERTIFICATE-----" not in start
    ):
        raise UsageError(
            f"--ca {file!r} holds no PEM certificate (a line -----BEGIN CERTIFICATE-----)"
        )
    return file
