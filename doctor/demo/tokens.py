"""Who gives tokens for the demo's registry, and to whom?

distribution's token protocol (docs/content/spec/auth/token.md): GET with Basic, an answer in JSON,
a JWT that says what was granted. As the specification has it, a right that is missing is no error:
the token grants less. The registry checks the signature, which here is an HMAC with a key that the
two of them share for one run.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from doctor.demo.faults import Rights, Strangers
from doctor.demo.listening import Answer, Request, refusal

_LIFETIME = 300


@dataclass
class Tokens:
    """Gives tokens, and knows them again. `service` is the registry's name in them."""

    user: str
    password: str = field(repr=False)
    service: str = ""
    rights: Rights = "pull"
    strangers: Strangers = "refused"
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.path != "/token" or request.method != "GET":
            return refusal(404, "UNSUPPORTED", "tokens are had with GET /token")
        who = self._who(request.headers.get("authorization", ""))
        if who is None:
            basic = ("WWW-Authenticate", 'Basic realm="Registry Doctor Demo"')
            return refusal(401, "UNAUTHORIZED", "incorrect user name or key", basic)
        access = [self._grant(who, scope) for scope in request.query.get("scope", ())[:8]]
        return Answer(200, {"token": self._token(who, access), "expires_in": _LIFETIME})

    def grants(self, authorization: str, repository: str) -> bool | None:
        """Does this header's token allow to pull from there? None: it is no token of ours."""
        claims = self._claims(authorization.removeprefix("Bearer "))
        if claims is None or claims["exp"] < time.time():
            return None
        return any(a["name"] == repository and "pull" in a["actions"] for a in claims["access"])

    def _who(self, header: str) -> str | None:
        """The user, "" for a stranger who may have a token, None for a refusal."""
        if not header:
            return "" if self.strangers == "get-a-token" else None
        try:
            given = base64.b64decode(header.removeprefix("Basic "), validate=True)
        except binascii.Error:
            return None
        right = f"{self.user}:{self.password}".encode()
        return self.user if hmac.compare_digest(given, right) else None

    def _grant(self, who: str, scope: str) -> dict[str, Any]:
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        mine = who == self.user and self.rights == "pull" and name.startswith("library/")
        actions = ["pull"] if mine and "pull" in asked.split(",") else []
        return {"type": kind, "name": name, "actions": actions}

    def _token(self, who: str, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        claims = {
            "iss": "registry-doctor demo", "sub": who, "aud": self.service,
            "iat": now, "nbf": now - 60, "exp": now + _LIFETIME, "access": access,
        }  # fmt: skip
        text = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
        return f"{text}.{self._signature(text)}"

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        payload = text.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims

    def _signature(self, text: str) -> str:
        return _base64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def _part(value: Any) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
