"""What does a report say of a cluster? The contract's `kubernetes`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from doctor.cluster import Cluster, LeftOut, Pull, Workload
from doctor.redact import scrub
from doctor.report.document import Document, finding_entry, hop_entry, hops_of
from doctor.stamp import stamp


def kubernetes(cluster: Cluster) -> Document:
    """The cluster's part of the report, as the contract describes it. Holds no secret."""
    server = cluster.server
    return {
        "context": cluster.context and scrub(cluster.context),
        "server_version": cluster.server_version and scrub(cluster.server_version),
        "verdict": cluster.verdict,
        "pods_seen": cluster.pods_seen,
        "pods_failing": cluster.pods_failing,
        "hops": [hop_entry(each, server) for each in hops_of(server)] if server else [],
        "findings": [finding_entry(each) for each in cluster.findings],
        "pulls": [_pull(each) for each in cluster.pulls],
        "left_out": [_left_out(each) for each in cluster.left_out],
    }


def _pull(pull: Pull) -> Document:
    images = _once(pull.images)
    return {
        "image": images[0],
        "images": images,
        "reason": scrub(pull.reason),
        "message": pull.message and scrub(pull.message),
        "evidence_from": pull.evidence_from,
        "verdict": pull.verdict,
        "root_causes": list(pull.root_causes),
        "summary": scrub(pull.summary),
        "pods": pull.pods,
        "namespaces": _once(pull.namespaces),
        "nodes": _once(pull.nodes),
        "oldest": _perhaps(pull.oldest),
        "newest": _perhaps(pull.newest),
        "workloads": [_workload(each) for each in pull.workloads],
        "findings": [finding_entry(each) for each in pull.findings],
    }


def _workload(workload: Workload) -> Document:
    return {
        "kind": scrub(workload.kind),
        "namespace": scrub(workload.namespace),
        "name": scrub(workload.name),
        "containers": _once(workload.containers),
        "pods": workload.pods,
    }


def _left_out(left: LeftOut) -> Document:
    return {
        "what": scrub(left.what),
        "why": scrub(left.why),
        "namespace": left.namespace and scrub(left.namespace),
    }


def _once(names: Sequence[str]) -> list[str]:
    """What the gate makes of names may be equal."""
    return list(dict.fromkeys(map(scrub, names)))


def _perhaps(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
