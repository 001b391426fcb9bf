"""When is it looked at again, without a key? At an interval, until it works: where it works with
warnings from the first, until all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
        self._until = "it works"

    @property
    def said(self) -> str:
        """What stands at the top meanwhile."""
        return "watching" if self.on else ""

    def begin(self, document: Mapping[str, Any] | None) -> None:
        """From now on; `document`: what the last run said."""
        self.on = True
        self._until = "all is well" if document and _works(document) else "it works"
        self._app.notify(f"Runs again every {SECONDS:g} s until {self._until}; w: stop.")

    def stop(self) -> None:
        """No longer."""
        self.on = False
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def ended(self, document: Mapping[str, Any]) -> None:
        """A run has ended: the next one is set, or this was the last."""
        if not self.on:
            return
        well, works = document["verdict"] == "pass", _works(document)
        if well or (works and self._until == "it works"):
            self.stop()
            self._app.bell()
            said = "All is well now." if well else "It works now, with warnings."
            self._app.notify(f"{said} No longer watching.")
            return
        if not works:
            self._until = "it works"
        self._timer = self._app.set_timer(SECONDS, self._again)


def _works(document: Mapping[str, Any]) -> bool:
    """Can all be pulled? A cluster's pull that is listed fails, be its cause known or not."""
    cluster = document["kubernetes"]
    return document["verdict"] in ("pass", "warn") and not (cluster and cluster["pulls"])
