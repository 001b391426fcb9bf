"""What keeps a cluster from being read? What the API server refused, and why none answers ->
findings, with their words on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from doctor.causes import settle
from doctor.cluster.grouping import Words
from doctor.facts.pull import PullFact
from doctor.model import Diagnosis, Finding, Hop, Target

if TYPE_CHECKING:
    from doctor.cluster.survey import Refused, Survey

_LIMIT = 20


def findings(
    survey: Survey, facts: Sequence[PullFact], words: Words, now: datetime
) -> tuple[Finding, ...]:
    """What could not be read, and what is wrong with pods whose pulls work."""
    found = [_refused(survey, mine) for mine in _sorted(survey)]
    found += _unretrieved(survey, facts)
    return _dressed(found, words, now)


def _sorted(survey: Survey) -> list[list[Refused]]:
    """By verb and resource; each Secret that is named by itself, for the right to read it is."""
    found: dict[tuple[str, ...], list[Refused]] = {}
    for (verb, resource), mine in survey.refused.items():
        for one in mine:
            alone = (one.namespace, one.name) if (verb, resource) == ("get", "secrets") else ()
            found.setdefault((verb, resource, *alone), []).append(one)
    return list(found.values())[:_LIMIT]


def _refused(survey: Survey, mine: Sequence[Refused]) -> Finding:
    first = mine[0]
    spaces = sorted({one.namespace for one in mine if one.namespace})
    home = survey.scope.namespace or survey.scope.home
    secret = next((one.name for one in mine if one.name), "")
    nothing = first.resource == "pods" and not survey.seen
    where = ", ".join(spaces[:5]) + (f" and {len(spaces) - 5} more" if len(spaces) > 5 else "")
    params = {
        "verb": first.verb,
        "resource": first.resource,
        "namespace": spaces[0] if spaces else home,
        "user": first.user,
        "reads": "yes" if first.resource not in ("nodes", "secrets") else "",
        "everywhere": "yes" if survey.scope.namespace is None else "",
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


def _unretrieved(survey: Survey, facts: Sequence[PullFact]) -> list[Finding]:
    """Pull Secrets that pods name in vain, although their images are pulled."""
    failing = {(fact.namespace, fact.pod) for fact in facts}
    found: dict[str, Finding] = {}
    for key, events in survey.events.items():
        pod = survey.pods.get(key)
        if key in failing or pod is None:
            continue
        for name in dict.fromkeys(n for event in events for n in event.unretrieved):
            if name not in pod.secrets:
                continue
            kind, workload = survey.workload(pod)
            restarts = kind in ("Deployment", "StatefulSet", "DaemonSet")
            subject = f"{pod.namespace}/{name}"
            found.setdefault(
                subject,
                Finding(
                    "k8s.secret-missing",
                    check="k8s",
                    severity="warning",
                    confidence="likely",
                    subject=subject,
                    evidence={"pod": f"{pod.namespace}/{pod.name}", "event": name},
                    params={
                        "namespace": pod.namespace,
                        "pod": pod.name,
                        "secret": name,
                        "named_by": f"Pod {pod.name}",
                        "workload_kind": kind.lower() if restarts else "",
                        "workload": workload if restarts else "",
                    },
                ),
            )
    return list(found.values())[:_LIMIT]


def no_cluster(
    looked_at: str,
    reason: str,
    params: Mapping[str, str],
    server: Diagnosis | None,
    words: Words,
    now: datetime,
) -> tuple[Finding, ...]:
    """That there is no cluster, and what on the way to its API server is why."""
    finding = Finding(
        "k8s.no-cluster",
        check="k8s",
        evidence={
            "looked_at": looked_at,
            "context": params.get("context", ""),
            "server": params.get("server", ""),
            "reason": reason,
            "fails_at": list(server.root_causes) if server else [],
        },
        params={**params, "looked_at": looked_at, "reason": reason},
    )
    beside = [  # their remedies speak of pulls and registries
        replace(each, root_cause=False, severity="warning", remedies=())
        for each in (server.findings if server else ())
        if each.severity != "info"
    ]
    first = _dressed([finding], words, now)
    return (*first, *beside)


def _dressed(found: Sequence[Finding], words: Words, now: datetime) -> tuple[Finding, ...]:
    target = Target("", None, Hop("registry", "", 443), client="kubelet", now=now)
    return settle([words.dress(each, target) for each in found], words.rules)
