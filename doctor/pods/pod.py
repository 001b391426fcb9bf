"""Which containers of a pod wait for an image, and in whose name is it pulled? Pod object -> `Pod`.

The reasons are the kubelet's (pkg/kubelet/images/types.go, k8s.io/cri-api/pkg/errors). All its
reasons are one word; a reason with more in it is the bare error of a pull Secret that did not parse
(kuberuntime_manager.go takes the error for the reason).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from doctor.facts.pull import Role
from doctor.frozen import frozen
from doctor.pods.objects import each, moment, names, owner, table, text, texts

REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "ErrRegistryUnavailable",
        "SignatureValidationFailed",
        "ErrImageNotEnsured",
        "ImageVolumeMountFailed",
    }
)
_BEGINNING = frozenset({"", "ContainerCreating", "PodInitializing"})
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_KINDS: tuple[tuple[Role, str, str], ...] = (
    ("init", "initContainers", "initContainerStatuses"),
    ("container", "containers", "containerStatuses"),
    ("ephemeral", "ephemeralContainers", "ephemeralContainerStatuses"),
)
_MIRROR = "kubernetes.io/config.mirror"
_QUOTED = re.compile(r'image "([^"\s]{1,1024})"')


@frozen
class Waiting:
    """A container that waits for its image."""

    name: str
    role: Role
    image: str
    policy: str
    reason: str
    message: str

    @property
    def unparsed(self) -> bool:
        """Is the reason the bare error of a pull Secret?"""
        return not _WORD.fullmatch(self.reason)


@frozen
class Pod:
    """What of a pod bears on its pulls."""

    namespace: str
    name: str
    uid: str
    created: datetime | None
    node: str
    account: str
    secrets: tuple[str, ...]
    owner: tuple[str, str, str]
    template: str
    """The hash by which a Deployment tells its ReplicaSets apart."""
    waiting: tuple[Waiting, ...]
    stuck: tuple[Waiting, ...]
    """Containers that have not begun, and nothing says why."""
    have: tuple[str, ...]
    """Images that its containers have run from."""
    static: bool = False
    """Is it the mirror of one that a kubelet runs from a file? It gets nothing of an account
    (plugin/pkg/admission/serviceaccount), and deleting it restarts nothing."""
    volumes: tuple[tuple[str, str], ...] = ()
    """Images of its volumes, and the policies they are pulled by."""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def workload(self) -> tuple[str, str]:
        """Kind and name of what owns it, as far as its own metadata tell; the pod itself if
        nothing does. A Deployment names its ReplicaSets by its own name and the template's hash
        (pkg/controller/deployment/sync.go)."""
        kind, name, _ = self.owner
        if self.static:
            return "Pod", self.name
        if kind == "ReplicaSet" and self.template and name.endswith(f"-{self.template}"):
            return "Deployment", name.removesuffix(f"-{self.template}")
        return (kind, name) if kind and name else ("Pod", self.name)


def read(value: Mapping[str, Any]) -> Pod | None:
    """The pod; None for what has no name."""
    name = text(value, "metadata", "name")
    if not name:
        return None
    waiting, stuck, have = [], [], []
    ended = text(value, "status", "phase") in ("Succeeded", "Failed")
    node = text(value, "spec", "nodeName")
    volumes = {i: text(v, "image", "pullPolicy") for v in each(value, "spec", "volumes")
               if (i := text(v, "image", "reference"))}  # fmt: skip
    for role, kind, found, status in _containers(value):
        image = text(found, "image") or text(status, "image") or "(no image is named)"
        state = table(status, "state")
        if text(status, "imageID") or "running" in state or "terminated" in state:
            if text(state, "waiting", "reason") not in REASONS:
                have.append(image)
            if "waiting" not in state:
                continue
        reason = text(state, "waiting", "reason")
        one = Waiting(
            kind, role, image, text(found, "imagePullPolicy"), reason,
            text(state, "waiting", "message"),
        )  # fmt: skip
        if ended:
            continue
        if reason in REASONS or (one.unparsed and reason):
            waiting.append(_of_volume(one, volumes))
        elif node and reason in _BEGINNING and not text(status, "imageID"):
            stuck.append(one)
    return Pod(
        namespace=text(value, "metadata", "namespace") or "default",
        name=name,
        uid=text(value, "metadata", "uid"),
        created=moment(value, "metadata", "creationTimestamp"),
        node=node,
        account=text(value, "spec", "serviceAccountName") or "default",
        secrets=names(value, "spec", "imagePullSecrets"),
        owner=owner(value),
        template=texts(value, "metadata", "labels").get("pod-template-hash", ""),
        waiting=tuple(waiting),
        stuck=() if waiting else tuple(stuck),
        have=tuple(dict.fromkeys(have)),
        static=owner(value)[0] == "Node" or _MIRROR in texts(value, "metadata", "annotations"),
        volumes=tuple(volumes.items()),
    )


def _containers(
    value: Mapping[str, Any],
) -> Iterator[tuple[Role, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Role, name, specification and status of each container; a status that stands alone too."""
    for role, kind, statuses in _KINDS:
        specified = {text(c, "name"): c for c in each(value, "spec", kind)}
        seen = {text(c, "name"): c for c in each(value, "status", statuses)}
        for name in dict.fromkeys([*specified, *seen]):
            if role == "ephemeral" and name not in seen:
                continue
            yield role, name, specified.get(name, {}), seen.get(name, {})


def _of_volume(one: Waiting, volumes: Mapping[str, str]) -> Waiting:
    """A container waits for its volumes' images too, under the same reasons."""
    found = _QUOTED.search(one.message)
    image = found[1] if found else ""
    if one.reason == "ImageVolumeMountFailed" and not found and len(volumes) == 1:
        image = next(iter(volumes))
    if image and image != one.image and image in volumes:
        return Waiting(one.name, "volume", image, volumes[image], one.reason, one.message)
    return one
