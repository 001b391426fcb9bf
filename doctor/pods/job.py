"""Are the pods of a Job gone? A Job that fails takes away those that wait for an image: to the Job
controller they are active, and it deletes active pods (pkg/controller/job/job_controller.go)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from doctor.pods.event import Event
from doctor.pods.objects import each, text
from doctor.pods.words import meaning

_WORD = re.compile(r"[A-Za-z]{1,80}")


def failed(value: Any) -> str:
    """Why the Job has failed, in one word; "" for one that has not."""
    for one in each(value, "status", "conditions"):
        if text(one, "type") in ("Failed", "FailureTarget") and text(one, "status") == "True":
            found = _WORD.fullmatch(text(one, "reason"))
            return found[0] if found else "Failed"
    return ""


def last_pull(value: Mapping[str, Any], events: Iterable[Event]) -> tuple[str, ...]:
    """What the newest event about a failed pull of the Job's pods means, as codes. A pod is called
    as its Job, with its index if the Job has such, and five letters or digits."""
    index = r"-\d+" if text(value, "spec", "completionMode") == "Indexed" else ""
    name = re.compile(rf"{re.escape(text(value, 'metadata', 'name'))}{index}-[a-z0-9]{{5}}")
    mine = [
        one
        for one in events
        if one.image and not one.message.startswith("Error: ") and name.fullmatch(one.pod[1])
    ]
    return meaning(mine[-1].message, mine[-1].image).codes if mine else ()
