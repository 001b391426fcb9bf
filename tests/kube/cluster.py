"""Small clusters for tests, and the command run against them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from doctor import cli
from tests.kube.api import Recorded, kubeconfig, serving
from tests.report.test_schema import VALIDATOR

IMAGE = "registry.corp:5000/team/app:1.0"
NO_LOGIN = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve image: pull access denied, '
    "repository does not exist or may require authorization: authorization failed: no basic auth "
    "credentials"
)
REJECTED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve image: unexpected status from '
    "HEAD request to https://registry.corp:5000/v2/team/app/manifests/1.0: 401 Unauthorized"
)


def pod(
    name: str = "web",
    *,
    namespace: str = "shop",
    image: str = IMAGE,
    reason: str = "ImagePullBackOff",
    message: str | None = NO_LOGIN,
    secrets: tuple[str, ...] = (),
    account: str = "default",
    owner: tuple[str, str] | None = None,
    node: str = "node-1",
    state: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A pod whose one container waits."""
    said = message and f'Back-off pulling image "{image}": ErrImagePull: {message}'
    waiting = {"waiting": {"reason": reason, **({"message": said} if said else {})}}
    owners = [
        {"kind": owner[0], "name": owner[1], "uid": f"uid-{owner[1]}", "controller": True}
        for _ in range(1)
        if owner
    ]
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "creationTimestamp": "2026-11-23T21:20:58Z",
            "ownerReferences": owners,
            **metadata,
        },
        "spec": {
            "serviceAccountName": account,
            "nodeName": node,
            "imagePullSecrets": [{"name": each} for each in secrets],
            "containers": [{"name": "app", "image": image, "imagePullPolicy": "IfNotPresent"}],
        },
        "status": {
            "phase": "Pending",
            "containerStatuses": [{"name": "app", "image": image, "state": state or waiting}],
        },
    }


def secret(
    name: str = "pull",
    *,
    namespace: str = "shop",
    auths: Any = None,
    kind: str = "kubernetes.io/dockerconfigjson",
    key: str = ".dockerconfigjson",
    **metadata: Any,
) -> dict[str, Any]:
    """A pull Secret; `auths` maps a registry to user:password."""
    packed = {
        host: {"auth": base64.b64encode(pair.encode()).decode()} if isinstance(pair, str) else pair
        for host, pair in (auths or {}).items()
    }
    content = json.dumps({"auths": packed})
    return {
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "type": kind,
        "data": {key: base64.b64encode(content.encode()).decode()},
    }


def account(name: str = "default", namespace: str = "shop", *secrets: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "imagePullSecrets": [{"name": each} for each in secrets],
    }


def cluster(*pods: Any, **others: Any) -> Recorded:
    """A cluster of these pods, with a node and the namespace's default account."""
    objects: dict[str, list[Any]] = {
        "pods": list(pods),
        "serviceaccounts": [account()],
        "namespaces": [{"metadata": {"name": "shop"}}],
        "nodes": [
            {
                "metadata": {"name": "node-1"},
                "status": {
                    "nodeInfo": {
                        "containerRuntimeVersion": "containerd://2.1.4",
                        "operatingSystem": "linux",
                        "architecture": "amd64",
                    }
                },
            }
        ],
    }
    return Recorded({**objects, **{kind: list(items) for kind, items in others.items()}})


@dataclass(frozen=True)
class Looked:
    """What a run came to."""

    exit: int
    out: str
    err: str
    requests: list[str]

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        VALIDATOR.validate(found)
        return found

    @property
    def part(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["kubernetes"]
        return found

    @property
    def causes(self) -> list[str]:
        return [code for pull in self.part["pulls"] for code in pull["root_causes"]]

    def finding(self, code: str) -> dict[str, Any]:
        """The finding of that code, of a pull or of the cluster."""
        all_of = [*self.part["findings"], *(f for p in self.part["pulls"] for f in p["findings"])]
        found: dict[str, Any] = next(f for f in all_of if f["code"] == code)
        return found


def look(
    recorded: Recorded,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *words: str,
    json_out: bool = True,
    namespace: str = "shop",
    **user: Any,
) -> Looked:
    """Run `doctor k8s` on a served cluster."""
    with serving(recorded, folder) as server:
        config = kubeconfig(folder, server, namespace, **user)
        shape = ("--json",) if json_out else ()
        code = cli.main(["k8s", *shape, "--kubeconfig", str(config), *words])
    said = capsys.readouterr()
    return Looked(code, said.out, said.err, recorded.requests)
