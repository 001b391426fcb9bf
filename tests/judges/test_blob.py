"""Who is at fault when a layer is not readable?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from doctor.checks import blob
from doctor.facts.dns import DnsFact
from doctor.facts.http import Answer
from doctor.facts.registry import BlobFact, ConfigRead, ImageFact
from doctor.facts.tcp import TcpFact
from doctor.facts.tls import Certificate, TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Target

REGISTRY = Hop("registry", "registry.corp.test", 443)
STORAGE = Hop("storage", "storage.cloud.test", 443)
CDN = Hop("storage", "cdn.cloud.test", 443)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

SENT = Answer(hop=REGISTRY, status=307, location="https://storage.cloud.test/b?sig=")
IMAGE = ImageFact(kind="manifest", blob="sha256:1", blob_answers=(SENT,), storage=STORAGE)
HERE = ImageFact(kind="manifest", blob="sha256:1", blob_answers=(Answer(status=206),))


def judged(*facts: Fact, hops: tuple[tuple[Hop, Fact], ...] = ()) -> list[Finding]:
    target = Target(text="registry.corp.test/a:1", reference=None, registry=REGISTRY, now=NOW)
    known: list[tuple[Hop | None, Fact]] = [(None, fact) for fact in facts]
    found = list(blob.judge(Case(target, Facts([*known, *hops]))))
    for each in found:
        assert json.dumps(each.evidence)
    return found


def read(status: int | None, hop: Hop = STORAGE, **fields: Any) -> BlobFact:
    return BlobFact(hop=hop, digest="sha256:1", answers=(Answer(hop=hop, status=status, **fields),))


@pytest.mark.parametrize("status", [200, 206, 416])
def test_a_layer_that_is_readable_is_no_finding(status: int) -> None:
    assert judged(IMAGE, read(status)) == []
    assert judged(HERE, read(status, REGISTRY)) == []


def sized(status: int, *headers: tuple[str, str]) -> BlobFact:
    return replace(read(status, REGISTRY, headers=headers), size=100)


@pytest.mark.parametrize(
    ("fact", "confidence"),
    [
        (sized(200, ("content-length", "0")), "certain"),
        (sized(200, ("content-length", "99")), "likely"),
        (sized(206, ("content-length", "1"), ("content-range", "bytes 0-0/99")), "likely"),
        (sized(416, ("content-range", "bytes */0")), "certain"),
    ],
)
def test_a_layer_of_another_length_is_not_readable(fact: BlobFact, confidence: str) -> None:
    (found,) = judged(HERE, fact)
    assert (found.code, found.confidence) == ("registry.bad-response", confidence)
    assert found.params["what"].endswith("bytes there; its manifest says 100")
    assert (fact.ok, fact.seen) == (False, f"HTTP {fact.answer and fact.answer.status}")


@pytest.mark.parametrize(
    "fact",
    [
        sized(200, ("content-length", "100")),
        sized(200, ("content-length", "70"), ("content-encoding", "gzip")),
        sized(200, ("content-length", "many")),
        sized(206, ("content-length", "1"), ("content-range", "bytes 0-0/100")),
        sized(206, ("content-length", "1"), ("content-range", "bytes 0-0/*")),
        sized(206, ("content-length", "1")),
        sized(416),
    ],
)
def test_a_layer_of_its_length_or_of_none_that_is_told_is_readable(fact: BlobFact) -> None:
    assert (judged(HERE, fact), fact.ok) == ([], True)


def test_a_configuration_with_another_digest_is_not_the_images() -> None:
    wrong = replace(config(200, REGISTRY), altered=True)
    (found,) = judged(HERE, replace(read(206, REGISTRY), config=wrong))
    assert (found.code, found.subject) == ("registry.bad-response", "sha256:c")
    assert "another digest" in found.params["what"]


def test_storage_that_cannot_be_reached_is_named_with_the_layer() -> None:
    (found,) = judged(
        IMAGE, hops=((STORAGE, DnsFact(addresses=("192.0.2.1",))), (STORAGE, TcpFact()))
    )
    assert (found.code, found.hop) == ("registry.blob-unreachable", STORAGE)
    assert found.evidence["layer"] == "tcp"
    assert found.evidence["redirect"] == "https://storage.cloud.test/b?sig="


@pytest.mark.parametrize(
    ("tls", "answers"),
    [
        (TlsFact(outcome="done", chain=(Certificate(),)), True),
        (TlsFact(outcome="timeout"), False),
    ],
)
def test_storage_that_answers_need_not_be_allowed(tls: TlsFact, answers: bool) -> None:
    (found,) = judged(IMAGE, hops=((STORAGE, tls),))
    assert (found.code, found.evidence["layer"]) == ("registry.blob-unreachable", "tls")
    assert (found.params.get("answers") == "yes") is answers


def test_storage_that_says_nothing_is_not_reached_either() -> None:
    (found,) = judged(IMAGE, read(None, outcome="timeout", waited=8.0))
    assert (found.code, found.evidence["layer"]) == ("registry.blob-unreachable", "http")


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (read(403, code="AccessDenied"), "registry.blob-refused"),
        (read(400), "registry.blob-refused"),
        (read(503), "registry.blob-refused"),
        (read(404, code="NoSuchKey"), "registry.blob-missing"),
        (read(302, location="https://storage.cloud.test/b"), "registry.bad-response"),
        (read(404, REGISTRY, code="BLOB_UNKNOWN"), "registry.blob-missing"),
        (read(401, REGISTRY), "registry.blob-refused"),
        (read(500, REGISTRY), "registry.server-error"),
        (read(None, REGISTRY, outcome="timeout"), "registry.timeout"),
    ],
)
def test_who_refuses_is_named(fact: BlobFact, code: str) -> None:
    (found,) = judged(IMAGE if fact.hop == STORAGE else HERE, fact)
    assert (found.code, found.hop) == (code, fact.hop)
    assert found.subject == "sha256:1"


@pytest.mark.parametrize(
    ("location", "severity", "words"),
    [
        ("https://storage.cloud.test/b", None, "without end"),
        (None, None, "nowhere"),
        ("http://storage.cloud.test/b", "warning", "not followed here"),
        ("https://10.0.0.7/b", "warning", "not followed here"),
    ],
)
def test_a_redirect_that_is_only_not_followed_here_is_no_reason_to_fail(
    location: str | None, severity: str | None, words: str
) -> None:
    (found,) = judged(IMAGE, read(307, location=location))
    assert (found.code, found.severity) == ("registry.bad-response", severity)
    assert words in found.params["what"]
    away = f"{urlsplit(location).scheme}://{urlsplit(location).netloc}/" if location else ""
    assert found.params["storage_url"] == (away if severity else "")


@pytest.mark.parametrize("location", ["javascript:alert(1)", "//[x]/y", "https://a\x1b/b", ""])
def test_a_redirect_to_what_is_no_address_fails_for_every_client(location: str) -> None:
    (found,) = judged(IMAGE, read(307, location=location, adrift=True))
    assert (found.code, found.severity) == ("registry.bad-response", None)
    assert found.params["what"].endswith(f"{location or 'nowhere'}, which no client can follow")


LOOPBACK = Hop("registry", "127.0.0.1", 5000)


@pytest.mark.parametrize(
    ("location", "severity"),
    [("http://127.0.0.1:5000/b", None), ("http://127.0.0.1:5001/b", "warning")],
)
def test_circles_on_loopback_are_circles_over_plain_http_too(
    location: str, severity: str | None
) -> None:
    (found,) = judged(HERE, read(307, LOOPBACK, location=location))
    assert (found.code, found.severity) == ("registry.bad-response", severity)


def test_a_limit_is_for_the_rate_check() -> None:
    assert judged(IMAGE, read(429)) == []


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("Mon, 23 Nov 2026 12:20:00 GMT", "1200 seconds behind"),
        ("Mon, 23 Nov 2026 11:40:00 GMT", "1200 seconds ahead of"),
        ("Mon, 23 Nov 2026 12:00:30 GMT", None),
        ("yesterday", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
    ],
)
def test_a_clock_that_is_off_is_told_where_a_signed_link_is_refused(
    date: str, clock: str | None
) -> None:
    (found,) = judged(IMAGE, read(403, headers=(("date", date),)))
    assert found.params.get("clock") == clock


def test_a_third_host_is_looked_at_as_far_as_its_ladder() -> None:
    onward = BlobFact(hop=STORAGE, answers=(Answer(hop=STORAGE, status=302),), further=CDN)
    assert judged(IMAGE, onward) == []
    (found,) = judged(IMAGE, onward, hops=((CDN, DnsFact(addresses=())),))
    assert (found.code, found.hop) == ("registry.blob-unreachable", CDN)


def config(status: int | None, hop: Hop, **fields: Any) -> ConfigRead:
    answers = (Answer(hop=hop, status=status, **fields),)
    return ConfigRead(digest="sha256:c", size=2, answers=answers)


@pytest.mark.parametrize(
    ("hop", "status", "fields", "code"),
    [
        (REGISTRY, 404, {"code": "BLOB_UNKNOWN"}, "registry.blob-missing"),
        (REGISTRY, 401, {}, "registry.blob-refused"),
        (REGISTRY, 500, {}, "registry.server-error"),
        (STORAGE, 403, {}, "registry.blob-refused"),
        (STORAGE, None, {"outcome": "timeout", "waited": 8.0}, "registry.blob-unreachable"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_told_as_a_layer_is(
    hop: Hop, status: int | None, fields: dict[str, Any], code: str
) -> None:
    layer = replace(read(206, hop), config=config(status, hop, **fields))
    (found,) = judged(IMAGE if hop == STORAGE else HERE, layer)
    assert (found.code, found.hop) == (code, hop)
    assert found.evidence["digest"] == "sha256:c"


@pytest.mark.parametrize(
    "config",
    [
        None,
        ConfigRead(digest="sha256:c"),
        config(200, REGISTRY),
        config(307, REGISTRY, location="https://elsewhere.test/c"),
        config(200, REGISTRY, outcome="too-large"),
        config(429, REGISTRY),
    ],
)
def test_a_configuration_that_was_read_or_not_asked_for_is_no_finding(
    config: ConfigRead | None,
) -> None:
    assert judged(HERE, replace(read(206, REGISTRY), config=config)) == []


def test_a_layer_and_a_configuration_that_are_gone_are_one_cause() -> None:
    gone = replace(read(404, REGISTRY), config=config(404, REGISTRY))
    assert [found.subject for found in judged(HERE, gone)] == ["sha256:1"]
