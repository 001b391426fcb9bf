"""Is a host this machine, or an address? A wrong yes speaks plain HTTP to a stranger."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from doctor.facts.dns import is_localhost
from doctor.registry.host import address, is_loopback, is_metadata


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_what_is_given_as_loopback_is(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [
    *("localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "1.1.1.1", "::2"),
    # Names to Go, whatever a resolver makes of them.
    *("localhost.", "registry.localhost", "localhost.localdomain", "127.1", "0x7f000001"),
])  # fmt: skip
def test_what_only_looks_like_loopback_is_none(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("name", "own"), [
    ("localhost", True),
    ("localhost.", True),
    ("registry.localhost", True),
    ("localhost.example.com", False),
    ("127.0.0.1", False),
])  # fmt: skip
def test_whether_a_resolver_is_asked_is_another_question(name: str, own: bool) -> None:
    assert is_localhost(name) is own


@pytest.mark.parametrize(("host", "found"), [
    ("10.0.0.1", "10.0.0.1"),
    ("fe80::1%eth0", "fe80::1"),
    ("::ffff:10.0.0.1", "10.0.0.1"),
    ("reg.example.com", None),
    ("10.0.0", None),
    ("", None),
])  # fmt: skip
def test_a_literal_address(host: str, found: str | None) -> None:
    assert address(host) == (ip_address(found) if found else None)


@pytest.mark.parametrize(("host", "metadata"), [
    ("169.254.169.254", True),
    ("[fe80::1]", True),
    ("Metadata.google.internal.", True),
    ("0.0.0.0", True),
    ("169.253.0.1", False),
    ("metadata.example.com", False),
])  # fmt: skip
def test_metadata_services_are_known_by_name_and_address(host: str, metadata: bool) -> None:
    assert is_metadata(host) is metadata
