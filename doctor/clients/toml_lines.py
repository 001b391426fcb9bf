"""What does a TOML file hold, and in which lines?

tomllib reads the values, and of a flaw it names the place; where a value stands it does not keep.
The lines come from a second reading of the same text, which is well-formed by then: table headers,
keys and the items of lists, each by its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from doctor.clients.machine import Machine, Text
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen

CAP = 1 << 17
"""Bytes of a file that are read: far more than any that people or installers write."""
_MOST_DOTS = 500
"""In one line: tomllib takes time that grows with the square of a key's parts."""

Path = tuple[str, ...]


@frozen
class Toml:
    """A file that was read."""

    file: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)
    tables: tuple[Path, ...] = ()
    """The paths of the headers, in the file's order; a header that comes twice is there twice."""

    def line(self, *path: str) -> int:
        """Where that value stands, or else the innermost one that holds it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def read(machine: Machine, file: str, effect: str, *, stops: bool) -> Toml | ConfigFault | None:
    """The file, or what is wrong with it and that the client then does `effect`; None: there is
    none."""
    got = machine.read(file, CAP)
    if isinstance(got, Text):
        return parse(got.text, file, effect, stops=stops)
    if got.reason == "missing":
        return None
    if got.reason in ("special", "too-large", "forbidden"):
        effect, stops = "the client may read it all the same; it was not read here", False
    return ConfigFault(file, f"it cannot be read: {got.detail}", effect, 1, stops=stops)


def parse(text: str, file: str, effect: str, *, stops: bool) -> Toml | ConfigFault:
    """The same from the file's text."""
    import tomllib

    def fault(what: str, line: int = 1, column: int = 1) -> ConfigFault:
        return ConfigFault(file, what, effect, line, column, "TOML", stops=stops)

    if text.startswith("\ufeff"):
        return fault("it starts with a byte order mark")
    if "\ufffd" in text:
        before = text[: text.index("\ufffd")]
        return fault("it is not UTF-8", *_place(before))
    deep = next((n for n, row in enumerate(text.split("\n"), 1) if row.count(".") > _MOST_DOTS), 0)
    if deep:
        return fault("a line with hundreds of dots is no key that anybody means", deep)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return fault(*syntax(str(error), text))
    except (RecursionError, ValueError):
        return fault("it is not TOML that can be read")
    lines: dict[Path, int] = {}
    tables: list[Path] = []
    for path, line, is_table in _places(text):
        lines.setdefault(path, line)
        if is_table:
            tables.append(path)
    return Toml(file, values, lines, tuple(tables))


def syntax(message: str, text: str) -> tuple[str, int, int]:
    """What tomllib says is wrong, with the line and column that it names at the end."""
    said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    what = said[1] if said else message
    what = f"{what[:1].lower()}{what[1:]}"
    if said and said[2]:
        return what, int(said[2]), int(said[3])
    return (what, *_place(text.rstrip("\n")))


def _place(before: str) -> tuple[int, int]:
    """Line and column of what comes after that text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)|(?P<end>\n)
    |(?P<text>\"\"\"(?:[^"\\]|\\.|"(?!""))*"{3,5}|'''(?:[^']|'(?!''))*'{3,5}
      |"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    |(?P<bare>[^\s\[\]{}=,.\#"']+)|(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


class _Reading:
    """The tokens of the text, one after the other, with their lines."""

    def __init__(self, text: str) -> None:
        self.found = _TOKEN.finditer(text)
        self.line = 1
        self.next_line = 1
        self.kind = ""
        self.word = ""

    def step(self) -> bool:
        """Go on to the next token that is no blank. False: there is none."""
        for match in self.found:
            self.line = self.next_line
            self.kind, self.word = match.lastgroup or "", match[0]
            self.next_line += self.word.count("\n")
            if self.kind != "blank":
                return True
        self.kind = self.word = ""
        return False


def _places(text: str) -> Iterator[tuple[Path, int, bool]]:
    """Every header, key and item: its path, its line, and whether it is a header."""
    reading = _Reading(text)
    table: Path = ()
    while reading.step():
        if reading.kind == "end":
            continue
        line = reading.line
        if reading.word == "[":
            table = _key(reading, "]")
            yield table, line, True
            continue
        path = (*table, *_key(reading, "="))
        yield path, line, False
        yield from _value(reading, path)


def _key(reading: _Reading, until: str) -> Path:
    """The parts of the key up to that sign; the brackets of a list of tables do not count."""
    parts: list[str] = []
    while reading.word and reading.word != until:
        if reading.kind == "bare":
            parts.append(reading.word)
        elif reading.kind == "text":
            parts.append(_plain(reading.word))
        if not reading.step():
            break
    while until == "]" and reading.word == "]" and reading.step():
        pass
    return tuple(parts)


def _plain(quoted: str) -> str:
    """What a key in quotes says."""
    if quoted.startswith("'") or "\\" not in quoted:
        return quoted[1:-1]
    import tomllib

    return next(iter(tomllib.loads(f"{quoted} = 0")))


def _value(reading: _Reading, path: Path) -> Iterator[tuple[Path, int, bool]]:
    """The items of a value that is a list, up to the value's end."""
    depth, item, waits = 0, 0, False
    while reading.step():
        if reading.kind == "end" and depth == 0:
            return
        if depth == 1 and waits and reading.kind != "end" and reading.word != "]":
            yield (*path, str(item)), reading.line, False
            item, waits = item + 1, False
        if reading.word in ("[", "{") and reading.kind == "mark":
            waits = waits or (depth == 0 and reading.word == "[")
            depth += 1
        elif reading.word in ("]", "}") and reading.kind == "mark":
            depth -= 1
        elif reading.word == "," and depth == 1 and item:
            waits = True
