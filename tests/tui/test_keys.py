"""What does each key do? At the size that is designed for and where there is room."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.css.parse import parse
from textual.pilot import Pilot
from textual.widgets import Footer, Input, OptionList, TabbedContent
from textual.widgets._footer import FooterKey

from doctor.tui import stage
from doctor.tui.app import DoctorApp
from doctor.tui.cluster import ClusterScreen
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.dialogs import Ask, Export, Help, Reading
from doctor.tui.paper import Paper
from doctor.tui.path import Path as PathView
from doctor.tui.several import SeveralScreen
from doctor.tui.start import StartScreen
from tests.report.samples import sample
from tests.tui.seen import ORIGIN, SIZES, from_start, opened, over, press, settled, sit, text

pytestmark = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
Size = tuple[int, int]


def showing(app: DoctorApp) -> type:
    """Which screen?"""
    return type(app.screen)


def commands(name: str) -> list[str]:
    """The commands of the first remedy of the first cause."""
    cause = next(f for f in sample(name)["targets"][0]["findings"] if f["root_cause"])
    return [s["command"] for s in cause["remedies"][0]["steps"] if s["command"]]


def test_c_copies_each_command_in_its_turn_and_says_which(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for command in (*commands("undecided"), commands("undecided")[0]):
            await press(pilot, "c")
            assert app.clipboard == command
        told = [str(n.message) for n in app._notifications]
        assert any(commands("undecided")[0][:30] in each for each in told)
        assert "(copied)" in text(app)

    sit(opened("undecided"), act, size)


def test_a_number_copies_the_command_of_that_step(size: Size) -> None:
    cause = next(f for f in sample("undecided")["targets"][0]["findings"] if f["root_cause"])
    steps = cause["remedies"][0]["steps"]
    number = max(n for n, s in enumerate(steps, 1) if s["command"])

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, str(number))
        assert app.clipboard == steps[number - 1]["command"]

    sit(opened("undecided"), act, size)


def test_where_there_is_no_command_nothing_is_copied(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "c", "9")
        assert app.copied == []

    sit(opened("healthy"), act, size)


def test_what_goes_to_the_terminal_is_the_command_and_passes_the_gate(size: Size) -> None:
    from doctor.redact import MASK, Secret

    document = sample("certificate")
    Secret("hunter2hunter2")
    step = document["targets"][0]["findings"][0]["remedies"][0]["steps"][0]
    step["command"] = "curl -u me:hunter2hunter2 https://x\x1b]0;owned\x07"
    written: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert app._driver is not None
        app._driver.write = written.append  # type: ignore
        await press(pilot, "c")
        sequence = next(each for each in written if "]52;c;" in each)
        carried = base64.b64decode(sequence.split(";c;")[1].split("\x07")[0]).decode()
        assert "hunter2" not in carried
        assert MASK in carried

    sit(over(document), act, size)


def test_n_shows_another_way_and_comes_round(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, DiagnosisScreen)
        remedies = screen._remedies
        seen = []
        for _ in remedies.ways:
            assert remedies.way is not None
            seen.append(remedies.way.remedy["title"])
            await press(pilot, "n")
        assert len(seen) == len(remedies.ways) > 1
        assert remedies.way is not None
        assert remedies.way.remedy["title"] == seen[0]

    sit(opened("certificate"), act, size)


def test_arrows_walk_the_path_and_enter_opens_the_proof(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        path = app.screen.query_one(PathView)
        path.focus()
        await press(pilot, "home", "right")
        assert path.station is not None
        assert path.station.check == "dns"
        await press(pilot, "enter")
        assert app.screen.query_one("#tabs", TabbedContent).active == "evidence"
        assert "dns at registry.cleanstart.com:443" in text(app)
        await press(pilot, "escape")
        assert app.focused is path

    sit(opened("certificate"), act, size)


def test_a_click_chooses_a_station_and_a_second_opens_it(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        path = app.screen.query_one(PathView)
        path.focus()
        await press(pilot, "home")
        place = next(n for n, s in enumerate(path.stations) if s.check == "dns")
        y, x, _ = path._spots[place]
        await pilot.click(path, offset=(x + 2, y))
        await pilot.pause()
        assert path.place == place
        await pilot.click(path, offset=(x + 2, y))
        await pilot.pause()
        assert app.screen.query_one("#tabs", TabbedContent).active == "evidence"

    sit(opened("certificate"), act, size)


def test_enter_on_a_finding_opens_it_and_escape_comes_back(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.screen.query_one("#list", OptionList).focus()
        await press(pilot, "enter")
        assert showing(app) is Reading
        assert "tls.incomplete-chain" in text(app)
        await press(pilot, "c")
        assert app.clipboard == commands("certificate")[0]
        await press(pilot, "escape")
        assert showing(app) is DiagnosisScreen

    sit(opened("certificate"), act, size)


def test_a_filter_leaves_what_holds_it_and_escape_takes_it_away(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        found = app.screen.query_one("#list", OptionList)
        before = found.option_count
        await press(pilot, "slash", *"resol")
        assert app.screen.query_one("#filter", Input).value == "resol"
        assert 0 < found.option_count < before
        await press(pilot, "escape")
        assert found.option_count == before

    document = sample("warning")
    other = dict(document["targets"][0]["findings"][0], code="dns.slow", title="A resolver is slow")
    document["targets"][0]["findings"].append(other)
    sit(over(document), act, size)


@pytest.mark.parametrize("form", ["text", "json"])
def test_e_writes_the_report_where_it_is_asked_to(size: Size, form: str, tmp_path: Path) -> None:
    file = tmp_path / "report"

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "e")
        assert showing(app) is Export
        await press(pilot, *["down"] * ["text", "json"].index(form))
        app.screen.query_one("#file", Input).value = str(file)
        await press(pilot, "enter")
        assert showing(app) is DiagnosisScreen
        assert "registry.cleanstart.com" in file.read_text()
        assert any("Wrote" in str(n.message) for n in app._notifications)

    sit(opened("certificate"), act, size)


def test_the_name_that_is_offered_is_no_files_yet(
    size: Size, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that was written before stays; one that is named by hand is written over."""
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "doctor-report.txt"
    kept.write_text("of another target")

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "e", "down", "up", "enter")
        assert kept.read_text() == "of another target"
        assert "registry.cleanstart.com" in (tmp_path / "doctor-report-2.txt").read_text()
        await press(pilot, "e")
        field = app.screen.query_one("#file", Input)
        assert field.value == "doctor-report-3.txt"
        await press(pilot, "down")
        assert field.value == "doctor-report.json"
        field.value = kept.name
        await press(pilot, "up", "enter")
        assert "registry.cleanstart.com" in kept.read_text()

    sit(opened("certificate"), act, size)


def test_what_cannot_be_written_is_said_and_can_be_put_right(size: Size, tmp_path: Path) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "e")
        app.screen.query_one("#file", Input).value = str(tmp_path / "no" / "such" / "folder")
        await press(pilot, "enter")
        assert showing(app) is Export
        said = " ".join(text(app).replace("│", " ").split())  # where it breaks is the path's doing
        assert "The file '" in said
        assert "cannot be written" in said
        await press(pilot, "escape")
        assert showing(app) is DiagnosisScreen

    sit(opened("certificate"), act, size)


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes"])
@pytest.mark.parametrize("key", ["r", "R", "w", "b", "v", "a"])
def test_a_key_that_does_nothing_over_an_opened_file_says_why(
    size: Size, name: str, key: str
) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, key)
        (said,) = (str(each.message) for each in app._notifications)
        assert said.startswith("This was opened from a file")
        footer = app.screen.query_one(Footer).query(FooterKey)
        assert key not in {each.key for each in footer}
        assert "Bundle" not in {c.title for c in app.get_system_commands(app.screen)}
        before = app.screen
        await press(pilot, "question_mark", key)
        assert len(app._notifications) == 1, "on a page that is only read it means nothing"
        await press(pilot, "escape")
        assert app.screen is before

    sit(opened(name), act, size)


@pytest.mark.parametrize(
    ("again", "said"), [(True, "was judged again here"), (False, "is shown as recorded")]
)
def test_what_became_of_an_opened_file_is_said_once_however_often_it_is_asked(
    size: Size, again: bool, said: str
) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "r", "b", "r")
        (told,) = (str(each.message) for each in app._notifications)
        assert said in told
        assert (await settled(app, pilot)).count("opened from a file") == 1
        app.notify("Something else.")
        assert "Something else." in await settled(app, pilot)
        assert len(app._notifications) == 2

    origin = {**ORIGIN, "kind": "bundle" if again else "report", "judged_again": again}
    sit(over({**sample("certificate"), "origin": origin}), act, size)


def test_where_there_is_no_command_c_says_so_and_the_palette_offers_only_those_there_are(
    size: Size,
) -> None:
    async def none(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "c")
        assert [str(n.message) for n in app._notifications] == ["There is no command to copy here."]

    async def some(app: DoctorApp, pilot: Pilot[int]) -> None:
        told = {c.title for c in app.get_system_commands(app.screen)}
        assert {"Copy", "Copy command 1", "Filter", "Another way"} <= told
        assert not {"Copy command 2", "Copy command 9", "Focus Next"} & told
        await press(pilot, "9")
        assert len(app._notifications) == 1
        await press(pilot, "1")
        assert app.copied

    sit(opened("healthy"), none, size)
    sit(opened("certificate"), some, size)


def test_help_is_there_once_and_its_own_key_leaves_it(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        before = app.screen
        await press(pilot, "question_mark")
        assert showing(app) is Help
        await press(pilot, "question_mark")
        assert app.screen is before
        await press(pilot, "question_mark", "escape")
        assert app.screen is before

    sit(opened("certificate"), act, size)


def test_help_says_every_key(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "question_mark")
        assert showing(app) is Help
        assert "copy the command" in text(app)
        await press(pilot, "escape")
        assert showing(app) is DiagnosisScreen

    sit(opened("certificate"), act, size)


def test_v_shows_the_next_client_that_looked(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for client in ("docker", "podman", "shell"):
            await press(pilot, "v")
            assert f"as {client}" in text(app).splitlines()[0]

    sit(opened("clients"), act, size)


def test_one_of_many_is_opened_and_escape_comes_back(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert showing(app) is SeveralScreen
        await press(pilot, "down", "enter")
        assert showing(app) is DiagnosisScreen
        assert sample("targets")["targets"][1]["target"] in text(app)
        await press(pilot, "escape")
        assert showing(app) is SeveralScreen
        await press(pilot, "escape")
        assert showing(app) is StartScreen

    sit(from_start("targets"), act, size)


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes"])
def test_escape_on_the_first_screen_stays_there_and_says_how_to_leave(
    size: Size, name: str
) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        first = app.screen
        await press(pilot, "escape", "escape", "escape")
        assert app.screen is first
        assert "This is the first screen; q quits." in await settled(app, pilot)
        await press(pilot, "q")

    assert sit(opened(name), act, size).return_value == 1


def test_many_are_filtered(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "slash", *"metrics")
        assert app.screen.query_one("#targets", OptionList).option_count == 1
        await press(pilot, "enter", "enter")
        assert "metrics" in text(app).splitlines()[0]

    sit(opened("targets"), act, size)


def test_a_clusters_pull_is_opened_to_its_workloads_and_its_command_copied(size: Size) -> None:
    pull: dict[str, Any] = sample("kubernetes")["kubernetes"]["pulls"][1]
    first = next(s["command"] for s in pull["findings"][0]["remedies"][0]["steps"] if s["command"])

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert showing(app) is ClusterScreen
        await press(pilot, "down", "c")
        assert app.clipboard == first
        await press(pilot, "enter")
        assert showing(app) is Reading
        assert pull["workloads"][0]["name"] in text(app)
        await press(pilot, "escape")
        assert showing(app) is ClusterScreen

    sit(opened("kubernetes"), act, size)


def test_a_probe_is_asked_for_before_it_is_made(size: Size) -> None:
    asked: list[Any] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.look_at = lambda targets, client="": asked.append((targets, client))  # type: ignore
        await press(pilot, "p", "escape")
        assert asked == []
        await press(pilot, "p")
        assert showing(app) is Ask
        await press(pilot, "y")
        image = sample("kubernetes")["kubernetes"]["pulls"][0]["image"]
        assert asked == [([image], "kubelet")]

    sit(opened("kubernetes"), act, size)


@pytest.mark.parametrize("name", ["certificate", "targets", "kubernetes"])
def test_the_footer_holds_seven_keys_at_most(size: Size, name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await settled(app, pilot)
        assert 3 <= len(app.screen.query_one(Footer).query(FooterKey)) <= 7

    sit(opened(name), act, size)


@pytest.mark.parametrize(("name", "code"), [("healthy", 0), ("certificate", 1), ("incomplete", 3)])
def test_q_leaves_with_the_reports_exit_code(size: Size, name: str, code: int) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "q")

    assert sit(opened(name), act, size).return_value == code


def test_the_palette_names_keys_as_one_types_them(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        told = {c.title: c.help for c in app.get_system_commands(app.screen)}
        assert (told["Filter"], told["Back"], told["Export"]) == ("key /", "key esc", "key e")

    sit(opened("certificate"), act, size)


def test_rules_are_parsed_once_for_the_same_colours(
    size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start; another theme's colours are seen as soon as it is chosen."""
    parsed: list[str] = []

    def counted(scope: str, css: str, *rest: Any, **named: Any) -> Any:
        parsed.append(css)
        return parse(scope, css, *rest, **named)

    monkeypatch.setattr("textual.css.stylesheet.parse", counted)
    own = (Path(stage.__file__).parent / "doctor.tcss").read_text()

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert parsed.count(own) == 1
        before = app.screen.styles.background
        app.theme = "doctor-light"
        await pilot.pause()
        assert app.screen.styles.background != before
        app.theme = "doctor-dark"
        await pilot.pause()
        assert app.screen.styles.background == before

    sit(opened("certificate"), act, size)


@pytest.mark.parametrize("name", ["certificate", "kubernetes"])
def test_lines_out_of_sight_are_counted_and_space_shows_them(size: Size, name: str) -> None:
    """From wherever one is: a command cut at the edge is else taken for the whole of it."""
    document = sample(name)
    entry = document["kubernetes"]["pulls"][0] if name == "kubernetes" else document["targets"][0]
    steps = entry["findings"][0]["remedies"][0]["steps"]
    steps += [{**steps[0], "text": f"Step {n}"} for n in range(30)]

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        paper = app.screen.query_one("#pull" if name == "kubernetes" else "#answer", Paper)
        for one in app.screen.query("#pulls, #path, Tabs, #list, #answer, #pull"):
            one.focus()
            paper.scroll_home(animate=False)
            shown = await settled(app, pilot)
            hidden = round(paper.max_scroll_y)
            assert f"▼ {hidden} more lines (Space)" in shown, one
            await press(pilot, "space")
            above = round(paper.scroll_y)
            assert above > 0
            assert f"▲ {above} ▼ {hidden - above} more lines" in text(app), one
        paper.scroll_end(animate=False)
        assert "▼" not in await settled(app, pilot)

    sit(over({**document, "origin": ORIGIN}), act, size)


def test_what_is_in_sight_is_not_counted(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        assert "more line" not in await settled(app, pilot)

    sit(opened("healthy"), act, size)


@pytest.mark.parametrize("theme", ["doctor-light", "doctor-dark", "textual-ansi", "ansi-dark"])
def test_every_theme_says_the_same(size: Size, theme: str) -> None:
    shown: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown.append(re.sub("[▁-█]", " ", await settled(app, pilot)))  # no scrollbar
        app.theme = theme if theme in app.available_themes else "textual-light"
        await press(pilot)
        shown.append(re.sub("[▁-█]", " ", await settled(app, pilot)))  # no scrollbar

    sit(opened("certificate"), act, size)
    first, second = (list(map(str.rstrip, each.splitlines())) for each in shown)
    assert first == second


@pytest.mark.parametrize("name", ["targets", "kubernetes", "undecided"])
@pytest.mark.parametrize("theme", ["doctor-light", "doctor-dark"])
def test_the_chosen_line_of_a_list_is_as_readable_as_the_others(
    size: Size, theme: str, name: str
) -> None:
    """State, name and cause in their own colours, on the cursor's."""

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.theme = theme
        chosen = app.screen.query("#list, #targets, #pulls").first(OptionList)
        chosen.focus()
        chosen.highlighted = 1
        await settled(app, pilot)
        paper, cursor = (_colours(app, chosen, line) for line in (0, 1))
        assert {ground for _, ground in cursor}.isdisjoint({ground for _, ground in paper})
        for text_, ground in cursor:
            assert _contrast(text_, ground) >= 3, (text_, ground)

    sit(opened(name), act, size)


def _colours(app: DoctorApp, shown: OptionList, line: int) -> set[tuple[Color, Color]]:
    """Of text and of ground, of all that stands in that line of the list."""
    strip = app.screen._compositor.render_strips()[shown.content_region.y + line]
    return {
        (Color.from_rich_color(s.style.color), Color.from_rich_color(s.style.bgcolor))
        for s in strip.crop(shown.content_region.x, shown.scrollable_content_region.right)
        if s.style and s.text.strip()
    }


def _contrast(one: Color, other: Color) -> float:
    """WCAG 2.2's ratio of two colours; 3 is its least for a large text or a sign."""

    def luminance(colour: Color) -> float:
        parts = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized
        )
        return sum(
            share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_without_colour_the_chosen_line_is_underlined(
    size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        chosen = app.screen.query_one("#targets", OptionList)
        top = chosen.content_region.y
        first, second = (app.screen._compositor.render_strips()[top + n] for n in (0, 1))
        assert all(s.style and s.style.underline for s in first if s.text.strip())
        assert not any(s.style and s.style.underline for s in second if s.text.strip())

    sit(opened("targets"), act, size)


def test_without_colour_it_says_the_same(size: Size, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown.append(await settled(app, pilot))

    sit(opened("certificate"), act, size)
    monkeypatch.setenv("NO_COLOR", "1")
    app = sit(opened("certificate"), act, size)
    assert app.no_color
    assert shown[0] == shown[1]


def test_any_size_at_any_moment_does_no_harm(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        for width, height in ((60, 20), (20, 6), (4, 2), (200, 60), (79, 24), size):
            await pilot.resize_terminal(width, height)
            await press(pilot, "tab")
        assert "Quit" in text(app)

    for name in ("certificate", "kubernetes", "targets", "clients"):
        sit(opened(name), act, size)


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_a_cluster_without_a_failing_pull_says_what_was_found(size: Size, verdict: str) -> None:
    document = sample("kubernetes")
    cluster = document["kubernetes"]
    finding = cluster["pulls"][0]["findings"][0]
    cluster.update(pulls=[], pods_failing=0, verdict=verdict)
    if verdict == "fail":
        cluster.update(pods_seen=0, context=None, findings=[finding])

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown = text(app)
        if verdict == "pass":
            assert "0 of 312 pods cannot pull" in shown
            assert "No image pull fails." in shown
        else:
            assert "could not be looked at" in shown
            assert finding["title"] in shown
            await press(pilot, "c")
            assert app.copied
        await press(pilot, "enter", "n", "p")

    sit(over(document), act, size)


def test_every_command_is_found_by_its_name(size: Size) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "ctrl+p", *"export")
        for _ in range(100):
            if "Export" in text(app):
                break
            await pilot.pause(0.02)
        await press(pilot, "down", "enter")
        for _ in range(100):
            if showing(app) is Export:
                break
            await pilot.pause(0.02)
        assert showing(app) is Export

    sit(opened("certificate"), act, size)
