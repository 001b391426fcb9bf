"""What does a screen show? As text, and as it was when somebody last looked and found it good.

`UPDATE=1 pytest tests/tui` writes the pictures in snapshots/tui/ anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from doctor.command import parsers
from doctor.command.options import Options, read
from doctor.tui.app import DoctorApp
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.history import History
from doctor.tui.sitting import Sitting
from doctor.tui.start import StartScreen
from tests.report.samples import sample

FOLDER = Path(__file__).parents[2] / "snapshots" / "tui"
SIZES = ((80, 24), (120, 40))
Act = Callable[[DoctorApp, "Pilot[int]"], Awaitable[None]]


def options(*words: str) -> Options:
    """The options of a command line."""
    return read(parsers.check().parse_args(list(words)), tuple)


ORIGIN = {
    "kind": "report",
    "file": "report.json",
    "tool_version": "1.0.0",
    "recorded": "2026-11-28T16:00:00Z",
    "opened": "2026-11-28T19:30:00Z",
    "judged_again": False,
    "pseudonyms": False,
    "changes": [],
    "notes": [],
}


def opened(name: str) -> DoctorApp:
    """The application over one of the samples, as somebody opened it."""
    return over({"origin": ORIGIN, **sample(name)})


def from_start(name: str) -> DoctorApp:
    """The same, opened from the start screen."""

    def opening(app: DoctorApp) -> None:
        app.push_screen(StartScreen())
        app.begin(Sitting(None, document={"origin": ORIGIN, **sample(name)}))

    return DoctorApp(options(), None, History(None), opening)


def over(document: dict[str, Any]) -> DoctorApp:
    """The application over a document."""
    return DoctorApp(options(), Sitting(None, document=document), History(None))


def sit(app: DoctorApp, act: Act, size: tuple[int, int] = (80, 24)) -> DoctorApp:
    """Run the application without a terminal, and act, once all its parts are there."""

    app.animation_level = "none"

    async def whole() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            for _ in range(500):
                if not isinstance(app.screen, DiagnosisScreen) or app.screen.query("#list"):
                    break
                await pilot.pause(0.02)
            await act(app, pilot)

    run(whole())
    return app


def run(work: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own."""
    asyncio.run(work)


async def press(pilot: Pilot[int], *keys: str) -> None:
    """One key after another, each with all that follows from it."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await pilot.pause()


def text(app: DoctorApp) -> str:
    """The screen as lines. (The one place that uses what Textual keeps to itself.)"""
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return "\n".join(lines).rstrip("\n") + "\n"


async def settled(app: DoctorApp, pilot: Pilot[int]) -> str:
    """The screen as lines, once it no longer changes."""
    shown, same_again = text(app), 0
    for _ in range(200):
        await pilot.pause(0.02)
        same_again = same_again + 1 if text(app) == shown else 0
        shown = text(app)
        if same_again == 5:
            break
    return shown


def same(name: str, found: str) -> None:
    """Is it as it was?"""
    file = FOLDER / name
    if os.environ.get("UPDATE"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(found)
    assert file.read_text() == found
