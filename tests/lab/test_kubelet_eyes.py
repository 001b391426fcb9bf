"""Through the kubelet's eyes: does the command answer as a pull fares that the kubelet orders?

The kubelet's state folder lies in the world's home, as its unit in the world's /etc says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.cure import mends, programs_of
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth, config
from tests.lab.tokens import TokenService
from tests.lab.way import HOST, IMAGE, PASSWORD, USER, Stations, Way
from tests.lab.world import Run, World

pytestmark = pytest.mark.lab

AS = ("--as", "kubelet")
NODE = "kubelet/config.json"
BASIC = Way(login="basic", key="none")
OTHER = "carol"
TEAM = REPOSITORY.partition("/")[0]
PLUGINS = f"""\
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: lab-credential-provider
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  matchImages: ["{HOST}"]
  defaultCacheDuration: 10m
"""


def token(service: TokenService) -> Way:
    return Way(login="token", key="none", stations=Stations(service=lambda: service))


PUBLIC = token(TokenService({USER: PASSWORD}, {"": (REPOSITORY,), USER: (REPOSITORY,)}))
OF_TWO = token(TokenService({USER: PASSWORD, OTHER: "other"}, {USER: (REPOSITORY,)}))
"""Both may log in, one may pull."""
WRONG = config(auth=auth(USER, "not this one"))
BROKEN = {"auths": {HOST: {"auth": auth()}, "x.example": {"auth": "%"}}}
TWO = {"auths": {f"{HOST}/{TEAM}": {"auth": auth(USER, "old")}, HOST: {"auth": auth()}}}
OTHERS = {
    "auths": {f"{HOST}/{TEAM}": {"auth": auth(OTHER, "other")}, f"https://{HOST}": {"auth": auth()}}
}


def node(flags: str = "") -> Callable[[World], None]:
    """The kubelet's unit."""

    def write(world: World) -> None:
        unit = world.etc / "systemd/system/kubelet.service"
        unit.parent.mkdir(parents=True, exist_ok=True)
        command = f"/usr/bin/kubelet --root-dir={world.home}/kubelet {flags}"
        unit.write_text(f"[Service]\nExecStart={command}\n")

    return write


def plugins(world: World) -> None:
    world.write("providers.yaml", PLUGINS)
    node(
        f"--image-credential-provider-config={world.home}/providers.yaml "
        f"--image-credential-provider-bin-dir={world.home}/bin"
    )(world)


def play(scenario: Scenario, lab: World, store: Path) -> Run:
    way = scenario.way
    if way.machine is Way().machine:
        way = replace(way, machine=node())
    return replace(scenario, way=way, options=AS).play(lab, store)


SHADOWED = ("auth.shadowed",)
SCENARIOS = (
    Scenario("the-nodes-login", BASIC, home={NODE: config()}),
    Scenario("a-pattern", BASIC, home={NODE: config("*.cleanstart.com", auth=auth())}),
    Scenario("the-second-of-two", BASIC, home={NODE: TWO}, also=SHADOWED),
    Scenario("the-second-may-pull", OF_TWO, home={NODE: OTHERS}, also=SHADOWED),
    Scenario("one-malformed-entry", BASIC, ("auth.config-unreadable",), home={NODE: BROKEN}),
    Scenario("the-shells-login", BASIC, ("auth.no-credentials",), home={
        ".docker/config.json": config(),
    }),
    Scenario("the-wrong-port", BASIC, ("auth.wrong-key",), home={
        NODE: config(f"{HOST}:443", auth=auth()),
    }),
    Scenario("no-anonymous-after-a-match", PUBLIC, ("auth.rejected",), home={NODE: WRONG}),
    Scenario("anonymous-where-none-matches", PUBLIC, home={NODE: config("x.example")}),
    Scenario("all-are-refused", BASIC, ("auth.rejected",), home={NODE: {
        "auths": {HOST: WRONG["auths"][HOST], f"{HOST}/{TEAM}": {"auth": auth("x", "y")}},  # type: ignore[index]
    }}),
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_the_kubelet_fares_as_it_is_told(scenario: Scenario, lab: World, store: Path) -> None:
    run = play(scenario, lab, store)
    scenario.verify(run)
    for finding in run.findings:
        assert all("kubelet" in (r["for"] or ["kubelet"]) for r in finding["remedies"]), finding


@pytest.mark.parametrize("name", [
    "one-malformed-entry", "the-wrong-port", "no-anonymous-after-a-match", "all-are-refused",
])  # fmt: skip
def test_the_first_remedy_mends_the_nodes_file(name: str, lab: World, store: Path) -> None:
    scenario = next(each for each in SCENARIOS if each.name == name)
    run = play(scenario, lab, store)
    restart = Path(programs_of(lab)) / "systemctl"
    restart.write_text("#!/bin/sh\n")
    restart.chmod(0o755)
    (lab.home / "key").write_text(PASSWORD)
    words = {"API_KEY_FILE": str(lab.home / "key"), "USER_NAME": USER}
    mends(lab, run, *AS, IMAGE, words=words)


def test_where_a_plug_in_is_asked_nobody_can_say(lab: World, store: Path) -> None:
    """It would give a credential, or none: no verdict either way."""
    way = replace(BASIC, machine=plugins)
    programs = {"lab-credential-provider": 'touch "$HOME/was-run"'}
    run = Scenario("x", way, programs=programs, options=AS).play(lab, store)
    assert (run.exit, run.root_causes) == (3, []), run
    (found,) = [f for f in run.findings if f["code"] == "auth.no-credentials"]
    assert (found["severity"], found["confidence"]) == ("warning", "possible")
    assert "lab-credential-provider is asked by the kubelet alone" in found["evidence"]["not_asked"]
    assert not (lab.home / "was-run").exists()


def test_a_plug_in_that_is_not_there_is_the_cause(lab: World, store: Path) -> None:
    way = replace(BASIC, machine=plugins)
    home = {NODE: config(), "bin/other": ""}
    run = Scenario("x", way, home=home, options=AS).play(lab, store)
    assert (run.exit, run.root_causes) == (1, ["client.config-invalid"]), run
