"""What does a finding code mean, what does a pasted error, and which checks are there? `doctor
explain`, `doctor checks`. Offline, without any permission."""

from __future__ import annotations

import os
import re
from argparse import Namespace

from doctor.codes import Book, load
from doctor.plugins import installed
from doctor.process.streams import say, talk
from doctor.redact import plain, scrub
from doctor.usage import UsageError

_CODE = re.compile(r"[a-z0-9]+[._][a-z0-9._-]+")


def explain(args: Namespace) -> int:
    """Print what each code, or what a text, means; 0 when all of it is known, else 1. Without
    either: every code with its title."""
    book = load(installed().words)
    for problem in book.problems:
        talk(f"doctor: {plain(scrub(str(problem)))}")
    if not args.text:
        for code in book.codes():
            words = book.get(code)
            say(f"{code:32} {words.title if words else ''}\n")
        return 0
    if all(_means_a_code(word, book) for word in args.text):
        return _codes(args, book)
    return _text(args, book)


def _means_a_code(word: str, book: Book) -> bool:
    """Is it a code, or a mistyped one? A path is none, nor what a client says."""
    if book.get(word) is not None:
        return True
    if not _CODE.fullmatch(word) and (not book.near(word) or not word.strip().islower()):
        return False
    from doctor.command.pasted import is_path
    from doctor.said import errors

    return not is_path(word) and not os.path.isfile(word) and not errors(word)


def _codes(args: Namespace, book: Book) -> int:
    if args.output or set(args.format or ()) - {"text"}:
        raise UsageError("a code is explained as text; --format, --json and -o are for errors")
    unknown = 0
    for number, code in enumerate(args.text):
        text = book.explain(code)
        if text is None:
            unknown += 1
            near = ", ".join(book.near(code))
            hint = f" Near: {near}." if near else " `doctor explain` lists the codes."
            talk(f"doctor: {plain(scrub(code), 80)!r} is no finding code.{hint}")
        elif not args.quiet:
            blank = "\n" if number else ""
            say(f"{blank}{text}\n")
    return 1 if unknown else 0


def _text(args: Namespace, book: Book) -> int:
    """Explain a text: a report in the formats asked for, one entry for each distinct error."""
    from doctor.command.hearsay import UNKNOWN, report
    from doctor.command.options import read
    from doctor.command.output import tell
    from doctor.command.pasted import texts
    from doctor.redact import learn_variables
    from doctor.report.document import document

    learn_variables(os.environ)
    options = read(args, tuple)
    pasted, unread = texts(args.text)
    if not pasted:
        return 1
    found = report(pasted, book)
    known = not unread and all(UNKNOWN not in each.root_causes for each in found.diagnoses)
    return tell(document(found), options, 0 if known else 1)


def list_checks() -> int:
    """Print every check in the order of the path, its question, and the codes that it can give."""
    from doctor.checks import k8s

    found = installed()
    book = load(found.words)
    origins = dict(found.origins)
    for check in (*found.checks, k8s.CHECK):
        origin = f"  (plug-in: {origins[check.id]})" if check.id in origins else ""
        say(f"{check.id}: {check.question}{origin}\n")
        codes = book.of(check)
        for code in codes:
            words = book.get(code)
            say(f"    {code:32} {words.severity if words else ''}\n")
    for problem in (*found.problems, *map(str, book.problems)):
        talk(f"doctor: {plain(scrub(problem))}")
    return 0
