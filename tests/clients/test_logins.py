"""Are docker's and podman's look-ups told whole: places, near misses, losers, other clients?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from doctor.clients import logins
from doctor.clients.keyring import Ask, Wanted
from tests.clients.registries import DOCKER, HOME, auth, machine, outcomes, put, user

REG = Wanted("reg.example.com:5000", "team/app")
HUB = Wanted("docker.io", "library/nginx")
AUTH_JSON = f"{HOME}/.config/containers/auth.json"


def config(key: str = REG.domain, name: str = "u") -> dict[str, Any]:
    return {"auths": {key: auth(name)}}


def test_docker_finds_its_own_and_says_where_it_looked(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, config())
    got = logins.docker(machine(tmp_path), REG)
    assert (user(got), got.client, got.config) == ("u", "docker", DOCKER)
    assert outcomes(got) == {"DOCKER_AUTH_CONFIG": "unset", DOCKER: "used"}


def test_docker_does_not_read_podmans_file_and_says_who_does(tmp_path: Path) -> None:
    put(tmp_path, AUTH_JSON, config())
    got = logins.docker(machine(tmp_path), REG)
    assert user(got) is None
    assert outcomes(got)[DOCKER] == "missing"
    assert {each.client for each in got.otherwise} == {"crane", "podman"}


def test_podman_reads_dockers_file_last(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, config(name="docker"))
    assert user(logins.podman(machine(tmp_path), REG)) == "docker"
    put(tmp_path, AUTH_JSON, config(name="podman"))
    got = logins.podman(machine(tmp_path), REG)
    assert user(got) == "podman"
    assert [held.credential.user for held in got.also] == ["docker"]


@pytest.mark.parametrize("text", ["{", '{"auths": {"x": {"auth": "%"}}}'])
def test_docker_goes_on_without_a_broken_file(tmp_path: Path, text: str) -> None:
    put(tmp_path, DOCKER, text)
    got = logins.docker(machine(tmp_path), REG)
    assert [fault.stops for fault in got.faults] == [False]
    assert outcomes(got)[DOCKER] == "unreadable"


def test_docker_goes_on_without_a_file_that_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / DOCKER.lstrip("/")).mkdir(parents=True)
    (fault,) = logins.docker(machine(tmp_path), REG).faults
    assert (fault.kind, fault.where, fault.stops) == ("access", DOCKER, False)


@pytest.mark.parametrize("text", ["{", "", "[]"])
def test_podman_stops_at_a_broken_file(tmp_path: Path, text: str) -> None:
    put(tmp_path, AUTH_JSON, text)
    put(tmp_path, DOCKER, config())
    got = logins.podman(machine(tmp_path), REG)
    assert (user(got), [fault.stops for fault in got.faults]) == (None, [True])


def test_dockers_variable_wins_over_its_file(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, config())
    variable = '{"auths": {"reg.example.com:5000": {"auth": "dmFyOnB3"}}}'
    got = logins.docker(machine(tmp_path, DOCKER_AUTH_CONFIG=variable), REG)
    assert user(got) == "var"
    assert outcomes(got)["DOCKER_AUTH_CONFIG"] == "used"
    assert [held.credential.user for held in got.also] == ["u"]
    assert user(logins.podman(machine(tmp_path, DOCKER_AUTH_CONFIG=variable), REG)) == "u"


def test_podman_ignores_dockers_store(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"credsStore": "desktop", "auths": {REG.domain: {}}})
    (ask,) = logins.docker(machine(tmp_path), REG).tries
    assert isinstance(ask, Ask)
    got = logins.podman(machine(tmp_path), REG)
    assert got.tries == ()
    assert any("docker-credential-desktop" in each.says for each in got.otherwise)


@pytest.mark.parametrize(("key", "want", "docker", "podman"), [
    ("reg.example.com:443", REG, "port", "port"),
    ("reg.example.com", REG, "port", "port"),
    ("*.example.com:5000", REG, "wildcard", "wildcard"),
    ("Reg.example.com:5000", REG, "letter-case", "letter-case"),
    ("docker.io", HUB, "docker-hub", None),
    ("https://index.docker.io/v1", HUB, "docker-hub", None),
    ("reg.example.com:5000/other", REG, None, "namespace"),
    ("reg.example.com:5000/tea", REG, None, "namespace"),
    ("reg.example.com:5000/team", REG, None, None),
    ("other.example.com:5000", REG, None, None),
])  # fmt: skip
def test_a_near_miss_is_one_by_the_clients_own_rule(
    tmp_path: Path, key: str, want: Wanted, docker: str | None, podman: str | None
) -> None:
    put(tmp_path, DOCKER, config(key))
    here = machine(tmp_path)
    for look_up, expected in ((logins.docker, docker), (logins.podman, podman)):
        got = look_up(here, want)
        assert [miss.why for miss in got.near_misses] == ([expected] if expected else [])
        assert (user(got) is None) is (expected is not None or key.startswith("other"))


def test_the_files_with_secrets_are_listed_for_each(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, config(), mode=0o644)
    put(tmp_path, AUTH_JSON, config())
    here = machine(tmp_path)
    assert [f.path for f in logins.docker(here, REG).files] == [DOCKER]
    assert [f.path for f in logins.podman(here, REG).files] == [AUTH_JSON, DOCKER]


def test_another_machines_helpers_are_not_run(tmp_path: Path) -> None:
    assert logins.docker(machine(tmp_path), REG).foreign
    assert logins.podman(machine(tmp_path), REG).foreign
