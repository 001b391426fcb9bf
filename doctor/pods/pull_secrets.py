"""Which pull Secret is why the kubelet was refused? What is known of a pull -> findings about its
Secrets: those that were refused, and where none serves, the one that should.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.facts.pull import PullFact, SecretSeen
from doctor.model import Confidence, Finding, Severity
from doctor.pods import cloud
from doctor.pods.finding import RESTARTED, finding, of_secret
from doctor.redact import plain
from doctor.reference import Reference, parse
from doctor.stamp import stamp


def serving(fact: PullFact) -> list[SecretSeen]:
    return [each for each in fact.named if each.serves]


def rejected(fact: PullFact, secret: SecretSeen, sure: Confidence) -> Finding:
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


def unserved(fact: PullFact) -> Iterator[Finding]:
    """None of the Secrets that are named gives a credential for the image: which should?"""
    absent = [*missing(fact)]
    if absent:
        yield from (gone(fact, each) for each in absent)
        return
    near = [each for each in fact.named if each.near]
    if near:
        yield from (wrong_host(fact, each) for each in near)
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
    if not fact.named and fact.workload_kind in RESTARTED:
        absent = [each for each in fact.of_account if each.state == "missing"]
        if absent:  # its next pods will name it
            yield from (gone(fact, each) for each in absent)
            return
    for each in fact.named:
        if each.marked:
            key, why = each.marked[0]
            yield malformed(fact, each, f'the entry "{key}": {why}', "certain")
        elif each.read and not each.count:
            yield malformed(fact, each, "it holds no entry under `auths`", "certain")
        elif each.entries == ("auths",):  # .dockercfg is the bare map
            what = "its .dockercfg has a level `auths`, which only .dockerconfigjson has"
            yield malformed(fact, each, what, "certain")
        elif each.read:
            yield wrong_host(fact, each)


def missing(fact: PullFact) -> Iterator[SecretSeen]:
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


def gone(fact: PullFact, secret: SecretSeen, severity: Severity | None = None) -> Finding:
    named = secret.name in {each.name for each in fact.named} or secret.name in fact.unretrieved
    found = of_secret(
        fact,
        "k8s.secret-missing",
        secret,
        "certain" if secret.state == "missing" else "likely",
        {
            "named_by": f"Pod {fact.pod}" if named else f"ServiceAccount {fact.account}",
            "found_in": secret.found_in[0] if secret.found_in else "",
            "similar": secret.similar,
        },
        {"found_in": secret.found_in, "similar": secret.similar, "event": fact.unretrieved},
    )
    return replace(found, severity=severity) if severity else found


def wrong_host(fact: PullFact, secret: SecretSeen) -> Finding:
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


def malformed(fact: PullFact, secret: SecretSeen, what: str, sure: Confidence) -> Finding:
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
