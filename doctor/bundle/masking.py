"""What is masked on the way into a bundle, by which rule, and how often?

What this run knows to be secret, in every encoding, and the shapes of what it does not know: the
gate's own rules (`doctor.redact`, `redact.shapes`), counted. The rules of one kind of file add to
that, and what they mask under a secret's name is known from then on.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Sequence

from doctor.bundle.settings import holds_secret
from doctor.redact import GATE, MASK, shapes
from doctor.reference import userinfo

KNOWN = "a secret of this run"
BEFORE = "masked when the report was made"
UNDER_A_NAME = "value of a setting that holds a secret"
VALUE = "value of a setting that is not listed"
NAME = "name of a setting that is not listed"
COMMENT = "comment"
LOGIN = "user information or query of an address"
_SHORTEST = 6
"""What is shorter may be a common word."""

_USERS = ("username", "user", "email")


class Mask:
    """The rules, and a count for the file that is being written."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.secrets: set[str] = set()
        """What stood under a secret's name."""

    def text(self, text: str) -> str:
        """The text without a secret that is known, and without the shape of one."""
        before = text.count(MASK)
        known = len(GATE.found(text))
        if known:
            self.counts[KNOWN] += known
        text, found = shapes.counted(GATE.scrub(text) if known else text)
        new = text.count(MASK) - before - known
        for rule, times in found.items():
            fresh = max(0, min(times, new))  # a shape is found again where its mask stands
            new -= fresh
            if fresh:
                self.counts[rule] += fresh
        return text

    def value(self, names: Sequence[str], value: str) -> str:
        """In the place of a value that may not be read, under these names."""
        _learn_login(value)
        secret = any(map(holds_secret, names))
        self.counts[UNDER_A_NAME if secret else VALUE] += 1
        if secret and names[-1].lower() not in _USERS:
            self.secrets.add(value)
        return MASK

    def part(self, shown: str, value: str) -> str:
        """What may be read of a value that is an address with user information, or all of it."""
        if shown != value:
            _learn_login(value)
            self.counts[LOGIN] += 1
        return shown

    def name(self, name: str) -> str:
        """In the place of a name that may not be read; no two in a file are the same."""
        _learn_login(name)
        self.counts[NAME] += 1
        return f"{MASK[:-1]} {self.counts[NAME]}]"

    def comment(self) -> str:
        self.counts[COMMENT] += 1
        return MASK

    def learn(self) -> None:
        """Have the gate know what was masked, so that no other file holds it."""
        for value in self.secrets:
            for each in (value, *_decoded(value)):
                if len(each) >= _SHORTEST:
                    GATE.learn(each)

    def taken(self) -> dict[str, int]:
        """The counts so far, by rule; the next file begins at none."""
        found = dict(sorted(self.counts.items()))
        self.counts.clear()
        return found


def _learn_login(text: str) -> None:
    """A password in front of a host is known from then on, whatever setting it stands in, and
    however little it is encoded."""
    if "@" in text:
        userinfo.login(text)


def _decoded(value: str) -> Iterable[str]:
    """Of an `auth` field the password in it, and both together."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    return (text, text.partition(":")[2])
