"""No secret leaves in any encoding, and no foreign text reaches a terminal alive."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.redact import MASK, Gate, Secret, learn_variables, plain, scrub
from doctor.redact.spelling import spellings

SECRET = "s3cr€t/+ with?odd&chars=="


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(SECRET)
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>20}",
        f"{secret}",
        f"{[secret]}",
    ):
        assert SECRET not in shown
        assert MASK in shown
    with pytest.raises(TypeError):
        json.dumps({"password": secret})
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        "".join([secret])  # type: ignore[list-item]
    assert copy.deepcopy(secret).reveal() == SECRET
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "encode",
    [
        lambda s: s,
        lambda s: quote(s, safe=""),
        lambda s: quote_plus(s),
        lambda s: quote(s, safe="").lower(),
        lambda s: json.dumps(s),
        lambda s: json.dumps(s, ensure_ascii=False),
        lambda s: s.encode().hex(),
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.b64encode(f"u:{s}".encode()).decode(),
        lambda s: base64.b64encode(f"us:{s}".encode()).decode(),
        lambda s: base64.b64encode(f"usr:{s}".encode()).decode(),
        lambda s: base64.urlsafe_b64encode(f"user:{s}".encode()).decode().rstrip("="),
    ],
)
def test_a_known_secret_is_masked_in_every_encoding(encode) -> None:  # type: ignore[no-untyped-def]
    gate = Gate()
    gate.learn(SECRET)
    encoded = encode(SECRET)
    out = gate.scrub(f"before {encoded} after")
    assert MASK in out
    for spelling in spellings(SECRET):
        assert spelling not in out
    assert out.startswith("before ")
    assert out.endswith(" after")


@given(
    st.text(min_size=4, max_size=40).filter(
        lambda s: s.strip() == s and MASK not in s and s not in MASK
    )
)
def test_any_secret_of_four_characters_is_masked(secret: str) -> None:
    gate = Gate()
    gate.learn(secret)
    assert secret not in gate.scrub(f"a{secret}b").replace(MASK, "")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl here", "eyJzdWIi"),
        ("ghp_abcdefghijklmnopqrstuvwxyz012345", "ghp_abc"),
        ("glpat-abcdefghijklmnop1234", "glpat-abc"),
        ("dckr_pat_abcdefghijklmnop", "dckr_pat_abc"),
        ("key AKIAABCDEFGHIJKLMNOP", "AKIAABC"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("proxy http://bob:hunter2@proxy:3128/ used", "hunter2"),
        ('{"auth": "dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
        ('{\\"password\\": \\"hunter2\\"}', "hunter2"),
        ("https://s/x?X-Amz-Signature=abcdef&y=1", "abcdef"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----", "MHcCAQ"),
        ("-----BEGIN PRIVATE KEY-----\nMHcCAQ cut off", "MHcCAQ"),
        ("access_token=0a1b2c3d&token_type=bearer", "0a1b2c3d"),
        ("REGISTRY_PASSWORD=hunter2 is no image", "hunter2"),
        ("export AWS_SECRET_ACCESS_KEY='wJalr XUtn'", "XUtn"),
        ('db.password = "two words"', "words"),
        ("--api-key=hunter2", "hunter2"),
        ("    token: a1b2c3d4e5", "a1b2c3d4e5"),
        ("password: 'hunter22'", "hunter22"),
        ('{"db_password":"hunter2"}', "hunter2"),
        ('{"Username":"u","Secret":"hunter2"}', "hunter2"),
        ("Set-Cookie: session=hunter2; Path=/", "hunter2"),
        ("cookie: a=1; session=hunter2", "hunter2"),
        ("https://mirror.corp/v2?k=hunter22&ns=docker.io", "hunter22"),
        ("https://mirror.corp/v2?ns=docker.io&k=hunter22", "hunter22"),
        ('{"accessToken": "hunter2", "x": 1}', "hunter2"),
        ('{"clientSecret":"hunter2"}', "hunter2"),
        ('{"pass":"hunter2"}', "hunter2"),
        ('{"api-key":"hunter2"}', "hunter2"),
        ("clientSecret=hunter2", "hunter2"),
        ("DB_PASS=hunter2", "hunter2"),
        ("X-Api-Key: hunter22", "hunter22"),
        ("Authorization: Token hunter22x", "hunter22x"),
        ("X-Registry-Auth: eyJ1c2VybmFtZSI6ImEifQ==", "eyJ1"),
        ("podman login --password hunter2 r.io", "hunter2"),
        ("skopeo copy --src-creds bob:hunter2 a b", "hunter2"),
        ("ya29.a0AfH6SMBx8vQ4mZ1234567890", "a0AfH6"),
        ("glrt-abcdefghijklmnop1234", "abcdefgh"),
        (f"dop_v1_{'0123456789abcdef' * 4}", "0123456789"),
        (f"cmVmdGtuOj{'Ab1' * 18}", "Ab1Ab1"),
        (f"AKCp8{'Ab1' * 22}", "Ab1Ab1"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----",
            "lQOY",
        ),
    ],
)
def test_shapes_of_unknown_secrets_are_masked(text: str, gone: str) -> None:
    assert gone not in Gate().scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "no basic auth credentials",
        'Bearer realm="https://auth.example/token",service="registry.example"',
        'Basic realm="Registry Realm"',
        "Basic authentication is wanted",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "registry.cleanstart.com/library/base:latest",
        "http://proxy:3128/",
        "AKI present, SKI absent",
        "the token=$TOKEN of --password-stdin",
        "password: ${{ secrets.REGISTRY_KEY_2 }}",
        "invalid token: expired 3 hours ago",
        "wrong password: the account is locked",
        "token: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        'Bearer error="invalid_token",error_description="none"',
        "PASSWORD=<the password>",
        "a cookie: none was set",
        "monkey=1&keys=2",
        "bypass=1 compass=2",
        "https://auth1.example/token?service=registry1.example&scope=repository:lab/app1:pull",
        "/v2/lab/blobs/uploads/?mount=sha256:9f86d081884c7d65&from=lab/app1",
        "https://s.example/b?X-Amz-Date=20261128T202612Z&X-Amz-Expires=900",
        "https://docs.example/page?tab=linux&page=12345678901",
        '{"author": "bob", "passed": "3", "tokens": "2"}',
        "--password is needed, --token too",
        "authorization: none was sent to registry1.example",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        "docker login --username alice --password-stdin registry.example < API_KEY_FILE",
    ],
)
def test_ordinary_words_of_the_field_stay(text: str) -> None:
    assert Gate().scrub(text) == text


@pytest.mark.parametrize("secret", ["abc", "1", " x ", "\n\n\n\n", ""])
def test_what_is_too_short_to_hide_hides_nothing_else(secret: str) -> None:
    """Masking every "a" would hide the report, and show the secret by what is missing."""
    gate = Gate()
    gate.learn(secret)
    text = "abc 1  x \n\n\n\n registry.example/abc:1"
    assert gate.scrub(text) == text


def test_a_mask_is_not_masked_again() -> None:
    gate = Gate()
    gate.learn("hidden")
    gate.learn("[hid")
    assert gate.scrub("hidden [hid x") == f"{MASK} {MASK} x"


def test_a_secret_in_every_form_is_one_mask() -> None:
    gate = Gate()
    gate.learn(SECRET)
    assert gate.scrub(f"{SECRET}{SECRET}") == MASK


def test_data_is_scrubbed_value_by_value() -> None:
    gate = Gate()
    gate.learn("verdict")
    data = {"a": ["the verdict", 1, None, True], "b": {"c": "verdict"}}
    assert gate.scrub_data(data) == {"a": [f"the {MASK}", 1, None, True], "b": {"c": MASK}}


@given(st.text(max_size=200))
def test_plain_text_holds_no_live_character(text: str) -> None:
    out = plain(text)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in out)
    assert not set(out) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\u2028"
    )
    out.encode("utf-8")


def test_plain_names_what_it_disarms_and_says_what_it_cut() -> None:
    assert plain("a\x1b[2Jb\u202ec\x9b\n") == "a<ESC>[2Jb<U+202E>c<U+009B><LF>"
    assert plain("x" * 30, 10) == "x" * 10 + "… (20 more characters)"
    assert plain("Größe [bold]x[/] 中文") == "Größe [bold]x[/] 中文"


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("REGISTRY_PASSWORD", "a-value-of-it-1", True),
        ("GITHUB_TOKEN", "a-value-of-it-2", True),
        ("AWS_SECRET_ACCESS_KEY", "a-value-of-it-3", True),
        ("api_key", "a-value-of-it-4", True),
        ("TOKEN_FILE", "/run/a-value-of-it-5", False),
        ("SSH_AUTH_SOCK", "/run/a-value-of-it-6", False),
        ("MONKEY", "a-value-of-it-7", False),
        ("USE_TOKEN", "true", False),
    ],
)
def test_variables_that_are_named_so_are_secrets(name: str, value: str, hidden: bool) -> None:
    learn_variables({name: value})
    assert (scrub(f"it said {value}") == f"it said {MASK}") is hidden


@pytest.mark.parametrize("form", [html.escape, lambda text: json.dumps(text)[1:-1], repr])
@pytest.mark.parametrize(
    "text",
    [
        "curl -H 'Authorization: Bearer [hidden]' https://x",
        "podman login '--password é' \"--password ü'\" x",
        "authorization: none 'é' x, Authorization: Digest 'é'",
        "https://x/?k='é'&q=[hidden]&r='aaaaaaaaaaaa'",
    ],
)
def test_what_an_encoder_makes_of_harmless_text_is_no_shape(
    form: Callable[[str], str], text: str
) -> None:
    """Else the page of a report that holds no secret would keep a bundle from being written."""
    assert Gate().scrub(text) == text
    assert Gate().scrub(form(text)) == form(text)


LONG = "hunter2-Kx8vQ4mZ_abcdefghijklmnopqrstuvwxyz0123456789.ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def wrapped(text: str, width: int, end: str) -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n    ", "\\n", "\\\\n", "<LF>"])
@pytest.mark.parametrize("width", [4, 64, 76])
@pytest.mark.parametrize("encode", [str, lambda s: base64.b64encode(f"bob:{s}".encode()).decode()])
def test_a_secret_that_was_broken_over_lines_is_masked(
    encode: Callable[[str], str], width: int, end: str
) -> None:
    """As `base64` and mail break what is long."""
    gate = Gate()
    gate.learn(LONG)
    told = gate.scrub(f"before\n{wrapped(encode(LONG), width, end)}\nafter")
    assert re.fullmatch(r"before\n[\S\s]{0,20}\[hidden\][\S\s]{0,4}\nafter", told), told


def test_lines_that_only_begin_like_a_secret_stay() -> None:
    gate = Gate()
    gate.learn("registry.one")
    gate.learn("short")
    text = "sho\nrt, registry.\ntwo, registry\none\nregistry.one.example\n"
    assert gate.scrub(text) == text.replace("registry.one", MASK)


@pytest.mark.parametrize("user", ["", "u:", "bob:", "alice:"])
def test_a_login_in_a_file_of_logins_in_a_secret_of_kubernetes_is_masked(user: str) -> None:
    """Base64 of base64, wherever it stands; and what Windows makes base64 of."""
    gate = Gate()
    gate.learn(SECRET)
    once = base64.b64encode(f"{user}{SECRET}".encode()).decode()
    for file in (once, json.dumps({"auths": {"r": {"auth": once}}}), f"xy{once}"):
        told = gate.scrub(f"data: {base64.b64encode(file.encode()).decode()} end")
        assert MASK in told
        assert len(told) < len(file) * 4 / 3 + 20 - len(SECRET)
    gate.learn(LONG)
    for wide in (f"{user}{LONG}".encode("utf-16-le"), f"{user}{LONG}".encode("utf-16")):
        assert MASK in gate.scrub(base64.b64encode(wide).decode())
        assert MASK in gate.scrub(wide.decode("latin-1"))


def test_a_text_of_backslashes_and_ends_costs_no_time() -> None:
    gate = Gate()
    gate.learn(LONG)
    for text in ("\\" * 200_000, "\n " * 100_000, "\\n" * 100_000, "<LF" * 70_000):
        assert gate.found(text) == []


def test_a_text_of_queries_costs_no_time() -> None:
    """A registry's page that looked for a digit to its end for each of them held up the run."""
    text = "?a=" * 300_000
    assert Gate().scrub(text) == text
    assert Gate().scrub("?next=/in?code=a1b2c3d4e5") == f"?next=/in?code={MASK}"
