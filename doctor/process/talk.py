"""How does standard error stay free of secrets, whoever writes there?

Not only this program does: a library logs, a thread dies, a task's exception is never fetched, a
plug-in prints. So the stream itself is the gate. Text is written in pieces, and a secret may stand
across two of them: a line is scrubbed as a whole, and what may be the beginning of a secret waits
for what follows.
"""

from __future__ import annotations

import io
from typing import TextIO


class Talk(io.TextIOBase):
    """Standard error through the gate. `end` lets out what still waits."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting = ""

    def write(self, text: str) -> int:
        """Takes the text; whole lines go out."""
        self._waiting += text
        self._let_out(self._waiting.rfind("\n") + 1)
        return len(text)

    def flush(self) -> None:
        """Everything goes out that cannot be the beginning of a secret."""
        self._let_out(len(self._waiting))
        self._stream.flush()

    def end(self) -> None:
        """Everything goes out, if it can: nothing follows."""
        try:
            if self._waiting:
                from doctor.redact import clip

                text, self._waiting = self._waiting, ""
                self._stream.write(clip(text, len(text) + 1000, cut=True))
            self._stream.flush()
        except (OSError, ValueError):
            return

    def _let_out(self, upto: int) -> None:
        if not upto:
            return
        from doctor.redact import GATE

        upto = GATE.settled(self._waiting[:upto])
        text, self._waiting = self._waiting[:upto], self._waiting[upto:]
        if text:
            self._stream.write(GATE.scrub(text))

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding
