"""In what condition is a credential, before anyone has tried it?

Stray white space at its ends (a newline from `echo`, a byte order mark from Windows), and its end
of life: by the token's own word, or by its kind and the age of the file that holds it. Only the
description leaves, never the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from doctor.credential import UNSEEN, Credential, cleaned
from doctor.facts.credential import CredentialFact, Place, TokenLife, WhiteSpace
from doctor.model import Target
from doctor.registry import jwt

LIFETIMES = {"oauth2accesstoken": ("Google access token", 3600.0), "AWS": ("ECR token", 43200.0)}
"""User names that stand for a token whose life is known, in seconds."""


def given(credential: Credential, client: str, target: Target) -> CredentialFact:
    """The fact of a credential that was given on the command line: nothing else is looked at."""
    return CredentialFact(
        client=client,
        registry=target.named,
        found=True,
        origin=credential.origin,
        kind=credential.kind,
        user=credential.user,
        places=(Place(credential.origin, "used"),),
        white_space=white_space(credential),
        life=life(credential, None),
    )


def white_space(credential: Credential) -> tuple[WhiteSpace, ...]:
    """White space at the ends of user name and secret; inside it may be meant."""
    found: list[WhiteSpace] = []
    found += _ends("user", credential.user)
    found += _ends("secret", credential.secret.reveal())
    return tuple(found)


def _ends(part: Literal["user", "secret"], text: str) -> Iterator[WhiteSpace]:
    clean = cleaned(text)
    before, _, after = text.partition(clean) if clean else (text, "", "")
    if before:
        yield WhiteSpace(part, "start", _what(before), _unseen(before))
    if after:
        yield WhiteSpace(part, "end", _what(after), _unseen(after))


def _unseen(stray: str) -> bool:
    return not UNSEEN.keys().isdisjoint(stray)


def _what(blank: str) -> str:
    names = {"\n": "a newline", "\r": "a carriage return", " ": "a space", "\t": "a tab", **UNSEEN}
    if blank == "\r\n":
        return "a Windows line end"
    if len(blank) == 1:
        return names.get(blank, "white space")
    return "newlines" if set(blank) == {"\n"} else "white space"


def life(credential: Credential, modified: float | None) -> TokenLife | None:
    """When the credential ends, by its own word or by its kind and the age of the file that holds
    it."""
    text = credential.secret.reveal().strip()
    claims = jwt.read(text) or (jwt.read_ecr(text) if credential.user == "AWS" else None)
    if claims is not None:
        if claims.expires is None:
            return None
        kind = "ECR token" if claims.kind == "ecr" else "JWT"
        return TokenLife(kind, claims.expires, "token", claims.issuer)
    named = LIFETIMES.get(credential.user)
    if named is None or modified is None:
        return None
    return TokenLife(named[0], modified + named[1], "age")
