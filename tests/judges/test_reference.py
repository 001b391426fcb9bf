"""What is said of a target's own text: fact in, finding out; and that the remedy mends the file."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.checks.reference import CHECK, judge, read
from doctor.codes import load
from doctor.facts.reference import ReferenceFact
from doctor.images import images_in
from doctor.model import Case, Facts, Finding, Hop, Target
from doctor.reference import read_target

CODE = "registry.invalid-reference"
NOWHERE = Hop("registry", "", 443)
REFUSED = ReferenceFact(
    text="reg.example/App",
    position=12,
    kind="upper-case",
    rule="a repository is written in lower case",
    says="invalid reference format: repository name must be lowercase",
    suggestion="reg.example/app",
)


def judged(fact: ReferenceFact | None, target: Target | None = None) -> list[Finding]:
    facts = Facts([(None, fact)] if fact else [])
    return list(judge(Case(target or Target("reg.example/App", None, NOWHERE), facts)))


def target_of(text: str, source: tuple[str, int] | None = None, client: str = "shell") -> Target:
    found = read_target(text)
    return Target(text, found.reference, found.registry or NOWHERE, source=source, client=client)


def looked_at(target: Target) -> list[Finding]:
    """The whole check: read, judged, with its words on."""
    unused: Any = None
    fact = asyncio.run(read(Case(target, Facts()), unused, unused))
    book = load()
    return [book.dress(finding, target) for finding in judged(fact, target)]


def test_the_check_is_local_and_about_the_target() -> None:
    assert (CHECK.id, CHECK.scope, CHECK.probe) == ("image.reference", "target", None)
    assert (CHECK.read, CHECK.judge) == (read, judge)


def test_nothing_is_said_of_a_reference_or_without_a_fact() -> None:
    assert judged(ReferenceFact(text="reg.example/app", reference="reg.example/app:latest")) == []
    assert judged(None) == []


def test_a_flaw_is_an_error_with_its_proof() -> None:
    [finding] = judged(REFUSED)
    assert (finding.code, finding.severity, finding.confidence) == (CODE, None, "certain")
    assert finding.evidence["position"] == 12
    assert finding.evidence["rule"] == "a repository is written in lower case"
    assert "must be lowercase" in finding.evidence["client"]
    assert "character 13" in finding.params["statement"]


def test_what_stood_around_a_reference_is_an_error_only_in_a_file() -> None:
    fact = ReferenceFact(
        text="https://reg.example/app",
        reference="reg.example/app:latest",
        suggestion="reg.example/app:latest",
        removed=("`https://` in front was left out.",),
    )
    typed = target_of("https://reg.example/app")
    assert judged(fact, typed) == []
    [finding] = judged(fact, replace(typed, source=("web.yaml", 7)))
    assert (finding.code, finding.severity) == (CODE, None)


def test_a_trap_is_a_warning() -> None:
    fact = ReferenceFact(
        text="myhost/app",
        reference="docker.io/myhost/app:latest",
        trap="missing-host",
        trap_text="myhost is no host.",
        trap_suggestion="myhost:443/app",
    )
    [finding] = judged(fact, target_of("myhost/app"))
    assert (finding.code, finding.severity, finding.confidence) == (CODE, "warning", "likely")
    assert finding.evidence["meant"] == "myhost:443/app"
    assert finding.evidence["client"] == "docker.io/myhost/app:latest"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("", "error"),
        ("reg.example/App", "error"),
        ("bücher.example", "error"),
        ("x" * 10_000 + "/y", "error"),
        ("\x00\x1b[2J/\u202e", "error"),
        ("\udcff/x", "error"),
        ("a b c/d", "error"),
        ("ünïcode/App", "error"),
        ("${REGISTRY}/app", "error"),
        ("user:canary-judge@reg.example/app", "error"),
        ("cleanstart/app", "warning"),
        ("deploy.yaml", "warning"),
        ("Team/app", "warning"),
    ],
)
def test_every_odd_text_has_words_and_a_remedy(text: str, severity: str) -> None:
    [finding] = looked_at(target_of(text))
    assert (finding.code, finding.severity) == (CODE, severity)
    assert finding.remedies
    assert len(finding.detail) < 700
    assert "canary-judge" not in repr(finding)
    assert not any(ord(sign) < 32 for sign in finding.detail)


@pytest.mark.parametrize(
    "text", ["redis:7", "team/app", "reg.example/app:1", "reg.example", "[::1]"]
)
def test_ordinary_targets_have_no_finding(text: str) -> None:
    assert looked_at(target_of(text)) == []


def commands(finding: Finding) -> list[str]:
    return [step.command for step in finding.remedies[0].steps if step.command]


@pytest.mark.parametrize(
    ("client", "command"),
    [
        ("shell", "docker pull reg.example/app"),
        ("docker", "docker pull reg.example/app"),
        ("podman", "podman pull reg.example/app"),
        ("crane", "crane digest reg.example/app"),
        ("kubelet", "doctor check --as kubelet reg.example/app"),
    ],
)
def test_the_corrected_command_is_the_clients_own(client: str, command: str) -> None:
    [finding] = looked_at(target_of("reg.example/App", client=client))
    assert command in commands(finding)


def test_a_misleading_reference_offers_what_was_meant() -> None:
    [finding] = looked_at(target_of("cleanstart/app:1"))
    assert commands(finding) == ["doctor check registry.cleanstart.com/app:1"]


def test_a_file_taken_for_a_host_is_offered_as_a_file() -> None:
    [finding] = looked_at(target_of("deploy.yaml"))
    assert commands(finding) == ["doctor check -f deploy.yaml"]


@pytest.mark.parametrize("name", ["deploy/web.yaml", "deploy/images.txt", "dockerfile", "a/b.json"])
def test_a_file_that_is_here_is_offered_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    target = target_of(name)
    assert looked_at(target) == []
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    [finding] = looked_at(target)
    assert finding.severity == "warning"
    assert commands(finding) == [f"doctor check -f {name}"]


def test_a_file_of_the_images_name_is_nothing_to_speak_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    (tmp_path / "team/app").touch()
    (tmp_path / "team/web.yaml").touch()
    (tmp_path / "team/folder.yaml").mkdir()
    assert looked_at(target_of("team/app")) == []
    assert looked_at(target_of("team/folder.yaml")) == []
    assert looked_at(replace(target_of("team/web.yaml"), root="/mnt/node")) == []
    assert looked_at(target_of("team/web.yaml", ("list.txt", 1))) == []


def test_a_password_in_the_text_is_to_be_changed() -> None:
    [finding] = looked_at(target_of("user:canary-change@reg.example/app"))
    assert commands(finding)[0] == "doctor check reg.example/app"
    assert any("password" in remedy.title for remedy in finding.remedies)


@pytest.mark.parametrize(
    "image", ["reg.example/App:1", "https://reg.example/app:1", "reg.example//app"]
)
def test_the_first_remedy_mends_the_file(tmp_path: Path, image: str) -> None:
    file = tmp_path / "my pod.yaml"
    written = (
        f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image}\n  - image: b:1\n"
    )
    file.write_text(written)
    first = images_in(str(file), written)[0]
    [finding] = looked_at(target_of(first.text, (first.file, first.line)))
    edit = commands(finding)[0]
    assert edit.startswith("sed ")
    subprocess.run(["sh", "-c", edit], check=True, timeout=10)
    mended = images_in(str(file), file.read_text())
    assert [looked_at(target_of(each.text, (each.file, each.line))) for each in mended] == [[], []]
    assert [each.line for each in mended] == [5, 6]


def test_what_the_reader_of_a_file_says_is_what_is_told() -> None:
    target = replace(target_of("", ("web.yaml", 3)), flaw="This document is no YAML: a tab.")
    [finding] = looked_at(target)
    assert finding.params["statement"] == "This document is no YAML: a tab."
    assert finding.evidence["flaw"] == "This document is no YAML: a tab."
    [finding] = looked_at(target_of("", ("web.yaml", 3)))
    assert "flaw" not in finding.evidence


def test_a_text_that_no_edit_can_name_safely_is_left_to_the_reader() -> None:
    [finding] = looked_at(target_of("reg.example/a|App", ("web.yaml", 3)))
    assert not any(command.startswith("sed") for command in commands(finding))
    [finding] = looked_at(target_of("reg.example/App", ("-", 3)))
    assert not any(command.startswith("sed") for command in commands(finding))
