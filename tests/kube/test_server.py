"""Whatever the API server answers, or does not, the run ends with a report that says so."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from doctor import cli
from doctor.net import kube
from tests.kube.api import TOKEN, Recorded, kubeconfig, serving
from tests.kube.cluster import cluster, look, pod

Capture = pytest.CaptureFixture[str]


def many(count: int) -> Recorded:
    running: dict[str, Any] = {"running": {}}
    return cluster(*(pod(f"web-{n}", state=None if n % 9 == 0 else running) for n in range(count)))


@pytest.mark.parametrize(("expire", "goes_on"), [(0, True), (2, True), (2, False)])
def test_every_page_is_read_once_also_where_a_token_expires(
    expire: int,
    goes_on: bool,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kube, "PAGE", 10)
    there = many(45)
    there.expire_after, there.goes_on = expire, goes_on
    found = look(there, tmp_path, capsys)
    assert (found.part["pods_seen"], found.part["pods_failing"]) == (45, 5)
    assert found.part["pulls"][0]["pods"] == 5


def test_a_page_that_breaks_off_makes_a_clean_look_incomplete(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "PAGE", 10)
    there = cluster(*(pod(f"web-{n}", state={"running": {}}) for n in range(30)))
    there.broken = lambda path: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{" if "continue" in path else None
    )
    found = look(there, tmp_path, capsys)
    assert (found.exit, found.part["verdict"]) == (3, "incomplete")
    assert found.part["left_out"][0]["what"] == "pods"


ODD = {
    "html": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "list": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "deep": b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200000,
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhehe",
    "garbage": b"\x15\x03\x01\x00\x02\x02F",
    "closed": b"",
    "busy": b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("what", ODD)
def test_an_answer_that_is_not_the_apis_is_no_cluster(
    what: str, tmp_path: Path, capsys: Capture
) -> None:
    there = cluster()
    there.broken = lambda path: ODD[what]
    found = look(there, tmp_path, capsys, "--timeout", "10")
    assert found.exit == 1
    assert found.causes == []
    assert found.part["findings"][0]["code"] == "k8s.no-cluster"
    assert found.part["hops"][0]["reached"] in ("tls", "http")


def test_a_redirect_is_not_followed(tmp_path: Path, capsys: Capture) -> None:
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = cluster()
    with serving(elsewhere, other) as address:
        there = cluster()
        there.redirect = f"{address}/api/v1/pods"
        found = look(there, tmp_path, capsys)
    assert found.exit == 1
    assert elsewhere.requests == []


def test_a_login_that_is_not_accepted_says_to_log_in_again(tmp_path: Path, capsys: Capture) -> None:
    found = look(cluster(), tmp_path, capsys, token="stale-token-value-000")
    finding = found.finding("k8s.no-cluster")
    assert found.exit == 1
    assert finding["remedies"][0]["title"] == "Log in to the cluster of context recorded again"


def test_an_api_server_that_is_not_there_is_walked_to_like_any_host(
    tmp_path: Path, capsys: Capture
) -> None:
    with serving(cluster(), tmp_path):
        pass
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        config = kubeconfig(tmp_path, f"https://127.0.0.1:{port}")
        code = cli.main(["k8s", "--json", "--kubeconfig", str(config)])
    part = json.loads(capsys.readouterr().out)["kubernetes"]
    assert (code, part["verdict"]) == (1, "fail")
    assert part["hops"][0]["port"] == port
    assert {"k8s.no-cluster", "tcp.refused"} <= {f["code"] for f in part["findings"]}
    assert [f["code"] for f in part["findings"] if f["root_cause"]] == ["k8s.no-cluster"]


def test_a_certificate_of_another_authority_is_told_by_the_ladder(
    tmp_path: Path, capsys: Capture
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with serving(cluster(), tmp_path) as server, serving(cluster(), other):
        config = kubeconfig(other, server)
        code = cli.main(["k8s", "--json", "--kubeconfig", str(config)])
    part = json.loads(capsys.readouterr().out)["kubernetes"]
    assert code == 1
    assert any(f["code"].startswith("tls.") for f in part["findings"])


def test_a_server_that_never_answers_ends_with_the_budget(tmp_path: Path, capsys: Capture) -> None:
    there = cluster()
    there.delay = 30
    found = look(there, tmp_path, capsys, "--timeout", "2")
    assert found.exit == 1
    assert found.report["duration_ms"] < 3000


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    program = folder / "login-helper"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "./login-helper",
            "args": ["get-token"],
            "env": [{"name": "LOGIN_AS", "value": "ann"}],
            **more,
        }
    }


GOOD = (
    'echo "{\\"apiVersion\\": \\"client.authentication.k8s.io/v1\\", \\"kind\\": '
    f'\\"ExecCredential\\", \\"status\\": {{\\"token\\": \\"{TOKEN}\\"}}}}"'
)


def test_a_login_plug_in_is_run_without_a_terminal(tmp_path: Path, capsys: Capture) -> None:
    script = f'[ "$LOGIN_AS" = ann ] && [ "$1" = get-token ] && ! [ -t 0 ] || exit 9\n{GOOD}'
    found = look(cluster(pod()), tmp_path, capsys, **plugin(tmp_path, script))
    assert found.causes == ["auth.no-credentials"]
    assert TOKEN not in found.out + found.err


@pytest.mark.parametrize(
    ("script", "more", "says"),
    [
        ("echo 'token has expired' >&2; exit 3", {}, "status 3: token has expired"),
        ("sleep 60", {}, "did not end within"),
        ("echo hello", {}, "no ExecCredential"),
        ("exit 0", {"interactiveMode": "Always"}, "wants to ask on a terminal"),
        (GOOD.replace("/v1", "/v1beta1"), {}, "was asked for"),
        ("yes", {}, "more than a login takes"),
    ],
)
def test_a_login_plug_in_that_fails_is_reported_as_what_it_is(
    script: str, more: dict[str, Any], says: str, tmp_path: Path, capsys: Capture
) -> None:
    user = plugin(tmp_path, script, **more)
    found = look(cluster(pod()), tmp_path, capsys, "--timeout", "3", **user)
    assert found.exit == 1
    assert says in found.finding("k8s.no-cluster")["detail"]
    assert found.requests == []


def test_a_plug_in_that_is_not_there_is_named(tmp_path: Path, capsys: Capture) -> None:
    user = plugin(tmp_path, GOOD, command="no-such-login-program")
    found = look(cluster(pod()), tmp_path, capsys, **user)
    assert "no-such-login-program cannot be started" in found.finding("k8s.no-cluster")["detail"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--context", "nobody"], 1, "no context is named nobody"),
        (["--kubeconfig", "/nowhere/config"], 2, "cannot be read"),
        (["web-9"], 2, "there is no pod 'web-9'"),
        (["deploy/web"], 2, "there is no deployment 'web'"),
        (["sealed/web"], 2, "is no kind that pulls images"),
        (["Web"], 2, "is no name"),
        (["-A", "-n", "shop"], 2, "-A means every namespace"),
        (["-n", "a/b"], 2, "is no namespace"),
    ],
)
def test_what_cannot_be_used_is_said(
    words: list[str], code: int, says: str, tmp_path: Path, capsys: Capture
) -> None:
    found = look(cluster(pod()), tmp_path, capsys, *words, json_out=code == 1)
    assert found.exit == code
    assert says in (found.out if code == 1 else found.err)


def test_no_kubeconfig_at_all_says_where_it_was_looked_for(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert cli.main(["k8s"]) == 1
    assert os.path.join(str(tmp_path), ".kube", "config") in capsys.readouterr().out.replace(
        "\n  ", ""
    )


def test_of_several_kubeconfigs_the_first_current_context_counts(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("current-context: elsewhere\ncontexts: []\nclusters: []\nusers: []\n")
    with serving(cluster(), tmp_path) as server:
        mine = kubeconfig(tmp_path, server)
        monkeypatch.setenv("KUBECONFIG", f"{mine}:{other}")
        assert cli.main(["k8s", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kubernetes"]["context"] == "recorded"


@pytest.mark.parametrize(
    "text", ["", "[]", "x: [", "contexts: 3\ncurrent-context: a", "current-context: a"]
)
def test_a_broken_kubeconfig_is_reported(text: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    assert cli.main(["k8s", "--json", "--kubeconfig", str(file)]) == 1
    part = json.loads(capsys.readouterr().out)["kubernetes"]
    assert part["findings"][0]["code"] == "k8s.no-cluster"


def test_keys_of_the_kubeconfig_touch_no_disk(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    made: list[str] = []
    monkeypatch.setattr("tempfile.mkstemp", lambda *a, **k: made.append("file"))
    found = look(cluster(pod(state={"running": {}})), tmp_path, capsys)
    assert (found.exit, made, list(folder.iterdir())) == (0, [], [])
