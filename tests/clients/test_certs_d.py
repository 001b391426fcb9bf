"""Which files of a registry's folder below certs.d count, and which break the pull?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from doctor.clients.certs_d import CertsD, first
from doctor.pki.store import Roots
from doctor.pki.verify import go_verdict
from tests.certificates import NOW, Issued, authority, leaf
from tests.clients.registries import machine, put

CA = authority()
CLIENT = leaf(CA, "client.example")
FOLDER = "/etc/docker/certs.d/reg.example.com:5000"
OTHER = "/etc/containers/certs.d/reg.example.com:5000"


def found(root: Path, *folders: str, strict: bool = True) -> CertsD:
    return first(machine(root), folders or (FOLDER,), strict=strict)


def faults(got: CertsD) -> list[tuple[str, str, bool]]:
    return [(f.path.rpartition("/")[2], f.problem, f.stops) for f in got.faults]


def test_no_folder_gives_nothing(tmp_path: Path) -> None:
    assert found(tmp_path) == CertsD()


def test_every_crt_is_a_ca(tmp_path: Path) -> None:
    for name in ("ca.crt", "b.crt"):
        put(tmp_path, f"{FOLDER}/{name}", CA.pem)
    got = found(tmp_path)
    assert [store.path for store in got.stores] == [f"{FOLDER}/b.crt", f"{FOLDER}/ca.crt"]
    assert faults(got) == []
    chain = leaf(CA, "reg.example.com").chain
    assert go_verdict(chain, Roots(got.stores), "reg.example.com", NOW).ok


def test_the_first_folder_wins_and_none_is_merged(tmp_path: Path) -> None:
    put(tmp_path, f"{OTHER}/ca.crt", CA.pem)
    assert found(tmp_path, FOLDER, OTHER).folder == OTHER
    (tmp_path / FOLDER.lstrip("/")).mkdir(parents=True)
    assert found(tmp_path, FOLDER, OTHER) == CertsD(FOLDER)


def test_a_pair_is_shown(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/client.cert", CLIENT.pem)
    put(tmp_path, f"{FOLDER}/client.key", CLIENT.key_pem)
    got = found(tmp_path)
    assert got.pair is not None
    assert Path(got.pair.certificate).read_text() == CLIENT.pem
    assert Path(got.pair.key).read_text() == CLIENT.key_pem
    assert (got.pair.origin, faults(got)) == (FOLDER, [])


def locked(issued: Issued) -> str:
    return issued.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    ).decode()


@pytest.mark.parametrize(("files", "expected"), [
    ({"client.cert": CLIENT.pem}, [("client.cert", "no-key", True)]),
    ({"ca.cert": CA.pem}, [("ca.cert", "no-key", True)]),
    ({"client.key": CLIENT.key_pem}, [("client.key", "no-partner", True)]),
    ({"client.cert": CLIENT.pem, "client.key": CA.key_pem}, [("client.key", "no-match", True)]),
    ({"c.cert": "junk", "c.key": CA.key_pem}, [("c.cert", "no-certificate", True)]),
    ({"c.cert": CLIENT.pem, "c.key": locked(CLIENT)}, [("c.key", "encrypted", True)]),
    ({"ca.crt": ""}, [("ca.crt", "empty", False)]),
    ({"ca.crt": "junk"}, [("ca.crt", "no-certificate", False)]),
    ({"ca.pem": CA.pem}, [("ca.pem", "other-name", False)]),
    ({"ca.pem": CA.pem, "ca.crt": CA.pem}, []),
    ({"README.pem": "nothing in it", "notes.txt": CA.pem}, []),
])  # fmt: skip
def test_what_cannot_be_used_is_named(
    tmp_path: Path, files: dict[str, str], expected: list[tuple[str, str, bool]]
) -> None:
    for name, text in files.items():
        put(tmp_path, f"{FOLDER}/{name}", text)
    assert faults(found(tmp_path)) == expected


def test_a_link_that_leads_nowhere_ends_dockers_pull_and_not_podmans(tmp_path: Path) -> None:
    (tmp_path / FOLDER.lstrip("/")).mkdir(parents=True)
    (tmp_path / f"{FOLDER.lstrip('/')}/ca.crt").symlink_to("/gone")
    assert faults(found(tmp_path)) == [("ca.crt", "missing", True)]
    assert faults(found(tmp_path, strict=False)) == [("ca.crt", "missing", False)]


def test_a_link_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "node"
    outside = put(tmp_path, "/ca.crt", CA.pem)
    (root / FOLDER.lstrip("/")).mkdir(parents=True)
    (root / f"{FOLDER.lstrip('/')}/ca.crt").symlink_to(outside)
    assert found(root).stores == ()


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / FOLDER.lstrip("/")).mkdir(parents=True)
    for name in ("ca.crt", "c.cert", "c.key"):
        os.mkfifo(tmp_path / f"{FOLDER.lstrip('/')}/{name}")
    assert {problem for _, problem, _ in faults(found(tmp_path))} == {"not-a-file", "unreadable"}
