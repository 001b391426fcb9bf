"""When is it looked at again, without a key? At an interval, until all is well."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App
from textual.timer import Timer

SECONDS = 10.0
"""Between the end of a run and the next."""


class Watch:
    """Off until it is begun; `again` starts a run."""

    def __init__(self, app: App[int], again: Callable[[], None]) -> None:
        self._app, self._again = app, again
        self._timer: Timer | None = None
        self.on = False

    @property
    def said(self) -> str:
        """What stands at the top meanwhile."""
        return "watching" if self.on else ""

    def begin(self) -> None:
        """From now on."""
        self.on = True
        self._app.notify(f"Runs again every {SECONDS:g} s until all is well; w: stop.")

    def stop(self) -> None:
        """No longer."""
        self.on = False
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def ended(self, verdict: str) -> None:
        """A run has ended: the next one is set, or this was the last."""
        if not self.on:
            return
        if verdict == "pass":
            self.stop()
            self._app.bell()
            self._app.notify("All is well now.")
        else:
            self._timer = self._app.set_timer(SECONDS, self._again)
