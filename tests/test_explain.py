"""What does `doctor explain` do with a text: as it is typed, in a file, on standard input?"""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from doctor.cli import main
from doctor.codes import load
from doctor.command import hearsay
from doctor.report.document import document
from doctor.said import statements
from tests.said import HERE, MESSAGES

SCHEMA = json.loads((Path(__file__).parents[1] / "doctor/report/report.schema.json").read_text())
IMAGE = "registry.corp:5000/team/app:1.0"
REFUSED = (
    f'Failed to pull image "{IMAGE}": failed to resolve image: failed to do request: Head '
    '"https://registry.corp:5000/v2/team/app/manifests/1.0": dial tcp 10.0.0.1:5000: connect: '
    "connection refused"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *argv: str, given: bytes = b"") -> tuple[int, str, str]:
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(given))
    try:
        code = main(["explain", *argv])
    finally:
        sys.stdin = stdin
    out, err = capsys.readouterr()
    return code, out, err


def report(
    capsys: pytest.CaptureFixture[str], *argv: str, given: bytes = b""
) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, "--json", *argv, given=given)
    told: dict[str, Any] = json.loads(out)
    Draft202012Validator(SCHEMA).validate(told)
    return code, told


def test_an_error_is_a_report_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = report(capsys, REFUSED)
    (target,) = told["targets"]
    assert code == 0
    assert (told["verdict"], target["vantage"], target["hops"]) == ("fail", "text", [])
    assert target["target"] == IMAGE
    assert (target["registry"], target["repository"]) == ("registry.corp:5000", "team/app")
    assert target["client"] == "kubelet"
    assert target["root_causes"] == ["tcp.refused"]
    (finding,) = target["findings"]
    assert finding["hop"] == "registry.corp:5000"
    assert finding["evidence"]["method"] == "HEAD"
    assert "10.0.0.1 refused the connection to port 5000" in target["summary"]
    commands = [s["command"] for r in finding["remedies"] for s in r["steps"]]
    assert f"doctor check --as kubelet {IMAGE}" in commands


BOOK = load()


@pytest.mark.parametrize("case", MESSAGES, ids=lambda c: c["text"][:60])
def test_every_line_makes_a_valid_report(case: dict[str, Any]) -> None:
    told = document(hearsay.report([case["text"]], BOOK))
    Draft202012Validator(SCHEMA).validate(told)
    (target,) = told["targets"]
    assert target["root_causes"] == (case["codes"] or ["k8s.cause-unknown"])
    assert target["target"] == case.get("image", case.get("host"))
    first = target["findings"][0]
    assert first["detail"]
    assert "{" not in first["title"]
    for finding in target["findings"]:
        for remedy in finding["remedies"]:
            for step in remedy["steps"]:
                assert step["command"] is None or shlex.split(step["command"])
    assert any("`doctor " in r["title"] for r in first["remedies"])


def test_several_causes_for_the_same_words_are_candidates(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, told = report(capsys, f'failed to resolve reference "{IMAGE}": {IMAGE}: not found')
    findings = told["targets"][0]["findings"]
    assert [f["code"] for f in findings] == ["registry.manifest-unknown", "registry.name-unknown"]
    assert {f["confidence"] for f in findings} == {"possible"}
    assert "does not decide" in told["targets"][0]["summary"]
    cannot = " ".join(findings[0]["evidence"]["cannot_tell"])
    assert "HEAD" in cannot
    assert "mirrors" in cannot


@pytest.mark.parametrize("text", ["hello world", "the build is red", "", "   "])
def test_an_unknown_text_is_said_to_be_unknown_and_never_a_guess(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = report(capsys, "-", given=text.encode())
    (target,) = told["targets"]
    assert (code, target["target"], target["root_causes"]) == (1, None, ["k8s.cause-unknown"])
    code, out, _ = run(capsys, "-", given=text.encode())
    assert code == 1
    assert "None" not in out
    assert "k8s.cause-unknown" in out


def test_one_unknown_error_among_known_ones_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    text = f'{REFUSED}\nFailed to pull image "a.example/b:1": the moon is full\n'
    code, told = report(capsys, "-", given=text.encode())
    assert code == 1
    assert [t["root_causes"] for t in told["targets"]] == [
        ["tcp.refused"],
        ["k8s.cause-unknown"],
    ]


@pytest.mark.parametrize(("most", "left"), [(3, 2), (5, 0)])
def test_what_is_left_out_of_a_text_with_too_many_errors_is_counted(
    most: int, left: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST", most)
    lines = [REFUSED.replace("team/app", f"team/app{n}") for n in (0, 1, 2, 3, 4, 4, 0)]
    code, found = report(capsys, "-", given="\n".join(lines).encode())
    targets = found["targets"]
    assert (len(targets), code) == (most + bool(left), 1 if left else 0)
    if left:
        (finding,) = targets[-1]["findings"]
        assert (targets[-1]["target"], finding["evidence"]["left_out"]) == (None, left)
        _, out, _ = run(capsys, "-", given="\n".join(lines).encode())
        assert "2 more distinct messages left out" in out


def test_a_file_is_read_and_said_to_be(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "kubelet.log"
    file.write_text(f"2026-11-23T21:20:59Z {REFUSED}\n")
    code, out, err = run(capsys, "kubelet.log")
    assert code == 0
    assert "tcp.refused" in out
    assert "reading the file kubelet.log" in err
    assert "tcp.refused" not in err


def test_a_file_of_powershell_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pods.json").write_bytes(REFUSED.encode("utf-16"))
    assert run(capsys, "pods.json")[0] == 0


@pytest.mark.parametrize("name", ["folder", "a\x00b", "the folder/", '{"a":"b/c"}'])
def test_what_is_no_path_is_a_text(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    code, out, err = run(capsys, name)
    assert code == 1
    assert "No known error in the text" in out
    assert err == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("kubelet.log", "no such file"),
        ("logs/kubelet", "no such file"),
        ("held.log/x", "no such file"),
        ("/nope/events.json", "no such file"),
        ("registry.corp/app:1", "no such file; an image is for `doctor check`"),
        ("./folder", "no regular file"),
        ("/dev/null", "no regular file"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be(
    name: str, why: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "held.log").write_text(REFUSED)
    code, out, err = run(capsys, name)
    assert (code, out) == (1, "")
    assert f"doctor: {name}: {why}" in err
    assert "code" not in err


@pytest.mark.parametrize("name", ["held.log", "held"])
def test_a_file_that_may_not_be_read_is_no_text(
    name: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / name).write_text(REFUSED)
    if os.geteuid() == 0:  # root may read everything
        opened = os.open

        def refused(path: str, *rest: int) -> int:
            if path == name:
                raise PermissionError(errno.EACCES, "Permission denied")
            return opened(path, *rest)

        monkeypatch.setattr(os, "open", refused)
    else:
        (tmp_path / name).chmod(0)
    assert run(capsys, name) == (1, "", f"doctor: {name}: permission denied\n")


def test_several_files_are_read_one_after_another(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What both say is one error; one that is missing does not hold up the rest."""
    (tmp_path / "a.log").write_text(f"{REFUSED}\n")
    other = [{"message": 'Failed to pull image "x.example/b:1": toomanyrequests: x'}]
    (tmp_path / "events.json").write_text(json.dumps([*other, {"message": REFUSED}], indent=1))
    code, told = report(capsys, "a.log", "events.json")
    assert (code, told["verdict"]) == (0, "fail")
    assert [t["root_causes"] for t in told["targets"]] == [["tcp.refused"], ["rate.limited"]]
    code, out, err = run(capsys, "a.log", "missing.log", "events.json")
    assert code == 1
    assert "rate.limited" in out
    assert "doctor: missing.log: no such file" in err


def test_all_files_together_are_read_up_to_8_mib(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_bytes(b"x\n" * (4 << 20))
    (tmp_path / "b.log").write_text(REFUSED)
    code, _, err = run(capsys, "a.log", "b.log")
    assert code == 1
    assert "b.log goes beyond 8 MiB" in err


def test_a_text_may_come_in_several_words(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = report(capsys, *REFUSED.split())
    assert (code, told["targets"][0]["root_causes"]) == (0, ["tcp.refused"])


def test_the_objects_of_a_cluster_give_one_entry_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (HERE / "recorded" / "c24-mixed-pods.json").read_bytes()
    code, told = report(capsys, "-", given=text)
    assert code == 0
    assert [t["root_causes"][0] for t in told["targets"]] == [
        "registry.manifest-unknown",
        "auth.no-credentials",
        "dns.nxdomain",
        "rate.limited",
    ]


def test_what_lies_beyond_8_mib_is_not_read_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = b"x\n" * (4 << 20) + REFUSED.encode()
    code, _, err = run(capsys, "-", given=late)
    assert code == 1
    assert "larger than 8 MiB" in err


def test_text_is_readable_without_a_path_or_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "x509: certificate signed by unknown authority")
    assert out.startswith("Told by the text\n")
    assert "The path:" not in out
    assert "Meaning: Unknown certificate authority" in out
    assert max(map(len, out.splitlines())) <= 80


def test_quiet_prints_nothing_and_o_writes_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(capsys, "--quiet", REFUSED) == (0, "", "")
    assert run(capsys, "--json", "-o", "report.json", REFUSED) == (0, "", "")
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "fail"


@pytest.mark.parametrize("word", ["tls.unknown-caa", "unknown-ca", "dns.nxdomian"])
def test_a_mistyped_code_is_still_one(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, word)
    assert (code, out) == (1, "")
    assert "is no finding code" in err


@pytest.mark.parametrize("more", [["--json"], ["-o", "x"], ["--format", "json"]])
def test_a_code_has_no_report(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "tls.unknown-ca", *more)
    assert (code, out) == (2, "")
    assert "as text" in err


SECRETS = [
    'Get "https://alice:hunter2-secret@registry.corp/v2/": dial tcp 10.0.0.1:443: connect: '
    "connection refused",
    "Authorization: Basic YWxpY2U6aHVudGVyMi1zZWNyZXQ=\n" + REFUSED,
    'failed to copy: Get "https://cdn.corp/blob?sig=hunter2-secret&X-Amz-Signature=hunter2-x": EOF',
]


@pytest.mark.parametrize("text", SECRETS, ids=range(3))
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_of_a_pasted_text_is_repeated(
    text: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, err = run(capsys, "--format", form, "-", given=text.encode())
    assert "hunter2" not in out + err
    assert "YWxpY2U6" not in out + err


def test_markup_and_controls_are_dead(capsys: pytest.CaptureFixture[str]) -> None:
    text = 'Failed to pull image "a\x1b[31m\u202e/b": \x07 toomanyrequests: no'
    _, out, _ = run(capsys, "-", given=text.encode())
    assert not set(out) & set("\x1b\x07\u202e")


def test_a_hostile_name_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = 'Failed to pull image "a.example/b:1; rm -rf $(HOME)": toomanyrequests: x'
    _, told = report(capsys, text)
    for remedy in told["targets"][0]["findings"][0]["remedies"]:
        for step in remedy["steps"]:
            assert "rm" not in shlex.split(step["command"] or "")


X509 = (
    'Head "https://registry.corp:5000/v2/team/app/manifests/1.0": tls: failed to verify '
    "certificate: x509: certificate signed by unknown authority"
)
UNNAMED = f'Back-off pulling image "{IMAGE}": ErrImagePull: {X509}'
PODMANS = (
    f"Error: initializing source docker://{IMAGE}: pinging container registry registry.corp:5000: "
    'Get "https://registry.corp:5000/v2/": tls: failed to verify certificate: x509: certificate '
    "signed by unknown authority"
)


@pytest.mark.parametrize(
    ("words", "clients"),
    [(UNNAMED, ["containerd", "Podman and CRI-O"]), (PODMANS, ["Podman and CRI-O"])],
)
def test_where_the_words_name_no_runtime_the_commonest_comes_first(
    words: str, clients: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = report(capsys, words)
    titles = [each["title"] for each in told["targets"][0]["findings"][0]["remedies"]]
    given = [f"Give {client} the CA for registry.corp:5000" for client in clients]
    assert [title for title in titles if title.startswith("Give ")] == given


SOCKET = "/var/run/docker.sock"
DENIED = (
    f"permission denied while trying to connect to the Docker daemon socket at unix://{SOCKET}: "
    'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/images/create": dial unix '
    f"{SOCKET}: connect: permission denied"
)
CTR = (
    'ctr: failed to dial "/run/containerd/containerd.sock": connection error: desc = "transport: '
    'error while dialing: dial unix /run/containerd/containerd.sock: connect: permission denied"'
)


@pytest.mark.parametrize(
    ("said", "client", "command"),
    [
        (DENIED, "docker", 'sudo usermod --append --groups docker "$(id -un)"'),
        (f"Got {DENIED}", "docker", 'sudo usermod --append --groups docker "$(id -un)"'),
        (
            "permission denied while trying to connect to the docker API at "
            "unix:///var/run/docker.sock",
            "docker",
            'sudo usermod --append --groups docker "$(id -un)"',
        ),
        (
            'Error: unable to connect to Podman socket: Get "http://d/v5.0.0/libpod/_ping": dial '
            "unix /run/podman/podman.sock: connect: permission denied",
            "podman",
            "systemctl --user enable --now podman.socket",
        ),
        (CTR, "containerd", "sudo ctr --address /run/containerd/containerd.sock version"),
        (
            "validate CRI v1 runtime API for endpoint "
            '"unix:///run/k3s/containerd/containerd.sock": '
            "rpc error: code = Unavailable desc = connection error: desc = "
            '"transport: Error while dialing: dial unix /run/k3s/containerd/containerd.sock: '
            'connect: permission denied"',
            "containerd",
            "sudo ctr --address /run/k3s/containerd/containerd.sock version",
        ),
        (
            "/run/k3s/containerd/containerd.sock: connect: permission denied",
            "containerd",
            "sudo ctr --address /run/k3s/containerd/containerd.sock version",
        ),
        (
            "dial unix /var/run/crio/crio.sock: connect: permission denied",
            "cri-o",
            "sudo crictl --runtime-endpoint unix:///var/run/crio/crio.sock version",
        ),
    ],
)
def test_a_socket_that_may_not_be_used_is_a_missing_right(
    said: str, client: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daemon may well run, and the socket's path is no host."""
    code, told = report(capsys, said)
    (target,) = told["targets"]
    assert (code, target["target"], target["client"]) == (0, None, client)
    assert target["root_causes"] == ["client.not-running"]
    first = target["findings"][0]
    assert "right" in first["title"]
    assert first["remedies"][0]["steps"][0]["command"] == command
    commands = [s["command"] or "" for r in first["remedies"] for s in r["steps"]]
    assert not [each for each in commands if "%2F" in each or "enable --now docker" in each]


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (
            f"Cannot connect to the Docker daemon at unix://{SOCKET}. Is the docker daemon "
            "running?",
            "sudo systemctl enable --now docker",
        ),
        (CTR.replace("permission denied", "connection refused"),
         "sudo systemctl enable --now containerd"),
    ],
)  # fmt: skip
def test_a_daemon_that_does_not_run_is_started(
    said: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = report(capsys, said)[1]["targets"][0]["findings"][0]
    assert "right" not in first["title"]
    assert first["remedies"][0]["steps"][0]["command"] == command


@pytest.mark.parametrize(
    "said",
    [
        "dial unix /var/run/postgresql/.s.PGSQL.5432: connect: permission denied",
        "open /etc/docker/daemon.json: permission denied",
    ],
)
def test_another_programs_socket_is_none_of_ours(
    said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(capsys, said)[0] == 1


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["unauthorized"], "auth.no-credentials"),
        (["connection refused"], "tcp.refused"),
        (["connection", "refused"], "tcp.refused"),
        (["403", "Forbidden"], "auth.forbidden"),
        (["toomanyrequests"], "rate.limited"),
    ],
)
def test_a_few_words_that_are_all_is_an_error(
    words: list[str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = report(capsys, *words)
    assert (code, told["targets"][0]["root_causes"][0]) == (0, cause)


def _commands(finding: dict[str, Any]) -> list[str]:
    return [s["command"] for r in finding["remedies"] for s in r["steps"] if s["command"]]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("no space left on device", "docker image prune --all --force"),
        ("no space left on device", "podman image prune --all --force"),
        ("no space left on device", "sudo crictl rmi --prune"),
        ("no basic auth credentials", "doctor explain auth.no-credentials"),
    ],
)
def test_what_is_certain_comes_with_what_mends_it_though_nothing_is_named(
    said: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = report(capsys, said)[1]["targets"][0]["findings"][0]
    assert remedy in _commands(first)
    assert "Have it proved" not in first["remedies"][0]["title"]


@pytest.mark.parametrize(
    ("said", "step"),
    [
        (
            'error getting credentials - err: exec: "docker-credential-desktop": executable file '
            "not found in $PATH",
            '"desktop"',
        ),
        ("toomanyrequests: You have reached your pull rate limit", "Try again later"),
    ],
)
def test_what_needs_no_command_is_told_too(
    said: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = report(capsys, said)[1]["targets"][0]["findings"][0]
    assert step in first["remedies"][0]["steps"][0]["text"]


def test_a_client_that_is_named_gets_its_own_remedies_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "Error response from daemon: write /var/lib/docker/tmp/x: no space left on device"
    commands = _commands(report(capsys, said)[1]["targets"][0]["findings"][0])
    assert "docker image prune --all --force" in commands
    assert not [each for each in commands if "podman" in each or "explain" in each]
