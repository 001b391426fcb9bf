"""Does the keyring answer as the kubelet's does, for files and Secrets alike?"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.clients.docker_config import Config
from doctor.clients.keyring import Wanted
from doctor.clients.kubelet_keyring import SECRETS, Document, Ring, of_secret, read, ring, spoilt
from doctor.clients.kubelet_keys import filed, is_url, matches, near
from tests.clients.registries import auth

HUB = Wanted("docker.io", "library/nginx")
HOST = "reg.example.com:5000"
APP = Wanted(HOST, "team/app")
PLAIN = Wanted("reg.example.com", "team/app")


def config(*keys: str, **entries: Any) -> Config:
    """A text in which each key holds a credential whose user is the key."""
    auths = {key: auth(key or "u") for key in keys} | entries
    return read(Document("a", json.dumps({"auths": auths})))


def answer(want: Wanted, *keys: str) -> Ring:
    return ring([config(*keys)], want)


def serves(key: str, want: Wanted) -> bool:
    return bool(answer(want, key).held)


def users(found: Ring) -> list[str]:
    return [held.credential.user for held in found.held]


def order(found: Ring) -> list[str]:
    return [held.key for held in found.held]


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# ── which key matches ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("key", "found"), [
    ("https://index.docker.io/v1/", True),
    ("https://index.docker.io/v1", False),
    ("index.docker.io/v1/", True),
    ("index.docker.io", True),
    ("docker.io", True),
    ("https://docker.io", True),
    ("registry-1.docker.io", False),
    ("docker.io/library", True),
    ("*.docker.io", False),
    ("docker.io/other", False),
])  # fmt: skip
def test_docker_hub(key: str, found: bool) -> None:
    assert serves(key, HUB) is found
    assert bool(answer(HUB, key).near_misses) is not found


@pytest.mark.parametrize(("key", "image", "why"), [
    (HOST, APP, None),
    (f"https://{HOST}", APP, None),
    (f"http://{HOST}", APP, None),
    (f"https://{HOST}/", APP, None),
    (f"https://{HOST}/v1/", APP, None),
    (f"https://{HOST}/v2/", APP, None),
    (f"https://{HOST}/v2", APP, "api-path"),
    (f"{HOST}/v1", APP, "api-path"),
    (f"https://{HOST}/v2/team", APP, None),
    (f"{HOST}/team", APP, None),
    (f"{HOST}/te", APP, None),
    (f"{HOST}/team", Wanted(HOST, "team2/app"), None),
    (f"{HOST}/team/", Wanted(HOST, "team2/app"), "namespace"),
    (f"{HOST}/team/app", APP, None),
    (f"{HOST}/team/app:1", APP, "tag"),
    (f"{HOST}/%74eam", APP, None),
    (f"somebody@{HOST}", APP, None),
    (f"{HOST}#mine", APP, None),
    ("reg.example.com", APP, "port"),
    ("reg.example.com:443", PLAIN, "port"),
    ("reg.example.com:", PLAIN, None),
    ("*.example.com:5000", APP, None),
    ("*.example.com", APP, "port"),
    ("*.com:5000", APP, "depth"),
    ("*.example.com", Wanted("a.b.example.com", "x"), "depth"),
    ("*.example.com", Wanted("example.com", "x"), "depth"),
    ("r*.*.com", PLAIN, None),
    ("re[f-h].example.com", PLAIN, None),
    ("re[^a-f].example.com", PLAIN, "other"),
    ("re[g].example.com", PLAIN, None),
    ("re[ag-hx].example.com", PLAIN, None),
    ("re[h-z].example.com", PLAIN, "other"),
    ("re?.example.com", PLAIN, "other"),
    ("[r]eg.example.com", PLAIN, "other"),
    ("re[g.example.com", PLAIN, "other"),
    ("re[f-h].example.com:5000", APP, "other"),
    ("Reg.example.com:5000", APP, "letter-case"),
    (f"{HOST} ", APP, "white-space"),
    (f"oci://{HOST}", APP, "scheme"),
    (f"HTTPS://{HOST}", APP, "scheme"),
    (f"{HOST}/%zz", APP, "other"),
    ("[::1]:5000", Wanted("[::1]:5000", "app"), None),
    ("[::1]", Wanted("[::1]:5000", "app"), "other"),
    ("other.example.com:5000", APP, "other"),
    ("localhost", Wanted("localhost", "app"), None),
])  # fmt: skip
def test_a_private_registry(key: str, image: Wanted, why: str | None) -> None:
    """`why` None: it matches; "other": it does not, and comes near in no way that is told."""
    found = answer(image, key)
    assert bool(found.held) is (why is None)
    assert [miss.why for miss in found.near_misses] == ([] if why in (None, "other") else [why])
    (told,) = found.keys
    assert (told.key, told.matches, told.line, bool(told.note)) == (key, why is None, 1, bool(why))


def test_a_host_alone_is_looked_up_without_a_path() -> None:
    assert serves(HOST, Wanted(HOST))
    assert near(f"{HOST}/team", Wanted(HOST)) == "namespace"


def test_each_key_that_does_not_serve_says_why() -> None:
    found = answer(APP, "reg.example.com", "reg example", "elsewhere.example")
    (place,) = found.places("a")
    assert place.outcome == "no-match"
    for part in ('"reg.example.com": the port differs', "no URL", "for another registry"):
        assert part in place.note


# ── in which order ───────────────────────────────────────────────────────────────────────────────


def test_every_key_that_matches_is_tried_in_reverse_order_of_the_texts() -> None:
    keys = (f"{HOST}/team", "*.example.com:5000", HOST, f"https://{HOST}/team/app", "x.example")
    expected = [f"https://{HOST}/team/app", f"{HOST}/team", HOST, "*.example.com:5000"]
    for given_as in (keys, keys[::-1]):
        assert order(answer(APP, *given_as)) == expected


def test_the_order_is_that_of_texts_and_not_of_lengths() -> None:
    """`r*` comes before `*`, and a short literal host before a long glob."""
    keys = ("*.example.com", "r*.example.com", "reg.*.com/team/app", "reg.example.com")
    expected = ["reg.example.com", "reg.*.com/team/app", "r*.example.com", "*.example.com"]
    assert order(answer(PLAIN, *keys)) == expected


def test_equal_keys_of_several_texts_are_tried_in_the_order_of_the_texts() -> None:
    texts = {name: json.dumps({"auths": {HOST: auth(name)}}) for name in ("first", "second")}
    first, second = (read(Document(*each)) for each in texts.items())
    assert users(ring([first, second], APP)) == ["first", "second"]
    assert users(ring([second, first], APP)) == ["second", "first"]


def test_two_spellings_in_one_text_are_left_to_chance_and_said_so() -> None:
    found = answer(APP, HOST, f"https://{HOST}")
    assert len(found.held) == 2
    assert all("chance" in key.note for key in found.keys)


def test_index_docker_io_is_the_last_resort() -> None:
    found = answer(HUB, "https://index.docker.io/v1/", "docker.io/library")
    assert order(found) == ["docker.io/library"]
    assert "only where no other key matches" in found.keys[1].note
    assert order(answer(HUB, "index.docker.io/v1/", "docker.io/other")) == ["index.docker.io/v1/"]
    assert order(answer(PLAIN, "https://index.docker.io/v1/")) == []


# ── what an entry holds ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("entry", "user"), [
    ({"auth": packed("alice:secret")}, "alice"),
    ({"auth": packed("alice:secret").rstrip("=")}, "alice"),
    ({"auth": packed("alice:secret") + "\n"}, "alice"),
    ({"auth": packed("alice:secret1")}, "alice"),
    ({"username": "plain", "password": "p"}, "plain"),
    ({"auth": packed("alice:secret"), "username": "plain", "password": "p"}, "alice"),
    ({"Auth": packed("alice:secret")}, "alice"),
    ({"username": "plain", "password": "p", "email": "a@b.c"}, "plain"),
    ({"auth": packed("alice:secret"), "identitytoken": 1, "registrytoken": []}, "alice"),
    ({"identitytoken": "token"}, None),
    ({"registrytoken": "token"}, None),
    ({"password": "p"}, None),
    ({"auth": packed(":secret")}, None),
    ({}, None),
    (None, None),
])  # fmt: skip
def test_what_counts_in_an_entry(entry: Any, user: str | None) -> None:
    read_in = config(**{HOST: entry})
    assert spoilt(read_in) is None
    found = ring([read_in], APP)
    assert any(key.matches for key in found.keys), "whatever stands under it"
    assert users(found) == ([user] if user else [])
    assert [key.note != "" for key in found.keys] == [user is None]


@pytest.mark.parametrize(("entry", "word"), [
    ({"identitytoken": "token"}, "token"),
    ({"password": "p"}, "no user name"),
    ({"auth": packed("alice:")}, "empty password"),
])  # fmt: skip
def test_what_a_matching_entry_lacks_is_told(entry: Any, word: str) -> None:
    (fault,) = ring([config(**{HOST: entry})], APP).faults
    assert (fault.kind, fault.key, fault.ours, fault.stops) == ("incomplete", HOST, True, False)
    assert word in fault.what
    assert ring([config(**{HOST: entry})], Wanted("other.example", "x")).faults == ()


@pytest.mark.parametrize("entry", [
    {"auth": "%%%"},
    {"auth": packed("no colon")},
    {"auth": "YWxpY2U6c2VjcmV0MTI="[:-2] + "="},
    {"auth": f" {packed('alice:secret')}"},
    {"auth": 1},
    {"username": ["x"]},
    {"email": 3},
    "text",
])  # fmt: skip
def test_one_malformed_entry_spoils_the_whole_text(entry: Any) -> None:
    spoiling = config(HOST, **{"elsewhere.example": entry})
    fault = spoilt(spoiling)
    assert fault is not None
    assert (fault.key, fault.line) == ("elsewhere.example", 1)
    assert spoilt(config(HOST)) is None


@pytest.mark.parametrize(("text", "where"), [
    ("", (0, 0)),
    ("{", (1, 2)),
    ('{\n "auths": {\n  "a": {},\n }\n}', (4, 2)),
    ("[]", (1, 1)),
    ('{"auths": []}', (1, 2)),
    ('{"auths": {}} {}', (0, 0)),
    ('{"auths": {}, "HttpHeaders": {"a": 1}}', (1, 15)),
    ("\ufeff{}", (1, 1)),
    ("[" * 100_000, (1, 1)),
])  # fmt: skip
def test_what_is_no_configuration_is_named_with_its_place(
    text: str, where: tuple[int, int]
) -> None:
    fault = spoilt(read(Document("a", text)))
    assert fault is not None
    assert (fault.line, fault.column) == where


@pytest.mark.parametrize("text", [
    "{}", "null", ' {"auths": null} ', '{"auths": {}, "credsStore": 1, "credHelpers": {"a": 1}}',
    '{"psFormat": []}',
])  # fmt: skip
def test_what_the_kubelet_takes_is_no_fault(text: str) -> None:
    assert spoilt(read(Document("a", text))) is None


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────


def test_both_types_of_pull_secrets() -> None:
    entries = {HOST: auth("alice")}
    texts = {".dockerconfigjson": json.dumps({"auths": entries}), ".dockercfg": json.dumps(entries)}
    for kind, name in SECRETS.items():
        document = of_secret("Secret shop/regcred", kind, {name: texts[name]})
        assert document is not None
        (held,) = ring([read(document)], APP).held
        assert held.credential.origin == f'Secret shop/regcred ("{HOST}")'
        assert of_secret("s", kind, {name: ""}) is None
        other = next(n for n in SECRETS.values() if n != name)
        assert of_secret("s", kind, {other: texts[other]}) is None
    assert of_secret("s", "Opaque", texts) is None


def test_the_layouts_are_not_taken_for_each_other() -> None:
    """`auths` in a bare map is a host of that name."""
    wrong = Document("s", json.dumps({"auths": {HOST: auth()}}), bare=True)
    assert ring([read(wrong)], APP).held == ()
    assert ring([read(Document("s", json.dumps({HOST: auth()})))], APP).held == ()


def test_helpers_count_for_nothing() -> None:
    text = json.dumps({"auths": {HOST: {}}, "credsStore": "pass", "credHelpers": {HOST: "pass"}})
    found = ring([read(Document("a", text))], APP)
    assert found.held == ()
    (place,) = found.places("a")
    assert (place.outcome, place.key) == ("marker", HOST)
    assert "the kubelet asks none" in place.note


# ── any key at all ───────────────────────────────────────────────────────────────────────────────

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
DOMAIN = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(LABEL, min_size=2, max_size=4),
    st.sampled_from(["", ":5000", ":443"]),
)
PATH = st.lists(LABEL, min_size=1, max_size=3).map("/".join)


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_key_raises(key: str, domain: str) -> None:
    for want in (APP, HUB, Wanted(domain, key)):
        assert near(key, want) or True
        found = ring([config(key)], want)
        assert len(found.keys) == 1
        assert any(key.matches for key in found.keys) == bool(found.held)
    assert filed(key) is None or is_url(key) or "://" in key
    matches(key, domain)


@settings(deadline=None)
@given(DOMAIN, PATH, st.sampled_from(["", "https://", "http://"]))
def test_a_key_equal_to_the_host_always_matches(domain: str, path: str, scheme: str) -> None:
    want = Wanted(domain, path)
    assert serves(f"{scheme}{domain}", want)
    assert serves(f"{scheme}{domain}/{path}", want)
    assert serves(f"{scheme}{domain}/v2/{path}", want)
    host, colon, port = domain.partition(":")
    for label in range(host.count(".") + 1):
        labels = host.split(".")
        labels[label] = "*"
        assert serves(f"{scheme}{'.'.join(labels)}{colon}{port}", want)


@settings(deadline=None)
@given(DOMAIN, PATH)
def test_a_glob_never_stands_for_two_labels(domain: str, path: str) -> None:
    host, colon, port = domain.partition(":")
    below = host.partition(".")[2]
    if "." in below:
        wide = f"*.{below.partition('.')[2]}{colon}{port}"
        assert not serves(wide, Wanted(domain, path))
        assert near(wide, Wanted(domain, path)) == "depth"


@settings(deadline=None)
@given(st.lists(st.sampled_from([HOST, f"{HOST}/team", f"{HOST}/t", "*.*.com:5000"]), unique=True))
def test_the_order_does_not_hang_on_the_file(keys: list[str]) -> None:
    found = order(answer(APP, *keys))
    assert found == order(answer(APP, *reversed(keys)))
    assert found == sorted(keys, reverse=True)
