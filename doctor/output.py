"""How does a report leave? In the formats asked for, each to its place, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doctor.options import Options, Output
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
            sys.stdout.write(_spelled(text, sys.stdout.encoding))
            sys.stdout.flush()
        else:
            _replace(output.file, text)


def _spelled(text: str, encoding: str | None) -> str:
    """The text as far as the output's encoding has it; other characters become their escapes."""
    return text.encode(encoding or "utf-8", "backslashreplace").decode(encoding or "utf-8")


def _replace(file: str, text: str) -> None:
    """Write the file whole: beside it first, then in its place. A device or pipe is written as it
    is."""
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(text)
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(f"{file!r} could not be written: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
