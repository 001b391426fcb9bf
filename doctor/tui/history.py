"""Which targets were looked at lately? A short list in the user's state folder, mode 600.

Only what was typed as a target is kept, made safe and scrubbed: no result, no secret. Without
`--no-history` and DOCTOR_NO_HISTORY it is written; a folder that takes no file is no error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from doctor.redact import plain, scrub

MOST = 20
_LONGEST = 300
_BYTES = 1 << 16


class History:
    """The list, the latest first. `file` None: nothing is kept."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.targets = self._read()

    @classmethod
    def here(cls, environ: Mapping[str, str], *, kept: bool = True) -> History:
        """The user's own: $XDG_STATE_HOME, else ~/.local/state (XDG Base Directory)."""
        off = environ.get("DOCTOR_NO_HISTORY", "") not in ("", "0")
        home = environ.get("HOME", "")
        state = environ.get("XDG_STATE_HOME", "")
        if not state.startswith("/"):
            state = f"{home}/.local/state" if home.startswith("/") else ""
        return cls(
            Path(state, "registry-doctor", "recent.json") if kept and state and not off else None
        )

    def remember(self, typed: Sequence[str]) -> None:
        """What is to be looked at now; of a client's command the target alone."""
        from doctor.reference.pasted import unwrap, whole

        for each in reversed(whole(typed)):
            if scrub(each) == each:  # what is left of it may no longer look like a secret
                self.add(unwrap(each).text)

    def add(self, target: str) -> None:
        """Put a target first, and write the list."""
        safe = plain(scrub(target), _LONGEST)
        if self.file is None or not safe or safe != target:
            return
        self.targets = [safe, *(each for each in self.targets if each != safe)][:MOST]
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self.file.with_name(f".recent-{os.getpid()}")
            made = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(made, "w", encoding="utf-8") as file:
                json.dump(self.targets, file, indent=1)
            os.replace(beside, self.file)
        except OSError:
            return

    def _read(self) -> list[str]:
        """What is there, as far as it is a list of targets."""
        if self.file is None:
            return []
        try:
            with self.file.open("rb") as file:
                found = json.loads(file.read(_BYTES))
        except (OSError, ValueError, RecursionError):
            return []
        names = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
        return [name for name in names if name and plain(name, _LONGEST) == name][:MOST]
