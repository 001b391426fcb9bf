"""How does work that blocks run beside the event loop without ever holding the program's end?

A thread of the loop's default executor is joined when the loop closes: with a silent name server
`asyncio.run` then returned nine seconds after its own timeout (measured). A daemon thread is not
joined.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def begin(work: Callable[[], T]) -> asyncio.Future[T]:
    """Start `work` in a daemon thread now. The future gets its value or its exception; cancelling
    it stops the waiting only."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(value: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=run, daemon=True).start()
    return future
