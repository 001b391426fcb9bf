"""What is a credential? A user name and a secret, and which kind of secret that is."""

from __future__ import annotations

import string
from typing import Literal

from doctor.frozen import frozen
from doctor.redact import Secret

UNSEEN = {
    "\ufeff": "a byte order mark",
    "\u200b": "a zero-width space",
    "\u2060": "a word joiner",
    "\u200e": "a left-to-right mark",
}
"""What comes along unseen, where a key is copied from a page or out of a file made on Windows."""
_STRAY = string.whitespace + "\x85\xa0\u2028\u2029" + "".join(UNSEEN)


def cleaned(text: str) -> str:
    """A part of a credential without what strayed to its ends: white space, and what nobody
    sees."""
    return text.strip(_STRAY)


Kind = Literal["password", "identity-token", "registry-token"]


@frozen
class Credential:
    """`user` may be empty for tokens. `origin` is the file, variable or helper it came from, with
    the key that matched."""

    user: str
    secret: Secret
    kind: Kind = "password"
    origin: str = ""
