"""What a user can type, and what the exit code says. Nothing here reaches a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doctor.cli import main


@pytest.fixture(autouse=True)
def offline_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["chekc"], "did you mean `doctor check`?"),
        (["nginx"], "doctor check nginx"),
        (["docker", "pull", "x.example/a:1"], "fails: doctor check docker pull x.example/a:1"),
        (["docker", "pull", "u:hunter2@x.example/a"], "doctor check docker pull"),
        (["docker", "x.example/a"], "For an image of that name: doctor check docker"),
        (["check", "x.example/a", "--as", "dokcer"], "shell, crane, docker, podman, containerd"),
        (["check", "x.example/a", "--format", "yaml"], "text, json"),
        (["check", "x.example/a", "--only", "tsl"], "did you mean tls?"),
        (["check", "x.example/a", "--skip", "nothing"], "is no check"),
        (["check", "x.example/a", "--only", "blob", "--skip", "blob"], "nothing is left"),
        (["check", "x.example/a", "--only", "dns,tls", "--skip", "tls,dns,api"], "nothing is left"),
        (["check", "x.example/a", "--timeout", "0"], "above 0"),
        (["check", "x.example/a", "--timeout", "-1"], "above 0"),
        (["check", "x.example/a", "--timeout", "soon"], "above 0"),
        (["check", "x.example/a", "--timeout", "nan"], "above 0"),
        (["check", "x.example/a", "--timeout", "inf"], "above 0"),
        (["check", "x.example/a", "--warn-days", "-3"], "number of days"),
        (["check", "x.example/a", "--platform", "arm64"], "linux/arm64/v8"),
        (["check", "x.example/a", "--ca", "/does/not/exist.pem"], "cannot be read"),
        (["check", "x.example/a", "--ca", "/dev/null"], "not a regular file"),
        (["check", "x.example/a", "--root", "/does/not/exist"], "not a folder"),
        (["check", "x.example/a", "-f", "/does/not/exist.yaml"], "cannot be read"),
        (["check", "x.example/a", "-o", "/does/not/exist/report"], "not a writable folder"),
        (["check", "x.example/a", "-o", "/"], "a folder"),
        (["check", "x.example/a", "--json", "--format", "text"], "only one format"),
        (["check", "x.example/a", "-o", "a", "-o", "b"], "belongs to the n-th"),
        (["check", "x.example/a", "--username", "u"], "go together"),
        (["check", "x.example/a", "--password-stdin"], "go together"),
        (["check", "-f", "-", "--username", "u", "--password-stdin"], "both want standard input"),
        (["check", "x.example/a", "--pasword-stdin"], "--help"),
        (["check", "x.example/a", "--password", "hunter2"], "there is no option --password"),
        (["bundle", "-o", "a", "-o", "b"], "a bundle is one file"),
    ],
)
def test_a_usage_error_exits_2_and_says_what_is_usable(
    capsys: pytest.CaptureFixture[str], argv: list[str], says: str
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert "hunter2" not in err


@pytest.mark.parametrize("more", [("--skip", "tls"), ("--only", "dns,tls", "--skip", "tls")])
def test_what_is_skipped_may_leave_something(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    assert run(capsys, "check", "--offline", "x.example/a", *more)[0] != 2


def test_what_is_skipped_and_needed_all_the_same_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "check", "localhost:1/a", "--skip", "tcp,rate", "--json")
    assert code == 1
    assert err.count("\n") == 1, err
    assert err.startswith("doctor: --skip tcp: it is looked at all the same, because tls cannot")
    assert {"tcp", "rate"} <= set(json.loads(out)["targets"][0]["not_tried"])
    for more in (("--skip", "rate"), ("--skip", "tcp", "--offline"), ("--skip", "tcp", "--quiet")):
        assert run(capsys, "check", "localhost:1/a", *more)[2] == ""


@pytest.mark.parametrize("more", [(), ("--skip", "rate"), ("--skip", "client")])
def test_a_skipped_check_brings_no_other_one(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    out = run(capsys, "check", "localhost:1/a", "--offline", "--json", *more)[1]
    (found,) = json.loads(out)["targets"]
    assert "client" not in {each["name"] for each in found["checks"]}
    assert ("client" in found["not_tried"]) is ("client" in more)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("text", "registry [::1]:1: not reached"),
        ("markdown", "| `[::1]:1` | registry |"),
        ("html", '<b>[::1]<span class="port">:1</span></b>'),
    ],
)
def test_an_ipv6_host_stands_in_brackets(
    capsys: pytest.CaptureFixture[str], form: str, said: str
) -> None:
    assert said in run(capsys, "check", "--offline", "[::1]:1/a:1", "--format", form)[1]


def test_nothing_said_prints_the_help_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 2
    assert "doctor check" in out


def test_version_and_help_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, "registry-doctor 0.1.0\n")
    assert run(capsys, "--help")[0] == 0


def test_explain_knows_codes_and_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "explain", "tls.unknown-ca")
    assert code == 0
    assert "tls.unknown-ca" in out
    code, out, err = run(capsys, "explain", "tls.unknown-caa")
    assert (code, out) == (1, "")
    assert "tls.unknown-ca" in err


def test_checks_lists_every_check_with_its_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "checks")
    assert code == 0
    for name in ("dns", "proxy", "tcp", "tls", "api", "auth", "image", "blob", "rate"):
        assert f"\n{name}" in f"\n{out}"
    assert "tls.unknown-ca" in out


@pytest.mark.parametrize(
    "text", ["", "x" * 10_000 + "/y", "\x00\x1b[2J/\u202e", "a b c/d", "ünïcode/App", "\udcff/x"]
)
def test_any_text_as_target_is_a_finding_and_never_a_traceback(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    code, out, err = run(capsys, "check", "--offline", "--", text)
    assert code == 1
    assert "registry.invalid-reference" in out
    assert "Traceback" not in err
    assert "\x1b" not in out + err


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        ("docker pull reg.example/app:1", ["reg.example/app:1"]),
        ("sudo podman pull reg.example/app:1", ["reg.example/app:1"]),
        ("docker pull --platform linux/arm64 reg.example/app:1", ["reg.example/app:1"]),
        ("crictl pull reg.example/app:1", ["reg.example/app:1"]),
        ("nerdctl image pull reg.example/app:1", ["reg.example/app:1"]),
        ("skopeo inspect docker://reg.example/app:1", ["reg.example/app:1"]),
        ("-- crictl pull --creds u:hunter2 reg.example/app:1", ["reg.example/app:1"]),
        ("docker redis nginx", ["docker", "redis", "nginx"]),
        ("docker:dind pull nginx", ["docker:dind", "pull", "nginx"]),
        ("reg.example/docker pull nginx", ["reg.example/docker", "pull", "nginx"]),
        ("docker pull", ["docker", "pull"]),
        ("docker pull a.example/x b.example/y", ["docker", "pull", "a.example/x", "b.example/y"]),
    ],
)
def test_a_command_that_was_pasted_without_quotes_is_one_target(
    capsys: pytest.CaptureFixture[str], words: str, targets: list[str]
) -> None:
    code, out, err = run(capsys, "check", "--offline", "--json", *words.split())
    found = json.loads(out)["targets"]
    named = [each["target"] if len(targets) > 1 else image(each) for each in found]
    assert (code, named, err) == (0, targets, "")
    assert any("in front was left out" in said for said in found[0]["assumed"]) == (
        len(targets) == 1
    )
    assert "hunter2" not in out


def image(target: dict[str, Any]) -> str:
    return f"{target['registry']}/{target['repository']}:{target['tag']}"


@pytest.mark.parametrize(
    "text", ["-", "--", "-x", "--help", "--json", "-o/tmp/x", "--proxy=http://p"]
)
def test_behind_two_hyphens_there_are_targets_alone(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    code, out, err = run(capsys, "check", "--offline", "--", text)
    assert (code, err) == (1, "")
    assert out.startswith(f"Cannot be used: {text}\n")


def test_offline_says_what_was_left_out_and_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "check", "--offline", "registry.example/app:1")
    assert code == 0
    assert all(part in out for part in ("Left out", "tls"))


def test_a_file_of_images_keeps_their_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    listed = tmp_path / "images.txt"
    listed.write_text("# ours\nregistry.example/a:1\nregistry.example/b:2\nregistry.example/a:1\n")
    code, out, _ = run(capsys, "check", "--offline", "-f", str(listed))
    assert code == 0
    assert all(f"{listed}:{line}" in out for line in (2, 3))
    assert out.count("The path:") == 2


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", "--offline", "--quiet", "registry.example/app:1") == (0, "", "")


def test_a_report_goes_to_its_file_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import json

    file = tmp_path / "report.json"
    code, out, _ = run(
        capsys,
        "check",
        "--offline",
        "registry.example/app:1",
        "--json",
        "-o",
        str(file),
        "--format",
        "text",
    )
    assert code == 0
    assert json.loads(file.read_text())["schema"] == "doctor.report/1"
    assert "The path:" in out
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["report.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "-phunter2secret", "x"), "there is no option -p"),
        (("check", "--password=hunter2secret"), "there is no option --password"),
        (("checks", "hunter2secret"), "there is nothing to name here"),
    ],
)
def test_a_usage_error_repeats_no_value(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "hunter2secret" not in err


@pytest.mark.parametrize(
    ("more", "env", "connections"),
    [
        ((), {}, True),
        (("--offline",), {}, False),
        (("--only", "proxy"), {}, False),
        (("--proxy", "http://127.0.0.1:9"), {}, False),
        (("--proxy", ""), {}, False),
        (("--format", "nothing"), {}, False),
        ((), {"ALL_PROXY": "socks5://127.0.0.1:9"}, False),
    ],
)
def test_nothing_is_begun_where_it_may_not_be_wanted(
    more: tuple[str, ...],
    env: dict[str, str],
    connections: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from doctor.net import headstart

    begun: list[str] = []
    monkeypatch.setattr(headstart, "begin", lambda host, port: begun.append(host))
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    main(("check", "--timeout", "1", *more, "127.0.0.1:9/app:1"))
    assert bool(begun) is connections
