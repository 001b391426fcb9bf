"""What do the cluster's words about a pull mean? The recogniser's answer, and where there are no
words, the kubelet's reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import lru_cache

from doctor.frozen import frozen
from doctor.model import Confidence

UNKNOWN = "k8s.cause-unknown"
_REASONS = {
    "InvalidImageName": "registry.invalid-reference",
    "ErrImageNeverPull": "k8s.never-pull",
    "ImageInspectError": "k8s.inspect-error",
}
"""Reasons that say what is wrong by themselves (kubernetes pkg/kubelet/images/types.go)."""
_NARROWED = {"ImageInspectError": {"client.not-running", "registry.invalid-reference"}}
"""Where the words may say more than the reason: the runtime does not answer, or takes the name for
none that it may pull."""
_NOT_ENSURED = "ErrImageNotEnsured"
"""The image is on the node, and nothing shows that the pod may use it
(pkg/kubelet/images/pullmanager)."""
_BARE = re.compile(r'Back-off pulling image "[^"]*"\.?:?\s*(?:ErrImagePull:?\s*)?', re.DOTALL)
_LOGIN = frozenset(
    {
        "auth.no-credentials",
        "auth.rejected",
        "auth.token-expired",
        "auth.forbidden",
        "auth.denied-or-missing",
    }
)
"""What a pull Secret may decide. A token service that is not reached is none of it."""


def bare(message: str) -> bool:
    """Does it say no more than that the kubelet waits?"""
    return not message.strip() or _BARE.fullmatch(message.strip()) is not None


def of_login(codes: Iterable[str]) -> bool:
    """Does one of them speak of a login, so that pull Secrets may decide?"""
    return not _LOGIN.isdisjoint(codes)


@frozen
class Meaning:
    """Codes, the likeliest first; none where nobody knows the words."""

    codes: tuple[str, ...] = ()
    confidence: Confidence = "certain"
    host: str = ""
    text: str = ""
    """The error without what stands around it."""
    params: Mapping[str, str] = field(default_factory=dict)
    cannot_tell: str = ""
    beneath: tuple[str, ...] = ()


@lru_cache(maxsize=2048)
def meaning(message: str, image: str, reason: str = "") -> Meaning:
    """What the message says of the pull of that image."""
    from doctor.said import error

    found = error(message, image) if message.strip() else None
    codes = tuple(c for c in found.codes if c != UNKNOWN) if found else ()
    if reason in _REASONS and not (reason in _NARROWED and _NARROWED[reason] & {*codes}):
        return Meaning((_REASONS[reason],))
    if (found is None or not codes) and reason == _NOT_ENSURED:
        return Meaning(("auth.no-credentials", "auth.denied-or-missing"), "possible")
    if found is None or not codes:
        return Meaning()
    return Meaning(
        codes=codes,
        confidence=found.confidence,
        host=found.host or "",
        text=found.text,
        params=dict(found.params),
        cannot_tell=_sentence(found.cannot_tell),
        beneath=found.beneath,
    )


def _sentence(said: object) -> str:
    return " ".join(map(str, said)) if isinstance(said, tuple | list) else str(said or "")
