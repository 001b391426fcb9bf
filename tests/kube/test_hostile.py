"""One odd object never ends the diagnosis, and nothing that it holds is alive in the output."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.clients.keyring import Wanted
from doctor.pods import event, node, objects, pod, secret
from tests.kube.cluster import REJECTED, account, cluster, look
from tests.kube.cluster import pod as waits
from tests.kube.cluster import secret as made

Capture = pytest.CaptureFixture[str]
WANT = Wanted("registry.corp:5000", "team/app")
ODD: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"metadata": None},
    {"metadata": {"name": 7}},
    {"metadata": {"name": "a"}, "spec": [], "status": "x"},
    {"metadata": {"name": "b", "namespace": ["x"], "ownerReferences": "me"}},
    {"metadata": {"name": "c"}, "status": {"containerStatuses": {"a": 1}}},
    {"metadata": {"name": "d"}, "status": {"containerStatuses": [None, 1, {"state": []}]}},
    {"metadata": {"name": "e", "creationTimestamp": "yesterday"}, "spec": {"containers": [{}]}},
    {
        "metadata": {"name": "f/../../secrets", "namespace": "../x"},
        "spec": {"imagePullSecrets": [{"name": "../../../../version"}], "nodeName": "../../pods"},
        "status": {"initContainerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
    },
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("odd", ODD, ids=lambda o: json.dumps(o)[:40])
def test_an_odd_pod_costs_itself_alone(odd: Any, tmp_path: Path, capsys: Capture) -> None:
    there = cluster(odd, waits(), odd, secrets=[odd], nodes=[odd])
    there.objects["events"] = [odd]
    there.objects["serviceaccounts"].append(odd)
    found = look(there, tmp_path, capsys, "-A")
    assert found.exit == 1
    assert "auth.no-credentials" in found.causes
    assert all(".." not in path.replace("%2F", "").split("/") for path in found.requests)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
@given(anything, anything, anything)
def test_any_object_can_be_read(one: Any, two: Any, three: Any) -> None:
    for value in (
        {"metadata": one, "spec": two, "status": three},
        {"metadata": {"name": "a", "ownerReferences": one}, "spec": {"containers": two}},
        {"metadata": {"name": "a"}, "type": one, "data": two, "involvedObject": three},
        {"metadata": {"name": "a"}, "type": "kubernetes.io/dockercfg", "data": {".dockercfg": one}},
        {"involvedObject": {"kind": "Pod", "fieldPath": one}, "message": two, "series": three},
    ):
        pod.read(value)
        event.read(value)
        node.read(value)
        objects.owner(value)
        stored = secret.read(value)
        if stored:
            secret.weigh(stored, WANT)


def test_markup_and_control_characters_are_shown_and_not_obeyed(
    tmp_path: Path, capsys: Capture
) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe [bold]x[/] \r\n" + "A" * 2_000_000
    there = cluster(waits(message=evil), waits("two", reason="ErrImagePull\x1b[31m", message=evil))
    text = look(there, tmp_path, capsys, json_out=False).out
    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert len(text) < 40_000
    found = look(there, tmp_path, capsys)
    assert found.part["pods_failing"] == 2
    assert len(found.out) < 100_000


def test_owners_in_a_circle_end(tmp_path: Path, capsys: Capture) -> None:
    job = {"metadata": {"name": "j", "namespace": "shop", "ownerReferences": [
        {"kind": "Job", "name": "j", "uid": "1", "controller": True}]}}  # fmt: skip
    found = look(cluster(waits(owner=("Job", "j")), jobs=[job]), tmp_path, capsys)
    assert found.part["pulls"][0]["workloads"][0]["kind"] == "Job"


def huge(count: int, **last: Any) -> dict[str, Any]:
    auths: dict[str, Any] = {f"r{n}.example": f"user{n}:key-of-{n}" for n in range(count)}
    return made(auths={**auths, **last})


def test_a_secret_with_ten_thousand_entries_is_weighed_by_those_that_matter(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(waits(secrets=("pull",), message=REJECTED))
    there.add("secrets", huge(10_000, **{"registry.corp:5000": "ann:wrong-key-0815"}))
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-rejected"]
    assert "wrong-key-0815" not in found.out
    assert found.report["duration_ms"] < 20_000


def test_of_ten_thousand_entries_one_that_is_broken_spoils_all(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(waits(secrets=("pull",), reason="illegal base64 data at input byte 0"))
    there.add("secrets", huge(10_000, **{"zz.example": {"auth": "%%%"}}))
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-malformed"]
    assert "zz.example" in found.finding("k8s.secret-malformed")["detail"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({".dockerconfigjson": "%%%"}, "k8s.secret-malformed"),
        ({".dockerconfigjson": 7}, "k8s.secret-malformed"),
        ({".dockerconfigjson": base64.b64encode(b"\xff\xfe").decode()}, "k8s.secret-malformed"),
        ({".dockerconfigjson": base64.b64encode(b"[" * 9000).decode()}, "k8s.secret-malformed"),
        ({".dockerconfigjson": ""}, "k8s.secret-wrong-type"),
        ([], "k8s.secret-wrong-type"),
        (None, "k8s.secret-wrong-type"),
    ],
)
def test_what_is_no_pull_secret_is_told(
    data: Any, code: str, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(waits(secrets=("pull",)), secrets=[{**made(), "data": data}])
    assert look(there, tmp_path, capsys).causes == [code]


def test_no_value_of_any_secret_is_in_any_output(tmp_path: Path, capsys: Capture) -> None:
    password, token = "cAnary-pass-0815-xyz", "cAnary-opaque-4711-abc"
    pair = f"ann:{password}"
    auth = base64.b64encode(pair.encode()).decode()
    there = cluster(
        waits("one", secrets=("pull",), message=f"{REJECTED} for {password}"),
        waits("two", secrets=("odd",), message=REJECTED),
        waits("three", secrets=("plain",), message=f"{REJECTED} {auth}"),
        secrets=[
            made(auths={"registry.corp:5000": pair}),
            made("odd", kind="Opaque", key="password", auths={"x": token}),
            made("plain", auths={"registry.corp": {"username": "ann", "password": password}}),
        ],
        serviceaccounts=[account()],
    )
    there.objects["secrets"][1]["data"]["token"] = base64.b64encode(token.encode()).decode()
    for json_out in (True, False):
        found = look(there, tmp_path, capsys, "--verbose", json_out=json_out)
        said = found.out + found.err
        for secret_value in (password, token, auth, base64.b64encode(token.encode()).decode()):
            assert secret_value not in said
