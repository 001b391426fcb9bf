"""Which errors stand in a text?"""

from __future__ import annotations

from doctor.said import Said, error


def errors(text: str) -> tuple[Said, ...]:
    """Every distinct error of a text, once each, in the order of appearance."""
    found = [error(line) for line in text.splitlines() if line.strip()]
    return tuple({(s.codes, s.image, s.host): s for s in found if s.codes}.values())
