"""How does foreign text go into a sentence, or into a shell command, and stay one word of it?

A template's `{name}` stands for a param. In a sentence the value is made safe to show. In a
command, by the quoting rules of POSIX (Shell Command Language, 2.2), it ends up inside one word, or
the command is not made at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from doctor.redact import plain

NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,-]+")
_QUOTED = re.compile(r"[A-Za-z0-9_./:@+=,*~\[\]-]+")
"""What may stand inside a template's own quotes: it may be read again there, as TOML or as code."""


class Typed(str):
    """Words of a command that this program itself wrote, `doctor check --as podman`: several, and
    no quotes around them. Nothing from outside is ever one."""

    __slots__ = ()


class WordsError(ValueError):
    """Why a template or a table cannot be used, in words for its author."""


def text(template: str, params: Mapping[str, str]) -> str | None:
    """The sentence with every placeholder filled in, safe to show; None where a param is absent."""
    out: list[str] = []
    for literal, name, _ in pieces(template, False):
        if name and not params.get(name):
            return None
        out.append(plain(params[name]) if name else literal)
    return "".join(out)


def command(template: str, params: Mapping[str, str]) -> str | None:
    """The shell command with every placeholder filled in, each within one word; None where a param
    is absent, or is nothing to put in a command: with control characters, too long, or an option
    in disguise."""
    out: list[str] = []
    for literal, name, place in pieces(template, True):
        value = params.get(name, "") if name else literal
        if isinstance(value, Typed) and "quoted" not in place:
            out.append(value)
            continue
        if name and (not value or plain(value) != value or (value[0] == "-" and "start" in place)):
            return None
        if name and "quoted" in place and not _QUOTED.fullmatch(value):
            return None
        if name and "quoted" not in place and not _BARE.fullmatch(value):
            value = "'" + value.replace("'", "'\"'\"'") + "'"
        out.append(value)
    return "".join(out)


@lru_cache(maxsize=1024)
def pieces(template: str, typed: bool) -> tuple[tuple[str, str, str], ...]:
    """(literal, "", "") or ("", name, place) in order; place has "start" (of a word), "quoted"."""
    pieces: list[tuple[str, str, str]] = []
    quote, before, at = "", " ", 0
    while at < len(template):
        rest = template[at : at + 2]
        slot = NAME.match(template, at)
        if rest in ("{{", "}}"):
            piece, at = rest[0], at + 2
        elif slot:
            if typed and (quote == '"' or (not quote and before in "\\$")):
                raise WordsError(
                    f"{slot[0]} in double quotes, or after $ or a backslash: no value is safe there"
                )
            start = "start" if before in " \t\n;|&()<>" + (quote or " ") else ""
            pieces.append(("", slot[1], f"{start} {'quoted' if quote else ''}".strip()))
            before, at = "x", slot.end()
            continue
        elif rest[0] in "{}":
            raise WordsError(
                f"a lone {rest[0]}: a brace of its own is doubled, a placeholder is {{lower_case}}"
            )
        else:
            piece = (
                rest
                if typed and rest[0] == "\\" and quote != "'" and rest[1:] not in "{}"
                else rest[0]
            )
            at += len(piece)
        if typed:
            inside = template[at : template.find(")", at)] if quote == '"' and rest == "$(" else ""
            if "'" in inside or '"' in inside:
                raise WordsError(
                    "quotes within $(...) within double quotes: take the outer ones away"
                )
            quote = _quote_after(piece, quote, before, rest)
        pieces.append((piece, "", ""))
        before = piece[-1] if piece[0] != "\\" or len(piece) == 1 else "x"
    if quote:
        raise WordsError(f"a quote {quote} is not closed")
    return tuple(pieces)


def _quote_after(piece: str, quote: str, before: str, rest: str) -> str:
    """The quote that is open after this piece; what would make quoting uncertain is refused."""
    if quote != "'" and (piece == "`" or rest in ("<<", "$'")):
        raise WordsError(f"{rest} is not for a pasted command: use $(...), printf and plain quotes")
    if not quote and piece == "#" and before in " \t\n;":
        raise WordsError("a comment in a command: say it in the step's text")
    if piece in ("'", '"') and quote in ("", piece):
        return "" if quote else piece
    return quote
