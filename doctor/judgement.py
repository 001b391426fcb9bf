"""What does the diagnosis of a cluster come to? What is known of it, of its failing pulls and of
the way to its API server -> a `Cluster`. Pure: the facts in a bundle are judged again by the same
function."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from doctor.checks import k8s
from doctor.cluster import Cluster, Pull, access, grouping
from doctor.cluster.aimed import Aimed
from doctor.facts.cluster import ClusterFact
from doctor.facts.pull import PullFact

if TYPE_CHECKING:
    from doctor.codes import Book
    from doctor.model import Diagnosis, Finding, Verdict


def cluster(
    fact: ClusterFact,
    pulls: Sequence[PullFact],
    server: Diagnosis | None,
    book: Book,
    now: datetime,
) -> Cluster:
    """What is wrong. `server`: the way to the API server; `now`: when it was looked at."""
    words = Aimed(book, fact.chosen)
    found = grouping.pulls(pulls, k8s.judge, words, now)
    findings = access.findings(fact, server, words, now)
    return Cluster(
        context=fact.context or None,
        server_version=fact.version or None,
        verdict=_verdict(fact, findings, found),
        pods_seen=fact.pods,
        pods_failing=len({(each.namespace, each.pod) for each in pulls}),
        server=server,
        findings=findings,
        pulls=found,
        left_out=fact.left_out,
        facts=(fact, *pulls),
    )


def _verdict(fact: ClusterFact, findings: Sequence[Finding], pulls: Sequence[Pull]) -> Verdict:
    if any(p.verdict == "fail" for p in pulls) or any(f.root_cause for f in findings):
        return "fail"
    if any(left.what in ("pods", "events") for left in fact.left_out):
        return "incomplete"
    warned = any(f.severity == "warning" for f in findings)
    return "warn" if pulls or warned else "pass"
