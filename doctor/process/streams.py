"""Where does the command's text go? Data to standard output, talk to standard error, and nothing to
a stream that is not there.

A stream may be closed before the command begins (`>&-`), be full, or lose its reader at any moment.
Only data that cannot be delivered is an error; talk that nobody hears is not.
"""

from __future__ import annotations

import os
import sys


class UndeliveredError(Exception):
    """What was asked for could not be put where it was to go; the message is one sentence. `exit`
    is the command's code: what it found, if that is no good news, else that nobody was told."""

    exit = 3


def open_all() -> None:
    """Give every standard stream that was closed a descriptor, so that no file or connection of
    ours takes its number: input is at its end, output has no reader, talk is lost."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            _without_reader(descriptor) if descriptor == 1 else os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", errors="replace")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")


def _without_reader(descriptor: int) -> None:
    reading, writing = os.pipe()
    os.dup2(writing, descriptor)
    for end in {reading, writing} - {descriptor}:
        os.close(end)


def say(text: str) -> None:
    """Put data on standard output, at once; what its encoding has not becomes an escape. Raises
    BrokenPipeError if nobody reads, UndeliveredError if it cannot be written."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise UndeliveredError(f"standard output could not be written: {why}") from None


def talk(text: str, end: str = "\n") -> None:
    """Put a line on standard error, if it can be put there."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def simple() -> str:
    """Why the terminal takes text alone, no control sequence: what its TERM says; "" where it takes
    them."""
    kind = os.environ.get("TERM", "")
    return "" if kind not in ("", "dumb") else f"TERM={kind}" if kind else "TERM is not set"


class Line:
    """One line of talk that is written over again and again, and gone at the end; none on a
    terminal that cannot."""

    def __init__(self) -> None:
        self._shown = False

    def show(self, text: str) -> None:
        """The text in place of what stood there."""
        if simple():
            return
        talk(f"\r\x1b[K{text} …", end="")
        self._shown = True

    def clear(self) -> None:
        """Take the line away again."""
        if self._shown:
            talk("\r\x1b[K", end="")


def remark(text: str) -> None:
    """Put a sentence on standard error: in lines of a terminal's width, elsewhere as one."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else 0
    except (OSError, ValueError):
        columns = 0
    if columns:
        import textwrap

        text = textwrap.fill(text, max(columns, 20), break_long_words=False, break_on_hyphens=False)
    talk(text)
