"""Does dockerd itself take, refuse and ask its mirrors as we say it does?

The daemon that is installed here, with the image store of old (vfs), in a world that has a Docker
Hub of its own; compared with 20.10.24, which Debian 12 has. The lab's layers are no archives: what
counts is who is asked for the manifest, in which order, with what.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.clients.docker_mirrors import flaw_for
from tests.lab import servers
from tests.lab.distribution import REPOSITORY
from tests.lab.programs import PATH, need
from tests.lab.test_docker_mirrors import (
    AT,
    IMAGE,
    LACKING,
    LOGIN,
    MIRROR,
    URL,
    Towns,
    build,
    check,
    summary,
)
from tests.lab.world import REGISTRY, Run, World

DOCKERD, DOCKER = (shutil.which(name, path=PATH) or "" for name in ("dockerd", "docker"))
VERSION = ""
if DOCKERD:
    told = subprocess.run([DOCKERD, "--version"], capture_output=True, text=True).stdout
    VERSION = told.removeprefix("Docker version ").partition(",")[0]
pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _installed() -> None:
    need("dockerd", "docker")


@pytest.mark.parametrize("value", [
    "https://m.corp", "http://m.corp:5000/path/", "https://", "HTTPS://m.corp", "https://m.corp/%20",
    "m.corp", "m.corp:5000", "//m.corp", "ftp://m.corp", "https://m.corp?x=1", "https://m.corp/#top",
    "https://u:p@m.corp", "https://u@m.corp", "https://m.corp:port", "https://m corp", "https://[::1",
    "https://m.corp/%zz",
])  # fmt: skip
def test_it_refuses_the_values_that_we_say_it_refuses(value: str) -> None:
    """Flags are taken in order: of a value that is taken the next one is complained of."""
    said = subprocess.run(
        [DOCKERD, f"--registry-mirror={value}", "--no-such-flag"], capture_output=True, text=True
    )
    refused = "invalid argument" in said.stderr
    assert refused or "unknown flag" in said.stderr, said
    assert (flaw_for(value, VERSION) is not None) is refused


@contextlib.contextmanager
def daemon(world: World) -> Iterator[str]:
    """dockerd in that world, by its /etc/docker/daemon.json; its address."""
    place = world.place("dockerd")
    socket = place / "socket"
    running = world.near.start(
        *(DOCKERD, "--data-root", f"{place}/data", "--exec-root", f"{place}/exec"),
        *("--pidfile", f"{place}/pid", "--host", f"unix://{socket}", "--storage-driver", "vfs"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
        env={"HOME": str(world.home)},
        log=place / "log",
    )
    try:
        while running.popen.poll() is None:
            if world.run(DOCKER, "--host", f"unix://{socket}", "info").exit == 0:
                break
        yield f"unix://{socket}"
    finally:
        running.stop()


def pull(world: World) -> Run:
    with daemon(world) as at:
        return world.run(DOCKER, "--host", at, "pull", IMAGE)


def asked(world: World) -> list[tuple[str, str]]:
    """Who was asked for what, in order."""
    log = world.place("nginx") / "seen.log"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [(row[0], row[2]) for row in rows]


PING, TAG = "/v2/", f"/v2/{REPOSITORY}/manifests/latest"


@pytest.mark.parametrize("value", [URL, f"http://{MIRROR}:5000/"])
def test_the_mirror_is_asked_first(value: str, lab: World, store: Path) -> None:
    build(lab, store, Towns(), value)
    pull(lab)
    assert asked(lab)[:2] == [(AT, PING), (AT, TAG)]


@pytest.mark.skipif("flaw_for('https://m.corp/hub', VERSION)", reason="it is too old for a path")
def test_a_path_is_kept(lab: World, store: Path) -> None:
    build(lab, store, Towns(), f"{URL}/hub/")
    pull(lab)
    assert asked(lab)[0] == (AT, "/hub/v2/")
    assert (REGISTRY, TAG) in asked(lab)


def test_where_nothing_listens_docker_hub_is_asked(lab: World, store: Path) -> None:
    build(lab, store, Towns(mirror=None))
    pull(lab)
    assert asked(lab)[:2] == [(REGISTRY, PING), (REGISTRY, TAG)]


def test_where_the_image_is_lacking_docker_hub_is_asked_next(lab: World, store: Path) -> None:
    build(lab, store, Towns(mirror=LACKING))
    pull(lab)
    hosts = [host for host, _ in asked(lab)]
    assert (hosts[0], (REGISTRY, TAG) in asked(lab)) == (AT, True)


def test_the_error_is_the_last_ones_alone(lab: World, store: Path) -> None:
    build(lab, store, Towns(hub=False, mirror=None))
    said = pull(lab)
    assert (said.exit, MIRROR in said.stderr) == (1, False), said
    assert "registry-1.docker.io" in said.stderr
    assert summary(check(lab)).endswith("shows the error of registry-1.docker.io:443 alone.")


def test_a_mirror_is_shown_the_login_for_docker_hub(lab: World, store: Path) -> None:
    """Which is why nobody can tell from here what comes of it."""
    build(lab, store, Towns(login=True))
    lab.write(".docker/config.json", LOGIN)
    pull(lab)
    assert any(seen.authorization.startswith("Basic ") for seen in servers.seen(lab, AT))
