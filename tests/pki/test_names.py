"""The rows of Go's host matching, each beside one that nearly fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.pki.names import address, covers, nearest


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("reg.test", "reg.test", True),
        ("reg.test", "REG.test", True),
        ("reg.test", "reg.test.", True),
        ("reg.test", "other.test", False),
        ("*.test", "reg.test", True),
        ("*.a.test", "x.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.a.test", "x.y.a.test", False),
        ("*.a.test", "x_y.a.test", True),
        ("*.a.test", "xn--bcher-kva.a.test", True),
        ("f*.a.test", "foo.a.test", False),
        ("x.*.test", "x.a.test", False),
        ("*", "reg", False),
        ("*", "*", True),
        ("reg.test.", "reg.test", False),
        ("registry", "registry", True),
        ("\u212aelvin.test", "kelvin.test", False),
        ("", "", False),
    ],
)
def test_names_match_as_they_do_in_go(pattern: str, host: str, fits: bool) -> None:
    assert covers(host, (pattern,), ()) is fits


@pytest.mark.parametrize(
    ("entry", "host", "fits"),
    [
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.5", "10.0.0.6", False),
        ("::1", "[::1]", True),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("10.0.0.5", "::ffff:10.0.0.5", True),
    ],
)
def test_addresses_are_compared_with_address_entries(entry: str, host: str, fits: bool) -> None:
    assert covers(host, (), (entry,)) is fits


def test_an_address_written_as_a_dns_name_does_not_cover_the_address() -> None:
    assert not covers("10.0.0.5", ("10.0.0.5", "*.0.0.5"), ())


def test_a_scoped_address_is_no_literal() -> None:
    assert address("fe80::1%eth0") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_match_without_a_wildcard_is_an_equal_name(pattern: str, host: str) -> None:
    if "*" not in pattern and covers(host, (pattern,), ()):
        assert pattern.lower() == host.removesuffix(".").lower() or pattern == host


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        ("registry.corp.test", ("registy.corp.test", "x.test"), "registy.corp.test"),
        ("registry", ("registry.corp.test",), "registry.corp.test"),
        ("a.b.corp.test", ("*.corp.test",), "*.corp.test"),
        ("registry.corp.test", ("unrelated.example",), None),
    ],
)
def test_the_nearest_name_is_found(host: str, names: tuple[str, ...], expected: str | None) -> None:
    assert nearest(host, names) == expected
