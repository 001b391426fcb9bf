"""A bundle of real servers' answers says elsewhere what was said here: judged again, by the same
version, every target's part of the report is the same to the last field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dockerd import dockerd
from tests.lab.scenario import Scenario
from tests.lab.test_docker_eyes import UNIT, put
from tests.lab.way import HOST, IMAGE, Way
from tests.lab.world import World, validator

pytestmark = pytest.mark.lab

SCENARIOS = (
    Scenario("healthy", Way(login="token", blobs="storage")),
    Scenario("certificate", Way(certificate="unknown-ca", login="basic")),
    Scenario("incomplete-chain", Way(certificate="incomplete")),
    Scenario("login", Way(login="token", key="wrong")),
    Scenario("name", Way(name="unknown")),
    Scenario("port", Way(port="closed")),
    Scenario("proxy", Way(proxy="denies")),
    Scenario("page", Way(tls_front="location /v2/ { return 502 '<title>\x1b[31m oops</title>'; }")),
    Scenario("tag", target=f"{HOST}/lab/app:gone"),
    Scenario("host", target=HOST),
    Scenario("only", Way(port="closed"), options=("--only", "dns,tcp")),
    Scenario("short-of-time", Way(port="dropped"), options=("--timeout", "2")),
)


def again(lab: World, env: dict[str, str], *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was recorded, and what is said of it where there is no such world."""
    file = f"{lab.home}/b.tar.gz"
    lab.doctor("bundle", "-o", file, *words, env=env)
    recorded = lab.doctor("open", "--as-recorded", "--json", file).report
    judged = lab.doctor("open", "--json", file).report
    validator().validate(recorded)
    validator().validate(judged)
    return recorded, judged


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_it_says_the_same(scenario: Scenario, lab: World, store: Path) -> None:
    env = scenario.make(lab, store)
    recorded, judged = again(lab, env, *scenario.options, scenario.target)
    assert judged["targets"] == recorded["targets"]
    assert judged["verdict"] == recorded["verdict"]
    assert judged["origin"]["changes"] == []
    assert not any("field" in each or "kind" in each for each in judged["origin"]["notes"])


def test_of_every_client_and_several_targets_too(lab: World, store: Path) -> None:
    env = Scenario("all", Way(certificate="unknown-ca")).make(lab, store)
    put(lab, "systemd/system/docker.service", UNIT)
    socket = lab.folder / "docker.sock"
    with dockerd(socket):
        env = env | {"DOCKER_HOST": f"unix://{socket}"}
        recorded, judged = again(lab, env, "--as", "all", IMAGE, f"{HOST}/lab/other:1")
    assert len({t["client"] for t in recorded["targets"]}) > 1
    assert judged["targets"] == recorded["targets"]
    assert judged["clients"] == recorded["clients"]
    assert judged["verdict"] == recorded["verdict"]


def test_with_other_names_the_same_is_wrong(lab: World, store: Path) -> None:
    """A public registry keeps its name, the repository has another."""
    env = Scenario("x", Way(login="token", certificate="wrong-host")).make(lab, store)
    plain, _ = again(lab, env, IMAGE)
    other, judged = again(lab, env, "--pseudonyms", IMAGE)
    assert other["targets"][0]["root_causes"] == plain["targets"][0]["root_causes"]
    assert other["targets"][0]["target"] == f"{HOST}/image1/image2:latest"
    assert judged["targets"] == other["targets"]
