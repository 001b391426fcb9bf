"""What does a signal that asks the process to end do? The same as Ctrl-C, whichever it is.

By default SIGTERM and SIGHUP end a process where it stands: a credential helper in a session of its
own would stay behind, and half a file beside the one that was asked for. So they become the
interruption that asyncio and `finally` unwind; the exit code tells which signal it was, as a
shell's does.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_came = [signal.SIGINT]
"""The signal that interrupts, once one has come."""
_AGAIN = 0.01
"""Seconds after which an interruption that was dropped comes again."""


def heed() -> None:
    """From now on these signals interrupt, at whatever moment they come. One that is ignored
    (`nohup`) stays ignored."""
    sys.unraisablehook = _unraisable
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _came[0] = signal.Signals(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def _unraisable(what: UnraisableHookArgs) -> None:
    """Python drops what is raised while something is cleared away, and every import clears its own
    lock away like that (importlib, `_get_module_lock`)."""
    if what.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_again, (_thread.get_ident(),))
    else:
        sys.__unraisablehook__(what)


def _again(thread: int) -> None:
    time.sleep(_AGAIN)
    signal.pthread_kill(thread, signal.SIGINT)


def exit_code() -> int:
    """130 after Ctrl-C; after another signal what a shell shows for it."""
    return 128 + _came[0]
