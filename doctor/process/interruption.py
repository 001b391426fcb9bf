"""What does a signal that asks the process to end do? The same as Ctrl-C, whichever it is.

By default SIGTERM and SIGHUP end a process where it stands: a credential helper in a session of its
own would stay behind, and half a file beside the one that was asked for. So they become the
interruption that asyncio and `finally` unwind; the exit code tells which signal it was, as a
shell's does.
"""

from __future__ import annotations

import signal
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_came = [signal.SIGINT]
"""The signal that interrupts, once one has come."""


def heed() -> None:
    """From now on these signals interrupt. One that is ignored (`nohup`) stays ignored."""
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _came[0] = signal.Signals(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def exit_code() -> int:
    """130 after Ctrl-C; after another signal what a shell shows for it."""
    return 128 + _came[0]
