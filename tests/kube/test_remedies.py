"""The first remedy's commands, as they are printed, carried out in order: then the kubelet has the
right credential for the image."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from doctor.clients.keyring import Wanted
from doctor.pods import secret as secrets
from tests.kube.api import Recorded
from tests.kube.cluster import NO_LOGIN, REJECTED, account, cluster, look, pod, secret
from tests.kube.test_recordings import RECORDINGS

Capture = pytest.CaptureFixture[str]
KEY = "fresh-key-of-ann-4711"
OWNED = {
    "Deployment": ("ReplicaSet", "web-7c9"),
    "StatefulSet": ("StatefulSet", "web"),
    "DaemonSet": ("DaemonSet", "web"),
    "Pod": None,
}


def carry_out(finding: Any, objects: dict[str, list[Any]], folder: Path) -> dict[str, list[Any]]:
    """The objects after the commands of the finding's first remedy."""
    state, programs = folder / "state.json", folder / "bin"
    state.write_text(json.dumps(objects))
    programs.mkdir(exist_ok=True)
    kubectl = programs / "kubectl"
    hands = Path(__file__).parent / "hands.py"
    words = " ".join(map(shlex.quote, (sys.executable, str(hands), str(state))))
    kubectl.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    kubectl.chmod(0o755)
    (folder / "key").write_text(f"{KEY}\n")
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = False
    for step in finding["remedies"][0]["steps"]:
        if step["command"] and step["changes"]:
            assert KEY not in step["command"]
            command = step["command"].replace("API_KEY_FILE", "key").replace("USER_NAME", "ann")
            subprocess.run(["sh", "-ec", command], cwd=folder, env=environ, check=True)
            done = True
    assert done
    found: dict[str, list[Any]] = json.loads(state.read_text())
    return found


def users(objects: dict[str, list[Any]], image: str) -> list[tuple[str, str]]:
    """User and key that the kubelet has for the image of the only pod, in its order."""
    (one,) = objects["pods"]
    domain, _, path = image.partition("/")
    want = Wanted(domain, path.rpartition(":")[0])
    named = [each["name"] for each in one["spec"].get("imagePullSecrets", ())]
    there = {s["metadata"]["name"]: s for s in objects["secrets"]
             if s["metadata"]["namespace"] == one["metadata"]["namespace"]}  # fmt: skip
    weighed = []
    for name in named:
        stored = secrets.read(there[name])
        assert stored is not None
        weighed.append(secrets.weigh(stored, want))
        assert not weighed[-1].seen.flaw
    found = secrets.held(weighed, want)
    return [(each.credential.user, each.credential.secret.reveal()) for each in found]


FRESH = ("ann", KEY)
BOB = ("bob", "old")


@pytest.mark.parametrize("kind", OWNED)
@pytest.mark.parametrize(
    ("named", "of_account", "stored", "message", "expected"),
    [
        ((), (), {}, NO_LOGIN, FRESH),
        ((), (), {"good": {"registry.corp:5000": "bob:old"}}, NO_LOGIN, BOB),
        ((), ("good",), {"good": {"registry.corp:5000": "bob:old"}}, NO_LOGIN, BOB),
        (("a",), ("good",), {"a": {"x.corp": "u:p"}, "good": {"registry.corp:5000": "bob:old"}},
         NO_LOGIN, BOB),
        (("a",), (), {}, NO_LOGIN, FRESH),
        (("a",), (), {"a": {"registry.corp": "bob:old"}}, NO_LOGIN, BOB),
        (("a",), (), {"a": {"other.corp": "u:p"}}, NO_LOGIN, FRESH),
        (("a",), (), {"a": {"registry.corp:5000": "bob:old"}}, REJECTED, FRESH),
        (("a",), (), {"a": {}}, NO_LOGIN, FRESH),
    ],
)  # fmt: skip
def test_the_first_remedy_gives_the_pod_the_right_credential(
    kind: str,
    named: tuple[str, ...],
    of_account: tuple[str, ...],
    stored: dict[str, dict[str, str]],
    message: str,
    expected: tuple[str, str],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    one = pod(
        secrets=named, message=message, owner=OWNED[kind], labels={"pod-template-hash": "7c9"}
    )
    template = {"spec": {"template": {"spec": {"imagePullSecrets": [{"name": n} for n in named]}}}}
    there = cluster(
        one,
        secrets=[secret(name, auths=auths) for name, auths in stored.items()],
        serviceaccounts=[account("default", "shop", *of_account)],
        **{f"{kind.lower()}s": [{"metadata": {"name": "web", "namespace": "shop"}, **template}]}
        if OWNED[kind]
        else {},
    )
    found = look(there, tmp_path, capsys)
    causes = [f for f in found.part["pulls"][0]["findings"] if f["root_cause"]]
    after = carry_out(causes[0], there.objects, tmp_path)
    assert users(after, "registry.corp:5000/team/app:1.0")[0] == expected


OF_SECRETS = (
    *("no-secret", "sa-secret-added-later", "sa-secret-missing", "secret-auth-bad-base64"),
    *("secret-auth-mismatch", "secret-auth-no-colon", "secret-auths-not-object", "mixed"),
    *("secret-cred-helper", "secret-empty-auths", "secret-key-no-port", "secret-key-path-other"),
    *("secret-key-wrong-host", "secret-malformed-json", "secret-missing", "token-wrong-password"),
    *("secret-no-auths-wrapper", "secret-opaque-userpass", "wrong-password"),
)


@pytest.mark.parametrize("name", OF_SECRETS)
@pytest.mark.parametrize("generation", ["c16", "c24"])
def test_the_first_remedy_of_a_recording_does_too(
    generation: str, name: str, tmp_path: Path, capsys: Capture
) -> None:
    there = Recorded.of(RECORDINGS / generation / f"{name}.json")
    there.objects.setdefault("secrets", [])
    found = look(there, tmp_path, capsys, "-A")
    pull = next(p for p in found.part["pulls"] if p["root_causes"][0][:4] in ("k8s.", "auth"))
    failing = pull["workloads"][0]["name"]
    there.objects["pods"] = [p for p in there.objects["pods"] if p["metadata"]["name"] == failing]
    finding = next(f for f in pull["findings"] if f["root_cause"])
    after = carry_out(finding, there.objects, tmp_path)
    assert users(after, pull["image"])


@pytest.mark.parametrize("readable", [True, False])
def test_what_a_service_account_lists_stays(
    readable: bool, tmp_path: Path, capsys: Capture
) -> None:
    """An ordinary patch replaces its list as a whole."""
    hub = secret("hub", auths={"https://index.docker.io/v1/": "u:p"})
    there = cluster(
        pod(owner=("Job", "sync")),
        secrets=[hub],
        serviceaccounts=[account("default", "shop", "hub")],
    )
    if not readable:
        there.forbidden.add(("get", "serviceaccounts", None))
    found = look(there, tmp_path, capsys).finding("auth.no-credentials")
    after = carry_out(found, there.objects, tmp_path)
    (kept,) = after["serviceaccounts"]
    assert [s["name"] for s in kept["imagePullSecrets"]] == ["hub", "pull-registry-corp-5000"]
    assert users(after, "registry.corp:5000/team/app:1.0") == [FRESH]


@pytest.mark.parametrize(
    ("code", "stored", "message"),
    [
        ("k8s.secret-wrong-host", {"auths": {"registry.corp": "bob:old"}}, NO_LOGIN),
        ("k8s.secret-wrong-host", {"auths": {"other.corp": "u:p"}}, NO_LOGIN),
        ("k8s.secret-malformed", {"auths": {"registry.corp:5000": {"auth": "!"}}}, NO_LOGIN),
        ("k8s.secret-rejected", {"auths": {"registry.corp:5000": "bob:old"}}, REJECTED),
        ("k8s.secret-wrong-type",
         {"auths": {"registry.corp:5000": "bob:old"}, "kind": "Opaque", "key": "config.json"},
         NO_LOGIN),
    ],
)  # fmt: skip
def test_a_pull_secret_that_is_mended_keeps_what_is_not_at_fault(
    code: str, stored: dict[str, Any], message: str, tmp_path: Path, capsys: Capture
) -> None:
    """Labels that select it, annotations that tools go by, its owner, data that others mount."""
    marks: dict[str, Any] = {
        "labels": {"team": "shop"},
        "annotations": {"reloader/match": "true"},
        "ownerReferences": [{"kind": "App", "name": "shop", "uid": "u-1"}],
    }
    one = secret("a", **stored, **marks)
    one["data"]["note"] = "a2VwdA=="
    there = cluster(pod(secrets=("a",), message=message), secrets=[one])
    found = look(there, tmp_path, capsys).finding(code)
    after = carry_out(found, there.objects, tmp_path)
    (mended,) = after["secrets"]
    assert {name: mended["metadata"].get(name) for name in marks} == marks
    assert mended["data"]["note"] == "a2VwdA=="
    assert users(after, "registry.corp:5000/team/app:1.0")


@pytest.mark.parametrize("immutable", [True, False])
@pytest.mark.parametrize(
    ("auths", "message"),
    [({"registry.corp": "bob:old"}, NO_LOGIN), ({"registry.corp:5000": "bob:old"}, REJECTED),
     ({"registry.corp:5000": {"auth": "!"}}, NO_LOGIN)],
)  # fmt: skip
def test_an_immutable_secret_is_made_anew_and_another_is_not(
    auths: dict[str, Any], message: str, immutable: bool, tmp_path: Path, capsys: Capture
) -> None:
    """The API server refuses to change one."""
    mine = secret("a", auths=auths)
    mine["immutable"] = immutable
    there = cluster(pod(secrets=("a",), message=message), secrets=[mine])
    found = look(there, tmp_path, capsys)
    causes = [f for f in found.part["pulls"][0]["findings"] if f["root_cause"]]
    assert ("replace --force" in commands(causes[0])) is immutable
    after = carry_out(causes[0], there.objects, tmp_path)
    assert users(after, "registry.corp:5000/team/app:1.0")


def test_a_fresh_ecr_token_takes_the_place_of_the_old_one(tmp_path: Path, capsys: Capture) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0"
    mine = secret(
        "ecr", auths={image.partition("/")[0]: "AWS:old"}, creationTimestamp="2026-01-01T00:00:00Z"
    )
    refused = (
        "unexpected status from HEAD request to https://"
        f"{image.replace('/team', '/v2/team').replace(':1.0', '/manifests/1.0')}: 403 Forbidden"
    )
    there = cluster(pod(image=image, secrets=("ecr",), message=refused), secrets=[mine])
    found = look(there, tmp_path, capsys).finding("k8s.secret-rejected")
    told = f'[ "$*" = "ecr get-login-password --region eu-west-1" ] && echo {KEY}'
    (tmp_path / "bin").mkdir()
    for name, does in (("aws", told), ("python3", f'exec {sys.executable} "$@"')):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    after = carry_out(found, there.objects, tmp_path)
    assert users(after, image) == [("AWS", KEY)]


def commands(finding: Any) -> str:
    return "\n".join(s["command"] or "" for r in finding["remedies"] for s in r["steps"])


@pytest.mark.parametrize("stored", [[], [secret("good", auths={"registry.corp:5000": "u:p"})]])
def test_a_static_pod_is_mended_in_its_file_and_nowhere_else(
    stored: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    """It gets nothing of its account, and to delete its mirror restarts nothing."""
    static = pod("proxy-node-1", owner=("Node", "node-1"), namespace="shop")
    there = cluster(static, secrets=stored, serviceaccounts=[account("default", "shop", "good")])
    found = look(there, tmp_path, capsys)
    code = "k8s.secret-not-referenced" if stored else "auth.no-credentials"
    assert found.causes == [code]
    assert found.part["pulls"][0]["workloads"][0]["kind"] == "Pod"
    said = commands(found.finding(code))
    assert "/etc/kubernetes/manifests" in said
    assert "delete pod" not in said
    assert "replace --force" not in said
    assert "serviceaccount" not in said
    assert not there.asked("serviceaccounts")
