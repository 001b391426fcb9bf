"""In which order is one target looked at?

Nobody lists the order: each check says what it needs, and starts the moment that is there, so what
can run side by side does. The ladder (the checks of scope "hop") is walked once per distinct hop,
also across targets; a fact that leads to a further hop starts its ladder at once. A check whose
need is not met is *blocked*, never failed. Everything ends with the deadline: what did not start by
then is named. Only a bug raises, and it becomes `doctor.check-crashed`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from doctor.model import (
    Case,
    Check,
    CheckResult,
    Client,
    Diagnosis,
    Event,
    Fact,
    Facts,
    Hop,
    Target,
)
from doctor.outcome import OFFLINE, Outcome, Outcomes, crash, overdue, since
from doctor.verdict import diagnosis, judge, result

if TYPE_CHECKING:
    from doctor.engine import Engine
    from doctor.net import Net

Task = asyncio.Task[Outcome]
_WAY_FIRST = 0.3
"""Seconds that local configuration waits for the way to the registry."""
_MOST_ONWARD = 3
"""Hosts that one probe is sent on to, one after the other."""


class Walk:
    """One target's way through the checks."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        client: Client,
        net: Net,
        like: Outcomes | None = None,
    ) -> None:
        self.engine = engine
        self.target = target
        self.client = client
        self.net = net
        self.like = like
        self.facts = Facts()
        self.outcomes: dict[tuple[str, Hop | None], Outcome] = {}
        self.tasks: dict[tuple[str, Hop | None], Task] = {}
        self.hops: list[Hop] = []
        self.gates: dict[Hop, _Gate] = {}
        self.by_id = engine.by_id
        self.needed = engine.needed

    def diagnosis(self) -> Diagnosis:
        """What follows from the facts as they are now."""
        return diagnosis(
            self.target,
            self.facts,
            list(self.outcomes.values()),
            self.engine.checks,
            self.engine.choice,
            self.engine.words,
            self.hops,
        )

    def correct(self, fact: Fact) -> None:
        """Put the fact about the target in the place of what was known before."""
        self.facts.add(fact)
        for outcome in self.outcomes.values():
            if outcome.hop is None:
                outcome.facts = [fact if type(f) is type(fact) else f for f in outcome.facts]

    async def run(self) -> None:
        self._tell("planned", plan=tuple(dict.fromkeys(c.name for c in self.engine.checks)))
        if self.target.registry.host:
            self._ladder(self.target.registry)
        for check in self.engine.checks:
            if check.scope == "target" and check.id in self.needed:
                self._start(check, None)
        while pending := [t for t in self.tasks.values() if not t.done()]:
            left = self.net.deadline - time.monotonic()
            if left <= 0:
                break
            await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        late = [t for t in self.tasks.values() if not t.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=0.3)
        for task in self.tasks.values():
            if task.done() and not task.cancelled():
                task.exception()

    def _ladder(self, hop: Hop) -> None:
        """Start the hop's ladder, unless it runs already."""
        if hop in self.hops:
            return
        self.hops.append(hop)
        self._tell("hop", hop=hop)
        for check in self.engine.checks:
            if check.scope == "hop" and check.id in self.needed:
                self._start(check, hop)

    def _start(self, check: Check, hop: Hop | None) -> None:
        outcome = self.outcomes.setdefault((check.id, hop), Outcome(check, hop))
        shared = self.engine.ladders
        client, registry = self.target.client, self.target.registry
        # What was taken over has no connections that others could use.
        key = (check.id, client, registry, hop) if hop and self.like is None else None
        running = shared.get(key) if key else None
        if running is not None:
            work: Coroutine[Any, Any, Outcome] = self._join(running, outcome)
        else:
            work = self._do(check, hop, outcome)
        task = asyncio.create_task(work, name=f"{check.id} {hop.name if hop else ''}")
        self.tasks[check.id, hop] = task
        if key and running is None:
            shared[key] = task

    async def _join(self, running: Task, outcome: Outcome) -> Outcome:
        """Another target's walk looks at this hop already: its facts are ours."""
        await asyncio.wait([running])
        if running.cancelled() or running.exception():
            return outcome
        theirs = running.result()
        for fact in theirs.facts:
            self._take(fact, outcome.hop)
        self.outcomes[outcome.check.id, outcome.hop] = theirs
        return theirs

    async def _do(self, check: Check, hop: Hop | None, outcome: Outcome) -> Outcome:
        case = Case(self.target, self.facts, hop)
        try:
            await self._reads(check, case, outcome)
            if check.probe is None:
                outcome.ok = all(fact.ok for fact in outcome.facts)
                outcome.applies = bool(check.read) or not check.part
            elif not self.target.registry.host:
                outcome.blocked_by = OFFLINE if self.engine.choice.offline else "image"
            elif not check.concerns(self.target):
                outcome.applies = False
            elif self.engine.choice.offline:
                outcome.blocked_by = OFFLINE
            elif self.like is not None:
                self._take_over(self.like, check, outcome)
            else:
                await self._wait_for(check, hop, outcome)
                if outcome.applies and not outcome.blocked_by:
                    await self._probe(check, case, outcome)
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except BaseException as bug:  # a plug-in may raise SystemExit, or what it likes
            outcome.trouble = crash(check, hop, bug)
        outcome.done = True
        if self.engine.observer:
            self._tell("finished", check=check.name, hop=hop, result=self._result(outcome))
        return outcome

    async def _reads(self, check: Check, case: Case, outcome: Outcome) -> None:
        """Local configuration first. Of a hop, every read ends before the first probe starts."""
        try:
            if check.read:
                if case.hop is None:
                    await self._way_first()
                outcome.started = time.perf_counter()
                fact = await check.read(case, self.client, self.net)
                outcome.ms = since(outcome.started)
                if fact is not None:
                    outcome.facts.append(fact)
                    self._take(fact, case.hop)
        finally:
            if case.hop is not None:
                self._reads_of(case.hop).ended(check.id)
        if case.hop is not None:
            await self._reads_of(case.hop).event.wait()

    async def _way_first(self) -> None:
        """What is about the target is read once the way to the registry is clear or blocked, so
        that the network is not kept waiting; but soon, for another program may be asked."""
        rungs = [
            task
            for (name, hop), task in self.tasks.items()
            if hop == self.target.registry and name in self.engine.way
        ]
        if rungs:
            await asyncio.wait(rungs, timeout=self.net.patience(_WAY_FIRST))
            await asyncio.sleep(0)  # the first question to the registry leaves before

    def _reads_of(self, hop: Hop) -> _Gate:
        if hop not in self.gates:
            ids = {c.id for c in self.engine.checks if c.scope == "hop" and c.id in self.needed}
            self.gates[hop] = _Gate(ids)
        return self.gates[hop]

    async def _wait_for(self, check: Check, hop: Hop | None, outcome: Outcome) -> None:
        for name in check.after:
            for task in self._tasks_for(name, hop):
                await asyncio.wait([task])
        for need in check.needs:
            for task in self._tasks_for(need, hop):
                await asyncio.wait([task])
                got = None if task.cancelled() or task.exception() else task.result()
                if got is not None and not got.applies:
                    outcome.applies = False
                    return
                if got is None or not got.ok:
                    outcome.blocked_by = self._blame(need, got, hop)
                    return

    def _tasks_for(self, need: str, hop: Hop | None) -> list[Task]:
        name, _, role = need.partition("@")
        check = self.by_id.get(name)
        if check is None:
            return []
        if check.scope == "target":
            where: list[Hop | None] = [None]
        elif role:
            led = self._led_to(hop)
            where = [h for h in self.hops if h.role == role and h in led]
        else:
            where = [hop or self.target.registry]
        return [self.tasks[name, at] for at in where if (name, at) in self.tasks]

    def _led_to(self, hop: Hop | None) -> set[Hop]:
        """The hops that facts about this hop (None: about the target) lead to."""
        return {h for at, fact in self.facts if at == hop for h in fact.leads_to}

    def _blame(self, need: str, got: Outcome | None, hop: Hop | None) -> str:
        """The check that ended the way, with its hop where that is another one."""
        if got is None:
            return need.partition("@")[0].partition(".")[0]
        first = got.blocked_by or got.check.name
        elsewhere = got.hop is not None and got.hop != (hop or self.target.registry)
        return f"{first} {got.hop.name}" if elsewhere and got.hop and " " not in first else first

    async def _probe(self, check: Check, case: Case, outcome: Outcome) -> None:
        assert check.probe is not None  # noqa: S101 - for the type checker: the caller has looked
        self._tell("started", check=check.name, hop=case.hop)
        start = time.perf_counter()
        outcome.started = outcome.started or start
        budget = max(0.05, min(check.budget, self.net.deadline - time.monotonic()))
        try:
            async with asyncio.timeout(budget):
                fact = await check.probe(case, self.net)
                climbed: set[Hop] = set()
                while fact and (onward := fact.goes_on_at) and len(climbed) < _MOST_ONWARD:
                    if onward in climbed:
                        break
                    climbed.add(onward)
                    await self._climb(fact, case.hop, onward)
                    fact = await check.probe(case, self.net)
        except TimeoutError:
            outcome.trouble = overdue(check, case.hop, budget)
            return
        finally:
            outcome.ms += since(start)
        if fact is not None and fact.ms:
            outcome.ms = fact.ms
        if fact is None:
            outcome.applies = False
            return
        self._probed(fact, outcome)

    async def _climb(self, fact: Fact, at: Hop | None, onward: Hop) -> None:
        """Have the ladder of a host climbed that the fact leads to."""
        self._take(fact, at)
        rungs = [
            task
            for (name, hop), task in self.tasks.items()
            if hop == onward and name in self.engine.way
        ]
        if rungs:
            await asyncio.wait(rungs)

    def _probed(self, fact: Fact, outcome: Outcome) -> None:
        outcome.probed = fact
        outcome.facts.append(fact)
        self._take(fact, outcome.hop)
        outcome.ok = all(each.ok for each in outcome.facts)

    def _take_over(self, like: Outcomes, check: Check, outcome: Outcome) -> None:
        """How the same probe went for another client."""
        theirs = like.get((check.id, outcome.hop))
        if theirs is None:
            outcome.blocked_by = check.name
            return
        outcome.started = outcome.started or theirs.started
        outcome.ms = theirs.ms
        outcome.blocked_by, outcome.applies = theirs.blocked_by, theirs.applies
        outcome.trouble = theirs.trouble
        if theirs.probed is not None:
            self._probed(theirs.probed, outcome)

    def _take(self, fact: Fact, hop: Hop | None) -> None:
        self.facts.add(fact, hop)
        for found in fact.leads_to:
            self._ladder(found)

    def _result(self, outcome: Outcome) -> CheckResult:
        """How it looks so far: for the observer; the report judges again when all facts are
        there."""
        return result(outcome, judge(outcome, self.target, self.facts.sound, self.engine.words))

    def _tell(
        self,
        kind: Any,
        check: str = "",
        hop: Hop | None = None,
        result: CheckResult | None = None,
        plan: tuple[str, ...] = (),
    ) -> None:
        if self.engine.observer:
            self.engine.observer(Event(kind, self.target, check, hop, result, plan))


class _Gate:
    """Opens when every read of a hop has ended."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.remaining = set(ids)
        self.event = asyncio.Event()

    def ended(self, check_id: str) -> None:
        self.remaining.discard(check_id)
        if not self.remaining:
            self.event.set()
