"""Which part of a long or hostile text is shown, so that a person sees the place that is talked
about?"""

from __future__ import annotations

from doctor.redact import plain

LONGEST = 76


def excerpt(text: str, position: int = 0) -> str:
    """The part around the position, made safe, at most 80 characters; `…` where more was cut
    off."""
    start = max(0, min(position - LONGEST // 2, len(text) - LONGEST))
    end = start + LONGEST
    shown = plain(text[start:end])
    if len(shown) > LONGEST:
        start = max(start, position - 4)
        end = start + 8
        shown = plain(text[start:end])[:LONGEST]
    return f"{'…' if start else ''}{shown}{'…' if end < len(text) else ''}"
