"""Which logins does a server offer in its WWW-Authenticate headers?

RFC 9110 section 11.6.1 lets several challenges stand in one line, parted by the same comma that
parts their parameters, and a scheme be followed by one token68, by parameters, or by nothing. A
pattern cannot tell these apart (`Basic realm="a, Bearer b"`), so this reads character by character.
It is lenient where clients are (a bare value that is not a token, an unended string) and records
each such leniency as a flaw. Bounded: a server cannot make it hold more than `_MOST` of anything.
"""

from __future__ import annotations

import string
from collections.abc import Iterable

from doctor.frozen import frozen

_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_TOKEN68 = frozenset(string.ascii_letters + string.digits + "-._~+/")
_MOST = 16
_LONGEST = 8192


@frozen
class Challenge:
    """One way to log in. `scheme` and parameter names are lower case; the first of a repeated
    parameter counts."""

    scheme: str
    params: tuple[tuple[str, str], ...] = ()
    token68: str = ""
    line: int = 0
    """Which header line it stood in: podman and containerd understand one challenge a line."""
    flaws: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """A parameter's value, or the empty string."""
        return next((value for key, value in self.params if key == name), "")


def parse(lines: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge of these header values, in order. Never raises; what cannot be read is left
    out."""
    found: list[Challenge] = []
    for number, line in enumerate(lines):
        if number == _MOST:
            break
        found += _Reader(line[:_LONGEST], number).challenges()
    return tuple(found[:_MOST])


def choose(challenges: Iterable[Challenge]) -> Challenge | None:
    """The one that clients of registries answer: a Bearer with a realm first, then Basic
    (containerd's order); others are ignored."""
    known = tuple(challenges)
    bearer = next((c for c in known if c.scheme == "bearer" and c.get("realm")), None)
    return bearer or next((c for c in known if c.scheme == "basic"), None)


class _Reader:
    """A cursor over one header value."""

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.line = line
        self.at = 0
        self.flaws: list[str] = []

    def challenges(self) -> list[Challenge]:
        found: list[Challenge] = []
        while len(found) < _MOST:
            self._skip(" \t,")
            if self.at >= len(self.text):
                break
            scheme = self._take(_TOKEN)
            if not scheme:
                self._to_comma()
                continue
            found.append(self._challenge(scheme.lower()))
        return found

    def _challenge(self, scheme: str) -> Challenge:
        self.flaws = []
        spaced = self._skip(" \t")
        token68 = self._token68() if spaced else ""
        params: dict[str, str] = {}
        while not token68:
            start = self.at
            self._skip(" \t,")
            name = self._name()
            if name is None:
                self.at = start
                break
            value = self._value()
            if len(params) < _MOST:
                params.setdefault(name, value)
            if self._junk():
                self.flaws.append("text after a parameter's value")
        self._to_comma()
        return Challenge(scheme, tuple(params.items()), token68, self.line, tuple(self.flaws))

    def _token68(self) -> str:
        """A token68, only if nothing but the end or a comma follows: `abc=` is one, `abc=def`
        begins a parameter."""
        start = self.at
        taken = self._take(_TOKEN68)
        padding = self._take(frozenset("=")) if taken else ""
        self._skip(" \t")
        if taken and (self.at >= len(self.text) or self.text[self.at] == ","):
            return taken + padding
        self.at = start
        return ""

    def _name(self) -> str | None:
        """A parameter's name with its `=` behind the cursor; None, with the cursor anywhere, if no
        parameter starts here."""
        name = self._take(_TOKEN)
        self._skip(" \t")
        if not name or not self.text.startswith("=", self.at):
            return None
        self.at += 1
        self._skip(" \t")
        return name.lower()

    def _value(self) -> str:
        if self.text.startswith('"', self.at):
            return self._quoted()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ' \t,"':
            self.at += 1
        value = self.text[start : self.at]
        if not value or not set(value) <= _TOKEN:
            self.flaws.append("a value that is neither quoted nor a token")
        return value

    def _quoted(self) -> str:
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return "".join(out)
            if char == "\\" and self.at < len(self.text):
                char = self.text[self.at]
                self.at += 1
            out.append(char)
        self.flaws.append("a quoted value without its end")
        return "".join(out)

    def _junk(self) -> bool:
        """Step over what stands between a value and the next comma, if anything does."""
        self._skip(" \t")
        start = self.at
        self._to_comma()
        return self.at > start

    def _take(self, chars: frozenset[str]) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in chars:
            self.at += 1
        return self.text[start : self.at]

    def _skip(self, chars: str) -> bool:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in chars:
            self.at += 1
        return self.at > start

    def _to_comma(self) -> None:
        """To the next comma outside a quoted string, or the end."""
        while self.at < len(self.text) and self.text[self.at] != ",":
            if self.text[self.at] == '"':
                self._quoted()
            else:
                self.at += 1
