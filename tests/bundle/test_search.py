"""The last look at a bundle finds a secret however it is written, wherever it stands, and nothing
else."""

from __future__ import annotations

import base64
import hashlib
import json
import textwrap

import pytest

from doctor import redact
from doctor.bundle import search
from doctor.redact import Gate
from tests.encodings import ENCODINGS
from tests.leaks import ODD

SECRET = f"hB7kQ2zW9{ODD}xTn4Lw8sR"
LETTERS = "jR8mPq3VtY6wXz1Kd5Nf"
ELSEWHERE = "registry.example:443 answered HTTP 401 to GET /v2/.\n" * 5


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate that knows these two, and forgets them afterwards."""
    own = Gate()
    monkeypatch.setattr(search, "GATE", own)
    monkeypatch.setattr(redact, "GATE", own)
    own.learn(SECRET)
    own.learn(LETTERS)
    return own


def found(
    text: str | bytes, own: str = "registry fail", name: str = "facts/0001.json"
) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return [str(leak) for leak in search.leaks({name: data}, lambda: own)]


@pytest.mark.parametrize("secret", [SECRET, LETTERS], ids=["odd", "letters"])
@pytest.mark.parametrize("how", ENCODINGS)
def test_in_every_encoding(how: str, secret: str) -> None:
    written = ENCODINGS[how](secret)
    assert found(f"{ELSEWHERE}{written}\n{ELSEWHERE}")
    assert found(json.dumps({"evidence": [written]}, indent=1))


@pytest.mark.parametrize("width", [7, 20, 64])
@pytest.mark.parametrize("secret", [SECRET, LETTERS], ids=["odd", "letters"])
def test_broken_over_lines(secret: str, width: int) -> None:
    packed = base64.b64encode(f"user:{secret}:{ELSEWHERE}".encode()).decode()
    lines = "\n    ".join(textwrap.wrap(packed, width))
    assert found(lines)
    assert found(json.dumps(lines))
    assert found("\n".join(textwrap.wrap(LETTERS, width)) if secret is LETTERS else lines)


def test_packed_once_more() -> None:
    """A Secret's data, in an annotation that holds it whole."""
    inner = json.dumps({"auth": base64.b64encode(f"bob:{LETTERS}".encode()).decode()})
    assert found(base64.b64encode(f'{{"password": "{LETTERS}"}}'.encode()).decode().rstrip("="))
    assert found(inner.encode().hex())


def test_it_says_where_and_never_what() -> None:
    (said,) = found(f"one\ntwo\nthree {LETTERS}\n")
    assert said == "facts/0001.json, line 3: a secret that this run has read"
    assert LETTERS not in said


def test_in_a_file_s_name() -> None:
    assert "a secret that this run has read" in found("x", name=f"config/home/{LETTERS}/x.json")[0]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dXNlcjpQYXNzd29yZDEyMw==",
        "token ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----",
        '{"identitytoken": "abcdefgh1234"}',
        "https://bob:pw1234@registry.example/v2/",
        "https://s3.example/b?X-Amz-Signature=0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "REGISTRY_PASSWORD=abc123def",
    ],
)
def test_the_shape_of_one_that_nobody_read(text: str) -> None:
    (said,) = found(f"{ELSEWHERE}{text}\n")
    assert "line 6: the shape of a secret" in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        ELSEWHERE,
        "[hidden]",
        'REGISTRY_PASSWORD = "[hidden]"',
        '{"password": "[hidden]", "auth": "[hidden]"}',
        "Authorization: Basic [hidden]",
        "https://bob:[hidden]@registry.example/v2/",
        "https://s3.example/b?X-Amz-Signature=[hidden]",
        hashlib.sha256(b"x").hexdigest() * 9,
        "\n".join(
            base64.b64encode(hashlib.sha512(bytes([n])).digest()).decode() for n in range(99)
        ),
        LETTERS[:9],
        LETTERS[::-1],
    ],
    ids=lambda text: text[:20],
)
def test_what_is_none_is_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("word", ["fail", "registry"])
def test_a_password_that_every_bundle_says_tells_nothing(word: str, gate: Gate) -> None:
    """The near miss is a word that no bundle says."""
    gate.learn(word)
    assert found('{"verdict": "fail", "role": "registry"}') == []
    assert found(f"{word}ure", own="nothing") != []


def test_a_few_digits_stand_in_numbers_and_digests_by_chance(gate: Gate) -> None:
    gate.learn("5432")
    assert found('{"port": 5432,\n "ms": 15432.5, "sha256": "ab5432cd"}') == []
    assert found('{"password": "5432"}') != []
