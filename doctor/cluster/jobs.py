"""Which pods are those of a CronJob, and what is left of the pods of a Job that failed?

A failed Job's pods that waited for an image are deleted (`doctor.pods.job`); for an hour events say
of them why, under one interface or the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doctor.cluster import LeftOut
from doctor.net.kube import Answer
from doctor.pods import event, job
from doctor.pods.objects import owner, text
from doctor.pods.scope import Named, space
from doctor.pods.words import meaning
from doctor.redact import plain

if TYPE_CHECKING:
    from doctor.cluster.survey import Survey

_APIS = (("/api/v1", "involvedObject"), ("/apis/events.k8s.io/v1", "regarding"))


async def of_cron_job(survey: Survey, named: Named, namespace: str) -> list[Mapping[str, Any]]:
    """The Jobs that it made, the newest last."""
    found: list[Mapping[str, Any]] = []
    async for page in survey.api.pages(space(namespace, "jobs", "/apis/batch/v1")):
        if not page.ok:
            survey.missed("jobs.batch", page, namespace, "list")
            break
        found += [one for one in page.items if owner(one)[:2] == named.key]
    return sorted(found, key=lambda one: text(one, "metadata", "creationTimestamp"))


async def read_gone(survey: Survey, namespace: str, value: Mapping[str, Any]) -> None:
    """Say of a Job that failed that its pods are deleted, and what events still say of their
    pulls; nothing of one that did not fail."""
    why = job.failed(value)
    if not why:
        return
    survey.keep("Job", value)
    found: list[event.Event] = []

    async def ask(api: str, about: str) -> Answer | None:
        path = space(namespace, "events", api)
        async for page in survey.api.pages(path, fieldSelector=f"{about}.kind=Pod,reason=Failed"):
            if not page.ok:
                return page
            read = (event.read(one) for one in page.items if isinstance(one, Mapping))
            mine = [one for one in read if one and job.failed_pull(value, one)]
            found[:] = event.merged([*found, *mine])[-1:]
        return None

    asked = await asyncio.gather(*(ask(*api) for api in _APIS))
    if asked[0] is not None and None not in asked:
        survey.missed("events", asked[0], namespace, "list")
    said = f"Job {text(value, 'metadata', 'name')} has failed ({why}), and its pods are deleted"
    for last in found:
        codes = meaning(last.message, last.image).codes or ("no cause that is known",)
        said += f"; their last failed pull: {' or '.join(codes)}"
    survey.left.setdefault(LeftOut("pods", plain(said, 600), namespace))
