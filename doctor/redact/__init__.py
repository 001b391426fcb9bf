"""How does a secret stay inside?

`Secret` cannot be printed, joined, formatted, copied into JSON or pickled. Making one tells the
gate, so `scrub` finds it in everything that leaves the process, as it is and in every encoding it
may have taken on the way (`redact.spelling`); shapes of secrets that this run never saw are masked
too (`redact.shapes`). What is cut is scrubbed before: of half a secret nobody sees that it is one
(`clip`). `plain` makes text from the network safe to show.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NoReturn

from doctor.redact import shapes
from doctor.redact.plain import plain
from doctor.redact.shapes import MASK
from doctor.redact.spelling import SHORTEST, anchors, pattern, spellings, texts, varying

__all__ = [
    "GATE",
    "MASK",
    "Gate",
    "Secret",
    "clip",
    "learn_variables",
    "plain",
    "scrub",
    "scrub_data",
]

_SHORTEST_VARIABLE = 8
_WRAPPED = 12
"""Characters of a secret that is looked for across the ends of lines: what is shorter stands there
by chance."""
_BREAK = re.compile(r"(?:\\{1,4}[nr]|[\r\n]\s*|<LF>|<CR>)+")
"""The end of a line, also as JSON and `plain` write it, and what the next begins with."""
_HALF = 6
"""Characters at the end of a cut text that may be the beginning of a secret."""


class Gate:
    """What is known to be secret in this process, and the one way out for text."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._texts: list[str] = []
        """The shortest first: what is longer than a text cannot stand in it."""
        self._varying: dict[str, tuple[str, ...]] = {}
        """What further encoders write otherwise, and the parts that they leave."""

    def learn(self, value: str) -> None:
        """From now on this value leaves in no encoding."""
        value = value.strip()
        if len(value) >= SHORTEST and value not in self._known:
            self._known.add(value)
            self._texts = sorted({*self._texts, *texts(value)}, key=len)
            self._varying |= {each: anchors(each) for each in varying(value)}

    def scrub(self, text: str) -> str:
        """The text with every known secret, and every shape of one, replaced by a mask of fixed
        width."""
        places = self.found(text)
        if places:
            text = _masked(text, places)
        return shapes.masked(text)

    def found(self, text: str) -> list[tuple[int, int]]:
        """Where known secrets stand in the text, from and to; what overlaps is one place."""
        places: list[tuple[int, int]] = []
        for start, end in sorted(self._spans(text)):
            if places and start <= places[-1][1]:
                places[-1] = (places[-1][0], max(end, places[-1][1]))
            else:
                places.append((start, end))
        return places

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets stand. They may overlap."""
        for known in self._texts:
            if len(known) > len(text):
                break
            at = text.find(known)
            while at >= 0:
                yield at, at + len(known)
                at = text.find(known, at + 1)
        for known, parts in self._varying.items():
            if all(part in text for part in parts):
                yield from (match.span() for match in _pattern(known).finditer(text))
        if _BREAK.search(text):
            yield from self._broken(text)

    def _broken(self, text: str) -> Iterator[tuple[int, int]]:
        """Where those stand that were broken over lines, as programs wrap what is long."""
        starts, joined, at = [0], [0], 0
        pieces = []
        for found in _BREAK.finditer(text):
            pieces.append(text[at : found.start()])
            joined.append(joined[-1] + found.start() - at)
            starts.append(at := found.end())
        whole = "".join([*pieces, text[at:]])
        for known in self._texts:
            if _WRAPPED <= len(known) <= len(whole):
                at = whole.find(known)
                while at >= 0:
                    first = bisect_right(joined, at) - 1
                    last = bisect_right(joined, at + len(known) - 1) - 1
                    if last > first:
                        end = at + len(known) - joined[last]
                        yield starts[first] + at - joined[first], starts[last] + end
                    at = whole.find(known, at + 1)

    def clip(self, text: str, limit: int, *, cut: bool = False) -> str:
        """The text scrubbed and then cut, so that no part of a secret is left at its end. `cut`: it
        was cut already."""
        text = self.scrub(text)
        begun = self.begun(text, _HALF) if cut else 0
        return (f"{text[:-begun]}{MASK}" if begun else text)[:limit]

    def begun(self, text: str, least: int = 1) -> int:
        """How many characters at the text's end may be the beginning of a secret? 0 for fewer than
        `least`."""
        spelt = (each for known in self._known for each in _spellings(known))
        return max((_overlap(text, each, least) for each in spelt), default=0)

    def settled(self, text: str) -> int:
        """Up to where can the text be scrubbed, whatever follows it? Neither the beginning of a
        secret nor a whole one is parted."""
        upto, parted = len(text) - self.begun(text), True
        while parted:
            inside = [start for start, end in self._spans(text) if start < upto < end]
            upto, parted = min(inside, default=upto), bool(inside)
        return upto

    def scrub_data(self, value: Any) -> Any:
        """The same for a JSON-able value: every string in it, keys included; numbers and structure
        stay."""
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, dict):
            return {self.scrub(str(k)): self.scrub_data(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrub_data(v) for v in value]
        return value


def _masked(text: str, places: list[tuple[int, int]]) -> str:
    """The text with a mask in each of the places."""
    out, done = [], 0
    for start, end in places:
        out += [text[done:start], MASK]
        done = end
    return "".join([*out, text[done:]])


def _overlap(text: str, secret: str, least: int) -> int:
    """How many characters at the text's end are the beginning of the secret, and not all of it? 0
    for fewer than `least`."""
    at = text.find(secret[:least], max(0, len(text) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(text[at:]):
            return len(text) - at if len(text) - at >= least else 0
        at = text.find(secret[:least], at + 1)
    return 0


@cache
def _spellings(known: str) -> frozenset[str]:
    return frozenset(spellings(known))


@cache
def _pattern(known: str) -> re.Pattern[str]:
    return pattern(known)


def learn_variables(environ: Mapping[str, str]) -> None:
    """Variables whose names say that they hold a secret: a program that we start, or a file that
    names them, may repeat them. What is short may be a switch ("true") or a common word."""
    for name, value in environ.items():
        if len(value) >= _SHORTEST_VARIABLE and shapes.names_secret(name):
            GATE.learn(value)


GATE = Gate()
"""The process's own gate: every Secret tells it."""

scrub = GATE.scrub
clip = GATE.clip
scrub_data = GATE.scrub_data


class Secret:
    """A value that leaves only through `reveal()`, at the one place that sends it."""

    __slots__ = ("__value",)

    def __init__(self, value: str, *, learn: bool = True) -> None:
        self.__value = value
        if learn:
            GATE.learn(value)

    def reveal(self) -> str:
        """The value itself. Call it where it is sent, nowhere else."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        import hmac

        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not serialised")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self
