"""How does a secret stay inside, and how does foreign text become harmless?

`Secret` cannot be printed, joined, formatted, copied into JSON or pickled. Making one tells the
gate, so `scrub` finds it in everything that leaves the process, as it is and in every encoding it
may have taken on the way; shapes of secrets that this run never saw are masked too (their prefixes
are the vendors' own: GitHub, GitLab, Docker, AWS, Azure, Vault; RFC 7519 for JWTs; RFC 7468 for
keys). `plain` makes text from the network safe to show: control, bidirectional and invisible
characters become visible names.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from functools import cache
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

MASK = "[hidden]"
_SHORTEST = 4
"""A shorter secret is not searched for: masking every "a" would hide the report and still show the
secret."""


class Gate:
    """What is known to be secret in this process, and the one way out for text."""

    def __init__(self) -> None:
        self._spellings: tuple[str, ...] = ()
        """The longest first, so that no part of one is left beside a shorter one's mask."""

    def learn(self, value: str) -> None:
        """From now on this value leaves in no encoding."""
        found = set(self._spellings)
        for part in {value, value.strip()}:
            if len(part) >= _SHORTEST:
                found |= spellings(part)
        self._spellings = tuple(sorted(found, key=lambda each: (-len(each), each)))

    def scrub(self, text: str) -> str:
        """The text with every known secret, and every shape of one, replaced by a mask of fixed
        width."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        for pattern, replacement in _shapes():
            text = pattern.sub(replacement, text)
        return text

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


def spellings(value: str) -> set[str]:
    """Every way a value is commonly written down: as is, JSON-escaped, URL-encoded, hex, base64 at
    its three alignments."""
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    for encoded in (quote(raw, safe=""), quote_plus(raw), quote(raw, safe="/")):
        found |= {encoded, re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), encoded)}
    found |= {raw.hex(), raw.hex().upper()}
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode()
        stable = text[(0, 2, 3)[offset] : (len(raw) + offset) * 8 // 6]
        if len(stable) >= _SHORTEST:
            found |= {stable, stable.replace("+", "-").replace("/", "_"), quote(stable, safe="")}
    return {each for each in found if len(each) >= _SHORTEST}


_SHAPES = (
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK),
    (r"\beyJ[\w-]{6,}\.[\w-]{4,}\.?[\w-]*", MASK),
    (r"\b(?:gh[pousr]_|github_pat_)\w{16,}", MASK),
    (r"\b(?:glpat|gldt|glcbt|glptt)-[\w-]{16,}", MASK),
    (r"\bdckr_(?:pat|oat)_[\w-]{10,}", MASK),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", MASK),
    (r"\b(?:nvapi-|hvs\.)[\w-]{16,}", MASK),
    (r"(?i)\b(AccountKey|SharedAccessSignature)=[^;\s\"']+", rf"\1={MASK}"),
    (
        r"(?i)\b(Bearer|Negotiate)([ \t]+)(?=[\w.+/~-]*\d)[\w.+/~-]{12,}=*(?![\w=\"])",
        rf"\1\2{MASK}",
    ),
    (
        r"(?i)\b(Basic[ \t]+)(?=[\w+/-]*(?-i:[a-z][A-Z]|[A-Z]{2}|\d))[\w+/-]{6,}={0,2}(?![\w=\"])",
        rf"\1{MASK}",
    ),
    (
        r'(?i)(\\?"(?:auth|password|passwd|identitytoken|registrytoken|secret|token|access_token'
        r'|refresh_token|id_token|client_secret|apikey|api_key)\\?"\s*:\s*\\?")(?:[^"\\]|\\(?!"))+',
        rf"\1{MASK}",
    ),
    (r"(?i)\b([a-z][a-z0-9+.-]{1,20}://[^\s/@:\"'<>]{0,256}):[^\s/@\"'<>]+@", rf"\1:{MASK}@"),
    (
        r"(?i)([?&;](?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)"
        r"|signature|policy|key-pair-id|sig|token|access_token|refresh_token|hmac|verify|password|secret)=)"
        r"[^&\s\"'<>]+",
        rf"\1{MASK}",
    ),
)


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in _SHAPES)


GATE = Gate()
"""The process's own gate: every Secret tells it."""

scrub = GATE.scrub
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


_C0 = (
    "NUL",
    "SOH",
    "STX",
    "ETX",
    "EOT",
    "ENQ",
    "ACK",
    "BEL",
    "BS",
    "TAB",
    "LF",
    "VT",
    "FF",
    "CR",
    "SO",
    "SI",
    "DLE",
    "DC1",
    "DC2",
    "DC3",
    "DC4",
    "NAK",
    "SYN",
    "ETB",
    "CAN",
    "EM",
    "SUB",
    "ESC",
    "FS",
    "GS",
    "RS",
    "US",
)
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff\U000e0000-\U000e0fff]"
)


def plain(text: str, limit: int = 2000) -> str:
    """Foreign text made safe for a terminal line: nothing in it can move the cursor, reverse the
    reading or hide.

    A control becomes its name (`<ESC>`, `<LF>`), another unsafe character its code point
    (`<U+202E>`); at most `limit` characters of it are kept, and what was cut is said. Markup is
    left as it is: no surface parses it.
    """
    cut = len(text) - limit
    safe = _UNSAFE.sub(_name, text[:limit])
    return f"{safe}… ({cut} more characters)" if cut > 0 else safe


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return f"<{_C0[code]}>"
    return "<DEL>" if code == 0x7F else f"<U+{code:04X}>"


def is_plain(text: str) -> bool:
    """Would `plain` leave this as it is?"""
    return not _UNSAFE.search(text) and unicodedata.is_normalized("NFC", text)
