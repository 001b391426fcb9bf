"""The page in a real browser, from disk: no error, no request, it can be read without its script,
the copy button copies, and axe finds no fault in light or dark, wide or narrow.

axe-core stands in tests/report/axe with its licence: one file, run inside the page through the
browser's own protocol, so that no second runtime is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.report.html import render
from tests.lab.programs import need
from tests.report.browser import Browser, browser
from tests.report.samples import NAMES, sample

pytestmark = pytest.mark.lab

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text(encoding="utf-8")
WIDTHS = {"light": 1200, "dark": 390}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    need("chromium")
    with browser() as found:
        yield found


def written(name: str, folder: Path) -> Path:
    file = folder / f"{name}.html"
    file.write_text(render(sample(name)), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_quiet_and_fit_for_everybody(
    name: str, scheme: str, chromium: Browser, tmp_path: Path
) -> None:
    file = written(name, tmp_path)
    chromium.open(file, width=WIDTHS[scheme], scheme=scheme)
    chromium.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert chromium.run("document.documentElement.scrollWidth") <= WIDTHS[scheme]
    found = chromium.run(f"{AXE}; axe.run(document, {{resultTypes: ['violations']}})")
    told = [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in found["violations"]]
    assert told == []
    assert found["passes"], "axe looked"
    requests = [e["request"]["url"] for e in chromium.of("Network.requestWillBeSent")]
    assert requests == [file.absolute().as_uri()]
    assert (
        chromium.of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    )


def test_axe_sees_a_fault(chromium: Browser, tmp_path: Path) -> None:
    file = written("healthy", tmp_path)
    file.write_text(file.read_text().replace(' lang="en"', "").replace("<h1", "<h1 role=img"))
    chromium.open(file)
    found = chromium.run(f"{AXE}; axe.run()")
    assert {"html-has-lang", "role-img-alt"} & {v["id"] for v in found["violations"]}


def test_what_gets_in_all_the_same_is_dead(chromium: Browser, tmp_path: Path) -> None:
    """The policy, not only the escaping."""
    file = written("healthy", tmp_path)
    evil = (
        "<img src=http://127.0.0.1:9/x onerror='document.title=1'><script>document.title=2</script>"
    )
    file.write_text(file.read_text().replace("</h1>", f"</h1>{evil}"))
    chromium.open(file)
    assert chromium.run("document.title").startswith("All is well")
    blocked = [e for e in chromium.of("Log.entryAdded") if "Content Security" in str(e)]
    assert len(blocked) >= 2


def test_the_copy_button_copies_the_command(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(written("certificate", tmp_path))
    chromium.allow_clipboard()
    chromium.run("document.querySelector('button.copy').click()")
    chromium.run("new Promise(done => setTimeout(done, 300))")
    command = sample("certificate")["targets"][0]["findings"][0]["remedies"][0]["steps"][0][
        "command"
    ]
    assert chromium.run("navigator.clipboard.readText()") == command
    assert chromium.run("document.getElementById('told').textContent") == "The command is copied."


def test_without_its_script_it_can_be_read(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(written("certificate", tmp_path), script=False)
    shown = chromium.run("document.body.innerText")
    for words in (
        "Lab Issuing CA is missing",
        "openssl s_client -connect",
        "intermediate, not sent",
    ):
        assert words in shown
    assert chromium.run("document.querySelectorAll('button:not([hidden])').length") == 0
    chromium.run("document.querySelector('summary').click()")
    assert chromium.run("document.querySelector('details').open") is True


def test_all_is_open_on_paper_and_closed_again(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(written("certificate", tmp_path))
    closed = "document.querySelectorAll('details:not([open])').length"
    before = chromium.run(closed)
    assert before
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    assert chromium.run(closed) == 0
    chromium.run("dispatchEvent(new Event('afterprint'))")
    assert chromium.run(closed) == before


def test_it_can_be_gone_through_by_keyboard(chromium: Browser, tmp_path: Path) -> None:
    """The way to the report first, then every fold and button; what has the focus is seen."""
    chromium.open(written("certificate", tmp_path))
    reached = []
    for _ in range(8):
        for kind in ("keyDown", "keyUp"):
            chromium.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab")
        reached.append(chromium.run("document.activeElement.textContent.slice(0, 20)"))
    assert reached[0] == "To the report"
    assert reached[1] == "Copy"
    assert any(each.startswith("Or: ") for each in reached)
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert chromium.run(outline) == "solid"
