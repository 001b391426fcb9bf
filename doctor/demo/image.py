"""What does the demo's registry hold? One small image, whole, for several platforms.

Built as a registry keeps it: an index, a manifest and a configuration for each platform, layers
that are real archives, everything under its own digest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

from doctor.demo.faults import Content
from doctor.frozen import frozen

REPOSITORY = "library/base"
TAGS = ("1.0", "1.1", "1.2", "latest")
_OCI = "application/vnd.oci.image"
MANIFEST, INDEX = f"{_OCI}.manifest.v1+json", f"{_OCI}.index.v1+json"
_ELSEWHERE = ("linux/s390x", "linux/ppc64le")


@frozen
class Image:
    """The index, and the manifests and blobs by their digests."""

    index: bytes
    manifests: dict[str, bytes]
    blobs: dict[str, bytes]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def build(platform: str, content: Content) -> Image:
    """The image for `platform` and others; with `other-platforms`, for those only. Of a broken one
    only the layers are missing here: how it is served is the registry's part."""
    offered = dict.fromkeys((platform, "linux/amd64", "linux/arm64"))
    if content == "other-platforms":
        offered = dict.fromkeys(each for each in _ELSEWHERE if each != platform)
    blobs: dict[str, bytes] = {}
    manifests: dict[str, bytes] = {}
    entries = []
    for each in offered:
        layer = _layer(each)
        config = _json({**_parts(each), "rootfs": {"type": "layers", "diff_ids": []}})
        made = _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _entry(config, f"{_OCI}.config.v1+json"),
                "layers": [_entry(layer, f"{_OCI}.layer.v1.tar+gzip")],
            }
        )
        blobs[digest(config)] = config
        if content != "layer-gone":
            blobs[digest(layer)] = layer
        manifests[digest(made)] = made
        entries.append({**_entry(made, MANIFEST), "platform": _parts(each)})
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return Image(index, {**manifests, digest(index): index}, blobs)


def _entry(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(content), "size": len(content)}


def _parts(platform: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _layer(platform: str) -> bytes:
    text = f"This layer is a demo's, for {platform}.\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("etc/motd")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(packed.getvalue(), mtime=0)
