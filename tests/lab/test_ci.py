"""Do the examples for CI systems hold? Their own lines are run in a world with a registry, by the
shell that the system uses; what stands in for the outside is the installation alone (a `pip` that
writes down what it was asked for) and `helm`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.distribution import REPOSITORY
from tests.lab.programs import PATH, need, program
from tests.lab.scenario import Scenario, config
from tests.lab.way import HOST, PASSWORD, USER, Way
from tests.lab.world import Run, World

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs/ci"
AUTH = json.dumps(config())
SECRETS = {
    "secrets.DOCKER_AUTH_CONFIG": AUTH,
    "vars.REGISTRY_USER": USER,
    "secrets.REGISTRY_PASSWORD": PASSWORD,
}
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: {}\n"
GOOD, BAD = f"{HOST}/{REPOSITORY}:latest", f"{HOST}/{REPOSITORY}:no-such"


@dataclass(frozen=True)
class Line:
    """One script of a pipeline, with the environment that the system gives it."""

    text: str
    env: Mapping[str, str]
    shell: Sequence[str]


def _filled(env: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    return {
        key: re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda m: given[m[1]], str(value))
        for key, value in env.items()
    }


def _github() -> Iterator[Line]:
    workflow = yaml.safe_load((DOCS / "github-actions.yml").read_text())
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                server = {"GITHUB_SERVER_URL": "https://git.example.com"}
                env = {**server, **workflow["env"], **job["env"], **step.get("env", {})}
                yield Line(step["run"], _filled(env, SECRETS), ("bash", "-e"))


def _gitlab() -> Iterator[Line]:
    pipeline = yaml.safe_load((DOCS / "gitlab-ci.yml").read_text())
    env = {**pipeline["variables"], "DOCKER_AUTH_CONFIG": AUTH}
    for job in (pipeline["images"], pipeline["preflight"]):
        lines = [*pipeline["default"]["before_script"], *job["script"]]
        yield Line("\n".join(lines), env, ("sh", "-e"))


def _circleci() -> Iterator[Line]:
    (job,) = yaml.safe_load((DOCS / "circleci.yml").read_text())["jobs"].values()
    env = {**job["environment"], "DOCKER_AUTH_CONFIG": AUTH}
    for step in job["steps"]:
        if "run" in step:
            yield Line(step["run"]["command"], env, ("bash", "-eo", "pipefail"))


def _jenkins() -> Iterator[Line]:
    text = (DOCS / "Jenkinsfile").read_text()
    env = {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD, "DOCKER_AUTH_CONFIG": AUTH}
    env["REGISTRY_DOCTOR"] = re.findall(r"REGISTRY_DOCTOR = '([^']*)'", text)[0]
    for one, several in re.findall(r"\bsh (?:'([^'\n]+)'|'''(.*?)''')", text, re.DOTALL):
        yield Line(one or several, env, ("sh", "-e"))


SYSTEMS = {"github": _github, "gitlab": _gitlab, "circleci": _circleci, "jenkins": _jenkins}
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INPUTS = {name: each["default"] for name, each in ACTION["inputs"].items()}


def _action(given: Mapping[str, str]) -> Iterator[Line]:
    known = {f"inputs.{name}": value for name, value in {**INPUTS, **given}.items()}
    known["github.action_path"] = "/the/action"
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
        yield Line(step["run"], _filled(step["env"], known), shell)


def furnished(lab: World, store: Path, image: str) -> tuple[Path, dict[str, str]]:
    """A repository that names the image, and stand-ins for what comes from outside."""
    env = Scenario("x", Way(login="basic", key="none")).make(lab, store)
    work, tools = lab.folder / "work", lab.folder / "tools"
    for folder in (work / "deploy", tools, lab.folder / "runner"):
        folder.mkdir(parents=True)
    (work / "deploy/web.yaml").write_text(POD.format(image))
    (work / "Dockerfile").write_text(f"ARG TAG=1.0\nFROM {HOST}/{REPOSITORY}:$TAG\n")
    doctor = f'#!/bin/sh\nexec {sys.executable} -P -m doctor "$@"\n'
    pip = f'#!/bin/sh\nprintf "%s\\n" "$*" >>{lab.folder}/installed\n'
    python = (
        f'#!/bin/sh\n[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"\n'
        f'mkdir -p "$3/bin" && cp {tools}/pip {tools}/doctor "$3/bin"\n'
    )
    helm = f"#!/bin/sh\ncat {work}/deploy/web.yaml\n"
    for name, text in {"doctor": doctor, "pip": pip, "python3": python, "helm": helm}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    runner = lab.folder / "runner"
    more = {
        "PATH": f"{tools}:{env.get('PATH', PATH)}",
        "RUNNER_TEMP": str(runner),
        "GITHUB_STEP_SUMMARY": str(runner / "summary"),
        "GITHUB_OUTPUT": str(runner / "output"),
    }
    return work, {**env, **more}


def run(lab: World, work: Path, env: Mapping[str, str], line: Line) -> Run:
    start = ("env", f"--chdir={work}", *line.shell, "-c", line.text)
    return lab.run(*start, env={**env, **line.env})


def secretless(lab: World, runs: Sequence[Run]) -> None:
    """The password is in nothing that was printed or written."""
    said = "".join(each.stdout + each.stderr for each in runs)
    files = [file for part in ("work", "runner") for file in (lab.folder / part).rglob("*")]
    said += "".join(f.read_text() for f in files if f.is_file())
    assert PASSWORD not in said
    assert config()["auths"][HOST]["auth"] not in said  # type: ignore[index]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_pipeline_passes_where_all_can_be_pulled(system: str, lab: World, store: Path) -> None:
    work, env = furnished(lab, store, GOOD)
    runs = [run(lab, work, env, line) for line in SYSTEMS[system]()]
    assert [each.exit for each in runs] == [0] * len(runs), "\n".join(map(str, runs))
    (installed,) = set((lab.folder / "installed").read_text().splitlines())
    assert re.search(r" git\+https://git\.example\.com/[\w/-]+/registry-doctor@v[\d.]+$", installed)
    secretless(lab, runs)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_pipeline_is_stopped_by_an_image_that_cannot(
    system: str, lab: World, store: Path
) -> None:
    """Every line that names the repository's images fails; what it leaves for the system is
    there."""
    work, env = furnished(lab, store, BAD)
    lines = list(SYSTEMS[system]())
    runs = [run(lab, work, env, line) for line in lines]
    named = ["deploy/web.yaml" in line.text or "helm" in line.text for line in lines]
    assert [each.exit for each in runs] == [int(each) for each in named], "\n".join(map(str, runs))
    for file in work.rglob("junit.xml"):
        assert list(ET.parse(file).iter("failure"))
    for file in work.rglob("*.sarif"):
        results = json.loads(file.read_text())["runs"][0]["results"]
        assert "registry.manifest-unknown" in {r["ruleId"] for r in results}
    if system == "github":
        assert any("::error file=deploy/web.yaml,line=5" in each.stdout for each in runs)
    secretless(lab, runs)


@pytest.mark.parametrize(("image", "exit_code", "verdict"), [(GOOD, 0, "pass"), (BAD, 1, "fail")])
def test_the_action_gates_and_leaves_its_reports(
    image: str, exit_code: int, verdict: str, lab: World, store: Path
) -> None:
    work, env = furnished(lab, store, image)
    given = {
        "files": "deploy/web.yaml\n\nDockerfile\n",
        "targets": f"{HOST}/{REPOSITORY}:1.1\n",
        "username": USER,
        "password": PASSWORD,
    }
    runs = [run(lab, work, env, line) for line in _action(given)]
    assert [each.exit for each in runs] == [0, exit_code], "\n".join(map(str, runs))
    assert (lab.folder / "installed").read_text().rstrip().endswith(" /the/action")
    reports = work / "registry-doctor"
    assert {f.name for f in reports.iterdir()} == {
        *("report.html", "report.json", "report.md", "report.sarif", "report.txt", "junit.xml"),
    }
    runner = lab.folder / "runner"
    assert (runner / "output").read_text() == f"verdict={verdict}\n"
    assert (runner / "summary").read_text() == (reports / "report.md").read_text()
    assert "::stop-commands::" in runs[1].stdout
    annotated = "::error file=deploy/web.yaml,line=5" in runs[1].stdout
    assert annotated == (verdict == "fail")
    secretless(lab, runs)


def test_the_action_heeds_the_variable_for_many_registries(lab: World, store: Path) -> None:
    """Although there is no configuration of Docker; and it leaves none."""
    work, env = furnished(lab, store, GOOD)
    env["DOCKER_AUTH_CONFIG"] = AUTH
    runs = [run(lab, work, env, line) for line in _action({"files": "deploy/web.yaml"})]
    assert [each.exit for each in runs] == [0, 0], "\n".join(map(str, runs))
    assert not (lab.home / ".docker").exists()
    secretless(lab, runs)


def test_what_is_given_to_the_action_is_no_shell(lab: World, store: Path) -> None:
    work, env = furnished(lab, store, GOOD)
    evil = "$(touch ran) `touch ran`; touch ran"
    given = {"targets": f"{evil}\n-oran\n", "folder": "out $(touch ran)", "client": "shell"}
    *_, last = [run(lab, work, env, line) for line in _action(given)]
    assert last.exit == 1, last
    assert not list(work.rglob("ran"))


def test_the_action_hands_nothing_but_variables_to_the_shell() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


@pytest.mark.parametrize("system", [*SYSTEMS, "action"])
def test_shellcheck_has_nothing_to_say(system: str) -> None:
    need("shellcheck")
    for line in SYSTEMS[system]() if system in SYSTEMS else _action({}):
        command = [program("shellcheck"), f"--shell={line.shell[0]}", "-"]
        done = subprocess.run(command, input=line.text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", sorted(DOCS.iterdir()), ids=lambda f: f.name)
def test_where_the_project_is_kept_is_said_in_one_place(file: Path) -> None:
    """Then the rest is as it stands; nothing is looked up by a bare name."""
    text = file.read_text()
    assert "OWNER" not in text
    if file.suffix != ".md":
        assert text.count("To be set: ") == 1
        assert len(re.findall(r"example\.com|your-organisation", text)) == 1


def test_the_reports_reach_the_system_whatever_the_verdict() -> None:
    workflow = yaml.safe_load((DOCS / "github-actions.yml").read_text())
    for job in workflow["jobs"].values():
        uploads = [s for s in job["steps"] if "upload" in s.get("uses", "")]
        assert uploads
        assert all(step["if"].startswith("always()") for step in uploads)
    images = yaml.safe_load((DOCS / "gitlab-ci.yml").read_text())["images"]["artifacts"]
    assert (images["when"], images["reports"]) == ("always", {"junit": "junit.xml"})
    (job,) = yaml.safe_load((DOCS / "circleci.yml").read_text())["jobs"].values()
    assert [next(iter(s)) for s in job["steps"] if isinstance(s, dict)][-2:] == [
        "store_test_results",
        "store_artifacts",
    ]
    assert re.search(
        r"post \{\s*always \{\s*junit .*'junit\.xml'", (DOCS / "Jenkinsfile").read_text()
    )


def test_the_action_that_the_workflow_uses_is_this_repositorys() -> None:
    steps = yaml.safe_load((DOCS / "github-actions.yml").read_text())["jobs"]["action"]["steps"]
    (used,) = (s for s in steps if s.get("uses", "").startswith("./"))
    assert set(used["with"]) <= set(INPUTS)
    paths = (s["with"]["path"] for s in steps if "path" in s.get("with", {}))
    assert next(paths) == used["uses"][2:]
    folder = INPUTS["folder"]
    kept = [s["with"] for s in steps if "upload" in s.get("uses", "")]
    assert [w.get("sarif_file") or w["path"] for w in kept] == [f"{folder}/report.sarif", folder]


def test_the_one_line_preflight_is_the_one_of_the_readme() -> None:
    said = (DOCS / "README.md").read_text()
    assert "helm template web ./chart | doctor check -f -" in said
    for system in SYSTEMS.values():
        assert any("helm template web ./chart | doctor check" in line.text for line in system())


def test_no_secret_stands_on_a_command_line() -> None:
    """A variable that holds one is read by the shell's own printf alone."""
    lines = [line for system in SYSTEMS.values() for line in system()] + list(_action({}))
    for line in lines:
        uses = re.findall(r"[^\n|]*\$\{?REGISTRY_PASSWORD[^\n]*", line.text)
        assert all(re.fullmatch(r"\s*printf '%s' \"\$REGISTRY_PASSWORD\" \|.*", u) for u in uses)
        assert "$DOCKER_AUTH_CONFIG" not in line.text


def test_an_earlier_runs_report_is_not_taken_for_this_ones(lab: World, store: Path) -> None:
    """Nothing is looked at where a file cannot be used: then there is no verdict."""
    work, env = furnished(lab, store, GOOD)
    reports = work / "registry-doctor"
    reports.mkdir()
    for name in ("report.json", "report.txt", "report.md"):
        (reports / name).write_text('{"verdict": "pass"}')
    (reports / "notes").write_text("somebody's own")
    *_, last = [run(lab, work, env, line) for line in _action({"files": "/nope"})]
    assert last.exit == 2, last
    assert "The whole report" not in last.stdout
    assert not (lab.folder / "runner/output").exists()
    assert [file.name for file in reports.iterdir()] == ["notes"]


@pytest.mark.parametrize("given", [{}, {"targets": " \n", "files": "\n\n"}])
def test_the_action_refuses_to_run_on_nothing(
    given: dict[str, str], lab: World, store: Path
) -> None:
    """An empty variable is no pass: `doctor check` alone would look at its default registry."""
    work, env = furnished(lab, store, GOOD)
    *_, last = [run(lab, work, env, line) for line in _action(given)]
    assert (last.exit, "both empty" in last.stdout) == (2, True), last
    assert not (lab.folder / "runner/output").exists()


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_example_leaves_the_logins_that_a_runner_has(
    system: str, lab: World, store: Path
) -> None:
    """On a shell runner the home is everybody's."""
    work, env = furnished(lab, store, GOOD)
    kept = json.dumps({**config(), "credHelpers": {"other.example": "x"}})
    for home in {lab.home, Path(env.get("HOME", lab.home))}:
        (home / ".docker").mkdir(parents=True, exist_ok=True)
        (home / ".docker/config.json").write_text(kept)
    for line in SYSTEMS[system]():
        run(lab, work, env, line)
    assert (lab.home / ".docker/config.json").read_text() == kept


@pytest.mark.parametrize("file", sorted(DOCS.iterdir()), ids=lambda f: f.name)
def test_no_variable_is_a_target_unguarded(file: Path) -> None:
    """`IMAGE=; doctor check $IMAGE` has no target, and passes."""
    uses = re.findall(r'doctor check[^|\n]* "?\$\{?(?!REGISTRY_USER)\w+[^\s`]*', file.read_text())
    assert uses
    assert all('"${IMAGE:?}"' in use for use in uses), uses
