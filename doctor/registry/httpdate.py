"""When is a date that a server sent? Foreign text: whatever it holds, the answer is a moment or
None."""

from __future__ import annotations

from datetime import UTC, datetime

_LONGEST = 64


def moment(text: str) -> datetime | None:
    """An HTTP date in any of its three forms (RFC 9110 section 5.6.7), in UTC."""
    text = text.strip()
    if not text or not text[0].isalpha() or len(text) > _LONGEST:
        return None
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
