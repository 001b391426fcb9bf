"""When does the interactive view show its plan, and how long does leaving it take? Run inside a
lab's client namespace, on a terminal of its own; standard library only.

Standard input is {"rounds": N, "command": [...]}; the command is given a target on loopback that
takes connections and says nothing. Standard output is a JSON list of runs: seconds to the first
picture with a waiting station, and from `q` to the end of the process.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import time

_PLAN, _RUNNING = b"waiting", b"running"


def run(command: list[str]) -> dict[str, float | int | None]:
    """One run."""
    main, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    started = time.perf_counter()
    environ = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environ)
    os.close(child)
    seen, plan, left = b"", None, started
    try:
        while data := os.read(main, 65536):
            seen += data
            if plan is None and _PLAN in seen:
                plan = time.perf_counter() - started
            if left == started and _RUNNING in seen:
                left = time.perf_counter()
                os.write(main, b"q")
    except OSError:  # the other end was closed
        pass
    code = process.wait()
    os.close(main)
    return {"plan": plan, "leaving": time.perf_counter() - left, "exit": code}


def main() -> None:
    job = json.load(sys.stdin)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
        runs = [run([*job["command"], target]) for _ in range(job["rounds"])]
    json.dump(runs, sys.stdout)


if __name__ == "__main__":
    main()
