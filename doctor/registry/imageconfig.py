"""For which platform is an image built that no index tells of, and does a machine run it?

Of a single manifest only the image's configuration says it (OCI image-spec, config.md: `os` and
`architecture` are required, `variant` is not). What else is kept as a manifest (charts, signatures,
artifacts) has another configuration, or one that names no platform. Content is foreign: the caller
bounds its bytes.
"""

from __future__ import annotations

import json
from dataclasses import replace

from doctor.registry.manifest import MOST_BYTES, Descriptor, Document, Platform, acceptable, named

_TYPES = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)


def of(document: Document) -> Descriptor | None:
    """The configuration that tells the platform: an image's, and no larger than a manifest may
    be."""
    config = document.config
    if config is None or config.media_type not in _TYPES or config.size > MOST_BYTES:
        return None
    return config


def built_for(content: bytes) -> Platform | None:
    """The platform that a configuration names. `arm` without a variant stays so, where an index's
    would be `arm/v7`: many builders wrote none for any of them."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    platform = named(found)
    if platform is not None and platform.architecture == "arm" and not found.get("variant"):
        return replace(platform, variant="")
    return platform


def runs(built: Platform, wanted: Platform) -> bool:
    """Does the machine that is wanted run an image built for that platform? Where either says no
    variant, none is held against it."""
    return any(
        each == built
        or (
            (each.os, each.architecture) == (built.os, built.architecture)
            and not (built.variant and wanted.variant)
        )
        for each in acceptable(wanted, "containerd")
    )
