"""How is the application started from a command line, and what is left when it has ended?

The terminal as it was, an exit code, and where a bug ended it, the sentence that tells where its
report is.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from doctor.command.options import read
from doctor.model import Diagnosis
from doctor.plugins import installed
from doctor.process.streams import talk
from doctor.redact import learn_variables, plain, scrub
from doctor.run import complete
from doctor.tui.app import DoctorApp
from doctor.tui.history import History
from doctor.tui.sitting import Sitting

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def look(args: Namespace) -> int:
    """`doctor` and `doctor TARGET…`: the start screen, or these targets at once."""
    from doctor.command.intake import given

    learn_variables(os.environ)
    options = read(args, lambda: tuple(dict.fromkeys(c.name for c in installed().checks)))
    history = History.here(os.environ, kept=not args.no_history)
    if not options.targets and not options.files:
        return sit(DoctorApp(options, None, history))
    targets, secret = given(options)
    history.remember(options.targets)
    return sit(DoctorApp(options, Sitting(options, targets, secret), history))


def show(
    document: Mapping[str, Any], diagnoses: Sequence[Diagnosis | None], args: Namespace
) -> int:
    """A document that was opened; its `origin` says where it is from and how old it is.
    `diagnoses`: what its targets were made of, where that is known."""
    options = read(args, tuple)
    return sit(DoctorApp(options, Sitting(None, document=document, diagnoses=diagnoses)))


def demo(args: Namespace) -> int:
    """The demo's fault, looked at like a real one; without one, the list to choose from, which ends
    well whatever was chosen."""
    from doctor.demo.faults import chosen
    from doctor.tui.entries import demo

    fault = chosen(args.fault).name if args.fault is not None else ""
    learn_variables(os.environ)
    options = read(args, lambda: ())
    history = History.here(os.environ, kept=not args.no_history)
    app = DoctorApp(options, None, history, opening=partial(demo, fault=fault))
    code = sit(app)
    listed = not fault and app.bug is None
    return 0 if listed and code in (1, 3) else code


def sit(app: DoctorApp) -> int:
    """Run it to its end; the exit code."""
    if app.options.colour is False:
        os.environ["NO_COLOR"] = "1"
    app.signals = _ENDING
    with _shown_on_standard_output():
        code = complete(app.run_async)
    if app.bug is not None:
        from doctor.process.crash import report

        talk(f"doctor: a fault of registry-doctor itself: {report(app.bug)}")
        return 3
    if app.copied:
        talk(f"doctor: copied last: {plain(scrub(app.copied[-1]))}")
    return 0 if code is None else code


@contextmanager
def _shown_on_standard_output() -> Iterator[None]:
    """Textual draws on standard error; where that goes to a file, the terminal is the other."""
    if sys.__stderr__ is not None and sys.__stderr__.isatty():
        yield
        return
    kept = sys.__stderr__
    with os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace") as screen:
        sys.__stderr__ = screen  # type: ignore[misc]
        try:
            yield
        finally:
            sys.__stderr__ = kept  # type: ignore[misc]
