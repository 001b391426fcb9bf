"""Does somebody sit at a terminal? Then `doctor` opens the interactive view.

"On a terminal" as the contract has it: standard input and output are terminals, and nothing was
asked for that is made for programs. A terminal that cannot place its cursor is none.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace


def attended(args: Namespace | None = None) -> bool:
    """Are both standard streams terminals, and no option given that asks for text?"""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return args is None or not (args.format or args.output or args.quiet or args.password_stdin)


def dumb() -> bool:
    """Can it show no more than lines?"""
    return os.environ.get("TERM", "") in ("", "dumb")
