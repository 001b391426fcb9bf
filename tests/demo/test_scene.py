"""Is the demo this machine's alone: seen by nobody else, seeing nothing of its user's settings, and
gone when it ends?"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from doctor.demo import started
from doctor.demo.faults import FAULTS
from doctor.demo.scene import DOMAIN
from tests.command import begin, environment
from tests.test_interruption import interrupted, until


def _listening() -> set[tuple[str, int]]:
    """Address and port of every socket on which this process listens."""
    found = set()
    for name in os.listdir("/dev/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
        except OSError:  # the folder's own
            continue
        mine = socket.socket(fileno=os.dup(int(name)))
        with mine:
            if mine.family in (socket.AF_INET, socket.AF_INET6) and mine.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                found.add(mine.getsockname()[:2])
    return found


@pytest.mark.parametrize("fault", [f.name for f in FAULTS])
def test_every_server_listens_on_loopback_alone_and_ends(fault: str) -> None:
    async def look() -> set[tuple[str, int]]:
        before = _listening()
        async with started(fault):
            up = _listening() - before
        assert _listening() == before
        return up

    up = asyncio.run(look())
    assert len(up) >= 3
    assert all(ip_address(host).is_loopback for host, _ in up), up


def test_what_listens_elsewhere_would_be_seen() -> None:
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        assert ("0.0.0.0", open_to_all.getsockname()[1]) in _listening()


def test_a_scene_can_be_looked_at_again_and_leaves_no_task() -> None:
    async def look() -> list[Any]:
        async with started("unauthorized") as scene:
            seen = [(await scene.look()).diagnoses[0].root_causes for _ in range(2)]
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return seen

    assert asyncio.run(look()) == [("auth.rejected",)] * 2


def test_two_scenes_at_once_keep_apart() -> None:
    async def look() -> list[Any]:
        async with started("expired") as one, started("healthy") as other:
            reports = await asyncio.gather(one.look(), other.look())
        return [report.diagnoses[0].root_causes for report in reports]

    assert asyncio.run(look()) == [("tls.expired",), ()]


def test_what_the_scene_was_does_not_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    async def look() -> None:
        async with started("healthy"):
            (folder,) = (tmp_path / "temporary").iterdir()
            assert folder.stat().st_mode & 0o077 == 0
            (key,) = folder.glob("token.pem")
            assert key.stat().st_mode & 0o077 == 0

    asyncio.run(look())
    assert list((tmp_path / "temporary").iterdir()) == []


# Python tells every name that is looked up, every address that is gone to, every file that is read.
_WATCHED = """
import json, os, sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        seen.append([event, str(arguments[1][0])])
    elif event == "socket.getaddrinfo":
        seen.append([event, str(arguments[0])])
    elif event in ("open", "subprocess.Popen", "os.posix_spawn", "os.listdir"):
        seen.append([event, str(arguments[0])])
sys.addaudithook(hook)
from doctor import cli
code = cli.main(["demo", "--quiet", *sys.argv[1:]])
print(json.dumps([code, seen]))
"""


@pytest.mark.parametrize(
    ("fault", "code"),
    [("healthy", 0), ("proxy-works", 0), ("name-unknown", 1), ("missing-intermediate", 1)],
)
def test_nothing_of_the_user_s_leaks_in_and_no_packet_out(
    fault: str, code: int, tmp_path: Path
) -> None:
    """Each of these settings would end a pull, were it taken."""
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    (home / ".docker/config.json").write_text("{ not json")
    (home / ".docker/empty.pem").write_text("")
    env = environment(
        home,
        HTTPS_PROXY="http://192.0.2.1:3128",
        HTTP_PROXY="http://192.0.2.1:3128",
        https_proxy="://",
        NO_PROXY=f".{DOMAIN}",
        SSL_CERT_FILE=str(home / ".docker/empty.pem"),
        SSL_CERT_DIR=str(home / ".docker"),
        DOCKER_CONFIG=str(home / ".docker"),
        REGISTRY_AUTH_FILE=str(home / ".docker/config.json"),
        DOCKER_AUTH_CONFIG="{ not json",
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", _WATCHED, fault], env=env, capture_output=True, text=True
    )
    assert done.stderr == ""
    ended, seen = json.loads(done.stdout)
    assert ended == code
    places = {where for event, where in seen if event.startswith("socket.")}
    assert places, "the hook sees"
    assert all(ip_address(place).is_loopback for place in places), places
    files = {where for event, where in seen if event == "open"}
    assert files
    assert not [file for file in files if file.startswith(str(home))]
    assert not [where for event, where in seen if "open" in event and event != "open"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interruption_takes_all_of_it_down(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = begin("demo", "silent", env=environment(tmp_path, TMPDIR=str(temporary)))
    until(lambda: bool(list(temporary.glob("*/root"))), "the scene")
    ended, out, err = interrupted(process, number)
    assert (ended, out) == (code, b"")
    assert err.endswith("doctor: interrupted\n")
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []
