"""What do an answer's headers say about a limit?

The dialects (Docker Hub's manual, GitHub's and GitLab's API manuals,
draft-ietf-httpapi-ratelimit-headers in its revisions): `ratelimit-limit: 100;w=21600` (Docker Hub),
`X-RateLimit-*` with a reset in epoch seconds, the drafts up to -06 (`RateLimit-Limit`,
`-Remaining`, `-Reset` in seconds from now, `-Policy`), -07 (`limit=100, remaining=50, reset=5`),
and -08 and later (structured fields: `"default";q=100;w=60` beside `"default";r=50;t=30`). A field
that does not parse is ignored, and silence says nothing. Which of these a server means by a number
that could be either is decided by size: beyond 10^9 it is an instant, else a delay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.redact import clip
from doctor.registry.httpdate import moment

Dialect = Literal["docker-hub", "x-ratelimit", "draft-06", "draft-07", "draft-08"]
_EPOCH = 1e9
"""A reset above this is seconds since 1970, else seconds from now."""
_YEAR = 366 * 86400.0
_LONGEST = 2048
_MOST = 8
_NUMBER = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?")
_PARAM = r"(?i);\s*([a-z*][a-z0-9_.*-]{0,30})\s*=\s*(\"[^\"]{0,200}\"|:[^:]{0,200}:|[^;,\s]{1,60})"
_HINT = (
    r"(?i)retry-after:\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h)\b"
    r"(?:,\s*allowed:\s*([0-9]{1,12}/[a-z]{1,10}))?"
)
_ITEM = r'"(?:[^"\\]|\\.)*"|[^,"]+|,'


@frozen
class Limit:
    """One limit. `window` and `reset` in seconds (`reset` from when the answer was made); None: not
    said."""

    limit: int | None = None
    remaining: int | None = None
    window: float | None = None
    reset: float | None = None
    source: str = ""
    """Who is counted, where the registry says so: an address or an account's id."""
    dialect: Dialect = "draft-06"
    policy: str = ""

    @property
    def share(self) -> float | None:
        """How much of it is left, 0 to 1; None where limit or remainder is not said."""
        if self.limit is None or self.remaining is None or self.limit <= 0:
            return None
        return min(1.0, self.remaining / self.limit)

    @property
    def proof(self) -> dict[str, Any]:
        """For a finding's evidence: JSON-able, only what there is."""
        said: dict[str, Any] = {
            "limit": self.limit,
            "remaining": self.remaining,
            "window_seconds": self.window,
            "reset_seconds": self.reset,
            "source": self.source,
            "dialect": self.dialect,
            "policy": self.policy,
        }
        return {key: value for key, value in said.items() if value not in (None, "")}


Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def read(headers: Headers, now: float | None = None) -> tuple[Limit, ...]:
    """Every limit that the headers tell, the tightest first. `now` is the answer's own time (epoch
    seconds), if it is known better than by `Date`."""
    table = _table(headers)
    if not any("rate" in name for name in table):
        return ()
    made = _time(table.get("date", "")) if now is None else now
    source = clip(table.get("docker-ratelimit-source", "").strip(), 200)
    found = [*_structured(table, source), *_split(table, source, made)]
    return tightest_first(found[:_MOST])


def tightest_first(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """In order of what is left of them; last those that do not say it."""
    return tuple(sorted(limits, key=lambda each: 2.0 if each.share is None else each.share))


def retry_after(value: str, date: str = "", now: float | None = None) -> float | None:
    """Seconds to wait by a `Retry-After` in either form; None for what is neither, and for longer
    than a year: nobody means that. A date in the past is 0, and a number that is an instant a date.

    A date is taken against the answer's own `Date`, so that a wrong local clock does no harm;
    without one against `now` (epoch seconds).
    """
    text = value.strip()
    at = _time(text)
    if _NUMBER.fullmatch(text):
        at = float(text)
        if at < _EPOCH:
            return at if at <= _YEAR else None
    if at is None:
        return None
    made = _time(date)
    if made is None:
        made = now if now is not None else datetime.now(UTC).timestamp()
    wait = max(0.0, at - made)
    return wait if wait <= _YEAR else None


def hint(text: str) -> tuple[float | None, str]:
    """Seconds to wait, and the limit, where a message holds them instead of a header: GHCR writes
    `toomanyrequests: retry-after: 1.16ms, allowed: 44000/minute`. (None, "") for other text."""
    found = re.search(_HINT, text[:_LONGEST])
    if not found:
        return None, ""
    seconds = float(found[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}[found[2].lower()]
    return seconds, found[3] or ""


def _table(headers: Headers) -> dict[str, str]:
    """Lower-case names; a repeated header becomes one list, as RFC 9110 section 5.3 has it."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    table: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        joined = f"{table[key]}, {value}" if key in table else value
        table[key] = joined[:_LONGEST]
    return table


def _split(table: Mapping[str, str], source: str, made: float | None) -> Iterable[Limit]:
    """The dialects that spread one limit over several headers."""
    for prefix in ("ratelimit-", "x-ratelimit-", "x-rate-limit-"):
        limit, window = _counted(table.get(f"{prefix}limit", ""))
        remaining, other = _counted(table.get(f"{prefix}remaining", ""))
        if limit is None and remaining is None:
            continue
        own = prefix == "ratelimit-"
        policies = _policies(table.get("ratelimit-policy", "")) if own else ()
        if window is None:
            window = other if other is not None else _window(policies, limit)
        hub = own and ("docker-ratelimit-source" in table or _is_hub(table))
        dialect: Dialect = "docker-hub" if hub else "draft-06" if own else "x-ratelimit"
        reset = _reset(table.get(f"{prefix}reset", ""), made)
        yield Limit(
            limit,
            remaining,
            window,
            reset,
            source,
            dialect,
            clip(table.get(f"{prefix}resource", ""), 60),
        )


def _is_hub(table: Mapping[str, str]) -> bool:
    """Docker Hub writes the window into both fields, and no reset."""
    both = (table.get("ratelimit-limit", ""), table.get("ratelimit-remaining", ""))
    return all(";w=" in value.replace(" ", "") for value in both) and "ratelimit-reset" not in table


def _counted(text: str) -> tuple[int | None, float | None]:
    """A number, and the window that may follow it as `;w=`."""
    item = next(iter(_items(text)), "")
    head = item.partition(";")[0].strip()
    if not _NUMBER.fullmatch(head):
        return None, None
    return int(head), _number(_params(item).get("w", ""))


def _reset(text: str, made: float | None) -> float | None:
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    if value < _EPOCH:
        return value
    if value > _EPOCH * 1000:
        value /= 1000
    return None if made is None else max(0.0, value - made)


def _policies(text: str) -> tuple[tuple[str, int | None, float | None], ...]:
    """(name, quota, window) of each policy, in either draft's form."""
    found = []
    for item in _items(text):
        name, params = item.partition(";")[0].strip().strip('"'), _params(item)
        quota = params.get("q", name)
        found.append(
            (name, int(quota) if _NUMBER.fullmatch(quota) else None, _number(params.get("w", "")))
        )
    return tuple(found[:_MOST])


def _window(
    policies: tuple[tuple[str, int | None, float | None], ...], limit: int | None
) -> float | None:
    return next(
        (w for _, quota, w in policies if w is not None and (limit is None or quota == limit)), None
    )


def _structured(table: Mapping[str, str], source: str) -> Iterable[Limit]:
    """`RateLimit` in the forms of -07 and of -08 and later."""
    text = table.get("ratelimit", "")
    policies = {
        name: (quota, window)
        for name, quota, window in _policies(table.get("ratelimit-policy", ""))
    }
    plain = dict(re.findall(r"\b(limit|remaining|reset)\s*=\s*([0-9]{1,15})", text))
    if plain.get("remaining") and ";" not in text:
        limit = int(plain["limit"]) if "limit" in plain else None
        window = next((w for q, w in policies.values() if q in (limit, None)), None)
        yield Limit(
            limit,
            int(plain["remaining"]),
            window,
            _number(plain.get("reset", "")),
            source,
            "draft-07",
        )
        return
    for item in _items(text)[:_MOST]:
        name, params = item.partition(";")[0].strip().strip('"'), _params(item)
        if _NUMBER.fullmatch(params.get("r", "")):
            quota, window = policies.get(name, (None, None))
            reset = _number(params.get("t", ""))
            yield Limit(quota, int(params["r"]), window, reset, source, "draft-08", clip(name, 60))


def _items(text: str) -> list[str]:
    """A list's members; a comma in a quoted string parts nothing."""
    items = [""]
    for piece in re.findall(_ITEM, text[:_LONGEST]):
        if piece == ",":
            items.append("")
        else:
            items[-1] += piece
    return [item.strip() for item in items if item.strip()]


def _params(item: str) -> dict[str, str]:
    """The parameters of a member, names in lower case, quotes taken off."""
    return {name.lower(): value.strip('"') for name, value in re.findall(_PARAM, item)}


def _number(text: str) -> float | None:
    return float(text) if _DECIMAL.fullmatch(text) else None


def _time(text: str) -> float | None:
    """An HTTP date as epoch seconds."""
    found = moment(text)
    return found.timestamp() if found is not None else None
