"""What does `${NAME:-default}` stand for?

Compose and Dockerfiles share the forms of the shell (compose-spec 12-interpolation.md; Dockerfile
reference, "Environment replacement"); only Compose knows `$$`. A value that is given nowhere is no
empty text here: which image would be pulled is then not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from doctor.redact.shapes import names_secret

_DEPTH = 8
MOST = 4096
"""Characters that an image's text may grow to."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?]|##?|%%?|//?)(.*))?", re.DOTALL)
_TRIMS = ("#", "%", "/")
"""What the forms that take something off begin with; Compose knows none of them."""
_LONGEST = 512


@dataclass(slots=True)
class Expansion:
    """Fills in one text; `missing` are the names without a value."""

    values: Mapping[str, str]
    dollars: bool = False
    """Does `$$` stand for `$`?"""
    missing: list[str] = field(default_factory=list)

    def of(self, text: str, depth: int = 0) -> str:
        """The text with every variable filled in, as far as that is possible."""
        out, at = "", 0
        while at < len(text) and len(out) <= MOST:
            dollar = text.find("$", at)
            if dollar < 0:
                return (out + text[at:])[:MOST]
            out += text[at:dollar]
            at = dollar + 1
            name = _NAME.match(text, at)
            if self.dollars and text[at : at + 1] == "$":
                out, at = f"{out}$", at + 1
            elif name:
                out, at = out + self._value(name[0], "", "", depth), name.end()
            elif text[at : at + 1] == "{" and (end := _closing(text, at)) and depth < _DEPTH:
                out, at = out + self._braces(text[at + 1 : end], depth), end + 1
            else:
                self.missing.append("$")
                if text[at : at + 1] == "{":  # what is in it, and what comes after, is not known
                    return (out + text[dollar:])[:MOST]
                out += "$"
        return out[:MOST]

    def _braces(self, inside: str, depth: int) -> str:
        form = _FORM.fullmatch(inside)
        name, operator, word = form.groups(default="") if form else ("", "", "")
        trims = operator[:1] in _TRIMS
        if not name or (trims and self.dollars):
            self.missing.append(inside[:40])
            return ""
        if not trims:
            return self._value(name, operator, word, depth)
        value = self._value(name, "", "", depth)
        found = _trimmed(value, operator, self.of(word, depth + 1))
        if found is None:
            self.missing.append(inside[:40])
        return found or ""

    def _value(self, name: str, operator: str, word: str, depth: int) -> str:
        # A file of somebody's could send what is secret to a host that it names itself.
        value = None if self.dollars and names_secret(name) else self.values.get(name)
        there = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return self.of(word, depth + 1) if there else ""
        if value is not None and there:
            return value
        if operator.endswith("-"):
            return self.of(word, depth + 1)
        self.missing.append(name)
        return ""


def _trimmed(value: str, operator: str, word: str) -> str | None:
    """`${A#x}`, `${A%x}` and `${A/x/y}`, doubled for the longest or for all (Dockerfile reference,
    "Environment replacement"). `*` and `?` stand for characters; None where they would have to in a
    replacement, which nobody needs for an image, and for what is too long."""
    if operator[0] == "/":
        old, _, new = word.partition("/")
        plain = old and not re.search(r"[*?\\]", old)
        return value.replace(old, new, 1 if operator == "/" else -1) if plain else None
    if len(value) > _LONGEST:
        return None
    pattern = word.replace("[", "[[]")
    places = range(len(value) + 1)
    if operator[0] == "#":
        order = places if operator == "#" else reversed(places)
        return next((value[at:] for at in order if fnmatchcase(value[:at], pattern)), value)
    order = reversed(places) if operator == "%" else places
    return next((value[:at] for at in order if fnmatchcase(value[at:], pattern)), value)


def _closing(text: str, at: int) -> int:
    """The index of the brace that closes the one at `at`; 0 if none does."""
    depth = 0
    for i in range(at, min(len(text), at + MOST)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return 0
