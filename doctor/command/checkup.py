"""What does `doctor check` do? Options -> a report in the formats asked for, and an exit code."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.command.intake import given
from doctor.command.options import Options, read
from doctor.model import Check, Event, Report
from doctor.outcome import Choice, kept
from doctor.plugins import installed
from doctor.process.streams import Line, remark
from doctor.redact import learn_variables, plain, scrub
from doctor.run import begin, run

if TYPE_CHECKING:
    from doctor.codes import Book


def check(args: Namespace) -> int:
    """`doctor check`: diagnose, print, and return the contract's exit code."""
    options, report, _, _ = diagnosed(args)
    from doctor.command.output import tell
    from doctor.report.document import document

    return tell(document(report), options)


def diagnosed(args: Namespace) -> tuple[Options, Report, Sequence[Check], Book]:
    """The report on what the command line asks for, the checks that made it and their words; what
    kept a plug-in out is said."""
    begun = time.monotonic()
    learn_variables(os.environ)
    options = read(args, lambda: tuple(dict.fromkeys(c.name for c in installed().checks)))
    targets, secret = given(options)
    begin(targets, options)
    found = installed(for_shell=True) if options.plain_program else installed()
    from doctor.codes import load

    book = load(found.words)
    asked = options.password_stdin or "-" in options.files
    if options.timeout and not (asked and sys.stdin.isatty()):  # who types has the time they need
        left = options.timeout - (time.monotonic() - begun)
        options = replace(options, timeout=max(0.1, left))
    progress = Progress()
    watched = sys.stderr.isatty() and not options.quiet
    try:
        report = run(targets, options, found.checks, book, secret, progress if watched else None)
    finally:
        progress.clear()
    if not options.quiet and not options.offline:
        _tell_kept(found.checks, Choice(options.only, options.skip))
    for problem in (*found.problems, *map(str, book.problems)):
        remark(f"doctor: {plain(scrub(problem))}")
    return options, report, found.checks, book


def _tell_kept(checks: Sequence[Check], choice: Choice) -> None:
    for name, those in kept(checks, choice).items():
        remark(
            f"doctor: --skip {name}: it is looked at all the same, because {', '.join(those)} "
            f"cannot do without; only what is in their way is told"
        )


class Progress(Line):
    """One line on standard error that says what is being looked at; gone when the report comes."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[tuple[str, str], None] = {}

    def __call__(self, event: Event) -> None:
        at = (event.target.registry.name, event.check)
        if event.kind == "started":
            self.running[at] = None
        elif event.kind == "finished":
            self.running.pop(at, None)
        names = list(dict.fromkeys(check for _, check in self.running))
        if names:
            host = plain(scrub(event.hop.name if event.hop else event.target.registry.name), 40)
            self.show(f"looking at {host}: {', '.join(names)}")
