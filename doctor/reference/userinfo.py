"""Does a user name or a password stand in what was given as an image reference?

`user:password@registry/app` is no reference, but people write it, with passwords that hold `@`, `/`
or `:`. What is found is a `Secret` from then on, and `hidden` gives the text without it; where it
is not clear, it is taken for one. The same for the options of a pasted command that carry a
password.
"""

from __future__ import annotations

import re

from doctor.frozen import frozen
from doctor.redact import MASK, Secret, shapes

_TOKEN = 16
"""A user name alone of this length may be a token."""
_DIGEST = r"(?i)(?:sha(?:256|384|512)|md5)(?::|$)|[a-z0-9+._-]+:[0-9a-f]{32}"
_VERSION = r"(?a)latest|v?\d[\w.-]*"
_PATH = r"[^/:]*(?::\d+)?/"
_CREDENTIAL = re.compile(
    r"(?i)(--(?:src-|dest-)?(?P<pair>creds|user|proxy-user)|--(?:password|identity-token)"
    r"|--(?:src-|dest-)?registry-token|--oauth2-bearer|(?<=\s)-(?:(?P<short>u)|(?P<login>p))"
    r"|\bauthorization:\s*(?:basic|bearer))"
    r"([ =]+)(?P<value>\"[^\"]*\"|'[^']*'|[^\s'\"]+)"
)
"""Options, and curl's header, that carry a secret; of a pair behind the first colon."""


@frozen
class Login:
    """A user name, and mostly a password, in front of a host. `start`: where it begins."""

    start: int
    masked: str
    """The text with the password hidden; a user name alone, which may be a token, as well."""
    without: str


def login(text: str) -> Login | None:
    """The credential in `user:password@host/app`."""
    text = _options(text)
    at = text.rfind("@")
    web = "://" in text
    start = text.find("://") + 3 if web else _word_before(text, at)
    while at > start and re.compile(_DIGEST).match(text, at + 1):
        at = text.rfind("@", start, at)
    if at <= start:
        return None
    given, after = text[start:at], text[at + 1 :]
    user, colon, password = given.partition(":")
    if re.match(_PATH, given) or (re.fullmatch(_VERSION, after) and not web):
        return None
    if not (web or colon or re.search("[./:]", after)):
        return None
    _learn(password)
    if not colon:
        learn_alone(user)
    shown = f"{user}:{MASK}" if colon else MASK
    return Login(start, f"{text[:start]}{shown}@{after}", text[:start] + after)


def hidden(text: str) -> str:
    """The text as it may be shown: without passwords."""
    found = login(text)
    return shapes.masked(found.masked if found else _options(text))


def learn_alone(user: str) -> None:
    """A user name without a password: where a token is expected, it may be one."""
    _learn(user if len(user) >= _TOKEN else "")


def _word_before(text: str, at: int) -> int:
    """Where the word begins that reaches up to there, quotes left out."""
    return max(text.rfind(sign, 0, max(at, 0)) for sign in " \t\r\n\"'`") + 1


def _options(text: str) -> str:
    def hide(match: re.Match[str]) -> str:
        value = match["value"].strip("'\"")
        if match["pair"] or match["short"]:
            value = value.partition(":")[2]
        if not value or (match["login"] and " login " not in text):
            return match[0]
        _learn(value)
        return f"{match[1]} {MASK}"

    return _CREDENTIAL.sub(hide, text)


def _learn(secret: str) -> None:
    from urllib.parse import unquote

    if secret and MASK not in secret:
        for spelling in {secret, unquote(secret)}:
            Secret(spelling)
