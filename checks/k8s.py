"""Why does the pull of a pod fail, by what its cluster knows of it?

The cluster's words say what the registry, or the way to it, answered; the Secrets say what the
kubelet asked with. Where both speak of a login, the Secrets decide: a text is the same for no
credential, a wrong one and a hidden repository. What a text means is decided elsewhere; here it is
weighed. Pure: one `PullFact` in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from doctor.facts.pull import NodeSeen, PullFact, SecretSeen
from doctor.model import Case, Check, Confidence, Finding
from doctor.pods import cloud, pull_secrets
from doctor.pods.finding import fault, finding, listed, of_secret, own_params
from doctor.pods.words import bare, of_login
from doctor.redact import plain
from doctor.stamp import stamp

_BACK_OFF = timedelta(minutes=5)
_REFUSED = frozenset({"auth.rejected", "auth.token-expired"})
_STATIONS = frozenset(
    {"registry.blob-unreachable", "auth.realm-unreachable", "client.mirror-unreachable"}
)
"""Codes of a host that is not the registry: what fails there is told too."""


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong, the likeliest first; what does not end the pull as a warning."""
    fact = case.facts.get(PullFact)
    if fact is None:
        return
    yield from _causes(fact)
    yield from _beside(fact)


def _causes(fact: PullFact) -> Iterator[Finding]:
    if fact.outcome == "rejected" and fact.public:
        for each in pull_secrets.serving(fact):
            yield of_secret(fact, "k8s.stale-secret-breaks-public", each)
        return
    flawed = [each for each in fact.named if each.flaw]
    if flawed:
        sure: Confidence = "certain" if _unparsed(fact) else "likely"
        yield from (pull_secrets.malformed(fact, each, each.flaw, sure) for each in flawed)
    elif _unparsed(fact):
        yield from _unparsed_but_why(fact)
    elif of_login(fact.codes[:1]):
        yield from _login(fact)
    elif fact.codes and fact.codes[0] != "k8s.cause-unknown":
        yield from _said(fact, fact.codes)
    else:
        yield from _unknown(fact)


def _unparsed(fact: PullFact) -> bool:
    """Is the waiting reason the bare error of a Secret that did not parse?"""
    return not fact.reason.isalnum()


def _unparsed_but_why(fact: PullFact) -> Iterator[Finding]:
    """The kubelet could not parse a Secret, and none of those that were read is broken."""
    suspects = [each for each in fact.named if each.state == "unread"]
    for each in suspects:
        sure: Confidence = "likely" if len(suspects) == 1 else "possible"
        what = f"the kubelet cannot parse it ({fact.message})"
        yield pull_secrets.malformed(fact, each, what, sure)
    if not suspects:
        yield from _unknown(fact)


# Where the words speak of a login.


def _login(fact: PullFact) -> Iterator[Finding]:
    serving = pull_secrets.serving(fact)
    if serving:
        yield from _served(fact, serving)
        return
    found = list(pull_secrets.unserved(fact))
    if found:
        yield from found
        return
    unread = any(each.state == "unread" for each in fact.named) or not fact.account_read
    codes = fact.codes
    if not fact.named and not unread:
        codes = tuple(c for c in codes if c != "auth.rejected") or codes
    yield from _said(fact, codes)


def _served(fact: PullFact, serving: Sequence[SecretSeen]) -> Iterator[Finding]:
    """The kubelet had a credential for the image, and was refused all the same. A token whose life
    is over is refused by some registries as one without a right (ECR: 403)."""
    refused = not _REFUSED.isdisjoint(fact.codes) or fact.outcome == "rejected"
    if refused or all(each.expired for each in serving):
        proven = fact.outcome == "rejected" or _REFUSED.issuperset(fact.codes)
        for each in serving:
            yield pull_secrets.rejected(fact, each, "certain" if proven else "likely")
        return
    codes = tuple(c for c in fact.codes if c != "auth.no-credentials")
    if codes:
        yield from _said(fact, codes)
        return
    said = (
        f"By the kubelet's words {fact.host or 'the registry'} got no credential, although Secret "
        f"{serving[0].name} in {fact.namespace} has one for {fact.image}: the Secret was written "
        "after that try, or they are the words of a mirror."
    )
    for found in _said(fact, fact.codes):
        yield replace(found, confidence="possible", detail=plain(said))


# What the words say by themselves.


def _said(fact: PullFact, codes: Sequence[str]) -> Iterator[Finding]:
    sure: Confidence = fact.confidence if len(codes) == 1 else "possible"
    yield from (_by_words(fact, code, sure) for code in codes)
    if codes[0] in _STATIONS:
        yield from (_by_words(fact, code, sure) for code in fact.beneath)


def _by_words(fact: PullFact, code: str, sure: Confidence) -> Finding:
    found = finding(
        fact,
        code,
        fault(fact, code),
        sure,
        {**fact.params, **own_params(fact, code)},
        {"cannot_tell": fact.cannot_tell},
    )
    if code == "registry.platform-missing" and fact.node and fact.node.platform:
        found = _not_built(found, fact, fact.node)
    of_host = code in _STATIONS or not code.startswith(("k8s.", "client."))
    return replace(found, hop=fact.hop if of_host else None, severity="error")


def _not_built(found: Finding, fact: PullFact, node: NodeSeen) -> Finding:
    said = f"{fact.image} is not built for {node.platform}, the platform of node {node.name}"
    others = ", ".join(fact.good_platforms)
    said += f"; nodes of {others} pull it." if others else "."
    proof = {**found.evidence, "needed": node.platform, "pulled_on": fact.good_platforms}
    return replace(found, detail=plain(said), evidence=proof)


def _unknown(fact: PullFact) -> Iterator[Finding]:
    """Nobody knows the words, or there are none. Then a Secret that gives nothing, and was meant
    to, may be why."""
    suspects: list[Finding] = []
    if not fact.codes and bare(fact.message):
        suspects = [pull_secrets.gone(fact, each) for each in pull_secrets.missing(fact)]
        near = () if pull_secrets.serving(fact) else fact.named
        suspects += [pull_secrets.wrong_host(fact, each) for each in near if each.near]
    if suspects:
        yield from (replace(each, confidence="likely") for each in suspects)
        return
    message = fact.message or f"{fact.reason}, and nothing more"
    yield finding(fact, "k8s.cause-unknown", fact.image, "certain", {"message": message}, {})


# What does not end the pull.


def _beside(fact: PullFact) -> Iterator[Finding]:
    login = of_login(fact.codes)
    if not login or pull_secrets.serving(fact):
        for each in pull_secrets.missing(fact):
            yield pull_secrets.gone(fact, each, "warning")
    if not fact.named:  # they decide nothing here, and were not read
        for name in fact.unretrieved:
            yield pull_secrets.gone(fact, SecretSeen(name, "unread"), "warning")
    if login and fact.annotation and not pull_secrets.serving(fact):
        placed = {**cloud.registry(fact.image), **(fact.node.cloud if fact.node else {})}
        yield finding(
            fact,
            "k8s.identity-not-for-pulls",
            f"{fact.namespace}/{fact.account}",
            "certain",
            {"annotation": fact.annotation, fact.cloud: "yes", **placed},
            {"annotation": fact.annotation, "cloud": fact.cloud, **placed},
        )
    if fact.difference:
        yield finding(
            fact,
            "k8s.node-differs",
            fact.image,
            "certain",
            {
                "good_nodes": listed(fact.good_nodes),
                "bad_nodes": listed(fact.bad_nodes),
                "difference": fact.difference,
                "movable": "" if fact.static or fact.workload_kind == "DaemonSet" else "yes",
            },
            {"good_nodes": fact.good_nodes, "bad_nodes": fact.bad_nodes},
        )
    if _mended(fact):
        last = fact.last
        yield finding(
            fact,
            "k8s.waiting-to-retry",
            fact.image,
            "likely",
            {
                "last": stamp(last) if last else "some minutes ago",
                "next": f"by {stamp(last + _BACK_OFF)}" if last else "within 5 minutes",
            },
            {},
        )


def _mended(fact: PullFact) -> bool:
    """Was what failed repaired after the last try?"""
    if fact.outcome == "served" and fact.codes:
        area = fact.codes[0].partition(".")[0]
        return area in ("auth", "registry", "rate")
    if not of_login(fact.codes) or fact.last is None:
        return False
    return any(each.changed and each.changed > fact.last for each in pull_secrets.serving(fact))


CHECK = Check(
    name="k8s",
    scope="target",
    judge=judge,
    question="Why does the pull of this pod fail, by what its cluster knows?",
)
