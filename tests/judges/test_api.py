"""Which cause does an answer to `GET /v2/` show?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from doctor.checks import api
from doctor.facts.http import Answer
from doctor.facts.registry import ApiFact
from doctor.facts.tls import HttpPeek, TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Target
from doctor.registry.challenge import parse

REGISTRY = Hop("registry", "registry.corp.test", 443)
HTML = (("content-type", "text/html"),)


def case(*facts: Fact, hop_facts: tuple[Fact, ...] = ()) -> Case:
    target = Target(text="registry.corp.test", reference=None, registry=REGISTRY)
    known = [(None, fact) for fact in facts] + [(REGISTRY, fact) for fact in hop_facts]
    return Case(target, Facts(known))


def as_seen_by(whose: dict[str, str], fact: Fact) -> Case:
    target = Target(text="registry.corp.test", reference=None, registry=REGISTRY, **whose)  # type: ignore[arg-type]
    return Case(target, Facts([(None, fact)]))


def said(status: int | None = None, **fields: Any) -> Answer:
    return Answer(hop=REGISTRY, status=status, **fields)


def judged(answer: Answer, **fields: Any) -> list[Finding]:
    fact = ApiFact(answers=(answer,), challenges=parse(answer.all("www-authenticate")), **fields)
    return list(api.judge(case(fact)))


def codes(answer: Answer, **fields: Any) -> list[str]:
    return [finding.code for finding in judged(answer, **fields)]


def challenge(text: str) -> tuple[tuple[str, str], ...]:
    return (("www-authenticate", text),)


@pytest.mark.parametrize(
    "answer",
    [
        said(200),
        said(200, headers=(("content-type", "application/json"),)),
        said(401, headers=challenge('Bearer realm="https://a.test/t"')),
        said(401, headers=(*HTML, *challenge('Basic realm="Restricted"')), body="<html>"),
        said(401, headers=challenge('Negotiate, Basic realm="x"')),
    ],
)
def test_an_answer_of_a_registry_is_no_finding(answer: Answer) -> None:
    assert codes(answer) == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said(200, headers=HTML, title="Sign in", body="<html>"), "registry.not-a-registry"),
        (said(200, body="<!DOCTYPE html><title>Hi</title>"), "registry.not-a-registry"),
        (said(302, location="https://portal.test/"), "registry.not-a-registry"),
        (said(404), "registry.not-a-registry"),
        (said(511), "registry.not-a-registry"),
        (said(403, headers=HTML, title="Access denied"), "registry.blocked"),
        (said(403, code="DENIED"), "registry.blocked"),
        (said(500), "registry.server-error"),
        (said(503, headers=HTML), "registry.server-error"),
        (said(401), "registry.bad-response"),
        (said(401, headers=challenge("NTLM")), "registry.bad-response"),
        (said(401, headers=challenge("Bearer")), "registry.bad-response"),
        (said(302, location=None), "registry.bad-response"),
        (said(outcome="timeout", phase="headers", waited=8), "registry.timeout"),
        (said(200, outcome="timeout", phase="body", waited=8, received=9), "registry.timeout"),
        (said(outcome="reset"), "registry.bad-response"),
        (said(outcome="malformed"), "registry.bad-response"),
        (said(outcome="too-large", received=300_000), "registry.bad-response"),
        (said(outcome="tls-alert", alert=116), "tls.client-certificate-required"),
        (said(outcome="tls-alert", alert=80), "registry.bad-response"),
        (
            said(400, headers=HTML, title="400 No required SSL certificate was sent"),
            "tls.client-certificate-required",
        ),
    ],
)
def test_what_is_no_registry_is_told_apart(answer: Answer, code: str) -> None:
    found = judged(answer)
    assert [f.code for f in found] == [code]
    assert found[0].hop == REGISTRY
    assert json.dumps(found[0].evidence)
    assert all(isinstance(value, str) for value in found[0].params.values())


def test_a_loop_of_redirects_breaks_the_protocol() -> None:
    turn = said(302, location="https://registry.corp.test/v2/")
    found = list(api.judge(case(ApiFact(answers=(turn,) * 6))))
    assert [f.code for f in found] == ["registry.bad-response"]
    assert len(found[0].evidence["redirects"]) == 6


def test_a_limit_is_for_the_rate_check() -> None:
    assert codes(said(429)) == []


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (said(200, method="HEAD", headers=(("docker-content-digest", "sha256:0"),)), []),
        (said(401, method="HEAD", headers=challenge('Basic realm="r"')), []),
        (said(404, method="HEAD", headers=(("docker-distribution-api-version", "r"),)), []),
        (said(404, method="HEAD"), ["registry.not-a-registry"]),
        (said(200, method="HEAD", headers=HTML), ["registry.not-a-registry"]),
    ],
)
def test_the_manifest_decides_where_v2_alone_is_no_answer(head: Answer, found: list[str]) -> None:
    fact = ApiFact(answers=(said(404),), fallback=head)
    assert [f.code for f in api.judge(as_seen_by({"client": "containerd"}, fact))] == found


MANIFEST = said(200, method="HEAD", headers=(("docker-content-digest", "sha256:0"),))


@pytest.mark.parametrize(
    ("whose", "found"),
    [
        ({"client": "containerd"}, []),
        ({"client": "kubelet", "runtime": "containerd"}, []),
        ({"client": "kubelet"}, []),
        ({"client": "docker"}, []),
        ({"client": "shell"}, ["warning"]),
        ({"client": "crane"}, [None]),
        ({"client": "podman"}, [None]),
        ({"client": "kubelet", "runtime": "cri-o"}, [None]),
    ],
)
def test_who_asks_v2_first_stops_there(whose: dict[str, str], found: list[str | None]) -> None:
    """containers/image and go-containerregistry take 200 and 401, and nothing else."""
    fact = ApiFact(answers=(said(404),), fallback=MANIFEST)
    made = list(api.judge(as_seen_by(whose, fact)))
    assert [f.severity for f in made] == found
    assert all(f.code == "registry.bad-response" for f in made)
    assert all("although it gives manifests" in f.params["what"] for f in made)
    page = ApiFact(answers=(said(200, headers=HTML),), fallback=MANIFEST)
    assert not list(api.judge(as_seen_by(whose, page)))


def test_evidence_names_what_answered() -> None:
    (found,) = judged(
        said(403, headers=(*HTML, ("server", "cloudflare"), ("cf-ray", "8f")), title="Denied")
    )
    assert found.evidence["server"] == "cloudflare"
    assert found.evidence["title"] == "Denied"
    assert found.evidence["request_id"] == "cf-ray: 8f"


@pytest.mark.parametrize(
    ("peek", "allowed", "found"),
    [
        (HttpPeek(status=200, headers=(("docker-distribution-api-version", "r"),)), False, 1),
        (HttpPeek(status=401, headers=(("www-authenticate", "Basic"),)), False, 1),
        (HttpPeek(status=200, headers=(("docker-distribution-api-version", "r"),)), True, 0),
        (HttpPeek(status=400), False, 0),
        (None, False, 0),
    ],
)
def test_a_registry_on_plain_http(peek: HttpPeek | None, allowed: bool, found: int) -> None:
    tls = TlsFact(outcome="not-tls", plain_http=peek, plain_allowed=allowed)
    judged = list(api.judge(case(hop_facts=(tls,))))
    assert [f.code for f in judged] == ["registry.http-only"] * found


@pytest.mark.parametrize(
    ("answer", "portal"),
    [
        (said(200, headers=HTML, title="Hotel guest network", body="<html>"), True),
        (said(302, location="https://wifi.example/login"), True),
        (said(302, location="http://captiveportal.example/"), True),
        (said(511), True),
        (said(200, headers=HTML, title="Sign in · GitLab", body="<html>"), False),
        (said(302, location="https://guestbook.example/"), False),
        (said(404), False),
    ],
)
def test_a_network_s_sign_in_page_is_told_from_a_web_console(answer: Answer, portal: bool) -> None:
    (found,) = judged(answer)
    assert (found.code, found.params["portal"] == "yes") == ("registry.not-a-registry", portal)
