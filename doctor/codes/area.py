"""Which check would give a code, where no check ran and words or objects gave it?"""

from __future__ import annotations

_BLOB = "registry.blob-"
_IMAGE = ("invalid-reference", "name-unknown", "manifest-unknown", "platform-missing", "old-schema")


def check_of(code: str) -> str:
    """The check's name, as reports and `--only` have it."""
    area, _, cause = code.partition(".")
    if area == "registry":
        return "blob" if code.startswith(_BLOB) else "image" if cause in _IMAGE else "api"
    return area
