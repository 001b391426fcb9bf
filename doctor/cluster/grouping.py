"""Into which few causes do many failing pulls fall? `PullFact`s -> `Pull`s, the biggest first.

Two pulls are one entry if the same codes are their causes and the same thing is at fault: this
Secret, host, tag or node, which is a finding's subject. Pure: a bundle's facts are grouped again by
the same function.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from doctor.causes import Rules, settle
from doctor.cluster import Pull, Workload
from doctor.codes.area import check_of
from doctor.facts.pull import PullFact
from doctor.model import Case, Facts, Finding, Hop, Remedy, Step, Target
from doctor.pods import cloud
from doctor.pods.node import family, runtime
from doctor.pods.words import of_login
from doctor.redact import plain
from doctor.reference import Reference, parse

Judge = Callable[[Case], Iterable[Finding]]
Cause = tuple[tuple[str, str], ...]
"""Codes and subjects of what ends a pull."""
UNKNOWN = "k8s.cause-unknown"
"""Its first remedy, the probe, decides wherever only words were read."""
_IDENTITY = "k8s.identity-not-for-pulls"
"""Its first remedy gives the node's own identity the right to pull."""
_MOST_BESIDE = 20
_LONGEST = 220
_NAMED = 12


class Words(Protocol):
    """What is asked of `doctor.codes`."""

    @property
    def rules(self) -> Rules: ...

    def get(self, code: str) -> Any: ...

    def dress(self, finding: Finding, target: Target) -> Finding: ...


def pulls(
    facts: Sequence[PullFact],
    judge: Judge,
    words: Words,
    now: datetime,
) -> tuple[Pull, ...]:
    """One entry for each distinct cause."""
    groups: dict[Cause, list[PullFact]] = {}
    said: dict[Cause, tuple[Finding, ...]] = {}
    known: dict[object, Cause] = {}
    for fact in facts:
        target = target_of(fact, now)
        bare = tuple(judge(Case(target, Facts([(None, fact)]))))
        look = tuple((f.code, f.subject, f.severity, f.confidence) for f in bare)
        if look not in known:
            dressed = [_dressed(f, fact, target, words) for f in bare]
            settled = [_decided(f, fact, target, words) for f in settle(dressed, words.rules)]
            cause = tuple((f.code, f.subject or "") for f in settled if f.root_cause)
            known[look] = cause
            said[cause] = _joined(said.get(cause, ()), settled)
        groups.setdefault(known[look], []).append(fact)
    made = [_pull(mine, said[cause]) for cause, mine in groups.items()]
    return tuple(sorted(made, key=lambda pull: -pull.pods))


def target_of(fact: PullFact, now: datetime) -> Target:
    """The pull as the words know it: the kubelet's, by the runtime and on the platform of its
    node."""
    reference = parse(fact.image)
    found = reference if isinstance(reference, Reference) else None
    return Target(
        text=fact.image,
        reference=found,
        registry=found.hop if found else Hop("registry", "", 443),
        client="kubelet",
        runtime=runtime(fact.node),
        platform=(fact.node.platform if fact.node else "") or "linux/amd64",
        system=family(fact.node),
        vantage="cluster",
        now=now,
    )


def _dressed(finding: Finding, fact: PullFact, target: Target, words: Words) -> Finding:
    """With its words on. Those of the other checks want what their probes saw; where that is not
    known, the kubelet's own words stand before what the code means."""
    found = words.dress(replace(finding, check=check_of(finding.code)), target)
    own = words.get(finding.code)
    if own is None or found.detail != own.means or not fact.said:
        return found
    said = fact.said.rstrip(". ")
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
    return replace(found, detail=f"The kubelet says: {said}. {own.means}")


def _decided(finding: Finding, fact: PullFact, target: Target, words: Words) -> Finding:
    """With the probe at the end, where the cause is only read from words; and before all else the
    node's right, where no pull Secret serves and the registry is of the node's own cloud."""
    finding = replace(
        finding, remedies=(*_of_cloud(finding, fact, target, words), *finding.remedies)
    )
    if finding.severity != "error" or finding.code.startswith("k8s.") or fact.outcome:
        return finding
    bare = replace(finding, code=UNKNOWN, title="", detail="", remedies=())
    probe = words.dress(bare, target).remedies[:1]
    return replace(finding, remedies=(*finding.remedies, *probe))


def _of_cloud(finding: Finding, fact: PullFact, target: Target, words: Words) -> tuple[Remedy, ...]:
    placed = cloud.of_its_own(fact.node.cloud if fact.node else {}, fact.image)
    if not placed or not of_login([finding.code]) or any(each.serves for each in fact.named):
        return ()
    params = {**finding.params, **placed}
    bare = replace(finding, code=_IDENTITY, title="", detail="", remedies=(), params=params)
    return words.dress(bare, target).remedies[:1]


def _joined(one: Sequence[Finding], other: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of the first, and what others say besides."""
    told = {(f.code, f.subject) for f in one}
    more = [f for f in other if (f.code, f.subject) not in told]
    return (*one, *more) if len(one) < _MOST_BESIDE else tuple(one)


def _pull(facts: Sequence[PullFact], findings: Sequence[Finding]) -> Pull:
    stands = _stands_for(facts)
    workloads = tuple(_workloads(facts))
    findings = [_for_each(f, stands, workloads) if f.root_cause else f for f in findings]
    causes = [f for f in findings if f.root_cause]
    return Pull(
        images=tuple(image for image, _ in _by_pods(facts)),
        reason=stands.reason,
        message=stands.message or None,
        evidence_from=stands.origin,
        verdict="fail" if causes else "warn",
        root_causes=tuple(dict.fromkeys(f.code for f in causes)),
        summary=_summary(stands, findings),
        pods=len({(f.namespace, f.pod) for f in facts}),
        namespaces=tuple(sorted({f.namespace for f in facts})),
        nodes=tuple(sorted({f.node.name for f in facts if f.node})),
        oldest=min((f.first for f in facts if f.first), default=None),
        newest=max((m for f in facts if (m := f.last or f.first)), default=None),
        workloads=workloads,
        findings=tuple(findings),
    )


def _for_each(finding: Finding, fact: PullFact, workloads: Sequence[Workload]) -> Finding:
    """A remedy that changes one workload says which others want the same."""
    others = [w for w in workloads if (w.namespace, w.name) != (fact.namespace, fact.workload)]
    if not others:
        return finding
    named = ", ".join(f"{w.kind} {w.namespace}/{w.name}" for w in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    step = Step(f"The same for the others that it hits: {plain(named)}{more}.")
    return replace(
        finding,
        remedies=tuple(
            replace(r, steps=(*r.steps, step)) if _changes_one(r, fact) else r
            for r in finding.remedies
        ),
    )


def _changes_one(remedy: Remedy, fact: PullFact) -> bool:
    """Does it change the workload, or the pod, and not just what they all use?"""
    last = [s.command or "" for s in remedy.steps if s.changes == "cluster"][-1:]
    return any(
        re.search(rf"[ /]({re.escape(fact.workload)}|{re.escape(fact.pod)}) ", c) for c in last
    )


def _by_pods(facts: Sequence[PullFact]) -> list[tuple[str, int]]:
    pods = {(f.image, f.namespace, f.pod) for f in facts}
    counted = Counter(image for image, _, _ in pods)
    return sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))


def _stands_for(facts: Sequence[PullFact]) -> PullFact:
    """A pull of the image that stands for most pods; one in the back-off, where there is one."""
    image = _by_pods(facts)[0][0]
    mine = [f for f in facts if f.image == image]
    return next((f for f in mine if f.reason == "ImagePullBackOff"), mine[0])


def _summary(fact: PullFact, findings: Sequence[Finding]) -> str:
    causes = [f for f in findings if f.root_cause]
    if not causes:
        return f"{fact.image} cannot be pulled ({fact.reason})."
    first, more = causes[0], len({f.code for f in causes}) - 1
    said = first.detail
    if more and first.confidence == "possible":
        others = "another cause" if more == 1 else f"{more} other causes"
        said += f" The evidence does not decide between this and {others}."
    elif more:
        said += f" There {'is another cause' if more == 1 else f'are {more} other causes'} besides."
    if fact.node and fact.node.pressure:
        said += f" Node {fact.node.name} reports {', '.join(fact.node.pressure)}."
    return said


def _workloads(facts: Sequence[PullFact]) -> Iterator[Workload]:
    found: dict[tuple[str, str, str], list[PullFact]] = {}
    for fact in facts:
        key = (fact.workload_kind, fact.namespace, fact.workload)
        found.setdefault(key, []).append(fact)
    made = [
        Workload(
            kind,
            namespace,
            name,
            tuple(dict.fromkeys(f.container for f in mine if f.container)),
            len({f.pod for f in mine}),
        )
        for (kind, namespace, name), mine in found.items()
    ]
    yield from sorted(made, key=lambda each: (-each.pods, each.namespace, each.name))
