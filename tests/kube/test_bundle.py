"""`doctor k8s --bundle`: the objects that a failing pull hangs on go along, without a Secret's
value, and the report is printed all the same."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from doctor import cli
from doctor.bundle import contents, kubernetes
from doctor.bundle.archive import unpack
from doctor.bundle.codec import encode
from doctor.bundle.opened import Opened, read
from doctor.checks import k8s
from doctor.command.opinion import opinion
from doctor.facts.cluster import ClusterFact
from doctor.facts.pull import PullFact
from doctor.model import Case, Finding
from doctor.pods import kept
from doctor.redact import plain
from doctor.report import text
from doctor.report.conformity import faults
from tests import leaks
from tests.bundle.test_codec import values
from tests.kube.api import Recorded, kubeconfig, serving
from tests.kube.cluster import IMAGE, Looked, account, cluster, look, pod, secret
from tests.kube.test_causes import UNRETRIEVED, event
from tests.kube.test_recordings import FILES
from tests.report.test_schema import VALIDATOR

Capture = pytest.CaptureFixture[str]
REGISTRY = "registry.corp:5000"
PASSWORD = leaks.password("a pull Secret of a cluster")
TOKEN = leaks.plainly("a variable of a pod")
OF_A_WORKLOAD = {"owner": ("ReplicaSet", "web-7c9"), "labels": {"pod-template-hash": "7c9"}}


def one_of_each() -> Recorded:
    """A pod that fails, one that runs, and what stands around both."""
    failing = pod(secrets=("pull",), owner=("Job", "sync"))
    failing["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": TOKEN}]
    running = pod("other", state={"running": {}})
    told = {"last-applied": json.dumps({"password": PASSWORD})}
    return cluster(
        failing,
        running,
        secrets=[
            secret("pull", auths={"registry.corp": f"ann:{PASSWORD}"}, annotations=told),
            secret("beside", auths={"x.corp": f"bob:{PASSWORD}"}),
            secret("nobodys", auths={REGISTRY: f"eve:{PASSWORD}"}),
        ],
        serviceaccounts=[account("default", "shop", "beside")],
        jobs=[{"metadata": {"name": "sync", "namespace": "shop"}}],
        events=[
            event("Failed", f'Failed to pull image "{IMAGE}"'),
            event("Failed", "of another pod", "other"),
        ],
    )


def bundled(
    recorded: Recorded, folder: Path, capsys: Capture, *words: str
) -> tuple[Looked, dict[str, bytes]]:
    file = folder / "b.tar.gz"
    found = look(recorded, folder, capsys, "--bundle", str(file), *words)
    return found, unpack(file.read_bytes()) if file.exists() else {}


def objects(files: dict[str, bytes]) -> dict[str, Any]:
    return {
        name.removeprefix("kubernetes/").removesuffix(".json"): json.loads(data)
        for name, data in files.items()
        if name.startswith("kubernetes/")
    }


def test_the_objects_of_a_failing_pull_go_along_and_the_report_is_printed(
    tmp_path: Path, capsys: Capture
) -> None:
    found, files = bundled(one_of_each(), tmp_path, capsys)
    things = objects(files)
    assert {name for name in things if not name.startswith("Event/")} == {
        "Pod/shop/web",
        "Job/shop/sync",
        "Secret/shop/pull",
        "Secret/shop/beside",
        "ServiceAccount/shop/default",
        "Node/-/node-1",
    }
    events = [thing for name, thing in things.items() if name.startswith("Event/")]
    assert [each["involvedObject"]["name"] for each in events] == ["web"]
    assert things["Secret/shop/pull"]["keys"][".dockerconfigjson"]["hosts"] == ["registry.corp"]
    assert things["Pod/shop/web"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert found.exit == 1
    assert json.loads(files["report.json"])["kubernetes"] == found.part
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    assert "b.tar.gz" in found.err
    assert "searched for secrets; none was found" in found.err


def test_that_a_pod_names_a_secret_in_vain_keeps_no_bundle_back(
    tmp_path: Path, capsys: Capture
) -> None:
    """Its name is none; and the bundle is judged as the cluster was."""
    running: dict[str, Any] = {"running": {}}
    there = cluster(pod(secrets=("gone", "a"), state=running), events=[UNRETRIEVED])
    found, files = bundled(there, tmp_path, capsys)
    assert found.finding("k8s.secret-missing")["subject"] == "shop/gone"
    assert b'"gone"' in files["facts/kubernetes.json"]
    again = opinion(read(str(tmp_path / "b.tar.gz")))
    assert again["origin"]["changes"] == []


def test_no_value_of_a_secret_and_of_no_variable_goes_along(
    tmp_path: Path, capsys: Capture
) -> None:
    found, files = bundled(one_of_each(), tmp_path, capsys)
    assert objects(files)
    said = {"standard output": found.out.encode(), "standard error": found.err.encode()}
    assert leaks.leaks(files | said) == {}


def test_a_secret_is_masked_as_one_whatever_kind_it_says_it_is(
    tmp_path: Path, capsys: Capture
) -> None:
    odd = secret("pull", auths={"registry.corp": f"ann:{PASSWORD}"})
    odd |= {"kind": "Pod", "spec": odd["data"], "message": PASSWORD}
    _, files = bundled(cluster(pod(secrets=("pull",)), secrets=[odd]), tmp_path, capsys)
    assert objects(files)["Secret/shop/pull"]["keys"]
    assert leaks.leaks(files) == {}


def opened(folder: Path, capsys: Capture) -> dict[str, Any]:
    """The bundle, judged again."""
    cli.main(["open", "--json", str(folder / "b.tar.gz")])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(found)
    return found


def test_it_is_opened_like_the_report_that_it_holds(tmp_path: Path, capsys: Capture) -> None:
    found, _ = bundled(one_of_each(), tmp_path, capsys)
    assert cli.main(["open", "--json", str(tmp_path / "b.tar.gz")]) == 1
    again = json.loads(capsys.readouterr().out)
    assert again["kubernetes"] == found.part
    assert again["origin"]["kind"] == "bundle"
    assert (again["origin"]["changes"], again["origin"]["notes"]) == ([], [])


def test_what_is_judged_otherwise_today_is_said(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled(one_of_each(), tmp_path, capsys)

    def wiser(case: Case) -> Iterator[Finding]:
        assert case.facts.get(PullFact)
        yield Finding("rate.limited", subject="registry.corp:5000")

    monkeypatch.setattr(k8s, "judge", wiser)
    again = opened(tmp_path, capsys)
    assert [p["root_causes"] for p in again["kubernetes"]["pulls"]] == [["rate.limited"]]
    assert again["origin"]["changes"][0] == (
        "Job shop/sync (app): the root cause was k8s.secret-wrong-host and is rate.limited."
    )
    assert any(s.startswith("found now: rate.limited") for s in again["origin"]["changes"])
    assert cli.main(["open", "--json", "--as-recorded", str(tmp_path / "b.tar.gz")]) == 1
    assert "k8s.secret-wrong-host" in capsys.readouterr().out


def test_a_pull_that_fails_for_no_reason_today_is_no_failure_any_more(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled(one_of_each(), tmp_path, capsys)
    monkeypatch.setattr(k8s, "judge", lambda case: ())
    again = opened(tmp_path, capsys)
    assert (again["verdict"], again["kubernetes"]["verdict"]) == ("warn", "warn")
    assert again["origin"]["changes"][0] == "the verdict was fail and is warn."


def test_what_may_not_be_read_is_judged_again_too(tmp_path: Path, capsys: Capture) -> None:
    there = one_of_each()
    there.forbidden |= {("get", "secrets", None), ("get", "nodes", None)}
    found, files = bundled(there, tmp_path, capsys, "--context", "recorded")
    again = opened(tmp_path, capsys)
    assert again["kubernetes"] == found.part
    assert [f["code"] for f in found.part["findings"]] == ["k8s.forbidden"] * 3
    assert leaks.leaks(files) == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda kept: kept.update(schema="doctor.cluster/9"), "facts of the schema doctor.clust"),
        (lambda kept: kept["facts"].pop(0), "0 facts about the cluster itself"),
        (lambda kept: kept["facts"][1].update(kind="Odd"), "a fact of the kind Odd, which is not"),
        (lambda kept: kept["facts"][1]["fact"].update(pod=7), "PullFact.pod: int, not str"),
        (None, "the bundle holds no facts of it"),
    ],
)
def test_a_cluster_that_cannot_be_judged_is_shown_as_recorded(
    change: Any, why: str, tmp_path: Path, capsys: Capture
) -> None:
    found, files = bundled(one_of_each(), tmp_path, capsys)
    kept_facts = json.loads(files["facts/kubernetes.json"]) if change else None
    if change:
        change(kept_facts)
    told = opinion(Opened(found.report, cluster=kept_facts, is_bundle=True))
    assert told["kubernetes"] == found.part
    assert f"The cluster is shown as it was recorded: {why}" in told["origin"]["notes"][0]


def test_fields_of_a_later_version_are_passed_over_by_name(tmp_path: Path, capsys: Capture) -> None:
    found, files = bundled(one_of_each(), tmp_path, capsys)
    kept_facts = json.loads(files["facts/kubernetes.json"])
    kept_facts["facts"][1]["fact"]["mood"] = "grim"
    told = opinion(Opened(found.report, cluster=kept_facts, is_bundle=True))
    assert told["kubernetes"] == found.part
    assert "PullFact.mood" in told["origin"]["notes"][0]


@cache
def written() -> Opened:
    """A bundle of a cluster, as it is opened."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "b.tar.gz"
        with serving(one_of_each(), Path(folder)) as server:
            config = kubeconfig(Path(folder), server, "shop")
            cli.main(["k8s", "--quiet", "--kubeconfig", str(config), "--bundle", str(file)])
        return read(str(file))


@settings(
    suppress_health_check=list(HealthCheck),
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
)
@given(values(ClusterFact), st.lists(values(PullFact), max_size=3))
def test_any_facts_of_a_cluster_are_judged_or_shown_as_recorded(
    fact: ClusterFact, pulls: list[PullFact]
) -> None:
    rows = [
        {"kind": type(each).__name__, "fact": encode(each, type(each), str)}
        for each in (fact, *pulls)
    ]
    told = opinion(replace(written(), cluster={**written().cluster, "facts": rows}))
    assert faults(told) == []
    assert all("facts make no report" in note for note in told["origin"]["notes"])
    shown = text.render(told, text.Style(verbose=True))
    assert all(plain(line, 100_000) == line for line in shown.split("\n"))


def test_what_is_read_without_a_bundle_is_read_with_one_and_no_more(
    tmp_path: Path, capsys: Capture
) -> None:
    without = look(one_of_each(), tmp_path, capsys)
    with_one, _ = bundled(one_of_each(), tmp_path, capsys)
    assert sorted(without.requests) == sorted(with_one.requests)


def test_so_many_objects_go_along_and_the_rest_is_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kept._MOST, "Pod", 2)
    _, files = bundled(cluster(*(pod(f"web-{n}") for n in range(5))), tmp_path, capsys)
    assert sum(name.startswith("Pod/") for name in objects(files)) == 2
    left = json.loads(files["MANIFEST.json"])["left_out"]
    assert [each["what"] for each in left if each["why"].startswith("3 more")] == ["kubernetes/Pod"]


@pytest.mark.parametrize("number", [b"NaN", b"1e999"])
def test_numbers_that_json_does_not_have_end_nothing(
    number: bytes, tmp_path: Path, capsys: Capture
) -> None:
    node = b'{"kind":"Node","metadata":{"name":"node-1","generation":%s}}' % number
    there = one_of_each()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(node)
    there.broken = lambda path: head + node if "/nodes/" in path else None
    _, files = bundled(there, tmp_path, capsys)
    assert objects(files)["Node/-/node-1"]["metadata"] == {"name": "node-1", "generation": None}


def test_where_a_secret_would_leave_nothing_is_written_and_the_report_is_printed(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "masked", lambda thing, mask: thing)
    monkeypatch.setattr(contents, "_each", lambda value, text: value)
    found, files = bundled(one_of_each(), tmp_path, capsys)
    assert (found.exit, files) == (3, {})
    assert "no bundle was written, for a secret was found in it: kubernetes/" in found.err
    assert found.causes
    assert leaks.leaks({"err": found.err.encode()}) == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--bundle", "no/such/folder/b.tar.gz"), "--bundle 'no/such/folder/b.tar.gz' cannot be"),
        (("--bundle", "."), "--bundle '.' is no regular file"),
        (("--bundle", "a", "--json", "-o", "./a"), "-o and --bundle both name 'a'"),
        (("--pseudonyms",), "give --bundle FILE too"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_contacted(
    words: tuple[str, ...],
    says: str,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    there = one_of_each()
    found = look(there, tmp_path, capsys, *words, json_out=False)
    assert (found.exit, found.out, there.requests) == (2, "", [])
    assert says in found.err


def test_a_cluster_that_cannot_be_reached_has_a_bundle_too(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "b.tar.gz"
    words = ("--kubeconfig", os.devnull, "--bundle", str(file))
    assert cli.main(["k8s", "--quiet", *words]) == 1
    assert capsys.readouterr() == ("", "")
    files = unpack(file.read_bytes())
    assert objects(files) == {}
    findings = json.loads(files["report.json"])["kubernetes"]["findings"]
    assert [each["code"] for each in findings] == ["k8s.no-cluster"]


def test_pseudonyms_stand_for_namespaces_nodes_registries_and_images(
    tmp_path: Path, capsys: Capture
) -> None:
    there = one_of_each()
    there.objects["nodes"][0]["metadata"]["name"] = "rack7-tulip"
    there.objects["pods"][0]["spec"]["nodeName"] = "rack7-tulip"
    found, files = bundled(there, tmp_path, capsys, "--pseudonyms")
    held = "\n".join([*files, *(data.decode() for data in files.values())])
    names = json.loads((tmp_path / "b.tar.gz.names.json").read_text())
    for name in ("registry.corp", "x.corp", "shop", "rack7", "team/app"):
        assert name not in held
    assert "shop" in names["namespaces"].values()
    assert IMAGE in found.out, "the report that is printed is one's own"
    assert cli.main(["open", "--json", str(tmp_path / "b.tar.gz")]) == 1
    assert json.loads(capsys.readouterr().out)["origin"]["pseudonyms"] is True


@pytest.mark.parametrize("file", FILES[::20], ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_a_recorded_cluster_has_a_bundle_that_opens(
    file: Path, tmp_path: Path, capsys: Capture
) -> None:
    found, files = bundled(Recorded.of(file), tmp_path, capsys, "-A", "--pseudonyms")
    assert {"MANIFEST.json", "report.json"} <= set(files), found.err
    assert cli.main(["open", "--quiet", str(tmp_path / "b.tar.gz")]) == found.exit
