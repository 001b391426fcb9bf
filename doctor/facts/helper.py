"""What did a credential helper do when it was asked?

The protocol is docker-credential-helpers' `get`: the key on standard input, JSON on standard
output, errors as an exit status and the message on standard *output*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from doctor.frozen import frozen
from doctor.model import Fact

if TYPE_CHECKING:
    from doctor.credential import Credential

Ending = Literal[
    "credential",
    "not-found",
    "missing",
    "not-executable",
    "failed",
    "malformed",
    "too-large",
    "timeout",
]


@frozen(kw_only=True)
class HelperFact(Fact):
    """How one call of a helper ended. `message` is its own words, scrubbed and made safe; `waited`
    is in seconds."""

    program: str = ""
    key: str = ""
    setting: str = ""
    """The place that names the helper: file, setting."""
    ending: Ending = "failed"
    path: str = ""
    """The program that was run."""
    searched: tuple[str, ...] = ()
    """The folders of PATH."""
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    waited: float = 0.0
    user: str = ""
    elsewhere: str = ""
    """A folder outside of PATH in which the program lies."""

    @property
    def ended(self) -> str:
        """How it ended, as the end of a sentence that starts with its name."""
        if self.ending == "malformed":
            return "answered with no credential"
        if self.ending == "too-large":
            return "said more than 64 KiB"
        if self.signal is not None:
            return f"was ended by signal {self.signal}"
        if self.exit_code is None:
            return "could not be started"
        return f"ended with status {self.exit_code}"

    @property
    def cloud(self) -> str:
        """Whose login stands behind it: "aws", "google", "azure", or "" for a store on this
        machine."""
        clouds = (("ecr", "aws"), ("gcloud", "google"), ("gcr", "google"), ("acr", "azure"))
        return next((name for word, name in clouds if word in self.program), "")

    @property
    def ok(self) -> bool:
        return self.ending in ("credential", "not-found")

    @property
    def seen(self) -> str:
        return f"{self.program}: {self.ending.replace('-', ' ')}"


@frozen
class HelperAnswer:
    """What `net.helper` gives: the fact, and beside it, never in it, the credential."""

    fact: HelperFact
    credential: Credential | None = None
