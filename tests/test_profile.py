"""Does a host find its registry's profile, and do the files say what the product relies on?"""

from __future__ import annotations

import re

import pytest

from doctor import hub
from doctor.profile import Profile, for_host, parse, profiles


@pytest.mark.parametrize(("host", "name"), [
    ("registry.cleanstart.com", "cleanstart"),
    *((host, "dockerhub") for host in sorted(hub.HOSTS)),
    ("GHCR.IO", "ghcr"),
    ("quay.io", "quay"),
    ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr"),
    ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "ecr"),
    ("europe-docker.pkg.dev", "gar"),
    ("eu.gcr.io", "gar"),
    ("team.azurecr.io", "acr"),
])  # fmt: skip
def test_a_host_finds_its_profile(host: str, name: str) -> None:
    assert for_host(host).name == name


@pytest.mark.parametrize("host", [
    "reg.example.com", "cleanstart.com.example", "evil.registry.cleanstart.com", "azurecr.io",
    "a.b.azurecr.io", "notquay.io", "dkr.ecr.eu-central-1.amazonaws.com",
    "localhost", "127.0.0.1", "",
])  # fmt: skip
def test_another_host_gets_the_empty_one(host: str) -> None:
    assert for_host(host) == Profile()


def test_cleanstart_says_where_keys_are_made_and_what_the_limits_are() -> None:
    profile = for_host("registry.cleanstart.com")
    assert profile.key_page == "https://dashboard.cleanstart.com"
    assert profile.key_steps == "Settings, API Keys"
    assert profile.support == "support@cleanstart.com"
    limits = [(each.requests, each.seconds, each.by) for each in profile.limits]
    assert limits == [(1000, 3600, "key"), (100, 60, "address"), (10, None, "key")]


def test_only_docker_hub_counts_a_get_as_a_pull() -> None:
    assert [p.name for p in profiles() if p.get_counts] == ["dockerhub"]


def test_an_unconfirmed_token_host_is_no_known_pair() -> None:
    assert for_host("docker.io").pairs == (
        ("auth.docker.io", "docker/docs content/manuals/desktop/setup/allow-list.md"),
    )
    assert for_host("ghcr.io").token_hosts
    assert for_host("ghcr.io").pairs == ()


def test_storage_is_known_by_pattern() -> None:
    hub = for_host("docker.io")
    assert hub.is_storage("production.cloudflare.docker.com")
    assert hub.is_storage(
        "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com"
    )
    assert not hub.is_storage("evil.production.cloudflare.docker.com")


def test_login_commands_are_filled_in_for_the_registry() -> None:
    assert "docker login 1.dkr.ecr.eu-west-1.amazonaws.com " in for_host(
        "1.dkr.ecr.eu-west-1.amazonaws.com"
    ).login_to("1.dkr.ecr.eu-west-1.amazonaws.com")
    assert for_host("team.azurecr.io").login_to("team.azurecr.io") == "az acr login --name team"


def test_every_login_reads_the_key_from_a_file_or_a_pipe() -> None:
    for profile in profiles():
        login = profile.login_to("registry.example")
        assert login, profile.name
        assert not re.search(r"--password(?!-stdin)|-p ", login)
        assert "{" not in login
        assert "--password-stdin" in login or login.startswith("az acr login ")


def test_a_file_with_a_key_that_no_profile_has_is_refused() -> None:
    with pytest.raises(TypeError):
        parse("x", {"hosts": ["x"], "hots": []})


def test_what_is_called_unconfirmed_is_a_field() -> None:
    for profile in profiles():
        for field in profile.unconfirmed:
            assert hasattr(profile, field), (profile.name, field)
