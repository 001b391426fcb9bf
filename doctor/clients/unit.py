"""What does a service's systemd unit, with its drop-ins, set: which environment, which command?

The unit files' own grammar, from their texts alone. Followed: systemd.syntax(7), systemd.exec(5),
and of systemd 252 src/shared/conf-parser.c (lines), src/core/load-fragment.c (Environment=),
src/basic/extract-word.c (words) and src/basic/env-file.c (environment files). An assignment without
a value takes back all before it; what systemd warns of and passes over is a `Flaw`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from doctor.frozen import frozen

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "s": " ",
}  # fmt: skip
_CODES = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_SPECIFIERS = frozenset("aAbBcCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY")
"""systemd.unit(5), "Specifiers": what `%` and such a letter stand for is not what is written."""


@frozen
class Value:
    """A value, and the file and line that set it."""

    text: str
    file: str
    line: int

    @property
    def origin(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@frozen
class Flaw:
    """A line that systemd passes over, or takes otherwise than it is written."""

    file: str
    line: int
    what: str
    effect: str


@frozen
class Line:
    """One assignment: `key=value` in a section."""

    section: str
    key: str
    value: str
    file: str
    line: int


@frozen
class Unit:
    """What a service's section comes to. `environment` has what the unit itself sets; what
    `files` (optional or not) hold comes after it and wins."""

    environment: Mapping[str, Value]
    files: tuple[tuple[Value, bool], ...] = ()
    """Environment files in order, and whether each may be missing (`-`)."""
    command: Value | None = None
    """The last ExecStart= that is left."""
    unset: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    folder: str = ""
    """WorkingDirectory=; "" where it is not set."""
    user: str = ""
    """User=; "" where it is not set, and then there is no HOME either."""


def lines(text: str, file: str) -> tuple[tuple[Line, ...], tuple[Flaw, ...]]:
    """The assignments of one file."""
    found: list[Line] = []
    flaws: list[Flaw] = []
    section = ""
    held: list[str] = []
    numbered = list(enumerate(text.removeprefix("\ufeff").splitlines(), 1))
    for number, written in [*numbered, (len(numbered) + 1, "")]:
        if written.lstrip().startswith(("#", ";")):
            continue
        if _ends_escaped(written) and number <= len(numbered):
            held += [written[:-1], " "]
            continue
        line = "".join([*held, written]).strip()
        held = []
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                flaws.append(Flaw(file, number, "a section header without ]", _STOPS))
                break
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            flaws.append(Flaw(file, number, "a line without KEY=", "passes over the line"))
        elif not section:
            flaws.append(Flaw(file, number, "a setting before any [Section]", _PASSES))
        else:
            found.append(Line(section, key.strip(), value.strip(), file, number))
    return tuple(found), tuple(flaws)


_STOPS = "does not read the rest of the file"
_PASSES = "passes over it"


def _ends_escaped(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def service(texts: Iterable[tuple[str, str]], section: str = "Service") -> Unit:
    """The unit file's text and those of its drop-ins, in the order in which systemd reads them."""
    environment: dict[str, Value] = {}
    files: list[tuple[Value, bool]] = []
    command: Value | None = None
    unset: list[str] = []
    flaws: list[Flaw] = []
    folder = user = ""
    for text, file in texts:
        found, own = lines(text, file)
        flaws += own
        for line in found:
            value = Value(line.value, line.file, line.line)
            if line.section != section:
                continue
            match line.key:
                case "Environment" | "DefaultEnvironment":
                    flaws += _assign(environment, value)
                case "EnvironmentFile":
                    flaws += _name_file(files, value)
                case "ExecStart":
                    command = value if line.value else None
                case "UnsetEnvironment":
                    unset = [*unset, *line.value.split()] if line.value else []
                case "WorkingDirectory":
                    folder = line.value.removeprefix("-")
                case "User":
                    user = line.value
    return Unit(environment, tuple(files), command, tuple(unset), tuple(flaws), folder, user)


def _assign(environment: dict[str, Value], value: Value) -> Iterator[Flaw]:
    if not value.text:
        environment.clear()
        return
    assigned, broken = words(value.text)
    for word in assigned:
        name, equals, text = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            what = "a word of it is no NAME=VALUE; quotes go around the whole of that"
            yield Flaw(value.file, value.line, what, _PASSES)
            continue
        plain, odd = specified(text)
        if odd:
            what = f"% in {name} is written once; systemd puts something else for %{odd}"
            yield Flaw(value.file, value.line, what, "takes another value than is written")
        environment[name] = Value(plain, value.file, value.line)
    if broken:
        yield Flaw(value.file, value.line, broken, "passes over the rest of the line")


def _name_file(files: list[tuple[Value, bool]], value: Value) -> Iterator[Flaw]:
    if not value.text:
        files.clear()
        return
    optional = value.text.startswith("-")
    path = specified(value.text.removeprefix("-"))[0]
    if path.startswith("/"):
        files.append((Value(path, value.file, value.line), optional))
    else:
        yield Flaw(value.file, value.line, f"{path[:60]} is no absolute path", _PASSES)


def specified(text: str) -> tuple[str, str]:
    """The text with `%%` as one, and the first letter that systemd would replace after a single
    `%` ("" for none). Digits are none, so %40 stays %40."""
    odd = next((m[1] for m in re.finditer(r"%(.)", text) if m[1] in _SPECIFIERS), "")
    return re.sub(r"%%", "%", text), odd


def words(text: str) -> tuple[tuple[str, ...], str]:
    """A value's words: quotes anywhere, escapes as in C. The second is what ends the reading, ""
    for nothing."""
    found: list[str] = []
    word: list[str] = []
    quote, begun, at = "", False, 0
    while at < len(text):
        here = text[at]
        at += 1
        if here == "\\":
            got, taken = _unescaped(text[at:])
            if not taken:
                return tuple(found), f"\\{text[at : at + 1]} is no escape that systemd knows"
            word.append(got)
            at += taken
            begun = True
        elif quote:
            if here == quote:
                quote = ""
            else:
                word.append(here)
        elif here in "'\"":
            quote, begun = here, True
        elif here in " \t\n\r":
            if begun:
                found.append("".join(word))
            word, begun = [], False
        else:
            word.append(here)
            begun = True
    if quote:
        return tuple(found), "a quote is not closed"
    return (*found, *(["".join(word)] if begun else [])), ""


def _unescaped(after: str) -> tuple[str, int]:
    """What an escape stands for, and how many characters behind the backslash it takes (0: it is
    none)."""
    first = after[:1]
    if first in _ESCAPES and first:
        return _ESCAPES[first], 1
    digits, base = _CODES.get(first, (3, 8))
    start = 1 if first in _CODES else 0
    written = after[start : start + digits]
    try:
        number = int(written, base) if len(written) == digits and written.isalnum() else 0
        return (chr(number), start + digits) if number else ("", 0)
    except (ValueError, OverflowError):
        return "", 0


_SKIPPED = re.compile(r"\s*(?:[#;](?:\\.|[^\n\\])*(?:\n|\Z)\s*)*", re.DOTALL)
_NAMED = re.compile(r"([^=\n]*)(=?)")
_VALUE = re.compile(
    r"""(?P<single>'[^']*(?:'|\Z))|(?P<double>"(?:[^"\\]|\\.)*(?:"|\Z))|(?P<space>[^\S\n]+)"""
    r"""|(?P<plain>(?:\\(?:.|\Z)|[^\s\\'"])(?:\\(?:.|\Z)|[^\\\n])*)""",
    re.DOTALL,
)


def environment_file(text: str, file: str) -> tuple[dict[str, Value], tuple[Flaw, ...]]:
    """The variables of an environment file: the shell's quotes, no expansion, no `export`."""
    found: dict[str, Value] = {}
    flaws: list[Flaw] = []
    text = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    at, counted, number = 0, 0, 1
    while at < len(text):
        skipped = _SKIPPED.match(text, at)
        at = skipped.end() if skipped else at
        number += text.count("\n", counted, at)
        counted = at
        named = _NAMED.match(text, at)
        if named is None or at >= len(text):
            break
        at = named.end()
        if not named[2]:
            at += 1
            continue
        value, at = _file_value(text, at)
        name = named[1].strip()
        if _NAME.fullmatch(name):
            found[name] = Value(value, file, number)
        else:
            what = "what stands before = is no variable's name; export is not known here"
            flaws.append(Flaw(file, number, what, "passes over the line"))
    return found, tuple(flaws)


def _file_value(text: str, at: int) -> tuple[str, int]:
    """The value from there to the end of its line, and where the next line starts."""
    parts: list[str] = []
    while (piece := _VALUE.match(text, at)) is not None and piece.end() > at:
        at = piece.end()
        body = piece[0]
        if piece["single"]:
            parts.append(body.strip("'") if body.count("'") < 3 else body[1:-1])
        elif piece["double"]:
            inner = body[1:-1] if len(body) > 1 and body.endswith('"') else body[1:]
            parts.append(re.sub(r'\\(["\\`$])|\\\n', lambda m: m[1] or "", inner))
        elif piece["plain"]:
            parts.append(_plain(body))
    return "".join(parts), at + 1


def _plain(body: str) -> str:
    """A value that begins without quotes: a backslash keeps the next character, a line's end is
    dropped with it; blanks at the end do not count."""
    kept = re.sub(r"\\(.?)", lambda m: "" if m[1] in ("\n", "") else f"\0{m[1]}", body, flags=re.S)
    return re.sub(r"\0(.)", r"\1", re.sub(r"(?<!\0)\s+$", "", kept), flags=re.S)
