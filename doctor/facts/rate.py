"""Which limits did the answers of this run speak of?

Read from headers that came anyway; no request is made for them, since one could itself be counted.
"""

from __future__ import annotations

from doctor.frozen import frozen
from doctor.model import Fact
from doctor.registry.ratelimit import Limit


@frozen(kw_only=True)
class RateFact(Fact):
    """The limits, the tightest first. None at all says nothing: not that there is no limit."""

    limits: tuple[Limit, ...] = ()

    @property
    def seen(self) -> str:
        if not self.limits:
            return "no limit is told in headers"
        first = self.limits[0]
        of = f" of {first.limit}" if first.limit is not None else ""
        return f"{first.remaining}{of} left" if first.remaining is not None else f"limit{of}"
