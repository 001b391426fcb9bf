"""How does foreign text stand in Markdown so that it stays text?

CommonMark 0.31 and GitHub's extensions. Machine words (an address, a path, anything with a sign
that Markdown, an autolink or a mention could use) stand in code spans, where nothing is parsed and
nobody is called; what is left is escaped with backslashes. The only HTML is `details` and
`summary`, written by us, never from a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from doctor.redact import plain

_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&$]")
_STARTS = re.compile(r"^(\d{1,9})?(?(1)([.)])|([-+=>]))")
_MACHINE = re.compile(r"[@/\\_*~<>\[\]|=&$#]|\w:\w|\bwww\.|\w\.\w", re.ASCII)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?%?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]")
_QUOTED = re.compile(r"`([^`]+)`")
_OPENS, _CLOSES = "([{\"'“", ")]}\"'”.,;:!?…"


def prose(text: str, limit: int = 2000) -> str:
    """A sentence: what stands between backticks and every machine word in code spans."""
    found = ""
    for each, machine in parts(plain(text, limit)):
        piece = code(each) if machine else escaped(each)
        apart = " " if machine and found.endswith("`") else ""  # two fences would be one
        found = f"{found}{apart}{piece}"
    return _STARTS.sub(lambda at: f"{at[1] or ''}\\{at[2] or at[3]}", found)


def tagged(text: str, limit: int = 300) -> str:
    """A sentence where HTML stands, in a `summary`: the same words in `code` elements."""
    said = parts(plain(text, limit))
    return "".join(f"<code>{escape(s)}</code>" if m else escape(s) for s, m in said)


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a sentence, each with whether it is for machines: it stands between backticks,
    or is a word with a sign in it that no word of a language has."""
    at = 0
    for match in _QUOTED.finditer(text):
        yield from _words(text[at : match.start()])
        yield match[1], True
        at = match.end()
    yield from _words(text[at:])


def _words(text: str) -> Iterator[tuple[str, bool]]:
    for word in re.split(r"(\s+)", text):
        start, end = _bare(word)
        core = word[start:end]
        if core and _MACHINE.search(core) and not _NUMBER.fullmatch(core):
            yield word[:start], False
            yield core, True
            yield word[end:], False
        else:
            yield word, False


def _bare(word: str) -> tuple[int, int]:
    """Where the word begins and ends within what a sentence puts around it: brackets, but not those
    of an IPv6 address."""
    start = len(word) - len(word.lstrip(_OPENS))
    address = _IPV6.match(word, start - 1) if start else None
    end = max(start, len(word.rstrip(_CLOSES)))
    return (start - 1, max(end, address.end())) if address else (start, end)


def escaped(text: str) -> str:
    """Text with nothing in it that Markdown would read; made safe before."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def code(text: str, limit: int = 2000) -> str:
    """A code span; its fence is longer than any run of backticks in it."""
    text = plain(text, limit) or " "
    fence = "`" * (_longest(text) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(text: str, limit: int = 300) -> str:
    """A sentence in a table, where a bar ends the cell, in code too (GFM, 4.10)."""
    return _barred(prose(text, limit))


def code_cell(text: str, limit: int = 300) -> str:
    """A code span in a table."""
    return _barred(code(text, limit))


def _barred(text: str) -> str:
    """A bar that is escaped already stays so."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", text)


def block(lines: list[str], info: str = "", indent: str = "") -> Iterator[str]:
    """A fenced block of lines that were made safe; its fence is longer than any in them."""
    fence = "`" * max(3, _longest("\n".join(lines)) + 1)
    yield f"{indent}{fence}{info}"
    yield from (f"{indent}{line}" for line in lines)
    yield f"{indent}{fence}"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def folded(title: str, lines: list[str]) -> Iterator[str]:
    """What a reader opens when it is wanted. The title is HTML."""
    yield "<details>"
    yield f"<summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
