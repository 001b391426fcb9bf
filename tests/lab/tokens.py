"""A token service for distribution on loopback: Basic and refresh tokens, scopes, refusals,
anonymous rights.

It issues RS256 tokens in distribution's format (docs/content/spec/auth/jwt.md) which a real
registry verifies against `bundle`. As the specification has it, a missing right is no error: the
token just grants less.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.lab.origin import Request, answer

ISSUER = "lab"
SERVICE = "lab registry"


@dataclass
class TokenService:
    """`users`: name to password. `rights`: name ("" for anonymous) to repositories that may be
    pulled. `identity`: refresh tokens to user names. `strangers`: may anyone have a token without
    logging in?"""

    users: Mapping[str, str] = field(default_factory=dict)
    rights: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    strangers: bool = True
    refuses_strangers_scopes: bool = False
    """Refuse (401) an anonymous request for a repository without the right, as GitHub's registry
    does."""
    posts: bool = True
    opaque: bool = False
    seen: list[str] = field(default_factory=list)

    def script(self, request: Request) -> bytes:
        """The answer to one request."""
        who = self._who(request)
        if who is None:
            return _error(401, "UNAUTHORIZED", "authentication required")
        if request.method == "POST" and not self.posts:
            return answer(404, b"")
        fields = parse_qs(request.target.partition("?")[2] or request.body.decode())
        granted = []
        for scope in fields.get("scope", []):
            kind, name, _ = scope.split(":")
            may = name in self.rights.get(who, ())
            if not may and not who and self.refuses_strangers_scopes:
                return _error(401, "UNAUTHORIZED", "authentication required")
            granted.append({"type": kind, "name": name, "actions": ["pull"] if may else []})
        token = "opaque-" + who.rjust(8, "x") if self.opaque else signed(who, granted)
        return answer(200, {"token": token, "expires_in": 300})

    def _who(self, request: Request) -> str | None:
        """The user ("" for nobody), or None for a refusal."""
        if request.method == "POST":
            given = parse_qs(request.body.decode()).get("refresh_token", [""])[0]
            return self.identity.get(given)
        header = request.headers.get("authorization", "")
        if not header:
            return "" if self.strangers else None
        user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        return user if self.users.get(user) == password else None


def _error(status: int, code: str, message: str) -> bytes:
    return answer(status, {"errors": [{"code": code, "message": message}]})


@cache
def _key() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab token service")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def bundle(folder: Path) -> Path:
    """The file that a registry verifies the tokens with."""
    path = folder / "tokens.pem"
    path.write_bytes(_key()[1].public_bytes(serialization.Encoding.PEM))
    return path


def signed(subject: str, access: list[dict[str, Any]], **claims: Any) -> str:
    """A token that a registry with `bundle` takes."""
    key, certificate = _key()
    der = certificate.public_bytes(serialization.Encoding.DER)
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    now = int(time.time())
    body = {
        "iss": ISSUER, "sub": subject, "aud": SERVICE, "jti": "1",
        "iat": now, "nbf": now - 60, "exp": now + 300, "access": access, **claims,
    }  # fmt: skip
    text = f"{_part(header)}.{_part(body)}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
