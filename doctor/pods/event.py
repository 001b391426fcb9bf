"""What do the events say of a pod's pulls? Event objects of both APIs -> `Event`, each once.

core/v1 and events.k8s.io/v1 show the same stored objects under different names. They are kept for
an hour by default, so that there is none proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from doctor.frozen import frozen
from doctor.pods.objects import moment, text

UNRETRIEVED = "FailedToRetrieveImagePullSecret"
"""The reason of an event about pull Secrets that the kubelet did not get."""
_FIELD = re.compile(r"spec\.(?:init|ephemeral)?[cC]ontainers\{(?P<name>[^{}]{1,253})\}")
_IMAGE = re.compile(r'image "(?P<image>[^"\s]{1,1024})"')
_SANDBOX = re.compile(
    r'(?:sandbox image|pull(?:ing)? image) "(?P<image>[^"\s]{1,1024})"'
    r"|initializing source docker://(?P<source>[^\s\"]{1,1024}): "
)
"""containerd's words, the docker shim's, and CRI-O's."""
_SECRETS = re.compile(r"image pull secrets \((?P<names>[^()]{1,4000})\)")


@frozen
class Event:
    """One event about a pod."""

    uid: str
    pod: tuple[str, str]
    pod_uid: str
    container: str
    reason: str
    message: str
    first: datetime | None
    last: datetime | None

    @property
    def image(self) -> str:
        """The image that it names."""
        found = _IMAGE.search(self.message)
        return found["image"] if found else ""

    @property
    def sandbox(self) -> str:
        """The sandbox image that could not be pulled; "" where it was something else."""
        found = _SANDBOX.search(self.message) if self.reason == "FailedCreatePodSandBox" else None
        return (found["image"] or found["source"]) if found else ""

    @property
    def unretrieved(self) -> tuple[str, ...]:
        """The pull Secrets that the kubelet did not get."""
        found = _SECRETS.search(self.message) if self.reason == UNRETRIEVED else None
        return tuple(n.strip() for n in found["names"].split(",") if n.strip()) if found else ()


def read(value: Mapping[str, Any]) -> Event | None:
    """The event; None where it is about no pod."""
    about = "regarding" if "regarding" in value else "involvedObject"
    if text(value, about, "kind") != "Pod":
        return None
    field = _FIELD.fullmatch(text(value, about, "fieldPath"))
    times = [
        found
        for path in (
            ("series", "lastObservedTime"),
            ("lastTimestamp",),
            ("deprecatedLastTimestamp",),
            ("eventTime",),
            ("firstTimestamp",),
            ("deprecatedFirstTimestamp",),
            ("metadata", "creationTimestamp"),
        )
        if (found := moment(value, *path))
    ]
    return Event(
        uid=text(value, "metadata", "uid") or text(value, "metadata", "name"),
        pod=(text(value, about, "namespace"), text(value, about, "name")),
        pod_uid=text(value, about, "uid"),
        container=field["name"] if field else "",
        reason=text(value, "reason"),
        message=text(value, "message") or text(value, "note"),
        first=min(times, default=None),
        last=max(times, default=None),
    )


def merged(events: Iterable[Event]) -> list[Event]:
    """Each once, the newest last."""
    kept: dict[str, Event] = {}
    for each in events:
        kept.setdefault(each.uid, each)
    return sorted(kept.values(), key=lambda e: e.last.timestamp() if e.last else 0.0)
