"""What keeps a cluster from being read? What the API server refused, and why none answers ->
findings, with their words on. Pure: one `ClusterFact` in, findings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from doctor.causes import settle
from doctor.cluster.grouping import Words
from doctor.facts.cluster import ClusterFact, Refused, Unreached, Vain
from doctor.model import Diagnosis, Finding, Hop, Target

_LIMIT = 20


def findings(
    fact: ClusterFact, server: Diagnosis | None, words: Words, now: datetime
) -> tuple[Finding, ...]:
    """Why there is no cluster; else what could not be read of it, and what is wrong with pods
    whose pulls work. `server`: the way to the API server."""
    if fact.unreached is not None:
        first = _dressed([_no_cluster(fact.unreached, server)], words, now)
        return (*first, *_on_the_way(server))
    found = [_refused(fact, mine) for mine in _sorted(fact)]
    found += [_in_vain(vain) for vain in fact.vain[:_LIMIT]]
    return _dressed(found, words, now)


def _sorted(fact: ClusterFact) -> list[list[Refused]]:
    """By verb and resource; each Secret that is named by itself, for the right to read it is."""
    found: dict[tuple[str, ...], list[Refused]] = {}
    for one in fact.refused:
        key = (one.verb, one.resource)
        alone = (one.namespace, one.name) if key == ("get", "secrets") else ()
        found.setdefault((*key, *alone), []).append(one)
    return list(found.values())[:_LIMIT]


def _refused(fact: ClusterFact, mine: Sequence[Refused]) -> Finding:
    first = mine[0]
    spaces = sorted({one.namespace for one in mine if one.namespace})
    home = fact.namespace or fact.home
    secret = next((one.name for one in mine if one.name), "")
    nothing = first.resource == "pods" and not fact.pods
    where = ", ".join(spaces[:5]) + (f" and {len(spaces) - 5} more" if len(spaces) > 5 else "")
    params = {
        "verb": first.verb,
        "resource": first.resource,
        "namespace": spaces[0] if spaces else home,
        "user": first.user,
        "reads": "yes" if first.resource not in ("nodes", "secrets") else "",
        "everywhere": "yes" if fact.namespace is None else "",
        "nodes": "yes" if first.resource == "nodes" else "",
        "secret": secret if first.resource == "secrets" else "",
        "secret_list": "yes" if (first.verb, first.resource) == ("list", "secrets") else "",
    }
    what = f"{first.user or 'This identity'} may not {first.verb} {first.resource}"
    what += f" in namespace {where}" if where else " in the cluster"
    return Finding(
        "k8s.forbidden",
        check="k8s",
        severity="error" if nothing else "warning",
        subject=f"{first.verb} {first.resource}" + (f" {secret}" if params["secret"] else ""),
        detail=f"{what}; what follows from them is left out.",
        evidence={
            "verb": first.verb,
            "resource": first.resource,
            "namespaces": spaces,
            "names": sorted({one.name for one in mine if one.name})[:_LIMIT],
            "said": first.said,
        },
        params=params,
    )


def _in_vain(vain: Vain) -> Finding:
    """A pull Secret that is named and not there, although the images are pulled."""
    restarts = vain.workload_kind in ("Deployment", "StatefulSet", "DaemonSet")
    return Finding(
        "k8s.secret-missing",
        check="k8s",
        severity="warning",
        confidence="likely",
        subject=f"{vain.namespace}/{vain.named}",
        evidence={"pod": f"{vain.namespace}/{vain.pod}", "event": vain.named},
        params={
            "namespace": vain.namespace,
            "pod": vain.pod,
            "secret": vain.named,
            "named_by": f"Pod {vain.pod}",
            "workload_kind": vain.workload_kind.lower() if restarts else "",
            "workload": vain.workload if restarts else "",
        },
    )


def _no_cluster(problem: Unreached, server: Diagnosis | None) -> Finding:
    return Finding(
        "k8s.no-cluster",
        check="k8s",
        evidence={
            "looked_at": problem.looked_at,
            "context": problem.params.get("context", ""),
            "server": problem.params.get("server", ""),
            "reason": problem.reason,
            "fails_at": list(server.root_causes) if server else [],
        },
        params={
            **problem.params,
            "looked_at": problem.looked_at,
            "reason": problem.reason,
        },
    )


def _on_the_way(server: Diagnosis | None) -> list[Finding]:
    """What is wrong on the way to the API server; its remedies speak of pulls and registries."""
    return [
        replace(each, root_cause=False, severity="warning", remedies=())
        for each in (server.findings if server else ())
        if each.severity != "info"
    ]


def _dressed(found: Sequence[Finding], words: Words, now: datetime) -> tuple[Finding, ...]:
    target = Target("", None, Hop("registry", "", 443), client="kubelet", now=now)
    return settle([words.dress(each, target) for each in found], words.rules)
