"""Is a cluster's screen one to work with: what is in a line, what changes, where Escape leads?"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from doctor.model import Report
from doctor.tui import pulls, watch
from doctor.tui.app import DoctorApp
from doctor.tui.cluster import ClusterScreen
from doctor.tui.dialogs import Reading
from doctor.tui.history import History
from doctor.tui.several import SeveralScreen
from doctor.tui.start import StartScreen
from tests.report.samples import sample
from tests.tui.seen import from_start, opened, options, press, settled, sit, text
from tests.tui.test_live import REPORT, until

pytestmark = pytest.mark.usefixtures("nothing_known")


def showing(app: DoctorApp) -> type:
    """Which screen?"""
    return type(app.screen)


def part() -> dict[str, Any]:
    found: dict[str, Any] = sample("kubernetes")["kubernetes"]
    return found


@pytest.mark.parametrize("width", [56, 76, 116])
def test_a_line_names_the_whole_cause_and_fits(width: int) -> None:
    for pull in part()["pulls"]:
        shown = pulls.row(pull, width)
        assert shown.cell_length <= width
        assert pull["root_causes"][0] in shown.plain
        assert pull["image"][-10:] in shown.plain


def test_a_name_that_is_cut_is_not_taken_for_a_secret() -> None:
    pull = {**part()["pulls"][0], "image": "registry.example:5443/team/tag-not-found-private:9.9.9"}
    assert "team/tag-not-found-private:9.9.9" in pulls.row(pull, 76).plain
    assert "found-private:9.9.9" in pulls.row(pull, 60).plain


def test_what_came_went_and_grew_is_said_and_nothing_else() -> None:
    before = sample("kubernetes")
    now = deepcopy(before["kubernetes"])
    assert pulls.changed(None, now, 78) == []
    assert pulls.changed(before, now, 78) == []
    gone = now["pulls"].pop(0)
    now["pulls"][0]["pods"] += 2
    now["pulls"].append({**gone, "image": "other.example/app:1"})
    said = " ".join(" ".join(each.plain for each in pulls.changed(before, now, 200)).split())
    assert f"{gone['image']} ({', '.join(gone['root_causes'])}): no longer fails" in said
    assert f"→ {now['pulls'][0]['pods']} pods" in said
    assert "other.example/app:1 " in said
    assert said.count("Changed") == 3


def test_the_version_gives_way_to_the_number_of_causes() -> None:
    shown = pulls.head({**part(), "context": "recorded"}, "", 58).plain
    assert shown.rstrip().endswith("causes")
    assert "Kubernetes v" in pulls.head({**part(), "context": "recorded"}, "", 98).plain


def test_escape_leads_from_the_text_to_the_list_and_then_out() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "tab")
        assert app.screen.query_one("#pull").has_focus
        await press(pilot, "enter")
        assert showing(app) is Reading
        await press(pilot, "escape", "escape")
        assert showing(app) is ClusterScreen
        assert app.screen.query_one("#pulls").has_focus
        await press(pilot, "escape")
        assert showing(app) is StartScreen

    sit(from_start("kubernetes"), act)


@pytest.mark.parametrize("name", ["kubernetes", "targets"])
def test_where_nothing_holds_what_is_looked_for_it_says_so_and_nothing_is_chosen(name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        listed = app.screen.query("#pulls, #targets").first(OptionList)
        before = listed.option_count
        await press(pilot, "slash", *"no such thing")
        shown = await settled(app, pilot)
        assert "holds that; Esc: all." in shown
        assert "Cannot be pulled" not in shown
        await press(pilot, "enter", "c", "enter")
        assert app.copied == []
        assert showing(app) in (ClusterScreen, SeveralScreen)
        await press(pilot, "escape")
        assert listed.option_count == before
        assert "Cannot be pulled" in await settled(app, pilot)

    assert sit(opened(name), act).bug is None


def test_a_wider_terminal_shows_more_of_each_line() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await pilot.resize_terminal(120, 40)
        assert sample("kubernetes")["kubernetes"]["pulls"][0]["image"] in await settled(app, pilot)

    sit(opened("kubernetes"), act, (50, 20))


def clusters(
    monkeypatch: pytest.MonkeyPatch, *documents: dict[str, Any]
) -> tuple[DoctorApp, list[bool]]:
    """The application over a cluster that is each time as the next document says; and whether all
    namespaces were asked for."""
    asked: list[bool] = []

    async def looked(
        options: Any, tell: Callable[[str], None], kept: Any, *, everywhere: bool = False
    ) -> Report:
        asked.append(everywhere)
        return REPORT

    def document(report: Report) -> dict[str, Any]:
        return documents[min(len(asked), len(documents)) - 1]

    monkeypatch.setattr("doctor.command.k8s.looked", looked)
    monkeypatch.setattr("doctor.report.document.document", document)
    return DoctorApp(options(), None, History(None)), asked


def test_watching_says_what_changed_and_leaves_the_chosen_pull_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "SECONDS", 1000.0)  # its turn comes when the test says
    ill, better, well = sample("kubernetes"), sample("kubernetes"), sample("kubernetes")
    gone = better["kubernetes"]["pulls"].pop(0)
    well["verdict"] = well["kubernetes"]["verdict"] = "pass"
    well["kubernetes"]["pulls"] = []
    app, asked = clusters(monkeypatch, ill, better, well)
    chosen = ill["kubernetes"]["pulls"][1]["image"]

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "enter")
        await until(app, pilot, lambda: "pods cannot pull" in text(app))
        await press(pilot, "down", "w")
        assert "watching" in text(app).splitlines()[0]
        screen = app.screen
        assert isinstance(screen, ClusterScreen)
        app.watcher._again()
        await until(app, pilot, lambda: "no longer fails" in text(app))
        assert gone["image"] in text(app)
        assert screen.pull is not None
        assert screen.pull["image"] == chosen
        app.watcher._again()
        await until(app, pilot, lambda: "No image pull fails." in text(app))
        assert f"{chosen} (" in text(app)
        assert not app.watcher.on

    sit(app, act, (120, 40))
    assert len(asked) == 3


def test_where_nothing_fails_it_says_how_little_was_looked_at_and_a_looks_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    none = sample("kubernetes")
    none["verdict"] = none["kubernetes"]["verdict"] = "pass"
    none["kubernetes"].update(pulls=[], pods_seen=0, pods_failing=0)
    app, asked = clusters(monkeypatch, none, sample("kubernetes"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "enter")
        await until(app, pilot, lambda: "No image pull fails." in text(app))
        shown = text(app)
        assert "0 pods were looked at" in shown
        assert "Only the context's own namespace was looked at" in shown
        await press(pilot, "a")
        await until(app, pilot, lambda: "pods cannot pull" in text(app))
        assert app.screen.query_one("#pulls", OptionList).option_count
        await press(pilot, "escape")
        assert showing(app) is StartScreen

    sit(app, act)
    assert asked == [False, True]
