"""The report as JSON text: for programs."""

from __future__ import annotations

import json
from typing import Any


def render(document: dict[str, Any]) -> str:
    """UTF-8 safe, indented, one object and a newline. Control characters are escaped by JSON's own
    rule, bidirectional ones too."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
