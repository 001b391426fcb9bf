"""What every format is asked to survive: the hostile report, and what nothing of it may become."""

from __future__ import annotations

import re

ALIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Controls, C1, invisible and bidirectional characters; a line end is ours."""


def dead(text: str) -> bool:
    """Is nothing in it that moves a cursor, turns the reading or hides?"""
    return ALIVE.search(text) is None
