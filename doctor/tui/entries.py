"""What do the commands that lead to other rooms do? Each is a few lines, the room does the work.

They are named here only, and loaded when they are chosen.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC
from pathlib import PurePath
from typing import TYPE_CHECKING

from doctor.clients.eyes import ALL
from doctor.model import Observer, Report
from doctor.redact import learn_variables, plain, scrub
from doctor.tui.dialogs import Choose, Where, confirm_path
from doctor.tui.sitting import Document, Sitting

if TYPE_CHECKING:
    from doctor.demo.scene import Scene
    from doctor.tui.app import DoctorApp

_OF_A_DEMO = (
    "Its registry is on this machine's loopback and ends when you leave. What there is to do is "
    "told as for a real one; here nothing is to be changed."
)
_HOME = "Only the context's own namespace was looked at; a: all namespaces."
_EVERYWHERE = "All namespaces were looked at."


def look_at(app: DoctorApp, targets: tuple[str, ...], client: str = "") -> None:
    """Targets as they were typed, through the usual eyes or that client's."""
    from doctor.command.intake import given

    options = replace(app.options, targets=targets, files=(), username=None, password_stdin=False)
    options = replace(options, client=client or options.client)
    found, secret = given(options)
    if not client:  # it was typed
        app.history.remember(targets)
    app.begin(Sitting(options, found, secret))


def enter(app: DoctorApp, entry: str) -> None:
    """One of the start screen's."""
    {"cluster": _cluster, "open": _open, "demo": demo}[entry](app)


def _cluster(app: DoctorApp) -> None:
    app.begin(of_cluster(app))


def of_cluster(app: DoctorApp, *, everywhere: bool = False) -> Sitting:
    """The failing pulls of the context's namespace, or of all."""
    from doctor.command.k8s import looked
    from doctor.pods.kept import Kept

    async def look(observer: Observer) -> Report:
        def tell(what: str) -> None:
            sitting.saying = plain(scrub(what), 200)

        kept = Kept()
        report = await looked(app.options, tell, kept, everywhere=everywhere)
        sitting.kept = kept
        return report

    note = _EVERYWHERE if everywhere else _HOME
    sitting = Sitting(app.options, look=look, of_cluster=True, note=note)
    return sitting


def demo(app: DoctorApp, fault: str = "") -> None:
    """A fault is chosen, or was; its servers are up until one leaves."""
    from doctor.demo.faults import FAULTS

    def chosen(name: str) -> None:
        if not any(each.group == "demo" and not each.is_finished for each in app.workers):
            app.notify("A registry with this fault is put up on loopback …", timeout=2)
            app.run_worker(_staged(app, name), group="demo")

    if fault:
        chosen(fault)
        return

    named = [(fault.name, fault.says) for fault in FAULTS]
    app.push_screen(Choose("Which fault shall the registry on loopback have?", named, chosen))


async def _staged(app: DoctorApp, name: str) -> None:
    """Put the servers up; they are taken down by the task that put them up."""
    from doctor.demo import started

    up: asyncio.Future[Scene] = asyncio.get_running_loop().create_future()
    leaving = asyncio.Event()

    async def stage() -> None:
        try:
            async with started(name, app.options) as scene:
                up.set_result(scene)
                await leaving.wait()
        except Exception as problem:
            if up.done():
                raise
            up.set_exception(problem)

    task = asyncio.create_task(stage(), name="demo")

    async def farewell() -> None:
        leaving.set()
        await asyncio.wait([task], timeout=0.3)

    scene = await up
    learn_variables(scene.environ)
    note = f"This is a demo: {scene.fault.says}. {_OF_A_DEMO}"
    app.begin(Sitting(scene.options, scene.targets, look=scene.look, farewell=farewell, note=note))


def _open(app: DoctorApp) -> None:
    """A bundle is judged again, a report shown as it was recorded."""
    from doctor.bundle import opened
    from doctor.command.opinion import judged

    async def read(file: str) -> str:
        path = confirm_path(file)
        found = await asyncio.to_thread(opened.read, path)
        document, diagnoses = await asyncio.to_thread(judged, found, name=PurePath(path).name)
        app.call_later(app.begin, Sitting(None, document=document, diagnoses=diagnoses))
        return ""

    app.ask_where(Where("Open a bundle or a report", "", read, "Enter: open    Esc: cancel"))


def bundle(app: DoctorApp, sitting: Sitting) -> None:
    """Write a support bundle of what was found."""
    from doctor.bundle import write
    from doctor.codes import load
    from doctor.command import casefile, handover
    from doctor.plugins import installed

    report = sitting.report
    if report is None:
        return

    root = (sitting.options or app.options).root

    async def put(file: str) -> str:
        path = confirm_path(file)
        write.check(path, "The file")
        if sitting.kept is None:
            around = handover.surroundings(report, root)
            checks, book = sitting.checks, sitting.book
        else:
            around = casefile.surroundings_of(report, root, sitting.kept)
            checks, book = installed().checks, load(())
        made = await asyncio.to_thread(handover.finished, report, around, checks, book)
        write.put(path, made.data)
        return f"Wrote {scrub(path)}; it was searched for secrets, and none was found"

    name = f"doctor-{report.started.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    app.ask_where(
        Where("Write a support bundle", name, put, "Without secrets    Enter: write    Esc: cancel")
    )


def export(app: DoctorApp, document: Document) -> None:
    """Write the report, in a format that is asked for."""
    from doctor.command.parsers import FORMATS
    from doctor.tui.dialogs import Export, done

    def write(form: str, file: str) -> str:
        from doctor.command import delivery, output

        path = confirm_path(file)
        delivery.check(path, "The file")
        text = output.render(document, form, colour=False, verbose=True, width=80)
        delivery.deliver(path, text)
        return f"Wrote {scrub(path)}"

    app.push_screen(Export(FORMATS, write), lambda said: done(app, said))


def next_client(app: DoctorApp) -> None:
    """The same targets through the next client's eyes."""
    sitting = app.sitting
    if sitting is None or sitting.options is None or not sitting.elsewhere or sitting.running:
        return
    names, now = app.clients, sitting.options.client
    following = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
    if following == now:
        app.notify(f"No other client than {now} was found here.")
    else:
        app.replace(sitting.seen_as(following))
        app.notify(f"Looking as {following}.")


def all_clients(app: DoctorApp) -> None:
    """The same targets as all clients of this machine see them."""
    sitting, names = app.sitting, app.clients
    if sitting is None or not sitting.elsewhere:
        return
    if sitting.running:
        app.notify("Once the run has ended.")
    elif len(names) < 2:
        app.notify(f"No other client than {names[0]} was found here.")
    else:
        several = "; Enter on a target shows them side by side" if sitting.count > 1 else ""
        app.replace(sitting.seen_as(ALL))
        app.notify(f"Looking as {', '.join(names)}{several}.")
