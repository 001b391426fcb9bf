"""Which nouns does a cluster's diagnosis speak? Frozen, without I/O; built by the diagnosis of a
cluster, rendered by every surface. Nothing here holds a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from doctor.frozen import frozen
from doctor.model import Diagnosis, Fact, Finding, Verdict

Origin = Literal["status", "event", "sibling"]
"""What a pull's message was read from: the container's own status, an event about its pod, or the
status of another pod of the same ReplicaSet."""


@frozen
class Workload:
    """What owns failing pods, as `kubectl` names it, and the containers that wait."""

    kind: str
    namespace: str
    name: str
    containers: tuple[str, ...]
    pods: int


@frozen
class Pull:
    """One cause of failing pulls, with all that it hits: those that fail for the same reason and
    through the same Secret, host, tag or node."""

    images: tuple[str, ...]
    """The one that stands for most pods first; at least one."""
    reason: str
    """The waiting reason, as the kubelet has it (pkg/kubelet/images/types.go)."""
    message: str | None
    """The cluster's own words, of one of them."""
    evidence_from: Origin
    verdict: Verdict
    root_causes: tuple[str, ...]
    summary: str
    pods: int
    namespaces: tuple[str, ...]
    nodes: tuple[str, ...]
    oldest: datetime | None
    newest: datetime | None
    """The oldest and newest evidence; None where the cluster gives no time."""
    workloads: tuple[Workload, ...]
    findings: tuple[Finding, ...]


@frozen
class LeftOut:
    """What was not read, and why: a right that is missing, or an answer that did not come."""

    what: str
    why: str
    namespace: str | None = None


@frozen
class Cluster:
    """What is wrong with the image pulls of a cluster, or of what was asked about."""

    context: str | None
    server_version: str | None
    verdict: Verdict
    pods_seen: int
    pods_failing: int
    server: Diagnosis | None
    """The way to the API server, walked like any other; None where there is no address to walk
    to."""
    findings: tuple[Finding, ...]
    """About the cluster and this access to it."""
    pulls: tuple[Pull, ...]
    """The biggest first."""
    left_out: tuple[LeftOut, ...]
    facts: tuple[Fact, ...] = ()
    """What is known of each failing pull (`doctor.facts.pull.PullFact`): what `pulls` were judged
    from, and can be judged from again."""
