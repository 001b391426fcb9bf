"""What of a file that is read line by line may be read by others: YAML, systemd's units, files of
variables, and the system's files about names?

As in `doctor.bundle.masked_settings` nothing is parsed, lines stay where they are, and what is kept
is listed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from doctor.bundle.masked_settings import json
from doctor.bundle.masking import Mask
from doctor.bundle.settings import OPTIONS, VARIABLES, address, may_be_named, readable

_YAML = re.compile(
    r"""(?P<head>[ \t]*(?:-(?:[ \t]+|$))*)
    (?:(?P<name>"[^"]*"|'[^']*'|[^\s"'\#\[{&*!|>-][^\#]*?|-[^\s\#][^\#]*?)[ \t]*:(?=[ \t]|$))?
    [ \t]*(?P<value>.*)""",
    re.X,
)
_MORE = re.compile(r":\s|[{}\[\]]|,\s")
"""What no plain value holds: something is missing before it."""
_ONE = "an argument"
"""What belongs to no name."""


def yaml(text: str, mask: Mask) -> str:
    """YAML: a value belongs to the name on its line, else to the last one that stands further
    left."""
    reader = _Yaml(mask)
    return "\n".join(reader.line(line) for line in text.split("\n"))


class _Yaml:
    """The names that the line stands under, with their columns; and whether it is one of a text in
    several lines, which ends where something stands as far left as `block`."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.under: list[tuple[int, str]] = []
        self.block: int | None = None

    def line(self, line: str) -> str:
        said = line.strip()
        indent = len(line) - len(line.lstrip())
        if not said:
            return line
        if self.block is not None and indent > self.block:
            return line[:indent] + self.mask.value(self._names(), said)
        self.block = None
        if said.startswith("#"):
            return f"{line[:indent]}# {self.mask.comment()}"
        found = _YAML.fullmatch(line.rstrip())
        if found is None:
            return self.mask.value([_ONE], said)
        if said in ("---", "..."):
            return line
        return self._entry(found["head"], found["name"] or "", found["value"])

    def _entry(self, head: str, name: str, value: str) -> str:
        place = len(head)
        while self.under and self.under[-1][0] >= place + (not name):
            self.under.pop()
        shown = head
        if name:
            bare = name.strip("\"'")
            self.under.append((place, bare))
            shown += f"{name if may_be_named(bare) else self._quoted(self.mask.name(bare))}:"
            shown += " " if value else ""
        if re.match("[|>]", value):
            self.block = len(head) - len(head.lstrip()) if not name else place
        return shown + self._value(value)

    def _value(self, value: str) -> str:
        """A comment is looked for nowhere else than behind a value that may be read."""
        if not value or re.fullmatch(r"[|>][-+0-9]*", value):
            return value
        if value[0] in "[{":
            return _flow(value, self._names(), self.mask)
        bare, sign, _ = value.partition(" #")
        said = bare.strip().strip("\"'")
        shown = readable(self._names(), said)
        if shown is None or _MORE.search(bare):
            return self._quoted(self.mask.value(self._names(), value.strip("\"'")))
        if shown != said:
            bare = self._quoted(self.mask.part(shown, said))
        return f"{bare} # {self.mask.comment()}" if sign else bare

    def _names(self) -> list[str]:
        return [name for _, name in self.under]

    @staticmethod
    def _quoted(text: str) -> str:
        return f'"{text}"'


def _flow(value: str, names: Sequence[str], mask: Mask) -> str:
    """JSON in YAML: the outermost bracket belongs to the name."""
    return json(value, mask, under=names)


def unit(text: str, mask: Mask) -> str:
    """systemd's units, files of variables for them, and those of a shell: `NAME=VALUE`."""
    return "\n".join(_assignment(line, mask) for line in text.split("\n"))


def _assignment(line: str, mask: Mask) -> str:
    said = line.strip()
    if not said or re.fullmatch(r"\[\w+\]", said):
        return line
    if said[0] in "#;":
        return f"{said[0]} {mask.comment()}"
    before, sign, value = line.partition("=")
    name = before.strip().removeprefix("export ").strip()
    if not sign or re.search(r"\s", name):  # a line that goes on from the one before
        return _command(said, mask)
    low = name.lower()
    if low in ("environment", "defaultenvironment"):
        return f"{name}={' '.join(_variable(each, mask) for each in _words(value))}"
    if low.startswith("exec"):
        return f"{name}={_command(value, mask)}"
    if low.endswith(("opts", "options", "_args", "flags")):
        return f'{name}="{_command(value.strip(chr(34) + chr(39)), mask)}"'
    shown = name if may_be_named(name) or name.isupper() else mask.name(name)
    return f"{shown}={_set(name, value.strip(), mask)}"


def _set(name: str, value: str, mask: Mask) -> str:
    """What a setting or a variable of that name is set to."""
    said = value.strip("\"'")
    shown = readable([name], said)
    if shown is None:
        return mask.value([name], said)
    return value if shown == said else f'"{mask.part(shown, said)}"'


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _variable(word: str, mask: Mask) -> str:
    name, sign, value = word.partition("=")
    if not sign or not re.fullmatch(r"\w{1,64}", name):
        return mask.value([_ONE], word)
    shown = readable([name], value) if name.lower() in VARIABLES else None
    if shown is None:
        return f"{name}={mask.value([name], value)}"
    return f'"{name}={mask.part(shown, value)}"'


def _command(value: str, mask: Mask) -> str:
    """The program, its options by name, and the values of those that hold no secret."""
    out: list[str] = []
    option = ""
    for number, word in enumerate(_words(value)):
        name, sign, given = word.partition("=")
        if number == 0 and re.fullmatch(r"[-@:+!]*/[\w./-]+", word):
            out.append(word)
        elif re.fullmatch(r"--?[A-Za-z][\w-]{0,40}", name):
            option = name.lstrip("-")
            out.append(f"{name}={_argument(option, given, mask)}" if sign else name)
        elif re.fullmatch(r"\$\{?\w+\}?|\\", word):
            out.append(word)
        else:
            out.append(_argument(option, word, mask))
    return " ".join(out)


def _argument(option: str, value: str, mask: Mask) -> str:
    """Of an address no user information."""
    if option not in {*OPTIONS, "H"}:
        return mask.value([option or _ONE], value)
    shown = address(value) if "@" in value else value
    return mask.value([option], value) if shown is None else mask.part(shown, value)


def lines(text: str, mask: Mask) -> str:
    """Files about names and about the system: everything but comments."""
    kept = []
    for line in text.split("\n"):
        head, sign, _ = line.partition("#")
        kept.append(f"{head}# {mask.comment()}" if sign else head)
    return "\n".join(kept)
