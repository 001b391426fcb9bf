"""`doctor bundle` and `doctor open` as they are typed: what is written and where, what is said, and
with which code it ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from doctor.bundle.archive import pack, unpack
from tests.command import Ended, begin, doctor, environment
from tests.lab.world import validator

IMAGE = "registry.cleanstart.com/library/base:latest"
CONFIG = {
    "auths": {"registry.other.example": {"auth": "Ym9iOmh1bnRlcjJodW50ZXIy"}},
    "credHelpers": {"eu.gcr.io": "gcloud"},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "home/.docker/config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(CONFIG, indent=2))
    return tmp_path / "home"


def made(home: Path, *more: str, target: str = IMAGE) -> tuple[Ended, dict[str, bytes]]:
    """A bundle of what can be seen without a packet."""
    file = home / "b.tar.gz"
    ended = doctor("bundle", "--offline", "-o", str(file), *more, target, home=home)
    return ended, unpack(file.read_bytes()) if file.exists() else {}


def test_one_file_for_its_owner_alone_and_its_path(home: Path) -> None:
    ended, files = made(home)
    assert (ended.exit, ended.text) == (0, f"{home}/b.tar.gz\n")
    assert stat.S_IMODE((home / "b.tar.gz").stat().st_mode) == 0o600
    assert "searched for secrets; none was found" in ended.stderr
    assert {"MANIFEST.json", "report.json", "environment.json", "facts/0001.json"} <= set(files)
    assert sorted(os.listdir(home)) == [".docker", "b.tar.gz"]


def test_the_manifest_says_what_each_file_is_and_what_was_masked(home: Path) -> None:
    _, files = made(home)
    manifest = json.loads(files["MANIFEST.json"])
    rows = {row["name"]: row for row in manifest["files"]}
    assert set(rows) == set(files) - {"MANIFEST.json"}
    for name, row in rows.items():
        assert row["size"] == len(files[name])
        assert row["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert row["what"]
    config = rows[f"config{home}/.docker/config.json"]
    assert config["path"] == f"{home}/.docker/config.json"
    assert config["masked"] == {"value of a setting that holds a secret": 1}
    assert manifest["schema"] == "doctor.bundle/1"


def test_the_configuration_keeps_its_structure(home: Path) -> None:
    _, files = made(home)
    masked = json.loads(files[f"config{home}/.docker/config.json"])
    auths = {"registry.other.example": {"auth": "[hidden]"}}
    assert masked == {"auths": auths, "credHelpers": {"eu.gcr.io": "gcloud"}}


def test_the_surroundings_hold_no_environment_but_what_bears_on_a_pull(home: Path) -> None:
    file = home / "b.tar.gz"
    env = {
        "HTTPS_PROXY": "http://bob:staple@proxy.example:3128",
        "NO_PROXY": "localhost,10.0.0.0/8",
        "http_proxy": "http://no address at all/secret",
        "EDITOR": "vim-of-mine",
        "API_TOKEN": "abcdefgh12345678",
    }
    doctor("bundle", "--offline", "-o", str(file), IMAGE, home=home, env=env)
    found = json.loads(unpack(file.read_bytes())["environment.json"])
    assert found["variables"]["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert found["variables"]["NO_PROXY"] == "localhost,10.0.0.0/8"
    assert found["variables"]["http_proxy"] == "[hidden]"
    assert not {"EDITOR", "API_TOKEN", "HOME", "PATH"} & set(found["variables"])
    assert {"system", "versions", "clients", "clock"} <= set(found)
    assert "vim-of-mine" not in json.dumps(found)


def test_the_default_name_is_free(home: Path) -> None:
    """In the folder in which it is run; nothing that is there is written over."""
    begun = [
        begin(
            "bundle", "--offline", IMAGE, env=environment(home), within=("env", f"--chdir={home}")
        )
        for _ in range(2)
    ]
    for each in begun:
        out, err = each.communicate(timeout=60)
        assert each.returncode == 0, err
        assert out.decode().startswith("doctor-20")
        assert (home / out.decode().strip()).is_file()


def test_list_shows_what_would_go_in_and_writes_nothing(home: Path) -> None:
    ended = doctor("bundle", "--offline", "--list", IMAGE, home=home)
    assert ended.exit == 0
    for name in ("MANIFEST.json", "report.json", "facts/0001.json", ".docker/config.json"):
        assert name in ended.text
    assert "1 masked" in ended.text
    assert sorted(os.listdir(home)) == [".docker"]


def test_the_exit_code_is_the_diagnosis_s(home: Path) -> None:
    ended, files = made(home, target="http://")
    assert ended.exit == 1
    assert json.loads(files["report.json"])["verdict"] == "fail"
    again = doctor("open", str(home / "b.tar.gz"), home=home)
    assert again.exit == 1
    assert "registry.invalid-reference" in again.text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-o", "/nowhere/at/all/b.tar.gz"), "not a writable folder"),
        (("-o", "/dev/stdout"), "no regular file"),
        (("-o", "/tmp"), "no regular file"),
        (("-o", "a", "-o", "b"), "give -o once"),
        (("--json",), "no option --json"),
        (("--colour",), "no option --colour"),
    ],
)
def test_what_cannot_be_used_ends_before_anything_is_looked_at(
    words: tuple[str, ...], why: str, home: Path
) -> None:
    ended = doctor("bundle", *words, IMAGE, home=home)
    assert (ended.exit, ended.text) == (2, "")
    assert why in ended.stderr


def test_an_interruption_leaves_nothing(home: Path) -> None:
    """The registry takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"localhost:{silent.getsockname()[1]}/app:1"
        words = ("bundle", "-o", f"{home}/b.tar.gz", target)
        process = begin(*words, env=environment(home))
        silent.accept()[0].close()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert sorted(os.listdir(home)) == [".docker"]


def opened(home: Path, *words: str) -> dict[str, Any]:
    ended = doctor("open", "--json", *words, home=home)
    report: dict[str, Any] = json.loads(ended.text)
    validator().validate(report)
    return report


def test_it_is_judged_again_and_nothing_changed(home: Path) -> None:
    _, files = made(home)
    recorded = json.loads(files["report.json"])
    again = opened(home, f"{home}/b.tar.gz")
    assert again["targets"] == recorded["targets"]
    assert again["origin"]["judged_again"] is True
    assert again["origin"]["changes"] == []
    assert (again["started"], again["verdict"]) == (recorded["started"], recorded["verdict"])
    as_recorded = opened(home, "--as-recorded", f"{home}/b.tar.gz")
    assert as_recorded.pop("origin")["judged_again"] is False
    assert as_recorded == recorded


def changed(home: Path, **findings: Any) -> Path:
    """The same bundle with another report in it, as an older version might have made it."""
    _, files = made(home)
    report = json.loads(files["report.json"])
    report["targets"][0] |= findings
    files["report.json"] = json.dumps(report).encode()
    manifest = json.loads(files["MANIFEST.json"])
    for row in manifest["files"]:
        data = files[row["name"]]
        row |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["tool"]["version"] = "0.0.9"
    files["MANIFEST.json"] = json.dumps(manifest).encode()
    file = home / "older.tar.gz"
    file.write_bytes(pack(files, 0))
    return file


def test_what_is_judged_otherwise_is_said(home: Path) -> None:
    file = changed(home, verdict="incomplete")
    text = doctor("open", str(file), home=home).text
    assert text.startswith("From the bundle older.tar.gz, recorded on 20")
    assert "registry-doctor 0.0.9." in text
    assert "what changed:\n- the verdict was incomplete and is pass.\n" in text
    as_recorded = doctor("open", "--as-recorded", str(file), home=home)
    assert "Shown as it was recorded." in as_recorded.text
    assert f"Incomplete: {IMAGE}" in as_recorded.text


def test_a_bare_report_is_shown_as_it_was_recorded(home: Path) -> None:
    said = doctor("check", "--offline", "--json", IMAGE, home=home)
    (home / "report.json").write_bytes(said.stdout)
    ended = doctor("open", f"{home}/report.json", home=home)
    assert ended.exit == said.exit
    assert "From the report report.json, recorded on" in ended.text
    assert "Shown as it was recorded." in ended.text
    assert IMAGE in ended.text
    report = opened(home, f"{home}/report.json")
    assert report.pop("origin")["kind"] == "report"
    assert report == json.loads(said.stdout)


def test_a_report_that_was_opened_opens_again(home: Path) -> None:
    made(home)
    ended = doctor("open", "--json", "-o", f"{home}/o.json", f"{home}/b.tar.gz", home=home)
    assert (ended.exit, ended.text) == (0, "")
    assert doctor("open", f"{home}/o.json", home=home).exit == 0


def test_pseudonyms_are_the_same_in_every_file_and_the_map_stays_here(home: Path) -> None:
    target = "registry.acme-works.de/payroll/ledger:7"
    ended, files = made(home, "--pseudonyms", target=target)
    assert ended.exit == 0
    names = json.loads((home / "b.tar.gz.names.json").read_text())
    assert stat.S_IMODE((home / "b.tar.gz.names.json").stat().st_mode) == 0o600
    assert "keep it, and do not send it" in ended.stderr
    everything = b"\n".join(files.values()).lower() + " ".join(files).encode().lower()
    for word in (b"acme-works", b"payroll", b"ledger"):
        assert word not in everything
    hosts = {old: new for new, old in names["host labels"].items()}
    images = {old: new for new, old in names["images"].items()}
    host = f"{hosts['registry']}.{hosts['acme-works']}.de"
    image = f"{host}/{images['payroll']}/{images['ledger']}:7"
    assert json.loads(files["report.json"])["targets"][0]["target"] == image
    assert opened(home, f"{home}/b.tar.gz")["targets"][0]["registry"] == host


def test_a_certificate_names_its_owner_and_stays_here_where_nobody_is_named() -> None:
    from doctor.bundle.contents import Surroundings, contents
    from doctor.model import Report
    from tests.bundle.test_evidence import PAIR, diagnosed
    from tests.certificates import authority

    begun = diagnosed(*PAIR)
    report = Report((begun,), begun.target.now, 1.0, begun.verdict)
    path = "/etc/docker/certs.d/hub.dale.de/ca.crt"
    around = Surroundings({}, {path: authority("Dale Works").pem.encode()})

    def render(document: object, form: str) -> str:
        return "{}"

    assert f"config{path}" in contents(report, around, render, ["json"]).files
    other = contents(report, around, render, ["json"], pseudonyms=lambda text: text)
    assert f"config{path}" not in other.files
    assert [(e.what, e.why) for e in other.left_out] == [(path, "a certificate names its owner")]


def test_a_folder_that_takes_no_file_is_told_before_anything_is_looked_at(home: Path) -> None:
    """One of the kernel's takes none, whoever asks."""
    for words, code in ((), 2), (("--list",), 0):
        within = ("env", "--chdir=/proc/sys")
        process = begin("bundle", "--offline", *words, IMAGE, env=environment(home), within=within)
        out, err = process.communicate()
        assert process.returncode == code
        assert (b"'/proc/sys' is not a writable folder; name a file with -o" in err) == (code == 2)
        assert bool(out) == (code == 0)


def test_the_same_facts_give_the_same_bytes(home: Path) -> None:
    """Two bundles of one run; a run itself is never twice the same."""
    from doctor.bundle.contents import Surroundings, contents
    from doctor.model import Report
    from tests.bundle.test_evidence import PAIR, diagnosed

    begun = diagnosed(*PAIR)
    report = Report((begun,), begun.target.now, 1.0, begun.verdict)
    read = {"/etc/b.json": b"{}", "/etc/a.json": b'{"auth": "x"}'}
    environment = {"b": "1", "a": {"d": 1, "c": [2]}}

    def packed(read: dict[str, bytes]) -> bytes:
        around = Surroundings(environment, read)
        found = contents(report, around, lambda document, form: json.dumps(document), ["json"])
        return pack(found.files, int(time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))))

    assert packed(read) == packed(dict(reversed(read.items())))


def test_what_does_not_fit_is_named(home: Path) -> None:
    from doctor.bundle.contents import Surroundings, contents
    from doctor.model import Report
    from tests.bundle.test_evidence import PAIR, diagnosed

    begun = diagnosed(*PAIR)
    report = Report((begun,), begun.target.now, 1.0, begun.verdict)
    read = {
        "/etc/big.json": b'"' + b"x" * 200_000 + b'"',
        "/etc/huge.json": b" " * 300_000,
        "/etc/small.json": b"{}",
        "/etc/tls.key": b"x",
        "/etc/pair.pem": b"-----BEGIN PRIVATE KEY-----",
        "/etc/unknown": b"x",
        "/proc/1/environ": b"x",
        "/" + "long/" * 60 + "x.json": b"{}",
    }
    around = Surroundings({}, read)
    found = contents(
        report, around, lambda document, form: json.dumps(document), ["json"], limit=40_000
    )
    assert "config/etc/small.json" in found.files
    assert sum(map(len, found.files.values())) < 45_000
    why = {each.what: each.why for each in found.left_out}
    assert why["/etc/huge.json"] == "300000 bytes; at most 262144 of such a file go along"
    assert why["/etc/tls.key"] == why["/etc/pair.pem"] == "it holds a key"
    assert why["/etc/unknown"] == "no rule says what of it is harmless"
    assert "too long for the archive" in why["/" + "long/" * 60 + "x.json"]
    assert "/proc/1/environ" not in why
    told = json.loads(found.manifest)["left_out"]
    assert {each["what"] for each in told} == set(why)


@pytest.mark.parametrize("given", ["a: [", "image: ''", "registry.example/a", ""])
def test_every_bundle_opens_whatever_the_target(given: str, home: Path) -> None:
    """Broken parts of files and texts that are no image, through every client's eyes too."""
    (home / "a.yaml").write_text(f"{given}\n---\nb: ]\n")
    targets = ("-f", f"{home}/a.yaml") if given else ("",)
    for number, eyes in enumerate(("shell", "all")):
        file = home / f"{number}.tar.gz"
        words = ("--offline", "--as", eyes, *targets)
        ended = doctor("bundle", "-o", str(file), *words, home=home)
        assert ended.stdout.decode().strip() == str(file), ended
        ended = doctor("check", "--json", *words, home=home)
        validator().validate(json.loads(ended.stdout))
        ended = doctor("open", "--json", str(file), home=home)
        assert not ended.stderr, ended
        validator().validate(json.loads(ended.stdout))
