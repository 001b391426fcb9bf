"""Are manifests told apart, and is the platform chosen as the client chooses it?"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.registry import manifest
from doctor.registry.manifest import Descriptor, Platform

DIGEST = f"sha256:{'0' * 64}"


def entry(platform: str = "", **fields: Any) -> dict[str, Any]:
    os, architecture, variant = [*platform.split("/"), "", ""][:3]
    said = {"os": os, "architecture": architecture, "variant": variant}
    return (
        {"digest": DIGEST, "size": 7, "platform": said, **fields}
        if platform
        else {"digest": DIGEST, "size": 7, **fields}
    )


def document(**fields: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()


@pytest.mark.parametrize(
    ("content", "media_type", "kind"),
    [
        (document(manifests=[entry("linux/amd64")]), manifest.OCI_INDEX, "index"),
        (document(mediaType=manifest.DOCKER_LIST, manifests=[]), "", "index"),
        (document(manifests=[]), "application/json", "index"),
        (document(config=entry(), layers=[entry()]), manifest.DOCKER_MANIFEST, "manifest"),
        (
            document(mediaType=manifest.OCI_MANIFEST, config=entry(), layers=[]),
            "text/plain",
            "manifest",
        ),
        (document(schemaVersion=1, fsLayers=[]), "application/json", "schema1"),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema1"),
        (document(layers="x"), manifest.OCI_MANIFEST, "unreadable"),
        (
            document(config=entry(), layers=[{"digest": "sha256:../../etc", "size": 1}]),
            "",
            "unreadable",
        ),
        (document(config=entry(), layers=[entry(size=-1)]), "", "unreadable"),
        (document(config=entry(), layers=[entry(size=True)]), "", "unreadable"),
        (b"<html>", "text/html", "unreadable"),
        (b"\xff", "", "unreadable"),
        (b"[]", "", "unreadable"),
        (b"1" * 5000, "", "unreadable"),
        (b'{"a":' * 10_000, "", "unreadable"),
    ],
)
def test_what_the_bytes_are(content: bytes, media_type: str, kind: str) -> None:
    found = manifest.parse(content, media_type)
    assert found.kind == kind
    assert bool(found.flaw) is (kind == "unreadable")


def test_attestations_are_not_platforms() -> None:
    found = manifest.parse(
        document(manifests=[entry("linux/amd64"), entry("unknown/unknown"), entry()]),
        manifest.OCI_INDEX,
    )
    assert found.platforms == ("linux/amd64",)


def test_the_smallest_layer_that_the_registry_has_is_taken() -> None:
    config = entry(size=1)
    layers = [entry(size=9), entry(size=5), entry(size=2, urls=["https://x.test"]), entry(size=0)]
    found = manifest.parse(document(config=config, layers=layers), manifest.OCI_MANIFEST)
    assert found.smallest is not None
    assert found.smallest.size == 5
    bare = manifest.parse(document(config=config, layers=[]), manifest.OCI_MANIFEST)
    assert bare.smallest == bare.config


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/i386", "linux/386"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux", None),
        ("linux//", None),
        ("a/b/c/d", None),
        ("linux/$(id)", None),
    ],
)
def test_platforms_are_normalised(text: str, found: str | None) -> None:
    got = manifest.platform(text)
    assert (str(got) if got else None) == found


@pytest.mark.parametrize(
    ("wanted", "offered", "client", "taken"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], "containerd", "linux/amd64"),
        ("linux/arm64", ["linux/amd64", "linux/arm64/v8"], "podman", "linux/arm64"),
        ("linux/arm64/v8", ["linux/arm64"], "shell", "linux/arm64"),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "containerd", "linux/arm/v6"),
        ("linux/arm/v6", ["linux/arm/v7"], "containerd", None),
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6"], "shell", "linux/arm/v7"),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], "containerd", "linux/amd64/v2"),
        ("linux/amd64", ["linux/amd64/v3"], "containerd", None),
        ("linux/amd64", ["linux/amd64/v3"], "crane", "linux/amd64/v3"),
        ("linux/amd64", ["linux/386"], "docker", "linux/386"),
        ("linux/amd64", ["linux/386"], "podman", None),
        ("linux/arm64", ["linux/arm/v7"], "kubelet", "linux/arm/v7"),
        ("linux/arm64", ["linux/arm/v7"], "shell", None),
        ("linux/amd64", ["windows/amd64"], "containerd", None),
        ("linux/s390x", ["linux/amd64"], "containerd", None),
        ("linux/amd64", ["", "linux/amd64"], "podman", "linux/amd64"),
        ("linux/arm64", ["linux/amd64", ""], "podman", "None"),
        ("linux/amd64", [""], "containerd", "None"),
        ("linux/amd64", [""], "shell", "None"),
        ("linux/arm64", [""], "shell", None),
        ("linux/amd64", ["unknown/unknown"], "docker", None),
    ],
)
def test_the_entry_is_chosen_as_the_client_chooses_it(
    wanted: str, offered: list[str], client: str, taken: str | None
) -> None:
    entries = [entry(p) if p else entry() for p in offered]
    found = manifest.parse(document(manifests=entries), manifest.OCI_INDEX)
    asked = manifest.platform(wanted)
    assert asked is not None
    chosen = manifest.choose(found.entries, asked, client)
    assert (str(chosen.platform) if chosen else None) == taken


def test_the_first_of_equal_entries_is_taken() -> None:
    one = Descriptor(DIGEST, size=1, platform=Platform("linux", "amd64"))
    two = Descriptor(DIGEST, size=2, platform=Platform("linux", "amd64"))
    assert manifest.choose([one, two], Platform("linux", "amd64"), "shell") is one


def test_bytes_are_held_against_their_digest() -> None:
    right = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    assert manifest.matches(b"x", right) is True
    assert manifest.matches(b"y", right) is False
    assert manifest.matches(b"x", f"blake3:{'0' * 64}") is None


@pytest.mark.parametrize(
    ("text", "tag", "repository"),
    [
        ("1.0", True, True),
        ("latest", True, True),
        ("-x", False, False),
        ("a/b", False, True),
        ("a//b", False, False),
        ("A", True, False),
        ("a b", False, False),
        ("$(id)", False, False),
        ("x" * 129, False, True),
        ("", False, False),
    ],
)
def test_names_that_may_be_offered(text: str, tag: bool, repository: bool) -> None:
    assert manifest.is_tag(text) is tag
    assert manifest.is_repository(text) is repository


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "manifests",
                    "layers",
                    "config",
                    "digest",
                    "size",
                    "platform",
                    "os",
                    "mediaType",
                    "architecture",
                    "urls",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([manifest.OCI_INDEX, manifest.OCI_MANIFEST, ""]))
def test_no_json_breaks_it(value: Any, media_type: str) -> None:
    found = manifest.parse(json.dumps(value).encode(), media_type)
    assert found.kind in ("index", "manifest", "schema1", "unreadable")
    manifest.choose(found.entries, Platform("linux", "amd64"), "docker")


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    manifest.parse(content, "")
