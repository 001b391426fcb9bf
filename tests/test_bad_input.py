"""What if what is typed, configured or piped in is missing, empty, huge, noise, or no file at all?

A clear sentence or a finding, the contract's exit code, no traceback, and nothing of it alive on a
terminal. Nothing here reaches a network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.command import Ended, doctor
from tests.lab.bounds import alive

IMAGE = "registry.example/app:1"
EVIL = "\x1b[2J\u202e\x9b1m"


def typed(
    home: Path,
    *arguments: str | bytes,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Ended:
    """The command, offline; what it says is harmless, and it did not crash."""
    ended = doctor(*arguments, home=home, stdin=stdin, env=env)
    assert "Traceback" not in ended.stderr
    assert "a fault of registry-doctor" not in ended.stderr
    assert b"doctor.check-crashed" not in ended.stdout
    assert alive(ended.text + ended.stderr) == set(), ended
    return ended


def refused(ended: Ended, *says: str) -> None:
    """A usage error: one line that says what would be usable."""
    assert (ended.exit, ended.stdout) == (2, b""), ended
    assert ended.stderr.startswith("doctor: "), ended
    assert ended.stderr.count("\n") == 1, ended
    assert len(ended.stderr) < 1000
    assert all(each in ended.stderr for each in says), ended


# Targets

NO_TARGETS = {
    "empty": "",
    "a blank": " ",
    "10 kB": "x" * 10_000,
    "10 kB with a slash": "registry.example/" + "x" * 10_000,
    "10 kB of slashes": "/" * 10_000,
    "control characters": f"registry.example/{EVIL}",
    "a line end": "registry.example/a\nb",
    "a port out of range": "registry.example:65536/app",
    "a port of 5,000 digits": f"registry.example:{'9' * 5000}/app",
    "port 0": "registry.example:0/app",
    "an option": "registry.example/--help",
    "brackets": "[::1/app",
    "a label of 64": f"{'a' * 64}.example/app",
    "no label": "a..example/app",
    "a script": "javascript:alert(1)",
    "a digest that is none": "registry.example/app@sha256:xyz",
    "a tag of 129": f"registry.example/app:{'t' * 129}",
}


@pytest.mark.parametrize("kind", NO_TARGETS)
def test_a_target_that_is_none_is_a_finding(tmp_path: Path, kind: str) -> None:
    ended = typed(tmp_path, "check", "--offline", "--", NO_TARGETS[kind])
    assert (ended.exit, ended.stderr) == (1, ""), ended
    assert "(registry.invalid-reference)" in ended.text
    report = typed(tmp_path, "check", "--offline", "--json", "--", NO_TARGETS[kind])
    assert json.loads(report.stdout)["targets"][0]["target"] == NO_TARGETS[kind]


def test_bytes_that_are_no_text_are_a_finding(tmp_path: Path) -> None:
    ended = typed(tmp_path, "check", "--offline", b"registry.example/\xff\xfe\x80")
    assert (ended.exit, ended.stderr) == (1, ""), ended
    assert "(registry.invalid-reference)" in ended.text
    assert "the byte 0xFF" in " ".join(ended.text.split())


def test_without_a_target_it_is_the_default_one(tmp_path: Path) -> None:
    ended = typed(tmp_path, "check", "--offline")
    assert (ended.exit, ended.stderr) == (0, "")
    assert "registry.cleanstart.com" in ended.text


# Options

OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "client": (("--as", f"dokcer{EVIL}"), "looks as shell, crane, docker, podman"),
    "no client": (("--as", ""), "looks as shell, crane, docker, podman"),
    "check": (("--only", f"tsl,{EVIL}"), "is no check; "),
    "10 kB of checks": (("--skip", "x" * 10_000), "is no check; "),
    "format": (("--format", EVIL), "this version has text, json"),
    "timeout 0": (("--timeout", "0"), "above 0"),
    "timeout -1": (("--timeout", "-1"), "above 0"),
    "timeout -0.0": (("--timeout", "-0.0"), "above 0"),
    "timeout nan": (("--timeout", "nan"), "above 0"),
    "timeout inf": (("--timeout", "inf"), "above 0"),
    "timeout 1e999": (("--timeout", "1e999"), "above 0"),
    "timeout of words": (("--timeout", f"soon{EVIL}"), "above 0"),
    "timeout of 10 kB": (("--timeout", "9" * 10_000), "above 0"),
    "no timeout": (("--timeout", ""), "above 0"),
    "days": (("--warn-days", "-1"), "number of days"),
    "Arabic days": (("--warn-days", "\u0663"), "number of days"),
    "platform": (("--platform", f"linux{EVIL}/amd64"), "linux/arm64/v8"),
    "no root": (("--root", ""), "is not a folder"),
    "no realm": (("--allow-realm", ""), "is no host"),
    "a realm's address": (("--allow-realm", "https://auth.example/token"), "is no host"),
    "root": (("--root", f"/nowhere{EVIL}"), "is not a folder"),
    "option": ((f"--pasword{EVIL}=hunter2",), "there is no option"),
    "value": (("--timeout",), "expected one argument"),
    "file": (("-f", f"/nowhere{EVIL}"), "cannot be read"),
    "no file": (("-f", ""), "cannot be read"),
    "ca": (("--ca", f"/nowhere{EVIL}"), "cannot be read"),
    "output": (("-o", f"/nowhere{EVIL}/report"), "cannot be written"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_that_cannot_be_used(tmp_path: Path, kind: str) -> None:
    options, says = OPTIONS[kind]
    refused(typed(tmp_path, "check", IMAGE, *options), says)


PROXIES = ["", ":", "a b", "nonsense://x", "http://", f"http://{EVIL}", "http://x:99999"]


@pytest.mark.parametrize("proxy", [*PROXIES, "x" * 10_000])
def test_a_proxy_that_cannot_be_used(tmp_path: Path, proxy: str) -> None:
    """What is typed for one is looked at as what is configured is: a finding. Nothing passes that
    was left to a proxy which is none."""
    words = ("check", "--json", "--timeout", "9", "--proxy", proxy, "127.0.0.1:1/app")
    ended = typed(tmp_path, *words)
    assert (ended.exit, ended.stderr) == (1, ""), ended
    (target,) = json.loads(ended.stdout)["targets"]
    assert target["root_causes"] == ["proxy.invalid-url"], ended
    went = {c["name"]: (c["status"], c["blocked_by"]) for c in target["checks"]}
    assert went.pop("proxy") == ("fail", None), ended
    assert set(went.values()) == {("skip", "proxy")}, ended
    assert {hop["reached"] for hop in target["hops"]} == {None}, ended


# Files of configuration


def link(target: str) -> Callable[[Path], object]:
    return lambda file: file.symlink_to(target)


def holds(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "3 MB of zeros": holds(b"\0" * 3_000_000),
    "30 MB": holds(b"a" * 30_000_000),
    "10 MB of entries": holds(b'{"auths":{%s}}' % b",".join([b'"a.example":{}'] * 700_000)),
    "nested 100,000 deep": holds(b"[" * 100_000),
    "objects nested deep": holds(b'{"auths":' * 100_000),
    "no number": holds(b'{"auths": NaN}'),
    "no object": holds(b'["auths"]'),
    "half of it": holds(b'{"auths": {"registry.exa'),
    "UTF-16": holds('{"auths": {}}'.encode("utf-16")),
    "a byte order mark": holds(b"\xef\xbb\xbf{}"),
    "noise": holds(EVIL.encode() * 99),
    "a pipe": os.mkfifo,
    "an endless device": link("/dev/zero"),
    "a terminal": link("/dev/tty"),
    "memory": link("/proc/self/mem"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_config_json_that_cannot_be_read_is_a_finding(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ".docker" / "config.json"
    file.parent.mkdir()
    UNREADABLE[kind](file)
    ended = typed(tmp_path, "check", "--offline", IMAGE)
    assert (ended.exit, ended.stderr) == (1, ""), ended
    assert "(auth.config-unreadable)" in ended.text
    assert str(file) in ended.text.replace("\n  ", "")
    assert ended.mebibytes < 150


READABLE: dict[str, Callable[[Path], object]] = {
    # As Docker and Go see these: no file, or an empty one.
    "nothing": lambda file: None,
    "no bytes": holds(b""),
    "blanks": holds(b" \n\t"),
    "a folder": lambda file: file.mkdir(),
    "a link to itself": link("config.json"),
    "a link to nothing": link("nothing"),
    "noise in other fields": holds(json.dumps({EVIL: EVIL, "auths": {EVIL: {}}}).encode()),
    "a key twice": holds(b'{"auths": {"x": {}}, "auths": {}}'),
    "half a surrogate pair": holds(b'{"auths": {"\\ud800": {"auth": "dTpw"}}}'),
}


@pytest.mark.parametrize("kind", READABLE)
def test_a_config_json_without_a_login_is_no_fault(tmp_path: Path, kind: str) -> None:
    file = tmp_path / ".docker" / "config.json"
    file.parent.mkdir(mode=0o700)
    READABLE[kind](file)
    if file.is_file():
        file.chmod(0o600)
    ended = typed(tmp_path, "check", "--offline", "--verbose", IMAGE)
    assert (ended.exit, ended.stderr) == (0, ""), ended


@pytest.mark.parametrize("field", ["identitytoken", "registrytoken", "password", "username"])
def test_half_a_pair_in_a_credential_is_what_go_makes_of_it(tmp_path: Path, field: str) -> None:
    file = tmp_path / ".docker" / "config.json"
    file.parent.mkdir()
    entry = {"auth": "dTpw", field: "secret-\ud800-secret"}
    file.write_text(json.dumps({"auths": {"127.0.0.1:1": entry}}))
    ended = typed(tmp_path, "check", "--timeout", "2", "127.0.0.1:1/app")
    assert "(tcp.refused" in ended.text, ended


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCKER_AUTH_CONFIG", EVIL),
        ("DOCKER_AUTH_CONFIG", "[" * 10_000),
        ("DOCKER_CONFIG", "/dev/zero"),
        ("DOCKER_CONFIG", "x" * 10_000),
        ("REGISTRY_AUTH_FILE", "/dev/zero"),
        ("HOME", ""),
        ("HOME", f"/{EVIL}"),
        ("XDG_RUNTIME_DIR", f"/{EVIL}"),
        ("PATH", EVIL),
        ("SSL_CERT_FILE", "/dev/zero"),
        ("SSL_CERT_DIR", "/proc"),
        ("NO_PROXY", "," * 10_000),
        ("LANG", EVIL),
        ("COLUMNS", "-5"),
        ("TERM", EVIL),
    ],
)
def test_a_variable_that_holds_noise_is_no_crash(tmp_path: Path, name: str, value: str) -> None:
    ended = typed(tmp_path, "check", "--offline", "--verbose", IMAGE, env={name: value})
    assert ended.exit in (0, 1), ended
    assert ended.stderr == ""


@pytest.mark.parametrize("scheme", ["http", "socks5", "https"])
def test_a_proxy_with_bytes_that_are_no_text_is_a_finding(tmp_path: Path, scheme: str) -> None:
    proxy = os.fsdecode(scheme.encode() + b"://us\xffer:p\xffw@127.0.0.1:1")
    ended = typed(tmp_path, "check", "--timeout", "2", "192.0.2.1/app", env={"HTTPS_PROXY": proxy})
    assert (ended.exit, ended.stderr) == (1, ""), ended
    assert "(proxy.invalid-url" in ended.text


def test_a_ca_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(typed(tmp_path, "check", IMAGE, "--ca", str(tmp_path / "pipe")), "not a regular file")


# Standard input


@pytest.mark.parametrize(
    ("stdin", "says"),
    [(b"", "was empty"), (b"\n", "was empty"), (b"x" * 70_000, "more than 64 KiB")],
)
def test_a_password_that_is_none(tmp_path: Path, stdin: bytes, says: str) -> None:
    asked = ("check", "--username", "u", "--password-stdin", IMAGE)
    refused(typed(tmp_path, *asked, stdin=stdin), says)


def test_a_password_of_noise_is_one(tmp_path: Path) -> None:
    asked = ("check", "--offline", "--username", EVIL, "--password-stdin", IMAGE)
    ended = typed(tmp_path, *asked, stdin=b"\xff\xfe\0\x1b[2J")
    assert (ended.exit, ended.stderr) == (0, "")
