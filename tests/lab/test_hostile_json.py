"""Does JSON of the wrong depth, size, type or digest cost a known amount, and get its right name?

Manifests, tokens and lists of tags, each in a registry that is in order else.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.distribution import AMD64
from tests.lab.misbehaving import INDEX, OCI, endless, head, whole
from tests.lab.origin import Raw, Request, answer
from tests.lab.test_hostile import BAD, GIB, TOKEN, X, diagnosed


def manifest(content: bytes | Any, kind: str = OCI, *lines: bytes) -> Raw:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return whole(200, body, b"Content-Type: " + kind.encode(), *lines)


def layers(**changed: Any) -> Raw:
    document = json.loads(AMD64)
    document["layers"] = [layer | changed for layer in document["layers"]]
    return manifest(document)


def document(**changed: Any) -> Raw:
    return manifest(json.loads(AMD64) | changed)


DEEP = b"[" * 10_000 + b"]" * 10_000
ENTRY = {"digest": "sha256:" + "a" * 64, "size": 1}
ODD = ENTRY | {"platform": {"os": [], "architecture": 0}}
MANIFESTS = {
    "nested 10,000 deep": (manifest(DEEP), "is nested too deep"),
    "layers nested 10,000 deep": (manifest(b'{"layers":' + DEEP + b"}"), "is nested too deep"),
    "objects nested 10,000 deep": (manifest(b'{"a":' * 10_000), "is nested too deep"),
    "a number of 100,000 digits": (manifest(b"9" * 100_000), "is not JSON"),
    "not a number": (manifest(b"NaN"), "is JSON, but not an object"),
    "null": (manifest(b"null"), "is JSON, but not an object"),
    "nothing": (manifest(b""), "is not JSON"),
    "invalid UTF-8": (manifest(b'{"a":"\x80"}'), "is not UTF-8"),
    "a key twice": (manifest(b'{"layers":[],"layers":5,"config":{}}'), "without config and layers"),
    "a size below nothing": (layers(size=-1), "without a digest and a size"),
    "a size that is no number": (layers(size=float("nan")), "without a digest and a size"),
    "a size in words": (layers(size="5"), "without a digest and a size"),
    "a digest that is a number": (layers(digest=5), "without a digest and a size"),
    "layers of another kind": (document(layers={}), "without config and layers"),
    "500,000 layers of nothing": (document(layers=[0] * 500_000), "without a digest and a size"),
    "no config": (document(config=None), "without config and layers"),
    "manifests that are a number": (manifest({"manifests": 5}, INDEX), "without a list"),
    "other bytes": (document(more=True), "has another digest than the one asked for"),
    "another digest": (manifest(AMD64[:-1] + b" }"), "has another digest"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest(tmp_path: Path, name: str) -> None:
    bent, flaw = MANIFESTS[name]
    found = diagnosed(tmp_path, "manifest-get", bent)
    assert (found.causes, found.exit) == ((BAD,), 1), found
    assert flaw in found.codes[BAD]["detail"]


@pytest.mark.parametrize(
    "bent",
    [
        layers(size=10**4000, mediaType=5, urls=0, annotations=[]),
        document(mediaType=[], annotations=5, subject=0, config=ENTRY | {"mediaType": {}}),
        manifest({"manifests": [5, None, {}, [], ENTRY | {"platform": 5}, ODD]}, INDEX),
    ],
    ids=["sizes of 4,000 digits", "other types", "an index of noise"],
)
def test_a_manifest_of_wrong_types_is_taken_as_far_as_it_can(tmp_path: Path, bent: Raw) -> None:
    """Asked for by tag, no digest tells that the bytes are others."""
    found = diagnosed(tmp_path, "manifest", bent)
    assert found.causes in ((), ("registry.platform-missing",), (BAD,)), found


TOKENS = {
    "without a type": (b'{"token":5}', "holds no token"),
    "null": (b'{"token":null}', "holds no token"),
    "twice": (b'{"token":"aaaaaaaa","token":5}', "holds no token"),
    "a list": (b'["token"]', "is not a JSON object"),
    "nested 10,000 deep": (b'{"token":' + DEEP + b"}", "is not a JSON object"),
    "with a line end": (b'{"token":"a\\r\\nX-Evil: 1"}', "no header can carry"),
    "with half a pair": (b'{"token":"\\ud800"}', "no header can carry"),
    "of 900 kB": (b'{"token":"' + b"a" * 900_000 + b'"}', "no header can carry"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token(tmp_path: Path, name: str) -> None:
    body, flaw = TOKENS[name]
    found = diagnosed(tmp_path, "token", whole(200, body, b"Content-Type: application/json"))
    assert (found.causes, found.exit) == ((TOKEN,), 1), found
    assert flaw in found.codes[TOKEN]["detail"]


@pytest.mark.parametrize("life", ["NaN", "1e999", "9" * 4000, '"300"', "300.5", "{}"])
def test_with_a_life_that_is_no_whole_number_clients_take_no_token(
    tmp_path: Path, life: str
) -> None:
    body = f'{{"token":"abcdefgh","expires_in":{life}}}'.encode()
    found = diagnosed(tmp_path, "token", whole(200, body))
    assert (found.causes, found.exit) == ((TOKEN,), 1), found


@pytest.mark.parametrize("life", ["0", "-5", "null", str(2**63 - 1)])
def test_any_whole_number_will_do(tmp_path: Path, life: str) -> None:
    body = f'{{"token":"abcdefgh","expires_in":{life}}}'.encode()
    found = diagnosed(tmp_path, "token", whole(200, body))
    assert (found.causes, found.exit) == ((), 0), found


MANY = [f"1.0.{n}" for n in range(60_000)]
UNKNOWN, NO_NAME = "registry.manifest-unknown", "registry.name-unknown"
LISTS: dict[str, tuple[bytes | None, tuple[str, ...]]] = {
    "names": (b'{"tags":["1.1"]}', (UNKNOWN,)),
    "null": (b'{"tags":null}', (UNKNOWN,)),
    "noise": (b'{"tags":[5,null,{},"\\u001b[2J","\\ud800","-rf","1.1"]}', (UNKNOWN,)),
    "60,000 names": (json.dumps({"tags": MANY}).encode(), (UNKNOWN,)),
    "a number": (b'{"tags":5}', (UNKNOWN, NO_NAME)),
    "nested 10,000 deep": (b'{"tags":' + DEEP + b"}", (UNKNOWN, NO_NAME)),
    "no list at all": (b"[]", (UNKNOWN, NO_NAME)),
    "1 GiB": (None, (UNKNOWN, NO_NAME)),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_tags(tmp_path: Path, name: str) -> None:
    body, causes = LISTS[name]
    bent = endless(head(200, GIB), X) if body is None else whole(200, body)
    found = diagnosed(tmp_path, "tags", bent)
    assert (found.causes, found.exit) == (causes, 1), found
    assert set(found.codes[UNKNOWN]["evidence"]["nearest"]) <= {
        "1.1",
        *(f"1.0.{n}" for n in range(99)),
    }


def test_a_list_of_tags_whose_pages_do_not_end_is_read_once(tmp_path: Path) -> None:
    asked: list[str] = []

    async def pages(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.target)
        link = ("Link", f'<{request.path}?n=1&last={len(asked)}>; rel="next"')
        writer.write(answer(200, {"tags": [f"1.{len(asked)}"]}, link))

    assert diagnosed(tmp_path, "tags", pages).causes == (UNKNOWN,)
    assert len(asked) == 1
