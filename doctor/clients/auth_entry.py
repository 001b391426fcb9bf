"""What does one entry of `auths` hold, and what is wrong with it?

docker/cli configfile decodeAuth: `auth` is standard padded base64 of `user:password`, and it beats
the plain fields beside it. The values become Secrets here and leave no other way.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from doctor.credential import Credential
from doctor.frozen import frozen
from doctor.redact import Secret
from doctor.reference.userinfo import learn_alone

Decode = Callable[[str], "tuple[str, Secret | None, str, bool]"]
_NO_COLON = "its auth decodes to text without a colon; user:password was expected"


@frozen
class Entry:
    """One entry of `auths`. `user` and `secret` are what `auth` decodes to, `plain_*` the fields of
    that name beside it."""

    key: str
    line: int = 0
    column: int = 0
    user: str = ""
    secret: Secret | None = None
    plain_user: str = ""
    plain_secret: Secret | None = None
    identity: Secret | None = None
    registry_token: Secret | None = None
    broken: str = ""
    """Why `auth` is no credential; "" where it is one, or is not there."""
    bad_base64: bool = False

    @property
    def marker(self) -> bool:
        """Nothing in it: it says only that a helper holds the credential."""
        return not (
            self.broken
            or self.user
            or self.secret
            or self.plain_user
            or self.plain_secret
            or self.identity
            or self.registry_token
        )

    @property
    def clear(self) -> bool:
        """Does a secret stand in it?"""
        return bool(self.secret or self.plain_secret or self.identity or self.registry_token)

    def docker(self, origin: str) -> Credential | None:
        """The credential by Docker's rules: `auth` beats `username`, and a token beats both."""
        user = self.user or self.plain_user
        if self.registry_token:
            return Credential(user, self.registry_token, "registry-token", origin)
        if self.identity:
            return Credential(user, self.identity, "identity-token", origin)
        secret = self.secret if self.user else self.plain_secret
        if not user and not secret:
            return None
        return Credential(user, secret or Secret(""), "password", origin)

    @property
    def lacks(self) -> str:
        """What an entry lacks that decodes well; "" for nothing."""
        if self.broken or self.identity or self.registry_token or self.marker:
            return ""
        if not (self.user or self.plain_user):
            return "it has a password and no user name"
        secret = self.secret if self.user else self.plain_secret
        return "" if secret else "it has a user name and an empty password"


def decode(auth: str) -> tuple[str, Secret | None, str, bool]:
    """User, secret, what is wrong ("" for nothing), and whether that is the base64: of an `auth`
    value by Docker's rules.

    Standard padded base64 (Go skips line ends inside it) of `user:password`; NUL bytes around the
    password do not count.
    """
    if not auth:
        return "", None, "", False
    text = _unpacked(auth, padded=True)
    if text is None:
        return "", None, f"its auth is not standard base64 with padding{_why_not(auth)}", True
    user, colon, password = text.partition(":")
    if not colon:
        return "", None, _NO_COLON, False
    secret = Secret(password.strip("\0"))
    if not secret:
        learn_alone(user)
    if not user:
        return "", None, "its auth decodes to an empty user name before the colon", False
    return user, secret, "", False


def decode_as_kubelet(auth: str) -> tuple[str, Secret | None, str, bool]:
    """The same by the kubelet's rules: padding may be missing, an empty user name and NUL bytes are
    taken as they are (kubernetes pkg/credentialprovider/config.go, decodeDockerConfigFieldAuth)."""
    if not auth:
        return "", None, "", False
    text = _unpacked(auth, padded=auth.strip().endswith("="))
    if text is None:
        return "", None, f"its auth is not standard base64{_why_not(auth)}", True
    user, colon, password = text.partition(":")
    if not colon:
        return "", None, _NO_COLON, False
    if not password:
        learn_alone(user)
    return user, Secret(password), "", False


def _unpacked(auth: str, *, padded: bool) -> str | None:
    """What the base64 stands for; None where it is none. Go skips line ends inside it."""
    Secret(auth)  # the gate knows it from now on, whether or not it decodes
    text = _decoded(auth, padded=padded)
    if text is not None and ":" not in text:
        Secret(text)
    return text


def refused_by_kubelet(auth: str) -> str:
    """Why the kubelet would not take it; "" where it would. The gate learns nothing of it."""
    text = _decoded(auth, padded=auth.strip().endswith("=")) if auth else ":"
    if text is None:
        return f"its auth is not standard base64{_why_not(auth)}"
    return "" if ":" in text else _NO_COLON


def _decoded(auth: str, *, padded: bool) -> str | None:
    packed = auth.replace("\r", "").replace("\n", "")
    try:
        if (len(packed) % 4) if padded else ("=" in packed):
            raise ValueError("padding")
        filled = packed + "=" * (-len(packed) % 4)
        return base64.b64decode(filled, validate=True).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return None


def _why_not(auth: str) -> str:
    if ":" in auth:
        return ": it holds a colon, so it seems to be user:password itself"
    if auth != auth.strip():
        return ": there is white space around it"
    if "-" in auth or "_" in auth:
        return ": it uses the URL alphabet"
    return (
        ": padding is missing" if len(auth) % 4 and re.fullmatch(r"[A-Za-z0-9+/]+=?", auth) else ""
    )


def kept(text: str) -> Secret | None:
    """A field that may hold a secret; None for an empty one."""
    return Secret(text) if text else None
