"""Which clients are found on a machine, and does each name give its client?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.clients.eyes import EYES, NAMES, PLAIN, client, found
from doctor.clients.machine import Machine
from doctor.codes.words import CLIENTS

HEALTHY = {
    "docker": ("/usr/bin/dockerd", "/var/run/docker.sock", "/etc/docker/daemon.json"),
    "podman": ("/usr/bin/podman", "/etc/containers/containers.conf"),
    "crane": ("/usr/local/bin/crane",),
}
NEAR = {
    "docker": ("/etc/docker.json", "/root/.docker/config.json", "/etc/default/docker"),
    "podman": ("/etc/containers/policy.json", "/usr/share/doc/podman"),
    "crane": ("/opt/crane/README",),
}


def below(root: Path, path: str) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")


@pytest.mark.parametrize(("name", "path"), [(n, p) for n in HEALTHY for p in HEALTHY[n]])
def test_any_trace_shows_that_it_is_there(name: str, path: str, tmp_path: Path) -> None:
    below(tmp_path, path)
    machine = Machine.here({"HOME": "/root", "PATH": os.defpath}, str(tmp_path))
    assert [(each.name, each.trace) for each in found(machine)] == [("shell", ""), (name, path)]


@pytest.mark.parametrize(("name", "path"), [(n, p) for n in NEAR for p in NEAR[n]])
def test_what_comes_near_is_no_trace(name: str, path: str, tmp_path: Path) -> None:
    below(tmp_path, path)
    machine = Machine.here({"HOME": "/root", "PATH": os.defpath}, str(tmp_path))
    assert [each.name for each in found(machine)] == ["shell"]


@pytest.mark.parametrize(("listed", "there"), [
    ('["cri"]', False),
    ('["io.containerd.grpc.v1.cri"]', False),
    ('["io.containerd.cri.v1.images"]', False),
    ('["io.containerd.snapshotter.v1.cri", "critical"]', True),
    ("[]", True),
    ('"cri', True),
])  # fmt: skip
def test_dockers_containerd_is_no_client(listed: str, there: bool, tmp_path: Path) -> None:
    from doctor.facts.client import ClientFact
    from doctor.model import Hop, Target

    file = "/etc/containerd/config.toml"
    below(tmp_path, "/usr/bin/containerd")
    below(tmp_path, file)
    (tmp_path / file[1:]).write_text(f"# Docker's\ndisabled_plugins = {listed}\n")
    machine = Machine.here({}, str(tmp_path))
    assert ("containerd" in [each.name for each in found(machine)]) == there
    target = Target("r.corp", None, Hop("registry", "r.corp", 443), client="containerd")
    fact = client("containerd", {}, root=str(tmp_path)).setup(target)
    assert isinstance(fact, ClientFact)
    assert ("its CRI plug-in is off" in fact.seen) != there
    below(tmp_path, "/etc/rancher/k3s/config.yaml")
    assert "containerd" in [each.name for each in found(machine)]


def test_a_unit_is_a_trace(tmp_path: Path) -> None:
    below(tmp_path, "/usr/lib/systemd/system/docker.service")
    machine = Machine.here({}, str(tmp_path))
    assert [each.name for each in found(machine)] == ["shell", "docker"]


def test_a_program_on_the_path_is_found_on_this_machine_alone(tmp_path: Path) -> None:
    own = tmp_path / "bin"
    own.mkdir()
    (own / "crane").write_text("#!/bin/sh\n")
    (own / "crane").chmod(0o755)
    environ = {"PATH": str(own), "HOME": str(tmp_path)}
    here = {each.name: each.trace for each in found(Machine.here(environ))}
    assert here["crane"] == str(own / "crane")
    assert "crane" not in {each.name for each in found(Machine.here(environ, str(own)))}


def test_a_link_out_of_the_root_is_no_trace(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/docker").symlink_to("/../../../../../etc")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/podman").symlink_to("/bin/sh")
    assert [each.name for each in found(Machine.here({}, str(tmp_path)))] == ["shell"]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_gives_its_client(name: str, tmp_path: Path) -> None:
    made = client(name, {"HOME": "/root"}, root=str(tmp_path), proxy="http://proxy.example:3128")
    assert made.name == name
    assert name in CLIENTS


def test_the_plain_ones_are_the_shell() -> None:
    assert {"shell", "crane"} == PLAIN
    assert EYES[0].name == "shell"
