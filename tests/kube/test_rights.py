"""With less than full rights the diagnosis does what it can, says what is missing, and prints the
least right that would help."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kube.cluster import REJECTED, account, cluster, look, pod, secret

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("nothing_known")


def commands(finding: object) -> str:
    assert isinstance(finding, dict)
    return "\n".join(s["command"] or "" for r in finding["remedies"] for s in r["steps"])


def test_without_secrets_the_words_still_tell_and_the_right_for_that_name_is_printed(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("pull",), message=REJECTED), secrets=[secret()])
    there.forbidden |= {("get", "secrets", None), ("list", "secrets", None)}
    found = look(there, tmp_path, capsys)
    assert found.exit == 1
    assert found.causes == ["auth.rejected"]
    assert {"what": "secrets", "why": "forbidden", "namespace": "shop"} in found.part["left_out"]
    forbidden = found.finding("k8s.forbidden")
    assert forbidden["severity"] == "warning"
    assert "--resource=secrets --resource-name=pull" in commands(forbidden)
    assert "--user=viewer" in commands(forbidden)


def test_a_secret_that_is_missing_is_known_from_the_kubelets_event(
    tmp_path: Path, capsys: Capture
) -> None:
    event = {
        "metadata": {"name": "e", "namespace": "shop", "uid": "e"},
        "involvedObject": {
            "kind": "Pod",
            "namespace": "shop",
            "name": "web",
            "uid": "uid-shop-web",
        },
        "reason": "FailedToRetrieveImagePullSecret",
        "message": "Unable to retrieve some image pull secrets (pull); attempting to pull the "
        "image may not succeed.",
    }
    there = cluster(pod(secrets=("pull",)), events=[event])
    there.forbidden.add(("get", "secrets", None))
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-missing"]
    assert found.finding("k8s.secret-missing")["confidence"] == "likely"


@pytest.mark.parametrize("what", ["events", "serviceaccounts", "nodes"])
def test_what_else_may_not_be_read_costs_itself_alone(
    what: str, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(secrets=("gone",)))
    there.forbidden |= {(verb, what, None) for verb in ("get", "list")}
    there.objects["newer-events"] = []
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-missing"]
    told = [each["what"] for each in found.part["left_out"]]
    assert what in told or what == "events"  # the other API of events answered


def test_pods_that_may_not_be_listed_are_an_error(tmp_path: Path, capsys: Capture) -> None:
    there = cluster(pod())
    there.forbidden.add(("list", "pods", None))
    found = look(there, tmp_path, capsys)
    assert found.exit == 1
    forbidden = found.finding("k8s.forbidden")
    assert forbidden["root_cause"]
    assert "create role registry-doctor --namespace shop" in commands(forbidden)


def test_where_the_whole_cluster_may_not_be_listed_each_namespace_is(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(pod(), pod(namespace="closed"), namespaces=[
        {"metadata": {"name": "shop"}}, {"metadata": {"name": "closed"}}
    ])  # fmt: skip
    there.forbidden |= {("list", "pods", "closed"), ("list", "pods", "")}
    found = look(there, tmp_path, capsys, "-A")
    assert found.part["pods_failing"] == 1
    assert found.part["pulls"][0]["namespaces"] == ["shop"]
    assert {"what": "pods", "why": "forbidden", "namespace": "closed"} in found.part["left_out"]
    assert "clusterrole registry-doctor" in commands(found.finding("k8s.forbidden"))


def test_a_healthy_cluster_is_asked_for_pods_alone(tmp_path: Path, capsys: Capture) -> None:
    there = cluster(pod(state={"running": {}}), secrets=[secret()])
    found = look(there, tmp_path, capsys)
    assert (found.exit, found.part["verdict"], found.part["pulls"]) == (0, "pass", [])
    kinds = {path.partition("?")[0] for path in found.requests}
    assert kinds == {"/version", "/api/v1/namespaces/shop/pods"}


def test_secrets_are_not_read_where_the_words_speak_of_no_login(
    tmp_path: Path, capsys: Capture
) -> None:
    words = (
        'failed to do request: Head "https://x": dial tcp: lookup x on 10.0.0.2:53: no such host'
    )
    there = cluster(pod(message=words, secrets=("pull",)), secrets=[secret()])
    found = look(there, tmp_path, capsys)
    assert found.causes == ["dns.nxdomain"]
    assert not there.asked("secrets")
    assert not there.asked("serviceaccounts")


def test_only_named_secrets_are_read_where_one_of_them_is_why(
    tmp_path: Path, capsys: Capture
) -> None:
    there = cluster(
        pod(secrets=("pull",), message=REJECTED),
        secrets=[secret(auths={"registry.corp:5000": "u:p"}), secret("other")],
        serviceaccounts=[account()],
    )
    found = look(there, tmp_path, capsys)
    assert found.causes == ["k8s.secret-rejected"]
    assert there.asked("secrets") == ["/api/v1/namespaces/shop/secrets/pull"]
