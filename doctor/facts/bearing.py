"""How did the credential that was found fare on the network, as far as that was asked?

What weight a fault of the local configuration has depends on it: the same stray newline is why a
pull fails, or was trimmed away by the registry and harms nobody. With it goes what the words about
any such fault need.
"""

from __future__ import annotations

from doctor.facts.credential import CredentialFact, login
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
        self.asked = auth is not None
        self.works = found or (bare_host and auth is not None and auth.scheme == "none")

    def weight(self, stops: bool = True, ours: bool = False) -> Severity | None:
        """None (the code's own) where the client ends there, a public image or not
        (go-containerregistry pkg/authn/keychain.go: Resolve returns the error).

        Where it goes on without the place that is broken, a warning, unless a login is needed: the
        registry asked for one, or nobody asked the registry and what is broken is (or, unread, may
        be) its own entry (`ours`), which nobody makes without need.
        """
        needed = self.asked or ours
        return "warning" if not stops and (self.works or self.fact.found or not needed) else None

    @property
    def reader(self) -> str:
        """Who reads the configuration, as the subject of a sentence."""
        names = {"shell": "a Go client such as crane", "kubelet": "the kubelet"}
        return names.get(self.fact.client, self.fact.client)

    @property
    def others(self) -> list[str]:
        """What the other clients of this machine would do instead, where that differs."""
        return [f"{each.client} {each.says}" for each in self.fact.otherwise]

    def params(self, **more: str) -> dict[str, str]:
        """What every remedy may need besides."""
        params = login(self.case) | more
        if cloud := params.pop("cloud", ""):
            params[f"cloud_{cloud}"] = "yes"
        return params
