"""Does whoever runs the first remedy's commands, as they stand, have a working login afterwards?"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from doctor.checks import credentials, stored
from doctor.checks.credentials import read
from doctor.clients.shell import Shell
from doctor.codes import load
from doctor.facts.credential import CredentialFact
from doctor.facts.registry import AuthFact, TokenTry
from doctor.model import Case, Facts, Finding, Target
from doctor.net import Net
from doctor.reference import Reference, parse
from tests.clients.registries import auth

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")

SHELLS = [each for each in ("dash", "bash") if shutil.which(each)]
KEY = "key-0123456789"
EXPIRED = "eyJhbGciOiJub25lIn0.eyJleHAiOiAxfQ.c2ln"
REJECTED = AuthFact(
    scheme="basic", has_credential=True, tries=(TokenTry(who="credential", outcome="refused"),)
)


class Registry(BaseHTTPRequestHandler):
    """It takes one user with one key."""

    def do_GET(self) -> None:
        expected = base64.b64encode(f"me:{KEY}".encode()).decode()
        good = self.headers.get("Authorization") == f"Basic {expected}"
        self.send_response(200 if good else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def diagnose(
    registry: str, environ: dict[str, str], *facts: AuthFact
) -> tuple[list[Finding], Net, Target]:
    reference = parse(f"{registry}/team/app:1")
    assert isinstance(reference, Reference)
    hop = replace(reference.hop, scheme="http")
    target = Target(str(reference), reference, hop, system="debian")
    net = Net(environ=environ)
    fact = asyncio.run(read(Case(target, Facts()), Shell.here(environ), net))
    assert isinstance(fact, CredentialFact)
    case = Case(target, Facts([(None, fact), *((None, each) for each in facts)]))
    book = load()
    found = [*credentials.judge(case), *stored.judge(case)]
    return [book.dress(f, target) for f in found], net, target


def helper(folder: Path, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / "docker-credential-gone"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


GOOD = auth("me", KEY)
CASES = {
    "auth.config-unreadable": '{"auths": {"HOST": ENTRY},}',
    "auth.entry-malformed": {"auths": {"HOST": {"auth": "bm9jb2xvbg=="}, "other.example": GOOD}},
    "auth.wrong-key": {"auths": {"127.0.0.1:443": GOOD}},
    "auth.helper-missing": {"auths": {"HOST": {}}, "credsStore": "none-of-that-name"},
    "auth.helper-failed": {"auths": {"HOST": {}}, "credsStore": "gone"},
    "auth.whitespace": {"auths": {"HOST": auth("me", KEY + "\n")}},
    "auth.token-expired": {"auths": {"HOST": auth("me", EXPIRED)}},
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("code", CASES)
def test_the_first_remedy_cures(code: str, shell: str, registry: str, tmp_path: Path) -> None:
    home = tmp_path / "home of me"
    config = home / ".docker" / "config.json"
    config.parent.mkdir(parents=True)
    content = CASES[code]
    text = content if isinstance(content, str) else json.dumps(content)
    text = text.replace("HOST", registry).replace("ENTRY", json.dumps(GOOD))
    config.write_text(text)
    config.chmod(0o600)
    helper(tmp_path / "bin", "echo locked; exit 1")
    environ = {"HOME": str(home), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    rejected = code in ("auth.whitespace", "auth.token-expired")

    asked = [AuthFact(scheme="basic")] if code == "auth.wrong-key" else []
    found, _, _ = diagnose(registry, environ, *([REJECTED] if rejected else asked))
    told = {finding.code: finding for finding in found}
    assert told[code].level == "error"

    key_file = tmp_path / "key"
    key_file.write_text(KEY + "\n")
    for step in told[code].remedies[0].steps:
        if step.command:
            command = step.command.replace("API_KEY_FILE", str(key_file))
            command = re.sub(r"\bUSER_NAME\b", "me", command)
            done = subprocess.run(
                [shell, "-c", command],
                env=environ,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
            assert KEY not in command + done.stdout + done.stderr

    after, net, _ = diagnose(registry, environ)
    assert net.credential is not None
    assert (net.credential.user, net.credential.secret.reveal()) == ("me", KEY)
    assert [f.code for f in after if f.level == "error"] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_that_asks_a_helper_shows_its_message_and_never_its_secret(
    shell: str, registry: str, tmp_path: Path
) -> None:
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"credsStore": "gone"}))
    helper(tmp_path / "bin", "echo locked; exit 1")
    environ = {"HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    (finding,) = diagnose(registry, environ)[0]
    steps = [step.command for remedy in finding.remedies for step in remedy.steps]
    command = next(each for each in steps if each and "docker-credential-gone get" in each)

    def run() -> str:
        done = subprocess.run(
            [shell, "-c", command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    assert run() == "locked\n"
    helper(tmp_path / "bin", f'echo \'{{"Username":"me","Secret":"{KEY}"}}\'')
    assert run() == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_is_tested_by_curl_without_standing_on_a_command_line(
    shell: str, registry: str, tmp_path: Path
) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {registry: auth("me", KEY + "\n")}}))
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    found, _, _ = diagnose(registry, environ, REJECTED)
    spaced = next(f for f in found if f.code == "auth.whitespace")
    steps = [step.command for remedy in spaced.remedies for step in remedy.steps]
    command = next(each for each in steps if each and "curl" in each)
    (tmp_path / "key").write_text(KEY + "\n")
    filled = re.sub(r"\bUSER_NAME\b", "me", command.replace("API_KEY_FILE", str(tmp_path / "key")))
    done = subprocess.run(
        [shell, "-c", filled], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("200\n", "")
