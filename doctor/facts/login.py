"""How did the login go: which right was tried, what was it given, where was the credential held
back?

What a token grants is kept, never the token; where a credential came from, never the credential.
"""

from __future__ import annotations

from typing import Any, Literal

from doctor.facts.http import Answer, Who
from doctor.frozen import frozen
from doctor.model import Fact, Hop
from doctor.registry.jwt import Access

Scheme = Literal["none", "basic", "bearer", "unsupported"]
"""Which login the registry asks for. "none": it answered without one."""
TokenOutcome = Literal["granted", "untested", "refused", "no-token", "unreachable", "limited"]
RulingCode = Literal["auth.realm-insecure", "auth.realm-foreign"]


@frozen(kw_only=True)
class TokenTry:
    """One request to a token service, or to the registry itself where that takes the credential."""

    who: Who = "anonymous"
    scope: str = ""
    outcome: TokenOutcome = "granted"
    answers: tuple[Answer, ...] = ()
    flaw: str = ""
    """Why an answer held no token: its subject is "the answer"."""
    access: tuple[Access, ...] | None = None
    """The token's `access` claim; None: the token does not say (it is opaque)."""
    subject: bool | None = None
    """Does the token say that it was issued to somebody (its `sub` is not empty)? None: it is
    opaque."""
    expires_in: int | None = None
    onward: Hop | None = None
    """The other host that the token service redirects to, where that has not been asked."""
    left_behind: bool = False
    """Was there a credential, which stayed behind at a redirect to another host?"""
    odd_issue: str = ""
    """The answer's `issued_at`, where it is no time as RFC 3339 writes it."""

    @property
    def answer(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def proof(self) -> dict[str, Any]:
        """What a finding about this try puts in evidence: JSON-able, only what there is."""
        answer = self.answer
        told: dict[str, Any] = {
            "with": self.who,
            "scope": self.scope,
            "outcome": self.outcome,
            "status": answer.status if answer else None,
            "error_code": answer.code if answer else "",
            "message": answer.message if answer else "",
            "expires_in": self.expires_in,
        }
        if self.access is not None:
            told["access"] = [
                {"type": a.type, "name": a.name, "actions": list(a.actions)} for a in self.access
            ]
        return {key: value for key, value in told.items() if value not in ("", None)}

    def grants_pull(self, repository: str) -> bool | None:
        """Does the token say that it allows pulling? None: it does not say."""
        if self.access is None:
            return None
        mine = (a for a in self.access if a.type == "repository" and a.name == repository)
        return any("pull" in a.actions or "*" in a.actions for a in mine)


@frozen
class Ruling:
    """May the credential go to the token service, and if not, why? `code` None: yes."""

    code: RulingCode | None
    reason: str = ""
    registry_domain: str = ""
    realm_domain: str = ""


@frozen(kw_only=True)
class AuthFact(Fact):
    """How the login went. `ok`: the image may be asked for, with what right `who` says."""

    scheme: Scheme = "none"
    scope: str = ""
    """The right that was asked for; empty for a bare host."""
    realm: str = ""
    """As the challenge names it, query values removed."""
    service: str = ""
    token: Hop | None = None
    has_credential: bool = False
    user: str = ""
    origin: str = ""
    """The file, variable or helper that the credential came from."""
    kind: str = ""
    ruling: Ruling | None = None
    """Set where a credential would have gone to a token service."""
    tries: tuple[TokenTry, ...] = ()
    who: Who = "anonymous"
    """Whose right the requests for the image carry."""
    may_proceed: bool = False
    flaw: str = ""
    """Why no token could be asked for: a challenge without a usable realm, a token service that may
    not be contacted."""
    overheard: bool = False
    """Was nothing asked because the registry is spoken to in plain HTTP, on another machine?"""

    @property
    def leads_to(self) -> tuple[Hop, ...]:
        return (self.goes_on_at,) if self.goes_on_at is not None else ()

    @property
    def goes_on_at(self) -> Hop | None:
        return self.tries[-1].onward if self.tries else None

    def tried(self, who: Who) -> TokenTry | None:
        """The last try with that right for `scope`."""
        mine = (t for t in reversed(self.tries) if t.who == who and t.scope == self.scope)
        return next(mine, None)

    @property
    def credential(self) -> dict[str, Any]:
        """What evidence says of the credential: which one it was, never its value."""
        if not self.has_credential:
            return {"credential": "none"}
        return {"source": self.origin, "user": self.user, "kind": self.kind}

    @property
    def withheld(self) -> bool:
        return self.has_credential and self.ruling is not None and self.ruling.code is not None

    @property
    def accepted(self) -> bool:
        """Was the configured credential taken?"""
        found = self.tried("credential")
        return found is not None and found.outcome == "granted"

    @property
    def ok(self) -> bool:
        return self.may_proceed

    @property
    def hurried(self) -> bool:
        return any(answer.hurried for tried in self.tries for answer in tried.answers)

    @property
    def seen(self) -> str:
        if self.scheme == "none":
            return "no login asked for"
        if self.overheard and self.has_credential:
            return "the login was not sent: plain HTTP, the connection is not encrypted"
        if self.who == "anonymous":
            return "anonymous" if self.may_proceed else "no access"
        return f"logged in{f' as {self.user}' if self.user else ''}"


@frozen(kw_only=True)
class AnonymousFact(Fact):
    """Can the image be had without the credential that is configured? Looked at beside, on
    connections of its own."""

    token: TokenTry | None = None
    head: Answer | None = None

    @property
    def hurried(self) -> bool:
        asked = (self.token.answer if self.token else None, self.head)
        return any(answer is not None and answer.hurried for answer in asked)

    @property
    def public(self) -> bool:
        return self.head is not None and self.head.outcome == "answered" and self.head.status == 200

    @property
    def seen(self) -> str:
        return "public" if self.public else "not public"
