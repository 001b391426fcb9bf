"""A real browser without a window: Chromium, spoken to over a pipe in its DevTools protocol.

No driver and no web socket is needed for that: `--remote-debugging-pipe` has it read commands from
descriptor 3 and answer on 4, one JSON object after another, parted by NUL.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Browser:
    """One page at a time."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._number, self._rest = 0, b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the browser told by itself since `open`."""

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its answer. Raises AssertionError where the browser refuses it."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, (method, said["error"])
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._read, 1 << 20)
            assert piece, "the browser ended"
            self._rest += piece
        first, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(first)
        return said

    def open(
        self, file: Path, *, width: int = 1200, scheme: str = "light", script: bool = True
    ) -> None:
        """A new page with that file in it, loaded to its end; without `script` the page's own do
        not run."""
        self._session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        dark = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[dark])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.send("Page.navigate", url=file.absolute().as_uri())
        deadline = time.monotonic() + _PATIENCE
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            assert time.monotonic() < deadline, self.events[-5:]
            self.events.append(self._next())

    def run(self, words: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is waited for."""
        done = self.send(
            "Runtime.evaluate",
            expression=words,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def allow_clipboard(self) -> None:
        """What a user allows with a click."""
        session, self._session = self._session, None
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        self.send("Browser.grantPermissions", permissions=permissions)
        self._session = session

    def screenshot(self, file: Path) -> None:
        """The whole page, as tall as it is."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def of(self, *methods: str) -> list[dict[str, Any]]:
        """The events of those kinds."""
        return [e["params"] for e in self.events if e.get("method") in methods]


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of one's own, with an empty profile that is gone afterwards."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "no chromium"
    theirs, write = os.pipe()
    read, own = os.pipe()
    to_read, to_write = fcntl.fcntl(theirs, fcntl.F_DUPFD, 10), fcntl.fcntl(own, fcntl.F_DUPFD, 10)

    def place() -> None:
        os.dup2(to_read, 3)
        os.dup2(to_write, 4)

    profile = tempfile.mkdtemp(prefix="page-")
    command = [program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        command,
        preexec_fn=place,
        pass_fds=(3, 4),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": profile},
    )
    for each in (theirs, own, to_read, to_write):
        os.close(each)
    try:
        yield Browser(write, read)
    finally:
        os.close(write)
        os.close(read)
        process.terminate()
        process.wait(_PATIENCE)
        shutil.rmtree(profile, ignore_errors=True)
