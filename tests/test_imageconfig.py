"""Which platform does an image's configuration name, and where does such an image run?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.registry import imageconfig, manifest
from doctor.registry.manifest import Descriptor, Document, Platform

IMAGE = "application/vnd.oci.image.config.v1+json"
DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("media_type", "size", "read"),
    [
        (IMAGE, 1500, True),
        ("application/vnd.docker.container.image.v1+json", 1500, True),
        ("application/vnd.cncf.helm.config.v1+json", 1500, False),
        ("application/vnd.oci.empty.v1+json", 2, False),
        ("application/vnd.docker.plugin.v1+json", 1500, False),
        ("", 1500, False),
        (IMAGE, manifest.MOST_BYTES, True),
        (IMAGE, manifest.MOST_BYTES + 1, False),
    ],
)
def test_only_an_images_configuration_of_a_sane_size_is_read(
    media_type: str, size: int, read: bool
) -> None:
    config = Descriptor(DIGEST, media_type, size)
    found = imageconfig.of(Document("manifest", config=config))
    assert found == (config if read else None)


def test_an_index_has_no_configuration() -> None:
    assert imageconfig.of(Document("index")) is None


@pytest.mark.parametrize(
    ("content", "platform"),
    [
        ({"os": "linux", "architecture": "amd64", "rootfs": {}}, "linux/amd64"),
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"os": "linux", "architecture": "arm"}, "linux/arm"),
        ({"os": "Linux", "architecture": "x86_64"}, "linux/amd64"),
        ({"os": "windows", "architecture": "amd64", "os.version": "10.0"}, "windows/amd64"),
        ({"architecture": "amd64"}, None),
        ({"os": "linux"}, None),
        ({"os": "", "architecture": ""}, None),
        ({"os": "unknown", "architecture": "unknown"}, None),
        ({"os": 1, "architecture": ["amd64"]}, None),
        ({"os": "linux", "architecture": "amd64; rm -rf /"}, None),
        ({}, None),
        ([], None),
        ("linux/amd64", None),
    ],
)
def test_the_platform_is_the_one_that_the_configuration_names(
    content: Any, platform: str | None
) -> None:
    found = imageconfig.built_for(json.dumps(content).encode())
    assert (str(found) if found else None) == platform


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_names_none(content: bytes) -> None:
    assert imageconfig.built_for(content) is None


@pytest.mark.parametrize(
    ("built", "wanted", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64", "linux/amd64", False),
        ("linux/amd64", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/386", "linux/amd64", True),
        ("linux/amd64", "linux/386", False),
        ("linux/arm/v7", "linux/arm64", True),
        ("linux/arm64", "linux/arm/v7", False),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/arm/v6", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/amd64/v3", "linux/amd64/v2", False),
        ("linux/amd64/v2", "linux/amd64/v3", True),
        ("linux/amd64", "linux/amd64/v3", True),
    ],
)
def test_a_machine_runs_what_its_processor_runs(built: str, wanted: str, runs: bool) -> None:
    one, other = manifest.platform(built), manifest.platform(wanted)
    assert one is not None
    assert other is not None
    assert imageconfig.runs(one, other) is runs


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [("linux/arm/v6", True), ("linux/arm/v7", True), ("linux/arm64", True), ("linux/amd64", False)],
)
def test_no_variant_is_not_held_against_an_image(wanted: str, runs: bool) -> None:
    machine = manifest.platform(wanted)
    assert machine is not None
    assert imageconfig.runs(Platform("linux", "arm"), machine) is runs


WORDS = st.sampled_from(["os", "architecture", "variant", "linux", "arm", "", "v6"])


@given(st.dictionaries(WORDS, WORDS | st.none() | st.integers() | st.lists(WORDS)))
def test_no_configuration_breaks_it(content: Any) -> None:
    found = imageconfig.built_for(json.dumps(content).encode())
    assert found is None or imageconfig.runs(found, found)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    imageconfig.built_for(content)
