"""What decides between causes that read alike: the Secrets, the account, the events, the nodes."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kube.cluster import IMAGE, NO_LOGIN, REJECTED, account, cluster, look, pod, secret

pytestmark = pytest.mark.usefixtures("nothing_known")

Capture = pytest.CaptureFixture[str]
GOOD = {"registry.corp:5000": "ann:key-of-ann-0815"}
DENIED = NO_LOGIN.replace(
    "no basic auth credentials", "server message: insufficient_scope: authorization failed"
)


def event(reason: str, message: str, name: str = "web", *, ago: float = 60, **more: Any) -> Any:
    moment = (datetime.now().astimezone() - timedelta(seconds=ago)).isoformat()
    return {
        "metadata": {
            "name": f"{reason}{ago}{name}",
            "namespace": "shop",
            "uid": f"{reason}{ago}{name}",
        },
        "involvedObject": {
            "kind": "Pod",
            "namespace": "shop",
            "name": name,
            "uid": f"uid-shop-{name}",
            "fieldPath": "spec.containers{app}",
        },
        "reason": reason,
        "message": message,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        **more,
    }


@pytest.mark.parametrize(
    ("named", "of_account", "there", "cause"),
    [
        ((), (), [], "auth.no-credentials"),
        ((), (), [secret("good", auths=GOOD)], "k8s.secret-not-referenced"),
        ((), (), [secret("good", auths={"other.corp": "u:p"})], "auth.no-credentials"),
        ((), (), [secret("good", auths=GOOD, namespace="other")], "auth.no-credentials"),
        ((), ("good",), [secret("good", auths=GOOD)], "k8s.pod-predates-secret"),
        (("a",), ("good",), [secret("a", auths={"x.corp": "u:p"}), secret("good", auths=GOOD)],
         "k8s.service-account-shadowed"),
        (("a",), (), [], "k8s.secret-missing"),
        (("a",), (), [secret("a", auths={"registry.corp": "u:p"})], "k8s.secret-wrong-host"),
        (("a",), (), [secret("a", auths={"x.corp": "u:p"})], "k8s.secret-wrong-host"),
        (("a",), (), [secret("a", auths=GOOD, kind="Opaque")], "k8s.secret-wrong-type"),
        (("a",), (), [secret("a", auths=GOOD, key="config.json")], "k8s.secret-wrong-type"),
        (("a",), (), [secret("a", auths={})], "k8s.secret-malformed"),
        (("a", "b"), (), [secret("a", auths={"x": {"auth": "%"}}), secret("b", auths=GOOD)],
         "k8s.secret-malformed"),
    ],
)  # fmt: skip
def test_why_the_kubelet_has_no_credential(
    named: tuple[str, ...],
    of_account: tuple[str, ...],
    there: list[Any],
    cause: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    found = look(
        cluster(
            pod(secrets=named),
            secrets=there,
            serviceaccounts=[account("default", "shop", *of_account)],
        ),
        tmp_path,
        capsys,
    )
    assert found.causes == [cause]
    assert "key-of-ann" not in found.out


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (REJECTED, ["k8s.secret-rejected"]),
        (DENIED, ["auth.denied-or-missing", "auth.forbidden"]),
    ],
)
def test_a_credential_that_matches_is_rejected_or_lacks_a_right(
    message: str, cause: list[str], tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("a",), message=message), secrets=[secret("a", auths=GOOD)])
    assert look(there, tmp_path, capsys).causes == cause


def test_where_a_missing_secret_does_exist_the_remedy_copies_it(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("pull",)), secrets=[secret("pull", namespace="ops", auths=GOOD)])
    found = look(there, tmp_path, capsys).finding("k8s.secret-missing")
    assert found["evidence"]["found_in"] == ["ops"]
    assert found["remedies"][0]["title"] == "Copy Secret pull from namespace ops to shop"


def test_a_misspelt_name_is_recognised(tmp_path: Path, capsys: Capture) -> None:
    owner = ("ReplicaSet", "web-7c9")
    one = pod(secrets=("registry-cred",), owner=owner, labels={"pod-template-hash": "7c9"})
    there = cluster(one, secrets=[secret("registry-creds", auths=GOOD)])
    found = look(there, tmp_path, capsys).finding("k8s.secret-missing")
    assert any("Secret registry-creds, which exists" in r["title"] for r in found["remedies"])


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"ownerReferences": [{"kind": "SealedSecret", "name": "pull"}]}, "SealedSecret pull"),
        ({"ownerReferences": [{"kind": "ExternalSecret", "name": "regs"}]}, "ExternalSecret regs"),
        ({"ownerReferences": [{"kind": "VaultStaticSecret", "name": "v"}]}, "VaultStaticSecret v"),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm release shop"),
        ({}, ""),
    ],
)
def test_what_writes_the_secret_is_where_it_is_mended(
    metadata: dict[str, Any], says: str, tmp_path: Path, capsys: Capture
) -> None:
    mine = secret("a", auths=GOOD, **metadata)
    there = cluster(pod(secrets=("a",), message=REJECTED), secrets=[mine])
    first = look(there, tmp_path, capsys).finding("k8s.secret-rejected")["remedies"][0]
    assert first["title"].startswith(f"Put it right in {says}," if says else "Put a fresh")
    if says:
        kind, name = says.rsplit(" ", 1)
        shown = f" get {kind.lower()} {name} --namespace shop --output=yaml"
        command = first["steps"][0]["command"]
        assert command is None if " " in kind else command.endswith(shown)


def test_an_old_kubelets_bare_message_is_filled_from_the_events(
    tmp_path: Path, capsys: Capture
) -> None:
    failed = event("Failed", f'Failed to pull image "{IMAGE}": {NO_LOGIN}')
    there = cluster(pod(message=None), events=[failed, event("BackOff", "Back-off", ago=10)])
    there.objects["newer-events"] = [
        {**{k: v for k, v in failed.items() if k not in ("involvedObject", "message")},
         "regarding": failed["involvedObject"], "note": failed["message"]}
    ]  # fmt: skip
    found = look(there, tmp_path, capsys)
    assert found.causes == ["auth.no-credentials"]
    assert found.part["pulls"][0]["evidence_from"] == "event"
    assert found.part["pulls"][0]["newest"]


def test_what_only_a_sibling_still_says_counts(tmp_path: Path, capsys: Capture) -> None:
    owner = ("ReplicaSet", "web-1")
    there = cluster(pod("a", owner=owner, message=None), pod("b", owner=owner))
    found = look(there, tmp_path, capsys)
    assert found.causes == ["auth.no-credentials"]
    assert found.part["pulls"][0]["pods"] == 2


def test_without_any_words_the_cause_is_unknown_and_never_guessed(
    tmp_path: Path, capsys: Capture
) -> None:
    found = look(cluster(pod(message=None)), tmp_path, capsys)
    assert found.causes == ["k8s.cause-unknown"]
    found = look(cluster(pod(message="the moon is in the wrong house")), tmp_path, capsys)
    assert found.causes == ["k8s.cause-unknown"]


CREATING = {"waiting": {"reason": "ContainerCreating"}}


@pytest.mark.parametrize(("ago", "causes"), [(600, ["k8s.pull-stalled"]), (30, [])])
def test_a_pull_that_hangs_is_told_after_minutes(
    ago: float, causes: list[str], tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(
        pod(state=CREATING), events=[event("Pulling", f'Pulling image "{IMAGE}"', ago=ago)]
    )
    assert look(there, tmp_path, capsys).causes == causes


def test_a_pull_that_ended_does_not_hang(tmp_path: Path, capsys: Capture) -> None:
    events = [
        event("Pulling", f'Pulling image "{IMAGE}"', ago=600),
        event("Pulled", "Pulled", ago=500),
    ]
    found = look(cluster(pod(state=CREATING), events=events), tmp_path, capsys)
    assert (found.exit, found.causes) == (0, [])


def test_the_sandbox_image_is_one_cause_for_all_pods(tmp_path: Path, capsys: Capture) -> None:
    said = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox "
        "image "
        '"registry.k8s.io/pause:3.9": failed to pull image "registry.k8s.io/pause:3.9": dial tcp: '
        "lookup registry.k8s.io: no such host"
    )
    events = [event("FailedCreatePodSandBox", said, name) for name in ("a", "b")]
    found = look(
        cluster(pod("a", state=CREATING), pod("b", state=CREATING), events=events), tmp_path, capsys
    )
    assert found.causes == ["k8s.sandbox-image"]
    assert found.part["pulls"][0]["pods"] == 2


def test_init_containers_and_image_volumes_are_named_as_what_they_are(
    tmp_path: Path, capsys: Capture
) -> None:
    one = pod("init", state=CREATING)
    one["spec"]["initContainers"] = [{"name": "prepare", "image": IMAGE}]
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": NO_LOGIN}}
    one["status"]["initContainerStatuses"] = [{"name": "prepare", "state": waiting}]
    two = pod("volume", image="other.corp/app:1", message=None)
    two["spec"]["volumes"] = [{"name": "v", "image": {"reference": IMAGE}}]
    two["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = (
        f'Back-off pulling image "{IMAGE}": ErrImagePull: {NO_LOGIN}'
    )
    found = look(cluster(one, two), tmp_path, capsys)
    assert found.causes == ["auth.no-credentials"]
    (pull,) = found.part["pulls"]
    assert (pull["images"], pull["pods"]) == ([IMAGE], 2)
    assert [c for w in pull["workloads"] for c in w["containers"]] == ["prepare", "app"]


MODEL = "registry.corp:5000/models/llm:1"
GONE = f'failed to pull and unpack image "{MODEL}": failed to resolve image: {MODEL}: not found'


@pytest.mark.parametrize(
    ("after", "images"), [((), [MODEL]), (("Pulled", f'Successfully pulled image "{MODEL}"'), [])]
)
def test_an_image_of_a_volume_of_which_only_an_event_tells(
    after: tuple[str, ...], images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    one = pod(state=CREATING)
    one["spec"]["volumes"] = [{"name": "v", "image": {"reference": MODEL}}]
    events = [event("Failed", f'Failed to pull image "{MODEL}": {GONE}')]
    events += [event(*after, ago=5)] if after else []
    for each in events:
        del each["involvedObject"]["fieldPath"]
    found = look(cluster(one, events=events), tmp_path, capsys)
    assert [i for pull in found.part["pulls"] for i in pull["images"]] == images
    if images:
        assert "registry.manifest-unknown" in found.causes


def test_a_volume_that_is_not_mounted_is_named_and_not_the_containers_image(
    tmp_path: Path, capsys: Capture
) -> None:
    waiting = {"reason": "ImageVolumeMountFailed", "message": "ImageVolumeMountFailed: no such"}
    one = pod(state={"waiting": waiting})
    one["spec"]["volumes"] = [{"name": "v", "image": {"reference": MODEL}}]
    assert look(cluster(one), tmp_path, capsys).part["pulls"][0]["images"] == [MODEL]


@pytest.mark.parametrize(
    ("key", "shown", "renamed"),
    [
        ("registry.corp:5000/other", "registry.corp:5000/other (it is for other", False),
        ("registry.corp:5000/team/app:1.0", "registry.corp:5000/team/app:1.0 (a tag or", True),
        ("registry.corp:5000 ", '"registry.corp:5000 " (it holds white space)', True),
        ("https://registry.corp:5000/v2", "https://registry.corp:5000/v2 (", True),
        ("x.corp", "x.corp;", False),
    ],
)
def test_a_key_that_does_not_match_is_renamed_only_where_it_is_meant_for_the_image(
    key: str, shown: str, renamed: bool, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("a",)), secrets=[secret("a", auths={key: "ann:key-0815"})])
    found = look(there, tmp_path, capsys).finding("k8s.secret-wrong-host")
    assert f"holds a credential for {shown}" in found["detail"]
    titles = [r["title"] for r in found["remedies"]]
    assert any(t.startswith("Write the credential of") for t in titles) is renamed


@pytest.mark.parametrize(("password", "said"), [("wrong-0815\n", True), ("wrong-0815", False)])
def test_a_newline_in_a_password_is_told_and_the_password_is_not(
    password: str, said: bool, tmp_path: Path, capsys: Capture
) -> None:
    mine = secret("a", auths={"registry.corp:5000": f"ann:{password}"})
    found = look(cluster(pod(secrets=("a",), message=REJECTED), secrets=[mine]), tmp_path, capsys)
    detail = found.finding("k8s.secret-rejected")["detail"]
    assert ("secret ends with a newline, which is sent along" in detail) is said
    assert "wrong-0815" not in found.out


def test_an_old_pull_secret_with_the_layout_of_the_new_one_is_malformed(
    tmp_path: Path, capsys: Capture
) -> None:
    old = secret("a", auths=GOOD, kind="kubernetes.io/dockercfg", key=".dockercfg")
    found = look(cluster(pod(secrets=("a",)), secrets=[old]), tmp_path, capsys)
    assert found.causes == ["k8s.secret-malformed"]
    assert "has a level `auths`" in found.finding("k8s.secret-malformed")["detail"]


@pytest.mark.parametrize(("kind", "moves"), [("DaemonSet", False), ("ReplicaSet", True)])
def test_an_image_without_a_build_for_some_nodes_is_bound_to_the_others(
    kind: str, moves: bool, tmp_path: Path, capsys: Capture
) -> None:
    said = (
        f'failed to pull and unpack image "{IMAGE}": no match for platform in manifest: not found'
    )
    owned: dict[str, Any] = {"owner": (kind, "web-7c9"), "labels": {"pod-template-hash": "7c9"}}
    there = cluster(
        pod("a", node="arm-1", message=said, **owned),
        pod("b", state={"running": {}}, **owned),
    )
    arm: dict[str, Any] = {"operatingSystem": "linux", "architecture": "arm64"}
    there.add("nodes", {"metadata": {"name": "arm-1"}, "status": {"nodeInfo": arm}})
    found = look(there, tmp_path, capsys)
    first = found.finding("registry.platform-missing")
    assert first["detail"] == (
        f"{IMAGE} is not built for linux/arm64, the platform of node arm-1; nodes of linux/amd64 "
        "pull it."
    )
    assert '"kubernetes.io/arch":"amd64"' in first["remedies"][0]["steps"][0]["command"]
    moved = [r["title"][:8] for r in found.finding("k8s.node-differs")["remedies"]]
    assert ("Move the" in moved) is moves


UNTRUSTED = (
    'failed to do request: Head "https://registry.corp:5000/v2/team/app/manifests/1.0": tls: '
    "failed to verify certificate: x509: certificate signed by unknown authority"
)


@pytest.mark.parametrize(
    ("runtime", "message", "command"),
    [
        ("containerd://2.1.4", UNTRUSTED,
         "install -D -m 644 CA_FILE /etc/containerd/certs.d/registry.corp:5000/ca.crt"),
        ("cri-o://1.33.0", UNTRUSTED, "/etc/containers/certs.d/registry.corp:5000"),
        ("containerd://2.1.4", UNTRUSTED.replace("registry.corp:5000", "mirror.corp"),
         "/usr/local/share/ca-certificates/mirror.corp.crt"),
    ],
)  # fmt: skip
def test_an_authority_is_put_where_the_nodes_runtime_looks(
    runtime: str, message: str, command: str, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(message=message))
    about = there.objects["nodes"][0]["status"]["nodeInfo"]
    about |= {"containerRuntimeVersion": runtime, "osImage": "Ubuntu 24.04.3 LTS"}
    steps = look(there, tmp_path, capsys).finding("tls.unknown-ca")["remedies"][0]["steps"]
    assert command in "".join(s["command"] or "" for s in steps)


@pytest.mark.parametrize("serves", [True, False])
def test_no_second_secret_is_offered_where_one_was_asked_with(
    serves: bool, tmp_path: Path, capsys: Capture
) -> None:
    auths = GOOD if serves else {"registry.corp:5000": {"auth": ""}}
    there = cluster(pod(secrets=("a",), message=DENIED), secrets=[secret("a", auths=auths)])
    found = look(there, tmp_path, capsys).part["pulls"][0]["findings"][0]
    assert ("the kubelet asked with the pull Secret a, as ann" in found["detail"]) is serves
    offered = any(r["title"].startswith("Give pod") for r in found["remedies"])
    assert not (serves and offered)


def test_an_identity_of_the_cloud_is_explained_for_that_clouds_registry(
    tmp_path: Path, capsys: Capture
) -> None:
    bound = account()
    bound["metadata"]["annotations"] = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"
    for name, expected in ((image, True), (IMAGE, False)):
        there = cluster(pod(image=name), serviceaccounts=[bound])
        codes = [
            f["code"] for p in look(there, tmp_path, capsys).part["pulls"] for f in p["findings"]
        ]
        assert ("k8s.identity-not-for-pulls" in codes) is expected


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1"
GAR = "europe-west1-docker.pkg.dev/shop-images/apps/web:1"
SUBSCRIPTION = "01234567-89ab-cdef-0123-456789abcdef"
AKS = f"azure:///subscriptions/{SUBSCRIPTION}/resourceGroups/mc_x/providers/Microsoft.Compute/y/0"


@pytest.mark.parametrize(
    ("annotation", "image", "provider", "names"),
    [
        ("eks.amazonaws.com/role-arn", ECR, "aws:///eu-west-1b/i-0a1b2c3d4e5f60718",
         ["--region eu-west-1 --instance-ids i-0a1b2c3d4e5f60718", "arn:aws:iam::aws:policy/"]),
        ("eks.amazonaws.com/role-arn", ECR.replace("eu-west-1", "cn-north-1"),
         "aws:///cn-north-1a/i-0a1b2c3d4e5f60718",
         ["--region cn-north-1 ", "arn:aws-cn:iam::aws:policy/"]),
        ("eks.amazonaws.com/role-arn", ECR, "aws:///eu-west-1b/fargate-ip-10-0-0-1", []),
        ("iam.gke.io/gcp-service-account", GAR, "gce://shop-prod/europe-west1-b/gke-n-1",
         ["add-iam-policy-binding apps --location=europe-west1 --project=shop-images",
          "describe gke-n-1 --zone=europe-west1-b --project=shop-prod"]),
        ("iam.gke.io/gcp-service-account", "eu.gcr.io/shop-images/web:1",
         "gce://shop-prod/europe-west1-b/gke-n-1", ["projects add-iam-policy-binding shop-images"]),
        ("iam.gke.io/gcp-service-account", GAR, "gce://$(reboot)/europe-west1-b/gke-n-1", []),
        ("azure.workload.identity/client-id", "shopreg.azurecr.io/web:1", AKS,
         [f"--subscription {SUBSCRIPTION} ", 'nodeResourceGroup==`"MC_shop_aks_westeurope"`',
          "--attach-acr shopreg"]),
        ("azure.workload.identity/client-id", "shopreg.azurecr.io/web:1", "", []),
    ],
)  # fmt: skip
def test_the_nodes_right_is_given_by_the_clouds_own_names(
    annotation: str, image: str, provider: str, names: list[str], tmp_path: Path, capsys: Capture
) -> None:
    bound = account()
    bound["metadata"]["annotations"] = {annotation: "x"}
    there = cluster(pod(image=image), serviceaccounts=[bound])
    node = there.objects["nodes"][0]
    node["spec"] = {"providerID": provider}
    node["metadata"]["labels"] = {"kubernetes.azure.com/cluster": "MC_shop_aks_westeurope"}
    remedies = look(there, tmp_path, capsys).finding("k8s.identity-not-for-pulls")["remedies"]
    steps = [s for s in remedies[0]["steps"] if s["changes"]]
    if not names:
        assert remedies[0]["title"].startswith("Give the nodes the right")
        assert "reboot" not in str(remedies)
        return
    for name in names:
        assert name in "".join(s["command"] for s in steps)
    for step in (s for r in remedies for s in r["steps"] if s["command"]):
        subprocess.run(["sh", "-nc", step["command"]], check=True)


@pytest.mark.parametrize(
    ("image", "provider", "stored", "title"),
    [
        (ECR, "aws:///eu-west-1b/i-0a1b2c3d4e5f60718", False, "Let the role of node node-1 pull"),
        (GAR, "gce://shop-prod/europe-west1-b/gke-n-1", False, "Let the service account of node"),
        (ECR, "gce://shop-prod/europe-west1-b/gke-n-1", False, "Give pod web a pull Secret"),
        (ECR, "", False, "Give pod web a pull Secret"),
        (IMAGE, "aws:///eu-west-1b/i-0a1b2c3d4e5f60718", False, "Give pod web a pull Secret"),
        (ECR, "aws:///eu-west-1b/i-0a1b2c3d4e5f60718", True, "Probe "),
    ],
)
def test_a_registry_of_the_nodes_own_cloud_is_opened_to_the_node(
    image: str, provider: str, stored: bool, title: str, tmp_path: Path, capsys: Capture
) -> None:
    """No account needs to be bound for that."""
    auths = {image.partition("/")[0]: "ann:key-0815"}
    there = cluster(
        pod(image=image, secrets=("a",) if stored else ()),
        secrets=[secret("a", auths=auths)] if stored else [],
    )
    there.objects["nodes"][0]["spec"] = {"providerID": provider}
    found = look(there, tmp_path, capsys).finding("auth.no-credentials")
    assert found["remedies"][0]["title"].startswith(title)


def test_nodes_that_pull_and_nodes_that_do_not_are_compared(
    tmp_path: Path, capsys: Capture
) -> None:
    refused = (
        'failed to do request: Head "https://registry.corp:5000/v2/": dial tcp 10.0.0.1:5000: '
        "connect: connection refused"
    )
    there = cluster(
        pod("a", message=refused),
        pod("b", node="node-2", state={"running": {}}),
        pod("c", node="node-2", state={"running": {}}),
    )
    there.add(
        "nodes",
        {
            "metadata": {"name": "node-2"},
            "status": {
                "nodeInfo": {
                    "containerRuntimeVersion": "containerd://1.7.2",
                    "operatingSystem": "linux",
                    "architecture": "amd64",
                }
            },
        },
    )
    found = look(there, tmp_path, capsys)
    assert found.causes == ["tcp.refused"]
    differs = found.finding("k8s.node-differs")
    assert differs["severity"] == "warning"
    assert "containerd://2.1.4, not containerd://1.7.2" in differs["detail"]


def test_a_secret_mended_after_the_last_try_is_waited_for(tmp_path: Path, capsys: Capture) -> None:
    later = (datetime.now().astimezone() - timedelta(seconds=5)).isoformat()
    mine = secret("a", auths=GOOD, creationTimestamp=later)
    failed = event("Failed", f'Failed to pull image "{IMAGE}": {REJECTED}', ago=90)
    there = cluster(pod(secrets=("a",), message=REJECTED), secrets=[mine], events=[failed])
    assert look(there, tmp_path, capsys).finding("k8s.waiting-to-retry")["severity"] == "info"


UNABLE = "Unable to retrieve some image pull secrets (gone); attempting to pull the image …"
UNRETRIEVED = event("FailedToRetrieveImagePullSecret", UNABLE)
RUNNING: dict[str, Any] = {"running": {}}


@pytest.mark.parametrize("words", [("web",), (), ("-A",)])
def test_a_missing_secret_beside_one_that_works_is_a_warning_wherever_one_looks(
    words: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("gone", "a"), state=RUNNING), events=[UNRETRIEVED])
    there.add("namespaces", *({"metadata": {"name": f"n{n}"}} for n in range(9)))
    there.add("pods", *(pod("x", namespace=f"n{n}", secrets=("a", "b"), state=RUNNING)
                        for n in range(9)))  # fmt: skip
    found = look(there, tmp_path, capsys, *words)
    assert (found.exit, found.part["verdict"], found.part["pulls"]) == (0, "warn", [])
    assert found.finding("k8s.secret-missing")["severity"] == "warning"
    assert found.finding("k8s.secret-missing")["subject"] == "shop/gone"
    assert look(there, tmp_path, capsys, *words, "--strict").exit == 1
    asked = {path.partition("?")[0] for path in found.requests}
    assert not any("secrets" in path or "serviceaccounts" in path for path in asked)
    if words == ("-A",):
        assert asked == {"/version", "/api/v1/pods", "/api/v1/events"}


@pytest.mark.parametrize("secrets", [("gone",), ()])
def test_a_pod_that_runs_and_names_no_second_secret_is_not_asked_about(
    secrets: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=secrets, state=RUNNING), events=[UNRETRIEVED])
    found = look(there, tmp_path, capsys)
    assert (found.exit, found.part["verdict"], found.part["findings"]) == (0, "pass", [])
    assert not there.asked("events")


def test_events_that_may_not_be_read_keep_a_healthy_cluster_healthy(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("gone", "a"), state=RUNNING), events=[UNRETRIEVED])
    there.forbidden.add(("list", "events", None))
    found = look(there, tmp_path, capsys)
    assert (found.part["verdict"], found.part["findings"]) == ("pass", [])


def test_a_missing_secret_of_another_pod_is_told_beside_a_pull_that_fails(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("gone", "a"), state=RUNNING), pod("other"), events=[UNRETRIEVED])
    found = look(there, tmp_path, capsys)
    assert found.causes == ["auth.no-credentials"]
    assert [f["code"] for f in found.part["findings"]] == ["k8s.secret-missing"]


def replica(name: str, template: str, **more: Any) -> Any:
    return pod(f"{name}-{template}-x", owner=("ReplicaSet", f"{name}-{template}"),
               labels={"app": name, "pod-template-hash": template}, **more)  # fmt: skip


def workload(name: str) -> Any:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": name}}},
    }


@pytest.mark.parametrize("word", ["deploy/web", "deployment/web", "deployments.apps/web"])
def test_a_workload_is_diagnosed_by_its_own_pods(
    word: str, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(replica("web", "1"), replica("db", "2"), deployments=[workload("web")])
    found = look(there, tmp_path, capsys, word)
    assert found.part["pods_failing"] == 1
    assert found.part["pulls"][0]["workloads"] == [
        {"kind": "Deployment", "namespace": "shop", "name": "web", "containers": ["app"], "pods": 1}
    ]


def test_a_cron_job_is_diagnosed_by_the_pods_of_its_jobs(tmp_path: Path, capsys: Capture) -> None:
    job = {
        "metadata": {
            "name": "sync-1",
            "namespace": "shop",
            "ownerReferences": [{"kind": "CronJob", "name": "sync", "controller": True}],
        }
    }
    there = cluster(
        pod("sync-1-a", owner=("Job", "sync-1")), pod("other"),
        jobs=[job], cronjobs=[{"metadata": {"name": "sync", "namespace": "shop"}}],
    )  # fmt: skip
    found = look(there, tmp_path, capsys, "cj/sync")
    assert found.part["pods_failing"] == 1
    assert found.part["pulls"][0]["workloads"][0]["kind"] == "CronJob"


def job_of(kind: str, reason: str) -> dict[str, Any]:
    condition = {"type": kind, "status": "True", "reason": reason}
    return {
        "metadata": {"name": "sync", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"job-name": "sync"}}},
        "status": {"conditions": [condition]},
    }


def failed_pull(name: str) -> dict[str, Any]:
    """The event that outlives the pod."""
    return {
        "metadata": {"name": f"{name}.1", "namespace": "shop", "uid": f"e-{name}"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": name, "uid": "u-gone"},
        "reason": "Failed",
        "message": f'Failed to pull image "{IMAGE}": {NO_LOGIN}',
        "lastTimestamp": "2026-11-23T21:20:58Z",
    }


@pytest.mark.parametrize(
    ("event", "told"),
    [("sync-x7k2p", True), ("other-x7k2p", False), ("sync-2-x7k2p", False)],
)
def test_pods_that_a_failed_job_deleted_are_not_passed_over(
    event: str, told: bool, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(
        pod("other"), jobs=[job_of("Failed", "DeadlineExceeded")], events=[failed_pull(event)]
    )
    found = look(there, tmp_path, capsys, "job/sync")
    assert (found.exit, found.part["verdict"]) == (3, "incomplete")
    ((what, why),) = [(each["what"], each["why"]) for each in found.part["left_out"]]
    assert what == "pods"
    assert "Job sync has failed (DeadlineExceeded), and its pods are deleted" in why
    assert ("auth." in why) is told


def newer(name: str) -> dict[str, Any]:
    """The same event under its other interface."""
    one = failed_pull(name)
    about, note = one.pop("involvedObject"), one.pop("message")
    return {**one, "regarding": about, "note": note}


def test_events_of_deleted_pods_are_read_under_either_interface(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(jobs=[job_of("Failed", "DeadlineExceeded")])
    there.objects["newer-events"] = [newer("sync-x7k2p")]
    found = look(there, tmp_path, capsys, "job/sync")
    assert ["auth." in each["why"] for each in found.part["left_out"]] == [True]


@pytest.mark.parametrize("last", ["Failed", "Complete"])
def test_of_a_cron_job_the_job_that_ran_last_counts(
    last: str, tmp_path: Path, capsys: Capture
) -> None:
    """An older failure is past where a newer Job is well."""
    made: list[Any] = []
    for n, kind in enumerate(("Failed", last)):
        one = job_of(kind, "DeadlineExceeded")
        one["metadata"] |= {
            "name": f"sync-{n}",
            "creationTimestamp": f"2026-11-2{n}T00:00:00Z",
            "ownerReferences": [{"kind": "CronJob", "name": "sync", "controller": True}],
        }
        made.insert(0, one)
    there = cluster(
        jobs=made,
        cronjobs=[{"metadata": {"name": "sync", "namespace": "shop"}}],
        events=[failed_pull("sync-1-x7k2p")],
    )
    found = look(there, tmp_path, capsys, "cj/sync")
    left = [each["why"] for each in found.part["left_out"]]
    assert (found.exit, len(left)) == ((3, 1) if last == "Failed" else (0, 0))
    assert all("Job sync-1 has failed" in why and "auth." in why for why in left)


def test_what_may_not_be_read_of_a_failed_job_is_said_and_not_guessed(
    tmp_path: Path, capsys: Capture
) -> None:
    """That its pods are deleted is said only where they could be looked for."""
    for what in ("pods", "events"):
        there = cluster(jobs=[job_of("Failed", "DeadlineExceeded")], events=[])
        there.forbidden.add(("list", what, None))
        found = look(there, tmp_path, capsys, "job/sync")
        left = {each["what"]: each["why"] for each in found.part["left_out"]}
        assert what in left
        assert ("deleted" in left.get("pods", "")) is (what == "events")


@pytest.mark.parametrize("pods", [(), (pod("sync-a", labels={"job-name": "sync"}, state={
    "terminated": {"exitCode": 1}}),)], ids=["complete", "failed by itself"])  # fmt: skip
def test_a_job_that_ended_without_a_failing_pull_is_well(
    pods: tuple[Any, ...], tmp_path: Path, capsys: Capture
) -> None:
    ended = ("Failed", "BackoffLimitExceeded") if pods else ("Complete", "CompletionsReached")
    found = look(cluster(*pods, jobs=[job_of(*ended)]), tmp_path, capsys, "job/sync")
    assert (found.exit, found.part["left_out"]) == (0, [])


def test_a_selector_goes_to_the_api_server(tmp_path: Path, capsys: Capture) -> None:
    there = cluster(replica("web", "1"), replica("db", "2"))
    assert look(there, tmp_path, capsys, "-l", "app in (db)").part["pods_seen"] == 1


ECR_403 = (
    f'failed to pull and unpack image "{ECR}": failed to resolve reference "{ECR}": unexpected '
    "status from HEAD request to https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/team/app/"
    "manifests/1: 403 Forbidden"
)


@pytest.mark.parametrize(
    ("hours", "user", "expected"),
    [
        (20, "AWS", ["k8s.secret-rejected"]),
        (2, "AWS", ["auth.forbidden", "auth.denied-or-missing"]),
        (20, "ann", ["auth.forbidden", "auth.denied-or-missing"]),
    ],
)
def test_a_token_whose_life_is_over_is_why_ecr_forbids(
    hours: int, user: str, expected: list[str], tmp_path: Path, capsys: Capture
) -> None:
    written = (datetime.now().astimezone() - timedelta(hours=hours)).isoformat()
    mine = secret("ecr", auths={ECR.partition("/")[0]: f"{user}:t-4711"}, creationTimestamp=written)
    there = cluster(pod(image=ECR, secrets=("ecr",), message=ECR_403), secrets=[mine])
    found = look(there, tmp_path, capsys)
    assert found.causes == expected
    if expected == ["k8s.secret-rejected"]:
        said = found.finding("k8s.secret-rejected")
        assert "the life of this ECR token is over" in said["detail"]
        assert said["remedies"][0]["title"] == "Write a fresh ECR token into Secret ecr"
        assert "eu-west-1" in said["remedies"][0]["steps"][0]["command"]


def mirrored(image: str) -> str:
    name, _, tag = image.partition("/")[2].partition(":")
    url = f"https://mirror.corp/v2/{name}/manifests/{tag}?ns=registry.corp%3A5000"
    return (
        f'failed to pull and unpack image "{image}": failed to resolve image: failed to do '
        f'request: Head "{url}": tls: failed to verify certificate: x509: certificate signed by '
        "unknown authority"
    )


def test_a_mirror_is_one_cause_of_all_its_images_and_comes_with_what_fails_there(
    tmp_path: Path, capsys: Capture
) -> None:
    images = [f"registry.corp:5000/team/app{n}:1" for n in range(3)]
    pods = [pod(f"p{n}", image=i, message=mirrored(i)) for n, i in enumerate(images)]
    there = cluster(*pods)
    there.objects["nodes"][0]["status"]["nodeInfo"]["osImage"] = "Ubuntu 24.04.3 LTS"
    found = look(there, tmp_path, capsys)
    assert found.causes == ["client.mirror-unreachable"]
    (pull,) = found.part["pulls"]
    assert pull["pods"] == 3
    by = {f["code"]: f for f in pull["findings"]}
    assert by["client.mirror-unreachable"]["subject"] == "mirror.corp"
    assert not by["tls.unknown-ca"]["root_cause"]
    titles = [r["title"] for r in by["client.mirror-unreachable"]["remedies"]]
    assert "CA" in titles[0]
    assert titles[-1].startswith("Probe ")
    assert sum(title.startswith("Probe ") for title in titles) == 1


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            'failed to fetch oauth token: Post "https://auth.corp/token": dial tcp 10.0.0.9:443: '
            "connect: connection refused",
            "auth.realm-unreachable",
        ),
        (
            "failed to fetch anonymous token: unexpected status from GET request to "
            "https://auth.corp/token?service=x: 503 Service Unavailable",
            "auth.realm-error",
        ),
    ],
)
def test_a_token_service_that_fails_is_no_fault_of_a_pull_secret(
    said: str, cause: str, tmp_path: Path, capsys: Capture
) -> None:
    message = (
        f'failed to pull and unpack image "{IMAGE}": failed to resolve image: failed to authorize: '
    )
    stored = [secret("quay", auths={"quay.io": "u:p"}), secret("good", auths=GOOD)]
    there = cluster(pod(secrets=("quay",), message=message + said), secrets=stored)
    found = look(there, tmp_path, capsys)
    assert found.causes == [cause]
    assert not there.asked("secrets")


FORBIDDEN = REJECTED.replace("401 Unauthorized", "403 Forbidden")


def test_a_right_that_is_missing_is_asked_for_in_the_name_of_the_secrets_user(
    tmp_path: Path, capsys: Capture
) -> None:
    """Another namespace's credential is another cause."""
    pods = [pod(f"p{n}", secrets=("a",), message=FORBIDDEN) for n in range(2)]
    other = pod("x", namespace="shop-eu", secrets=("a",), message=FORBIDDEN)
    stored = [secret("a", auths=GOOD), secret("a", namespace="shop-eu", auths=GOOD)]
    accounts = [account(), account("default", "shop-eu")]
    there = cluster(*pods, other, secrets=stored, serviceaccounts=accounts)
    found = look(there, tmp_path, capsys, "-A")
    assert [p["pods"] for p in found.part["pulls"]] == [2, 1]
    first = found.finding("auth.forbidden")
    assert "accepts the credential for user ann from Secret a in shop" in first["detail"]
    steps = first["remedies"][0]["steps"]
    assert "let ann pull: the right to ask for is repository:team/app:pull" in steps[0]["text"]
    assert "get secret a --namespace shop" in first["remedies"][1]["steps"][0]["command"]


def test_what_speaks_against_the_secrets_is_no_certainty(tmp_path: Path, capsys: Capture) -> None:
    """No credential was sent, by the words; there is one, by the Secret."""
    there = cluster(pod(secrets=("a",)), secrets=[secret("a", auths=GOOD)])
    found = look(there, tmp_path, capsys).finding("auth.no-credentials")
    assert found["confidence"] == "possible"
    assert "although Secret a in shop has one" in found["detail"]
    assert "was found" not in found["detail"]


@pytest.mark.parametrize(
    ("kind", "cause"), [("ReplicaSet", "k8s.secret-missing"), (None, "auth.no-credentials")]
)
def test_a_missing_secret_of_the_account_counts_for_the_pods_to_come(
    kind: str | None, cause: str, tmp_path: Path, capsys: Capture
) -> None:
    """A pod that nobody makes anew never gets it."""
    owned: dict[str, Any] = {"owner": (kind, "web-7c9"), "labels": {"pod-template-hash": "7c9"}}
    there = cluster(
        pod(**(owned if kind else {})), serviceaccounts=[account("default", "shop", "ghost")]
    )
    found = look(there, tmp_path, capsys)
    assert found.causes == [cause]
    if kind:
        said = found.finding(cause)["detail"]
        assert said.startswith("ServiceAccount default names the pull Secret ghost")


def test_one_image_in_two_spellings_is_one_cause(tmp_path: Path, capsys: Capture) -> None:
    image = "docker.io/library/nginx:latest"
    gone = f'failed to resolve reference "{image}": {image}: not found'
    there = cluster(pod("a", image="nginx", message=gone), pod("b", image=image, message=gone))
    (pull,) = look(there, tmp_path, capsys).part["pulls"]
    assert pull["images"] == [image, "nginx"]


@pytest.mark.parametrize(("status", "told"), [("Unknown", True), ("True", False)])
def test_a_node_that_is_not_ready_is_told_beside_a_pull_that_hangs(
    status: str, told: bool, tmp_path: Path, capsys: Capture
) -> None:
    waits = {"waiting": {"reason": "ContainerCreating"}}
    there = cluster(
        pod(state=waits), events=[event("Pulling", f'Pulling image "{IMAGE}"', ago=600)]
    )
    there.objects["nodes"][0]["status"]["conditions"] = [{"type": "Ready", "status": status}]
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.pull-stalled"]
    assert ("reports NotReady" in found.part["pulls"][0]["summary"]) is told


BACK_OFF = f'Back-off pulling image "{IMAGE}"'


@pytest.mark.parametrize("words", [None, BACK_OFF])
@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        (None, "k8s.secret-missing"),
        (["registry.corp"], "k8s.secret-wrong-host"),
        (["quay.io"], "k8s.cause-unknown"),
        (["registry.corp", "registry.corp:5000"], "k8s.cause-unknown"),
    ],
)
def test_where_no_words_are_left_a_secret_that_was_meant_for_it_is_suspected(
    keys: list[str] | None, cause: str, words: str | None, tmp_path: Path, capsys: Capture
) -> None:
    stored = [secret("a", auths=dict.fromkeys(keys, "ann:key-0815"))] if keys else []
    waits = {"waiting": {"reason": "ImagePullBackOff", **({"message": words} if words else {})}}
    there = cluster(pod(secrets=("a",), state=waits), secrets=stored)
    found = look(there, tmp_path, capsys)
    assert found.causes == [cause]
    assert found.finding(cause)["confidence"] != "certain" or cause == "k8s.cause-unknown"


FULL = "failed to extract layer x: write /a: no space left on device"


def test_a_full_disk_is_one_cause_of_all_that_its_node_cannot_pull(
    tmp_path: Path, capsys: Capture
) -> None:
    pods = [
        pod(f"p{n}", image=f"r.corp/app{n}:1", message=FULL, node=f"node-{1 + n % 2}")
        for n in range(5)
    ]
    found = look(cluster(*pods), tmp_path, capsys)
    assert [(p["root_causes"], p["pods"]) for p in found.part["pulls"]] == [
        (["client.no-space"], 3),
        (["client.no-space"], 2),
    ]


@pytest.mark.parametrize(("event_", "told"), [(UNRETRIEVED, True), (None, False)])
def test_a_missing_secret_is_told_where_something_else_ends_the_pull(
    event_: Any, told: bool, tmp_path: Path, capsys: Capture
) -> None:
    gone = f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
    there = cluster(pod(secrets=("gone",), message=gone), events=[event_] if event_ else [])
    found = look(there, tmp_path, capsys)
    assert found.causes == ["registry.manifest-unknown", "registry.name-unknown"]
    warned = [f["subject"] for f in found.part["pulls"][0]["findings"] if not f["root_cause"]]
    assert warned == (["shop/gone"] if told else [])
    assert not there.asked("secrets")


def test_hundreds_of_pods_are_a_few_causes_the_biggest_first(
    tmp_path: Path, capsys: Capture
) -> None:
    gone = [
        replica("web", f"{n % 3}", namespace=f"team-{n % 4}", secrets=("gone",)) for n in range(120)
    ]
    for n, one in enumerate(gone):
        one["metadata"]["name"] = f"web-{n}"
        one["metadata"]["uid"] = f"u{n}"
    host = (
        'failed to do request: Head "https://r.corp/v2/": dial tcp: lookup r.corp on 10.0.0.2:53: '
        "no such host"
    )
    lost = [pod(f"lost-{n}", image=f"r.corp/app{n}:1", message=host) for n in range(50)]
    found = look(cluster(*gone, *lost), tmp_path, capsys, "-A")
    sizes = [(p["root_causes"], p["pods"]) for p in found.part["pulls"]]
    assert sizes[0] == (["dns.nxdomain"], 50)
    assert sizes[1:] == [(["k8s.secret-missing"], 30)] * 4
    assert len(found.part["pulls"][0]["images"]) == 50
    assert found.part["pulls"][1]["workloads"][0]["kind"] == "Deployment"


def test_commands_go_to_the_cluster_that_was_chosen(tmp_path: Path, capsys: Capture) -> None:
    found = look(cluster(pod(secrets=("gone",))), tmp_path, capsys, "--context", "recorded")
    remedies = found.finding("k8s.secret-missing")["remedies"]
    commands = [s["command"] for r in remedies for s in r["steps"] if s["command"]]
    chosen = f"--context recorded --kubeconfig {tmp_path}/kubeconfig"
    assert commands
    assert all(f"kubectl {chosen}" in each for each in commands)
    assert f"`doctor k8s {chosen} -n shop`" in remedies[0]["verify"]


def test_a_remedy_of_one_workload_names_the_others(tmp_path: Path, capsys: Capture) -> None:
    there = cluster(
        replica("web", "1"), replica("db", "2"),
        serviceaccounts=[account("default", "shop", "good")], secrets=[secret("good", auths=GOOD)],
    )  # fmt: skip
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.pod-predates-secret"]
    first, last = found.finding("k8s.pod-predates-secret")["remedies"][0]["steps"]
    assert "rollout restart deployment/web" in first["command"]
    assert last["text"] == "The same for the others that it hits: Deployment shop/db."
