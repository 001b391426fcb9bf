"""What of a cluster's objects may leave?

Of a Secret its type, its keys and the hosts that its credentials are for. Of everything else the
fields that a pull depends on: images, references to Secrets, states, reasons and messages. No
annotation goes along (`last-applied-configuration` can hold a Secret whole), no variable, no
command and no argument.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.bundle import masked_settings, strictjson
from doctor.bundle.configuration import place
from doctor.bundle.masking import Mask

_FIELDS = """
apiVersion kind metadata name namespace uid creationTimestamp deletionTimestamp generateName
ownerReferences controller generation resourceVersion spec template nodeName serviceAccountName
serviceAccount imagePullSecrets containers initContainers ephemeralContainers image
imagePullPolicy restartPolicy replicas runtimeClassName schedulerName priorityClassName
jobTemplate selector status phase reason message conditions type lastTransitionTime lastProbeTime
containerStatuses initContainerStatuses ephemeralContainerStatuses imageID containerID ready
started restartCount state lastState waiting running terminated startedAt finishedAt exitCode
signal startTime hostIP podIP nodeInfo architecture operatingSystem osImage kernelVersion
kubeletVersion kubeProxyVersion containerRuntimeVersion images names sizeBytes addresses address
capacity allocatable readyReplicas availableReplicas unavailableReplicas updatedReplicas
observedGeneration involvedObject fieldPath regarding note action count firstTimestamp
lastTimestamp eventTime series lastObservedTime source component host reportingComponent
secrets automountServiceAccountToken items unschedulable taints effect key
"""
_KEPT = frozenset(_FIELDS.split())
_SECRET_KEPT = frozenset(("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"))
_MOST_DEEP = 40


def masked(thing: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """The object as it may leave."""
    if thing.get("kind") == "Secret":
        return _secret(thing, mask)
    kept = _kept(thing, mask, 0)
    return kept if isinstance(kept, dict) else {}


def file_name(thing: Mapping[str, Any]) -> str:
    """Where it lies in a bundle: `kubernetes/Pod/shop/web-1.json`."""
    about = thing.get("metadata")
    about = about if isinstance(about, Mapping) else {}
    words = (thing.get("kind"), about.get("namespace") or "-", about.get("name") or "-")
    parts = [str(each or "-").replace("/", "_")[:120] for each in words]
    return f"kubernetes/{place('/'.join(parts)).removeprefix('config/')}.json"


def _secret(secret: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    about = secret.get("metadata")
    about = about if isinstance(about, Mapping) else {}
    keys: dict[str, Any] = {}
    for where in ("data", "stringData"):
        held = secret.get(where)
        for key, value in sorted(held.items()) if isinstance(held, Mapping) else ():
            raw = _raw(value, encoded=where == "data")
            text = raw.decode("utf-8", "replace")
            mask.value([where], text)
            inner = Mask()
            masked_settings.json(text, inner)
            mask.secrets |= inner.secrets
            keys[mask.text(str(key))] = {
                "bytes": len(raw),
                "hosts": [mask.text(h) for h in _hosts(raw)],
            }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {k: mask.text(str(v)) for k, v in about.items() if k in _SECRET_KEPT and v},
        "type": mask.text(str(secret.get("type", ""))),
        "keys": keys,
    }


def _raw(value: Any, *, encoded: bool) -> bytes:
    text = value if isinstance(value, str) else ""
    if not encoded:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _hosts(raw: bytes) -> Iterator[str]:
    """The registries of a `.dockerconfigjson` or a `.dockercfg`."""
    try:
        found = strictjson.read(raw) if raw[:1] == b"{" and len(raw) < 1 << 20 else None
    except strictjson.BadJsonError:
        return
    auths = found.get("auths", found) if isinstance(found, dict) else {}
    for host in auths if isinstance(auths, dict) else ():
        yield host.rpartition("@")[2][:300]


def _kept(value: Any, mask: Mask, depth: int) -> Any:
    if depth > _MOST_DEEP:
        return None
    if isinstance(value, Mapping):
        kept = {}
        for key, each in value.items():
            if key in _KEPT:
                kept[key] = _kept(each, mask, depth + 1)
            else:
                mask.value([], "")
        return kept
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_kept(each, mask, depth + 1) for each in value]
    if isinstance(value, str):
        return mask.text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else None
