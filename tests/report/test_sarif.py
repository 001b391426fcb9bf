"""Code scanning: the published schema, codes as rules with help, results at file and line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from doctor.report.sarif import render
from tests.report.samples import NAMES, sample

SCHEMA = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0-rtm.5.json").read_text())
VALIDATOR = Draft4Validator(SCHEMA)


def run(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(document))["runs"][0]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_the_published_schema(name: str) -> None:
    VALIDATOR.validate(json.loads(render(sample(name))))


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = json.loads(render(sample("certificate")))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not VALIDATOR.is_valid(log)


@pytest.mark.parametrize("name", NAMES)
def test_every_result_has_a_rule_with_help(name: str) -> None:
    found = run(sample(name))
    rules = found["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in found["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]


def test_a_result_is_at_the_line_that_named_the_image() -> None:
    errors = [r for r in run(sample("targets"))["results"] if r["level"] == "error"]
    places = [r["locations"][0]["physicalLocation"] for r in errors]
    assert [(p["artifactLocation"]["uri"], p["region"]["startLine"]) for p in places] == [
        ("deploy/shop.yaml", 14),
        ("deploy/shop.yaml", 18),
        ("deploy/shop.yaml", 20),
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./k8s/web.yaml", "k8s/web.yaml"),
        ("./k8s/../web.yaml", "web.yaml"),
        ("/srv/a b.yaml", "file:///srv/a%20b.yaml"),
        ("a:b%.yaml", "a%3Ab%25.yaml"),
        ("Dockerfile", "Dockerfile"),
    ],
)
def test_a_path_is_a_uri(file: str, uri: str) -> None:
    document = sample("targets")
    document["targets"][1]["source"]["file"] = file
    (error, *_) = (r for r in run(document)["results"] if r["level"] == "error")
    assert error["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_standard_input_is_no_file() -> None:
    document = sample("targets")
    document["targets"][1]["source"]["file"] = "-"
    (error, *_) = (r for r in run(document)["results"] if r["level"] == "error")
    place = error["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("lab/app%3A1.2")
    assert "no file" in place["artifactLocation"]["description"]["text"]
    assert "region" not in place
    assert error["locations"][0]["logicalLocations"][0]["name"].endswith("lab/app:1.2")


@pytest.mark.parametrize("name", NAMES)
def test_every_result_has_a_place_that_code_scanning_takes(name: str) -> None:
    for result in run(sample(name))["results"]:
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(file:///)?[^:]+", uri)
        assert not uri.startswith("../")


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("registry.corp:5000/lab/app:1", "registry.corp%3A5000/lab/app%3A1"),
        ("../../etc/passwd", "etc/passwd"),
        ("//x y\udcff", "x%20y%ED%B3%BF"),
        ("..", "unnamed"),
    ],
)
def test_what_no_file_names_is_called_by_its_own_name(target: str, uri: str) -> None:
    document = sample("certificate")
    document["targets"][0] |= {"target": target, "source": None}
    place = run(document)["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    VALIDATOR.validate(json.loads(render(document)))


def test_a_finding_keeps_its_fingerprint_and_no_two_share_one() -> None:
    def fingerprints(document: dict[str, Any]) -> list[str]:
        results = run(document)["results"]
        return [r["partialFingerprints"]["registryDoctor/v1"] for r in results]

    document = sample("targets")
    before = fingerprints(document)
    assert len(set(before)) == len(before)
    for target in document["targets"]:
        target["source"]["line"] += 7
    document["started"] = "2027-01-01T00:00:00Z"
    assert fingerprints(document) == before


def test_what_could_not_be_tried_is_told_of_the_run() -> None:
    (invocation,) = run(sample("incomplete"))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "not everything could be tried" in str(invocation["toolExecutionNotifications"])
    assert run(sample("certificate"))["invocations"][0]["executionSuccessful"] is True


def test_a_consequence_is_no_error() -> None:
    levels = {r["ruleId"]: r["level"] for r in run(sample("layer"))["results"]}
    assert levels["registry.blob-unreachable"] == "error"
    assert levels["tcp.timeout"] == "note"
