"""How is a finding about a pull made? What is at fault, what the words may use, and the proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from doctor.facts.credential import called
from doctor.facts.pull import PullFact, SecretSeen
from doctor.model import Confidence, Finding
from doctor.pods.node import runtime
from doctor.reference import Reference, parse
from doctor.registry import hub

_OF_HOST = ("dns", "tcp", "tls", "proxy", "rate", "api")
"""Areas whose findings are about a host."""
_HOSTS = frozenset(
    {
        "registry.server-error",
        "registry.not-a-registry",
        "registry.blob-unreachable",
        "registry.blob-refused",
        "registry.bad-response",
        "registry.blocked",
        "registry.http-only",
        "registry.timeout",
        "auth.realm-error",
        "auth.realm-foreign",
        "auth.realm-unreachable",
        "client.mirror-auth",
        "client.mirror-unreachable",
        "auth.no-credentials",
        "auth.rejected",
        "auth.forbidden",
        "auth.denied-or-missing",
    }
)
_OF_NODE = frozenset({"k8s.pull-qps", "k8s.inspect-error", "client.no-space", "client.not-running"})
RESTARTED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""What `kubectl rollout restart` knows."""


def own_params(fact: PullFact, code: str) -> dict[str, str]:
    """What the words of a code that another check has too may use of a cluster."""
    if fact.role == "sandbox":
        return {"sandbox_image": fact.image}
    if code == "registry.platform-missing":
        fits = {each.rpartition("/")[2] for each in fact.good_platforms}
        return {"fit_arch": fits.pop() if len(fits) == 1 else ""}
    if code == "client.mirror-unreachable":
        in_tls = fact.beneath[:1] and fact.beneath[0].startswith("tls.")
        return {"how": "TLS fails" if in_tls else fact.said}
    if code.startswith("dns."):
        return {"resolv_conf": "/etc/resolv.conf"}
    if code.startswith("tls."):
        return _of_trust(fact)
    if not code.startswith("auth."):
        return {}
    named = ", ".join(each.name for each in fact.named) or "none"
    return {
        "because": _because(fact),
        "places": f"the pull Secrets that pod {fact.pod} lists ({named})",
        "new_secret": ""
        if any(each.serves for each in fact.named)
        else f"pull-{re.sub(r'[^a-z0-9]+', '-', fact.host.lower()).strip('-')}"[:60],
        **_without_right(fact, code),
    }


def _without_right(fact: PullFact, code: str) -> dict[str, str]:
    """Whose credential it is that may not pull, and the Secret that it is in; one that something
    else writes is not named."""
    serving = next((each for each in fact.named if each.serves), None)
    found = parse(fact.image)
    if code != "auth.forbidden" or serving is None or not isinstance(found, Reference):
        return {}
    key, user = serving.matching[0]
    return {
        "user": user or called(user),
        "shown": called(user),
        "origin": f"Secret {serving.name} in {fact.namespace}",
        "scope": f"repository:{found.repository}:pull",
        "because": "by its answer to the node",
        "secret": "" if serving.source else serving.name,
        "key": key,
        "immutable": "yes" if serving.immutable else "",
    }


def _because(fact: PullFact) -> str:
    serving = [each for each in fact.named if each.serves]
    if not serving:
        return "by its answer to the node"
    with_ = ", ".join(f"{each.name}, as {each.matching[0][1] or 'nobody'}" for each in serving[:3])
    return f"the kubelet asked with the pull Secret {with_}"


def _of_trust(fact: PullFact) -> dict[str, str]:
    """Where the runtime has the authorities of a registry. Docker Hub's and another host's than the
    image's are none of its own."""
    found = parse(fact.image)
    name = runtime(fact.node) or "containerd"
    if not isinstance(found, Reference) or found.hop != fact.hop or found.hop.host in hub.HOSTS:
        return {}
    folder = {"containerd": "/etc/containerd/certs.d", "cri-o": "/etc/containers/certs.d"}
    return {"own_host": found.domain, "certs": folder[name]}


def fault(fact: PullFact, code: str) -> str:
    """What is at fault: pulls that fail for one reason and through one thing are one cause."""
    area = code.partition(".")[0]
    host = fact.host or fact.params.get("host", "")
    if code == "auth.no-credentials":
        return f"{fact.namespace}: {host or fact.image}"
    serving = next((each.name for each in fact.named if each.serves), "")
    if code in ("auth.forbidden", "auth.denied-or-missing") and serving:
        return f"{fact.namespace}/{serving}"
    if (area in _OF_HOST or code in _HOSTS) and host:
        return host
    if code in _OF_NODE and fact.node:
        return fact.node.name
    if code == "k8s.pull-stalled" and host:
        return host
    found = parse(fact.image)
    return str(found) if isinstance(found, Reference) else fact.image


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")


def of_secret(
    fact: PullFact,
    code: str,
    secret: SecretSeen,
    sure: Confidence = "certain",
    params: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Finding:
    """A finding about one of the pull Secrets."""
    source = secret.source
    own = {
        "secret": secret.name,
        "type": secret.type or "(none)",
        "keys": ", ".join(secret.data) or "none",
        "config_key": secret.config_key,
        "source": source.name if source else "",
        "source_kind": source.kind if source else "",
        "source_resource": source.resource if source else "",
        "expired": secret.expired,
        "immutable": "yes" if secret.immutable else "",
        **(params or {}),
    }
    if code in ("k8s.secret-rejected", "k8s.stale-secret-breaks-public") and secret.matching:
        own["key"] = secret.matching[0][0]
    proof = {
        "secret_name": f"{fact.namespace}/{secret.name}",
        "type": secret.type,
        "data": secret.data,
        "matching": [{"key": key, "user": user} for key, user in secret.matching],
        "written_by": f"{source.kind} {source.name}" if source else "",
        "expired": secret.expired,
        **(evidence or {}),
    }
    return finding(fact, code, f"{fact.namespace}/{secret.name}", sure, own, proof)


def finding(
    fact: PullFact,
    code: str,
    subject: str,
    sure: Confidence,
    params: dict[str, str],
    evidence: dict[str, Any],
) -> Finding:
    """A finding about the pull; `subject` is what is at fault."""
    node = fact.node
    restarted = fact.workload_kind in RESTARTED
    common = {
        "namespace": fact.namespace,
        "pod": fact.pod,
        "container": fact.container,
        "init": "yes" if fact.role == "init" else "",
        "node": node.name if node else "",
        "service_account": fact.account,
        "owned": "yes" if fact.static or fact.workload_kind not in {"Pod", *RESTARTED} else "",
        "static": "yes" if fact.static else "",
        "remade": "yes" if fact.workload_kind not in ("Pod", "Deployment", "DaemonSet") else "",
        "stateful": "yes" if fact.workload_kind == "StatefulSet" else "",
        "workload_kind": fact.workload_kind.lower() if restarted else "",
        "workload": fact.workload if restarted else "",
        "pod_secrets": ", ".join(each.name for each in fact.named),
        "account_secrets": ", ".join(fact.account_lists),
        "account_unread": "" if fact.account_read else "yes",
        "message": fact.message,
    }
    proof = {
        "pod": f"{fact.namespace}/{fact.pod}",
        "container": fact.container,
        "role": fact.role if fact.role != "container" else "",
        "image": fact.image,
        "policy": fact.policy,
        "reason": fact.reason,
        "message": fact.message,
        "message_from": fact.origin,
        "node": node.name if node else "",
        "node_conditions": node.pressure if node else (),
        "pod_secrets": [each.name for each in fact.named],
        "service_account": fact.account,
        "service_account_secrets": fact.account_lists,
        "first_seen": fact.first,
        "last_seen": fact.last,
        **evidence,
    }
    return Finding(
        code,
        confidence=sure,
        subject=subject or None,
        params={**common, **params},
        evidence={
            name: value for name, value in proof.items() if value not in (None, "", [], (), {})
        },
    )
