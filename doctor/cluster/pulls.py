"""What is known of each failing pull, and of the cluster? What was read -> `PullFact`s with the
credentials that each pull is tried with, and a `ClusterFact`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from doctor.clients.keyring import Held
from doctor.cluster.failing import Failing
from doctor.cluster.survey import Survey
from doctor.cluster.weighing import account_of, beside, unnamed, wanted, weighed
from doctor.facts.cluster import ClusterFact, Vain
from doctor.facts.pull import PullFact
from doctor.frozen import frozen
from doctor.model import Hop
from doctor.pods import node, secret
from doctor.pods.identity import bound
from doctor.reference import Reference, parse, read_target


@frozen
class Known:
    """A failing pull, and in the kubelet's order the credentials that it is tried with."""

    fact: PullFact
    held: tuple[Held, ...] = field(default=(), repr=False)


def known(survey: Survey, found: Sequence[Failing]) -> list[Known]:
    """All that is known of each failing pull."""
    bad: dict[str, set[str]] = {}
    for one in found:
        bad.setdefault(one.image, set()).add(one.pod.node)
    return [_known(survey, one, bad[one.image]) for one in found]


def _known(survey: Survey, one: Failing, bad: set[str]) -> Known:
    pod = one.pod
    kind, name = survey.workload(pod)
    account = account_of(survey, pod)
    named = weighed(survey, one, pod.secrets) if one.asks else []
    of_account = weighed(survey, one, beside(survey, pod)) if one.asks else []
    served = any(each.seen.serves for each in named)
    others = [] if served or not one.login else unnamed(survey, one, account)
    good = survey.have.get(one.image, set()) - {""}
    annotation, cloud = bound(account.annotations, one.image) if account else ("", "")
    apart = _apart(survey, one, good, bad)
    want = wanted(one.image)
    return Known(
        PullFact(
            namespace=pod.namespace,
            pod=pod.name,
            container=one.container,
            role=one.role,
            image=one.image,
            policy=one.policy,
            reason=one.reason,
            message=one.message,
            origin=one.origin,
            codes=one.meaning.codes,
            confidence=one.meaning.confidence,
            params={**one.meaning.params, **_misspelt(one.image)},
            host=one.meaning.host or (want.domain if want else ""),
            hop=_hop(one),
            said=one.meaning.text,
            cannot_tell=one.meaning.cannot_tell,
            beneath=one.meaning.beneath,
            node=survey.nodes.get(pod.node) or (node.bare(pod.node) if pod.node else None),
            workload_kind=kind,
            workload=name,
            static=pod.static,
            account=pod.account,
            annotation=annotation,
            cloud=cloud,
            created=pod.created,
            first=one.first,
            last=one.last,
            named=tuple(each.seen for each in named),
            of_account=tuple(each.seen for each in of_account),
            account_lists=account.secrets if account else (),
            account_changed=account.changed if account else None,
            account_read=account is not None,
            unnamed=tuple(others),
            unretrieved=tuple(
                dict.fromkeys(n for e in survey.events.get(pod.key, ()) for n in e.unretrieved)
            ),
            good_nodes=tuple(sorted(good)) if apart else (),
            good_platforms=_platforms(survey, good) if apart else (),
            bad_nodes=tuple(sorted(bad - {""})) if apart else (),
            difference=apart,
        ),
        secret.held(named, want) if want else (),
    )


def _platforms(survey: Survey, nodes: set[str]) -> tuple[str, ...]:
    found = {survey.nodes[n].platform for n in nodes if n in survey.nodes}
    return tuple(sorted(found - {""}))


def _misspelt(image: str) -> dict[str, str]:
    """What is wrong with a text that is no reference, and what was probably meant."""
    found = parse(image)
    if isinstance(found, Reference):
        return {}
    return {"statement": found.statement, "suggestion": found.suggestion or ""}


def _hop(one: Failing) -> Hop | None:
    """The host that the words accuse, or else the registry."""
    if one.meaning.host:
        return read_target(f"{one.meaning.host}/").registry
    reference = parse(one.image)
    return reference.hop if isinstance(reference, Reference) else None


def _apart(survey: Survey, one: Failing, good: set[str], bad: set[str]) -> str:
    """In what the nodes that pull the image differ from those that do not; "" where the node does
    not decide."""
    codes = one.meaning.codes
    area = codes[0].partition(".")[0] if codes else "dns"
    if area not in ("dns", "tcp", "tls", "proxy", "registry", "client") or not good or good & bad:
        return ""
    theirs = [survey.nodes[n] for n in good if n in survey.nodes]
    ours = [survey.nodes[n] for n in bad if n in survey.nodes]
    return node.difference(theirs, ours)


def cluster(
    survey: Survey,
    facts: Sequence[PullFact],
    context: str,
    chosen: tuple[tuple[str, str], ...],
) -> ClusterFact:
    """What is known besides. `chosen`: the options that chose the cluster."""
    return ClusterFact(
        context=context,
        version=survey.version,
        pods=survey.seen,
        namespace=survey.scope.namespace,
        home=survey.scope.home,
        chosen=chosen,
        left_out=tuple(survey.left),
        refused=tuple(survey.refused),
        vain=tuple(_vain(survey, facts)),
    )


def _vain(survey: Survey, facts: Sequence[PullFact]) -> list[Vain]:
    """Pull Secrets that pods name in vain, although their images are pulled; each once."""
    failing = {(fact.namespace, fact.pod) for fact in facts}
    found: dict[tuple[str, str], Vain] = {}
    for key, events in survey.events.items():
        pod = survey.pods.get(key) or survey.served.get(key)
        if key in failing or pod is None:
            continue
        for name in dict.fromkeys(n for event in events for n in event.unretrieved):
            if name in pod.secrets:
                vain = Vain(pod.namespace, name, pod.name, *survey.workload(pod))
                found.setdefault((pod.namespace, name), vain)
    return list(found.values())
