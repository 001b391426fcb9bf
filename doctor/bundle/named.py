"""Whose names does what goes into a bundle hold? Facts, targets, files and a cluster's objects ->
names that others must not read.

Fields are listed by what they name; beside them every host is found that a text spells out below a
public suffix, or below one that networks of one's own use.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.bundle import kubernetes
from doctor.bundle.masking import Mask
from doctor.bundle.pseudonyms import Pseudonyms, is_somebodys
from doctor.pods.objects import table, text

_HOST = re.compile(r"(?:[\w*-]{1,63}\.){1,32}[^\W\d_][\w-]{1,62}")
_IMAGE = re.compile(
    rf"""["'=\s]((?:{_HOST.pattern}|localhost)(?::\d+)?/[a-z0-9][\w./@:-]*)["'\s]"""
)
_WITH_PORT = re.compile(r"(?<![\w.:-])([A-Za-z][A-Za-z0-9-]*):\d{2,5}(?![\w.:-])")

_EXCLUDED = re.compile(r"(?i)no[-_]?proxy[\"'\\]*[ \t]*[=:][ \t]*[\"'\\]*([^\"'\\\n]+)")
"""Where a file lists the hosts that are asked without a proxy."""

_FACTS = {
    "host": """
        Hop.host Reference.domain DnsFact.name Reply.name Reply.chain
        ResolverConfiguration.search ResolversFact.walked Certificate.dns_names
        Certificate.common_name ProxySetting.host HostsLine.names Endpoint.domain TunnelFact.proxy
        PullFact.host .host .server
    """,
    "entry": """
        CredentialFact.registry CredentialFact.keys CredentialFact.key Source.key NearMiss.key
        StoredFile.keys SecretSeen.entries SecretSeen.matching[0] SecretSeen.marked[0]
        SecretSeen.near[0] .key .registry
    """,
    "hosts": """
        RouteFact.no_proxy RouteFact.entry Reading.entry Candidate.no_proxy .no_proxy .NO_PROXY
    """,
    "user": """
        CredentialFact.user AuthFact.user ProxySetting.user TunnelFact.user ClientFact.user
        Source.user Otherwise.user SecretSeen.matching[1] Refused.user .user .kube_user
    """,
    "repository": """
        Reference.repository Endpoint.repository .repository .gce_project .gar_project .gcr_project
        .gar_repository .aks_subscription .aks_nodes
    """,
    "image": "PullFact.image Pull.images .image .sandbox_image",
    "ns": """
        PullFact.namespace SecretSeen.found_in Workload.namespace Pull.namespaces LeftOut.namespace
        ClusterFact.namespace ClusterFact.home Refused.namespace Vain.namespace .namespace
    """,
    "pod": "PullFact.pod Vain.pod .pod",
    "workload": "PullFact.workload Workload.name Vain.workload Source.name .workload .source",
    "container": "PullFact.container Workload.containers .container",
    "secret": """
        SecretSeen.name Vain.named SecretSeen.similar PullFact.account_lists PullFact.unretrieved
        .secret .secret_name .similar .new_secret .pod_secrets .account_secrets
        .service_account_secrets
    """,
    "key": "SecretSeen.data SecretSeen.config_key SecretSeen.flawed_key .config_key",
    "account": "PullFact.account .service_account",
    "node": """
        NodeSeen.name PullFact.good_nodes PullFact.bad_nodes Pull.nodes .node .gce_instance
        .ec2_instance
    """,
    "context": "Cluster.context ClusterFact.context .context .other_context",
    "number": """
        Certificate.sha256 Certificate.serial Attempt.leaf IssuerFetch.sha256 .sha256 .serial
    """,
}
"""What the fields of classes name; with a dot in front, the values of a finding's evidence and of
its words' parameters. A test knows every field of a cluster's facts that names nobody."""
_OBJECTS = {
    "ns": "metadata.namespace involvedObject.namespace regarding.namespace",
    "container": """
        containers.name initContainers.name ephemeralContainers.name containerStatuses.name
        initContainerStatuses.name ephemeralContainerStatuses.name
    """,
    "secret": "imagePullSecrets.name secrets.name",
    "account": "spec.serviceAccountName spec.serviceAccount",
    "node": "spec.nodeName source.host deprecatedSource.host",
    "image": """
        containers.image initContainers.image ephemeralContainers.image containerStatuses.image
        initContainerStatuses.image ephemeralContainerStatuses.image images.names
    """,
    "workload": "metadata.generateName",
    "class": "spec.runtimeClassName spec.schedulerName spec.priorityClassName",
}
_KINDS = {
    "Pod": "pod",
    "Secret": "secret",
    "ServiceAccount": "account",
    "Node": "node",
    "Namespace": "ns",
}
"""Of objects; every other is a workload, or what stands for one."""


def _by_place(fields: Mapping[str, str]) -> dict[str, str]:
    return {place: kind for kind, places in fields.items() for place in places.split()}


KIND_OF = _by_place(_FACTS)
_KIND_IN_OBJECT = _by_place(_OBJECTS)


def learn(names: Pseudonyms, value: Any) -> None:
    """Every name that a fact, a target or a tuple of them holds."""
    for where, said in _strings(value):
        _add(names, KIND_OF.get(where, ""), said)
        _learn_hosts(names, said)


def learn_object(names: Pseudonyms, thing: Mapping[str, Any]) -> None:
    """Every name that an object of a cluster holds."""
    kept = kubernetes.masked(thing, Mask())
    if kept.get("kind") == "Secret":
        for name, key in kept["keys"].items():
            names.add("key", name)
            for entry in key["hosts"]:
                _add(names, "entry", entry)
    if kept.get("kind") != "Event":  # it is called like what it is about, and a number
        _add(names, _KINDS.get(text(kept, "kind"), "workload"), text(kept, "metadata", "name"))
    for part in ("involvedObject", "regarding"):
        about = table(kept, part)
        _add(names, _KINDS.get(text(about, "kind"), "workload"), text(about, "name"))
    for where, said in _leaves(kept):
        _add(names, _KIND_IN_OBJECT.get(where, ""), said.strip("-"))
        _learn_hosts(names, said)
    owners = table(kept, "metadata").get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        _add(names, _KINDS.get(text(owner, "kind"), "workload"), text(owner, "name"))


def learn_file(names: Pseudonyms, path: str, said: str) -> None:
    """Every name that a client's configuration holds, as it may leave: masked."""
    learn(names, path)
    base = path.rpartition("/")[2]
    if base == "os-release":
        return  # the system's own, everybody's
    learn(names, said)
    for image in _IMAGE.findall(said):
        if is_somebodys(image.partition("/")[0].partition(":")[0].lower()):
            names.add_image(image)
    for listed in _EXCLUDED.findall(said):
        _add(names, "hosts", listed)
    for host in _WITH_PORT.findall(said):
        if not names.common(host):
            names.add_host(host)
    for line in said.splitlines() if base in ("hosts", "resolv.conf") else ():
        words = line.partition("#")[0].split()
        if base == "hosts" or words[:1] in (["search"], ["domain"]):
            for host in words[1:]:
                names.add_node(host)


def _add(names: Pseudonyms, kind: str, said: str) -> None:
    match kind:
        case "":
            pass
        case "host":
            names.add_host(said)
        case "hosts":  # of NO_PROXY: any single word is a host's name there
            for each in re.split(r"[,\s]+", said):
                if re.fullmatch(r"[\w.*-]+(?::\d+)?", each):
                    names.add_node(each.partition(":")[0].strip(".*"))
        case "node":
            names.add_node(said)
        case "entry":
            host, _, path = said.rpartition("://")[2].partition("/")
            names.add_host(host)
            names.add_repository(re.sub(r"^v[12](/|$)", "", path))
        case "repository":
            names.add_repository(said)
        case "image":
            names.add_image(said)
        case "number":
            names.add_number(said)
        case "secret":  # one, several, or one with its namespace
            for each in re.split(r"[,\s/]+", said):
                names.add(kind, each)
        case "pod" if "/" in said:
            names.add("ns", said.partition("/")[0])
            names.add(kind, said.partition("/")[2])
        case _:
            names.add(kind, said)


def _learn_hosts(names: Pseudonyms, said: str) -> None:
    for found in _HOST.findall(said):
        if is_somebodys(found.lower()):
            names.add_host(found)


def _strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each text with its class's name and field; of a table in it with the key alone; of a tuple
    among others with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, tuple | list):
        for each in value:
            if isinstance(each, tuple):
                for number, one in enumerate(each):
                    yield from _strings(one, f"{where}[{number}]")
            else:
                yield from _strings(each, where)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _strings(each, f".{key}")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            name = f"{type(value).__name__}.{field.name}"
            yield from _strings(getattr(value, field.name), name)


def _leaves(value: Any, parent: str = "", key: str = "") -> Iterator[tuple[str, str]]:
    """Each text of an object, with its key and that of the table around it."""
    if isinstance(value, str):
        yield f"{parent}.{key}", value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, key, name)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, parent, key)
