"""What does a TOML file of a client's configuration hold, in which lines, and where does it break?

The clients read TOML with Go's BurntSushi/toml: a byte order mark and a byte that is not UTF-8 are
errors, and a key that is spelt with other capitals counts where the right one is missing. tomllib
reads the values, and of a flaw it names the place; where a value stands it does not keep. The lines
come from a second reading of the same text, which is well-formed by then: table headers, keys and
the items of lists, each by its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from doctor.clients.machine import Machine, Text
from doctor.facts.client import ConfigFault
from doctor.frozen import frozen
from doctor.redact import plain

CAP = 1 << 17
"""Bytes of a file that are read: far more than any that people or installers write."""
_MOST_DOTS = 500
"""In one line: tomllib takes time that grows with the square of a key's parts."""
_KINDS: dict[type, str] = {
    bool: "true or false",
    str: "a string",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
}

Path = tuple[str, ...]


class TomlError(Exception):
    """The file cannot count. `what` is a phrase; line and column count from 1."""

    def __init__(self, what: str, line: int = 1, column: int = 1, expected: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.column, self.expected = what, line, column, expected


@frozen
class Toml:
    """A file that was read."""

    file: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)
    """By path; the items of lists, arrays of tables among them, by their number from "0"."""
    headers: tuple[Path, ...] = ()
    """The tables as they are written, in the file's order; one that comes twice is there twice."""

    @property
    def root(self) -> Table:
        return Table(self, self.values)

    def line(self, *path: str) -> int:
        """Where that value stands, or else the innermost one that holds it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


@frozen
class Table:
    """One table of a file, by the types that its values must have."""

    toml: Toml
    values: Mapping[str, Any]
    path: Path = ()

    def line(self, key: str = "", *below: str) -> int:
        """Where the key or what is below it stands; for none, or one that is not found, where the
        table begins."""
        return self.toml.line(*self.path, *([self._named(key) or key] if key else []), *below)

    def get(self, key: str, kind: type, example: str = "") -> Any:
        """The key's value, None where it is not there. Raises `TomlError` where it is of another
        type."""
        named = self._named(key)
        if named is None:
            return None
        value = self.values[named]
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not right:
            said = f"{plain(named, 60)} is {_KINDS.get(type(value), 'of another kind')}"
            raise TomlError(f"{said}, not {_KINDS[kind]}", self.line(named), 1, example)
        return value

    def texts(self, key: str) -> tuple[tuple[str, int], ...] | None:
        """A list of strings, each with its line."""
        found = self.get(key, list, f'{key} = ["…"]')
        if found is None:
            return None
        if odd := [each for each in found if not isinstance(each, str)]:
            what = f"{key} holds {_KINDS.get(type(odd[0]), 'something else')}, not only strings"
            raise TomlError(what, self.line(key), 1, f'{key} = ["…"]')
        return tuple((each, self.line(key, str(n))) for n, each in enumerate(found))

    def table(self, *names: str) -> Table:
        """The table below these names; an empty one where there is none."""
        found = self
        for name in names:
            path = (*found.path, found._named(name) or name)
            found = Table(self.toml, found.get(name, dict) or {}, path)
        return found

    def tables(self, name: str) -> tuple[Table, ...]:
        """An array of tables."""
        found = self.get(name, list, f"[[{name}]]") or []
        if any(not isinstance(each, dict) for each in found):
            raise TomlError(f"{name} is no list of tables", self.line(name), 1, f"[[{name}]]")
        path = (*self.path, self._named(name) or name)
        return tuple(Table(self.toml, each, (*path, str(n))) for n, each in enumerate(found))

    def _named(self, key: str) -> str | None:
        """The key as the file spells it."""
        if key in self.values:
            return key
        return next((each for each in self.values if each.lower() == key.lower()), None)


def read(machine: Machine, file: str, effect: str, *, stops: bool) -> Toml | ConfigFault | None:
    """The file, or what is wrong with it and that the client then does `effect`; None: there is
    none."""
    got = machine.read(file, CAP)
    if isinstance(got, Text):
        try:
            return parse(got.text, file)
        except TomlError as flaw:
            where = (flaw.line, flaw.column, flaw.expected or "TOML")
            return ConfigFault(file, flaw.what, effect, *where, stops=stops)
    if got.reason == "missing":
        return None
    return got.fault(effect, root=True, stops=stops)


def parse(text: str, file: str = "") -> Toml:
    """The file from its text. Raises `TomlError`."""
    import tomllib

    if text.startswith("\ufeff"):
        raise TomlError("it starts with a byte order mark", expected="no such mark")
    if "\ufffd" in text:
        raise TomlError("it is not UTF-8", *_place(text[: text.index("\ufffd")]))
    deep = next((n for n, row in enumerate(text.split("\n"), 1) if row.count(".") > _MOST_DOTS), 0)
    if deep:
        raise TomlError(f"more than {_MOST_DOTS} dots in one line", deep)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text) from None
    except (RecursionError, ValueError):
        raise TomlError("it is not TOML that can be read") from None
    lines: dict[Path, int] = {}
    headers: list[Path] = []
    for path, line, header in _places(text):
        lines.setdefault(path, line)
        if header:
            headers.append(header)
    return Toml(file, values, lines, tuple(headers))


def _syntax(message: str, text: str) -> TomlError:
    """What tomllib says is wrong, with the line and column that it names at the end."""
    said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    what = said[1] if said else message
    what = plain(f"{what[:1].lower()}{what[1:]}", 200)
    if said and said[2]:
        return TomlError(what, int(said[2]), int(said[3]))
    return TomlError(what, *_place(text.rstrip("\n")))


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


def _places(text: str) -> Iterator[tuple[Path, int, Path]]:
    """Every table, key and item: its path, its line, and of a table the header."""
    reading = _Reading(text)
    table: Path = ()
    last: dict[Path, int] = {}
    while reading.step():
        if reading.kind == "end":
            continue
        line = reading.line
        if reading.word == "[":
            reading.step()
            is_array = reading.word == "["
            header = _key(reading, "]")
            table = _numbered(header[:-1] if is_array else header, last)
            if is_array:
                array = (*table, *header[-1:])
                yield array, line, ()
                last[array] = last.get(array, -1) + 1
                table = (*array, str(last[array]))
            yield table, line, header
            continue
        path = (*table, *_key(reading, "="))
        yield path, line, ()
        for item, at in _items(reading):
            yield (*path, item), at, ()


def _numbered(header: Path, last: Mapping[Path, int]) -> Path:
    """The header's path; what it names of an array of tables is the last one so far."""
    path: Path = ()
    for part in header:
        path = (*path, part)
        if path in last:
            path = (*path, str(last[path]))
    return path


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


def _items(reading: _Reading) -> Iterator[tuple[str, int]]:
    """The numbers and lines of a list's items, up to the value's end."""
    depth, item, waits = 0, 0, False
    while reading.step():
        if reading.kind == "end" and depth == 0:
            return
        if depth == 1 and waits and reading.kind != "end" and reading.word != "]":
            yield str(item), reading.line
            item, waits = item + 1, False
        if reading.word in ("[", "{") and reading.kind == "mark":
            waits = waits or (depth == 0 and reading.word == "[")
            depth += 1
        elif reading.word in ("]", "}") and reading.kind == "mark":
            depth -= 1
        elif reading.word == "," and depth == 1 and item:
            waits = True
