"""Which images does a plain list name? One a line; what follows `#` is a comment.

Lists come from people and from `grep`, so bullets, quotes, commas and a pasted `docker pull` are
taken off: no client reads a list as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.images import Found
from doctor.reference.pasted import unwrap

_COMMENT = re.compile(r"(?:^|\s)#.*")
_BULLET = re.compile(r"[-*•]\s+")


def listed(text: str) -> Iterator[Found]:
    """Every line with something on it."""
    for number, written in enumerate(text.split("\n"), 1):
        if not (line := written.strip()) or line[0] == "#":
            continue
        line = _COMMENT.sub("", line).strip()
        line = _BULLET.sub("", line, count=1) if _BULLET.match(line) else line
        inside = unwrap(line).text.removesuffix(",")
        if inside:
            yield Found(number, inside)
