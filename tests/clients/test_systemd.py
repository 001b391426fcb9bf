"""Which of a machine's files decide with which environment a service starts?"""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.clients import systemd
from tests.clients.registries import HOME, machine, put

UNIT = "/usr/lib/systemd/system/docker.service"
ETC = "/etc/systemd/system/docker.service.d"


def unit(root: Path, text: str = "ExecStart=/usr/bin/dockerd -H fd://", path: str = UNIT) -> None:
    put(root, path, f"[Unit]\nDescription=Docker\n[Service]\n{text}\n")


def drop_in(root: Path, path: str, text: str) -> None:
    put(root, path, f"[Service]\n{text}\n")


def found(root: Path) -> systemd.Service:
    return systemd.find(machine(root), "docker")


def test_no_unit_is_no_environment(tmp_path: Path) -> None:
    assert found(tmp_path) == systemd.Service("docker")


def test_the_unit_of_etc_stands_for_the_vendors(tmp_path: Path) -> None:
    unit(tmp_path, "Environment=A=vendor")
    assert found(tmp_path).variables == {"A": "vendor"}
    unit(tmp_path, "Environment=A=own", "/etc/systemd/system/docker.service")
    assert found(tmp_path).variables == {"A": "own"}
    assert found(tmp_path).unit == "/etc/systemd/system/docker.service"


def test_drop_ins_go_by_name_over_all_folders(tmp_path: Path) -> None:
    unit(tmp_path, "Environment=A=0")
    drop_in(tmp_path, "/usr/lib/systemd/system/docker.service.d/20.conf", "Environment=A=20")
    drop_in(tmp_path, f"{ETC}/10.conf", "Environment=A=10")
    drop_in(tmp_path, f"{ETC}/30.txt", "Environment=A=30")
    assert found(tmp_path).variables == {"A": "20"}


def test_of_equal_names_etc_wins_over_run_over_usr(tmp_path: Path) -> None:
    unit(tmp_path)
    folders = ("/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system")
    for folder in folders:
        drop_in(tmp_path, f"{folder}/docker.service.d/p.conf", f"Environment=A={folder}")
        assert found(tmp_path).variables == {"A": folder}


def test_a_drop_in_can_be_hidden(tmp_path: Path) -> None:
    unit(tmp_path)
    drop_in(tmp_path, "/usr/lib/systemd/system/docker.service.d/p.conf", "Environment=A=1")
    (tmp_path / ETC.lstrip("/")).mkdir(parents=True)
    (tmp_path / f"{ETC.lstrip('/')}/p.conf").symlink_to("/dev/null")
    assert found(tmp_path).variables == {}


def test_drop_ins_for_all_services_count(tmp_path: Path) -> None:
    unit(tmp_path)
    drop_in(tmp_path, "/etc/systemd/system/service.d/p.conf", "Environment=A=1")
    assert found(tmp_path).variables == {"A": "1"}


def test_a_masked_unit_is_told(tmp_path: Path) -> None:
    unit(tmp_path)
    assert not found(tmp_path).masked
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/docker.service").symlink_to("/dev/null")
    assert found(tmp_path).masked


def test_environment_files_win_over_the_unit_and_know_their_lines(tmp_path: Path) -> None:
    unit(tmp_path, "Environment=A=unit\nEnvironmentFile=-/etc/default/docker\nEnvironment=A=late")
    put(tmp_path, "/etc/default/docker", "# c\nA=file\n")
    assert found(tmp_path).environment["A"].origin == "/etc/default/docker:2"


def test_a_file_that_no_unit_names_counts_for_nothing(tmp_path: Path) -> None:
    """As with Docker's own packages: /etc/default/docker is for init scripts."""
    unit(tmp_path)
    put(tmp_path, "/etc/default/docker", "HTTPS_PROXY=http://proxy.example:3128\n")
    assert found(tmp_path).variables == {}


def test_a_missing_environment_file_keeps_the_service_down(tmp_path: Path) -> None:
    unit(tmp_path, "EnvironmentFile=/etc/sysconfig/docker")
    (stop,) = found(tmp_path).stops
    assert (stop.file, stop.line) == (UNIT, 4)
    put(tmp_path, "/etc/sysconfig/docker", "")
    assert found(tmp_path).stops == ()


def test_the_managers_own_environment_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=A=1 B=1\n")
    put(tmp_path, "/etc/systemd/system.conf.d/p.conf", "[Manager]\nDefaultEnvironment=C=1\n")
    unit(tmp_path, "Environment=A=2\nUnsetEnvironment=B")
    assert found(tmp_path).variables == {"A": "2", "C": "1"}


def test_the_commands_words_with_variables_in_them(tmp_path: Path) -> None:
    unit(tmp_path, "ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS --x=${Y} $NONE\n"
         "EnvironmentFile=-/etc/default/docker")  # fmt: skip
    put(tmp_path, "/etc/default/docker", 'DOCKER_OPTS="--http-proxy http://p:1 --debug"\nY="a b"\n')
    assert found(tmp_path).arguments == (
        "-H", "fd://", "--http-proxy", "http://p:1", "--debug", "--x=a b",
    )  # fmt: skip


def test_without_systemd_the_init_scripts_exports_count(tmp_path: Path) -> None:
    put(tmp_path, "/etc/init.d/docker", "#!/bin/sh\n")
    put(tmp_path, "/etc/default/docker", 'B=2\nexport A="http://p:1"\n')
    assert found(tmp_path).variables == {"A": "http://p:1"}
    assert found(tmp_path).environment["A"].origin == "/etc/default/docker:2"


def test_a_users_own_service(tmp_path: Path) -> None:
    folders = systemd.user_folders(HOME)
    unit(tmp_path, "Environment=A=1", f"{HOME}/.config/systemd/user/docker.service")
    assert systemd.find(machine(tmp_path), "docker", folders).variables == {"A": "1"}
    assert found(tmp_path).unit == ""


@pytest.mark.parametrize("name", ["docker.service", "docker.service.d/p.conf"])
def test_links_stay_below_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "node"
    unit(root)
    put(tmp_path, "/secret", "[Service]\nEnvironment=A=1\n")
    place = root / "etc/systemd/system" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path / "secret")
    assert found(root).variables == {}
