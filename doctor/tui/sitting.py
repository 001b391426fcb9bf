"""What is being looked at? Targets and options, the run that is under way, and the last document.

The ordinary engine runs in the screen's own loop. Its events only note what is known; painting is
done from a clock, so that it costs the same however many events there are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from doctor.clients.eyes import ALL
from doctor.command.options import Options
from doctor.model import Check, Diagnosis, Event, Observer, Report, Target
from doctor.redact import Secret
from doctor.tui.stations import Progress

if TYPE_CHECKING:
    from doctor.codes import Book
    from doctor.plugins import Installed
    from doctor.pods.kept import Kept

Document = Mapping[str, Any]
Look = Callable[[Observer], Awaitable[Report]]
"""Another way to come to a report than the ordinary engine: a cluster's, or a demo's around it."""
Farewell = Callable[[], Awaitable[None]]
"""Takes down what was put up for the sitting."""


class Sitting:
    """One set of targets, looked at once or again and again; or a document that was opened."""

    def __init__(
        self,
        options: Options | None,
        targets: Sequence[Target] = (),
        secret: Secret | None = None,
        document: Document | None = None,
        diagnoses: Sequence[Diagnosis | None] = (),
        look: Look | None = None,
        of_cluster: bool = False,
        farewell: Farewell | None = None,
        note: str = "",
        first: str = "",
    ) -> None:
        self.options = options
        self.targets = tuple(targets)
        self.secret = secret
        self.document = document
        self.diagnoses = tuple(diagnoses)
        """What the document's targets were made of, each at its place; None where only the report
        of it is there."""
        self.before: Document | None = None
        """What the run before said."""
        self.report: Report | None = None
        """What the document was made of; None for one that was opened."""
        self.kept: Kept | None = None
        """The objects of the cluster that was looked at, for a bundle."""
        self.note = note
        """What a reader has to know of it besides."""
        self.first = first
        """The tab that is wanted as soon as there is something on it."""
        self.saying = ""
        """What a run that has no stations is doing."""
        self._look = look
        self._of_cluster = of_cluster
        self._farewell = farewell
        self.progress: list[Progress] = []
        self.dirty: set[int] = set()
        """Places of targets that changed since they were painted."""
        self.events = 0
        self.began = 0.0
        self.seconds = 0.0
        self._task: asyncio.Task[None] | None = None
        self._place: dict[tuple[str, str], int] = {}
        self._again: frozenset[int] = frozenset()
        """The places of the targets that are looked at again, where the others are not."""

    @property
    def live(self) -> bool:
        """Can it be run again?"""
        return self.options is not None and bool(self.targets or self._look)

    @property
    def elsewhere(self) -> bool:
        """Can the same targets be looked at otherwise, through another client's eyes?"""
        return self.live and self._look is None

    @property
    def origin(self) -> str:
        """Where a document that was opened is from, and how old it is; "" for a live run."""
        found = (self.document or {}).get("origin")
        if not found:
            return ""
        from doctor.tui.origin import brief

        return brief(found)

    @property
    def of_cluster(self) -> bool:
        """Is it a cluster that is looked at?"""
        return self._of_cluster or bool(self.document and self.document["kubernetes"] is not None)

    @property
    def count(self) -> int:
        """How many targets there are; each is one, however many clients look at it."""
        return len(self.targets) or len(_grouped(self.document))

    def entries(self, place: int) -> list[Mapping[str, Any]]:
        """The document's entries about that target: one, or each client's. None while it is looked
        at anew."""
        return [] if place in self._again else _entries(self.document, place, bool(self.targets))

    def entries_before(self, place: int) -> list[Mapping[str, Any]]:
        """The same of the run before."""
        return _entries(self.before, place, bool(self.targets))

    def seen(self, entry: Mapping[str, Any], check: str, hop: str) -> Mapping[str, Any] | None:
        """What was seen at one station of the target that the entry is about, found to be wrong or
        not; None where only the report of it is there."""
        targets = self.document["targets"] if self.document else ()
        for each, diagnosis in zip(targets, self.diagnoses, strict=False):
            if each is entry and diagnosis is not None:
                from doctor.tui.sights import sight

                return sight(diagnosis, check, hop)
        return None

    @property
    def unwell(self) -> tuple[int, ...]:
        """The places of the targets that cannot be pulled as they should."""
        found = {n: [e["verdict"] for e in self.entries(n)] for n in range(self.count)}
        return tuple(n for n, said in found.items() if set(said) - {"pass"})

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks that a run asks, which are the plan."""
        return self._installed().checks

    def _installed(self) -> Installed:
        from doctor.plugins import installed

        assert self.options is not None  # noqa: S101 - only what is live has a plan
        return installed(for_shell=True) if self.options.plain_program else installed()

    def plan(self, places: Iterable[int] | None = None) -> None:
        """Everything waits (or the targets in these places do); nothing is contacted."""
        checks, everywhere = self.checks, range(len(self.targets))
        waiting = {n: Progress(self.targets[n], checks) for n in places or everywhere}
        self.progress = [waiting.get(n) or self.progress[n] for n in everywhere]
        self._place = {(t.text, t.client): n for n, t in enumerate(self.targets)}
        self.dirty = set(everywhere)

    def start(self, *, keeping: bool = False, places: Sequence[int] = ()) -> None:
        """Begin to look. `keeping`: what was said stands until there is something newer. `places`:
        only at these targets; what was said of the others stands."""
        self.before = self.document or self.before
        some = frozenset(places) if self.report and len(set(places)) < self.count else frozenset()
        if some:
            self._again = some
            self.plan(some)
        else:
            self.plan()
            self.document = self.document if keeping else None
        self.began = time.monotonic()
        self._task = asyncio.create_task(self._run(sorted(some)), name="diagnosis")

    def take(self, event: Event) -> None:
        """The engine's observer. What another client sees of the same target is in the document."""
        self.events += 1
        place = self._place.get((event.target.text, event.target.client))
        if place is not None and event.kind != "planned":
            self.progress[place].take(event)
            self.dirty.add(place)

    async def _run(self, places: Sequence[int]) -> None:
        from doctor.report.document import document

        try:
            report = await (self._look or partial(self._diagnose, places))(self.take)
        finally:
            self._again = frozenset()
        if places and self.report is not None and self.options is not None:
            from doctor.tui.again import joined

            report = joined(self.report, report, places, self.options)
        self.report = report
        self.seconds = time.monotonic() - self.began
        self.document, self.diagnoses = document(report), report.diagnoses

    async def _diagnose(self, places: Sequence[int], observer: Observer) -> Report:
        from doctor import run

        assert self.options is not None  # noqa: S101 - only what is live runs
        now = datetime.now().astimezone()
        chosen = [self.targets[n] for n in places] or self.targets
        targets = [replace(target, now=now) for target in chosen]
        return await run.report(
            targets, self.options, self.checks, self.book, self.secret, observer
        )

    @property
    def book(self) -> Book:
        """The words of every code that these checks find."""
        from doctor.codes import load

        return load(self._installed().words)

    def failure(self) -> BaseException | None:
        """The bug that ended the run, if one did."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    async def stop(self, patience: float = 0.3) -> None:
        """End what is under way, helpers and connections with it, and what the run stood on."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=patience)
        if self._farewell is not None:
            farewell, self._farewell = self._farewell, None
            await farewell()

    def seen_as(self, client: str) -> Sitting:
        """The same targets through another client's eyes (or all)."""
        assert self.options is not None  # noqa: S101 - only what is live looks again
        whose = "shell" if client == ALL else client
        return Sitting(
            replace(self.options, client=client),
            [replace(target, client=whose) for target in self.targets],
            self.secret,
            first="clients" if client == ALL else "",
        )


def _entries(document: Document | None, place: int, live: bool) -> list[Mapping[str, Any]]:
    if document is None:
        return []
    if document["clients"] is None and live:
        return list(document["targets"][place : place + 1])
    groups = _grouped(document)
    return groups[place] if place < len(groups) else []


def _grouped(document: Document | None) -> list[list[Mapping[str, Any]]]:
    """Entries of the same target together, where clients were compared."""
    found = document["targets"] if document else []
    if document is None or document["clients"] is None:
        return [[each] for each in found]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for each in found:
        groups.setdefault(each["target"], []).append(each)
    return list(groups.values())


def clients_here(root: str) -> tuple[str, ...]:
    """The clients of this machine, the default one first."""
    import os

    from doctor.clients.eyes import found
    from doctor.clients.machine import Machine, shells

    return tuple(each.name for each in found(Machine.here(shells(os.environ, root), root)))
