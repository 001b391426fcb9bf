"""Ten thousand pods, page by page, in little memory; and the server of these tests is one that
kubectl takes for Kubernetes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command import doctor
from tests.kube.api import Recorded, kubeconfig, serving
from tests.kube.crowd import crowd

MEBIBYTES = 200


def test_ten_thousand_pods_fit(tmp_path: Path) -> None:
    there = crowd(10_000, 300)
    with serving(there, tmp_path) as server:
        config = kubeconfig(tmp_path, server)
        done = doctor(
            "k8s", "-A", "--json", "--kubeconfig", str(config), home=tmp_path, patience=120
        )
    assert done.exit == 1, done
    part = json.loads(done.stdout)["kubernetes"]
    assert (part["pods_seen"], part["pods_failing"]) == (10_000, 300)
    assert done.mebibytes < MEBIBYTES
    pages = [path for path in there.requests if path.startswith("/api/v1/pods?")]
    assert len(pages) == 20
    assert {c for pull in part["pulls"] for c in pull["root_causes"]} >= {
        "k8s.secret-missing",
        "k8s.secret-rejected",
        "k8s.secret-wrong-host",
        "dns.nxdomain",
        "tls.unknown-ca",
        "rate.limited",
    }


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("name", ["mixed", "deployment-rollout", "daemonset"])
def test_kubectl_takes_the_recorded_server_for_kubernetes(name: str, tmp_path: Path) -> None:
    there = Recorded.of(Path(__file__).parent / "recordings" / "c24" / f"{name}.json")
    with serving(there, tmp_path) as server:
        config = kubeconfig(tmp_path, server)

        def kubectl(*words: str) -> dict[str, object]:
            done = subprocess.run(
                ["kubectl", "--kubeconfig", str(config), *words, "--output=json"],
                capture_output=True,
                text=True,
                env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/local/bin"},
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            found: dict[str, object] = json.loads(done.stdout)
            return found

        for kind in ("pods", "events", "serviceaccounts", "nodes", "secrets"):
            found = kubectl("get", kind, "--all-namespaces", "--chunk-size=3")
            items = found["items"]
            assert isinstance(items, list)
            assert len(items) == len(there.objects[kind])
        one = there.objects["pods"][0]
        meta = one["metadata"]
        pod = kubectl("get", "pod", meta["name"], "--namespace", meta["namespace"])
        assert (pod["spec"], pod["status"]) == (one["spec"], one["status"])
