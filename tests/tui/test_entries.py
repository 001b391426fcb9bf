"""Do the entries that lead to other rooms call them? Where a room needs much it is stood in for;
each has its own tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from doctor.bundle.archive import unpack
from doctor.command.intake import given
from doctor.model import Report
from doctor.tui import entries
from doctor.tui.app import DoctorApp
from doctor.tui.cluster import ClusterScreen
from doctor.tui.diagnosis import DiagnosisScreen
from doctor.tui.history import History
from doctor.usage import UsageError
from tests import leaks
from tests.kube.api import kubeconfig, serving
from tests.kube.cluster import REJECTED, cluster, pod, secret
from tests.report.samples import sample
from tests.tui.seen import ORIGIN, options, over, press, sit, text
from tests.tui.test_live import IMAGE, REPORT, live, nothing, scripted, until

PASSWORD = leaks.password("a pull Secret of the cluster that is checked")


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **what: Any) -> None:
    module = ModuleType(name)
    vars(module).update(what)
    monkeypatch.setitem(sys.modules, name, module)
    parent, _, own = name.rpartition(".")
    if parent in sys.modules:
        monkeypatch.setattr(sys.modules[parent], own, module, raising=False)


def start() -> DoctorApp:
    return DoctorApp(options(), None, History(None))


def test_every_entry_is_offered() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        shown = text(app)
        assert all(each in shown for each in ("Check my cluster", "Open a bundle", "Demo"))
        assert app.screen.query_one("#entries", OptionList).option_count == 3

    sit(start(), act)


def test_keys_that_come_all_at_once_go_where_they_are_meant_to() -> None:
    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        screen = app.screen
        for _ in range(3):  # none waits for what follows from the one before
            app.post_message(Key("down", None))
        await press(pilot)
        options = screen.query_one("#entries", OptionList)
        assert (options.has_focus, options.highlighted) == (True, 2)

    sit(start(), act)


def test_a_file_is_opened_and_shown_with_its_origin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def read(path: str) -> Any:
        if not path.endswith(".tar.gz"):
            raise UsageError(f"{path} is no bundle")
        asked.append(path)
        return SimpleNamespace()

    def judged(found: Any, *, name: str = "") -> Any:
        changes = ["the verdict was fail and is warn."]
        origin = {
            **ORIGIN,
            "kind": "bundle",
            "file": name,
            "judged_again": True,
            "changes": changes,
        }
        return {**sample("certificate"), "origin": origin}, ()

    stand_in(monkeypatch, "doctor.bundle")
    stand_in(monkeypatch, "doctor.bundle.opened", read=read)
    stand_in(monkeypatch, "doctor.command.opinion", judged=judged)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "down", "enter")
        app.screen.query_one("#file", Input).value = "elsewhere"
        await press(pilot, "enter")
        await until(app, pilot, lambda: "elsewhere is no bundle" in text(app))
        app.screen.query_one("#file", Input).value = f"{tmp_path}/theirs.tar.gz"
        await press(pilot, "enter")
        await until(app, pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        await press(pilot)
        shown = text(app)
        assert "theirs.tar.gz, 3 hours old" in shown.splitlines()[0]
        assert "the verdict was fail and is warn." in shown
        assert "Again" not in shown.splitlines()[-1], "what was opened cannot be run"

    sit(start(), act, (100, 40))
    assert asked == [f"{tmp_path}/theirs.tar.gz"]


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_the_cluster_is_asked_and_its_pulls_are_shown(
    monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    async def looked(options: Any, tell: Callable[[str], None], kept: Any, **more: Any) -> Report:
        tell("reading 312 pods")
        if ends == "badly":
            raise UsageError("the context prod is not in the kubeconfig")
        return REPORT

    stand_in(monkeypatch, "doctor.command.k8s", looked=looked)
    monkeypatch.setattr("doctor.report.document.document", lambda _: sample("kubernetes"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, ClusterScreen)
        if ends == "well":
            await until(app, pilot, lambda: "15 of 312 pods cannot pull" in text(app))
        else:
            await until(app, pilot, lambda: "is not in the kubeconfig" in text(app))
        await press(pilot, "escape")
        assert app.screen.query("#target")

    sit(start(), act)


def test_a_cluster_that_answers_is_shown_and_handed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The room itself, and an API server."""
    there = cluster(
        pod(secrets=("pull",), message=REJECTED),
        pod("other", state={"running": {}}),
        secrets=[secret("pull", auths={"registry.corp:5000": f"ann:{PASSWORD}"})],
    )
    file = tmp_path / "b.tar.gz"

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "enter")
        await until(app, pilot, lambda: "1 of 2 pods cannot pull" in text(app))
        shown = text(app)
        assert "registry.corp:5000" in shown
        assert PASSWORD[:9] not in shown
        await press(pilot, "b")
        app.screen.query_one("#file", Input).value = str(file)
        await press(pilot, "enter")
        await until(app, pilot, file.exists)
        await press(pilot, "escape")

    with serving(there, tmp_path) as server:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, server, "shop")))
        sit(start(), act, (100, 40))
    files = unpack(file.read_bytes())
    assert {"kubernetes/Pod/shop/web.json", "kubernetes/Secret/shop/pull.json"} <= set(files)
    assert leaks.leaks(files) == {}
    assert all("/namespaces/shop/" in each for each in there.asked("pods"))


def test_a_clusters_image_is_probed_as_the_kubelet_here_and_escape_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From a cluster that was opened; what was not typed as a target is not remembered as one."""
    asked = scripted(monkeypatch, nothing, sample("certificate"))
    image = sample("kubernetes")["kubernetes"]["pulls"][0]["image"]

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        added: list[str] = []
        app.history.add = added.append  # type: ignore
        await press(pilot, "p")
        assert "<LF>" not in text(app)
        assert "Enter: yes    Esc: no" in text(app)
        await press(pilot, "enter")
        await until(app, pilot, lambda: bool(asked))
        (target,) = asked[0]
        assert (target.text, target.client) == (image, "kubelet")
        assert isinstance(app.screen, DiagnosisScreen)
        assert added == []
        await press(pilot, "escape")
        assert isinstance(app.screen, ClusterScreen)

    app = sit(over({**sample("kubernetes"), "origin": ORIGIN}), act)
    assert app.bug is None


def test_a_bundle_of_what_was_found_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[Any] = []
    import_module("doctor.command.casefile")  # it takes from the room that is stood in for
    stand_in(monkeypatch, "doctor.bundle")
    stand_in(
        monkeypatch,
        "doctor.bundle.write",
        check=lambda file, named: None,
        put=lambda file, data: written.append((file, data)),
    )
    stand_in(
        monkeypatch,
        "doctor.command.handover",
        surroundings=lambda report, root: (report, root),
        finished=lambda report, around, checks, book: SimpleNamespace(data=b"x"),
    )
    scripted(monkeypatch, nothing, sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await until(app, pilot, lambda: "Bundle" in text(app).splitlines()[-1])
        await press(pilot, "b")
        assert app.screen.query_one("#file", Input).value == "doctor-20261128T000000Z.tar.gz"
        app.screen.query_one("#file", Input).value = f"{tmp_path}/b.tar.gz"
        await press(pilot, "enter")
        await until(app, pilot, lambda: bool(written))

    sit(live(IMAGE), act)
    assert written == [(f"{tmp_path}/b.tar.gz", b"x")]


@pytest.mark.parametrize("leaving", ["escape", "q"])
def test_a_demo_stands_until_one_leaves_it(monkeypatch: pytest.MonkeyPatch, leaving: str) -> None:
    happened: list[str] = []
    chosen = options(IMAGE)
    targets, _ = given(chosen)

    async def look(observer: Any) -> Report:
        happened.append("look")
        return REPORT

    @asynccontextmanager
    async def started(fault: str, options: Any) -> AsyncIterator[Any]:
        happened.append(f"up {fault}")
        yield SimpleNamespace(
            options=chosen, targets=targets, environ={}, look=look, fault=faults[0]
        )
        happened.append("down")

    faults = (SimpleNamespace(name="expired", says="a certificate that ran out"),)
    stand_in(monkeypatch, "doctor.demo", started=started)
    stand_in(monkeypatch, "doctor.demo.faults", FAULTS=faults)
    monkeypatch.setattr("doctor.report.document.document", lambda _: sample("certificate"))

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        await press(pilot, "down", "down", "down", "enter")
        assert "expired  a certificate that ran out" in text(app)
        await press(pilot, "enter")
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        assert "Client" not in text(app).splitlines()[-1]
        app.screen.query_one("#answer").scroll_end(animate=False)
        await until(app, pilot, lambda: "a demo: a certificate that ran out." in text(app))
        await press(pilot, "r")
        await until(app, pilot, lambda: happened.count("look") == 2)
        await until(app, pilot, lambda: "Cannot be pulled" in text(app))
        await press(pilot, leaving)
        if leaving == "escape":
            await until(app, pilot, lambda: happened[-1] == "down")
            assert "Which fault" in text(app), "where it was chosen"
            await press(pilot, "escape")
            assert app.screen.query("#target")

    sit(start(), act)
    assert happened == ["up expired", "look", "look", "down"]


def test_the_faults_are_filtered_and_the_footer_says_how_one_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    staged: list[str] = []

    async def _staged(app: DoctorApp, name: str) -> None:
        staged.append(name)

    monkeypatch.setattr(entries, "_staged", _staged)

    async def act(app: DoctorApp, pilot: Pilot[int]) -> None:
        listed = app.screen.query_one("#targets", OptionList)
        every = listed.option_count
        assert "Enter Choose" in text(app).splitlines()[-1]
        await press(pilot, "slash", *"xyzzy", "enter", "enter")
        assert (staged, "Nothing holds that" in text(app)) == ([], True)
        await press(pilot, "escape")
        assert listed.option_count == every
        await press(pilot, "slash", *"UNKNOWN-ca", "enter", "enter")
        assert staged == ["unknown-ca"]
        await press(pilot, "escape", "escape", "escape")
        assert "This is the first screen; q quits." in text(app)

    app = DoctorApp(options(), None, History(None), entries.demo)
    sit(app, act)
    assert staged == ["unknown-ca"]
