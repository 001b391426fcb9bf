"""What comes out the same for everybody in a run: done once, however many ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Once:
    """One piece of work that several wait for."""

    task: asyncio.Task[Any]
    waiting: int = 0

    @classmethod
    def of(cls, work: Callable[[], Coroutine[Any, Any, Any]]) -> Once:
        return cls(asyncio.create_task(work()))

    async def result(self) -> Any:
        """What came of it. Who is cancelled leaves it to the others; the last one ends it."""
        self.waiting += 1
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            if self.waiting == 1 and not self.task.done():
                self.task.cancel()
                await asyncio.wait([self.task])
            raise
        finally:
            self.waiting -= 1
