"""What happens while a run lasts? Scripted events stand in for the engine; nothing is contacted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from doctor import run as engine
from doctor.command.intake import given
from doctor.model import CheckResult, Event, Hop, Observer, Report, Target
from doctor.redact import Secret
from doctor.tui import watch
from doctor.tui.app import DoctorApp
from doctor.tui.history import History
from doctor.tui.paper import Paper
from doctor.tui.sitting import Sitting
from doctor.tui.start import StartScreen
from tests.report.samples import sample
from tests.tui.seen import SIZES, options, over, press, same, sit, text

IMAGE = "registry.cleanstart.com/lab/app:latest"
STUCK = 5.0
"""Seconds of the processor that no step needs, on no machine."""
REPORT = Report((), datetime(2026, 11, 28, tzinfo=UTC), 1.0, "pass")
Script = Callable[[Sequence[Target], Observer], Awaitable[None]]


def scripted(
    monkeypatch: pytest.MonkeyPatch, script: Script, *documents: dict[str, Any]
) -> list[tuple[Target, ...]]:
    """The engine plays the script; each run ends with the next document. Gives what was asked."""
    asked: list[tuple[Target, ...]] = []

    async def report(
        targets: Sequence[Target],
        options: Any,
        checks: Any,
        book: Any,
        secret: Secret | None = None,
        observer: Observer | None = None,
    ) -> Report:
        asked.append(tuple(targets))
        assert observer is not None
        await script(targets, observer)
        return REPORT

    def document(report: Report) -> dict[str, Any]:
        return documents[min(len(asked), len(documents)) - 1]

    monkeypatch.setattr(engine, "report", report)
    monkeypatch.setattr("doctor.report.document.document", document)
    return asked


def live(*targets: str) -> DoctorApp:
    """The application that looks at these."""
    chosen = options(*targets)
    found, secret = given(chosen)
    return DoctorApp(chosen, Sitting(chosen, found, secret), History(None))


async def nothing(targets: Sequence[Target], observer: Observer) -> None:
    """A run in which nothing is seen."""


async def for_ever(targets: Sequence[Target], observer: Observer) -> None:
    await asyncio.Event().wait()


async def until(app: DoctorApp, pilot: Pilot[int], true: Callable[[], bool]) -> None:
    """Some paintings later at most."""
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(text(app))


def told(
    target: Target,
    kind: Any,
    check: str = "",
    hop: Hop | None = None,
    status: Any = None,
    **more: Any,
) -> Event:
    result = CheckResult(check, status, hop, **more) if status else None
    return Event(kind, target, check, hop, result)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_whole_plan_stands_there_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    begun = asyncio.Event()
    shown: list[str] = []

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        begun.set()
        await asyncio.Event().wait()

    scripted(monkeypatch, script)
    app = live(IMAGE)
    real = Sitting.start

    def start(self: Sitting, **more: Any) -> None:
        shown.append(text(app))
        real(self, **more)

    monkeypatch.setattr(Sitting, "start", start)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, begun.is_set)

    sit(app, act, size)
    same(f"plan-{size[0]}x{size[1]}.txt", shown[0])
    assert shown[0].count("waiting") == 9
    assert "passed" not in shown[0]


def test_stations_change_as_they_are_told_of_and_hops_appear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = Hop("token", "auth.cleanstart.com", 443)
    step = asyncio.Event()

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        (target,) = targets
        at = target.registry
        observer(told(target, "planned"))
        observer(told(target, "hop", hop=at))
        observer(told(target, "finished", "dns", at, "pass", ms=12.0, summary="192.0.2.1"))
        observer(told(target, "started", "tcp", at))
        observer(told(target, "hop", hop=token))
        observer(told(target, "finished", "image", None, "fail", part="reference", summary="x"))
        observer(told(target, "finished", "tls", at, "fail", ms=80.0, summary="Unknown CA"))
        observer(told(target, "finished", "api", None, "skip", blocked_by="tls"))
        await step.wait()

    scripted(monkeypatch, script, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "running" in text(app))
        shown = text(app)
        for each in ("dns passed 12 ms", "tcp running", "FAILED 80 ms", "blocked by tls"):
            assert each in shown
        assert "token    auth.cleanstart.com:443" in shown
        assert "image waiting" in shown, "a part that ended is not the whole check"
        assert "Looking: tcp" in shown
        step.set()
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        assert "Lab Issuing CA" in text(app)

    sit(live(IMAGE), act, (100, 40))


@pytest.mark.parametrize("where", ["at once", "while it runs", "on another page"])
def test_leaving_a_run_ends_it_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    ended: list[bool] = []

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    asked = scripted(monkeypatch, script)
    threads = set(threading.enumerate())

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        if where != "at once":
            await until(app, pilot, lambda: bool(asked))
        if where == "on another page":
            await press(pilot, "question_mark")
        await pilot.press("q")

    app = sit(live(IMAGE), act)
    assert app.return_value == 130
    assert len(ended) == len(asked)
    assert {t for t in threading.enumerate() if not t.daemon} <= threads


def test_escape_ends_the_run_and_leads_to_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, for_ever)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, *IMAGE, "enter")
        await until(app, pilot, lambda: bool(asked))
        sitting = app.sitting
        assert sitting is not None
        await press(pilot, "escape")
        assert isinstance(app.screen, StartScreen)
        await until(app, pilot, lambda: not sitting.running)

    assert sit(DoctorApp(options(), None, History(None)), act).return_value is None


def test_escape_where_one_came_with_a_target_leads_nowhere_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = scripted(monkeypatch, for_ever)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: bool(asked))
        first = app.screen
        await press(pilot, "escape")
        assert app.screen is first
        assert app.sitting is not None
        assert app.sitting.running
        await press(pilot, "q")

    assert sit(live(IMAGE), act).return_value == 130


def test_r_runs_again_and_what_changed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("certificate"), sample("healthy"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "r")
        await until(app, pilot, lambda: "All is well" in text(app))
        assert "Changed  Cannot be pulled → All is well" in text(app)
        await press(pilot, "q")

    assert sit(live(IMAGE), act).return_value == 0
    assert len(asked) == 2


def test_w_runs_again_until_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SECONDS", 0.05)
    ill, well = sample("certificate"), sample("healthy")
    asked = scripted(monkeypatch, nothing, ill, ill, well)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "w")
        await until(app, pilot, lambda: len(asked) == 3 and not app.watcher.on)
        await until(app, pilot, lambda: "FAILED → passed" in text(app))
        assert any("All is well now" in str(n.message) for n in app._notifications)
        assert "watching" not in text(app).splitlines()[0]

    sit(live(IMAGE), act)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (("certificate", "warning"), "It works now, with warnings."),
        (("incomplete", "warning"), "It works now, with warnings."),
        (("warning", "warning", "healthy"), "All is well now."),
        (("warning", "certificate", "warning"), "It works now, with warnings."),
        (("kubernetes", "kubernetes", "healthy"), "All is well now."),
    ],
)
def test_w_ends_when_it_works_and_says_how_well(
    monkeypatch: pytest.MonkeyPatch, verdicts: tuple[str, ...], said: str
) -> None:
    """A lasting warning is waited for only by who began with it; a cluster's pull that fails for no
    known reason is no warning."""
    monkeypatch.setattr(watch, "SECONDS", 1000.0)  # its turn comes when the test says
    documents = [sample(name) for name in verdicts]
    for each in documents:
        if each["kubernetes"]:
            each["verdict"] = "warn"
    asked = scripted(monkeypatch, nothing, *documents)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        sitting = app.sitting
        assert sitting is not None
        await until(app, pilot, lambda: sitting.document is not None and not sitting.running)

        def ran(times: int) -> bool:
            return len(asked) == times and not sitting.running

        await press(pilot, "w")
        for run in range(2, len(documents) + 1):
            assert app.watcher.on
            app.watcher._again()
            await until(app, pilot, partial(ran, run))
            await press(pilot)
        await until(app, pilot, lambda: not app.watcher.on)
        assert f"{said} No longer watching." in [str(n.message) for n in app._notifications]

    assert sit(live(IMAGE), act).bug is None


def test_w_again_stops_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "w")
        assert "watching" in text(app).splitlines()[0]
        await press(pilot, "w")
        assert "watching" not in text(app).splitlines()[0]
        assert not app.watcher.on

    sit(live(IMAGE), act)
    assert len(asked) == 1


def test_v_looks_as_the_next_client_and_a_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(
        monkeypatch, nothing, sample("certificate"), sample("certificate"), sample("clients")
    )

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app._clients = ("shell", "docker")
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "v")
        await until(app, pilot, lambda: len(asked) == 2 and "Cannot be pulled" in text(app))
        await press(pilot, "a")
        await until(app, pilot, lambda: len(asked) == 3 and "ends at tls" in text(app))

    sit(live(IMAGE), act)
    assert [targets[0].client for targets in asked] == ["shell", "docker", "shell"]


def test_a_opens_the_table_of_clients_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("certificate"), sample("clients"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app._clients = ("shell", "docker", "podman")
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        assert "as shell " in text(app).splitlines()[0], "one client has no place among others"
        await press(pilot, "a")
        await until(app, pilot, lambda: bool(app.screen.query("#clients-page")))
        page = app.screen.query_one("#clients-page", Paper)
        await until(app, pilot, lambda: page.has_focus and "podman" in text(app))
        assert "as shell, 1 of 3" in text(app).splitlines()[0]
        await press(pilot, "escape", "r")
        await until(app, pilot, lambda: len(asked) == 3)
        await press(pilot)
        assert not page.has_focus, "it was opened once"

    assert sit(live(IMAGE), act).bug is None


def test_a_over_several_says_what_is_done_and_each_is_opened_at_its_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = sample("clients")
    others = [{**t, "target": "quay.io/a/b:1"} for t in document["targets"]]
    rows = [{**r, "target": "quay.io/a/b:1"} for r in document["clients"]]
    document = {
        **document,
        "targets": [*document["targets"], *others],
        "clients": [*document["clients"], *rows],
    }
    asked = scripted(monkeypatch, nothing, sample("targets"), document)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app._clients = ("shell", "docker", "podman")
        await until(app, pilot, lambda: "2 targets: 2 " in text(app) or "failed" in text(app))
        await press(pilot, "a")
        await until(app, pilot, lambda: len(asked) == 2)
        said = [str(each.message) for each in app._notifications]
        assert said == [
            "Looking as shell, docker, podman; Enter on a target shows them side by side."
        ]
        await until(app, pilot, lambda: bool(app.sitting and app.sitting.document))
        await press(pilot, "down", "enter")
        await until(app, pilot, lambda: bool(app.screen.query("#clients-page")))
        page = app.screen.query_one("#clients-page", Paper)
        await until(app, pilot, lambda: page.has_focus and "podman" in text(app))

    assert sit(live(IMAGE, "quay.io/a/b:1"), act).bug is None


def test_a_where_there_is_one_client_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app._clients = ("shell",)
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, "a")
        said = [str(each.message) for each in app._notifications]
        assert said == ["No other client than shell was found here."]

    sit(live(IMAGE), act)
    assert len(asked) == 1


def test_what_was_not_well_runs_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    document = sample("targets")
    names = [t["target"] for t in document["targets"]]
    asked = scripted(monkeypatch, nothing, document)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "3 failed" in text(app))
        await press(pilot, "R")
        await until(app, pilot, lambda: len(asked) == 2)

    sit(live(*names), act)
    unwell = [t["target"] for t in document["targets"] if t["verdict"] != "pass"]
    assert [t.text for t in asked[1]] == unwell


@pytest.mark.parametrize("count", [20, 200])
def test_many_targets_cost_no_painting_for_an_event(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Of 60 events for each target: a line is drawn anew once for each painting, and a key is
    answered between two of them."""
    step = asyncio.Event()

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        for _ in range(30):
            for target in targets:
                observer(told(target, "started", "dns", target.registry))
                observer(told(target, "finished", "dns", target.registry, "pass", ms=1.0))
        await step.wait()

    document = sample("targets")
    document["targets"] = [document["targets"][0]] * count
    scripted(monkeypatch, script, document)
    app = live(*[f"registry.example/app:{n}" for n in range(count)])

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        sitting, screen = app.sitting, app.screen
        assert sitting is not None
        await until(app, pilot, lambda: sitting.events == 60 * count and not sitting.dirty)
        assert screen.painted <= 10 * count  # type: ignore[attr-defined]
        before = screen.painted  # type: ignore[attr-defined]
        await press(pilot, "down", "down")
        assert screen.query_one("#targets").highlighted == 2  # type: ignore[attr-defined]
        assert screen.painted == before  # type: ignore[attr-defined]
        step.set()
        await until(app, pilot, lambda: f"{count} well" in text(app))

    sit(app, act)


def test_a_bug_in_a_run_ends_in_a_crash_report_without_values(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from doctor.process.crash import text as report

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        harmless_looking = "s3cr3t-in-a-variable"
        raise KeyError(len(harmless_looking))

    scripted(monkeypatch, script)
    app = live(IMAGE)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: app.bug is not None)

    with pytest.raises(KeyError):
        sit(app, act)
    assert app.bug is not None
    written = report(app.bug)
    assert "in test_a_bug_in_a_run" in written
    assert "s3cr3t" not in written
    assert app._exit_renderables == [], "Textual's own report shows variables"


def test_a_bug_in_a_page_ends_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    document = sample("certificate")
    del document["targets"][0]["checks"]
    app = over(document)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down")

    with pytest.raises(KeyError):
        sit(app, act)
    assert isinstance(app.bug, KeyError)
    assert app._exit_renderables == []


def test_nothing_waits_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """No step sleeps, looks a name up or starts a program while the keys wait, and none keeps the
    processor for ever. (By the processor's clock: a busy machine is no fault.)"""
    import sys
    import time

    main, blocking, slow = threading.main_thread(), [], []
    watched = {"time.sleep", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"}
    on = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        numeric = event.startswith("socket") and arguments[0] in ("127.0.0.1", "::1")
        if on and event in watched and not numeric and threading.current_thread() is main:
            blocking.append((event, arguments))

    real: Any = asyncio.events.Handle._run

    def timed(self: Any) -> None:
        began = time.thread_time()
        real(self)
        if time.thread_time() - began > STUCK:
            slow.append(repr(self))

    monkeypatch.setattr(asyncio.events.Handle, "_run", timed)
    sys.addaudithook(hook)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: bool(app.sitting and app.sitting.document))
        await press(pilot, "enter", "escape", "r")
        await until(app, pilot, lambda: bool(app.sitting and app.sitting.document))
        assert "refused" in text(app)

    try:
        sit(live("localhost:9/app:1"), act)
    finally:
        on = False
    assert blocking == []
    assert slow == []


def test_the_start_looks_at_what_is_typed_and_remembers_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = scripted(monkeypatch, nothing, sample("healthy"))
    history = History(tmp_path / "state" / "recent.json")

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, *IMAGE, "enter")
        await until(app, pilot, lambda: "All is well" in text(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, StartScreen)
        assert f"{IMAGE}  looked at lately" in text(app)
        await press(pilot, "down", "enter")
        await until(app, pilot, lambda: len(asked) == 2)

    sit(DoctorApp(options(), None, history), act)
    assert [t[0].text for t in asked] == [IMAGE, IMAGE]


@pytest.mark.parametrize(
    ("typed", "targets"),
    [
        (f'"docker pull {IMAGE}"', [f"docker pull {IMAGE}"]),
        (f"'docker pull {IMAGE}'", [f"docker pull {IMAGE}"]),
        (f'"docker pull {IMAGE}', [f"docker pull {IMAGE}"]),
        (f"docker pull {IMAGE}", [f"docker pull {IMAGE}"]),
        (f'quay.io {IMAGE}"', ["quay.io", IMAGE]),
        (f'"{IMAGE}" quay.io', [IMAGE, "quay.io"]),
        (f"{IMAGE} quay.io", [IMAGE, "quay.io"]),
        ("quay.io/ann's", ["quay.io/ann's"]),
        ('""', ["registry.cleanstart.com"]),
    ],
)
def test_quotes_around_what_is_typed_are_read_as_the_shell_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, targets: list[str]
) -> None:
    asked = scripted(monkeypatch, nothing, sample("healthy"))
    history = History(tmp_path / "state" / "recent.json")

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.screen.query_one("#target", Input).value = typed
        await press(pilot, "enter")
        await until(app, pilot, lambda: bool(asked))

    sit(DoctorApp(options(), None, history), act)
    assert [each.text for each in asked[0]] == targets
    assert history.targets == [each.removeprefix("docker pull ") for each in targets]


def test_nothing_typed_is_the_default_target(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, nothing, sample("healthy"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "enter")
        await until(app, pilot, lambda: bool(asked))

    sit(DoctorApp(options(), None, History(None)), act)
    assert asked[0][0].text == "registry.cleanstart.com"


def test_a_signal_ends_it_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import signal

    asked = scripted(monkeypatch, for_ever)
    app = live(IMAGE)
    app.signals = (signal.SIGTERM,)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: bool(asked))
        os.kill(os.getpid(), signal.SIGTERM)
        await until(app, pilot, lambda: app.return_value is not None)

    assert sit(app, act).return_value == 143


@pytest.mark.parametrize("many", [False, True])
def test_a_secret_of_a_target_or_of_what_a_check_says_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    secret = "correct-horse-battery"
    Secret(secret)
    name = f"me:{secret}@registry.example/app:1"

    async def script(targets: Sequence[Target], observer: Observer) -> None:
        target = targets[0]
        said = f"refused {secret}"
        observer(told(target, "finished", "dns", target.registry, "fail", summary=said))
        observer(told(target, "finished", "image", None, "fail", summary=said))
        await asyncio.Event().wait()

    scripted(monkeypatch, script)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "fail" in text(app).casefold())
        shown = text(app)
        await press(pilot, "enter", "end", "enter")
        shown += text(app)
        assert "registry.example" in shown
        assert secret not in shown

    sit(live(name, *(["registry.example/app:2"] if many else [])), act)


@pytest.mark.parametrize("size", [*SIZES, (60, 20), (82, 24)])
def test_the_station_that_failed_stays_in_sight_whatever_room_the_path_has(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """The answer grows as its remedy comes: the path is left a line, then two, then more. At 82
    columns the scrollbar takes the room that its last station had."""
    scripted(monkeypatch, nothing, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "tls FAILED" in text(app))
        way = app.screen.query_one("#way")
        for lines in (1, 5, 2):
            way.styles.max_height = way.gutter.height + lines
            for _ in range(3):
                await pilot.pause()
            assert "tls FAILED" in text(app), text(app)

    sit(live(IMAGE), act, size)


def test_while_a_run_lasts_a_key_for_its_report_says_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted(monkeypatch, for_ever)

    said: list[str] = []

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        app.notify = lambda message, **more: said.append(message)  # type: ignore
        await until(app, pilot, lambda: "stations have answered" in text(app))
        lines = text(app).splitlines()
        assert any(line.startswith("   pulled.") for line in lines), "it is broken below its text"
        await press(pilot, "e", "b", "c")

    sit(live(IMAGE), act, (60, 20))
    none, command = "There is no report yet.", "There is no command to copy here."
    assert said == [none, none, command]
