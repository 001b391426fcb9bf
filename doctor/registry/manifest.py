"""Is this a manifest, an index or a schema 1 manifest, and which of an index's entries does a
platform get?

Sources: OCI image-spec (manifest.md, image-index.md), Docker's manifest v2 schema 2; how platforms
match: containerd/platforms compare.go (platformVector) and database.go (normalizeArch), which
docker and the kubelet's containerd use; go-containerregistry (pkg/v1/platform.go, Satisfies) and
containers/image (pkg/platform) never fall back to another architecture. Content is foreign: the
caller bounds its bytes, this bounds counts, depth and lengths, and takes nothing that has not the
form it should have.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.redact import clip

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))
"""All four: a registry may answer 404, or convert, where a stored type is not accepted."""
MOST_BYTES = 4 * 1024 * 1024
"""The largest manifest that the distribution specification asks registries to take."""
_MOST_ENTRIES = 1000
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-zA-Z=_-]{32,160}")
_WORD = re.compile(r"[A-Za-z0-9_.-]{0,64}")
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_REPOSITORY = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"

Kind = Literal["index", "manifest", "schema1", "unreadable"]
_OF_GO = frozenset({"shell", "crane"})
_CROSSING = frozenset({"docker", "containerd", "kubelet"})
"""Clients whose platform rule lets amd64 take 386, and arm64 take arm."""


@frozen
class Platform:
    """Normalised: `arm64/v8` is `arm64`, `arm` is `arm/v7`, `x86_64` is `amd64`."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@frozen
class Descriptor:
    """What an index or a manifest points at. `size` in bytes."""

    digest: str
    media_type: str = ""
    size: int = 0
    platform: Platform | None = None
    unsaid: bool = False
    """It names no platform, not even an unknown one as an attestation does."""
    foreign: bool = False
    """A layer that is fetched from elsewhere (Windows base layers): the registry need not have it.
    """


@frozen
class Document:
    """What a manifest's bytes turned out to be. `entries`: an index's manifests; `layers` and
    `config`: a manifest's."""

    kind: Kind
    media_type: str = ""
    entries: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    flaw: str = ""
    """Why it is unreadable: the subject is "the manifest"."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """What an index offers, without attestations, in its order."""
        return tuple(dict.fromkeys(str(e.platform) for e in self.entries if e.platform))

    @property
    def smallest(self) -> Descriptor | None:
        """The cheapest blob whose reading proves that layers can be read: a layer if there is one
        here, else the config."""
        here = [layer for layer in self.layers if not layer.foreign and layer.size > 0]
        return min(here, key=lambda layer: layer.size) if here else self.config


def parse(content: bytes, media_type: str) -> Document:
    """Tell what the bytes are; `media_type` is the answer's, without parameters. Never raises."""
    try:
        found = json.loads(content)
    except UnicodeDecodeError:
        return Document("unreadable", media_type, flaw="is not UTF-8")
    except ValueError:
        return Document("unreadable", media_type, flaw="is not JSON")
    except RecursionError:
        return Document("unreadable", media_type, flaw="is nested too deep")
    if not isinstance(found, dict):
        return Document("unreadable", media_type, flaw="is JSON, but not an object")
    said = found.get("mediaType")
    kind = said if isinstance(said, str) and said in INDEXES | MANIFESTS | SCHEMA1 else media_type
    if kind in SCHEMA1 or found.get("schemaVersion") == 1:
        return Document("schema1", kind if kind in SCHEMA1 else media_type)
    if kind in INDEXES or isinstance(found.get("manifests"), list):
        return _index(found, kind)
    if kind in MANIFESTS or isinstance(found.get("layers"), list):
        return _manifest(found, kind)
    return Document("unreadable", media_type, flaw="is JSON, but neither a manifest nor an index")


def _index(found: dict[str, Any], media_type: str) -> Document:
    raw = found.get("manifests")
    if not isinstance(raw, list):
        return Document("unreadable", media_type, flaw="is an index without a list of manifests")
    entries = tuple(d for each in raw[:_MOST_ENTRIES] if (d := _descriptor(each)))
    return Document("index", media_type, entries=entries)


def _manifest(found: dict[str, Any], media_type: str) -> Document:
    raw, config = found.get("layers"), _descriptor(found.get("config"))
    if not isinstance(raw, list) or config is None:
        return Document("unreadable", media_type, flaw="is a manifest without config and layers")
    layers = tuple(d for each in raw[:_MOST_ENTRIES] if (d := _descriptor(each)))
    if len(layers) < len(raw[:_MOST_ENTRIES]):
        return Document("unreadable", media_type, flaw="names a layer without a digest and a size")
    return Document("manifest", media_type, config=config, layers=layers)


def _descriptor(found: Any) -> Descriptor | None:
    if not isinstance(found, dict):
        return None
    digest, size, media_type = found.get("digest"), found.get("size"), found.get("mediaType")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    media_type = media_type if isinstance(media_type, str) else ""
    media_type = media_type if len(media_type) <= 128 else clip(media_type, 128)
    foreign = (
        bool(found.get("urls")) or ".nondistributable." in media_type or ".foreign." in media_type
    )
    said = found.get("platform")
    unsaid = said is None or (
        isinstance(said, dict) and not said.get("os") and not said.get("architecture")
    )
    return Descriptor(digest, media_type, size, named(said), unsaid, foreign)


def named(raw: Any) -> Platform | None:
    """The platform that an entry or a configuration names; None for an attestation (buildkit marks
    these unknown/unknown) or where none is said."""
    if not isinstance(raw, dict):
        return None
    words = [raw.get(name, "") for name in ("os", "architecture", "variant")]
    if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
        return None
    os, architecture, variant = words
    if not os or not architecture or "unknown" in (os, architecture):
        return None
    return normalised(os, architecture, variant)


def platform(text: str) -> Platform | None:
    """`os/architecture[/variant]` as `--platform` takes it, or None where the text is none."""
    words = text.split("/")
    if len(words) not in (2, 3) or not all(w and _WORD.fullmatch(w) for w in words):
        return None
    return normalised(*words)


def normalised(os: str, architecture: str, variant: str = "") -> Platform:
    """containerd/platforms database.go, normalizeOS and normalizeArch."""
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    os = {"macos": "darwin"}.get(os, os)
    match architecture:
        case "i386":
            return Platform(os, "386")
        case "x86_64" | "x86-64" | "amd64":
            return Platform(os, "amd64", "" if variant == "v1" else variant)
        case "aarch64" | "arm64":
            return Platform(os, "arm64", "" if variant in ("8", "v8") else variant)
        case "armhf":
            return Platform(os, "arm", "v7")
        case "armel":
            return Platform(os, "arm", "v6")
        case "arm":
            return Platform(os, "arm", f"v{variant or 7}" if variant in ("", *"5678") else variant)
    return Platform(os, architecture, variant)


def acceptable(wanted: Platform, client: str) -> tuple[Platform, ...]:
    """What this client takes for the platform, best first: the platform itself, then what its
    processor also runs."""
    os, architecture = wanted.os, wanted.architecture
    found = [wanted]
    number = _number(wanted.variant)
    if architecture == "amd64":
        found += [normalised(os, "amd64", f"v{n}") for n in range((number or 1) - 1, 0, -1)]
        found += [Platform(os, "386")] if client in _CROSSING else []
    elif architecture == "arm":
        found += [Platform(os, "arm", f"v{n}") for n in range((number or 0) - 1, 4, -1)]
    elif architecture == "arm64":
        found += [Platform(os, "arm64")] if wanted.variant else []
        if client in _CROSSING:
            found += [Platform(os, "arm", f"v{n}") for n in range(8, 4, -1)]
    return tuple(dict.fromkeys(found))


def _number(variant: str) -> int | None:
    digits = variant.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdecimal() and len(digits) < 3 else None


def choose(entries: Sequence[Descriptor], wanted: Platform, client: str) -> Descriptor | None:
    """The index's entry that this client pulls for the platform: the best match, the first of
    equals; else one that names no platform. Docker, containerd and podman take that for any
    (containerd core/images/image.go, Manifest; moby distribution/pull_v2_unix.go; containers/image
    manifest/oci_index.go), go-containerregistry for linux/amd64 (pkg/v1/remote/index.go)."""
    offered = [e for e in entries if e.platform]
    for each in acceptable(wanted, client):
        for entry in offered:
            if entry.platform == each:
                return entry
    if client not in _CROSSING and not wanted.variant:
        kin = (wanted.os, wanted.architecture)
        for entry in offered:
            if entry.platform and (entry.platform.os, entry.platform.architecture) == kin:
                return entry
    if client in _OF_GO and wanted != Platform("linux", "amd64"):
        return None
    return next((e for e in entries if e.unsaid), None)


def matches(content: bytes, digest: str) -> bool | None:
    """Do the bytes have that digest? None: an algorithm that is not known here."""
    algorithm, _, value = digest.partition(":")
    if algorithm not in ("sha256", "sha384", "sha512"):
        return None
    return hashlib.new(algorithm, content).hexdigest() == value


def is_digest(text: str) -> bool:
    return bool(_DIGEST.fullmatch(text))


def is_tag(text: str) -> bool:
    return bool(re.fullmatch(_TAG, text))


def is_repository(text: str) -> bool:
    """A path of lower-case components, as the distribution specification has it."""
    return len(text) <= 255 and bool(re.fullmatch(_REPOSITORY, text))
