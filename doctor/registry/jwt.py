"""What does a token say of itself, without anyone vouching for it?

A JWT (RFC 7519) is three base64url parts without padding; the second is JSON. Only an allow-list of
claims is kept, the signature is never looked at, and nothing here is trusted: a claim can tell why
a login fails, never that it should succeed. ECR's authorization token is no JWT but says its end as
well (base64 of JSON with `expiration`).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from doctor.frozen import frozen
from doctor.redact import clip

LONGEST = 32_768
"""Characters of a token that is looked into; real ones stay under 8 KiB."""
_LATEST = 253_402_300_800.0
"""The year 10000: a larger time is no time."""


@frozen
class Access:
    """One grant of a registry's token (distribution's `access` claim)."""

    type: str
    name: str
    actions: tuple[str, ...]


@frozen
class Claims:
    """What was kept. `expires` in seconds since the epoch; None where the token is silent."""

    expires: float | None = None
    issuer: str = ""
    subject: str | None = None
    """None: no such claim; "" is said by tokens for nobody."""
    access: tuple[Access, ...] | None = None
    kind: str = "jwt"


def read(token: str) -> Claims | None:
    """The claims of a JWT, or None for anything else. Never raises, never recurses deep."""
    if len(token) > LONGEST or token.count(".") != 2 or not token.startswith("eyJ"):
        return None
    header, payload, _ = token.split(".")
    said = _object(payload)
    if said is None or _object(header) is None:
        return None
    subject = said.get("sub")
    return Claims(
        expires=_time(said.get("exp")),
        issuer=_text(said.get("iss")),
        subject=_text(subject) if isinstance(subject, str) else None,
        access=_access(said.get("access")),
    )


def read_ecr(token: str) -> Claims | None:
    """The end of an ECR authorization token, or None. Its shape is observed, not documented:
    `expiration` in seconds."""
    if len(token) > LONGEST or not token.startswith("eyJ") or "." in token:
        return None
    said = _object(token)
    if said is None or not {"payload", "datakey", "expiration"} <= said.keys():
        return None
    return Claims(expires=_time(said["expiration"]), kind="ecr")


def _object(part: str) -> dict[str, Any] | None:
    """A part as a JSON object, in either base64 alphabet, padded or not."""
    text = part.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _time(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _LATEST else None


def _text(value: Any) -> str:
    return clip(value, 256) if isinstance(value, str) else ""


def _access(value: Any) -> tuple[Access, ...] | None:
    if not isinstance(value, list):
        return None
    found = []
    for each in value[:64]:
        if isinstance(each, dict):
            actions = each.get("actions")
            named = actions if isinstance(actions, list) else []
            kept = tuple(_text(a) for a in named[:16] if isinstance(a, str))
            found.append(Access(_text(each.get("type")), _text(each.get("name")), kept))
    return tuple(found)
