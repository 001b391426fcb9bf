"""How do the rooms come together for a diagnosis? Targets and options -> the clients, the network
and the engine -> a report."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from doctor.clients.eyes import ALL, DEFAULT, PLAIN, Found, client, found
from doctor.command.options import Options
from doctor.credential import Credential
from doctor.model import Observer, Report, Target, Verdict
from doctor.redact import Secret

if TYPE_CHECKING:
    from doctor.codes import Book
    from doctor.model import Check, Client, Diagnosis
    from doctor.net import LookUp, Net

T = TypeVar("T")
AT_ONCE = 8
"""Targets under way at the same time."""
_GRAVITY: tuple[Verdict, ...] = ("fail", "incomplete", "warn", "pass")
_TOLD = 0.001
"""Seconds in which what was seen of a further target is judged and told: also of the budget, up to
a quarter. Looking at one takes at least thrice as long."""
_FAREWELL = 0.2
"""Seconds in which cancelled work must have ended."""


def begin(targets: Sequence[Target], options: Options) -> None:
    """Have the first host looked up and connected to while the checks are loaded, where it is
    certain that it will be spoken to directly."""
    from doctor.net import headstart

    host = targets[0].registry.host
    chosen = options.only or options.skip or options.proxy is not None or options.offline
    own = options.client in {*PLAIN, ALL}  # others have proxies of their own
    if host and own and not chosen and headstart.is_direct(os.environ):
        headstart.begin(host, targets[0].registry.port)


def run(
    targets: Sequence[Target],
    options: Options,
    checks: Sequence[Check],
    book: Book,
    secret: Secret | None = None,
    observer: Observer | None = None,
) -> Report:
    """The report on these targets, in an event loop of its own."""
    return complete(lambda: report(targets, options, checks, book, secret, observer))


def complete(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work in an event loop of its own, and leave nothing of it behind. It is begun there,
    so that an interruption before that leaves nothing unawaited."""
    import asyncio

    runner = asyncio.Runner()
    try:
        with redirect_stdout(sys.stderr):  # a plug-in may print; this is not its output
            made: list[T] = []

            # asyncio spells out what its main task returns as that ends: a report is long.
            async def main() -> None:
                made.append(await work())

            runner.run(main())
            return made[0]
    finally:
        if runner.run(_wound_up()):
            runner.close()


async def report(
    targets: Sequence[Target],
    options: Options,
    checks: Sequence[Check],
    book: Book,
    secret: Secret | None = None,
    observer: Observer | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    look_up: LookUp | None = None,
) -> Report:
    """The report on these targets. What happens on the way is told to `observer`. `environ` and
    `look_up` stand in for this process's environment and for the system's names."""
    started, clock = datetime.now().astimezone(), time.perf_counter()
    from doctor.clients.machine import shells

    own = shells(os.environ, options.root) if environ is None else dict(environ)
    around = (own, look_up)
    diagnoses = await _diagnose(targets, options, checks, book, secret, observer, *around)
    return Report(
        diagnoses=tuple(diagnoses),
        started=started,
        ms=(time.perf_counter() - clock) * 1000,
        verdict=gravest([d.verdict for d in diagnoses if counts(d, options)]),
        clients=tuple(map(row, diagnoses)) if options.client == ALL else None,
    )


def gravest(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several the gravest counts: fail, incomplete, warn, pass."""
    return min(verdicts, key=_GRAVITY.index, default="pass")


def counts(diagnosis: Diagnosis, options: Options) -> bool:
    """Does it bear on the exit code? Of all clients the default one's."""
    return options.client != ALL or diagnosis.target.client == DEFAULT


def row(diagnosis: Diagnosis) -> dict[str, object]:
    """One client's line of the comparison."""
    from doctor.verdict import first_failing, layers

    return {
        "target": diagnosis.target.text,
        "client": diagnosis.target.client,
        "verdict": diagnosis.verdict,
        "first_failing": first_failing(diagnosis),
        "root_causes": list(diagnosis.root_causes),
        "layers": [{"name": name, "status": status} for name, status in layers(diagnosis).items()],
    }


async def _wound_up() -> bool:
    """End every task that is left. False where one does not end: nobody waits for it, and the loop
    stays open."""
    import asyncio

    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    pending = (await asyncio.wait(left, timeout=_FAREWELL))[1] if left else ()
    return not pending


async def _diagnose(
    targets: Sequence[Target],
    options: Options,
    checks: Sequence[Check],
    book: Book,
    secret: Secret | None,
    observer: Observer | None,
    environ: Mapping[str, str],
    look_up: LookUp | None,
) -> list[Diagnosis]:
    from doctor.engine import Engine, all_of, fallback
    from doctor.net import Net
    from doctor.outcome import Choice

    seconds = options.timeout or 20.0 + len(targets) - 1
    seconds -= min(seconds / 4, _TOLD * (len(targets) - 1))
    net = Net(
        environ=environ,
        root=options.root,
        deadline=time.monotonic() + seconds,
        fetch_issuers=options.fetch_issuers,
        offline=options.offline,
        look_up=look_up,
    )
    clients = await _clients(options, environ, net)
    choice = Choice(options.only, options.skip, options.offline)
    engine = Engine(
        checks,
        book,
        choice=choice,
        observer=observer,
    )

    async def one(target: Target) -> list[Diagnosis]:
        if net.deadline <= time.monotonic():
            return [engine.unbegun(fallback.seen_by(target, client)) for _, client in clients]

        def given() -> Credential | None:
            return _given(options.username, secret)

        if options.client == ALL:
            from doctor import comparison

            return await comparison.diagnose(engine, target, clients, net, given)
        mine = fallback.seen_by(target, clients[0][1])
        return [await fallback.diagnose(engine, mine, clients[0][1], net, given())]

    def job(target: Target) -> Callable[[], Coroutine[object, object, list[Diagnosis]]]:
        return lambda: one(target)

    try:
        return [d for found in await all_of([job(t) for t in targets], AT_ONCE) for d in found]
    finally:
        await net.close()


async def _clients(
    options: Options, environ: Mapping[str, str], net: Net
) -> list[tuple[Found, Client]]:
    """Whose eyes: one client's, or those of all that are found here. Their daemons are asked side
    by side."""
    import asyncio

    from doctor.clients.machine import Machine

    here = Machine.here(environ, options.root)
    names = found(here) if options.client == ALL else (Found(options.client),)
    made = await asyncio.gather(*(_client(each.name, options, environ, net) for each in names))
    return list(zip(names, made, strict=True))


async def _client(name: str, options: Options, environ: Mapping[str, str], net: Net) -> Client:
    """The client of that name. A daemon on this machine is asked what it is, since its rules go by
    that."""
    made: Any = client(name, environ, root=options.root, ca=options.ca, proxy=options.proxy)
    socket = getattr(made, "socket", "")
    if not socket:
        whose: Client = made
        return whose
    whose = made.asked(await (net.daemon(socket) if name == "docker" else net.runtime(socket)))
    return whose


def _given(user: str | None, secret: Secret | None) -> Credential | None:
    return Credential(user or "", secret, origin="--username") if secret else None
