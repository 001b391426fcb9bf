"""The search finds a leak however it is dressed, and only a leak: without this the canary proves
nothing."""

from __future__ import annotations

import base64
import json
import random
import textwrap

import pytest

from tests.encodings import ENCODINGS
from tests.leaks import leaks, password, plainly, token

PASSWORD, TOKEN, LETTERS = (
    password("a test's password"),
    token("a test's token"),
    plainly("letters"),
)
SECRETS = {"password": PASSWORD, "token": TOKEN, "letters": LETTERS}
ELSEWHERE = "registry.cleanstart.com:443 answered HTTP 401 to GET /v2/. " * 20


def seen(text: str) -> list[str]:
    return leaks({"surface": f"{ELSEWHERE}{text}{ELSEWHERE}".encode()}, SECRETS).get("surface", [])


@pytest.mark.parametrize("place", SECRETS)
@pytest.mark.parametrize("how", ENCODINGS)
def test_a_planted_leak_is_found_in_every_encoding(how: str, place: str) -> None:
    assert seen(f"({ENCODINGS[how](SECRETS[place])})") == [place]


@pytest.mark.parametrize("place", SECRETS)
@pytest.mark.parametrize("how", ENCODINGS)
def test_also_in_json_and_wrapped(how: str, place: str) -> None:
    written = ENCODINGS[how](SECRETS[place])
    assert seen(json.dumps({"evidence": written})) == [place]
    lines = textwrap.wrap(f"it said {written} and ended", 15, initial_indent="    ")
    assert seen("\n    ".join(lines)) == [place]


@pytest.mark.parametrize("width", [20, 64, 76])
def test_base64_in_lines(width: int) -> None:
    written = base64.b64encode(f"{ELSEWHERE}:{PASSWORD}:{ELSEWHERE}".encode()).decode()
    assert seen("\n".join(textwrap.wrap(written, width))) == ["password"]


@pytest.mark.parametrize("place", SECRETS)
def test_half_of_it_is_a_leak(place: str) -> None:
    secret = SECRETS[place]
    half = len(secret) // 2
    assert seen(f"({secret[:half]}…") == [place]
    assert seen(f"…{secret[half:]})") == [place]
    assert seen(f"({secret.upper()[:half]}…") == [place]


def test_what_is_no_secret_is_none() -> None:
    rows = [
        "",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        base64.b64encode(random.Random(1).randbytes(4000)).decode(),
        random.Random(2).randbytes(4000).hex(),
        "%41%42 &amp; \\u0041 " * 50,
        "[hidden]",
        PASSWORD[:5],
    ]
    assert [seen(row) for row in rows] == [[]] * len(rows)


def test_every_surface_is_named() -> None:
    surfaces = {"out": b"nothing", "err": LETTERS.encode(), "file": f"{TOKEN} {LETTERS}".encode()}
    assert leaks(surfaces, SECRETS) == {"err": ["letters"], "file": ["token", "letters"]}


def test_a_secret_is_not_taken_for_another() -> None:
    """All passwords have the same middle."""
    many = {f"{n}": password(f"one of many {n}") for n in range(200)}
    for place, secret in many.items():
        assert leaks({"": f"({secret})".encode()}, many) == {"": [place]}
