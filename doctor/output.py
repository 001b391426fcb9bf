"""How does a report leave? In the formats asked for, each to its place, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doctor.options import Options, Output
from doctor.streams import say
from doctor.usage import UsageError


def render(
    document: Mapping[str, Any], form: str, *, colour: bool, verbose: bool, width: int
) -> str:
    """The document in one format."""
    if form == "json":
        from doctor.report import json

        return json.render(dict(document))
    from doctor.report import text

    return text.render(document, text.Style(colour, verbose, width))


def write(document: Mapping[str, Any], options: Options, outputs: Sequence[Output]) -> None:
    """Every output in its place. Raises UsageError if a file cannot be written, BrokenPipeError if
    nobody reads."""
    for output in outputs:
        to_terminal = output.file is None and sys.stdout.isatty()
        colour = (
            to_terminal and os.environ.get("TERM") != "dumb"
            if options.colour is None
            else options.colour
        )
        width = min(shutil.get_terminal_size().columns, 100) if to_terminal else 80
        text = render(document, output.format, colour=colour, verbose=options.verbose, width=width)
        if output.file is None:
            say(text)
        else:
            _deliver(output.file, text)


def _deliver(file: str, text: str) -> None:
    """Put the text into the file: whole, or not at all. A device, a pipe or an open descriptor
    (`/dev/stdout`) is written as it is."""
    path = Path(file)
    descriptor = _DESCRIPTOR.fullmatch(os.path.abspath(file))
    try:
        if descriptor:
            number = descriptor["number"] or {"out": 1, "err": 2}[descriptor["name"]]
            _pour(os.dup(int(number)), text)
        elif path.exists() and not path.is_file():
            _pour(_opened(path), text)
        else:
            _replace(Path(os.path.realpath(path)), text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{file!r} could not be written: {error.strerror or error}") from None


_DESCRIPTOR = re.compile(r"/dev/std(?P<name>out|err)|/(?:dev|proc/self)/fd/(?P<number>[0-9]{1,6})")


def _opened(path: Path) -> int:
    """A pipe that nobody reads is an error: opening it would wait for ever."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from it") from None
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _pour(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _replace(path: Path, text: str) -> None:
    """Write the file beside it first, then put it in its place; where the folder takes no new file,
    the old one is written over."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".doctor-", dir=path.parent)
    except OSError:
        if not path.exists():
            raise
        path.write_text(text, encoding="utf-8")
        return
    try:
        _pour(descriptor, text)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
