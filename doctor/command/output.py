"""How does a report leave? In the formats asked for, each to its place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from doctor.command.delivery import deliver
from doctor.command.options import Options, Output
from doctor.model import Verdict
from doctor.process.streams import UndeliveredError, say, simple


def render(
    document: Mapping[str, Any], form: str, *, colour: bool, verbose: bool, width: int
) -> str:
    """The document in one format."""
    if form == "text":
        from doctor.report import text

        return text.render(document, text.Style(colour, verbose, width))
    rendered: str = import_module(f"doctor.report.{form}").render(dict(document))
    return rendered


def exit_code(verdict: Verdict, strict: bool) -> int:
    """The contract's: pass 0, warn 0 (1 with --strict), fail 1, incomplete 3."""
    return {"pass": 0, "warn": int(strict), "fail": 1, "incomplete": 3}[verdict]


def tell(
    document: Mapping[str, Any],
    options: Options,
    code: int | None = None,
    lost: UndeliveredError | None = None,
) -> int:
    """Write every output that was asked for, and return the exit code: what the document's verdict
    comes to, unless `code` says otherwise. Raises UndeliveredError with that code, if it is no good
    news, where one did not arrive; and `lost`, which tells of something else that did not."""
    code = exit_code(document["verdict"], options.strict) if code is None else code
    try:
        if options.outputs:
            write(document, options, options.outputs)
    except UndeliveredError as error:
        error.exit = code or error.exit
        if lost is None:
            raise
        lost.args = (f"{lost}; {error}",)
    if lost is not None:
        raise lost
    return code


def write(document: Mapping[str, Any], options: Options, outputs: Sequence[Output]) -> None:
    """Every output in its place, also where another has none. Raises UndeliveredError if one could
    not be written, BrokenPipeError if nobody reads."""
    lost: list[str] = []
    for output in outputs:
        try:
            _put(document, options, output)
        except UndeliveredError as error:
            lost.append(str(error))
    if lost:
        raise UndeliveredError("; ".join(lost))


def _put(document: Mapping[str, Any], options: Options, output: Output) -> None:
    to_terminal = output.file is None and sys.stdout.isatty()
    colour = to_terminal and not simple() if options.colour is None else options.colour
    width = _width() if to_terminal else 80
    text = render(document, output.format, colour=colour, verbose=options.verbose, width=width)
    if output.file is None:
        say(text)
    else:
        deliver(output.file, text)


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size().columns, 100)
