"""What does a finding code mean, and which checks are there? `doctor explain CODE`, `doctor
checks`. Offline."""

from __future__ import annotations

from argparse import Namespace

from doctor.codes import load
from doctor.plugins import installed
from doctor.redact import plain, scrub
from doctor.streams import say, talk


def explain(args: Namespace) -> int:
    """Print what each code means; 0 when all are known, else 1. Without a code: every code with its
    title."""
    book = load(installed().words)
    for problem in book.problems:
        talk(f"doctor: {plain(scrub(str(problem)))}")
    if not args.text:
        for code in book.codes():
            words = book.get(code)
            say(f"{code:32} {words.title if words else ''}\n")
        return 0
    unknown = 0
    for number, code in enumerate(args.text):
        if number:
            say("\n")
        text = book.explain(code)
        if text is not None:
            say(f"{text}\n")
            continue
        unknown += 1
        near = ", ".join(book.near(code))
        hint = f" Near: {near}." if near else " `doctor explain` lists the codes."
        talk(f"doctor: {plain(scrub(code), 80)!r} is no finding code.{hint}")
    return 1 if unknown else 0


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
