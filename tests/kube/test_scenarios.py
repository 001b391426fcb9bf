"""Pods that cannot have their images for reasons that were not recorded, as a kubelet would show
them; and pods that fail for others, of which nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kube.api import Recorded
from tests.kube.cluster import IMAGE, NO_LOGIN, REJECTED, cluster, pod, secret
from tests.kube.inside import causes, look

Pod = dict[str, Any]
GOOD = {"registry.corp:5000": "ann:key-of-ann-0815"}
GONE = f'failed to pull and unpack image "{IMAGE}": failed to resolve image: {IMAGE}: not found'
MISSING = {"registry.manifest-unknown", "registry.name-unknown"}
RUNNING: Pod = {"running": {}}


def waiting(reason: str, message: str = "") -> Pod:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def init() -> Pod:
    one = pod(state=waiting("PodInitializing"))
    one["spec"]["initContainers"] = [{"name": "prepare", "image": IMAGE}]
    status = {"name": "prepare", "state": waiting("ImagePullBackOff", GONE)}
    one["status"]["initContainerStatuses"] = [status]
    return one


def ephemeral() -> Pod:
    one = pod(image="other.corp/app:1", state=RUNNING)
    one["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": IMAGE}]
    status = {"name": "debugger", "state": waiting("ErrImagePull", GONE)}
    one["status"]["ephemeralContainerStatuses"] = [status]
    return one


def unavailable(detail: str) -> Pod:
    said = f"image pull failed for {IMAGE} because the registry is unavailable{detail}"
    return pod(state=waiting("RegistryUnavailable", said))


REFUSED = ': pinging container registry registry.corp:5000: Get "https://registry.corp:5000/v2/": '
SHORT = "nginx:1.27"
UPPER = "registry.corp:5000/Team/App:1"
SCENARIOS: dict[str, tuple[Callable[[], Pod], set[str]]] = {
    "init container": (init, MISSING),
    "ephemeral container": (ephemeral, MISSING),
    "never": (lambda: pod(state=waiting("ErrImageNeverPull", "not present")), {"k8s.never-pull"}),
    "a bad name": (
        lambda: pod(image=UPPER, state=waiting("InvalidImageName", "couldn't parse image name")),
        {"registry.invalid-reference"},
    ),
    "CRI-O, refused": (
        lambda: unavailable(f"{REFUSED}dial tcp 10.2.3.4:5000: connect: connection refused"),
        {"tcp.refused"},
    ),
    "CRI-O of old, no detail": (
        lambda: unavailable("."),
        {"tcp.refused", "registry.server-error"},
    ),
    "CRI-O, a signature": (
        lambda: pod(
            state=waiting(
                "SignatureValidationFailed",
                f"image pull failed for {IMAGE} because the signature validation failed: Source "
                "image rejected: A signature was required, but no signature exists",
            )
        ),
        {"client.blocked"},
    ),
    "CRI-O, no login": (
        lambda: pod(
            message="reading manifest 1.0 in registry.corp:5000/team/app: unauthorized: "
            "authentication required"
        ),
        {"auth.no-credentials"},
    ),
    "not ensured": (
        lambda: pod(state=waiting("ErrImageNotEnsured")),
        {"auth.no-credentials", "auth.denied-or-missing"},
    ),
    "the runtime is down": (
        lambda: pod(
            state=waiting(
                "ImageInspectError",
                f'Failed to inspect image "{IMAGE}": rpc error: code = Unavailable desc = '
                'connection error: desc = "transport: Error while dialing: dial unix '
                '/run/containerd/containerd.sock: connect: no such file or directory"',
            )
        ),
        {"client.not-running"},
    ),
    "a damaged store": (
        lambda: pod(
            state=waiting(
                "ImageInspectError",
                f'Failed to inspect image "{IMAGE}": rpc error: code = DeadlineExceeded desc = '
                "context deadline exceeded",
            )
        ),
        {"k8s.inspect-error"},
    ),
    "CRI-O, a name without registry": (
        lambda: pod(
            image=SHORT,
            state=waiting(
                "ImageInspectError",
                f'Failed to inspect image "{SHORT}": rpc error: code = Unknown desc = short name '
                f"mode is enforcing, but image name {SHORT} returns ambiguous list",
            ),
        ),
        {"registry.invalid-reference"},
    ),
    "a disk": (
        lambda: pod(message="failed to extract layer x: write /a: no space left on device"),
        {"client.no-space"},
    ),
    "a crash loop": (lambda: pod(state=waiting("CrashLoopBackOff", "back-off 5m0s")), set()),
    "exec format": (
        lambda: pod(
            state=waiting("RunContainerError", "exec /app: exec format error: no such file")
        ),
        set(),
    ),
    "a missing ConfigMap": (
        lambda: pod(state=waiting("CreateContainerConfigError", 'configmap "x" not found')),
        set(),
    ),
    "unscheduled": (lambda: pod(node="", state=waiting("")), set()),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_cause_is_the_one_that_an_expert_would_name(name: str) -> None:
    made, expected = SCENARIOS[name]
    part = look(cluster(made()))
    assert causes(part) == expected
    assert [p["images"] for p in part["pulls"]] in (
        [],
        [[IMAGE]],
        [[UPPER]],
        [[SHORT]],
    ), "the image that fails, and not the container's other one"


SANDBOXES = {
    "the docker shim": 'failed pulling image "k8s.gcr.io/pause:3.2": Error response from daemon: '
    'Get "https://k8s.gcr.io/v2/": dial tcp: lookup k8s.gcr.io: no such host',
    "CRI-O": 'error creating pod sandbox with name "k8s_web_shop_1_0": initializing source '
    "docker://k8s.gcr.io/pause:3.2: pinging container registry k8s.gcr.io: Get "
    '"https://k8s.gcr.io/v2/": dial tcp 10.1.2.3:443: i/o timeout',
    "a network plug-in": 'failed to setup network for sandbox "9f": plugin type="calico" failed '
    "(add): error getting ClusterInformation: connection is unauthorized: Unauthorized",
}


@pytest.mark.parametrize("who", SANDBOXES)
def test_a_sandbox_image_is_known_in_every_runtimes_words(who: str) -> None:
    said = f"Failed to create pod sandbox: rpc error: code = Unknown desc = {SANDBOXES[who]}"
    about = {"kind": "Pod", "namespace": "shop", "name": "web", "uid": "uid-shop-web"}
    told = {
        "metadata": {"name": "e", "namespace": "shop", "uid": "e"},
        "involvedObject": about,
        "reason": "FailedCreatePodSandBox",
        "message": said,
        "lastTimestamp": "2026-11-23T21:21:58Z",
    }
    part = look(cluster(pod(state=waiting("ContainerCreating")), events=[told]))
    images = [p["image"] for p in part["pulls"]]
    known = who != "a network plug-in"
    assert causes(part) == ({"k8s.sandbox-image"} if known else set())
    assert images == (["k8s.gcr.io/pause:3.2"] if known else [])


def two(first: dict[str, Any], other: dict[str, Any]) -> Recorded:
    secrets = [secret("one", auths=first), secret("other", auths=other)]
    return cluster(pod(secrets=("one", "other"), message=REJECTED), secrets=secrets)


def test_of_several_secrets_those_that_were_tried_are_blamed() -> None:
    """The kubelet tries all that match, so that each of them was refused."""
    stale = look(two(GOOD, {"registry.corp:5000/team": "bob:older-key-0815"}))
    assert [f["subject"] for f in stale["pulls"][0]["findings"] if f["root_cause"]] == [
        "shop/one",
        "shop/other",
    ]
    beside = look(two(GOOD, {"elsewhere.corp": "bob:older-key-0815"}))
    assert [f["subject"] for f in beside["pulls"][0]["findings"]] == ["shop/one"]


@pytest.mark.parametrize(
    ("owner", "kind"),
    [(("Job", "sync-1"), "CronJob"), (("StatefulSet", "db"), "StatefulSet"), (None, "Pod")],
)
def test_whoever_owns_the_pod_is_named(owner: tuple[str, str] | None, kind: str) -> None:
    above = {"kind": "CronJob", "name": "sync", "controller": True}
    meta = {"name": "sync-1", "namespace": "shop", "ownerReferences": [above]}
    part = look(cluster(pod(owner=owner, message=NO_LOGIN), jobs=[{"metadata": meta}]))
    assert [w["kind"] for w in part["pulls"][0]["workloads"]] == [kind]
