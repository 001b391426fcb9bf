"""What does a failing pull hang on, beside its pod? Who owns the pod, its ServiceAccount, the pull
Secrets that are named or searched for, and the node: read into the survey, no more than is asked
for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from doctor.cluster import LeftOut
from doctor.cluster.survey import FEW, Account
from doctor.net.kube import METADATA
from doctor.pods import node, secret
from doctor.pods.objects import names, owner, text, texts
from doctor.pods.pod import Pod
from doctor.pods.scope import path_of, space
from doctor.pods.secret import Stored

if TYPE_CHECKING:
    from doctor.cluster.survey import Survey

_MOST_SECRETS = 300
_MOST_OWNERS = 60
_PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


async def owners(survey: Survey, pods: Iterable[Pod]) -> None:
    """Who owns the ReplicaSets and Jobs that own the pods."""
    wanted: dict[tuple[str, str, str], None] = {}
    for one in pods:
        kind, name, _ = one.owner
        if kind == "Job" or (kind == "ReplicaSet" and one.workload[0] == "ReplicaSet"):
            wanted[one.namespace, kind, name] = None

    async def ask(namespace: str, kind: str, name: str) -> None:
        answer = await survey.api.get(path_of(kind, namespace, name))
        above = owner(answer.body) if answer.ok else ("", "", "")
        if answer.ok:
            survey.keep(kind, answer.body)
        if above[0] and above[1] and above[:2] != (kind, name):
            survey.workloads[namespace, f"{kind}/{name}"] = above[:2]

    await asyncio.gather(*(ask(*key) for key in list(wanted)[:_MOST_OWNERS]))


async def accounts(survey: Survey, pods: Iterable[Pod]) -> None:
    """The ServiceAccounts of these pods."""

    async def ask(namespace: str, name: str) -> None:
        answer = await survey.api.get(space(namespace, f"serviceaccounts/{quote(name, safe='')}"))
        if answer.ok:
            survey.keep("ServiceAccount", answer.body)
            marks = texts(answer.body, "metadata", "annotations")
            survey.accounts[namespace, name] = Account(
                names(answer.body, "imagePullSecrets"), marks, secret.changed(answer.body)
            )
        elif answer.status != 404:
            survey.missed("serviceaccounts", answer, namespace, "get", name)

    wanted = dict.fromkeys((p.namespace, p.account) for p in pods)
    await asyncio.gather(*(ask(*key) for key in list(wanted)[:_MOST_SECRETS]))


async def secrets(survey: Survey, wanted: Iterable[tuple[str, str]]) -> None:
    """The Secrets of these namespaces and names."""

    async def ask(namespace: str, name: str) -> None:
        answer = await survey.api.get(space(namespace, f"secrets/{quote(name, safe='')}"))
        found = secret.read(answer.body) if answer.ok else None
        if answer.status == 404:
            survey.secrets[namespace, name] = "missing"
            return
        if answer.ok:
            survey.keep("Secret", answer.body)
        if found is None:
            survey.missed("secrets", answer, namespace, "get", name)
        survey.secrets[namespace, name] = found or answer.why

    new = [key for key in dict.fromkeys(wanted) if key not in survey.secrets]
    await asyncio.gather(*(ask(*key) for key in new[:_MOST_SECRETS]))


async def search(survey: Survey, namespaces: Iterable[str]) -> None:
    """All pull Secrets of these namespaces."""

    async def ask(namespace: str) -> None:
        found: dict[str, Stored] = {}
        for kind in _PULL_TYPES:
            path = space(namespace, "secrets")
            async for page in survey.api.pages(path, fieldSelector=f"type={kind}"):
                if not page.ok:
                    survey.missed("secrets", page, namespace, "list")
                    return
                for value in page.items:
                    one = secret.read(value) if isinstance(value, Mapping) else None
                    if one and one.type == kind and len(found) < _MOST_SECRETS:
                        found[one.name] = one
                        survey.keep("Secret", value)
        survey.listed[namespace] = tuple(found.values())

    await asyncio.gather(*(ask(n) for n in dict.fromkeys(namespaces) if n not in survey.listed))


async def search_elsewhere(survey: Survey, wanted: Iterable[str]) -> None:
    """In which namespaces a Secret of that name is; their names alone are asked for."""

    async def ask(name: str) -> None:
        found: dict[str, None] = {}
        async for page in survey.api.pages(
            "/api/v1/secrets", METADATA, fieldSelector=f"metadata.name={name}"
        ):
            if not page.ok:
                survey.left.setdefault(LeftOut("secrets of other namespaces", page.why))
                return
            for one in page.items:
                if text(one, "metadata", "name") == name:
                    found[text(one, "metadata", "namespace")] = None
        survey.elsewhere[name] = tuple(n for n in found if n)

    await asyncio.gather(*(ask(name) for name in list(dict.fromkeys(wanted))[: FEW * 4]))


async def nodes(survey: Survey, wanted: Iterable[str]) -> None:
    """What these nodes are."""
    new = [n for n in dict.fromkeys(wanted) if n and n not in survey.nodes]

    async def ask(name: str) -> None:
        answer = await survey.api.get(f"/api/v1/nodes/{quote(name, safe='')}")
        if answer.ok:
            survey.nodes[name] = node.read(answer.body)
            survey.keep("Node", answer.body)
        elif answer.status != 404:
            survey.missed("nodes", answer, None, "get", name)

    if len(new) <= FEW * 2:
        await asyncio.gather(*(ask(name) for name in new))
        return
    async for page in survey.api.pages("/api/v1/nodes"):
        if not page.ok:
            survey.missed("nodes", page, None, "list")
            return
        for one in page.items:
            if text(one, "metadata", "name") in new:
                survey.nodes[text(one, "metadata", "name")] = node.read(one)
                survey.keep("Node", one)
