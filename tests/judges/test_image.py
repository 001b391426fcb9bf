"""What does the registry's answer for an image say about it?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from doctor.checks import image
from doctor.codes import load
from doctor.facts.http import Answer
from doctor.facts.registry import (
    ApiFact,
    AuthFact,
    BlobFact,
    ConfigRead,
    ImageFact,
    TagList,
    TokenTry,
)
from doctor.model import Case, Fact, Facts, Finding, Hop, Target
from doctor.reference import read_target
from doctor.registry.challenge import parse
from doctor.registry.jwt import Access
from doctor.registry.manifest import OCI_MANIFEST, Platform

REGISTRY = Hop("registry", "registry.corp.test", 443)
SCOPE = "repository:team/app:pull"
OPEN = (ApiFact(answers=(Answer(status=200),)), AuthFact(scheme="none", may_proceed=True))
ASKS = ApiFact(
    answers=(Answer(status=401),), challenges=parse(['Bearer realm="https://auth.corp.test/t"'])
)


def answer(status: int | None = 200, **fields: Any) -> Answer:
    path = "/v2/team/app/manifests/1.0"
    if status == 200:
        fields.setdefault("headers", (("content-type", OCI_MANIFEST),))
    return Answer(hop=REGISTRY, status=status, path=path, **fields)


def look(*answers: Answer, **fields: Any) -> ImageFact:
    fields = {"repository": "team/app", "reference": "1.0", "wanted": "linux/amd64", **fields}
    return ImageFact(answers=answers, **fields)


def judged(
    fact: ImageFact, *facts: Fact, ref: str = "registry.corp.test/team/app:1.0", **target: Any
) -> list[Finding]:
    what = Target(text=ref, reference=read_target(ref).reference, registry=REGISTRY, **target)
    found = list(image.judge(Case(what, Facts((None, f) for f in (*(facts or OPEN), fact)))))
    for each in found:
        assert json.dumps(each.evidence)
        assert all(isinstance(value, str) for value in each.params.values())
    return found


def codes(fact: ImageFact, *facts: Fact) -> list[str]:
    return [f.code for f in judged(fact, *facts)]


def tags(status: int = 200, code: str = "", near: tuple[str, ...] = ()) -> TagList:
    return TagList(answer=answer(status, code=code), count=len(near), near=near)


def bearer(who: Any, access: tuple[Access, ...] | None) -> tuple[Fact, ...]:
    tried = TokenTry(who=who, scope=SCOPE, access=access)
    return (
        ASKS,
        AuthFact(
            scheme="bearer", scope=SCOPE, tries=(tried,), who=who, may_proceed=True,
            has_credential=who == "credential",
        ),
    )  # fmt: skip


PULL = (Access("repository", "team/app", ("pull",)),)


def test_an_image_that_is_there_is_no_finding() -> None:
    assert codes(look(answer(), kind="manifest", blob="sha256:0")) == []
    assert codes(look(answer(), kind="index", platform="linux/amd64", blob="sha256:0")) == []


# 404


def test_an_unknown_tag_comes_with_the_nearest() -> None:
    missing = look(answer(404, code="MANIFEST_UNKNOWN"), tags=tags(near=("1.1", "1.2")))
    (found,) = judged(missing)
    assert (found.code, found.confidence, found.subject) == (
        "registry.manifest-unknown", "certain", "1.0",
    )  # fmt: skip
    assert found.params["corrected"] == "registry.corp.test/team/app:1.1"
    assert found.evidence["nearest"] == ["1.1", "1.2"]


def test_an_unknown_repository_comes_with_the_nearest() -> None:
    listed = TagList(answer=answer(200), count=1, near=("team/apps",))
    missing = look(
        answer(404, code="MANIFEST_UNKNOWN"), tags=tags(404, "NAME_UNKNOWN"), repositories=listed
    )
    (found,) = judged(missing)
    assert (found.code, found.subject) == ("registry.name-unknown", "team/app")
    assert found.params["corrected"] == "registry.corp.test/team/apps"


@pytest.mark.parametrize(
    ("facts", "code", "listed", "expected"),
    [
        (OPEN, "NAME_UNKNOWN", tags(404), [("registry.name-unknown", "certain")]),
        (OPEN, "", tags(404), [("registry.name-unknown", "certain")]),
        (
            OPEN,
            "MANIFEST_UNKNOWN",
            tags(403),
            [("registry.manifest-unknown", "possible"), ("registry.name-unknown", "possible")],
        ),
        (bearer("anonymous", PULL), "", tags(404), [("registry.name-unknown", "certain")]),
        (
            bearer("anonymous", None),
            "NAME_UNKNOWN",
            tags(404),
            [("auth.denied-or-missing", "certain")],
        ),
        (bearer("anonymous", ()), "", tags(404), [("auth.denied-or-missing", "certain")]),
        (bearer("credential", PULL), "", tags(404), [("registry.name-unknown", "certain")]),
        (
            bearer("credential", None),
            "NAME_UNKNOWN",
            tags(404),
            [("registry.name-unknown", "likely")],
        ),
        (bearer("credential", None), "", tags(404), [("auth.denied-or-missing", "certain")]),
        (bearer("credential", None), "", tags(200), [("registry.manifest-unknown", "certain")]),
    ],
)
def test_a_404_says_no_more_than_its_right_may_see(
    facts: tuple[Fact, ...], code: str, listed: TagList, expected: list[tuple[str, str]]
) -> None:
    fact = look(answer(404, code=code), tags=listed, who=facts[1].who)  # type: ignore[attr-defined]
    assert [(f.code, f.confidence) for f in judged(fact, *facts)] == expected


def test_an_index_that_names_a_manifest_which_is_gone() -> None:
    fact = look(answer(200), answer(404), kind="index", platform="linux/amd64")
    assert codes(fact) == ["registry.manifest-unknown"]


def test_a_refusal_is_for_the_auth_check() -> None:
    assert codes(look(answer(401))) == []
    assert codes(look(answer(403, code="DENIED"))) == []
    assert codes(look(answer(404, code="DENIED"))) == []
    assert codes(look(answer(429))) == []


# Content


def test_a_platform_that_is_not_offered() -> None:
    fact = look(answer(), kind="index", platforms=("linux/amd64", "windows/amd64"))
    (found,) = judged(fact, platform="linux/s390x")
    assert found.code == "registry.platform-missing"
    assert found.evidence["offered"] == ["linux/amd64", "windows/amd64"]
    assert found.evidence["needed"] == "linux/s390x"
    assert found.params["other"] == "linux/amd64"


ARM64, WINDOWS = Platform("linux", "arm64"), Platform("windows", "amd64")


def single(platform: Platform | None, **fields: Any) -> ImageFact:
    read = ConfigRead(digest="sha256:c", platform=platform)
    return look(
        answer(), kind="manifest", blob="sha256:0", digest="sha256:a", config=read, **fields
    )


def test_a_single_manifest_for_another_platform_is_pulled_all_the_same() -> None:
    (found,) = judged(single(ARM64), platform="linux/amd64")
    assert (found.code, found.severity) == ("registry.platform-missing", "warning")
    assert found.evidence["offered"] == ["linux/arm64"]
    assert (found.evidence["needed"], found.evidence["config"]) == ("linux/amd64", "sha256:c")
    assert (found.params["other"], found.params["single"]) == ("linux/arm64", "yes")


def test_an_index_without_the_platform_ends_the_pull() -> None:
    (found,) = judged(look(answer(), kind="index", platforms=("linux/arm64",)))
    assert found.severity is None  # the code's own: an error
    assert not found.params["single"]


def test_another_system_is_not_offered_for_this_one() -> None:
    (found,) = judged(single(WINDOWS), platform="linux/amd64")
    assert found.code == "registry.platform-missing"
    assert not found.params["other"]


@pytest.mark.parametrize(
    ("built", "needed"),
    [
        (Platform("linux", "amd64"), "linux/amd64"),
        (ARM64, "linux/arm64/v8"),
        (Platform("linux", "386"), "linux/amd64"),
        (None, "linux/amd64"),
        (ARM64, "nonsense"),
    ],
)
def test_a_single_manifest_that_runs_is_no_finding(built: Platform | None, needed: str) -> None:
    assert judged(single(built), platform=needed) == []


def test_a_configuration_that_storage_gave_counts() -> None:
    sent = single(None)
    read = BlobFact(config=ConfigRead(digest="sha256:c", platform=ARM64))
    (found,) = judged(sent, *OPEN, read, platform="linux/amd64")
    assert (found.code, found.severity) == ("registry.platform-missing", "warning")
    assert judged(sent, *OPEN, read, platform="linux/arm64") == []
    assert judged(sent, *OPEN, BlobFact(), platform="linux/amd64") == []


def test_an_old_manifest() -> None:
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    (found,) = judged(look(answer(), kind="schema1", media_type=kind))
    assert (found.code, found.evidence["media_type"]) == ("registry.old-schema", kind)


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (look(answer(), kind="unreadable", flaw="is not JSON"), "registry.bad-response"),
        (
            look(answer(headers=(("content-type", "text/html"),)), kind="unreadable", flaw="x"),
            "registry.not-a-registry",
        ),
        (look(answer(500)), "registry.server-error"),
        (look(answer(400, code="NAME_INVALID")), "registry.bad-response"),
        (look(answer(302, location="https://x.test/")), "registry.bad-response"),
        (look(answer(None, outcome="timeout", waited=8)), "registry.timeout"),
        (look(answer(200, outcome="too-large")), "registry.bad-response"),
    ],
)
def test_an_answer_that_is_no_manifest(fact: ImageFact, code: str) -> None:
    assert codes(fact) == [code]


def test_a_digest_that_does_not_match_is_shown_beside_the_one_asked_for() -> None:
    fact = look(
        answer(),
        kind="manifest",
        flaw="has another digest",
        digest="sha256:a",
        said_digest="sha256:b",
    )
    (found,) = judged(fact)
    assert (found.evidence["digest"], found.evidence["expected_digest"]) == ("sha256:a", "sha256:b")


@pytest.mark.parametrize(("tag", "found"), [("latest", 1), ("1.0", 0)])
def test_a_moving_tag_is_told_with_its_digest(tag: str, found: int) -> None:
    fact = look(answer(), reference=tag, kind="manifest", blob="sha256:0", digest="sha256:abc")
    told = judged(fact, ref=f"registry.corp.test/team/app:{tag}")
    assert [f.code for f in told] == ["registry.tag-moves"] * found
    if told:
        assert told[0].params["pinned"] == "registry.corp.test/team/app@sha256:abc"


@pytest.mark.parametrize("told", ["application/octet-stream", "application/json", ""])
@pytest.mark.parametrize(
    ("client", "severity"), [("podman", None), ("containerd", None), ("shell", "warning")]
)
def test_a_manifest_that_is_served_as_something_else_is_taken_for_none(
    told: str, client: str, severity: str | None
) -> None:
    headers = (("content-type", told),) if told else ()
    fact = look(answer(headers=headers), kind="manifest", blob="sha256:0")
    (found,) = judged(fact, client=client)
    assert (found.code, found.severity) == ("registry.bad-response", severity)
    assert "Content-Type" in found.params["what"]


def test_the_type_is_told_with_parameters_as_well() -> None:
    headers = (("content-type", f"{OCI_MANIFEST}; charset=utf-8"),)
    assert judged(look(answer(headers=headers), kind="manifest", blob="sha256:0")) == []


@pytest.mark.parametrize(("who", "command"), [("credential", "skopeo"), ("anonymous", "curl")])
def test_what_was_asked_with_a_login_is_shown_by_who_has_it(who: Any, command: str) -> None:
    (found,) = judged(look(answer(418, who=who)))
    name = "registry.corp.test/team/app:1.0"
    target = Target(name, read_target(name).reference, REGISTRY)
    first = load().dress(found, target).remedies[0].steps[0].command
    assert first is not None
    assert first.startswith(command)
