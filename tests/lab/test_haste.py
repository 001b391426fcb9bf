"""Is silence nobody's fault where the run had no time to wait for an answer, and a fault where it
had?"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended, doctor
from tests.lab.misbehaving import Place, registry
from tests.lab.origin import Request
from tests.lab.thread import running
from tests.net.test_tcp import free_port, silent

Arguments = tuple[str, ...]
"""What the command is given besides its time."""


async def mute(request: Request, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@contextmanager
def unconnected(folder: Path) -> Iterator[Arguments]:
    port = free_port()
    with silent("127.0.0.9", port):
        yield (f"127.0.0.9:{port}/lab/app:1.0",)


@contextlib.asynccontextmanager
async def _taker() -> Any:
    """It takes connections and says nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def no_handshake(folder: Path) -> Iterator[Arguments]:
    with running(_taker) as port:
        yield (f"127.0.0.1:{port}/lab/app:1.0",)


@contextmanager
def silent_proxy(folder: Path) -> Iterator[Arguments]:
    with running(_taker) as port:
        yield ("--proxy", f"http://127.0.0.1:{port}", "registry.example/lab/app:1.0")


def no_answer(place: Place) -> Callable[[Path], AbstractContextManager[Arguments]]:
    @contextmanager
    def serve(folder: Path) -> Iterator[Arguments]:
        with registry(folder, place, mute) as found:
            yield ("--ca", str(found.ca), found.image)

    return serve


def hurried(folder: Path, seconds: float, arguments: Arguments) -> tuple[Ended, dict[str, Any]]:
    ended = doctor("check", "--json", "--timeout", str(seconds), *arguments, home=folder)
    (target,) = json.loads(ended.stdout)["targets"]
    return ended, target


SILENCES = {
    "tcp": unconnected,
    "tls": no_handshake,
    "proxy": silent_proxy,
    "api": no_answer("v2"),
    "auth": no_answer("token"),
    "image": no_answer("manifest"),
    "blob": no_answer("storage"),
}


@pytest.mark.parametrize("layer", SILENCES)
def test_silence_that_was_not_waited_for_is_nobodys_fault(layer: str, tmp_path: Path) -> None:
    with SILENCES[layer](tmp_path) as arguments:
        ended, target = hurried(tmp_path, 2.5, arguments)
    assert (ended.exit, target["verdict"], target["root_causes"]) == (3, "incomplete", []), ended
    found = {(f["code"], f["check"]) for f in target["findings"] if f["severity"] != "info"}
    assert found == {("doctor.check-timeout", layer)}, ended
    (check,) = [check for check in target["checks"] if check["name"] == layer]
    assert check["status"] == "error", ended
    assert layer in target["summary"], ended


@pytest.mark.parametrize(
    ("layer", "seconds", "code"), [("tcp", 9, "tcp.timeout"), ("api", 14, "registry.timeout")]
)
def test_silence_that_was_waited_for_is_a_fault(
    layer: str, seconds: float, code: str, tmp_path: Path
) -> None:
    with SILENCES[layer](tmp_path) as arguments:
        ended, target = hurried(tmp_path, seconds, arguments)
    assert (ended.exit, target["root_causes"]) == (1, [code]), ended
