"""Configuration files for tests of the look-up: a machine in a folder, a user in each entry."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from doctor.clients.keyring import Held, Lookup
from doctor.clients.machine import Machine

HOME = "/home/u"
DOCKER = f"{HOME}/.docker/config.json"


def auth(user: str = "u", password: str = "p-secret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def put(root: Path, path: str, content: Any, mode: int = 0o600) -> Path:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content))
    place.chmod(mode)
    return place


def machine(root: Path, **environ: str) -> Machine:
    return Machine(root=str(root), environ=environ, home=HOME, uid=1000)


def user(lookup: Lookup) -> str | None:
    """Whose credential the look-up comes to without asking a helper; None for none."""
    first = next((t for t in lookup.tries if isinstance(t, Held)), None)
    return first.credential.user if first else None


def outcomes(lookup: Lookup) -> dict[str, str]:
    """Place -> what came of it."""
    return {place.where: place.outcome for place in lookup.places}
