"""What is named several times is looked at once, and every place that names it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from doctor.command.intake import given
from doctor.command.options import read
from doctor.command.parsers import check
from doctor.model import Target
from doctor.report import github, html, junit, markdown, sarif, text
from tests.command import doctor
from tests.report.samples import sample
from tests.report.test_sarif import SCHEMA
from tests.report.test_schema import VALIDATOR

ONE_IMAGE = """\
nginx
nginx:latest
docker.io/library/nginx:latest
index.docker.io/library/nginx
docker.io/nginx
"""


def targets(folder: Path, lines: str, *words: str) -> list[Target]:
    file = folder / "images.txt"
    file.write_text(lines)
    args = check().parse_args(["-f", str(file), *words])
    return given(read(args, lambda: ()))[0]


def lines_of(target: Target) -> list[int]:
    places = [*([target.source] if target.source else []), *target.also_named]
    return [line for _, line in places]


@pytest.mark.parametrize("client", ["shell", "docker", "containerd", "crane"])
def test_one_image_in_several_spellings_is_one_target(client: str, tmp_path: Path) -> None:
    (found,) = targets(tmp_path, ONE_IMAGE, "--as", client)
    assert found.text == "nginx"
    assert lines_of(found) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("client", ["podman", "cri-o", "all"])
def test_where_short_names_are_searched_for_they_are_another(client: str, tmp_path: Path) -> None:
    found = targets(tmp_path, ONE_IMAGE, "--as", client)
    assert [lines_of(each) for each in found] == [[1, 2], [3, 4, 5]]


def test_what_is_not_the_same_stays_apart(tmp_path: Path) -> None:
    digest = f"nginx@sha256:{'a' * 64}"
    lines = ["nginx", "nginx:1", digest, f"{digest.replace('@', ':1@')}", "quay.io/library/nginx"]
    lines += ["library/nginx:latest", "nginx/nginx", "nginx:Latest", "reg.example:5000/a:b:c"]
    found = targets(tmp_path, "\n".join(lines))
    assert [lines_of(each) for each in found] == [[1, 6], [2], [3], [4], [5], [7], [8], [9]]


def test_a_word_of_the_command_line_has_the_lines_that_name_it_too(tmp_path: Path) -> None:
    found = targets(tmp_path, "redis\nnginx:latest\n", "nginx", "nginx")
    assert [(each.text, lines_of(each)) for each in found] == [("nginx", [2]), ("redis", [1])]


def test_lines_that_cannot_be_read_are_each_their_own(tmp_path: Path) -> None:
    found = targets(tmp_path, "FROM\nUPPER/x\nUPPER/x\n")
    assert [lines_of(each) for each in found][-1] == [2, 3]


def test_every_place_stands_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ONE_IMAGE)
    ended = doctor("check", "--offline", "--json", "-f", f"{tmp_path}/a.txt", home=tmp_path)
    (found,) = json.loads(ended.text)["targets"]
    assert found["source"]["line"] == 1
    assert [each["line"] for each in found["also_named"]] == [2, 3, 4, 5]


@pytest.fixture
def document() -> dict[str, Any]:
    made = sample("targets")
    also = [{"file": f"deploy/{n}.yaml", "line": n} for n in range(1, 9)]
    made["targets"][1]["also_named"] = also
    VALIDATOR.validate(made)
    return made


def test_every_format_says_where_else_it_is_named(document: dict[str, Any]) -> None:
    said = text.render(document, text.Style())
    assert "Named too in deploy/1.yaml:1, " in said
    assert "3 more places" in said
    assert "`deploy/1.yaml:1`" in markdown.render(document)
    assert "deploy/1.yaml:1" in html.render(document)
    assert '<property name="also named" value="deploy/8.yaml:8"/>' in junit.render(document)
    assert "::error file=deploy/8.yaml,line=8" in github.render(document)
    log = json.loads(sarif.render(document))
    Draft4Validator(SCHEMA).validate(log)
    (related, *_) = (r for r in log["runs"][0]["results"] if "relatedLocations" in r)
    assert len(related["relatedLocations"]) == 8


def test_an_image_that_is_named_once_says_nothing_of_other_places() -> None:
    made = sample("targets")
    assert "Named too" not in text.render(made, text.Style())
    assert "relatedLocations" not in sarif.render(made)


def test_the_platform_of_the_file_counts_and_tells_targets_apart(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    service = "{image: x.example/app, platform: %s}"
    lines = [f"  s{n}: {service % p}" for n, p in enumerate(("linux/386", "linux/386", "odd"))]
    file.write_text("\n".join(["services:", *lines, "  last: {image: x.example/app}\n"]))
    args = check().parse_args(["-f", str(file), "--platform", "linux/s390x"])
    found = given(read(args, lambda: ()))[0]
    assert [(t.platform, lines_of(t)) for t in found] == [
        ("linux/386", [2, 3]),
        ("linux/s390x", [4, 5]),
    ]


def test_an_image_that_the_file_builds_too_is_told_so(tmp_path: Path) -> None:
    """Compose pulls it first where it may, and goes on where that fails."""
    file = tmp_path / "compose.yaml"
    services = (
        "image: own:1, build: .",
        "image: redis:7",
        "image: x:1, build: ., pull_policy: build",
    )
    file.write_text("services:\n" + "".join(f"  s{n}: {{{s}}}\n" for n, s in enumerate(services)))
    args = check().parse_args(["-f", str(file)])
    told = {t.text: t.assumed for t in given(read(args, lambda: ()))[0]}
    assert set(told) == {"own:1", "redis:7"}
    assert any("pull_policy: build" in each for each in told["own:1"])
    assert not any("pull_policy" in each for each in told["redis:7"])
