"""How does each screen look? Pictures that a reviewer reads, from fixed reports: no clock and no
network is in them."""

from __future__ import annotations

import os
import re

import pytest
from textual.pilot import Pilot

from doctor.tui.app import DoctorApp
from doctor.tui.history import History
from tests.tui.seen import FOLDER, SIZES, opened, options, press, same, settled, sit, text

DOCUMENTS = (
    ("healthy", ()),
    ("certificate", ()),
    ("certificate-evidence", ("enter",)),
    ("name-evidence", ("enter",)),
    ("proxy-evidence", ("enter",)),
    ("login-evidence", ("enter",)),
    ("rate-evidence", ("enter",)),
    ("tag", ()),
    ("undecided", ()),
    ("warning", ()),
    ("incomplete", ()),
    ("left-out", ()),
    ("hostile", ()),
    ("targets", ()),
    ("kubernetes", ()),
    ("kubernetes-pull", ("enter",)),
    ("certificate-finding", ("tab", "tab", "tab", "enter")),
    ("certificate-export", ("e",)),
    ("certificate-help", ("question_mark",)),
)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("name", "keys"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_a_screen_is_as_it_was(name: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    document = next(n for n in _names() if name == n or name.startswith(f"{n}-"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, *keys)
        same(f"{name}-{size[0]}x{size[1]}.txt", text(app))

    sit(opened(document), act, size)


def _names() -> list[str]:
    from tests.report.samples import NAMES

    return sorted(NAMES, key=len, reverse=True)


@pytest.mark.parametrize("tab", ["timing", "clients", "facts"])
def test_a_tab_is_as_it_was(tab: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.screen.query_one("#tabs").active = tab  # type: ignore[attr-defined]
        same(f"clients-{tab}-120x40.txt", await settled(app, pilot))

    sit(opened("clients"), act, (120, 40))


@pytest.mark.parametrize("name", ["certificate", "clients", "kubernetes", "targets"])
def test_a_small_terminal_is_enough(name: str) -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown = await settled(app, pilot)
        same(f"{name}-60x20.txt", shown)
        assert "Quit" in shown

    sit(opened(name), act, (60, 20))


def test_the_start_is_as_it_was() -> None:
    history = History(None)
    history.targets = ["registry.cleanstart.com/library/base:latest", "registry.example"]

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        same("start-80x24.txt", text(app))

    sit(DoctorApp(options(), None, history), act)


SHOTS = (
    ("certificate", (100, 34), (), "doctor-dark"),
    ("certificate", (120, 40), ("enter",), "doctor-dark"),
    ("healthy", (80, 24), (), "doctor-light"),
    ("kubernetes", (120, 40), (), "doctor-dark"),
)


@pytest.mark.parametrize(("name", "size", "keys", "theme"), SHOTS)
def test_the_readmes_pictures_are_of_this_version(
    name: str, size: tuple[int, int], keys: tuple[str, ...], theme: str
) -> None:
    """Their text; colours may be drawn otherwise by another version of the library."""
    file = FOLDER / f"{name}{'-evidence' if keys else ''}.svg"

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.theme = theme
        await press(pilot, *keys)
        if os.environ.get("UPDATE"):
            drawn = app.export_screenshot(title="doctor")
            file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S))
        drawn = file.read_text().replace("&#160;", " ")
        assert "url(http" not in drawn, "a picture fetches nothing"
        for line in text(app).splitlines():
            for word in line.split():
                if word.isalnum():
                    assert word in drawn, word

    sit(opened(name), act, size)
