"""What clients of registries print, and what is read from it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MESSAGES: list[dict[str, Any]] = tomllib.loads((HERE / "messages.toml").read_text())["message"]
"""Every line of the clients' errors, with what it may mean."""
PRINTED: list[dict[str, Any]] = [
    entry
    for entry in json.loads((HERE / "client_messages.json").read_text())["results"]
    if entry["exit"]
]
"""What real clients printed when the faults were real."""
