"""`doctor k8s` on a recorded cluster without a wire: what the recorded API server would answer is
answered in the same process, so that many clusters can be looked at in little time."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from argparse import Namespace
from collections.abc import Mapping
from functools import cache
from typing import Any

from doctor.codes import Book, load
from doctor.command.k8s import Asked, Run
from doctor.net.kube import Answer, Api
from doctor.net.kubeconfig import Wish
from doctor.net.kubesettings import Settings
from doctor.report.document import document
from tests.kube.api import Recorded, answer


class Inside(Api):
    """The API server of a recording."""

    def __init__(self, recorded: Recorded, settings: Settings) -> None:
        super().__init__(settings, time.monotonic() + 60)
        self.recorded = recorded

    async def _ask(self, path: str, accept: str, query: Mapping[str, str]) -> Answer:
        self.recorded.requests.append(path)
        status, body = answer(self.recorded, path, dict(query), accept)
        message = str(body.get("message", "")) if status != 200 else ""
        return Answer(status, copy.deepcopy(body), message=message)


@cache
def book() -> Book:
    return load(())


def look(recorded: Recorded, *, namespace: str | None = None) -> dict[str, Any]:
    """The report's part on that cluster, all namespaces unless one is given."""
    settings = Settings("recorded", namespace or "default", "https://127.0.0.1:6443", "kubeconfig")
    asked = Asked(namespace is None, namespace, (), "")
    options: Any = Namespace(timeout=60.0)
    run = Run(options, Wish(), asked, False, book(), lambda said: None)
    report = asyncio.run(run.look(settings, Inside(recorded, settings)))
    found: dict[str, Any] = json.loads(json.dumps(document(report)))["kubernetes"]
    return found


def causes(part: Mapping[str, Any]) -> set[str]:
    return {code for pull in part["pulls"] for code in pull["root_causes"]}
