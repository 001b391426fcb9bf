"""Annotations: one a line, by the runner's own escaping, at the line that named the image, and none
that a registry could write itself."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from doctor.report.github import render
from tests.report.samples import NAMES, sample

COMMAND = re.compile(r"::(?P<kind>[a-z]+)(?: (?P<properties>[^:]*))?::(?P<message>.*)")


def commands(name: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads them (src/Runner.Common/ActionCommand.cs)."""
    found = []
    for line in render(sample(name)).splitlines():
        if match := COMMAND.match(line):
            pairs = (each.partition("=") for each in (match["properties"] or "").split(","))
            properties = {key: unquote(value) for key, _, value in pairs if key}
            found.append((match["kind"], properties, unquote(match["message"])))
    return found


def test_each_finding_is_at_the_line_that_named_the_image() -> None:
    errors = [(p["file"], p["line"], p["title"]) for k, p, _ in commands("targets") if k == "error"]
    assert [(file, line) for file, line, _ in errors] == [
        ("deploy/shop.yaml", "14"),
        ("deploy/shop.yaml", "18"),
        ("deploy/shop.yaml", "20"),
    ]
    assert errors[2][2].startswith("registry.invalid-reference: Not an image reference, or not")


def test_causes_come_first_and_say_what_to_do() -> None:
    kinds = [kind for kind, _, _ in commands("targets")]
    assert kinds == sorted(kinds, key=["error", "warning", "notice"].index)
    _, _, message = commands("certificate")[0]
    assert "\nWhat to do: Have registry.cleanstart.com send its whole chain\n" in message
    assert "    openssl s_client -connect registry.cleanstart.com:443" in message


def test_a_consequence_fails_nothing_by_itself() -> None:
    kinds = {p["title"].partition(":")[0]: kind for kind, p, _ in commands("layer")}
    assert kinds["registry.blob-unreachable"] == "error"
    assert kinds["tcp.timeout"] == "warning"


@pytest.mark.parametrize("name", NAMES)
def test_only_annotations_are_written(name: str) -> None:
    """A command starts at the beginning of a line, or anywhere with ##[ (the runner's older kind).
    The last line is for the log."""
    *lines, last = render(sample(name)).splitlines()
    assert {line[:3] for line in lines} <= {"::e", "::w", "::n"}
    assert {kind for kind, _, _ in commands(name)} <= {"error", "warning", "notice"}
    assert last.startswith("registry-doctor 0.1.0")
    assert "##[" not in render(sample(name))


def test_the_older_kind_of_command_is_broken_up() -> None:
    document = sample("tag")
    document["targets"][0]["findings"][0]["detail"] = "##[set-env name=PATH]evil"
    assert "##[" not in render(document)
    assert "evil" in render(document)


def test_a_healthy_image_is_a_notice_and_an_unfinished_one_a_warning() -> None:
    assert ("notice", "All is well") in [(k, p["title"]) for k, p, _ in commands("healthy")]
    assert ("warning", "Incomplete") in [(k, p["title"]) for k, p, _ in commands("incomplete")]


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("./k8s/web.yaml", "k8s/web.yaml"),
        ("k8s/../web.yaml", "web.yaml"),
        ("k8s/web.yaml", "k8s/web.yaml"),
        ("/srv/web.yaml", "/srv/web.yaml"),
    ],
)
def test_a_file_is_called_as_the_repository_does(file: str, shown: str) -> None:
    """GitHub shows no annotation at the line of `./web.yaml`."""
    document = sample("targets")
    for target in document["targets"]:
        target["source"]["file"] = file
    told = re.findall(r"file=([^,:]*)", render(document))
    assert told
    assert set(told) == {shown}


def test_standard_input_is_no_file() -> None:
    document = sample("targets")
    for target in document["targets"]:
        target["source"]["file"] = "-"
    assert "file=" not in render(document)
