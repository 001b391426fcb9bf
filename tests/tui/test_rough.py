"""Does rough use end well: tiny terminals, storms of resizing, endless names, keys at random?"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.events import Click
from textual.pilot import Pilot
from textual.widgets import OptionList

from doctor.model import Report
from doctor.tui import entries
from doctor.tui.app import DoctorApp
from doctor.tui.cluster import ClusterScreen
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.history import History
from doctor.tui.several import SeveralScreen
from doctor.tui.sitting import Sitting
from doctor.tui.start import StartScreen
from tests.report.samples import sample
from tests.tui.seen import ORIGIN, from_start, opened, options, over, press, settled, sit, text
from tests.tui.test_live import REPORT, nothing, scripted

SIZES = ((20, 5), (1, 1), (33, 9), (60, 20), (200, 60), (8, 50), (300, 4))
KEYS = (
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "shift+tab"),
    *("enter", "escape", "space", "backspace", "ctrl+p", "slash", "question_mark"),
    *("r", "R", "c", "1", "2", "9", "n", "v", "a", "w", "e", "b", "p", "t", "x", "y"),
)
"""All that does something, but what leaves."""


@pytest.mark.parametrize("name", ["certificate", "clients", "kubernetes", "targets", "healthy"])
def test_a_terminal_of_a_few_cells_is_borne(name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(
            pilot, "down", "enter", "tab", "slash", "x", "escape", "question_mark", "escape"
        )
        await press(pilot, "e", "escape", "escape", "escape")
        assert len(text(app).splitlines()) <= 5

    sit(opened(name), act, (20, 5))


def test_no_page_is_turned_in_a_list_without_room_for_a_line() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        options = app.screen.query_one(OptionList)
        options.highlighted = 1
        await pilot.resize_terminal(2, 2)
        await pilot.pause()
        assert not options.scrollable_content_region
        options._clear_caches()  # as each new line does
        await press(pilot, "pageup", "pagedown")
        await pilot.resize_terminal(80, 24)
        await press(pilot, "pagedown")
        assert options.highlighted == options.option_count - 1

    assert sit(opened("targets"), act).bug is None


def test_a_palette_that_was_left_while_it_looks_for_commands_ends_nothing() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "ctrl+p")
        palette = app.screen
        assert isinstance(palette, CommandPalette)
        await palette.query_one(CommandList).remove()  # as Escape does, and the search begins then
        palette._gather_commands("help")
        await press(pilot)
        assert app.bug is None
        await app.pop_screen()
        await press(pilot, "enter")
        assert len(text(app).splitlines()) == 24

    assert sit(opened("targets"), act).bug is None


def test_what_is_told_is_whole_in_a_narrow_terminal_and_the_last_copy_alone() -> None:
    said = "Wrote doctor-20261129T143821Z.tar.gz; it was searched for secrets, and none was found"

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "c", "c")
        assert (await settled(app, pilot)).count("Copied step 1") == 1
        app.notify(said)
        lines = (await settled(app, pilot)).splitlines()
        shown = " ".join(each.removeprefix("▌").strip() for each in lines if each.startswith("▌"))
        assert " ".join(said.split()) in shown

    sit(opened("certificate"), act, (60, 20))


@pytest.mark.parametrize("name", ["undecided", "kubernetes"])
def test_another_way_is_read_from_its_title_wherever_one_was(name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "tab")
        paper = app.screen.query_one("#answer, #pull")
        for _ in range(2):
            paper.scroll_end(animate=False)
            assert "To do  " not in await settled(app, pilot)
            await press(pilot, "n")
            shown = await settled(app, pilot)
            assert "To do  " in shown
            assert "\n  1 " in shown

    sit(opened(name), act, (60, 20))


def test_another_way_is_read_from_its_title_beside_the_open_proof_too() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "enter")
        shown = await settled(app, pilot)
        assert ("Cause  " in shown, "To do  " in shown) == (True, False)
        await press(pilot, "n")
        assert "To do  " in await settled(app, pilot)
        assert app.screen.query_one("#proofs").has_focus_within, "one reads on where one was"

    sit(opened("certificate"), act)


def test_a_click_where_nothing_is_drawn_ends_nothing_and_one_beside_the_palette_leaves_it() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "ctrl+p")
        palette = app.screen
        for place in (500, 1):
            assert app.screen is palette
            click = Click(palette, place, place, 0, 0, 1, False, False, False, place, place)
            palette.post_message(click)
            await press(pilot)
        assert app.screen is not palette

    assert sit(opened("targets"), act).bug is None


@pytest.mark.parametrize("kind", [ClusterScreen, DiagnosisScreen, SeveralScreen])
def test_a_screen_that_has_no_parts_any_longer_bears_every_key(kind: Any) -> None:
    """So it is in the moment before they are there, and when one leaves while they are made."""
    document = sample("kubernetes" if kind is ClusterScreen else "targets")
    bare = type("Bare", (kind,), {"compose": lambda self: iter(())})

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for key in sorted({*KEYS} - {"ctrl+p", "question_mark"}):
            if not isinstance(app.screen, bare):
                await app.push_screen(bare(Sitting(None, document=document)))
            await press(pilot, key)
            assert app.bug is None, key
            assert isinstance(app.screen, bare) or key in ("escape", "e"), key
            if key == "e":
                await press(pilot, "escape")

    sit(DoctorApp(options()), act)


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes"])
def test_a_command_that_comes_when_its_screen_is_gone_does_nothing(name: str) -> None:
    """As from the palette, after Escape; one that is there is left once."""

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "enter", "escape")
        left = app.screen
        await press(pilot, "escape")
        start = app.screen
        assert isinstance(start, StartScreen)
        for action in ("back", "copy", "filter", "open", "move(1)", "probe", "read", "next_way"):
            await app.run_action(action, left)
            await press(pilot)
        assert app.screen is start

    assert sit(from_start(name), act).bug is None


def test_the_mouse_marks_no_text_for_nothing_could_be_done_with_it() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        paper = app.screen.query_one("#answer")
        await pilot.mouse_down(paper, offset=(3, 1))
        await pilot.hover(paper, offset=(20, 3))
        await pilot.mouse_up(paper, offset=(20, 3))
        await press(pilot)
        assert not app.screen.get_selected_text()

    assert sit(opened("certificate"), act).bug is None


def test_the_palette_can_be_asked_for_while_one_is_being_left() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.action_command_palette()
        await press(pilot)
        first = app.screen
        app.pop_screen()  # it is taken down in its turn
        app.action_command_palette()
        app.action_command_palette()
        await press(pilot)
        assert isinstance(app.screen, CommandPalette)
        assert app.screen is not first
        await press(pilot, "escape")
        assert isinstance(app.screen, SeveralScreen), "there is one at a time"

    assert sit(opened("targets"), act).bug is None


def test_a_diagnosis_that_is_left_before_it_is_whole_ends_nothing() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        left = DiagnosisScreen(Sitting(None, document=sample("certificate")))
        await left._complete()  # its turn comes when the screen is gone
        assert not left.query("#list")
        await press(pilot, "down", "enter")
        assert app.screen.query("#list"), "one that is there gets all its parts"

    assert sit(opened("targets"), act).bug is None


@pytest.mark.parametrize("name", ["certificate", "targets"])
def test_a_storm_of_resizing_leaves_the_screen_as_one_made_at_that_size(name: str) -> None:
    shown: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown.append(await settled(app, pilot))

    async def storm(app: DoctorApp, pilot: Pilot[int]) -> None:
        for size in (*SIZES, (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("down", "up")
        await press(pilot, "home")
        await act(app, pilot)

    sit(opened(name), act)
    sit(opened(name), storm)
    assert shown[0].splitlines()[0] == shown[1].splitlines()[0]
    assert shown[0].splitlines()[-1] == shown[1].splitlines()[-1]
    assert len(shown[1].splitlines()) == 24


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes", "undecided"])
def test_the_head_and_the_lists_are_as_wide_as_the_terminal_that_they_are_in(name: str) -> None:
    """Made wider or narrower, the screen is the one that is made at that size."""
    shown: dict[tuple[int, int], list[str]] = {}
    sizes = ((120, 30), (60, 30))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown[app.size.width, app.size.height] = (await settled(app, pilot)).splitlines()

    for size, other in (sizes, sizes[::-1]):
        sit(opened(name), act, size)

        async def resized(app: DoctorApp, pilot: Pilot[int], size: tuple[int, int] = size) -> None:
            await pilot.resize_terminal(*size)
            found = (await settled(app, pilot)).splitlines()
            causes = [each for each in found if "cause " in each]
            assert (found[0], causes) == (
                shown[size][0],
                [each for each in shown[size] if "cause " in each],
            )

        sit(opened(name), resized, other)


def stretched(value: Any) -> Any:
    """The document with a name of 10,000 characters wherever a text can be of any length."""
    long = "registry" * 1250
    match value:
        case dict():
            free = ("host", "target", "summary", "title", "detail", "hop", "command", "text")
            return {
                key: (long if key in free and isinstance(inner, str) else stretched(inner))
                for key, inner in value.items()
            }
        case list():
            return [stretched(each) for each in value]
    return value


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes"])
def test_names_without_end_are_cut_and_nothing_waits_for_them(name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for keys in (("enter",), ("tab",), ("tab",), ("c",), ("question_mark",), ("escape",)):
            await press(pilot, *keys)
            assert max(map(len, text(app).splitlines())) <= 80

    sit(over({**stretched(sample(name)), "origin": ORIGIN}), act)


@pytest.mark.parametrize("seed", range(4))
def test_keys_at_random_end_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From a run's screen to wherever they lead. What is contacted is stood in for."""
    document = sample(("certificate", "targets", "clients", "healthy")[seed])
    scripted(monkeypatch, nothing, document)
    monkeypatch.chdir(tmp_path)

    async def none(observer: Any) -> Report:
        return REPORT

    def enter(app: DoctorApp, entry: str) -> None:
        app.begin(Sitting(app.options, look=none)) if entry == "demo" else None

    monkeypatch.setattr(entries, "enter", enter)
    chosen = options(*[t["target"] for t in document["targets"]][:4])
    from doctor.command.intake import given

    found, secret = given(chosen)
    app = DoctorApp(chosen, Sitting(chosen, found, secret), History(None))
    chance = random.Random(seed)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for _ in range(20):
            await pilot.press(*chance.choices(KEYS, k=5))
            if chance.random() < 0.1:
                await pilot.resize_terminal(*chance.choice(SIZES))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert text(app).strip()
        assert app.bug is None
        await pilot.press("ctrl+q")

    assert sit(app, act).return_value is not None
