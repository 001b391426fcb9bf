"""The image and its layers: what is missing, where it breaks, and what comes near?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.distribution import AMD64, ARM64, OCI, REPOSITORY, configuration, digest
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, STORAGE_HOST, Stations, Way
from tests.lab.world import STORAGE, World

pytestmark = pytest.mark.lab

KIND = "application/vnd.docker.distribution.manifest"
SCHEMA1 = json.dumps({"schemaVersion": 1, "name": REPOSITORY, "tag": "1.0", "fsLayers": []})


def tagged(tag: str) -> str:
    return f"{HOST}/{REPOSITORY}:{tag}"


def says(kind: str, body: str, *headers: str) -> Way:
    """A registry whose every manifest is this one."""
    more = " ".join(f"add_header {header};" for header in headers)
    return Way(
        tls_front=f"location ~ /manifests/ {{ types {{ }} default_type {kind}; {more} return 200 '{body}'; }}"
    )


def stored(front: str) -> Way:
    """Storage on another host, in whose front nginx answers."""
    return Way(blobs="storage", stations=Stations(storage_front=f"location /docker/ {{ {front} }}"))


XML = "default_type application/xml; return 403 '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';"
IMAGE_FAULTS = (
    Scenario("tag-unknown", Way(), ("registry.manifest-unknown",), tagged("1.2")),
    Scenario(
        "tag-unknown-login", Way(login="token"), ("registry.manifest-unknown",), tagged("1.2")
    ),
    Scenario("repository-unknown", Way(), ("registry.name-unknown",), f"{HOST}/lab/apq:1.0"),
    Scenario(
        "digest-unknown",
        Way(),
        ("registry.manifest-unknown",),
        f"{HOST}/{REPOSITORY}@sha256:{'0' * 64}",
    ),
    Scenario(
        "platform-missing",
        Way(),
        ("registry.platform-missing",),
        options=("--platform", "linux/s390x"),
    ),
    Scenario(
        "schema-1", says(f"{KIND}.v1+prettyjws", SCHEMA1), ("registry.old-schema",), tagged("1.0")
    ),
    Scenario(
        "other-digest",
        says("application/vnd.oci.image.manifest.v1+json", ARM64.decode()),
        ("registry.bad-response",),
        f"{HOST}/{REPOSITORY}@{digest(AMD64)}",
    ),
    Scenario(
        "garbage",
        says("application/vnd.oci.image.manifest.v1+json", "{garbage"),
        ("registry.bad-response",),
        tagged("1.0"),
    ),
    Scenario(
        "web-page",
        says("text/html", "<title>Sign in</title>"),
        ("registry.not-a-registry",),
        tagged("1.0"),
    ),
)
LAYER_FAULTS = (
    Scenario("closed", Way(blobs="storage-closed"), ("registry.blob-unreachable",)),
    Scenario(
        "dropped",
        Way(blobs="storage-dropped"),
        ("registry.blob-unreachable",),
        options=("--timeout", "9"),
    ),
    Scenario("unknown", Way(blobs="storage-unknown"), ("registry.blob-unreachable",)),
    Scenario(
        "bad-certificate",
        Way(blobs="storage", stations=Stations(storage_certificate="wrong-host")),
        ("registry.blob-unreachable",),
    ),
    Scenario("refused", stored(XML), ("registry.blob-refused",)),
    Scenario("503", stored("return 503;"), ("registry.blob-refused",)),
    Scenario("missing", stored("return 404;"), ("registry.blob-missing",)),
    Scenario(
        "missing-here",
        Way(tls_front="location ~ /blobs/ { return 404; }"),
        ("registry.blob-missing",),
    ),
    Scenario("loop", stored("return 302 $uri;"), ("registry.bad-response",)),
)

OVER_HTTP = Scenario(
    "over-http",
    Way(blobs="storage", stations=Stations(storage=f"http://{STORAGE_HOST}/")),
    also=("registry.bad-response",),
    exit=3,
)
"""Clients ask there, and the pull works; a signed link is not sent in the clear to find out."""


def single(tag: str, needed: str, *, runs: bool, way: Way | None = None) -> Scenario:
    """An image that is a single manifest, on a machine of that platform."""
    return Scenario(
        f"{tag}-on-{needed}{'' if way is None else '-stored'}", way or Way(), target=tagged(tag),
        options=("--platform", needed), also=() if runs else ("registry.platform-missing",),
    )  # fmt: skip


SINGLE_MANIFESTS = (
    single("arm64", "linux/amd64", runs=False),
    single("arm64", "linux/amd64", runs=False, way=Way(login="token")),
    single("arm64", "linux/amd64", runs=False, way=Way(login="token", blobs="storage")),
    single("arm64", "linux/arm64", runs=True),
    single("arm64", "linux/arm64/v8", runs=True, way=Way(blobs="storage")),
    single("single", "linux/amd64", runs=True),
    single("single", "linux/arm64", runs=False),
    single("armv7", "linux/arm/v6", runs=False),
    single("armv7", "linux/arm/v7", runs=True),
    single("armv7", "linux/arm64", runs=True),
    single("armv6", "linux/arm/v7", runs=True),
    single("arm", "linux/arm/v6", runs=True),
    single("386", "linux/amd64", runs=True),
    single("windows", "linux/amd64", runs=False),
    single("nowhere", "linux/amd64", runs=True),
    single("chart", "linux/amd64", runs=True),
)


@pytest.mark.parametrize("scenario", SINGLE_MANIFESTS, ids=lambda s: s.name)
def test_a_single_manifest_for_another_platform_is_warned_of(
    scenario: Scenario, lab: World, store: Path
) -> None:
    scenario.verify(scenario.play(lab, store))


def test_a_client_pulls_it_all_the_same(lab: World, store: Path) -> None:
    pulled = SINGLE_MANIFESTS[0].pull(lab, store, "--override-arch", "amd64")
    assert pulled.exit == 0, pulled


def test_an_index_that_names_no_platform_is_pulled(lab: World, store: Path) -> None:
    """Whatever is asked for: the only entry may be for any."""
    entry = {"mediaType": f"{OCI}.manifest.v1+json", "digest": digest(AMD64), "size": len(AMD64)}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]})
    front = f"default_type {OCI}.index.v1+json; return 200 '{index}';"
    way = Way(tls_front=f"location ~ /manifests/1.0$ {{ types {{ }} {front} }}")
    scenario = Scenario("any", way, (), tagged("1.0"), ("--as", "podman"))
    run, pulled = scenario.both(lab, store)
    scenario.verify(run)
    assert pulled.exit == 0, pulled


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json"])
def test_a_manifest_that_is_served_as_something_else(kind: str, lab: World, store: Path) -> None:
    """As a plain web server does it."""
    way = says(kind, AMD64.decode())
    scenario = Scenario(
        "served", way, ("registry.bad-response",), tagged("1.0"), ("--as", "podman")
    )
    run, pulled = scenario.both(lab, store)
    scenario.verify(run)
    assert pulled.exit != 0, pulled


def test_the_platform_that_it_has_is_offered(lab: World, store: Path) -> None:
    scenario = SINGLE_MANIFESTS[0]
    run = scenario.play(lab, store)
    (found,) = [f for f in run.findings if f["code"] == "registry.platform-missing"]
    assert found["evidence"]["offered"] == ["linux/arm64"]
    assert "linux/arm64" in found["detail"]
    commands = [s["command"] for r in found["remedies"] for s in r["steps"] if s["command"]]
    assert f"doctor check {scenario.target} --platform linux/arm64" in commands
    assert lab.doctor("check", scenario.target, "--platform", "linux/arm64", "--strict").exit == 0
    assert lab.doctor("check", scenario.target, *scenario.options, "--strict").exit == 1


def test_a_configuration_that_is_gone_is_a_cause(lab: World, store: Path) -> None:
    gone = digest(configuration("linux/arm64"))
    way = Way(tls_front=f"location ~ /blobs/{gone} {{ return 404; }}")
    scenario = Scenario("gone", way, ("registry.blob-missing",), tagged("arm64"))
    run = scenario.play(lab, store)
    scenario.verify(run)
    assert [f["subject"] for f in run.findings if f["root_cause"]] == [gone]


@pytest.mark.parametrize(
    "scenario", [*IMAGE_FAULTS, *LAYER_FAULTS, OVER_HTTP], ids=lambda s: s.name
)
def test_the_cause_is_found(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(scenario.play(lab, store))


def test_near_tags_are_offered(lab: World, store: Path) -> None:
    run = IMAGE_FAULTS[0].play(lab, store)
    (found,) = [f for f in run.findings if f["root_cause"]]
    assert {"1.0", "1.1"} <= set(found["evidence"]["nearest"])
    commands = [s["command"] for r in found["remedies"] for s in r["steps"] if s["command"]]
    assert any(tagged("1.1") in command or tagged("1.0") in command for command in commands)


def test_the_platforms_that_there_are_are_named(lab: World, store: Path) -> None:
    run = IMAGE_FAULTS[4].play(lab, store)
    (found,) = [f for f in run.findings if f["root_cause"]]
    assert found["evidence"]["offered"] == ["linux/amd64", "linux/arm64"]


def test_storage_over_http_is_not_asked(lab: World, store: Path) -> None:
    OVER_HTTP.play(lab, store)
    assert servers.seen(lab, STORAGE) == []
