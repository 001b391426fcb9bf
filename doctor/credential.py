"""What is a credential? A user name and a secret, and which kind of secret that is."""

from __future__ import annotations

from typing import Literal

from doctor.frozen import frozen
from doctor.redact import Secret

Kind = Literal["password", "identity-token", "registry-token"]


@frozen
class Credential:
    """`user` may be empty for tokens. `origin` is the file, variable or helper it came from, with
    the key that matched."""

    user: str
    secret: Secret
    kind: Kind = "password"
    origin: str = ""
