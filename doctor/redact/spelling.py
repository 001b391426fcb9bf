"""In which ways may a secret be written down?

Whoever repeats one encodes it first: for a URL, JSON, HTML, a header, a shell. Each encoder spares
other characters (JavaScript's leaves `!'()*` as they are, Go's JSON escapes `<`, Go's HTML `+`),
and encodings are stacked (a URL in a query is encoded twice). So letters and digits are looked for
as they are and every other character in whatever form: `pattern`. What keeps none of the letters
(base64, hexadecimal, everything percent-encoded) is a text of its own: `texts`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, quote_plus

from doctor.redact.plain import plain

SHORTEST = 4
"""A shorter secret is not searched for: masking every "a" would hide the report and still show the
secret."""
_CASED = 8
"""What is shorter and spelt in other letter case may be a common word."""
_RUN = re.compile(r"[A-Za-z0-9]+")
_ANCHORS = 4
_LONGEST = 256
_PIECES = re.compile(r"[A-Za-z0-9]+|\+*\s[\s+]*|\\+|.", re.DOTALL)
_SHORT = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\0": "0"}
"""What follows a backslash for these."""


def spellings(value: str) -> set[str]:
    """The usual spellings as they stand: as is, JSON-escaped, URL-encoded, and all `texts`."""
    found = _escaped(value)
    for text in texts(value):
        found |= {text, quote(_bytes(text), safe="")}
    return {each for each in found if len(each) >= SHORTEST}


def _escaped(value: str) -> set[str]:
    raw = _bytes(value)
    found = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    for encoded in (quote(raw, safe=""), quote_plus(raw), quote(raw, safe="/")):
        found |= {encoded, re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), encoded)}
    return found


def texts(value: str) -> set[str]:
    """The value itself, and what becomes of it where none of its letters are kept; of a long one
    also its usual spellings."""
    raw = _bytes(value)
    percent = "".join(f"%{byte:02x}" for byte in raw)
    opaque = {percent, percent.upper()}
    for source in _sources(value):
        opaque |= {source.hex(), source.hex().upper()}
    if len(value) > _LONGEST:
        opaque |= _escaped(value)
    if len(value) >= _CASED:  # a login in a file of logins, as a Secret of Kubernetes holds it
        opaque |= {twice for once in {*_base64(raw)} for twice in _base64(once.encode())}
        opaque |= {"\0".join(value), *_base64(value.encode("utf-16-le", "surrogatepass"))}
    return {each for each in _written(value) | opaque if len(each) >= SHORTEST}


def varying(value: str) -> set[str]:
    """Those of them with characters that a further encoder writes otherwise, which `pattern` finds.
    A pattern has its price, and who sends a long secret must not make us pay it."""
    return {
        text
        for text in _written(value)
        if SHORTEST <= len(text) <= _LONGEST and not (text.isascii() and text.isalnum())
    }


@cache
def _written(value: str) -> frozenset[str]:
    found = {value}
    for source in _sources(value):
        found |= {*_base64(source)}
    if len(value) >= _CASED:
        found |= {value.lower(), value.upper()}
    if not value.isascii():
        found.add(_bytes(value).decode("latin-1"))
    return frozenset(found)


@cache
def _sources(value: str) -> frozenset[bytes]:
    """What base64 and hexadecimal are made of: the value, alone or out of a document or a URL."""
    raw = _bytes(value)
    urls = (quote(raw, safe=safe).encode() for safe in ("", "/"))
    return frozenset((raw, json.dumps(value)[1:-1].encode(), *urls))


def _base64(raw: bytes) -> Iterator[str]:
    """Wherever it stands in what was encoded, without the characters at its ends that depend on
    its neighbours; in both alphabets."""
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode()
        stable = text[(0, 2, 3)[offset] : (len(raw) + offset) * 8 // 6]
        yield stable
        yield stable.replace("+", "-").replace("/", "_")


def anchors(text: str) -> tuple[str, ...]:
    """The longest parts of it that stand in all spellings that `pattern` finds; may be none."""
    return tuple(sorted(_RUN.findall(text), key=len, reverse=True)[:_ANCHORS])


def pattern(text: str) -> re.Pattern[str]:
    """All spellings that leave letters and digits alone, of several encoders one upon the other as
    well. Nothing is tried twice, since the searched text is hostile: repetitions stand in atomic
    groups, not in possessive quantifiers, which before Python 3.11.5 lose their place when the last
    turn of a group fails half-way."""
    parts, escaped = [], False
    for piece in _PIECES.findall(text):
        parts.append(_piece(piece, escaped))
        escaped = piece[0] == "\\"
    return re.compile("".join(parts))


_PERCENT = "%(?>(?:25)*)"
_BACKSLASH = rf"(?:\\|{_PERCENT}5[cC])"
_AMPERSAND = rf"(?:&|{_PERCENT}26|(?>{_BACKSLASH}*)u0026)(?>(?:amp(?:;|{_PERCENT}3[bB]))*)"
"""What a form begins with may be encoded again."""
_LONGER = {"%": "%(?>(?:25)+)", "'": r"'(?:\"'\"|\\')'"}
_BLANKS = " \t\n\r\xa0+"


def _piece(piece: str, escaped: bool) -> str:
    """One run of letters and digits, of white space (for which forms write `+`), of backslashes, or
    one other character. `escaped`: it follows backslashes, which take in those of its own
    escape."""
    if piece[0] == "\\":
        return rf"(?>(?:{_BACKSLASH}|{_html(piece[0])}){{{len(piece)},}})"
    if piece[0].isascii() and piece[0].isalnum():
        return piece
    if re.search(r"\s", piece):
        forms = {form for each in {*piece, *_BLANKS} for form in _forms(each, escaped)}
        return rf"(?>(?:\s|{'|'.join(sorted(forms))}){{1,{4 * len(piece)}}})"
    return f"(?:{'|'.join(_forms(piece, escaped))})"


def _forms(character: str, escaped: bool) -> Iterator[str]:
    """The forms of one character, as regular expressions."""
    code = ord(character)
    yield f"(?>{_BACKSLASH}*)(?:{'|'.join(_unescaped(character))})"
    if character == "&":
        return
    some = f"(?>{_BACKSLASH}{'*' if escaped else '+'})"
    units = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 | code & 0x3FF]
    yield some + f"(?>{_BACKSLASH}+)".join(rf"u(?i:{unit:04x})" for unit in units)
    wide = [rf"U(?i:{code:08x})", *([rf"x(?i:{code:02x})"] if code < 0x100 else [])]
    short = [_SHORT[character]] if character in _SHORT else []
    yield f"{some}(?:{'|'.join([*short, *wide])})"


def _unescaped(character: str) -> Iterator[str]:
    """Those that do not begin with a backslash, the longer first where one begins another. No text
    fits two of them: that would double the ways to fail with every character."""
    code, shown = ord(character), plain(character)
    yield _html(character)
    if character == "&":
        yield _AMPERSAND
        return
    if character in _LONGER:
        yield _LONGER[character]
    yield re.escape(character)
    if character != "%":
        yield "".join(rf"{_PERCENT}(?i:{byte:02x})" for byte in _bytes(character))
    if 0x7F < code < 0x100:
        yield rf"{_PERCENT}(?i:{code:02x})"
    if shown != character:
        yield re.escape(shown)


def _html(character: str) -> str:
    code = ord(character)
    hexadecimal = f"(?i:{code:x})" if code else "(?<=0)"
    number = rf"(?:#|{_PERCENT}23)(?:0*+{code or '(?<=0)'}|[xX]0*+{hexadecimal})"
    names = "|".join([number, *_names().get(character, ())])
    return rf"{_AMPERSAND}(?:{names})(?:;|{_PERCENT}3[bB]|(?=\W))"


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """HTML's names for characters."""
    from html.entities import html5

    found: dict[str, tuple[str, ...]] = {}
    for name, value in html5.items():
        if name[-1] == ";":
            found[value] = (*found.get(value, ()), name[:-1])
    return found


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")
