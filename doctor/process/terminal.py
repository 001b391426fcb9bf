"""Does somebody sit at a terminal? Then `doctor` opens the interactive view.

"On a terminal" as the contract has it: standard input and output are terminals, and nothing was
asked for that is made for programs. A terminal that cannot place its cursor is none.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from doctor.process.streams import simple, talk

_DUMB = "doctor: this terminal ({}) cannot show the interactive view; here is the text."


def attended(args: Namespace | None = None) -> bool:
    """Are both standard streams terminals, and no option given that asks for text?"""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return args is None or not (args.format or args.output or args.quiet or args.password_stdin)


def interactive(args: Namespace) -> bool:
    """Is the interactive view to be opened? Where only the terminal cannot show it, that is
    said."""
    if not attended(args):
        return False
    if why := simple():
        talk(_DUMB.format(why))
        return False
    return True
