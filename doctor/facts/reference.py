"""What does the target's own text say, before anything is looked at?"""

from __future__ import annotations

from typing import Literal

from doctor.frozen import frozen
from doctor.model import Fact

Trap = Literal["missing-host", "missing-repository", "upper-case-host", "web-page", "file"]


@frozen(kw_only=True)
class ReferenceFact(Fact):
    """How the target's text reads. Texts are safe to show and short; no password of the text is in
    them."""

    text: str = ""
    """The text around `position`."""
    reference: str = ""
    """The canonical reference; empty for a bare host, and where the text is none."""
    position: int | None = None
    """Index of the character at which the text stops being a reference; None: it is one, or a
    host."""
    kind: str = ""
    """Which rule it breaks: a key of `doctor.reference.grammar.RULES`."""
    rule: str = ""
    flaw: str = ""
    """What the reader of the file says of that part of it, a sentence."""
    hint: str = ""
    says: str = ""
    """What a client makes of it."""
    suggestion: str = ""
    """What was probably meant; it parses."""
    removed: tuple[str, ...] = ()
    """What stood around the reference and was left out, a sentence each: a client refuses the text
    as it is."""
    trap: Trap | None = None
    """In what way it does not mean what it seems to."""
    trap_text: str = ""
    trap_suggestion: str = ""

    @property
    def ok(self) -> bool:
        return self.position is None

    @property
    def absent(self) -> bool:
        return self.ok and not self.reference

    @property
    def seen(self) -> str:
        return "no image is named" if self.absent else ""
