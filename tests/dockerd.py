"""What answers on Docker's socket where no Docker daemon can run: `/_ping` and `/info`, in the form
that moby's API has (api/swagger.yaml, SystemInfo), as far as anybody here reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Thread
from typing import Any

GRAPHDRIVER: dict[str, Any] = {
    "ServerVersion": "28.2.2",
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
}
CONTAINERD: dict[str, Any] = {
    "ServerVersion": "29.0.1",
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
}


class Answering(BaseHTTPRequestHandler):
    server_version, sys_version = "Docker/28.2.2", "(linux)"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.asked.append(self.path)
        ping = self.path == "/_ping"
        body = b"OK" if ping else self.server.info
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "here"

    def log_message(self, *args: Any) -> None:
        """Nothing is logged."""


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    info = b""
    status = 200

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        super().__init__(str(path), Answering)


@contextmanager
def dockerd(path: Path, info: Any = GRAPHDRIVER, status: int = 200) -> Iterator[list[str]]:
    """A daemon on that socket; gives the paths that it was asked for."""
    server = _Server(path)
    server.status = status
    server.info = info if isinstance(info, bytes) else json.dumps(info).encode()
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
