"""`doctor k8s --bundle FILE --pseudonyms`: no name of anybody's is in any file of it, and what is
in it is still a cluster that can be judged."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor import cli, cluster
from doctor.bundle.archive import unpack
from doctor.bundle.named import KIND_OF
from doctor.bundle.pseudonyms import Pseudonyms
from doctor.facts import cluster as whole
from doctor.facts import pull
from doctor.model import Fact
from tests.kube.api import Recorded, kubeconfig, serving
from tests.kube.cluster import account, look, pod, secret
from tests.kube.cluster import cluster as made
from tests.kube.test_bundle import bundled, objects
from tests.kube.test_recordings import FILES

Capture = pytest.CaptureFixture[str]
OTHERS = {
    "web": "larkspur",
    "app": "quince",
    "app2": "quince2",
    "agent": "teasel",
    "db": "sorrel-db",
    "regcred": "meadow-pull",
    "old": "thistle-old",
    "builder": "yarrow",
    "node-1": "rack7-tulip",
    "lab": "botany",
    "team": "florists",
}
"""In place of the words that the recordings have for names."""
NOBODYS = {"", "default", "kubernetes", "kube-root-ca.crt"}
NAMES = (
    *("name", "namespace", "serviceAccountName", "serviceAccount", "nodeName", "host"),
    *("generateName", "reportingInstance"),
)


def renamed(file: Path) -> Recorded:
    """The recording with names that no text of the program's own holds."""
    there = Recorded.of(file)
    text = json.dumps(there.objects)
    words = "|".join(sorted(OTHERS, key=len, reverse=True))
    text = re.sub(rf"(?<![\w.-])({words})(?![\w]|\.io)", lambda m: OTHERS[m[1]], text)
    text = re.sub(r"(?<=\.)lab\.test", "botany.test", text)
    there.objects = json.loads(re.sub(r'(?<=")s-(?=[a-z])', "glade-", text))
    return there


def named(value: Any, under: str = "") -> Iterator[str]:
    """Every name in the objects, those of images included."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in NAMES and isinstance(each, str):
                if under not in ("env", "volumes", "volumeMounts", "runtimeHandlers"):
                    yield each.strip("-")
            elif key == "image" and isinstance(each, str):
                yield from re.split(r"[:@]", each)[0].split("/")[-2:]
            elif key not in ("managedFields", "annotations", "labels"):
                yield from named(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from named(each, under)


def left(names: set[str], files: dict[str, bytes]) -> dict[str, str]:
    """The names that stand somewhere as a token, and where."""
    any_of = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    pattern = re.compile(rf"(?i)(?<![^\W_])(?:{any_of})(?![^\W_])")
    texts = [(name, text) for name, data in files.items() for text in (name, data.decode())]
    return {
        m[0]: f"{name}: {text[max(0, m.start() - 40) : m.end() + 20]!r}"
        for name, text in texts
        for m in pattern.finditer(text)
    }


@pytest.mark.parametrize("file", FILES[3::11], ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_no_name_of_a_recorded_cluster_is_in_any_file(
    file: Path, tmp_path: Path, capsys: Capture
) -> None:
    there = renamed(file)
    names = {n for n in named(there.objects) if n not in NOBODYS and len(n) > 2}
    names |= {"botany", "larkspur", "florists"}
    assert {"rack7-tulip", "quince"} < names
    found, files = bundled(there, tmp_path, capsys, "-A", "--pseudonyms")
    assert left(names, files) == {}
    ours = json.loads((tmp_path / "b.tar.gz.names.json").read_text())
    told = {old for kind in ours.values() for old in kind.values()}
    assert not found.part["pulls"] or "larkspur" in told or "teasel" in told or "sorrel-db" in told
    assert cli.main(["open", "--quiet", str(tmp_path / "b.tar.gz")]) == found.exit


def someone() -> Recorded:
    image = "hub.glade.corp/orchid/ledger-x:1"
    failing = pod(
        "lark-7c9",
        namespace="meadow",
        image=image,
        secrets=("dew",),
        account="moss",
        owner=("Job", "nightly-lark"),
        node="tulip",
        message=f'pull of "{image}" for pod lark-7c9 in meadow: no basic auth credentials',
    )
    holds = secret("dew", namespace="meadow", auths={"other.fern.corp/elm": "ann:s3cret-of-ann"})
    holds["data"]["fern-ca.pem"] = "eA=="
    there = made(
        failing,
        secrets=[holds],
        jobs=[{"metadata": {"name": "nightly-lark", "namespace": "meadow"}}],
    )
    there.objects["serviceaccounts"] = [account("moss", "meadow"), account("default", "meadow")]
    there.objects["nodes"][0]["metadata"]["name"] = "tulip"
    return there


def test_the_job_that_failed_has_another_name_too(tmp_path: Path, capsys: Capture) -> None:
    """Its pods are gone, and nothing else of the report names it."""
    job = {
        "metadata": {
            "name": "teasel-29",
            "namespace": "shop",
            "ownerReferences": [{"kind": "CronJob", "name": "sorrel", "controller": True}],
        },
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "Late"}]},
    }
    cron = {"metadata": {"name": "sorrel", "namespace": "shop"}}
    there = made(jobs=[job], cronjobs=[cron])
    found, files = bundled(there, tmp_path, capsys, "cj/sorrel", "--pseudonyms")
    assert "Late" in found.out
    assert left({"teasel-29", "teasel", "sorrel"}, files) == {}


def test_every_kind_of_name_has_another_and_what_names_nobody_stays(
    tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "b.tar.gz"
    with serving(someone(), tmp_path) as server:
        config = kubeconfig(tmp_path, server, "meadow")
        config.write_text(config.read_text().replace(": recorded\n", ": glade-prod\n"))
        words = ("--bundle", str(file), "--pseudonyms", "--quiet", "-n", "meadow")
        assert cli.main(["k8s", "--kubeconfig", str(config), *words]) == 1
    capsys.readouterr()
    files = unpack(file.read_bytes())
    names = """hub glade orchid ledger-x lark-7c9 meadow dew moss nightly-lark tulip fern elm ann
        glade-prod fern-ca.pem"""
    assert left(set(names.split()), files) == {}
    kinds = json.loads((tmp_path / "b.tar.gz.names.json").read_text())
    assert {"pods", "Secrets", "ServiceAccounts", "workloads", "contexts", "keys of Secrets"} < set(
        kinds
    )
    ns = next(new for new, old in kinds["namespaces"].items() if old == "meadow")
    things = objects(files)
    kept = next(thing for name, thing in things.items() if name.startswith(f"Secret/{ns}/"))
    assert kept["type"] == "kubernetes.io/dockerconfigjson"
    assert ".dockerconfigjson" in kept["keys"]
    job = next(thing for name, thing in things.items() if name.startswith("Job/"))
    owner = next(t for n, t in things.items() if n.startswith("Pod/"))["metadata"][
        "ownerReferences"
    ]
    assert owner[0]["name"] == job["metadata"]["name"]
    report = json.loads(files["report.json"])["kubernetes"]
    assert report["context"] in kinds["contexts"]
    assert {f["check"] for pull in report["pulls"] for f in pull["findings"]} <= {"auth", "k8s"}


def test_a_word_that_every_bundle_holds_names_nobody(tmp_path: Path, capsys: Capture) -> None:
    there = made(pod("registry", owner=("Deployment", "auth")))
    found, files = bundled(there, tmp_path, capsys, "--pseudonyms")
    assert "Pod/ns1/registry" in objects(files)
    report = json.loads(files["report.json"])["kubernetes"]
    told = [f["code"] for p in report["pulls"] for f in p["findings"]]
    assert told == [f["code"] for p in found.part["pulls"] for f in p["findings"]]
    assert {f["check"] for p in report["pulls"] for f in p["findings"]} <= {"auth", "k8s"}


def test_without_pseudonyms_every_name_is_there(tmp_path: Path, capsys: Capture) -> None:
    look(someone(), tmp_path, capsys, "--bundle", str(tmp_path / "b"), namespace="meadow")
    there = left({"lark-7c9", "dew", "tulip"}, unpack((tmp_path / "b").read_bytes()))
    assert set(there) == {"lark-7c9", "dew", "tulip"}


NO_NAMES = """
Pull.reason Pull.message Pull.root_causes Pull.summary Pull.pods Workload.kind
LeftOut.what LeftOut.why Cluster.server_version Source.kind SecretSeen.type SecretSeen.flaw
SecretSeen.expired NodeSeen.platform NodeSeen.runtime NodeSeen.kubelet NodeSeen.system
NodeSeen.pressure PullFact.policy PullFact.reason PullFact.message PullFact.codes PullFact.beneath
PullFact.cannot_tell PullFact.workload_kind Vain.workload_kind
PullFact.annotation PullFact.cloud PullFact.difference PullFact.said
PullFact.outcome PullFact.probed SecretSeen.near[1] SecretSeen.marked[1] PullFact.params
PullFact.good_platforms SecretSeen.stray NodeSeen.cloud Refused.verb Refused.resource Refused.said
Refused.name Unreached.looked_at Unreached.reason Unreached.params ClusterFact.version
ClusterFact.chosen
"""
"""Texts of a cluster's facts that are no name; in them names are looked for."""


def test_every_text_of_a_clusters_facts_is_known_as_a_name_or_as_none() -> None:
    kinds = (
        *(pull.PullFact, pull.SecretSeen, pull.NodeSeen, pull.Source),
        *(cluster.Cluster, cluster.Pull, cluster.Workload, cluster.LeftOut),
        *(whole.ClusterFact, whole.Refused, whole.Vain, whole.Unreached),
    )
    texts = {
        f"{kind.__name__}.{field.name}"
        for kind in kinds
        for field in dataclasses.fields(kind)
        if "str" in str(field.type) and field.name not in {f.name for f in dataclasses.fields(Fact)}
    }
    known = {each.partition("[")[0] for each in (*KIND_OF, *NO_NAMES.split())}
    assert texts <= known, texts - known
    assert not set(KIND_OF) & set(NO_NAMES.split())


def test_what_looks_like_a_name_and_is_none_stays() -> None:
    names = Pseudonyms("fail registry")
    names.add("pod", "lark")
    names.add("ns", "42")
    names.add("context", "c")
    text = "skylark, larks, 42 ms, vitamin c, https://kubernetes.default.svc/api, events.k8s.io/v1"
    assert names(text) == text
    assert names("pod lark_meadow(uid), lark-7c9, LARK") == "pod pod1_meadow(uid), pod1-7c9, pod1"
    assert names("c") == "context1"
