"""What does a TOML file of a client's configuration hold, at which lines, and where does it break?

The clients read TOML with Go's BurntSushi/toml: a byte order mark is an error, and a key that is
spelt with other capitals counts where the right one is missing. tomllib keeps no lines, so they are
found in the text again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from doctor.frozen import frozen
from doctor.redact import plain

Place = tuple[str, int, int, str]
"""Table, its number and its sub-table's number (of an array of tables, from 1; else 0), key."""
_HEADER = re.compile(r"\s*(\[{1,2})([^\[\]]+)\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""")
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


class TomlError(Exception):
    """The file cannot count. `what` is a phrase; line and column count from 1."""

    def __init__(self, what: str, line: int = 1, column: int = 1, expected: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.column, self.expected = what, line, column, expected


@frozen
class Table:
    """One table of a file, `number` and `sub` its place in an array of tables."""

    values: Mapping[str, Any]
    lines: Mapping[Place, int]
    name: str = ""
    number: int = 0
    sub: int = 0

    def line(self, key: str = "") -> int:
        """Where the key stands; for none, or one that is not found, where the table begins."""
        at = (self.name, self.number, self.sub)
        return self.lines.get((*at, key.lower()), self.lines.get((*at, ""), 1))

    def line_of(self, key: str, entry: str) -> int:
        """Where a string of the key's list stands; where the key does, if it is not found."""
        at = (self.name, self.number, self.sub, f"{key}={entry}".lower())
        return self.lines.get(at, self.line(key))

    def get(self, key: str, kind: type, example: str = "") -> Any:
        """The key's value, None where it is not there. Raises `TomlError` where it is of another
        type."""
        named = key if key in self.values else next((k for k in self.values if _same(k, key)), None)
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
        return tuple((each, self.line_of(key, each)) for each in found)

    def table(self, *path: str) -> Table:
        """The table below these names; an empty one where there is none."""
        values: Any = self.values
        for n, name in enumerate(path):
            values = Table(values, self.lines, ".".join(path[:n])).get(name, dict) or {}
        return Table(values, self.lines, ".".join(path))

    def tables(self, name: str) -> tuple[Table, ...]:
        """An array of tables, here or below a table of one."""
        found = self.get(name, list, f"[[{name}]]") or []
        if any(not isinstance(each, dict) for each in found):
            raise TomlError(f"{name} is no list of tables", self.line(name), 1, f"[[{name}]]")
        name = f"{self.name}.{name}" if self.name else name
        at = (self.number,) if self.number else ()
        return tuple(Table(each, self.lines, name, *(*at, n)) for n, each in enumerate(found, 1))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def parse(text: str) -> Table:
    """The file's root. Raises `TomlError`."""
    import tomllib

    if text.startswith("\ufeff"):
        raise TomlError("it starts with a byte order mark", expected="no such mark")
    if (line := _dotted(text)) is not None:
        raise TomlError(f"more than {_MOST_DOTS} dots in one line", line)
    try:
        return Table(tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text) from None
    except (RecursionError, ValueError):
        raise TomlError("it is not TOML that can be read") from None


def _dotted(text: str) -> int | None:
    lines = enumerate(text.splitlines(), 1)
    return next((n for n, line in lines if line.count(".") > _MOST_DOTS), None)


def _syntax(message: str, text: str) -> TomlError:
    """tomllib names the place at the end of its message."""
    said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    what = said[1] if said else message
    last = text.count("\n") + 1
    line = int(said[2]) if said and said[2] else last
    column = int(said[3]) if said and said[3] else 1
    return TomlError(plain(f"{what[:1].lower()}{what[1:]}", 200), line, column)


def _lines(text: str) -> dict[Place, int]:
    """Where each table, key and string of a list stands. A guess in texts that hide a header inside
    of a string; nothing but a line number hangs on it."""
    found: dict[Place, int] = {}
    counted: dict[str, int] = {}
    name, number, sub, key = "", 0, 0, ""
    for line, written in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(written):
            name, key = re.sub(r"[\"'\s]", "", header[2]).lower(), ""
            number = sub = 0
            if header[1] == "[[":
                outer = name.rpartition(".")[0]
                counted[name] = counted.get(name, 0) + 1
                number, sub = counted[name], 0
                if outer:
                    number, sub = counted.get(outer, 0), number
                counted |= {n: 0 for n in counted if n.startswith(f"{name}.")}
            found.setdefault((name, number, sub, ""), line)
            continue
        named = _KEY.match(written)
        if named:
            key = (named[1] or named[2] or named[3] or "").lower()
            found.setdefault((name, number, sub, key), line)
        for quoted in re.findall(r"""["']([^"']*)["']""", written[named.end() if named else 0 :]):
            found.setdefault((name, number, sub, f"{key}={quoted}".lower()), line)
    return found
