"""How did the credential that was found fare on the network, as far as that was asked?

What weight a fault of the local configuration has depends on it: the same stray newline is why a
pull fails, or was trimmed away by the registry and harms nobody.
"""

from __future__ import annotations

from doctor.facts.credential import CredentialFact
from doctor.facts.registry import AuthFact, ImageFact
from doctor.model import Case, Severity


class Bearing:
    """The answers to the credential, from the facts of one run. All false: nobody asked."""

    def __init__(self, case: Case, fact: CredentialFact) -> None:
        self.case = case
        self.fact = fact
        auth, image = case.facts.get(AuthFact), case.facts.get(ImageFact)
        bare_host = case.target.reference is None
        tried = auth.tried("credential") if auth else None
        trimmed = auth.tried("trimmed") if auth else None
        found = image is not None and image.found
        self.rejected = tried is not None and tried.outcome == "refused"
        self.accepted = auth is not None and auth.accepted and (found or bare_host)
        self.trimmed = trimmed is not None and trimmed.outcome == "granted"
        """It was taken once the white space was off."""
        self.basic = auth is not None and auth.scheme == "basic"
        self.works = found or (bare_host and auth is not None and auth.scheme == "none")

    def weight(self, stops: bool = True) -> Severity | None:
        """None (the code's own) where the client ends there, a public image or not
        (go-containerregistry pkg/authn/keychain.go: Resolve returns the error); a warning where it
        goes on without the place that is broken, and has what it needs."""
        return "warning" if not stops and (self.works or self.fact.found) else None
