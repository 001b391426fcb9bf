"""Can text from outside crash the view, draw in it, or reach the terminal alive? It is put into
every field of a document, one after another and all at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot

from doctor.tui.app import DoctorApp
from doctor.tui.diagnosis import DiagnosisScreen
from tests.report.samples import sample
from tests.tui.seen import over, press, run, sit, text

HOSTILE = (
    "[/] [bold red]x[/] [@click=app.quit]y[/] [type=x, v={'a[0]'}] $error "
    "\x1b[2J\x1b]52;c;aGk=\x07\x1b]0;owned\x07\x9b31m\x00\x7f\r\n\t"
    "\u202egnp.exe\u200b\ud800\U000e0041 " + "L" * 3000
)
ALIVE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
CLOSED = {
    *("verdict", "status", "severity", "role", "check", "name", "confidence", "client", "schema"),
    *("evidence_from", "changes", "vantage", "reached", "for", "root_causes"),
}
"""Fields of a closed vocabulary or a pattern that the schema holds."""


def poisoned(value: Any, key: str = "") -> Any:
    """The document with hostile text in every free field."""
    if isinstance(value, dict):
        more = {HOSTILE: HOSTILE} if key == "evidence" else {}
        return {k: poisoned(v, k) for k, v in value.items()} | more
    if isinstance(value, list):
        return [poisoned(v, key) for v in value]
    return HOSTILE + value if isinstance(value, str) and key not in CLOSED else value


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every free text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from fields(inner, (*path, place))
    elif isinstance(value, str):
        names = [each for each in path if isinstance(each, str)]
        if names and names[-1] not in CLOSED:
            yield path


def put(document: Any, path: tuple[Any, ...], value: str) -> Any:
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return changed


async def walk_through(app: DoctorApp, pilot: Pilot[int]) -> None:
    """Every page of it."""
    if isinstance(app.screen, DiagnosisScreen):
        for tab in ("findings", "evidence", "timing", "clients", "facts"):
            app.screen.query_one("#tabs").active = tab  # type: ignore[attr-defined]
            await press(pilot)
            harmless(app)
        app.screen.query_one("#path").focus()
        await press(pilot, "home", "right", "right", "right", "enter", "n", "c")
        harmless(app)
    await press(pilot, "enter")
    harmless(app)
    await press(pilot, "escape", "slash", "x", "escape")
    harmless(app)


def harmless(app: DoctorApp) -> None:
    shown = text(app)
    assert not ALIVE.search(shown), ALIVE.search(shown)
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            meta = segment.style.meta if segment.style else {}
            assert "@click" not in meta
            assert not (segment.style and segment.style.link)


@pytest.mark.parametrize(
    "name", ["certificate", "proxy", "login", "rate", "clients", "targets", "kubernetes", "hostile"]
)
def test_hostile_text_in_every_field_at_once(name: str) -> None:
    document = poisoned(sample(name))
    document["origin"] = {
        **dict.fromkeys(("kind", "file", "tool_version"), HOSTILE),
        "recorded": "2026-11-28T16:00:00Z",
        "opened": "2026-11-28T19:30:00Z",
        "judged_again": True,
        "pseudonyms": True,
        "changes": [HOSTILE],
        "notes": [HOSTILE],
    }
    written: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert app._driver is not None
        app._driver.write = written.append  # type: ignore
        harmless(app)
        await walk_through(app, pilot)

    sit(over(document), act, (100, 30))
    for each in written:
        bare = re.sub(r"\x1b\](52;c;[A-Za-z0-9+/=]*|22;[a-z-]*)\x07", "", each)
        assert "owned" not in bare
        assert "\x1b]" not in bare


@pytest.mark.parametrize("name", ["certificate", "kubernetes"])
def test_hostile_text_in_one_field_after_another(name: str) -> None:
    """One application shows them all: every page is written anew for each."""
    document = sample(name)
    places = list(fields(document))
    assert len(places) > 30

    async def act() -> None:
        app = over(document)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            for path in places:
                assert app.sitting is not None
                app.sitting.document = put(document, path, HOSTILE)
                app.screen.paint()  # type: ignore[attr-defined]
                await pilot.pause()
                harmless(app)

    run(act())


def test_markup_is_shown_as_it_stands() -> None:
    document = sample("certificate")
    document["targets"][0]["summary"] = "[bold]x[/bold] [/] [@click=app.quit]y[/]"

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert "[bold]x[/bold] [/] [@click=app.quit]y[/]" in text(app)

    sit(over(document), act, (120, 40))


def test_what_is_typed_and_what_is_said_are_no_markup_either() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.take("[/] [bold]\x1b[2J")
        app.notify("[/]", markup=False)
        await press(pilot, "slash", "left_square_bracket", "slash", "right_square_bracket")
        harmless(app)

    sit(over(sample("certificate")), act)


def test_ink_makes_a_text_that_is_no_markup() -> None:
    from doctor.tui.ink import ink

    made = ink("[bold]x[/]")
    assert isinstance(made, Content)
    assert made.plain == "[bold]x[/]"
    assert made.spans == []
