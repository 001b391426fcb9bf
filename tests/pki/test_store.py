"""Which files a Go program would read, and what is wrong with those that are set."""

import os
from pathlib import Path

import pytest

from doctor.facts.trust import TrustStore
from doctor.pki.store import DIRECTORIES, FILES, Roots, go_store
from doctor.pki.verify import go_verdict
from tests.certificates import NOW, authority, leaf, pem

CA = authority()


def put(root: Path, path: str, text: str) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def paths(root: Path, **env: str) -> list[tuple[str, str]]:
    return [(store.label, store.path) for store in go_store(root, env).stores]


def test_the_first_file_of_the_list_and_every_directory(tmp_path: Path) -> None:
    put(tmp_path, FILES[1], CA.pem)
    put(tmp_path, FILES[5], CA.pem)
    (tmp_path / DIRECTORIES[0].lstrip("/")).mkdir(parents=True, exist_ok=True)
    assert paths(tmp_path) == [
        ("system", FILES[1]),
        ("system", DIRECTORIES[0]),
        ("system", DIRECTORIES[1]),
    ]


def test_ssl_cert_file_replaces_the_files_and_leaves_the_directories(tmp_path: Path) -> None:
    put(tmp_path, FILES[0], CA.pem)
    put(tmp_path, "/home/me/ca.pem", CA.pem)
    assert paths(tmp_path, SSL_CERT_FILE="/home/me/ca.pem") == [
        ("SSL_CERT_FILE", "/home/me/ca.pem"),
        ("system", DIRECTORIES[0]),
    ]


def test_ssl_cert_dir_replaces_the_directories_and_leaves_the_file(tmp_path: Path) -> None:
    put(tmp_path, FILES[0], CA.pem)
    put(tmp_path, "/a/x.pem", CA.pem)
    found = go_store(tmp_path, {"SSL_CERT_DIR": "/a:/b"})
    assert [store.path for store in found.stores] == [FILES[0], "/a"]
    assert [(fault.path, fault.problem) for fault in found.faults] == [("/b", "missing")]
    (fault,) = go_store(tmp_path, {"SSL_CERT_DIR": "/a/x.pem"}).faults
    assert (fault.path, fault.problem) == ("/a/x.pem", "not-a-directory")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "empty"), ("\n \n", "empty"), ("junk", "no-certificate"), (None, "missing")],
)
def test_an_unusable_ssl_cert_file_is_named(tmp_path: Path, text: str | None, problem: str) -> None:
    if text is not None:
        put(tmp_path, "/ca.pem", text)
    found = go_store(tmp_path, {"SSL_CERT_FILE": "/ca.pem"})
    assert [(fault.setting, fault.problem) for fault in found.faults] == [
        ("SSL_CERT_FILE", problem)
    ]
    assert found.stores == ()


def test_a_directory_is_no_ca_file(tmp_path: Path) -> None:
    found = go_store(Path("/"), {}, (str(tmp_path),))
    assert [(fault.setting, fault.problem) for fault in found.faults] == [("--ca", "not-a-file")]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    found = go_store(tmp_path, {"SSL_CERT_FILE": "/ca.pem"})
    assert [fault.problem for fault in found.faults] == ["not-a-file"]


def test_the_extra_ca_is_added_to_what_is_there(tmp_path: Path) -> None:
    put(tmp_path, FILES[0], CA.pem)
    extra = put(tmp_path, "/extra.pem", CA.pem)
    found = go_store(tmp_path, {}, (str(extra),))
    assert [store.label for store in found.stores] == ["system", "--ca", "system"]


def accepts(stores: tuple[TrustStore, ...]) -> bool:
    return go_verdict(leaf(CA, "reg.test").chain, Roots(stores), "reg.test", NOW).ok


def test_directories_are_consulted_when_the_file_does_not_do(tmp_path: Path) -> None:
    other = put(tmp_path, "/bundle.pem", authority("Other").pem)
    file = TrustStore("system", str(other))
    assert not accepts((file,))
    put(tmp_path, "/dir/mine.txt", CA.pem)
    assert accepts((file, TrustStore("system", str(tmp_path / "dir"), "directory")))


def test_directories_are_left_alone_when_the_file_does(tmp_path: Path) -> None:
    put(tmp_path, "/bundle.pem", CA.pem)
    roots = Roots(go_store(tmp_path, {"SSL_CERT_FILE": "/bundle.pem"}).stores)
    assert go_verdict(leaf(CA, "reg.test").chain, roots, "reg.test", NOW).ok
    assert roots.paths == ("/bundle.pem",)


def test_a_trusted_certificate_block_counts_for_nothing_in_go(tmp_path: Path) -> None:
    marked = CA.pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
    alone = put(tmp_path, "/alone.pem", marked)
    assert not accepts((TrustStore("system", str(alone)),))
    both = put(tmp_path, "/both.pem", marked + CA.pem)
    assert accepts((TrustStore("system", str(both)),))


def test_one_broken_block_does_not_hide_the_others(tmp_path: Path) -> None:
    broken = pem(authority("Broken").certificate).replace("M", "!", 3)
    file = put(tmp_path, "/bundle.pem", broken + CA.pem)
    assert accepts((TrustStore("system", str(file)),))


@pytest.mark.parametrize("link", ["/elsewhere/ca.pem", "../../../../elsewhere/ca.pem"])
def test_links_of_another_machine_stay_below_its_root(tmp_path: Path, link: str) -> None:
    """This machine holds the CA at that path, the other one does not (and then does)."""
    put(tmp_path, "/elsewhere/ca.pem", CA.pem)
    root = tmp_path / "node"
    for place in (FILES[0], f"{DIRECTORIES[1]}/x.pem"):
        file = put(root, place, "")
        file.unlink()
        file.symlink_to(str(tmp_path / "elsewhere/ca.pem") if link[0] == "/" else link)
    assert not accepts(go_store(root, {}).stores)
    put(root, f"{tmp_path}/elsewhere/ca.pem" if link[0] == "/" else "/elsewhere/ca.pem", CA.pem)
    assert accepts(go_store(root, {}).stores)
    assert go_store(root, {}).stores[0].path == FILES[0]


def test_a_link_in_a_directory_counts_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "node"
    put(root, "/usr/share/ca/mine.crt", CA.pem)
    (root / "etc/ssl/certs").mkdir(parents=True)
    (root / "etc/ssl/certs/mine.pem").symlink_to("/usr/share/ca/mine.crt")
    assert accepts(go_store(root, {}).stores)


def test_circular_links_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = go_store(tmp_path, {"SSL_CERT_FILE": "/a"})
    assert [fault.problem for fault in found.faults] == ["unreadable"]
