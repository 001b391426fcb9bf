"""Is a plug-in one package? tests/plugin is one: it is installed beside the wheel, and nothing
else is touched."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.installed import ROOT, Environment, install, wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("plugin")
    wheels = []
    for source in (ROOT, ROOT / "tests" / "plugin"):
        built = folder / source.name
        built.mkdir()
        wheels.append(wheel(source, built))
    return install(folder / "env", *wheels)


@contextmanager
def harbor(health: object) -> Iterator[str]:
    """A registry on loopback that also tells its health, as Harbor does; `HOST:PORT`."""

    class Handler(BaseHTTPRequestHandler):
        default_request_version = "HTTP/1.0"  # what is no HTTP is answered with a status line

        def do_GET(self) -> None:
            answers: dict[str, Any] = {"/v2/": {}, "/api/v2.0/health": health}
            known = self.path in answers and answers[self.path] is not None
            body = json.dumps(answers.get(self.path)).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _doctor(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(environment.bin / "doctor"), *arguments],
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _found(environment: Environment, host: str) -> list[dict[str, Any]]:
    done = _doctor(environment, "check", "--json", "--timeout", "10", host)
    assert not done.stderr
    (target,) = json.loads(done.stdout)["targets"]
    return [f for f in target["findings"] if f["check"] == "harbor"]


def _component(name: str, status: str) -> dict[str, str]:
    return {"name": name, "status": status}


def test_its_check_is_listed_with_its_code(environment: Environment) -> None:
    said = _doctor(environment, "checks").stdout
    assert "harbor" in said
    assert "harbor.unhealthy" in said


def test_its_words_are_explained(environment: Environment) -> None:
    said = _doctor(environment, "explain", "harbor.unhealthy")
    assert said.returncode == 0
    assert "Harbor says that one of its parts does not work" in said.stdout


def test_its_finding_is_in_the_report(environment: Environment) -> None:
    parts = [_component("database", "unhealthy"), _component("core", "healthy")]
    with harbor({"status": "unhealthy", "components": parts}) as host:
        (finding,) = _found(environment, host)
    assert (finding["code"], finding["severity"]) == ("harbor.unhealthy", "warning")
    assert finding["detail"] == f"{host} says that database is not healthy; every part should be."
    assert finding["evidence"]["components"] == {"database": "unhealthy", "core": "healthy"}
    assert finding["remedies"][0]["title"].startswith("Ask whoever runs localhost")


@pytest.mark.parametrize(
    "health", [None, {"components": [_component("database", "healthy")]}, ["components"], "x"]
)
def test_it_is_silent_about_good_health_and_about_others(
    environment: Environment, health: object
) -> None:
    with harbor(health) as host:
        assert _found(environment, host) == []


def test_its_module_is_the_readme_s_example() -> None:
    plugin = ROOT / "tests" / "plugin"
    readme = (ROOT / "README.md").read_text()
    for file in ("doctor_harbor/harbor.py", "doctor_harbor/harbor.toml", "pyproject.toml"):
        assert (plugin / file).read_text().strip() in readme, file


def test_what_it_saw_is_in_a_bundle_and_judged_again(environment: Environment) -> None:
    """Where it is not installed, its check is named, and nothing is said to be well."""
    file = str(environment.folder / "plug-in.tar.gz")
    with harbor({"components": [_component("database", "unhealthy")]}) as host:
        _doctor(environment, "bundle", "--timeout", "10", "-o", file, host)
    here = json.loads(_doctor(environment, "open", "--json", file).stdout)
    assert "harbor.unhealthy" in {f["code"] for f in here["targets"][0]["findings"]}
    assert here["origin"]["changes"] == here["origin"]["notes"] == []
    there = [sys.executable, "-P", "-m", "doctor", "open", "--json", file]
    told = json.loads(subprocess.run(there, capture_output=True, text=True, timeout=60).stdout)
    assert told["verdict"] == "incomplete"
    assert "The check harbor is not installed here" in " ".join(told["origin"]["notes"])
    assert "no longer found: harbor.unhealthy." in told["origin"]["changes"]
