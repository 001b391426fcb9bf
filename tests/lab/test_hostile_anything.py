"""Can any answers at all break a check? What the tables of hostile answers have not thought of.

Statuses, headers and bodies are drawn at random, for several places of the path at once; what is
checked is only what holds of every run.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.cli import main
from tests.lab.bounds import alive
from tests.lab.distribution import AMD64, INDEX, LAYER, digest
from tests.lab.misbehaving import BEARER, in_order
from tests.lab.origin import Request, origin
from tests.lab.test_hostile_text import EVIL
from tests.lab.thread import running
from tests.lab.world import validator

EDGES = st.sampled_from([0, -1, 1, 2**63, 10**400, -(10**30), 0.5, float("nan"), float("inf")])
TEXT = st.one_of(st.sampled_from(["", EVIL, "\ud800", "latest", digest(AMD64), "1e999"]), st.text())
LEAF = st.one_of(st.none(), st.booleans(), EDGES, TEXT)
NAMES = st.sampled_from(
    [
        "errors",
        "code",
        "message",
        "detail",
        "token",
        "access_token",
        "expires_in",
        "schemaVersion",
        "mediaType",
        "manifests",
        "layers",
        "config",
        "digest",
        "size",
        "platform",
        "os",
        "architecture",
        "variant",
        "tags",
        "repositories",
        "urls",
    ]
)
ENTRY = st.fixed_dictionaries(
    {
        "digest": st.sampled_from([digest(AMD64), digest(LAYER), "md5:x", 5]),
        "size": st.sampled_from([0, 1, -1, 10**300, True, "1"]),
    },
    optional={
        "platform": st.dictionaries(
            st.sampled_from(["os", "architecture", "variant"]),
            st.sampled_from(["linux", "amd64", "v8", "", 5, None]),
        )
    },
)
JSON = st.recursive(
    st.one_of(LEAF, ENTRY),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(NAMES, TEXT), inner, max_size=5)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([AMD64, INDEX, b"", b"<html><title>x</title>", b"<Error><Code>A</Code>", b"{"]),
    st.binary(max_size=99),
)
HEADERS = st.sampled_from(
    [
        "Server",
        "Via",
        "Date",
        "Retry-After",
        "RateLimit",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "RateLimit-Policy",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Request-Id",
        "Docker-Content-Digest",
        "Docker-Distribution-Api-Version",
        "Content-Range",
        "Content-Type",
        "Link",
        "Location",
        "WWW-Authenticate",
    ]
)
VALUES = st.sampled_from(
    [
        *("", EVIL.replace("\x00", ""), "0", "-1", "9" * 300, "nan", "inf", "100;w=21600", '"'),
        *('"d";q=5;w=nan', '"d";r=99999999999999999999;t=-1', "limit=1, remaining=, reset=9e99"),
        *("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Tue, 29 Feb 2023 99:99:99 GMT"),
        *("application/json", "text/html", "application/vnd.oci.image.index.v1+json"),
        *(digest(AMD64), "sha256:" + "0" * 64, "sha512:" + "0" * 128, "/v2/", "//a..b/", "?", "#"),
        *("http://[::1", "https://127.0.0.1:1/", "ftp://x/", "data:,x", "\\\\x", "https:x"),
        *('Basic realm="x"', "Bearer", 'Bearer realm="/token"', 'Bearer realm="https://a..b/"'),
    ]
)
ANSWERS = st.tuples(
    st.sampled_from([200, 206, 401, 403, 404, 429, 500, 302, 307, 204, 416, 400, 511, 999, 300]),
    st.lists(st.tuples(HEADERS, VALUES), max_size=4),
    BODIES,
)
PLACES = st.dictionaries(
    st.sampled_from(["/v2/", "/manifests/", "/blobs/", "/token", "/tags/", "_catalog"]),
    ANSWERS,
    min_size=1,
    max_size=3,
)


def written(answer: tuple[int, list[tuple[str, str]], bytes], request: Request) -> bytes:
    status, headers, body = answer
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"HTTP/1.1 {status} Status\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + (b"" if request.method == "HEAD" else body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=PLACES, asks=st.booleans())
def test_any_answers(
    folder: Path, plan: dict[str, Any], asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = ""

    def script(request: Request) -> bytes:
        for place, answer in plan.items():
            if request.path == place or (place != "/v2/" and place in request.path):
                return written(answer, request)
        if asks and "authorization" not in request.headers and request.path != "/token":
            challenge = BEARER.format(host=host).replace("https:", "http:")
            return written((401, [("WWW-Authenticate", challenge)], b""), request)
        return in_order(request)

    file, out, err = folder / "report.json", io.StringIO(), io.StringIO()
    with running(lambda: origin(script)) as server:
        host = server.hop.name
        monkeypatch.setenv(
            "DOCKER_AUTH_CONFIG", json.dumps({"auths": {host: {"auth": "dTpzZWNyZXRwdw=="}}})
        )
        words = ("check", "--timeout", "5", "--json", "-o", str(file), "--format", "text", "-v")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*words, f"{host}/lab/app:1.0"])
    report = json.loads(file.read_text())
    validator().validate(report)
    (target,) = report["targets"]
    assert (code in (0, 1, 3), err.getvalue()) == (True, "")
    assert not [f for f in target["findings"] if f["code"].startswith("doctor.")]
    assert alive(out.getvalue()) == set()
    assert "secretpw" not in out.getvalue() + file.read_text()
