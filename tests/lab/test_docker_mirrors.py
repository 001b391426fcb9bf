"""Through docker's eyes at an image of Docker Hub, in a world that has a Docker Hub and mirrors of
its own: who serves it, who does not, and is that told plainly?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import leaf
from tests.dockerd import CONTAINERD, GRAPHDRIVER, dockerd
from tests.lab import servers
from tests.lab.cure import carry_out, programs_of
from tests.lab.distribution import REPOSITORY, htpasswd
from tests.lab.scenario import auth
from tests.lab.way import PASSWORD, USER
from tests.lab.world import REGISTRY, SPARE, UNREACHABLE, Run, World

pytestmark = pytest.mark.lab

HUB, MIRROR = "registry-1.docker.io", "mirror.corp"
AT, AT_PLAIN = SPARE[4], SPARE[5]
IMAGE = f"docker.io/{REPOSITORY}:latest"
AS = ("--as", "docker")
URL = f"https://{MIRROR}"
LOGIN = {"auths": {"https://index.docker.io/v1/": {"auth": auth()}}}
OLDER = (
    f"location = /v2/{REPOSITORY}/manifests/latest {{"
    f" rewrite ^ /v2/{REPOSITORY}/manifests/single break;"
    f" proxy_pass http://127.0.0.1:{servers.BACKEND}; }}"
)
"""The tag names another image there."""
LACKING = f"location /v2/{REPOSITORY}/ {{ return 404; }}"


@dataclass(frozen=True)
class Towns:
    """What there is. `mirror`: how it is bent, as nginx has it; None: nothing listens there."""

    hub: bool = True
    mirror: str | None = ""
    login: bool = False
    """Does the mirror want one?"""


def build(world: World, store: Path, towns: Towns = Towns(), *values: str) -> None:
    """Start the servers and tell the daemon of these mirrors."""
    place = world.place("certificates")
    behind = f"http://127.0.0.1:{servers.BACKEND}"
    servers.registry(world, store)
    if towns.login:
        servers.registry(
            world, store, auth=htpasswd(world.place("login"), USER, PASSWORD), port=5001
        )
        behind = "http://127.0.0.1:5001"
    sites = []
    if towns.hub:
        files = leaf(world.ca, HUB).write(place, "hub")
        sites.append(servers.site(REGISTRY, certificate=files))
    if towns.mirror is not None:
        files = leaf(world.ca, MIRROR).write(place, "mirror")
        bent: dict[str, Any] = {"upstream": behind, "locations": towns.mirror}
        sites.append(servers.site(AT, certificate=files, **bent))
        sites.append(servers.site(AT, certificate=None, port=5000, **bent))
    if sites:
        servers.front(world, sites)
    world.names |= {HUB: (REGISTRY if towns.hub else UNREACHABLE,), MIRROR: (AT,)}
    servers.resolver(world)
    daemon = world.etc / "docker/daemon.json"
    daemon.parent.mkdir(parents=True, exist_ok=True)
    daemon.write_text(json.dumps({"registry-mirrors": list(values or (URL,))}, indent=1))


def check(
    world: World, *options: str, info: Any = GRAPHDRIVER, env: Mapping[str, str] | None = None
) -> Run:
    socket = world.folder / "docker.sock"
    socket.unlink(missing_ok=True)
    with dockerd(socket, info):
        at = {"DOCKER_HOST": f"unix://{socket}", **(env or {})}
        return world.check(*AS, *options, IMAGE, env=at)


def text(world: World, *options: str) -> str:
    socket = world.folder / "docker.sock"
    socket.unlink(missing_ok=True)
    with dockerd(socket):
        env = {"DOCKER_HOST": f"unix://{socket}"}
        return world.doctor("check", *AS, *options, IMAGE, env=env).stdout


def told(run: Run) -> dict[str, str]:
    """What is no mere note. That the lab's Docker Hub shows no public certificate is no matter."""
    grave = [f for f in run.findings if f["severity"] != "info" and f["code"] != "tls.intercepted"]
    return {f["code"]: f["severity"] for f in grave}


def hops(run: Run) -> list[tuple[str, str, Any, str | None]]:
    return [
        (hop["role"], hop["host"], hop.get("serves"), hop["reached"])
        for hop in run.report["targets"][0]["hops"]
    ]


def summary(run: Run) -> str:
    return str(run.report["targets"][0]["summary"])


@pytest.mark.parametrize(("value", "info"), [
    (URL, GRAPHDRIVER),
    (f"http://{MIRROR}:5000/", CONTAINERD),
], ids=["of-old", "containerd-in-plain-http"])  # fmt: skip
def test_a_healthy_mirror_serves_and_nothing_is_amiss(
    value: str, info: Any, lab: World, store: Path
) -> None:
    build(lab, store, Towns(), value)
    run = check(lab, info=info)
    assert (run.exit, run.report["verdict"], told(run)) == (0, "pass", {}), run
    assert hops(run) == [("mirror", MIRROR, True, "http"), ("registry", HUB, True, "http")]
    port = 5000 if "5000" in value else 443
    assert summary(run) == f"{IMAGE} can be pulled from here, from the mirror {MIRROR}:{port}."
    asked = [seen.target for seen in servers.seen(lab, AT)]
    assert all(("ns=docker.io" in target) is (info is CONTAINERD) for target in asked), asked
    assert not any("ns=" in seen.target for seen in servers.seen(lab, REGISTRY))


def test_a_dead_mirror_is_a_warning_and_its_remedy_takes_it_away(lab: World, store: Path) -> None:
    build(lab, store, Towns(mirror=None), "http://other.corp", URL)
    run = check(lab)
    assert (run.exit, run.root_causes) == (0, []), run
    assert told(run) == {"client.mirror-unreachable": "warning"}
    assert hops(run)[1:] == [("mirror", MIRROR, False, "dns"), ("registry", HUB, True, "http")]
    dead = [f for f in run.findings if f["code"] == "client.mirror-unreachable"]
    unknown, closed = sorted(dead, key=lambda f: str(f["evidence"]["layer"]))
    assert (unknown["evidence"]["layer"], closed["evidence"]["layer"]) == ("dns", "tcp")
    assert closed["subject"] == "/etc/docker/daemon.json:4"
    assert f"The mirror {MIRROR}:443, asked before, does not serve it" in summary(run)
    systemctl = Path(programs_of(lab)) / "systemctl"
    systemctl.write_text("#!/bin/sh\nexit 0\n")
    systemctl.chmod(0o755)
    after = carry_out(lab, closed["remedies"][0], *AS, IMAGE, words={}, env={})
    left = json.loads((lab.etc / "docker/daemon.json").read_text())
    assert (after.exit, left) == (0, {"registry-mirrors": ["http://other.corp"]}), after


def test_where_only_the_mirror_can_be_reached_the_pull_works(lab: World, store: Path) -> None:
    build(lab, store, Towns(hub=False))
    run = check(lab)
    assert (run.exit, run.report["verdict"], told(run)) == (0, "pass", {}), run
    assert hops(run) == [("mirror", MIRROR, True, "http"), ("registry", HUB, False, "dns")]


def test_a_stale_mirror_is_told_with_both_digests(lab: World, store: Path) -> None:
    build(lab, store, Towns(mirror=OLDER))
    run = check(lab)
    assert (run.exit, told(run)) == (0, {"client.mirror-stale": "warning"}), run
    (found,) = [f for f in run.findings if f["code"] == "client.mirror-stale"]
    digests = {found["evidence"]["mirror_digest"], found["evidence"]["digest"]}
    assert len(digests) == 2
    assert all(digest.startswith("sha256:") for digest in digests)
    by_digest = IMAGE.replace(":latest", f"@{found['evidence']['digest']}")
    assert "client.mirror-stale" not in told(lab.check(*AS, by_digest))


def test_a_mirror_that_lacks_the_image_costs_nothing_but_a_question(
    lab: World, store: Path
) -> None:
    build(lab, store, Towns(mirror=LACKING))
    run = check(lab)
    assert (run.exit, told(run)) == (0, {}), run
    assert hops(run) == [("mirror", MIRROR, False, "http"), ("registry", HUB, True, "http")]


def test_where_both_fail_docker_hubs_fault_is_the_cause_and_the_mirrors_is_not_hidden(
    lab: World, store: Path
) -> None:
    build(lab, store, Towns(hub=False, mirror=None))
    run = check(lab)
    assert (run.exit, len(run.root_causes)) == (1, 1), run
    assert run.root_causes[0].startswith("tcp.")
    assert told(run)["client.mirror-unreachable"] == "warning"
    assert f"mirror {MIRROR}:443, asked before, does not serve it" in summary(run)
    assert summary(run).endswith(f"Docker shows the error of {HUB}:443 alone.")


@pytest.mark.parametrize(("info", "login", "hub", "expected"), [
    (GRAPHDRIVER, LOGIN, False, (3, {})),
    (GRAPHDRIVER, {}, True, (0, {"client.mirror-auth": "warning"})),
    (CONTAINERD, LOGIN, False, (1, {"client.mirror-auth": "error"})),
], ids=["of-old", "no-login", "containerd"])  # fmt: skip
def test_a_mirror_that_wants_a_login_is_never_shown_docker_hubs(
    info: Any, login: Any, hub: bool, expected: Any, lab: World, store: Path
) -> None:
    """docker's store of old would show it: then nobody can tell from here, and it is said so."""
    build(lab, store, Towns(hub=hub, login=True))
    lab.write(".docker/config.json", login)
    run = check(lab, info=info)
    of_mirror = {code: s for code, s in told(run).items() if code.startswith("client.")}
    assert (run.exit, of_mirror) == expected, run
    assert {seen.authorization for seen in servers.seen(lab, AT)} == {""}
    if expected == (3, {}):
        assert "may serve it: docker shows it the login for Docker Hub" in summary(run)


def test_a_password_that_is_given_goes_to_no_mirror(lab: World, store: Path) -> None:
    build(lab, store, Towns(login=True))
    socket = lab.folder / "docker.sock"
    with dockerd(socket, CONTAINERD):
        env = {"DOCKER_HOST": f"unix://{socket}"}
        options = (*AS, "--username", "alice", "--password-stdin")
        run = lab.check(*options, IMAGE, env=env, stdin="a password")
    assert run.exit == 0, run
    assert servers.seen(lab, AT)
    assert {seen.authorization for seen in servers.seen(lab, AT)} == {""}


def test_the_text_says_at_80_columns_who_serves_and_who_does_not(lab: World, store: Path) -> None:
    build(lab, store, Towns(mirror=None))
    said = text(lab)
    lines = said.splitlines()
    assert lines[0] == f"Works, with warnings: {IMAGE}"
    assert f"  mirror {MIRROR}:443: reached dns ({AT}), does not serve it" in lines
    assert f"  registry {HUB}:443: reached http ({REGISTRY}), serves it" in lines
    assert all(len(line) <= 80 or "'" in line for line in lines), said
