"""Is a ServiceAccount bound to a cloud's identity that somebody may expect to count for pulls?

It does not: the node pulls, before the pod is there (EKS, GKE and AKS documentation on image
pulls). Told only of an image in a registry of that cloud.
"""

from __future__ import annotations

from collections.abc import Mapping

from doctor.reference import Reference, parse
from doctor.registry import profile

_BINDINGS = (
    ("eks.amazonaws.com/role-arn", "aws", "ecr"),
    ("iam.gke.io/gcp-service-account", "gcp", "gar"),
    ("azure.workload.identity/client-id", "azure", "acr"),
)
"""Annotation, the cloud as the words name it, and the file that describes the cloud's registry."""


def bound(annotations: Mapping[str, str], image: str) -> tuple[str, str]:
    """The annotation and the cloud; two empty texts where the image is in no registry of it."""
    reference = parse(image)
    if not isinstance(reference, Reference):
        return "", ""
    kind = profile.for_host(reference.domain.partition(":")[0]).name
    for annotation, cloud, registry in _BINDINGS:
        if annotation in annotations and kind == registry:
            return annotation, cloud
    return "", ""
