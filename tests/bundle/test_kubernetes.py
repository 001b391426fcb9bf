"""Of a cluster's objects what a pull depends on goes along: of a Secret type, keys and hosts."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from doctor.bundle.archive import fits
from doctor.bundle.contents import Surroundings, contents
from doctor.bundle.kubernetes import file_name, masked
from doctor.bundle.masking import Mask
from doctor.model import Report
from tests.bundle.test_evidence import PAIR, diagnosed

SECRET = "hunter2-Kx8vQ4mZ"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LOGIN = {
    "auths": {"registry.corp:5000": {"auth": packed(f"bob:{SECRET}")}, f"bob:{SECRET}@x.corp": {}}
}
PULL_SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/dockerconfigjson",
    "metadata": {
        "name": "regcred",
        "namespace": "shop",
        "uid": "1-2",
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": packed(SECRET)})
        },
        "labels": {"x": SECRET},
        "managedFields": [{"manager": SECRET}],
    },
    "data": {".dockerconfigjson": packed(json.dumps(LOGIN)), "odd": "*not base64*", "none": None},
    "stringData": {"password": SECRET},
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web-1", "namespace": "shop", "annotations": {"note": SECRET}},
    "spec": {
        "nodeName": "node-1",
        "imagePullSecrets": [{"name": "regcred"}],
        "containers": [
            {
                "name": "app",
                "image": "registry.corp:5000/shop/web:1",
                "env": [{"name": "PASSWORD", "value": SECRET}],
                "args": [f"--token={SECRET}"],
                "command": [SECRET],
                "lifecycle": {"postStart": {"exec": {"command": [SECRET]}}},
            }
        ],
        "volumes": [{"name": "v", "csi": {"volumeAttributes": {"key": SECRET}}}],
    },
    "status": {
        "containerStatuses": [
            {
                "name": "app",
                "state": {
                    "waiting": {
                        "reason": "ImagePullBackOff",
                        "message": f"pull https://bob:{SECRET}@registry.corp:5000 failed",
                    }
                },
            }
        ]
    },
}


def test_of_a_secret_its_type_its_keys_and_its_hosts() -> None:
    mask = Mask()
    found = masked(PULL_SECRET, mask)
    assert found == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "regcred", "namespace": "shop", "uid": "1-2"},
        "type": "kubernetes.io/dockerconfigjson",
        "keys": {
            ".dockerconfigjson": {
                "bytes": len(json.dumps(LOGIN)),
                "hosts": ["registry.corp:5000", "x.corp"],
            },
            "none": {"bytes": 0, "hosts": []},
            "odd": {"bytes": 0, "hosts": []},
            "password": {"bytes": len(SECRET), "hosts": []},
        },
    }
    assert mask.taken() == {"value of a setting that holds a secret": 4}


def test_of_a_pod_what_a_pull_depends_on() -> None:
    found = masked(POD, Mask())
    assert SECRET not in json.dumps(found)
    assert found["spec"]["imagePullSecrets"] == [{"name": "regcred"}]
    assert found["spec"]["containers"] == [
        {"name": "app", "image": "registry.corp:5000/shop/web:1"}
    ]
    waiting = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {
        "reason": "ImagePullBackOff",
        "message": "pull https://bob:[hidden]@registry.corp:5000 failed",
    }


@pytest.mark.parametrize(
    "odd", [{}, {"kind": 7}, {"kind": "Secret", "data": []}, {"metadata": "x"}, {"spec": [[[1]]]}]
)
def test_an_odd_object_is_no_fault(odd: dict[str, Any]) -> None:
    assert isinstance(masked(odd, Mask()), dict)
    assert fits(file_name(odd))


def test_a_nest_without_end_ends() -> None:
    nest: dict[str, Any] = {}
    for _ in range(2000):
        nest = {"spec": nest}
    assert len(json.dumps(masked(nest, Mask()))) < 2000


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x" * 500, "ü\n", ""])
def test_a_name_that_leads_elsewhere_does_not(name: str) -> None:
    file = file_name({"kind": "Pod", "metadata": {"namespace": "../..", "name": name}})
    assert file.startswith("kubernetes/Pod/")
    assert ".." not in file.split("/")
    assert file.count("/") == 3


def test_they_stand_in_the_bundle() -> None:
    begun = diagnosed(*PAIR)
    report = Report((begun,), begun.target.now, 1.0, begun.verdict)
    around = Surroundings({}, objects=(PULL_SECRET, POD))
    made = contents(report, around, lambda document, form: json.dumps(document), ["json"])
    assert "kubernetes/Secret/shop/regcred.json" in made.files
    assert "kubernetes/Pod/shop/web-1.json" in made.files
    assert SECRET.encode() not in b"".join(made.files.values())
    assert packed(SECRET).encode() not in b"".join(made.files.values())
