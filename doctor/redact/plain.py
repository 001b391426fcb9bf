"""How does foreign text become harmless to show?

Control, bidirectional and invisible characters become visible names, so that nothing can move the
cursor, reverse the reading or hide. Markup is left as it is: no surface parses it.
"""

from __future__ import annotations

import re

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
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
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
