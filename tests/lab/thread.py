"""An asynchronous server of this process, in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")
_PATIENCE = 20.0
"""Seconds that a server may take to begin."""


def started(
    service: Callable[[], AbstractAsyncContextManager[T]],
    first: Callable[[], object] = lambda: None,
) -> tuple[T, Callable[[], None]]:
    """Run the service; what it gives, and how to end it. `first` is called in its thread."""
    begun: Future[T] = Future()
    ended: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        end = asyncio.Event()
        ended.set_result((asyncio.get_running_loop(), end))
        async with service() as given:
            begun.set_result(given)
            await end.wait()

    def main() -> None:
        try:
            first()
            asyncio.run(run())
        except BaseException as error:
            if not begun.done():
                begun.set_exception(error)

    thread = threading.Thread(target=main)
    thread.start()
    found = begun.result(_PATIENCE)

    def stop() -> None:
        loop, end = ended.result()
        loop.call_soon_threadsafe(end.set)
        thread.join()

    return found, stop


@contextmanager
def running(service: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """While the block runs."""
    found, stop = started(service)
    try:
        yield found
    finally:
        stop()
