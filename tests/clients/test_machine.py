"""Does reading stay inside another machine's root, and can nothing there hang or fill it?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.clients.machine import CAP, Machine, Reason, Text, Unread, shells


def machine(root: Path, **environ: str) -> Machine:
    return Machine(root=str(root), environ=environ, home="/home/u")


def put(root: Path, path: str, text: str = "content", mode: int = 0o600) -> Path:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(mode)
    return place


def read(root: Path, path: str) -> str:
    found = machine(root).read(path)
    return found.text if isinstance(found, Text) else found.reason


def test_a_file_is_read_below_the_root(tmp_path: Path) -> None:
    put(tmp_path, "/home/u/config.json")
    found = machine(tmp_path).read("/home/u/config.json")
    assert isinstance(found, Text)
    assert (found.text, found.path, found.mode) == ("content", "/home/u/config.json", 0o600)


@pytest.mark.parametrize("link", ["/etc/secret", "../../../../../../etc/secret"])
def test_links_out_of_the_root_lead_back_into_it(tmp_path: Path, link: str) -> None:
    root = tmp_path / "node"
    put(tmp_path, "/etc/secret", "this machine's")
    put(root, "/etc/secret", "the node's")
    put(root, "/home/u/other")
    (root / "home/u/config.json").symlink_to(link)
    assert read(root, "/home/u/config.json") == "the node's"


def test_a_linked_folder_stays_inside_too(tmp_path: Path) -> None:
    root = tmp_path / "node"
    put(tmp_path, "/etc/secret", "this machine's")
    root.mkdir()
    (root / "dir").symlink_to(tmp_path / "etc")
    assert read(root, "/dir/secret") == "missing"


def test_dots_do_not_leave_the_root(tmp_path: Path) -> None:
    root = tmp_path / "node"
    put(tmp_path, "/secret", "this machine's")
    put(root, "/x")
    assert read(root, "/../secret") == "missing"


def test_circular_links_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert read(tmp_path, "/a") == "loop"


def test_a_fifo_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    assert read(tmp_path, "/config.json") == "special"


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    assert read(tmp_path, "/config.json") == "directory"
    assert read(tmp_path, "/none") == "missing"
    assert read(tmp_path, "/config.json/x") == "missing"


def test_the_cap_is_exact(tmp_path: Path) -> None:
    put(tmp_path, "/fits", "x" * CAP)
    put(tmp_path, "/over", "x" * (CAP + 1))
    assert len(read(tmp_path, "/fits")) == CAP
    assert read(tmp_path, "/over") == "too-large"


def test_bytes_that_are_no_utf8_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\xffb")
    assert read(tmp_path, "/x") == "a�b"


def test_a_nul_in_the_path_is_an_answer(tmp_path: Path) -> None:
    assert isinstance(machine(tmp_path).read("/a\0b"), Unread)


@pytest.mark.parametrize(("mode", "above", "who"), [
    (0o600, 0o755, ""),
    (0o604, 0o755, "others"),
    (0o604, 0o700, ""),
])  # fmt: skip
def test_who_can_read_it_depends_on_the_folders_above(
    tmp_path: Path, mode: int, above: int, who: str
) -> None:
    place = put(tmp_path, "/home/u/config.json", mode=mode)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/") and folder != Path("/tmp"):
            folder.chmod(0o755)
    place.parent.chmod(above)
    found = machine(tmp_path).read("/home/u/config.json")
    assert isinstance(found, Text)
    assert found.open_to == who


def test_programs_are_found_on_absolute_folders_of_path_only(tmp_path: Path) -> None:
    put(tmp_path, "/opt/bin/docker-credential-x", mode=0o755)
    put(tmp_path, "/opt/plain/docker-credential-x", mode=0o644)
    assert machine(tmp_path, PATH="/opt/plain:/opt/bin").which("docker-credential-x") == (
        "/opt/bin/docker-credential-x"
    )
    assert machine(tmp_path, PATH="opt/bin").which("docker-credential-x") is None
    assert machine(tmp_path, PATH="/opt/plain").which("docker-credential-x") is None


def test_a_root_of_its_own_is_foreign(tmp_path: Path) -> None:
    assert machine(tmp_path).foreign
    assert not Machine(root="/").foreign


def test_the_names_of_a_folder_and_what_a_link_says(tmp_path: Path) -> None:
    root = tmp_path / "node"
    put(tmp_path, "/etc/secret", "this machine's")
    put(root, "/etc/d/20.conf")
    put(root, "/etc/d/10.conf")
    (root / "etc/d/30.conf").symlink_to("/dev/null")
    (root / "out").symlink_to(tmp_path / "etc")
    node = machine(root)
    assert node.names("/etc/d") == ("10.conf", "20.conf", "30.conf")
    assert (node.link("/etc/d/30.conf"), node.link("/etc/d/20.conf")) == ("/dev/null", "")
    assert (node.names("/out"), node.link("/out/x/y"), node.names("/none")) == ((), "", ())


def test_the_variables_of_this_shell_are_not_another_machines(tmp_path: Path) -> None:
    environ = {
        "HOME": "/home/u",
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy.example:1",
        "REGISTRY_AUTH_FILE": "/a.json",
        "DOCKER_CONFIG": "/d",
        "DOCKER_HOST": "tcp://far:1",
        "XDG_CONFIG_HOME": "/cfg",
        "SSL_CERT_FILE": "/ca.pem",
    }
    assert shells(environ, "/") == environ
    assert shells(environ, str(tmp_path)) == {"HOME": "/home/u", "PATH": "/bin"}


@pytest.mark.parametrize(("reason", "root", "stops"), [
    ("broken", False, True),
    ("directory", False, True),
    ("forbidden", False, True),
    ("forbidden", True, False),
    ("special", False, False),
    ("too-large", False, False),
    ("missing", True, True),
])  # fmt: skip
def test_what_is_refused_here_alone_stops_no_client(
    reason: Reason, root: bool, stops: bool
) -> None:
    fault = Unread("/a.toml", reason, "why").fault("crio ends", client="CRI-O", root=root)
    assert (fault.file, fault.what, fault.stops) == ("/a.toml", "it cannot be read: why", stops)
    assert fault.effect.startswith("crio ends" if stops else "CRI-O may read it all the same")
