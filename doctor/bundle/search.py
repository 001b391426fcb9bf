"""Is there a secret in the finished bundle?

The last look, at the very bytes that would leave: every secret that this run knows, in every
encoding, also where it was broken over lines or packed once more, and every shape of one. It shares
the gate's spellings, not the way by which the text came to be: what was put in past the gate is
found here.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from doctor.frozen import frozen
from doctor.redact import GATE, shapes

_LONG = 10
"""Characters of a secret that are looked for where white space and encodings were taken off: what
is shorter stands in such a text by chance."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){10,}")


@frozen
class Leak:
    """A file of the bundle, the line, and by what it was found; never the secret."""

    name: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.name}, line {self.line}: {self.what}"


def leaks(files: Mapping[str, bytes], own_words: Callable[[], str]) -> list[Leak]:
    """Every place that holds a secret. `own_words`: what every bundle says. A secret that is one
    of these words ("registry", "fail") tells nothing where it is found, and is passed over."""
    found = [leak for name in sorted(files) for leak in _in(name, files[name], _Words(own_words))]
    return list(dict.fromkeys(found))


class _Words:
    """The words that every bundle holds, made only where something is found."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._text: str | None = None

    def __contains__(self, secret: str) -> bool:
        if self._text is None:
            self._text = self._make().lower()
        return secret.lower() in self._text


def _in(name: str, data: bytes, own: _Words) -> Iterator[Leak]:
    """What stands there as it is, or else what shows once its dress is off."""
    text = data.decode("utf-8", "replace")
    found = [
        Leak(name, _line(source, start), "a secret that this run has read")
        for source in (text, name)
        for start, end in GATE.found(source)
        if source[start:end] not in own and not _by_chance(source, start, end)
    ]
    masked, rules = shapes.counted(text)
    if masked != text:
        line = _line(text, _first_difference(text, masked))
        found.append(Leak(name, line, f"the shape of a secret ({', '.join(rules)})"))
    yield from found
    for how, view in _views(text) if not found else ():
        for start, end in GATE.found(view):
            if end - start >= _LONG and view[start:end] not in own:
                yield Leak(name, 1, f"a secret that this run has read, {how}")


def _by_chance(text: str, start: int, end: int) -> bool:
    """A few digits stand in numbers, times and digests, whatever the secret is."""
    if end - start >= _LONG or not re.fullmatch("[0-9a-fA-F.:-]+", text[start:end]):
        return False
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    within = bool(re.match(r"[\w.:-]", before) or re.match(r"[\w.:-]", after))
    return within or (before == " " and after in ("", ",", "\n"))


def _views(text: str) -> Iterator[tuple[str, str]]:
    """The text with what may hide a secret taken off."""
    joined = re.sub(r"\s+", "", text)
    yield "broken over lines", joined
    yield "broken over lines of a text in JSON", re.sub(r"(?:\\[nrt]|\s)+", "", text)
    yield "in JSON", _ESCAPE.sub(_character, text)
    for source in (text, joined):
        yield "in base64", "\n".join(_unpacked(run[0]) for run in _BASE64.finditer(source))
        runs = (bytes.fromhex(run[0]) for run in _HEX.finditer(source))
        yield "in hexadecimal", "\n".join(run.decode("utf-8", "replace") for run in runs)
    yield "percent-encoded", unquote(unquote(text))
    yield "in HTML's spelling", html.unescape(html.unescape(text))


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]


def _unpacked(run: str) -> str:
    letters = run.translate(str.maketrans("-_", "+/")).rstrip("=")
    out = []
    for start in range(4):
        piece = letters[start:]
        try:
            raw = base64.b64decode(piece[: len(piece) // 4 * 4])
        except (binascii.Error, ValueError):
            continue
        out.append(raw.decode("utf-8", "replace"))
    return "\n".join(out)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _first_difference(text: str, other: str) -> int:
    pairs = enumerate(zip(text, other, strict=False))
    return next((n for n, (one, two) in pairs if one != two), min(len(text), len(other)))
