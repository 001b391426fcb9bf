"""What comes of asking a container runtime on its socket; the real one: test_containerd_itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Thread

import pytest

from doctor.net import runtime

SETTINGS = b"\0\0\x06\4\0\0\0\0\0" + b"\0\5\0\0\x40\0"


@contextmanager
def answering(path: Path, data: bytes, *, stays: bool = False) -> Iterator[None]:
    class Answer(StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.read(24)
            self.wfile.write(data)
            if stays:
                self.rfile.read(100)

    class Server(ThreadingUnixStreamServer):
        daemon_threads = True

    server = Server(str(path), Answer)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("data", "state"), [
    (SETTINGS, "answers"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "odd"),
    (b"", "odd"),
    (b"\0\0", "odd"),
    (b"\0\0\x06\7\0\0\0\0\0", "odd"),
])  # fmt: skip
def test_only_http_2_is_a_runtime(tmp_path: Path, data: bytes, state: str) -> None:
    with answering(tmp_path / "s", data):
        assert asyncio.run(runtime.ask(str(tmp_path / "s"))).state == state


def test_one_that_says_nothing_is_silent(tmp_path: Path) -> None:
    with answering(tmp_path / "s", b"", stays=True):
        assert asyncio.run(runtime.ask(str(tmp_path / "s"), 0.2)).state == "silent"


@pytest.mark.parametrize(("name", "state"), [("gone", "missing"), ("file", "refused")])
def test_no_socket_is_told(tmp_path: Path, name: str, state: str) -> None:
    (tmp_path / "file").write_text("")
    daemon = asyncio.run(runtime.ask(str(tmp_path / name)))
    assert (daemon.state, bool(daemon.reason)) == (state, True)
