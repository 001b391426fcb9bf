"""Does podman itself do what we say that it does? Seen with podman 4.3.1.

`podman login --get-login` reads auth.json without a network; `podman pull` from a registry on
loopback shows which credential it sends, through which proxy it goes and at which file it stops.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from doctor.clients import containers_conf, packages
from doctor.clients.auth_json import podman_lookup
from doctor.clients.keyring import Wanted
from doctor.clients.machine import Machine
from doctor.clients.podman import Podman
from doctor.model import Hop, Target
from doctor.reference import read_target
from tests.clients.registries import auth, user

pytestmark = pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
DOMAIN = "127.0.0.1:9"
"""Nothing listens there."""


def podman(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Its folder of running things may have a path of 50 characters at most."""
    own = {"PATH": os.environ["PATH"], "HOME": str(home), **environ}
    own |= {k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"}
    with tempfile.TemporaryDirectory(prefix="p-") as short:
        stored = ("--root", f"{short}/root", "--runroot", f"{short}/run", "--storage-driver", "vfs")
        command = ["podman", *stored, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, env=own)


def here(home: Path, **environ: str) -> Machine:
    return Machine(environ=environ, home=str(home), uid=os.getuid())


@pytest.mark.parametrize("key", [
    "127.0.0.1:9", "https://127.0.0.1:9", "http://127.0.0.1:9/v2/", "127.0.0.1:9/team",
    "127.0.0.1:9/team/app", "127.0.0.1:9/tea", "127.0.0.1:9/other", "127.0.0.1", "*.0.0.1:9",
    "127.0.0.1:9/", "https://127.0.0.1:9/team",
])  # fmt: skip
def test_a_key_matches_for_podman_exactly_when_it_does_here(tmp_path: Path, key: str) -> None:
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {key: auth("found")}}))
    named = f"{DOMAIN}/team/app"
    said = podman(tmp_path, "login", "--authfile", str(file), "--get-login", named)
    ours = podman_lookup(here(tmp_path, REGISTRY_AUTH_FILE=str(file)), Wanted(DOMAIN, "team/app"))
    assert (said.stdout.strip() or None) == user(ours), said.stderr


@pytest.mark.parametrize(("text", "stops"), [
    ("", False),
    ("[engine\n", True),
    ('[engine]\nenv = "A=b"\n', True),
    ("[engine]\nenv = [1]\n", True),
    ("\ufeff[engine]\n", True),
    ('[engine]\r\nenv = ["A=b"]\r\n', False),
    ('[engine]\nenv = ["A b"]\n', False),
    ("[engine]\nof-a-newer-version = 1\n", False),
])  # fmt: skip
def test_a_file_stops_podman_exactly_when_it_does_here(
    tmp_path: Path, text: str, stops: bool
) -> None:
    file = tmp_path / "containers.conf"
    file.write_text(text)
    said = podman(tmp_path, "info", "--format", "ok", CONTAINERS_CONF=str(file))
    ours = containers_conf.read(here(tmp_path, CONTAINERS_CONF=str(file)))
    assert (said.stdout.strip() != "ok") is stops, said.stderr
    assert any(fault.stops for fault in ours.faults) is stops


@pytest.mark.parametrize(("entries", "environ"), [
    (["HTTPS_PROXY=http://{one}"], {}),
    (["HTTPS_PROXY=http://{one}"], {"HTTPS_PROXY": "http://{two}"}),
    (["HTTPS_PROXY=http://{one}"], {"https_proxy": "http://{two}"}),
    (["HTTPS_PROXY=http://{one}", "HTTPS_PROXY=http://{two}"], {}),
    (["https_proxy=http://{one}"], {"HTTPS_PROXY": "http://{two}"}),
    (["A=b"], {"HTTPS_PROXY": "http://{two}"}),
])  # fmt: skip
def test_podman_goes_through_the_proxy_that_is_named_here(
    tmp_path: Path, entries: list[str], environ: dict[str, str]
) -> None:
    with Recording() as one, Recording() as two:
        names = {"one": one.authority, "two": two.authority}
        listed = json.dumps([entry.format(**names) for entry in entries])
        (tmp_path / "containers.conf").write_text(f"[engine]\nenv = {listed}\n")
        env = {name: value.format(**names) for name, value in environ.items()}
        env["CONTAINERS_CONF"] = f"{tmp_path}/containers.conf"
        podman(tmp_path, "pull", "--quiet", "registry.invalid/a:1", **env)
        machine = here(tmp_path, **env)
        client = Podman(machine, containers_conf.read(machine))
        proxy = client.route(Hop("registry", "registry.invalid", 443)).proxy
    assert proxy is not None
    reached = one if f"{proxy.host}:{proxy.port}" == one.authority else two
    assert reached.said.startswith(b"CONNECT registry.invalid:443 ")
    assert not (two if reached is one else one).said


@pytest.mark.parametrize(("variable", "there", "stops"), [
    ({}, False, False),
    ({"REGISTRY_AUTH_FILE": "{home}/a.json"}, False, True),
    ({"REGISTRY_AUTH_FILE": "{home}/a.json"}, True, False),
    ({"DOCKER_CONFIG": "{home}"}, False, True),
    ({"DOCKER_CONFIG": "{home}"}, True, False),
])  # fmt: skip
def test_podman_stops_at_a_file_that_a_variable_names_and_is_not_there(
    tmp_path: Path, variable: dict[str, str], there: bool, stops: bool
) -> None:
    environ = {name: value.format(home=tmp_path) for name, value in variable.items()}
    for name in ("a.json", "config.json") if there else ():
        (tmp_path / name).write_text("{}")
    (tmp_path / "registries.conf").write_text(BLOCKED)
    conf = {"CONTAINERS_REGISTRIES_CONF": f"{tmp_path}/registries.conf"}
    said = podman(tmp_path, "pull", "127.0.0.1:9/app", **conf, **environ).stderr
    ours = podman_lookup(here(tmp_path, **environ), Wanted(DOMAIN, "app"))
    assert ("no such file" in said) is stops, said
    assert [fault.kind for fault in ours.faults] == ["missing"] * stops
    if version := packages.version(Machine(), ("podman",)):
        old = packages.numbers(version) < (4, 7)
        assert [fault.stops for fault in ours.faults] == [old] * stops


BLOCKED = "".join(
    f'[[registry]]\nlocation = "127.0.0.{n}:9"\nblocked = true\n' for n in range(1, 5)
)
"""So that nothing is asked, and tried once."""
SEARCH = 'unqualified-search-registries = ["127.0.0.1:9", "127.0.0.2:9"]\n'
ALIASES = '[aliases]\n"known" = "127.0.0.3:9/team/known"\n"team/app" = "127.0.0.4:9/x"\n'


@pytest.mark.parametrize(("conf", "image"), [
    (SEARCH, "app:1"), (SEARCH, "team/app"), (SEARCH, "127.0.0.3:9/app"),
    (SEARCH + ALIASES, "known"), (SEARCH + ALIASES, "team/app:2"), (SEARCH + ALIASES, "other"),
    (SEARCH + 'short-name-mode = "enforcing"\n', "app"), (ALIASES, "other"),
    (SEARCH.replace(', "127.0.0.2:9"', "") + 'short-name-mode = "enforcing"\n', "app"),
])  # fmt: skip
def test_podman_looks_for_a_name_where_we_do(tmp_path: Path, conf: str, image: str) -> None:
    """Without a terminal."""
    file = tmp_path / "registries.conf"
    file.write_text(f"{conf}{BLOCKED}")
    environ = {"CONTAINERS_REGISTRIES_CONF": str(file)}
    said = podman(tmp_path, "pull", image, **environ).stderr
    client = Podman.here({"HOME": str(tmp_path), **environ})
    read = read_target(image)
    assert read.reference is not None
    target = Target(image, read.reference, read.reference.hop, assumed=read.assumed)
    faults = [f for f in client.setup(target).faults if f.image]
    tried = re.findall(r"Trying to pull (\S+)\.\.\.", said)
    ours = [str(each.reference) for each in client.meant(target)]
    assert tried == ([] if faults else ours), said


class Recording:
    """A proxy that keeps what it is asked first, and refuses."""

    def __enter__(self) -> Recording:
        self.said = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.authority = "{}:{}".format(*self.socket.getsockname())
        self.thread = Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            with line:
                self.said = self.said or line.recv(4096)
                line.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
