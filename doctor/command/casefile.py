"""What does `doctor k8s --bundle` do? A cluster's report and the objects that it comes from -> one
file that can be sent; the report is printed all the same."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from doctor.bundle import write
from doctor.bundle.configuration import LeftOut
from doctor.command.handover import finished, put, surroundings, tell_of
from doctor.command.output import exit_code
from doctor.facts.pull import PullFact
from doctor.plugins import installed
from doctor.pods.kept import Kept
from doctor.process.streams import UndeliveredError, talk
from doctor.redact import plain, scrub
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.bundle.contents import Surroundings
    from doctor.codes import Book
    from doctor.command.options import Options
    from doctor.model import Report


def opened(args: Namespace, options: Options) -> Kept:
    """Where the objects are put. Raises UsageError where no bundle can be written."""
    file: str | None = args.bundle
    if file is None:
        raise UsageError("--pseudonyms are for a bundle; give --bundle FILE too")
    write.check(file, "--bundle", names=args.pseudonyms)
    place = os.path.realpath(file)
    if any(each.file and os.path.realpath(each.file) == place for each in options.outputs):
        raise UsageError(f"-o and --bundle both name {file!r}; a bundle is a file of its own")
    return Kept()


def closed(
    args: Namespace, options: Options, report: Report, kept: Kept, book: Book
) -> UndeliveredError | None:
    """Write the bundle; the reason why there is none, for the report is printed all the same."""
    around = surroundings_of(report, options.root, kept)
    code = exit_code(report.verdict, options.strict)
    try:
        made = finished(report, around, installed().checks, book, pseudonyms=args.pseudonyms)
        put(made, args.bundle, code)
    except UndeliveredError as error:
        return error
    if not options.quiet:
        talk(f"doctor: the bundle is {plain(scrub(args.bundle))}")
        tell_of(args.bundle, made)
    return None


def surroundings_of(report: Report, root: str, kept: Kept) -> Surroundings:
    """What goes into the bundle besides the report: the objects of the pods that fail, too."""
    return surroundings(report, root, kept.of(_failing(report)), _passed(kept))


def _failing(report: Report) -> set[tuple[str, str]]:
    facts = report.kubernetes.facts if report.kubernetes else ()
    return {(fact.namespace, fact.pod) for fact in facts if isinstance(fact, PullFact)}


def _passed(kept: Kept) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(f"kubernetes/{kind}", f"{count} more were read; so many objects do not go along")
        for kind, count in sorted(kept.passed.items())
    )
