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
from doctor.model import Case, Check, Confidence, Finding, Severity
from doctor.pods import cloud
from doctor.pods.finding import fault, finding, listed, of_secret, own_params
from doctor.redact import plain
from doctor.reference import Reference, parse
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
        for each in _serving(fact):
            yield of_secret(fact, "k8s.stale-secret-breaks-public", each)
        return
    flawed = [each for each in fact.named if each.flaw]
    if flawed:
        for each in flawed:
            yield _malformed(fact, each, each.flaw, "certain" if _unparsed(fact) else "likely")
    elif _unparsed(fact):
        yield from _unparsed_but_why(fact)
    elif fact.codes and fact.codes[0].startswith("auth."):
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
        yield _malformed(fact, each, what, sure)
    if not suspects:
        yield from _unknown(fact)


# Where the words speak of a login.


def _login(fact: PullFact) -> Iterator[Finding]:
    serving = _serving(fact)
    if serving:
        yield from _served(fact, serving)
        return
    found = list(_unserved(fact))
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
            yield _rejected(fact, each, "certain" if proven else "likely")
        return
    codes = tuple(c for c in fact.codes if c != "auth.no-credentials")
    yield from _said(fact, codes or fact.codes)


def _rejected(fact: PullFact, secret: SecretSeen, sure: Confidence) -> Finding:
    key, user = secret.matching[0]
    params = cloud.registry(fact.image) if user == "AWS" else {}
    found = of_secret(fact, "k8s.secret-rejected", secret, sure, params, {"stray": secret.stray})
    why = f"its {' and its '.join(secret.stray)}, which is sent along" if secret.stray else ""
    if secret.expired:
        written = f" (the Secret was written {stamp(secret.changed)})" if secret.changed else ""
        why = f"the life of this {secret.expired} is over{written}"
    if not why:
        return found
    said = (
        f"The registry refuses the credential that Secret {secret.name} in {fact.namespace} holds "
        f"under {key}: {why}."
    )
    return replace(found, detail=plain(said))


def _unserved(fact: PullFact) -> Iterator[Finding]:
    """None of the Secrets that are named gives a credential for the image: which should?"""
    gone = [*_missing(fact)]
    if gone:
        yield from (_gone(fact, each) for each in gone)
        return
    near = [each for each in fact.named if each.near]
    if near:
        yield from (_wrong_host(fact, each) for each in near)
        return
    wrong = [each for each in fact.named if each.state == "present" and not each.read]
    if wrong:
        yield from (of_secret(fact, "k8s.secret-wrong-type", each) for each in wrong)
        return
    hidden = [*_hidden(fact)]
    if hidden:
        yield from hidden
        return
    if fact.unnamed:
        yield from _not_referenced(fact)
        return
    for each in fact.named:
        if each.marked:
            key, why = each.marked[0]
            yield _malformed(fact, each, f'the entry "{key}": {why}', "certain")
        elif each.read and not each.count:
            yield _malformed(fact, each, "it holds no entry under `auths`", "certain")
        elif each.entries == ("auths",):  # .dockercfg is the bare map
            what = "its .dockercfg has a level `auths`, which only .dockerconfigjson has"
            yield _malformed(fact, each, what, "certain")
        elif each.read:
            yield _wrong_host(fact, each)


def _missing(fact: PullFact) -> Iterator[SecretSeen]:
    """The Secrets that are not there, by the API or by the kubelet's own event."""
    for each in fact.named:
        by_event = each.state == "unread" and each.name in fact.unretrieved
        if each.state == "missing" or by_event:
            yield each


def _hidden(fact: PullFact) -> Iterator[Finding]:
    """What the ServiceAccount names and the pod does not have."""
    code = "k8s.service-account-shadowed" if fact.named else "k8s.pod-predates-secret"
    for each in fact.of_account:
        known = each.serves
        if not known and (each.state != "unread" or fact.named):
            continue
        subject = f"{fact.namespace}/{fact.account}: {each.name}"
        yield finding(
            fact,
            code,
            subject,
            "certain" if known else "likely",
            {"secret": each.name, "created": stamp(fact.created) if fact.created else "earlier"},
            {"pod_created": fact.created, "account_changed": fact.account_changed},
        )


def _not_referenced(fact: PullFact) -> Iterator[Finding]:
    """Secrets that would serve and that nobody names; an account that was not read may name
    them."""
    sure: Confidence = "certain" if len(fact.unnamed) == 1 else "likely"
    for each in fact.unnamed[:3]:
        found = of_secret(fact, "k8s.secret-not-referenced", each, sure)
        if not fact.account_read:
            said = (
                f"Secret {each.name} in {fact.namespace} has a key for the image's registry, and "
                f"pod {fact.pod} does not name it. ServiceAccount {fact.account} was not read: "
                "if it names the Secret, the pod is older than that, and a new pod has it."
            )
            found = replace(found, confidence="possible", detail=plain(said))
        yield found


def _gone(fact: PullFact, secret: SecretSeen, severity: Severity | None = None) -> Finding:
    found = of_secret(
        fact,
        "k8s.secret-missing",
        secret,
        "certain" if secret.state == "missing" else "likely",
        {
            "named_by": f"Pod {fact.pod}",
            "found_in": secret.found_in[0] if secret.found_in else "",
            "similar": secret.similar,
        },
        {"found_in": secret.found_in, "similar": secret.similar, "event": fact.unretrieved},
    )
    return replace(found, severity=severity) if severity else found


def _wrong_host(fact: PullFact, secret: SecretSeen) -> Finding:
    near = dict(secret.near)
    more = secret.count - len(secret.entries)
    keys = ", ".join(_with_reason(key, near.get(key, "")) for key in secret.entries)
    renamed = next((key for key in near if not _of_others(key, fact.image)), "")
    return of_secret(
        fact,
        "k8s.secret-wrong-host",
        secret,
        "certain",
        {"keys": keys + (f" and {more} more" if more > 0 else ""), "wrong_key": renamed},
        {"entries": secret.entries, "why_not": near},
    )


def _with_reason(key: str, why_not: str) -> str:
    """A blank at its end is seen only in quotes."""
    shown = key if key == "".join(key.split()) else f'"{key}"'
    return f"{shown} ({why_not})" if why_not else shown


def _of_others(key: str, image: str) -> bool:
    """Is the key for other repositories of the same registry? Its credential may have no right to
    this one."""
    path = key.partition("://")[2] or key
    path = path.partition("/")[2].partition("@")[0].partition(":")[0].strip("/")
    found = parse(image)
    repository = found.repository if isinstance(found, Reference) else ""
    return path not in ("v1", "v2") and not repository.startswith(path)


def _malformed(fact: PullFact, secret: SecretSeen, what: str, sure: Confidence) -> Finding:
    key = secret.flawed_key
    flaw = f'the entry "{key}": {what}' if key else what
    return of_secret(
        fact,
        "k8s.secret-malformed",
        secret,
        sure,
        {"flaw": flaw, "entry": key},
        {"entry": key, "rule": what},
    )


def _serving(fact: PullFact) -> list[SecretSeen]:
    return [each for each in fact.named if each.serves]


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
    """Nobody knows the words, or there are none. A Secret that is not there may be why."""
    gone = [*_missing(fact)]
    if gone and not fact.codes and not fact.message:
        yield from (replace(_gone(fact, each), confidence="likely") for each in gone)
        return
    message = fact.message or f"{fact.reason}, and nothing more"
    yield finding(fact, "k8s.cause-unknown", fact.image, "certain", {"message": message}, {})


# What does not end the pull.


def _beside(fact: PullFact) -> Iterator[Finding]:
    login = any(code.startswith("auth.") for code in fact.codes)
    if not login or _serving(fact):
        for each in _missing(fact):
            yield _gone(fact, each, "warning")
    if not fact.named:  # they decide nothing here, and were not read
        for name in fact.unretrieved:
            yield _gone(fact, SecretSeen(name, "unread"), "warning")
    if login and fact.annotation and not _serving(fact):
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
    login = any(code.startswith("auth.") for code in fact.codes)
    if not login or fact.last is None:
        return False
    return any(each.changed and each.changed > fact.last for each in _serving(fact))


CHECK = Check(
    name="k8s",
    scope="target",
    judge=judge,
    question="Why does the pull of this pod fail, by what its cluster knows?",
)
