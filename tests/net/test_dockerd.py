"""What comes of asking a daemon on its socket, however it behaves?"""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from doctor.facts.client import Daemon
from doctor.net import Net
from doctor.net.dockerd import CAP, ask
from tests.dockerd import CONTAINERD, GRAPHDRIVER, dockerd


def asked(path: Path, seconds: float = 5.0) -> Daemon:
    return asyncio.run(ask(str(path), seconds))


@pytest.mark.parametrize(("info", "version", "store"), [
    (GRAPHDRIVER, "28.2.2", "graphdriver"),
    (CONTAINERD, "29.0.1", "containerd"),
    ({}, "28.2.2", ""),
    ({"Driver": "overlay2"}, "28.2.2", "graphdriver"),
    ({"Driver": "x", "DriverStatus": [["driver-type", 1], "x", 0]}, "28.2.2", "graphdriver"),
    ([], "28.2.2", ""),
    (b"not json", "28.2.2", ""),
    (b"[" * CAP, "28.2.2", ""),
    (b"x" * (4 * CAP), "28.2.2", ""),
])  # fmt: skip
def test_it_answers_and_says_what_it_is(
    tmp_path: Path, info: Any, version: str, store: str
) -> None:
    with dockerd(tmp_path / "s", info) as seen:
        found = asked(tmp_path / "s")
    assert (found.state, found.version, found.store) == ("answers", version, store)
    assert seen == ["/_ping", "/info"]


@pytest.mark.parametrize(("said", "mirrors"), [
    ({"Mirrors": ["https://m.corp/", "http://n.corp:5000/"]},
     ("https://m.corp/", "http://n.corp:5000/")),
    ({"Mirrors": []}, ()),
    ({"Mirrors": None}, None),
    ({"Mirrors": "https://m.corp/"}, None),
    ({"Mirrors": [1, None, {}, "https://m.corp/"]}, ("https://m.corp/",)),
    ({"Mirrors": ["https://" + "m" * 4000]}, ()),
    ({}, None),
    (None, None),
    ([], None),
])  # fmt: skip
def test_it_says_which_mirrors_it_goes_by(
    tmp_path: Path, said: Any, mirrors: tuple[str, ...] | None
) -> None:
    with dockerd(tmp_path / "s", {**GRAPHDRIVER, "RegistryConfig": said}):
        assert asked(tmp_path / "s").mirrors == mirrors


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    assert asked(tmp_path / "s").state == "missing"
    assert asked(tmp_path / "no" / "s").state == "missing"


def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    found = asked(tmp_path / "s")
    assert (found.state, found.reason) == ("refused", "connection refused: nothing listens on it")


def test_a_file_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    assert asked(tmp_path / "s").state in ("refused", "odd")


def test_a_path_that_no_socket_can_have_is_an_answer(tmp_path: Path) -> None:
    assert asked(tmp_path / ("s" * 300)).state == "odd"


def test_permission_is_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "open_unix_connection", refuse)
    found = asked(tmp_path / "s")
    assert (found.state, found.reason) == ("denied", "permission denied")


def test_another_answer_is_no_daemon(tmp_path: Path) -> None:
    with dockerd(tmp_path / "s", status=404):
        assert asked(tmp_path / "s").state == "odd"


@pytest.mark.parametrize(("said", "state"), [(b"", "silent"), (b"SSH-2.0-x\r\n", "odd")])
def test_silence_ends_and_noise_is_no_daemon(tmp_path: Path, said: bytes, state: str) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        held: list[socket.socket] = []

        def serve() -> None:
            held.append(listening.accept()[0])
            if said:
                held[0].sendall(said)
                held[0].close()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        assert asked(tmp_path / "s", 0.3).state == state
        thread.join()
        for each in held:
            each.close()


@pytest.mark.parametrize(("seconds", "state"), [(0.3, "not-asked"), (20.0, "silent")])
@pytest.mark.parametrize("name", ["daemon", "runtime"])
def test_silence_that_the_runs_budget_cut_short_says_nothing(
    tmp_path: Path, name: str, seconds: float, state: str
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        net = Net(deadline=time.monotonic() + seconds)
        found = asyncio.run(getattr(net, name)(str(tmp_path / "s")))
    assert found.state == state
