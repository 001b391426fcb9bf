"""Fact literals in, codes out: what came of each place that the client asks for the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doctor import codes
from doctor.checks import endpoints
from doctor.facts.endpoint import Blocked, Endpoint, EndpointSeen, EndpointsFact
from doctor.model import Case, Facts, Finding, Hop, Target
from doctor.reference import Reference, parse

IMAGE = "docker.io/library/nginx:1"
REGISTRY = Hop("registry", "registry-1.docker.io", 443)
MIRROR = Hop("mirror", "mirror.corp", 443)
JSON = "/etc/docker/daemon.json"
OURS, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BOOK = codes.load()

HOME = Endpoint(REGISTRY, "library/nginx")
MIRRORED = Endpoint(
    MIRROR, "library/nginx", origin=f"{JSON}:3", written="https://mirror.corp"
)  # fmt: skip
SERVES = EndpointSeen(HOME, "pass", digest=OURS, http_ms=9.0)
COPY = EndpointSeen(MIRRORED, "pass", digest=OURS, http_ms=3.0)
DEAD = EndpointSeen(
    MIRRORED, "fail", "tcp", "mirror.corp:443 refuses the connection.", ("tcp.refused",)
)  # fmt: skip
DOWN = EndpointSeen(HOME, "fail", "tcp", "The registry does not answer.", ("tcp.timeout",))
LOCKED = EndpointSeen(
    MIRRORED, "fail", "auth", "401", ("auth.no-credentials",), challenge="basic", http_ms=2.0
)  # fmt: skip
UNTOLD = EndpointSeen(MIRRORED, "incomplete", reason="its login is not shown from here")
RULE = "the credential for Docker Hub goes to Docker Hub alone"


def judged(
    *seen: EndpointSeen, image: str = IMAGE, client: str = "docker", **more: Any
) -> dict[str, Finding]:
    reference = parse(image)
    assert isinstance(reference, Reference)
    target = Target(image, reference, REGISTRY, client=client)
    fact = EndpointsFact(
        client=client, endpoints=tuple(each.endpoint for each in seen), seen_at=seen, **more
    )
    case = Case(target, Facts([(None, fact)]))
    found = [BOOK.dress(each, target) for each in endpoints.judge(case)]
    for each in found:
        words = BOOK.get(each.code)
        assert words is not None
        assert each.detail != words.means, "a param of its detail is missing"
        assert each.remedies
        assert each.evidence
    return {each.code: each for each in found}


@pytest.mark.parametrize("seen", [
    (),
    (COPY, SERVES),
    (COPY, DOWN),
    (UNTOLD, SERVES),
    (replace(DEAD, layer="image", root_causes=("registry.manifest-unknown",)), SERVES),
    (replace(DEAD, layer="blob", root_causes=("registry.blob-unreachable",)), SERVES),
    (replace(DEAD, layer="client", root_causes=("client.config-invalid",)), DOWN),
])  # fmt: skip
def test_nothing_is_said_of_a_mirror_that_does_its_part(seen: tuple[EndpointSeen, ...]) -> None:
    """One that lacks this image, or whose fault is the client's own, is no dead mirror."""
    assert judged(*seen) == {}


@pytest.mark.parametrize("layer", ["dns", "tcp", "proxy", "tls", "api"])
def test_a_dead_mirror_before_a_registry_that_serves_is_a_warning(layer: str) -> None:
    found = judged(replace(DEAD, layer=layer), SERVES, tells="last")
    assert set(found) == {"client.mirror-unreachable"}
    finding = found["client.mirror-unreachable"]
    assert (finding.severity, finding.hop, finding.subject) == ("warning", MIRROR, f"{JSON}:3")
    assert finding.evidence["layer"] == layer
    assert finding.evidence["asked_after_it"] == ["registry-1.docker.io:443"]
    assert f"set in {JSON}:3" in finding.detail
    assert finding.detail.endswith("after it docker asks registry-1.docker.io:443.")
    commands = "\n".join(step.command or "" for step in finding.remedies[0].steps)
    assert f"{JSON} https://mirror.corp" in commands


def test_where_nothing_follows_it_the_dead_mirror_is_why_the_pull_fails() -> None:
    finding = judged(DEAD)["client.mirror-unreachable"]
    assert finding.severity == "error"
    assert "nobody is asked after it" in finding.detail


def test_what_the_client_hides_is_said_where_both_fail() -> None:
    finding = judged(DEAD, DOWN, tells="last")["client.mirror-unreachable"]
    assert finding.severity == "warning"
    assert finding.evidence["client_tells_only"] == "registry-1.docker.io:443"
    for seen, tells in (((DEAD, SERVES), "last"), ((DEAD, DOWN), "all")):
        other = judged(*seen, tells=tells)["client.mirror-unreachable"]
        assert "client_tells_only" not in other.evidence


LACKS = replace(COPY, verdict="fail", layer="image", status=404)
BROKEN = replace(COPY, verdict="fail", layer="image", status=500)
REFUSING = replace(DOWN, layer="auth", status=401)


@pytest.mark.parametrize(("seen", "tells", "told"), [
    ((DEAD, DOWN), "last", DOWN),
    ((LACKS, DOWN), "last", DOWN),
    ((LACKS, DOWN), "gravest", LACKS),
    ((LACKS, BROKEN, DOWN), "gravest", BROKEN),
    ((DEAD, REFUSING), "gravest", DEAD),
    ((LACKS, DOWN), "all", None),
    ((LACKS, SERVES), "gravest", None),
    ((DOWN,), "last", None),
])  # fmt: skip
def test_whose_error_the_client_shows(
    seen: tuple[EndpointSeen, ...], tells: Any, told: EndpointSeen | None
) -> None:
    assert EndpointsFact(seen_at=seen, tells=tells).told == told


def test_a_mirror_that_no_file_names_is_not_said_to_stand_in_one() -> None:
    told_of = replace(DEAD, endpoint=replace(MIRRORED, origin=""))
    finding = judged(told_of, SERVES)["client.mirror-unreachable"]
    assert "which the daemon has been told of" in finding.detail
    assert "daemon.json" not in repr(finding.remedies)
    other = judged(told_of, SERVES, client="podman")["client.mirror-unreachable"]
    assert "which is a default of podman itself" in other.detail
    assert "daemon" not in other.detail


@pytest.mark.parametrize(("digests", "image", "stale"), [
    ((OTHER, OURS), IMAGE, True),
    ((OURS, OURS), IMAGE, False),
    ((OTHER, ""), IMAGE, False),
    (("", OURS), IMAGE, False),
    ((OTHER, OURS), f"docker.io/library/nginx@{OURS}", False),
])  # fmt: skip
def test_another_digest_for_the_tag_is_a_stale_mirror(
    digests: tuple[str, str], image: str, stale: bool
) -> None:
    seen = replace(COPY, digest=digests[0]), replace(SERVES, digest=digests[1])
    found = judged(*seen, image=image)
    assert set(found) == ({"client.mirror-stale"} if stale else set())
    if stale:
        finding = found["client.mirror-stale"]
        assert (finding.severity, finding.hop) == ("warning", MIRROR)
        assert (finding.evidence["mirror_digest"], finding.evidence["digest"]) == digests


@pytest.mark.parametrize(("repository", "folder"), [
    ("library/nginx", "mirror.corp/library"),
    ("hub/library/nginx", "mirror.corp/hub/library"),
    ("nginx", "mirror.corp"),
    ("library/web", ""),
])  # fmt: skip
def test_a_mirror_is_filled_by_one_command(repository: str, folder: str) -> None:
    """skopeo keeps the last part of the name: where the mirror has another, it cannot do it."""
    stale = replace(COPY, endpoint=replace(MIRRORED, repository=repository), digest=OTHER)
    finding = judged(stale, SERVES)["client.mirror-stale"]
    typed = [step.command or "" for each in finding.remedies for step in each.steps]
    synced = [each for each in typed if each.startswith("skopeo sync ")]
    assert [each.split()[-2:] for each in synced] == (
        [["docker.io/library/nginx", folder]] if folder else []
    )


def test_a_stale_mirror_is_told_although_the_registry_serves_no_layer() -> None:
    broken = replace(SERVES, verdict="fail", layer="blob")
    assert "client.mirror-stale" in judged(replace(COPY, digest=OTHER), broken)


@pytest.mark.parametrize(("seen", "severity"), [
    ((LOCKED, SERVES), "warning"),
    ((LOCKED, DOWN), "error"),
    ((LOCKED,), "error"),
])  # fmt: skip
def test_a_mirror_that_wants_a_credential_which_is_never_sent(
    seen: tuple[EndpointSeen, ...], severity: str
) -> None:
    found = judged(*seen, rule=RULE)
    assert set(found) == {"client.mirror-auth"}
    finding = found["client.mirror-auth"]
    assert (finding.severity, finding.confidence) == (severity, "certain")
    assert finding.evidence["challenge"] == "basic"
    assert finding.evidence["rule"] == RULE
    assert RULE in finding.detail


@pytest.mark.parametrize(("seen", "rule"), [
    (LOCKED, ""),
    (replace(LOCKED, has_credential=True, root_causes=("auth.rejected",)), RULE),
    (replace(LOCKED, root_causes=("auth.realm-unreachable",)), RULE),
    (UNTOLD, RULE),
])  # fmt: skip
def test_a_credential_that_is_sent_or_not_the_trouble_is_not_missed(
    seen: EndpointSeen, rule: str
) -> None:
    assert judged(seen, SERVES, rule=rule) == {}


def test_a_refusal_that_may_mean_a_missing_image_is_only_possibly_the_credential() -> None:
    seen = replace(LOCKED, root_causes=("auth.denied-or-missing",), challenge="bearer")
    assert judged(seen, SERVES, rule=RULE)["client.mirror-auth"].confidence == "possible"


def test_a_registry_that_the_client_blocks_is_told_with_file_and_rule() -> None:
    blocked = Blocked("/etc/containers/registries.conf", 7, 'prefix = "docker.io", blocked = true')
    finding = judged(client="podman", blocked=blocked)["client.blocked"]
    assert (finding.severity, finding.subject) == ("error", "/etc/containers/registries.conf:7")
    assert (finding.evidence["line"], finding.evidence["rule"]) == (7, blocked.rule)


def test_a_signature_that_the_client_asks_for_and_nobody_looked_for_is_a_note() -> None:
    rule = Blocked(
        "/etc/containers/policy.json", 7, "takes signed images alone", policy=True, unsure=True
    )
    finding = judged(client="podman", blocked=rule)["client.blocked"]
    assert (finding.severity, finding.confidence) == ("info", "possible")
    assert finding.params["forbids"] == "may forbid"


def test_nobody_looked() -> None:
    reference = parse(IMAGE)
    assert isinstance(reference, Reference)
    assert not list(endpoints.judge(Case(Target(IMAGE, reference, REGISTRY), Facts())))


@pytest.mark.parametrize(("seen", "decides", "served"), [
    ((COPY, SERVES), 0, MIRRORED),
    ((DEAD, SERVES), 1, HOME),
    ((DEAD, DOWN), 1, None),
    ((COPY, DOWN), 0, MIRRORED),
    ((UNTOLD, SERVES), 1, HOME),
    ((DEAD, UNTOLD, DOWN), 1, None),
    ((UNTOLD, replace(DOWN, verdict="incomplete")), 1, None),
])  # fmt: skip
def test_the_first_that_serves_decides_else_the_last_of_which_nobody_can_tell_else_the_last(
    seen: tuple[EndpointSeen, ...], decides: int, served: Endpoint | None
) -> None:
    fact = EndpointsFact(endpoints=(MIRRORED, HOME), seen_at=seen)
    assert fact.decides == decides
    assert (fact.served.endpoint if fact.served else None) == served


def test_one_line_says_who_serves_and_who_does_not() -> None:
    fact = EndpointsFact(seen_at=(DEAD, UNTOLD, SERVES))
    assert fact.seen.split("; ") == [
        "the mirror mirror.corp:443 does not serve it: no TCP connection is made",
        "the mirror mirror.corp:443 may serve it: its login is not shown from here",
        "registry-1.docker.io:443 serves it",
    ]
    assert EndpointsFact(endpoints=(HOME,)).seen == ""
