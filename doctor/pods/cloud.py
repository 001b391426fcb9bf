"""What do the objects tell of the cloud that a pull happens in? A node's object -> the machine that
pulls, and an image -> the registry that is to be opened to it, as the cloud's own commands name
them.

The providers' IDs: `aws:///ZONE/INSTANCE`, `gce://PROJECT/ZONE/INSTANCE`,
`azure:///subscriptions/ID/…` (each cloud's cloud-provider); AKS puts its nodes' resource group into
the label kubernetes.azure.com/cluster. What is not as it should be is not told: it would stand in a
command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from doctor.pods.objects import text, texts
from doctor.reference import Reference, parse

_NODES = (
    re.compile(r"aws:///(?P<ec2_zone>[a-z0-9-]{3,40})/(?P<ec2_instance>i-[0-9a-f]{8,17})"),
    re.compile(
        r"gce://(?P<gce_project>[a-z][a-z0-9-]{4,40})/(?P<gce_zone>[a-z0-9-]{3,40})"
        r"/(?P<gce_instance>[a-z0-9-]{1,63})"
    ),
    re.compile(r"azure:///subscriptions/(?P<aks_subscription>[0-9a-fA-F-]{36})/.{1,500}"),
)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,90}")
_IMAGES = (
    re.compile(
        r"(?P<gar_location>[a-z0-9-]{2,40})-docker\.pkg\.dev/(?P<gar_project>[a-z][a-z0-9-]{4,40})"
        r"/(?P<gar_repository>[a-z0-9-]{1,63})/.*"
    ),
    re.compile(r"(?:[a-z]+\.)?gcr\.io/(?P<gcr_project>[a-z][a-z0-9-]{4,40})/.*"),
    re.compile(r"(?P<acr>[a-z0-9]{5,50})\.azurecr\.io/.*"),
    re.compile(
        r"(?P<ecr_account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<ecr_region>[a-z0-9-]{3,40})\..*"
    ),
)
_PAIRS = (
    ("aws", "ec2_instance", ("ecr_account",)),
    ("gcp", "gce_instance", ("gar_repository", "gcr_project")),
    ("azure", "aks_nodes", ("acr",)),
)
"""A cloud as the words name it, what names one of its machines, and one of its registries."""
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))


def node(value: Mapping[str, Any]) -> dict[str, str]:
    """Of a Node object what names the machine; nothing for one of no cloud that is known."""
    said = text(value, "spec", "providerID")
    match = next((m for each in _NODES if (m := each.fullmatch(said))), None)
    found = match.groupdict() if match else {}
    if zone := found.pop("ec2_zone", ""):
        region = _REGION.match(zone)
        found = {**found, "ec2_region": region[0]} if region else {}
    group = texts(value, "metadata", "labels").get("kubernetes.azure.com/cluster", "")
    if "aks_subscription" in found and _GROUP.fullmatch(group):
        found["aks_nodes"] = group
    return found


def of_its_own(machine: Mapping[str, str], image: str) -> dict[str, str]:
    """What names machine and registry, where both are of one cloud: then the machine's own identity
    pulls. `machine`: what `node` told."""
    placed = {**registry(image), **machine}
    for cloud, node_has, one_of in _PAIRS:
        if node_has in placed and any(name in placed for name in one_of):
            return {**placed, cloud: "yes"}
    return {}


def registry(image: str) -> dict[str, str]:
    """Of an image what names the registry, or the part of it, in its cloud."""
    reference = parse(image)
    name = reference.name if isinstance(reference, Reference) else ""
    match = next((m for each in _IMAGES if (m := each.fullmatch(name))), None)
    found = match.groupdict() if match else {}
    if region := found.get("ecr_region", ""):
        parts = (part for begin, part in _PARTITIONS if region.startswith(begin))
        found["partition"] = next(parts, "aws")
    return found
