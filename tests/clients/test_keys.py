"""Which key finds a credential? Each client's own rule, and what real skopeo says to it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from doctor.clients.auth_json import podman_lookup
from doctor.clients.docker_keys import docker_lookup
from doctor.clients.keychain import resolve
from doctor.clients.keyring import Wanted
from tests.clients.registries import DOCKER, HOME, auth, machine, put, user

HUB = Wanted("docker.io", "library/nginx")
OWN = Wanted("reg.example.com:5000", "team/app")
OTHER = Wanted("reg.example.com:5000", "team2/app")
PLAIN = Wanted("reg.example.com", "team/app")

# key, what is wanted, docker, podman, go-containerregistry
ROWS = [
    ("https://index.docker.io/v1/", HUB, True, True, True),
    ("https://index.docker.io/v1", HUB, False, True, False),
    ("index.docker.io/v1/", HUB, False, False, False),
    ("index.docker.io", HUB, False, True, False),
    ("docker.io", HUB, False, True, False),
    ("https://docker.io", HUB, False, True, False),
    ("registry-1.docker.io", HUB, False, True, False),
    ("docker.io/library", HUB, False, True, False),
    ("*.docker.io", HUB, False, False, False),
    ("reg.example.com:5000", OWN, True, True, True),
    ("https://reg.example.com:5000", OWN, True, True, True),
    ("https://reg.example.com:5000/v2/", OWN, True, True, True),
    ("https://reg.example.com:5000/v2", OWN, True, True, True),
    ("https://reg.example.com:5000/v1/", OWN, True, True, True),
    ("reg.example.com:5000/team", OWN, True, True, True),
    ("reg.example.com:5000/team", OTHER, True, False, True),
    ("reg.example.com:5000/team/app", OWN, True, True, True),
    ("reg.example.com", OWN, False, False, False),
    ("*.example.com:5000", OWN, False, False, False),
    ("*.com:5000", OWN, False, False, False),
    ("reg.example.com:443", PLAIN, False, False, False),
    ("reg.example.com", PLAIN, True, True, True),
    ("https://reg.example.com/v1/", PLAIN, True, True, True),
    ("Reg.example.com", PLAIN, False, False, False),
    ("reg.example.com ", PLAIN, False, False, False),
]


@pytest.mark.parametrize(("key", "want", "docker", "podman", "crane"), ROWS)
def test_which_key_finds_it(
    tmp_path: Path, key: str, want: Wanted, docker: bool, podman: bool, crane: bool
) -> None:
    put(tmp_path, DOCKER, {"auths": {key: auth("found")}})
    here = machine(tmp_path)
    expected = {True: "found", False: None}
    assert user(docker_lookup(here, want)) == expected[docker]
    assert user(podman_lookup(here, want)) == expected[podman]
    assert user(resolve(here, want)) == expected[crane]


@pytest.mark.parametrize(("key", "want", "why"), [
    ("https://index.docker.io/v1", HUB, "docker-hub"),
    ("docker.io", HUB, "docker-hub"),
    ("registry-1.docker.io", HUB, "docker-hub"),
    ("reg.example.com", OWN, "port"),
    ("reg.example.com:443", PLAIN, "port"),
    ("reg.example.com:8443", PLAIN, "port"),
    ("*.example.com:5000", OWN, "wildcard"),
    ("REG.example.com", PLAIN, "letter-case"),
    ("reg.example.com ", PLAIN, "white-space"),
    ("https://index.docker.io/v1/", Wanted("registry-1.docker.io", "a/b"), "docker-hub"),
])  # fmt: skip
def test_a_key_that_nearly_matches_is_named(
    tmp_path: Path, key: str, want: Wanted, why: str
) -> None:
    put(tmp_path, DOCKER, {"auths": {key: auth()}})
    found = resolve(machine(tmp_path), want)
    assert [(m.key, m.wanted, m.why) for m in found.near_misses] == [(key, want.key, why)]
    assert found.near_misses[0].line == 1


@pytest.mark.parametrize(("key", "want"), [
    ("https://reg.example.com/v1/", PLAIN),
    ("reg.example.com/team", PLAIN),
    ("https://reg.example.com:5000/v2/", OWN),
    ("https://index.docker.io/v1/", HUB),
    ("other.example.com", PLAIN),
    ("*.com:5000", OWN),
    ("quay.io", HUB),
])  # fmt: skip
def test_what_matches_or_is_about_another_host_is_no_near_miss(
    tmp_path: Path, key: str, want: Wanted
) -> None:
    put(tmp_path, DOCKER, {"auths": {key: auth()}})
    assert resolve(machine(tmp_path), want).near_misses == ()


def test_an_empty_entry_under_a_near_key_holds_nothing_to_miss(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"auths": {"docker.io": {}}})
    assert resolve(machine(tmp_path), HUB).near_misses == ()


def test_a_helper_under_a_key_that_is_not_exact_is_named(tmp_path: Path) -> None:
    put(tmp_path, DOCKER, {"credHelpers": {"https://reg.example.com": "x"}})
    found = resolve(machine(tmp_path), PLAIN).near_misses
    assert [(m.why, m.setting) for m in found] == [("helper-key", "credHelpers")]


SKOPEO_ROWS = [
    (key, want, podman)
    for key, want, _, podman, _ in ROWS
    if "/" not in key.removeprefix("https://").rstrip("/").removesuffix("/v1").removesuffix("/v2")
    and key != "index.docker.io/v1/"
]
"""`skopeo login --get-login` asks for a registry, not for a repository; and skopeo 1.9 still cut a
key without a scheme at its first slash."""


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize(("key", "want", "podman"), SKOPEO_ROWS)
def test_skopeo_finds_it_under_the_same_keys(
    tmp_path: Path, key: str, want: Wanted, podman: bool
) -> None:
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {key: auth("found")}}))
    asked = ["skopeo", "login", "--get-login", "--authfile", str(file), want.domain]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.strip() == "found") == podman, done.stderr


@pytest.mark.parametrize(("user_entry", "expected"), [
    (auth("plain"), "plain"),
    ({"username": "u", "password": "p"}, None),
    ({"identitytoken": "t-secret"}, None),
    ({**auth("both"), "identitytoken": "t-secret"}, "both"),
    ({"registrytoken": "t-secret"}, None),
    ({}, None),
])  # fmt: skip
def test_podman_reads_fewer_fields_than_docker(
    tmp_path: Path, user_entry: dict[str, str], expected: str | None
) -> None:
    put(
        tmp_path, f"{HOME}/.config/containers/auth.json", {"auths": {"reg.example.com": user_entry}}
    )
    assert user(podman_lookup(machine(tmp_path), PLAIN)) == expected
