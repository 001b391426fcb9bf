"""How do the rooms come together for `doctor check`? Options -> targets, a client, the network, the
engine -> a report and an exit code."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doctor.cli import DEFAULT_TARGET
from doctor.clients.eyes import ALL, DEFAULT, PLAIN, Found, client, found
from doctor.credential import Credential
from doctor.frozen import frozen
from doctor.model import Event, Hop, Report, Target, Verdict
from doctor.options import Options, read
from doctor.pasted import whole
from doctor.plugins import installed
from doctor.redact import Secret, learn_variables, plain, scrub
from doctor.reference import read_target
from doctor.streams import UndeliveredError, talk
from doctor.usage import UsageError

if TYPE_CHECKING:
    from doctor.codes import Book
    from doctor.model import Check, Client, Diagnosis
    from doctor.net import Net

AT_ONCE = 8
"""Targets under way at the same time."""
_GRAVITY: tuple[Verdict, ...] = ("fail", "incomplete", "warn", "pass")
_MOST_PASSWORD = 65536
_FAREWELL = 0.2
"""Seconds in which cancelled work must have ended."""


@frozen
class Named:
    """A target as it was given, and the file and line that named it."""

    text: str
    source: tuple[str, int] | None = None


def check(args: Namespace) -> int:
    """`doctor check`: diagnose, print, and return the contract's exit code."""
    learn_variables(os.environ)
    options = read(args, lambda: tuple(dict.fromkeys(c.name for c in installed().checks)))
    named, secret = _input(options)
    targets = _targets(named, options)
    if secret is not None and len({t.registry for t in targets}) > 1:
        raise UsageError("--username goes to one registry; these targets are of several")
    _begin(targets, options)
    plain_program = options.client in PLAIN and not options.only and not options.skip
    found = installed(for_shell=True) if plain_program else installed()
    from doctor.codes import load
    from doctor.output import write

    book = load(found.words)
    report = _run(targets, options, found.checks, book, secret)
    from doctor.report.document import document

    for problem in (*found.problems, *map(str, book.problems)):
        talk(f"doctor: {plain(scrub(problem))}")
    code = exit_code(report.verdict, options.strict)
    try:
        if options.outputs:
            write(document(report), options, options.outputs)
    except UndeliveredError as error:
        error.exit = code or error.exit
        raise
    return code


def _begin(targets: Sequence[Target], options: Options) -> None:
    """Have the first host looked up and connected to while the checks are loaded, where it is
    certain that it will be spoken to directly."""
    from doctor.net import headstart

    host = targets[0].registry.host
    chosen = options.only or options.skip or options.proxy is not None or options.offline
    own = options.client in {*PLAIN, ALL}  # others have proxies of their own
    if host and own and not chosen and headstart.is_direct(os.environ):
        headstart.begin(host, targets[0].registry.port)


def exit_code(verdict: Verdict, strict: bool) -> int:
    """The contract's: pass 0, warn 0 (1 with --strict), fail 1, incomplete 3."""
    return {"pass": 0, "warn": int(strict), "fail": 1, "incomplete": 3}[verdict]


def gravest(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several the gravest counts: fail, incomplete, warn, pass."""
    return min(verdicts, key=_GRAVITY.index, default="pass")


def _input(options: Options) -> tuple[list[Named], Secret | None]:
    """The targets of the command line and of files, once each, and the password from standard
    input."""
    named = [Named(text) for text in whole(options.targets)]
    for file in options.files:
        named += _named_in(file)
    if not named and not options.files:
        named = [Named(DEFAULT_TARGET)]
    if not named:
        raise UsageError(f"{', '.join(options.files)}: no image is named there")
    secret = None
    if options.password_stdin:
        given = sys.stdin.buffer.read(_MOST_PASSWORD + 1)
        if len(given) > _MOST_PASSWORD:
            raise UsageError("--password-stdin: more than 64 KiB is no password")
        secret = Secret(given.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r"))
        if not secret:
            raise UsageError("--password-stdin: standard input was empty")
    seen: dict[str, Named] = {}
    for each in named:
        seen.setdefault(each.text, each)
    return list(seen.values()), secret


def _named_in(file: str) -> list[Named]:
    from doctor.images import images_in

    limit = 8 << 20
    try:
        if file == "-":
            data, name = sys.stdin.buffer.read(limit + 1), "-"
        else:
            with open(file, "rb") as handle:
                data, name = handle.read(limit + 1), file
    except (OSError, ValueError) as error:
        raise UsageError(f"-f {file!r} cannot be read: {error}") from None
    if len(data) > limit:
        raise UsageError(f"-f {file!r} is larger than 8 MiB")
    found = images_in(name, data.decode("utf-8-sig", "replace"), os.environ)
    for each in found:
        if each.problem:
            talk(f"doctor: {plain(scrub(f'{each.file}:{each.line}: {each.problem}'))}")
    return [Named(each.text, (each.file, each.line)) for each in found]


def _targets(named: Sequence[Named], options: Options) -> list[Target]:
    from doctor.clients.system import system

    kind = system(options.root)
    now = datetime.now().astimezone()
    targets = []
    for each in named:
        target = read_target(each.text)
        targets.append(
            Target(
                text=target.text,
                reference=target.reference,
                registry=target.registry or Hop("registry", "", 443),
                client=DEFAULT if options.client == ALL else options.client,
                platform=options.platform,
                system=kind,
                warn_days=options.warn_days,
                allow_realms=options.allow_realm,
                now=now,
                source=each.source,
                assumed=target.assumed,
            )
        )
    return targets


def _run(
    targets: Sequence[Target],
    options: Options,
    checks: Sequence[Check],
    book: Book,
    secret: Secret | None,
) -> Report:
    import asyncio

    started, clock = datetime.now().astimezone(), time.perf_counter()
    progress = Progress(enabled=sys.stderr.isatty() and not options.quiet)
    runner = asyncio.Runner()
    try:
        work = _diagnose(targets, options, checks, book, secret, progress)
        with redirect_stdout(sys.stderr):  # a plug-in may print; this is not its output
            diagnoses = runner.run(work)
    finally:
        progress.clear()
        if runner.run(_wound_up()):
            runner.close()
    return Report(
        diagnoses=tuple(diagnoses),
        started=started,
        ms=(time.perf_counter() - clock) * 1000,
        verdict=gravest([d.verdict for d in diagnoses if counts(d, options)]),
        clients=tuple(map(row, diagnoses)) if options.client == ALL else None,
    )


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
    progress: Progress,
) -> list[Diagnosis]:
    from doctor import fallback
    from doctor.engine import Engine, all_of
    from doctor.net import Net
    from doctor.outcome import Choice

    environ = dict(os.environ)
    seconds = options.timeout or 20.0 + len(targets) - 1
    net = Net(
        environ=environ,
        root=options.root,
        deadline=time.monotonic() + seconds,
        fetch_issuers=options.fetch_issuers,
        offline=options.offline,
    )
    clients = await _clients(options, environ, net)
    choice = Choice(options.only, options.skip, options.offline)
    engine = Engine(
        checks,
        book,
        choice=choice,
        observer=progress if progress.enabled else None,
    )

    async def one(target: Target) -> list[Diagnosis]:
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


class Progress:
    """One line on standard error that says what is being looked at; gone when the report comes."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.running: dict[tuple[str, str], None] = {}

    def __call__(self, event: Event) -> None:
        if not self.enabled:
            return
        at = (event.target.registry.name, event.check)
        if event.kind == "started":
            self.running[at] = None
        elif event.kind == "finished":
            self.running.pop(at, None)
        names = list(dict.fromkeys(check for _, check in self.running))
        if names:
            host = plain(scrub(event.hop.name if event.hop else event.target.registry.name), 40)
            talk(f"\r\x1b[Klooking at {host}: {', '.join(names)} …", end="")

    def clear(self) -> None:
        """Take the line away again."""
        if self.enabled:
            talk("\r\x1b[K", end="")
