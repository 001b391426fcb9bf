"""What is read from a token that nobody vouches for, and can a hostile one do harm?"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.registry.jwt import LONGEST, Access, read, read_ecr


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(claims: Any, signature: str = "c2ln") -> str:
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{signature}"


def test_the_allowed_claims_are_kept() -> None:
    claims = read(token({
        "iss": "auth.example", "sub": "", "aud": "reg.example", "exp": 2000, "nbf": 900,
        "iat": 1000,
        "access": [{"type": "repository", "name": "a/b", "actions": ["pull"]}], "email": "x@y",
    }))  # fmt: skip
    assert claims is not None
    assert (claims.expires, claims.issuer, claims.subject) == (2000, "auth.example", "")
    assert claims.access == (Access("repository", "a/b", ("pull",)),)
    assert "x@y" not in repr(claims)


def test_silence_is_not_a_claim() -> None:
    claims = read(token({}))
    assert claims is not None
    assert (claims.expires, claims.subject, claims.access) == (None, None, None)


@pytest.mark.parametrize("text", [
    "", "a.b.c", "eyJ", "eyJhbGciOiJub25lIn0.e30", token({}) + ".more", token([1]), token("x"),
    f"{part([])}.{part({})}.x", "eyJ" + "a" * LONGEST + ".e30.x", "dckr_pat_0123456789",
    token({}).replace(".", ".\n"),
])  # fmt: skip
def test_what_is_no_jwt_gives_nothing(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("exp", [True, "2000", -1, 0, 1e300, None, [], {}])
def test_a_time_that_is_none_is_left_out(exp: Any) -> None:
    claims = read(token({"exp": exp}))
    assert claims is not None
    assert claims.expires is None


def test_deep_nesting_ends() -> None:
    deep = "[" * 9000
    body = base64.urlsafe_b64encode(f'{{"a":{deep}'.encode()).decode().rstrip("=")
    assert read(f"{part({})}.{body}.x") is None


def test_many_grants_are_bounded() -> None:
    grants = [{"type": "t", "name": "n", "actions": ["pull"] * 20}] * 100
    claims = read(token({"access": grants}))
    assert claims is not None
    assert claims.access is not None
    assert len(claims.access) == 64
    assert len(claims.access[0].actions) == 16


def test_an_ecr_token_tells_its_end() -> None:
    said = {
        "payload": "p",
        "datakey": "d",
        "version": "2",
        "type": "DATA_KEY",
        "expiration": 1700000000,
    }
    text = base64.b64encode(json.dumps(said).encode()).decode()
    found = read_ecr(text)
    assert found is not None
    assert (found.kind, found.expires) == ("ecr", 1700000000)
    assert read(text) is None


def test_a_key_that_is_json_by_chance_is_no_ecr_token() -> None:
    assert read_ecr(base64.b64encode(b'{"expiration": 1}').decode()) is None


@given(st.text(alphabet="eyJ.-_=ABab01+/\n\0é", max_size=200) | st.text(max_size=200))
def test_nothing_raises(text: str) -> None:
    read(text)
    read("eyJ" + text)
    read_ecr("eyJ" + text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x, max_size=3)
    )
)
def test_claims_of_any_type_do_not_raise(value: Any) -> None:
    claims = dict.fromkeys(("exp", "nbf", "iat", "iss", "sub", "aud", "access"), value)
    assert read(token(claims)) is not None
