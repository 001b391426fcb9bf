"""Does what is built work where nothing else of the project is?"""

from __future__ import annotations

import email
import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

import doctor
from doctor.checks import BUILT_IN
from tests.installed import ROOT, Environment, install, wheel


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(tmp_path_factory.mktemp("installed") / "env", built)


def _run(environment: Environment, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(environment.bin / command[0]), *command[1:]],
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", [("doctor",), ("registry-doctor",), ("python", "-m", "doctor")])
def test_every_way_to_call_it_says_its_version(
    environment: Environment, command: tuple[str, ...]
) -> None:
    done = _run(environment, *command, "--version")
    assert (done.stdout, done.returncode) == (f"registry-doctor {doctor.__version__}\n", 0)


def test_it_diagnoses(environment: Environment) -> None:
    done = _run(environment, "doctor", "check", "--json", "--timeout", "5", "localhost:1/app:1.0")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["targets"][0]["root_causes"] == ["tcp.refused"]


def test_it_runs_from_its_own_files(environment: Environment) -> None:
    words = "import doctor, doctor.checks.dns as d; print(doctor.__file__); print(d.__file__)"
    done = _run(environment, "python", "-c", words)
    assert [Path(line).is_relative_to(environment.packages) for line in done.stdout.split()] == [
        True,
        True,
    ], done.stdout + done.stderr


def test_it_installs_one_package(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"doctor"}


def test_every_file_of_the_package_is_in_it(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        inside = {n for n in archive.namelist() if n.startswith("doctor/")}
    here = {
        prefix + file.relative_to(ROOT / folder).as_posix()
        for folder, prefix in (("doctor", "doctor/"), ("checks", "doctor/checks/"))
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert inside == here


def test_its_metadata_is_whole(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        (folder,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        points = archive.read(f"{folder}/entry_points.txt").decode()
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert metadata["Name"] == "registry-doctor"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    group = points.partition("[doctor.checks]\n")[2].partition("[")[0]
    assert set(re.findall(r"^\w+ = doctor\.checks\.(\w+)$", group, re.M)) == set(BUILT_IN)


def test_the_lock_names_no_address_and_hashes_everything() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text()
        assert "://" not in text, file
        assert not re.search(r"^\s*--(?!hash=)", text, re.M), file
        pins = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
        assert pins, file
        assert all("--hash=sha256:" in pin for pin in pins), file
