"""Which bytes put a text on the terminal's clipboard? OSC 52, which most terminals know.

Inside tmux and screen the sequence is also handed through to the terminal around them, which they
do where they are allowed to. Nothing answers, so the text is shown as well. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping


def sequences(text: str, environ: Mapping[str, str]) -> str:
    """What is to be written to the terminal. The text is encoded: nothing of it is read as a
    sequence."""
    coded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    plainly = f"\x1b]52;c;{coded}\x07"
    if environ.get("TMUX"):
        doubled = plainly.replace("\x1b", "\x1b\x1b")
        return f"{plainly}\x1bPtmux;{doubled}\x1b\\"
    if environ.get("STY"):
        return f"\x1bP{plainly}\x1b\\"
    return plainly
