"""What does a fault look like, without an account and without a network?

A registry with TLS, its token service, its storage and, where a fault wants one, a proxy, all on
this machine's loopback: with one fault that the user chooses, looked at by the ordinary engine.
`doctor.demo.faults` holds what can be chosen, `doctor.demo.scene` puts the servers up and takes
them down. Nothing here loads them before they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from doctor.command.options import Options
    from doctor.demo.scene import Scene
    from doctor.model import Observer, Report

__all__ = ["looked", "started"]


def started(fault: str, options: Options | None = None) -> AbstractAsyncContextManager[Scene]:
    """Put the servers up with the fault of that name, for as long as the block lasts: `async with
    started("expired") as scene`. Raises UsageError for a name that is none."""
    from doctor.demo.scene import staged

    return staged(fault, options)


async def looked(
    fault: str, observer: Observer | None = None, options: Options | None = None
) -> Report:
    """Put the servers up, look with the ordinary engine, and take them down."""
    async with started(fault, options) as scene:
        return await scene.look(observer)
