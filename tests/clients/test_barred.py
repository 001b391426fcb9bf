"""What is said of a login that this user may not read, as after `sudo docker login`?

The command runs as root without root's right to read everything: what is another user's is closed
to it then, as root's files are to anybody else.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from doctor.clients.barred import look
from tests.clients.registries import auth, put
from tests.command import DOCTOR, Ended, environment, run

SOMEBODY = 65534
pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv"
)
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


class Private(BaseHTTPRequestHandler):
    """A registry that wants a login for everything."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Private)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def bound(home: Path, *arguments: str) -> Ended:
    return run((*BOUND, *DOCTOR, *arguments), environment(home), b"", 60)


def told(ended: Ended) -> dict[str, Any]:
    """The one root cause of the check of the login."""
    (target,) = json.loads(ended.stdout)["targets"]
    (cause,) = [f for f in target["findings"] if f["root_cause"] and f["check"] == "auth"]
    return dict(cause)


def commands(cause: dict[str, Any]) -> list[str]:
    return [step["command"] for step in cause["remedies"][0]["steps"]]


def login(home: Path, registry: str) -> Path:
    return put(home, ".docker/config.json", {"auths": {registry: auth()}})


@pytest.mark.parametrize("client", ["shell", "docker"])
@pytest.mark.parametrize("closed", ["the folder", "its file alone"])
def test_somebody_elses_login_is_given_back(
    tmp_path: Path, registry: str, client: str, closed: str
) -> None:
    file = login(tmp_path, registry)
    for each in (file, file.parent):
        os.chown(each, SOMEBODY, SOMEBODY)
    file.parent.chmod(0o700 if closed == "the folder" else 0o755)
    cause = told(bound(tmp_path, "check", "--json", "--as", client, f"{registry}/a:1"))
    assert cause["code"] == "auth.config-unreadable"
    assert "this user may not read it, and a login may lie in it" in cause["detail"]
    barred = file.parent if closed == "the folder" else file
    assert str(barred) in cause["evidence"]["because"]
    assert "65534" in cause["evidence"]["because"]
    assert commands(cause)[0] == f'sudo chown -R "$(id -u):$(id -g)" {file.parent}'
    assert "mv " not in json.dumps(cause["remedies"])


def test_a_login_of_ones_own_with_a_mode_that_bars(tmp_path: Path, registry: str) -> None:
    login(tmp_path, registry).chmod(0)
    cause = told(bound(tmp_path, "check", "--json", "--as", "docker", f"{registry}/a:1"))
    assert cause["code"] == "auth.config-unreadable"
    assert commands(cause)[0] == f"chmod u+rwX {tmp_path}/.docker/config.json"


def test_podmans_login_is_not_moved_aside_either(tmp_path: Path, registry: str) -> None:
    file = put(tmp_path, ".config/containers/auth.json", {"auths": {registry: auth()}})
    os.chown(file, SOMEBODY, SOMEBODY)
    cause = told(bound(tmp_path, "check", "--json", "--as", "podman", f"{registry}/a:1"))
    assert commands(cause)[0] == f'sudo chown -R "$(id -u):$(id -g)" {file}'


@pytest.mark.parametrize("closed", ["the home", "its folder"])
def test_what_lies_in_somebody_elses_home_is_never_taken(
    tmp_path: Path, registry: str, closed: str
) -> None:
    """HOME is left over from another user, as after `su` without `-`."""
    home = tmp_path / "theirs"
    folder = login(home, registry).parent
    for each in (home, folder):
        os.chown(each, SOMEBODY, SOMEBODY)
    barred = home if closed == "the home" else folder
    barred.chmod(0o700)
    cause = told(bound(home, "check", "--json", f"{registry}/a:1"))
    assert cause["code"] == "auth.config-unreadable"
    assert commands(cause) == [f"ls -ld {barred}"]
    assert "chown" not in json.dumps(cause["remedies"])


def test_without_a_login_none_is_said_to_be_hidden(tmp_path: Path, registry: str) -> None:
    (tmp_path / ".docker").mkdir(mode=0o700)
    cause = told(bound(tmp_path, "check", "--json", f"{registry}/a:1"))
    assert cause["code"] == "auth.no-credentials"


def test_a_session_folder_left_over_from_another_user_hides_no_login(
    tmp_path: Path, registry: str
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    os.chown(runtime, SOMEBODY, SOMEBODY)
    env = environment(tmp_path, XDG_RUNTIME_DIR=str(runtime))
    ended = run((*BOUND, *DOCTOR, "check", "--json", f"{registry}/a:1"), env, b"", 60)
    assert told(ended)["code"] == "auth.no-credentials"


def test_another_machines_login_that_only_root_may_read(tmp_path: Path, registry: str) -> None:
    tree = tmp_path / "node"
    home = tmp_path / "home"
    folder = login(tree / str(home).lstrip("/"), registry).parent
    os.chown(folder, SOMEBODY, SOMEBODY)
    folder.chmod(0o700)
    cause = told(bound(home, "check", "--json", "--root", str(tree), f"{registry}/a:1"))
    assert cause["code"] == "auth.config-unreadable"
    assert str(folder).removeprefix(str(tree)) in cause["evidence"]["because"]
    (command,) = commands(cause)
    assert command == (
        f'sudo env HOME="$HOME" PATH="$PATH" doctor check --root {tree} {registry}/a:1'
    )


@pytest.mark.parametrize("mode", [0o700, 0o711, 0o744])
def test_a_root_that_this_user_cannot_look_into_is_a_usage_error(tmp_path: Path, mode: int) -> None:
    tree = tmp_path / "node"
    tree.mkdir()
    os.chown(tree, SOMEBODY, SOMEBODY)
    tree.chmod(mode)
    ended = bound(tmp_path, "check", "--root", str(tree), "--offline", "localhost:1/a:1")
    assert (ended.exit, ended.stdout) == (2, b""), ended
    assert f"--root '{tree}' cannot be read by this user; try with sudo" in ended.stderr
    tree.chmod(0o755)
    ended = bound(tmp_path, "check", "--root", str(tree), "--offline", "localhost:1/a:1")
    assert ended.exit == 0, ended


@pytest.mark.parametrize(("place", "shown"), [(".docker", "/.docker"), ("root", "/root")])
def test_below_another_root_a_folder_is_called_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, shown: str
) -> None:
    closed = tmp_path / place
    closed.mkdir()
    monkeypatch.setattr(os, "access", lambda path, right, **_: str(path) != str(closed))
    found = look(str(tmp_path), f"/{place}/config.json", "/")
    assert found is not None
    assert (found.path, found.cure) == (shown, "")
