"""May a host receive a registry's credential? One sent to the wrong host cannot be taken back."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE, PublicSuffixList

from doctor.model import Hop, Scheme
from doctor.registry.realm import Permission, may_receive, registrable


def rule(
    realm: str,
    registry: str,
    scheme: Scheme = "https",
    allow: tuple[str, ...] = (),
    port: int = 443,
) -> Permission:
    return may_receive(
        Hop("token", realm, port, scheme), Hop("registry", registry, 443), allow=allow
    )


@pytest.mark.parametrize(("realm", "registry", "why"), [
    ("reg.example.com", "reg.example.com", "registry"),
    ("reg.example.com.", "reg.example.com", "registry"),
    ("auth.example.com", "reg.example.com", "domain"),
    ("example.com", "reg.example.com", "domain"),
    ("auth.example.co.uk", "reg.example.co.uk", "domain"),
    ("auth.team.corp", "reg.team.corp", "domain"),
    ("auth.docker.io", "registry-1.docker.io", "pair"),
    ("gitlab.com", "registry.gitlab.com", "domain"),
    ("10.0.0.5", "10.0.0.5", "registry"),
    ("localhost", "localhost", "registry"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", "registry"),
    ("auth.xn--bcher-kva.example", "reg.xn--bcher-kva.example", "domain"),
])  # fmt: skip
def test_these_may(realm: str, registry: str, why: str) -> None:
    found = rule(realm, registry)
    assert (found.allowed, found.rule, found.code) == (True, why, None)


@pytest.mark.parametrize(("realm", "registry"), [
    ("auth.example.net", "reg.example.com"),
    ("reg.example.com.evil.net", "reg.example.com"),
    ("evilexample.com", "example.com"),
    ("other.co.uk", "reg.co.uk"),
    ("bob.github.io", "alice.github.io"),
    ("eve.s3.amazonaws.com", "bob.s3.amazonaws.com"),
    ("auth.corp", "reg.corp"),
    ("auth", "registry"),
    ("10.0.0.6", "10.0.0.5"),
    ("127.0.0.1", "localhost"),
    ("::1", "localhost"),
    ("auth.docker.io", "reg.example.com"),
    ("com", "example.com"),
])  # fmt: skip
def test_these_may_not(realm: str, registry: str) -> None:
    found = rule(realm, registry)
    assert (found.allowed, found.rule, found.code) == (False, "foreign", "auth.realm-foreign")
    assert found.domains[0] != found.domains[1]


@pytest.mark.parametrize("realm", [
    "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "::ffff:169.254.169.254", "100.100.100.200", "metadata.google.internal", "0.0.0.0", "::",
])  # fmt: skip
def test_metadata_and_link_local_addresses_never_do_even_when_allowed(realm: str) -> None:
    found = rule(realm, "reg.example.com", allow=(realm,))
    assert (found.allowed, found.rule) == (False, "metadata")


def test_plain_http_is_refused_even_for_the_registry_itself_and_when_allowed() -> None:
    for realm in ("reg.example.com", "auth.example.com", "other.net"):
        found = rule(realm, "reg.example.com", "http", allow=(realm,))
        assert (found.allowed, found.code) == (False, "auth.realm-insecure")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_plain_http_to_the_same_loopback_host_may(host: str) -> None:
    assert rule(host, host, "http", port=5001).allowed


@pytest.mark.parametrize("allow", ["auth.example.net", "AUTH.example.net", "auth.example.net:443"])
def test_a_host_may_be_allowed_by_name(allow: str) -> None:
    assert rule("auth.example.net", "reg.example.com", allow=(allow,)).rule == "allowed"


@pytest.mark.parametrize("allow", ["example.net", "auth.example.net:8443", "*.example.net", ""])
def test_leave_is_for_that_host_alone(allow: str) -> None:
    assert not rule("auth.example.net", "reg.example.com", allow=(allow,)).allowed


def test_a_pair_names_its_source() -> None:
    assert "docker/docs" in rule("auth.docker.io", "registry-1.docker.io").why


@pytest.mark.parametrize("host", ["", ".", "..", "a..b", "-", "[::1]", "1.2.3", "x" * 300])
def test_odd_hosts_do_not_raise(host: str) -> None:
    registrable(host)
    assert not rule(host, "reg.example.com").allowed


def test_the_list_is_loaded_only_when_domains_must_be_compared() -> None:
    code = (
        "import sys; from doctor.model import Hop; from doctor.registry.realm import may_receive;"
        "r = Hop('registry', 'registry-1.docker.io', 443);"
        "assert may_receive(Hop('token', 'auth.docker.io', 443), r).allowed;"
        "print('publicsuffixlist' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@functools.cache
def _whole_list() -> PublicSuffixList:
    return PublicSuffixList()


def _rules_of_the_list() -> list[str]:
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("//")]


def test_no_rule_of_the_list_has_anything_behind_it() -> None:
    assert [rule for rule in _rules_of_the_list() if [rule] != rule.split()] == []


@settings(max_examples=300)
@given(st.sampled_from(_rules_of_the_list()), st.sampled_from(("", "a.", "b.a.", "xn--bcher-kva.")))
def test_the_lines_that_are_read_decide_as_the_whole_list_does(rule: str, below: str) -> None:
    bare = rule.removeprefix("!").replace("*.", "any.")
    host = below + bare.encode("idna").decode()
    if "." in host:
        assert registrable(host) == (_whole_list().privatesuffix(host) or "")
