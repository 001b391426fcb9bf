"""What of a file in JSON or TOML may be read by others?

Nothing is parsed: a file that no parser takes is the very evidence. The text is cut into words,
strings and punctuation, which stay where they are; a name or a value that is not listed
(`doctor.bundle.settings`) gives way to a mask, and so do comments.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from json import loads

from doctor.bundle.masking import Mask
from doctor.bundle.settings import may_be_named, readable

_TOKENS = r"""
    (?P<triple>\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z))
    |(?P<string>"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z)|'[^'\n]*(?:'|(?=\n)|\Z))
    |(?P<comment>\#[^\n]*|(?<![:\w])//[^\n]*)
    |(?P<line>\n)
    |(?P<blank>[^\S\n]+)
    |(?P<mark>[\[\]{},=:])
    |(?P<bare>[^\s\[\]{},=:"'#]+)
"""
_TOKEN = re.compile(_TOKENS, re.X)


class _Token:
    """A piece of the text, and what it says without its quotes."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        marks = 3 if kind == "triple" else 1 if kind == "string" else 0
        quote = text[:marks]
        self.said = text[marks:].removesuffix(quote) if marks else text
        if quote[:1] == '"' and "\\" in text:
            with contextlib.suppress(ValueError):
                self.said = str(loads(f'"{self.said}"', strict=False))

    @property
    def says(self) -> bool:
        return self.kind in ("triple", "string", "bare")

    def masked(self, mask: str) -> str:
        """The mask in its place, with as many lines."""
        lines = "\n" * self.text.count("\n")
        quote = self.text[:3] if self.kind == "triple" else '"'
        return f"{quote}{mask}{lines}{quote}"


def _cut(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        yield _Token(match.lastgroup or "", match[0])


def json(text: str, mask: Mask, under: Sequence[str] = ()) -> str:
    """JSON: what is followed by a colon is a name, everything else a value of the last name before
    it, or of the one that its bracket belongs to. `under`: the names that the text stands under."""
    tokens = list(_cut(text))
    names = [*under, *([] if under else [""])]
    out = []
    for place, token in enumerate(tokens):
        if token.kind == "comment":  # none in JSON, and written all the same
            out.append(f"// {mask.comment()}")
        elif token.kind == "mark":
            if token.text in "[{":
                names.append(names[-1])
            elif token.text in "]}" and len(names) > len(under) + 1:
                names.pop()
            out.append(token.text)
        elif not token.says:
            out.append(token.text)
        elif _before(tokens, place, ":"):
            out.append(_name(token, mask, names))
            names[-1] = token.said
        else:
            out.append(_value(token, names, mask))
    return "".join(out)


def toml(text: str, mask: Mask) -> str:
    """TOML: a line is a table's header, or a name and what follows `=`, over several lines where a
    bracket is open; in braces names stand again."""
    tokens = list(_cut(text))
    out: list[str] = []
    table, name = "", ""
    inside, depth, value = "name", 0, ""
    for place, token in enumerate(tokens):
        at_start = inside == "name" and not name
        if token.kind == "comment":
            out.append(f"# {mask.comment()}")
        elif token.kind == "line":
            if depth == 0:
                inside, name = "name", ""
            out.append(token.text)
        elif token.kind == "mark":
            if at_start and token.text == "[":
                inside, table = "header", ""
            elif inside == "name" and token.text == "=":
                inside, value = "value", name
            elif inside == "value" and token.text in "[{":
                depth += 1
            elif inside == "value" and token.text in "]}":
                depth = max(0, depth - 1)
            out.append(token.text)
        elif not token.says:
            out.append(token.text)
        elif inside == "header":
            table = token.said.strip(".")
            out.append(_dotted(token, mask))
        elif inside == "name":
            name = _last(token)
            out.append(_dotted(token, mask, [table]))
        elif depth and _before(tokens, place, "="):
            value = _last(token)
            out.append(_dotted(token, mask, [table, name]))
        else:
            out.append(_value(token, [table, name, value], mask))
    return "".join(out)


def _before(tokens: list[_Token], place: int, mark: str) -> bool:
    """Is the next mark, blanks aside, that one?"""
    for token in tokens[place + 1 : place + 3]:
        if token.kind not in ("blank", "line"):
            return token.text == mark
    return False


def _last(token: _Token) -> str:
    return token.said if token.kind != "bare" else token.said.rpartition(".")[2]


def _name(token: _Token, mask: Mask, under: Sequence[str] = ()) -> str:
    return token.text if may_be_named(token.said, under) else token.masked(mask.name(token.said))


def _dotted(token: _Token, mask: Mask, under: Sequence[str] = ()) -> str:
    """A name in TOML; a bare one may be several, joined by dots."""
    if token.kind != "bare" or may_be_named(token.said, under):
        return _name(token, mask, under)
    parts = token.said.split(".")
    shown = (p if not p or may_be_named(p) else f'"{mask.name(p)}"' for p in parts)
    return ".".join(shown)


def _value(token: _Token, names: Sequence[str], mask: Mask) -> str:
    """What of it may be read; all of it as it is written, for a mistake may be just there."""
    shown = readable(names, token.said)
    if shown == token.said:
        return token.text
    return token.masked(
        mask.value(names, token.said) if shown is None else mask.part(shown, token.said)
    )
