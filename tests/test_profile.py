"""Does a host find its registry's profile, and do the files say what the product relies on?"""

from __future__ import annotations

import pytest

from doctor.registry import hub
from doctor.registry.profile import Profile, for_host, parse, profiles


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


def test_every_pattern_ends_in_a_domain_without_a_wildcard() -> None:
    """By its domain a host finds the files that may be about it."""
    for profile in profiles():
        for pattern in profile.hosts:
            domain = pattern.split(".")[-2:]
            assert len(domain) == 2, pattern
            assert not set("*?[") & set("".join(domain)), pattern


def test_cleanstart_says_where_keys_are_made_and_what_the_limits_are() -> None:
    profile = for_host("registry.cleanstart.com")
    assert profile.key_page == "https://dashboard.cleanstart.com"
    assert profile.key_steps == "Settings, API Keys"
    assert profile.support == "support@cleanstart.com"
    limits = [(each.requests, each.seconds, each.by) for each in profile.limits]
    assert limits == [(1000, 3600, "key"), (100, 60, "address"), (10, None, "key")]


@pytest.mark.parametrize(("host", "command"), [
    ("123456789012.dkr.ecr.eu-west-1.amazonaws.com",
     "aws ecr get-login-password --region eu-west-1"),
    ("123456789012.dkr-ecr.us-east-1.on.aws", "aws ecr get-login-password --region us-east-1"),
    ("CORP.azurecr.io.",
     "az acr login --name corp --expose-token --output tsv --query accessToken"),
    ("europe-docker.pkg.dev", "gcloud auth print-access-token"),
    ("registry.cleanstart.com", ""),
    ("corp;id.azurecr.io", ""),
    ("dkr.ecr.eu-west-1.amazonaws.com.example.com", ""),
])  # fmt: skip
def test_the_command_that_prints_a_token_is_that_of_the_registrys_own_host(
    host: str, command: str
) -> None:
    assert for_host(host).prints_token(host) == command


def test_an_unconfirmed_token_host_is_no_known_pair() -> None:
    assert for_host("docker.io").pairs == (
        ("auth.docker.io", "docker/docs content/manuals/desktop/setup/allow-list.md"),
    )
    assert for_host("ghcr.io").token_hosts
    assert for_host("ghcr.io").pairs == ()


def test_a_file_with_a_key_that_no_profile_has_is_refused() -> None:
    with pytest.raises(TypeError):
        parse("x", {"hosts": ["x"], "hots": []})


def test_what_is_called_unconfirmed_is_a_field() -> None:
    for profile in profiles():
        for field in profile.unconfirmed:
            assert hasattr(profile, field), (profile.name, field)
