"""Which version is installed, by the lists of dpkg, apk and RPM?

RPM's header is one that rpm 4.18.0 wrote into its database for a package podman 5:4.9.4-1.el9; the
tables are those that `rpm --initdb` makes.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import zlib
from base64 import b64decode
from pathlib import Path

import pytest

from doctor.clients import packages
from doctor.clients.containerd import Containerd
from doctor.clients.kubelet import Kubelet
from doctor.clients.podman import Podman
from doctor.clients.rpmdb import version_in
from doctor.model import Target
from doctor.reference import Reference, parse
from tests.clients.registries import HOME, machine, put

PODMAN = zlib.decompress(
    b64decode("""
eNpNlM9r1UAQxzevv56KaKnUKiIFPbTqC8lmk93tRaFFexDtQUGPu9nNazDvB++15SlexD/BmxcP/gWCl95FPXny
4MVbhdafFaF4qXXTfIsGJpPPzuxMZjIbQsgsIbVbhJDLTsYI8V44fdyJcVIn1eURMrTp9KiTGngLfAj8GXwM/MXp
YSdT4K/wPQP+Bj4L/g7/afAPxDsP/gn7DHgH9kvg34jng3dhnwP/AV+pePgE+Br4JOrV4CnkK5wMucdTsA/Ap8Fv
wDOI9xH772D/Bvgu/DfBGv47YAPeBduKPfR7OAOPgQsw+j/xpMrnoX8Tr2FH/yY2qvzeBfAn+BfgLdi7FXse7K/A
I5iPt9V8eEcR/wPs4xXXPPR7u9pfW8D7ToIXwU3wdfAyeKnkedLtmJZqE+ZLn5HQt4XELI4M3Ce4d+Tx6FqrWhiQ
2+1+16Z5lltDiry9OiDtjuqlywjS2A/S2A/i93up3+u2DuJXyQ8fiLMUuZ6Z77S6PdvvW3M1L+wN1bL9WQJbubKQ
N21/5d/akrpfdNS+c39Rrdmlns3ywSyJ/KBM7KpI/GBfV/dQ+EGZuh7P/fdupHGTTjeaJO3mHdJ8kHeJRCENY3Xu
CqmKq6766krWEERlkbRhGkqVMS6UzbgKIm2lsJmSRmqlKBWZlpmMbCQYNYnhOmQqZEmsWFx1tU4jEzBKNcuscu6c
h1ZwylmodcQDLgMdpSaII2FVplkS0iiyggZaMB1zRctZrX4ge3u72/iBuM85Hq2/f/mu9ujZuV9PL85PPl8PqTCR
NjzSOhE6sCxmwtBEpqENAh4oHWYmybghqYwDmUrOheZSqcQYwdPE8oQ6rZmr2tqE8sSESqZBRBWThiexdT1ImeDl
YXEzUp6Vh+X5LJ//AkNDxRY=
""")
)
RPM = "/var/lib/rpm/rpmdb.sqlite"
DEB = "Package: {}\nStatus: {}\nArchitecture: all\nVersion: {}\n\n"
APK = "C:Q1x=\nP:{}\nV:{}\nA:x86_64\n\n"
OK = "install ok installed"


def header(version: str, tag: int = 1001) -> bytes:
    """The least that a header can be."""
    value = version.encode() + b"\0"
    return struct.pack(">IIIIII", 1, len(value), tag, 6, 0, 1) + value


def rpms(root: Path, *listed: tuple[str, bytes], place: str = RPM) -> Path:
    file = root / place.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        database.execute(
            "CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)"
        )
        for number, (name, blob) in enumerate(listed, 1):
            database.execute("INSERT INTO Packages VALUES (?, ?)", (number, blob))
            database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
    database.close()
    return file


def version(root: Path, *names: str) -> str:
    return packages.version(machine(root), names or ("podman",))


def target() -> Target:
    reference = parse("reg.example.com/team/app:1")
    assert isinstance(reference, Reference)
    return Target("reg.example.com/team/app:1", reference, reference.hop)


@pytest.mark.parametrize(("path", "text", "found"), [
    ("/var/lib/dpkg/status", DEB.format("podman", OK, "4.3.1+ds1-8"), "4.3.1"),
    ("/var/lib/dpkg/status", DEB.format("podman", OK, "5:20.10.5~3"), "20.10.5"),
    ("/var/lib/dpkg/status", DEB.format("podman", "deinstall ok config-files", "4.3.1"), ""),
    ("/var/lib/dpkg/status", DEB.format("podman-docker", OK, "4.3.1"), ""),
    ("/lib/apk/db/installed", APK.format("podman", "5.2.5-r0"), "5.2.5"),
    ("/lib/apk/db/installed", APK.format("podman-doc", "5.2.5-r0"), ""),
])  # fmt: skip
def test_dpkg_and_apk_say_it(tmp_path: Path, path: str, text: str, found: str) -> None:
    put(tmp_path, path, text)
    assert version(tmp_path) == found


@pytest.mark.parametrize("place", [RPM, "/usr/lib/sysimage/rpm/rpmdb.sqlite"])
def test_rpm_says_it(tmp_path: Path, place: str) -> None:
    rpms(tmp_path, ("bash", header("5.1.8")), ("podman", PODMAN), place=place)
    assert version(tmp_path) == "4.9.4"
    assert version(tmp_path, "podman-docker", "podman") == "4.9.4"
    assert version(tmp_path, "podman-docker") == version(tmp_path, "Podman") == ""
    assert Podman.here({"HOME": HOME}, root=str(tmp_path)).setup(target()).version == "4.9.4"


@pytest.mark.parametrize(("written", "read"), [
    ("1.30.4~rke2r1", "1.30.4"), ("2.0", "2.0"), ("x", ""), ("", ""), ("4", ""),
])  # fmt: skip
def test_a_version_is_numbers(tmp_path: Path, written: str, read: str) -> None:
    rpms(tmp_path, ("podman", header(written)))
    assert version(tmp_path) == read


@pytest.mark.parametrize("broken", [
    b"", b"\0", header("4.9.4")[:12], header("4.9.4")[:25], header("4.9.4", 1000), b"\xff" * 400,
    struct.pack(">IIIIII", 1, 4, 1001, 6, 0xFFFFFFFF, 1) + b"4.9\0",
    struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + b"\0" * 64,
])  # fmt: skip
def test_a_broken_header_says_nothing(tmp_path: Path, broken: bytes) -> None:
    assert version_in(broken) in ("", "4")
    rpms(tmp_path, ("podman", broken))
    assert version(tmp_path) == ""


@pytest.mark.parametrize("kind", ["text", "empty", "folder", "fifo", "huge", "other tables"])
def test_what_is_no_such_database_says_nothing(tmp_path: Path, kind: str) -> None:
    file = tmp_path / RPM.lstrip("/")
    file.parent.mkdir(parents=True)
    match kind:
        case "folder":
            file.mkdir()
        case "fifo":
            os.mkfifo(file)
        case "huge":
            file.touch()
            os.truncate(file, 1 << 40)
        case "other tables":
            with sqlite3.connect(file) as database:
                database.execute("CREATE TABLE Packages (a)")
        case _:
            file.write_text("no database" * 999 if kind == "text" else "")
    assert version(tmp_path) == ""


def test_a_database_that_never_answers_is_left(tmp_path: Path) -> None:
    file = tmp_path / RPM.lstrip("/")
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE VIEW Name AS WITH RECURSIVE n(hnum) AS (SELECT 1 UNION ALL SELECT hnum + 1 "
            "FROM n) SELECT hnum, 'x' AS key FROM n"
        )
        database.execute("CREATE TABLE Packages (hnum, blob)")
    assert version(tmp_path) == ""


def test_nothing_is_written_beside_the_database(tmp_path: Path) -> None:
    file = rpms(tmp_path, ("podman", PODMAN))
    before = file.read_bytes()
    version(tmp_path)
    assert [each.name for each in file.parent.iterdir()] == ["rpmdb.sqlite"]
    assert file.read_bytes() == before


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    outside = rpms(tmp_path / "this", ("podman", PODMAN))
    there = tmp_path / "that" / RPM.lstrip("/")
    there.parent.mkdir(parents=True)
    there.symlink_to(outside)
    assert version(tmp_path / "that") == ""


def test_rke2_is_as_old_as_the_folder_it_runs_from(tmp_path: Path) -> None:
    put(tmp_path, "/etc/rancher/rke2/config.yaml", "")
    data = tmp_path / "var/lib/rancher/rke2/data"
    (data / "v1.28.8-rke2r1-c4073db9beee/bin").mkdir(parents=True)

    def seen() -> str:
        return Containerd.here({"HOME": HOME}, root=str(tmp_path)).setup(target()).version

    assert seen() == "1.28.8"
    (data / "v1.30.4-rke2r1-0123456789ab/bin").mkdir(parents=True)
    assert seen() == ""
    link = "/var/lib/rancher/rke2/data/v1.30.4-rke2r1-0123456789ab/bin"
    (data.parent / "bin").symlink_to(link)
    assert seen() == "1.30.4"


def test_k3s_is_as_old_as_its_package(tmp_path: Path) -> None:
    put(tmp_path, "/etc/rancher/k3s/config.yaml", "")
    (tmp_path / f"var/lib/rancher/k3s/data/{'0' * 64}/bin").mkdir(parents=True)
    client = Containerd.here({"HOME": HOME}, root=str(tmp_path))
    assert client.setup(target()).version == ""
    put(tmp_path, "/lib/apk/db/installed", APK.format("k3s", "1.31.4.1-r0"))
    client = Containerd.here({"HOME": HOME}, root=str(tmp_path))
    assert client.setup(target()).version == "1.31.4"


def test_the_kubelet_is_as_old_as_its_package(tmp_path: Path) -> None:
    put(tmp_path, "/usr/bin/kubelet", "", 0o755)
    rpms(tmp_path, ("kubelet", header("1.31.2")), ("kubectl", header("1.29.0")))
    assert Kubelet.here({"HOME": HOME}, root=str(tmp_path)).setup(target()).version == "1.31.2"
