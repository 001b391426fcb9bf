"""Are challenges read by their grammar, and is nothing that a server may send too much for it?"""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.registry.challenge import Challenge, choose, parse

TOKEN = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)


def read(text: str) -> list[tuple[str, dict[str, str] | str]]:
    return [(c.scheme, c.token68 or dict(c.params)) for c in parse([text])]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.example/token",
                        "service": "registry.example",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('BASIC Realm="x"', [("basic", {"realm": "x"})]),
        ('Basic realm="a, Bearer realm=b"', [("basic", {"realm": "a, Bearer realm=b"})]),
        (r'Basic realm="say \"hi\" \\"', [("basic", {"realm": 'say "hi" \\'})]),
        (
            'Bearer realm="https://a/t", service=s, Basic realm="x"',
            [("bearer", {"realm": "https://a/t", "service": "s"}), ("basic", {"realm": "x"})],
        ),
        ("Negotiate", [("negotiate", {})]),
        ("Negotiate, NTLM", [("negotiate", {}), ("ntlm", {})]),
        ('Negotiate YWJj==, Basic realm="x"', [("negotiate", "YWJj=="), ("basic", {"realm": "x"})]),
        (
            'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
            [
                ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
                ("basic", {"realm": "simple"}),
            ],
        ),
        ('Basic realm = "x" , charset="UTF-8"', [("basic", {"realm": "x", "charset": "UTF-8"})]),
        (',, Basic realm="x",,', [("basic", {"realm": "x"})]),
        ("", []),
        ('"', []),
        ("=,=", []),
    ],
)
def test_challenges_as_servers_write_them(text: str, found: object) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Bearer realm=https://a.test/token,service=s",
            {"realm": "https://a.test/token", "service": "s"},
        ),
        ('Bearer realm="https://a.test/token', {"realm": "https://a.test/token"}),
        ('Bearer realm="x" service="s"', {"realm": "x"}),
    ],
)
def test_what_clients_are_lenient_about_is_read_and_recorded(
    text: str, found: dict[str, str]
) -> None:
    (challenge,) = parse([text])
    assert dict(challenge.params) == found
    assert challenge.flaws


def test_lines_are_told_apart() -> None:
    found = parse(['Bearer realm="a"', 'Basic realm="b"'])
    assert [(c.scheme, c.line) for c in found] == [("bearer", 0), ("basic", 1)]


def test_the_choice_is_that_of_registry_clients() -> None:
    both = parse(['Basic realm="b", Bearer realm="a"'])
    assert choose(both) == both[1]
    assert choose(parse(['Bearer service="no realm", Basic realm="b"'])) == Challenge(
        "basic", (("realm", "b"),)
    )
    assert choose(parse(["Negotiate", "NTLM"])) is None


@given(
    st.lists(st.tuples(TOKEN, st.dictionaries(TOKEN.map(str.lower), VALUE, max_size=4)), max_size=4)
)
def test_whatever_is_written_by_the_grammar_is_read_back(
    challenges: list[tuple[str, dict[str, str]]],
) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = ", ".join(
        f"{scheme} {', '.join(f'{name}={quoted(value)}' for name, value in params.items())}".strip()
        for scheme, params in challenges
    )
    assert [(c.scheme, dict(c.params), c.flaws) for c in parse([text])] == [
        (scheme.lower(), params, ()) for scheme, params in challenges
    ]


@given(st.lists(st.text(max_size=200), max_size=20))
def test_nothing_breaks_it(lines: list[str]) -> None:
    found = parse(lines)
    assert len(found) <= 16
    choose(found)


def test_it_stays_small_and_quick_whatever_comes() -> None:
    for text in ("a=" * 100_000, '"' * 100_000, "," * 100_000, "a " * 100_000, "a b=c," * 100_000):
        assert len(parse([text] * 100)) <= 16


def test_parameters_beyond_what_is_kept_are_no_challenges() -> None:
    line = "Bearer " + ",".join(f'p{n}="x"' for n in range(40)) + ", Basic realm=r"
    bearer, basic = parse([line])
    assert (bearer.scheme, len(bearer.params)) == ("bearer", 16)
    assert (basic.scheme, basic.get("realm")) == ("basic", "r")
