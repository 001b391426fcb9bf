"""Whose pods are meant? What was typed -> namespace, names, and a selector."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from doctor.frozen import frozen
from doctor.pods.objects import each, text, texts
from doctor.usage import UsageError

_KINDS = {
    "Pod": ("/api/v1", "pods", ("po", "pod", "pods")),
    "Deployment": ("/apis/apps/v1", "deployments", ("deploy", "deployment", "deployments")),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", ("sts", "statefulset", "statefulsets")),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", ("ds", "daemonset", "daemonsets")),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", ("rs", "replicaset", "replicasets")),
    "Job": ("/apis/batch/v1", "jobs", ("job", "jobs")),
    "CronJob": ("/apis/batch/v1", "cronjobs", ("cj", "cronjob", "cronjobs")),
}
"""Kind -> where the API has it, its resource, and how kubectl lets one type it."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@frozen
class Named:
    """One object that was asked about."""

    kind: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name

    @property
    def resource(self) -> str:
        """The resource as rules of access name it."""
        path, plural, _ = _KINDS[self.kind]
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        return f"{plural}.{group}" if group else plural


@frozen
class Scope:
    """`namespace` None: all of them. `home`: the one that the context is set to."""

    namespace: str | None
    home: str
    named: tuple[Named, ...] = ()
    selector: str = ""


def named(words: Sequence[str]) -> tuple[Named, ...]:
    """What the words name: POD, or KIND/NAME. Raises UsageError."""
    return tuple(dict.fromkeys(map(_named, words)))


def _named(word: str) -> Named:
    kind, slash, name = word.rpartition("/")
    typed = kind.lower().partition(".")[0] if slash else "pod"
    found = next((k for k, (_, _, spelt) in _KINDS.items() if typed in spelt), None)
    if found is None:
        kinds = ", ".join(spelt[1] for _, _, spelt in _KINDS.values())
        raise UsageError(f"{kind[:80]!r} is no kind that pulls images; known: {kinds}")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} is no name of a {found.lower()}: a-z, 0-9, - and . can be")
    return Named(found, name)


def namespace(word: str) -> str:
    """The namespace as it was typed. Raises UsageError."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", word):
        raise UsageError(f"-n {word[:80]!r} is no namespace: a-z, 0-9 and - can be in its name")
    return word


def path_of(kind: str, namespace: str, name: str) -> str:
    """Where the API has that object."""
    path, plural, _ = _KINDS[kind]
    return space(namespace, f"{plural}/{quote(name, safe='')}", path)


def space(namespace: str, rest: str, api: str = "/api/v1") -> str:
    """A path below that namespace. Names come from outside: none of them is more than a part."""
    return f"{api}/namespaces/{quote(namespace, safe='')}/{rest}"


def selector_of(value: Any) -> str:
    """A workload's selector as the API takes it in a query; "" where it has none."""
    labels = texts(value, "spec", "selector", "matchLabels")
    parts = [f"{key}={said}" for key, said in labels.items()]
    for one in each(value, "spec", "selector", "matchExpressions"):
        parts.append(_expression(one))
    return ",".join(part for part in parts if part)


def _expression(one: Mapping[str, Any]) -> str:
    key, operator = text(one, "key"), text(one, "operator")
    given = one.get("values")
    values = ",".join(v for v in given if isinstance(v, str)) if isinstance(given, list) else ""
    return {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": key,
        "DoesNotExist": f"!{key}",
    }.get(operator, "")
