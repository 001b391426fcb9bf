"""Does the docker command itself find credentials under the keys that we say it does?

`docker manifest inspect` reads the configuration in the client, without a daemon: what it sends to
a registry on loopback shows what it found.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

from doctor.clients.docker_context import endpoint
from doctor.clients.docker_keys import docker_lookup
from doctor.clients.keyring import Ask, Wanted
from doctor.clients.machine import Machine
from tests.clients.registries import auth, machine, put, user

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")


class Registry(ThreadingHTTPServer):
    """It asks for Basic, keeps the user names that it is sent, and has no image."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asking)
        self.users: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Asking(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Registry)
        scheme, _, packed = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            self.server.users.append(base64.b64decode(packed).decode().partition(":")[0])
        self.send_response(404 if scheme else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry()
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def docker(registry: Registry, config: Path, path: str = "") -> str | None:
    """The user that the docker command logs in as; None: it does not."""
    image = f"{registry.authority}/team/app:1"
    command = ["docker", "--config", str(config), "manifest", "inspect", "--insecure", image]
    environ = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(config)}
    subprocess.run(command, capture_output=True, timeout=60, check=False, env=environ)
    return registry.users[-1] if registry.users else None


@pytest.mark.parametrize("key", [
    "{host}", "https://{host}", "http://{host}", "https://{host}/v1/", "https://{host}/v2",
    "{host}/team", "{host}/team/app", "{host}/", "127.0.0.1", "https://127.0.0.1", "*.0.0.1:{port}",
    "{host} ", "127.0.0.2:{port}", "//{host}", "HTTPS://{host}",
])  # fmt: skip
def test_a_key_matches_for_docker_exactly_when_it_does_here(
    registry: Registry, tmp_path: Path, key: str
) -> None:
    key = key.format(host=registry.authority, port=registry.server_port)
    config = {"auths": {key: auth("found")}}
    put(tmp_path, "/home/u/.docker/config.json", config)
    here = docker_lookup(machine(tmp_path), Wanted(registry.authority, "team/app"))
    assert docker(registry, tmp_path / "home/u/.docker") == user(here)


@pytest.mark.parametrize("content", [
    "", " \n", '{"auths": {"HOST": AUTH}} trailing',
    '{"Auths": {"HOST": {"Auth": "Zm91bmQ6cHc="}}}',
    '{"auths": {"HOST": {"username": "found", "password": "pw"}}}', '{"auths": {"HOST": {}}}',
    '{"auths": {"HOST": {"auth": "Zm91bmQ6cHc"}}}', '{"auths": {"HOST": AUTH}',
    '{"auths": {"HOST": AUTH}, "credHelpers": {"HOST": ""}}', '{"auths": {"HOST": AUTH},}', "[]",
    '{"auths": {"HOST": {"auth": "Zm91bmQ6\\ncHc="}}}',
])  # fmt: skip
def test_a_file_is_read_by_docker_as_it_is_here(
    registry: Registry, tmp_path: Path, content: str
) -> None:
    entry = json.dumps(auth("found", "pw"))
    text = content.replace("HOST", registry.authority).replace("AUTH", entry)
    put(tmp_path, "/home/u/.docker/config.json", text)
    here = docker_lookup(machine(tmp_path), Wanted(registry.authority, "team/app"))
    assert docker(registry, tmp_path / "home/u/.docker") == user(here)


def test_docker_asks_the_helper_that_is_named_here_for_the_same_key(
    registry: Registry, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script = f'#!/bin/sh\ncat > {asked}\nprintf \'{{"Username":"helped","Secret":"s"}}\'\n'
    put(tmp_path, "/bin/docker-credential-test", script, mode=0o755)
    config = {"auths": {registry.authority: auth("file")}, "credsStore": "test"}
    put(tmp_path, "/home/u/.docker/config.json", config)
    (ask,) = docker_lookup(machine(tmp_path), Wanted(registry.authority, "team/app")).tries
    assert isinstance(ask, Ask)
    assert docker(registry, tmp_path / "home/u/.docker", str(tmp_path / "bin")) == "helped"
    assert (ask.program, ask.key) == ("docker-credential-test", asked.read_text())


@pytest.mark.parametrize("meta", [
    None, "", "{", "[]", "null", "{}",
    '{"Name": "x", "Endpoints": {"docker": {"Host": ""}}}',
    '{"Name": "x", "Endpoints": {"docker": {"Host": 5}}}',
    '{"Name": 5, "Endpoints": {"docker": {"Host": "unix:///no.sock"}}}',
    '{"Name": "x", "Endpoints": {"docker": null}}',
    '{"Name": "x", "Endpoints": {"Docker": {"Host": "unix:///no.sock"}}}',
    '{"Name": "x", "Metadata": [], "Endpoints": {"docker": {"Host": "unix:///no.sock"}}}',
    '{"name": "x", "endpoints": {"docker": {"host": "unix:///no.sock"}}}',
    '{"Name": "other", "Endpoints": {"docker": {"Host": "unix:///no.sock"}}}',
    '{"Name": "x", "Endpoints": {"docker": {"Host": "unix:///no.sock"}}} and more',
])  # fmt: skip
@pytest.mark.parametrize("environ", [{}, {"DOCKER_CONTEXT": "x"}])
def test_the_docker_command_ends_at_a_context_exactly_when_it_does_here(
    tmp_path: Path, environ: dict[str, str], meta: str | None
) -> None:
    """Docker 28.2.2. Where it does not end, the daemon that it misses is the one named here."""
    folder = tmp_path / ".docker"
    digest = hashlib.sha256(b"x").hexdigest()
    if meta is not None:
        put(folder, f"contexts/meta/{digest}/meta.json", meta)
    put(folder, "config.json", "{}" if environ else {"currentContext": "x"})
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environ}
    command = ["docker", "version", "--format", "{{.Server}}"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ).stderr
    ours = endpoint(Machine(environ=environ, home=str(tmp_path)))
    assert ("unable to resolve docker endpoint" in said) is (ours.fault is not None), said
    assert ours.url == "" or ours.url in said or not said
