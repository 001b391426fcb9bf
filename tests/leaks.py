"""Secrets that stand for a user's, and the search for them in whatever left the program.

The search shares nothing with the product: it takes off every encoding, one upon the other, and
then looks for any part of a secret, so that it also finds what was cut, wrapped or put together
from pieces.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote_to_bytes

SECRETS: dict[str, str] = {}
"""Every secret that was made, by the place where it stands."""
ODD = "&<'\"\\/+% é"
"""What stands in the middle of a password: the characters that encoders change."""
_PART = 9
"""Characters of a secret that may not be seen in a row."""
_OWN = 6
"""Letters and digits among them, so that it is this secret's part and no other's."""
_DEPTH = 3
"""Encodings one upon the other."""


def password(place: str) -> str:
    """A secret with characters that every encoder has to do something about."""
    return SECRETS.setdefault(place, f"{_letters(place, 12)}{ODD}{_letters(place[::-1], 12)}")


def token(place: str) -> str:
    """A secret that a header can carry as it is (RFC 6750: token68)."""
    return SECRETS.setdefault(place, f"{_letters(place, 14)}-_.~+/{_letters(place[::-1], 14)}==")


def plainly(place: str) -> str:
    """A secret of letters and digits only."""
    return SECRETS.setdefault(place, _letters(place, 24))


def _letters(seed: str, count: int) -> str:
    digest = hashlib.sha512(seed.encode()).digest()
    text = base64.b64encode(digest).decode()
    return "".join(c for c in text if c.isalnum())[:count]


def leaks(
    surfaces: Mapping[str, bytes], secrets: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Surface -> the places whose secrets, or parts of them, are seen there; nothing where none
    is."""
    known = secrets or SECRETS
    places: dict[bytes, set[str]] = {}
    for place, secret in known.items():
        for part in _parts(secret):
            places.setdefault(part, set()).add(place)
    sizes = {len(part) for part in places}
    found: dict[str, list[str]] = {}
    for name, data in surfaces.items():
        seen = {
            place
            for view in _views(data)
            for size in sizes
            for part in _rows(view, size) & places.keys()
            for place in places[part]
        }
        if seen:
            found[name] = [place for place in known if place in seen]
    return found


def _rows(view: bytes, size: int) -> set[bytes]:
    """Every `size` bytes in a row. Thousands of parts are looked for: one look-up each is less than
    a search each."""
    return {view[at : at + size] for at in range(len(view) - size + 1)}


def _parts(secret: str) -> set[bytes]:
    """Every `_PART` characters in a row, in lower case and without white space, as in the views."""
    text = _plain(secret.encode())
    parts = (text[at : at + _PART] for at in range(max(1, len(text) - _PART + 1)))
    return {part for part in parts if sum(bytes([byte]).isalnum() for byte in part) >= _OWN}


def _plain(data: bytes) -> bytes:
    return re.sub(rb"\s+", b"", data).lower()


def _views(data: bytes) -> set[bytes]:
    """The surface as it is and with its encodings taken off."""
    views, fresh = {data}, {data}
    for _ in range(_DEPTH):
        fresh = {new for view in fresh for take in _DECODERS for new in take(view)} - views
        views |= fresh
    return {_plain(view) for view in views}


def _unescaped(data: bytes) -> Iterator[bytes]:
    yield unquote_to_bytes(data)
    yield unquote_to_bytes(data.replace(b"+", b" "))
    text = data.decode("utf-8", "replace")
    yield html.unescape(text).encode("utf-8", "replace")
    yield _backslashes(text).encode("utf-8", "replace")
    yield re.sub(rb"<LF>|<CR>|<TAB>", b" ", data)
    yield data.replace(b"'\"'\"'", b"'")
    yield re.sub(rb"\x1b\[[0-9;]*[A-Za-z]", b"", data)


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _backslashes(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _SHORT.get(match[3], match[3])

    return _ESCAPE.sub(one, text)


def _base64(data: bytes) -> Iterator[bytes]:
    """Every run of its letters, from each of four starts; line ends within it do not count."""
    for source in {data, re.sub(rb"\s+", b"", data)}:
        out = []
        for run in re.findall(rb"[A-Za-z0-9+/_-]{12,}", source):
            letters = run.translate(bytes.maketrans(b"-_", b"+/"))
            for start in range(4):
                piece = letters[start:]
                out.append(binascii.a2b_base64(piece[: len(piece) // 4 * 4]))
        if out:
            yield b"\n".join(out)


def _hexadecimal(data: bytes) -> Iterator[bytes]:
    for source in {data, re.sub(rb"\s+", b"", data)}:
        out = []
        for run in re.findall(rb"(?i)[0-9a-f]{16,}", source):
            for start in range(2):
                piece = run[start:]
                out.append(bytes.fromhex(piece[: len(piece) // 2 * 2].decode()))
        if out:
            yield b"\n".join(out)


_DECODERS: tuple[Callable[[bytes], Iterator[bytes]], ...] = (_unescaped, _base64, _hexadecimal)
