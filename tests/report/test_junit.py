"""Test reports: the published schema, a test for each check, and green only where the target is."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from doctor.report.junit import render
from tests.lab.programs import need, program
from tests.report.samples import NAMES, sample

SCHEMA = Path(__file__).parent / "schemas/junit-10.xsd"


def suites(name: str) -> list[ET.Element]:
    return list(ET.fromstring(render(sample(name)).encode()))


def valid(text: str, folder: Path) -> bool:
    file = folder / "junit.xml"
    file.write_text(text, encoding="utf-8")
    command = [program("xmllint"), "--noout", "--nonet", "--schema", str(SCHEMA), str(file)]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.lab
def test_it_fits_the_published_schema(tmp_path: Path) -> None:
    need("xmllint")
    for name in NAMES:
        assert valid(render(sample(name)), tmp_path), name
    assert not valid(render(sample("tag")).replace(" tests=", " number="), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_what_ant_and_others_take_too(name: str) -> None:
    """Ant's schema (windyroad's JUnit.xsd) asks for more: these attributes, this order, one result
    a case."""
    for number, suite in enumerate(suites(name)):
        assert [child.tag for child in suite] == [
            "properties",
            *["testcase"] * (len(suite) - 3),
            *("system-out", "system-err"),
        ]
        assert suite.attrib["id"] == str(number)
        assert len(suite.attrib["timestamp"]) == len("2026-11-28T20:21:07")
        assert {"name", "package", "hostname", "tests", "failures", "errors", "time"} <= set(
            suite.attrib
        )
        for case in suite.iter("testcase"):
            assert set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            assert all("type" in r.attrib for r in case if r.tag != "skipped")


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_right(name: str) -> None:
    for suite in suites(name):
        for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[counted]) == len(list(suite.iter(tag)))
        assert int(suite.attrib["tests"]) == len(list(suite.iter("testcase"))) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_is_red_exactly_where_its_subject_is(name: str) -> None:
    for suite in suites(name):
        (verdict,) = (
            p.attrib["value"] for p in suite.iter("property") if p.get("name") == "verdict"
        )
        red = bool(list(suite.iter("failure")) or list(suite.iter("error")))
        assert red == (verdict in ("fail", "incomplete"))


def test_a_failure_holds_cause_remedy_and_proof() -> None:
    (suite,) = suites("certificate")
    (failure,) = suite.iter("failure")
    assert failure.attrib["type"] == "tls.incomplete-chain"
    for words in ("Issuing CA is missing", "openssl s_client", "chain 1.sha256: "):
        assert words in (failure.text or "")


def test_a_cause_whose_check_did_not_run_is_a_failure_all_the_same() -> None:
    document = sample("tag")
    target = document["targets"][0]
    target["checks"] = [c for c in target["checks"] if c["name"] != "image"]
    (suite,) = ET.fromstring(render(document).encode())
    assert [f.attrib["type"] for f in suite.iter("failure")] == ["registry.manifest-unknown"]


def test_a_warning_is_told_and_fails_nothing() -> None:
    (suite,) = suites("warning")
    assert suite.attrib["failures"] == "0"
    assert "warning: tls.expires-soon" in (suite.findtext("system-out") or "")


def test_file_and_line_are_told() -> None:
    sources = [
        p.attrib["value"]
        for suite in suites("targets")
        for p in suite.iter("property")
        if p.get("name") == "source"
    ]
    assert sources == [f"deploy/shop.yaml:{line}" for line in (11, 14, 18, 20)]
