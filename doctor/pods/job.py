"""Are the pods of a Job gone? A Job that fails takes away those that wait for an image: to the Job
controller they are active, and it deletes active pods (pkg/controller/job/job_controller.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from doctor.pods.event import Event
from doctor.pods.objects import each, text

_WORD = re.compile(r"[A-Za-z]{1,80}")


def failed(value: Any) -> str:
    """Why the Job has failed, in one word; "" for one that has not."""
    for one in each(value, "status", "conditions"):
        if text(one, "type") in ("Failed", "FailureTarget") and text(one, "status") == "True":
            found = _WORD.fullmatch(text(one, "reason"))
            return found[0] if found else "Failed"
    return ""


def failed_pull(value: Mapping[str, Any], one: Event) -> bool:
    """Is the event about a failed pull of one of the Job's pods? A pod is called as its Job, with
    its index if the Job has such, and five letters or digits."""
    index = r"-\d+" if text(value, "spec", "completionMode") == "Indexed" else ""
    name = rf"{re.escape(text(value, 'metadata', 'name'))}{index}-[a-z0-9]{{5}}"
    about = re.fullmatch(name, one.pod[1])
    return bool(about and one.image and not one.message.startswith("Error: "))
