"""Plain HTTP that nobody asked for: go-containerregistry speaks it with private addresses, and the
others do not. A credential is never shown there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.distribution import REPOSITORY
from tests.lab.scenario import Scenario, auth
from tests.lab.way import Way
from tests.lab.world import Run, World

pytestmark = pytest.mark.lab

PRIVATE, PUBLIC = "10.9.0.5", "192.88.99.20"


def looked(lab: World, store: Path, host: str, *options: str, login: bool = False) -> Run:
    """At a registry of that address that speaks plain HTTP and nothing else."""
    address, _, port = host.partition(":")
    if address == PRIVATE:
        lab.run("ip", "addr", "add", f"{PRIVATE}/32", "dev", "lo")
    way = Way(port="closed", login="basic" if login else "none")
    way = replace(
        way,
        more_sites=lambda _: (servers.site(address, certificate=None, port=int(port or 80)),),
    )
    home = {".docker/config.json": {"auths": {host: {"auth": auth()}}}} if login else {}
    image = f"{host}/{REPOSITORY}:latest"
    return Scenario("x", way, target=image, options=options, home=home).play(lab, store)


@pytest.mark.parametrize("client", ["shell", "crane"])
@pytest.mark.parametrize("host", [PRIVATE, f"{PRIVATE}:5000"])
def test_a_private_address_is_spoken_to(lab: World, store: Path, host: str, client: str) -> None:
    run = looked(lab, store, host, "--as", client)
    assert (run.exit, run.root_causes) == (0, []), run
    reached = {h["port"]: h["reached"] for h in run.report["targets"][0]["hops"]}
    assert reached[int(host.partition(":")[2] or 80)] == "http", run


@pytest.mark.parametrize(("host", "client", "cause"), [
    (f"{PUBLIC}:5000", "shell", "registry.http-only"),
    (PUBLIC, "shell", "tcp.refused"),
    (f"{PRIVATE}:5000", "podman", "registry.http-only"),
    (PRIVATE, "podman", "tcp.refused"),
])  # fmt: skip
def test_others_are_not(lab: World, store: Path, host: str, client: str, cause: str) -> None:
    run = looked(lab, store, host, "--as", client)
    assert (run.exit, run.root_causes) == (1, [cause]), run


def test_where_neither_answers_https_is_what_fails(lab: World, store: Path) -> None:
    lab.run("ip", "addr", "add", f"{PRIVATE}/32", "dev", "lo")
    run = Scenario("x", Way(), target=f"{PRIVATE}/a:1").play(lab, store)
    assert run.root_causes == ["tcp.refused"], run
    (found,) = [f for f in run.findings if f["root_cause"]]
    assert found["hop"] == f"{PRIVATE}:443"


@pytest.mark.parametrize("host", [PRIVATE, f"{PRIVATE}:5000"])
def test_no_credential_is_shown_in_the_clear(lab: World, store: Path, host: str) -> None:
    run = looked(lab, store, host, login=True)
    assert run.exit != 0, run
    seen = servers.seen(lab, PRIVATE)
    assert seen
    assert not any(row.authorization for row in seen)
