"""In which order are targets looked at, and what is asked only once for all of them? Target ->
Diagnosis.

What a run's targets share (the checks, their words, what the user chose, ladders that were climbed)
is the engine's; one target's way through the checks is a `doctor.engine.walk.Walk`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from doctor.engine.walk import Task, Walk
from doctor.model import (
    Check,
    Client,
    Diagnosis,
    Facts,
    Hop,
    Observer,
    Target,
)
from doctor.outcome import Choice, Outcome, Outcomes, needed, overdue, since
from doctor.verdict import Words, diagnosis

if TYPE_CHECKING:
    from doctor.net import Net

T = TypeVar("T")


class Engine:
    """Runs checks on targets. One engine a run; `diagnose` once a target."""

    def __init__(
        self,
        checks: Sequence[Check],
        words: Words,
        *,
        choice: Choice = Choice(),  # noqa: B008 - frozen
        observer: Observer | None = None,
    ) -> None:
        self.checks = tuple(checks)
        self.words = words
        self.choice = choice
        self.observer = observer
        self.by_id = {check.id: check for check in self.checks}
        self.needed = needed(self.checks, choice)
        """The ids to run: what was asked for, and what that needs."""
        self.way = frozenset(need for c in self.checks if c.scope == "target" for need in c.needs)
        """Checks of the registry's ladder that questions about the target wait for."""
        self.ladders: dict[tuple[str, str, Hop, Hop], Task] = {}
        """By check, client, registry and hop: hops are looked at once for all targets that look
        with the same eyes. Some clients trust by the registry that a pull is from."""

    async def diagnose(self, target: Target, client: Client, net: Net) -> Diagnosis:
        """Look at everything, judge it, name the causes. Ends with `net.deadline`, whatever the
        other side does."""
        return (await self.walk(target, client, net)).diagnosis()

    async def walk(
        self, target: Target, client: Client, net: Net, like: Outcomes | None = None
    ) -> Walk:
        """Look at everything; what follows from it is the walk's `diagnosis`. `like`: how the
        checks went for another client, as this one would have seen it. That is taken over, and
        nothing is asked again."""
        walk = Walk(self, target, client, net, like)
        await walk.run()
        for outcome in walk.outcomes.values():
            if not outcome.done and outcome.started is not None and not outcome.trouble:
                outcome.trouble = overdue(outcome.check, outcome.hop, since(outcome.started) / 1000)
        return walk

    def unbegun(self, target: Target) -> Diagnosis:
        """That the turn of this target did not come in time: what would have been looked at."""
        hops = (target.registry,) if target.registry.host else ()
        outcomes = [
            Outcome(check, hop)
            for check in self.checks
            if check.id in self.needed
            for hop in (hops if check.scope == "hop" else (None,))
        ]
        return diagnosis(target, Facts(), outcomes, self.checks, self.choice, self.words, hops)


async def all_of(work: Sequence[Callable[[], Coroutine[Any, Any, T]]], at_once: int) -> list[T]:
    """Several targets, at most `at_once` under way; the order of the answers is that of the
    targets."""
    free = asyncio.Semaphore(at_once)

    async def one(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with free:
            return await start()

    tasks = [asyncio.create_task(one(start)) for start in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
