"""What does `doctor demo` do? Without a name it lists the faults; with one it shows that fault,
found by the ordinary engine. That is the text; on a terminal the interactive view shows both."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from doctor.demo.faults import FAULTS, Fault, chosen
from doctor.process.streams import say, talk

if TYPE_CHECKING:
    from doctor.command.options import Options
    from doctor.model import Observer, Report

_NOTE = """\
doctor: this is a demo: {says}.
doctor: Its hosts (*.{domain}) are servers on this machine's loopback, which
doctor: end with it; none of this machine's settings is read. The remedies are
doctor: those for a real registry: nothing is to be changed on this machine."""


def demo(args: Namespace) -> int:
    """List the faults, or show the one that was named; the contract's exit code."""
    if args.fault is None:
        listed()
        return 0
    return shown(args)


def listed() -> None:
    """Every fault with its line, and how to see one."""
    width = max(len(fault.name) for fault in FAULTS) + 2
    say("".join(f"{fault.name:{width}}{fault.says}\n" for fault in FAULTS))
    talk("doctor: see one with, for instance: doctor demo unknown-ca")


def shown(args: Namespace) -> int:
    """Look at the fault, print, and return what the verdict comes to."""
    from doctor.command.checkup import Progress
    from doctor.command.options import read
    from doctor.demo.scene import DOMAIN
    from doctor.redact import learn_variables
    from doctor.run import complete

    fault = chosen(args.fault)
    options = read(args, lambda: ())
    learn_variables(os.environ)
    if not options.quiet:
        talk(_NOTE.format(says=fault.says, domain=DOMAIN))
    progress = Progress()
    watched = sys.stderr.isatty() and not options.quiet
    try:
        report = complete(lambda: _looked(fault, options, progress if watched else None))
    finally:
        progress.clear()
    from doctor.command.output import tell
    from doctor.report.document import document

    return tell(document(report), options)


async def _looked(fault: Fault, options: Options, observer: Observer | None) -> Report:
    from doctor.demo import started
    from doctor.redact import learn_variables

    async with started(fault.name, options) as scene:
        learn_variables(scene.environ)
        return await scene.look(observer)
