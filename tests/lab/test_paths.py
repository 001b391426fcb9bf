"""Does the real command line find the cause, in a world of real servers with one fault?

One row is one world: how it is bent, the root causes that the report must name, in order, and the
exit code. A row is all that a new scenario needs; what can be bent stands in tests/lab/way.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.distribution import REPOSITORY
from tests.lab.way import HOST, IMAGE, Way, build
from tests.lab.world import World


@dataclass(frozen=True)
class Scenario:
    name: str
    way: Way
    causes: tuple[str, ...] = ()
    exit: int = 1
    target: str = IMAGE


SCENARIOS = (
    Scenario("healthy-public", Way(), exit=0),
    Scenario("healthy-basic", Way(login="basic"), exit=0),
    Scenario("healthy-token", Way(login="token"), exit=0),
    Scenario("healthy-storage-elsewhere", Way(blobs="storage"), exit=0),
    Scenario("healthy-through-proxy", Way(proxy="open"), exit=0),
    Scenario("healthy-through-proxy-with-login", Way(proxy="login"), exit=0),
    Scenario("nxdomain", Way(name="unknown"), ("dns.nxdomain",)),
    Scenario("refused-port", Way(port="closed"), ("tcp.refused",)),
    Scenario("dropped", Way(port="dropped"), ("tcp.timeout",)),
    Scenario("no-key", Way(login="basic", key="none"), ("auth.no-credentials",)),
    Scenario(
        "no-key-for-the-token-service",
        Way(login="token", key="none", strangers=False),
        ("auth.no-credentials",),
    ),
    Scenario(
        "no-key-and-no-right-for-strangers",
        Way(login="token", key="none"),
        ("auth.denied-or-missing",),
    ),
    Scenario("wrong-key-at-token-service", Way(login="token", key="wrong"), ("auth.rejected",)),
    Scenario("wrong-password", Way(login="basic", key="wrong"), ("auth.rejected",)),
    Scenario(
        "tag-unknown",
        Way(login="basic"),
        ("registry.manifest-unknown",),
        target=f"{HOST}/{REPOSITORY}:9",
    ),
    Scenario(
        "repository-unknown",
        Way(),
        ("registry.name-unknown",),
        target=f"{HOST}/lab/nothing-here:1.0",
    ),
    Scenario("proxy-denies", Way(proxy="denies"), ("proxy.denied",)),
    Scenario("proxy-closed", Way(proxy="closed"), ("proxy.unreachable",)),
    Scenario("proxy-wrong-login", Way(proxy="wrong-login"), ("proxy.auth-rejected",)),
    Scenario(
        "token-service-closed",
        Way(login="token", token_host="closed"),
        ("auth.realm-unreachable",),
    ),
    Scenario(
        "token-service-unknown",
        Way(login="token", token_host="unknown"),
        ("auth.realm-unreachable",),
    ),
    Scenario("storage-dropped", Way(blobs="storage-dropped"), ("registry.blob-unreachable",)),
    Scenario("storage-closed", Way(blobs="storage-closed"), ("registry.blob-unreachable",)),
)


@pytest.mark.lab
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_the_cause_is_found(scenario: Scenario, lab: World, store: Path) -> None:
    env = build(lab, scenario.way, store)
    run = lab.check(scenario.target, env=env)
    assert run.report, run
    assert (tuple(run.root_causes), run.exit) == (scenario.causes, scenario.exit), run


@pytest.mark.lab
@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.exit == 0], ids=lambda s: s.name)
def test_what_is_called_healthy_can_be_pulled(scenario: Scenario, lab: World, store: Path) -> None:
    """The near miss of all the faults: skopeo gets a manifest and a layer in this world."""
    env = build(lab, scenario.way, store)
    copied = lab.skopeo("copy", f"docker://{scenario.target}", "dir:/run/copied", env=env)
    assert copied.exit == 0, copied
