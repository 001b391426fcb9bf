"""What holds for every format: it is a function of the document alone, it renders each report of
the set, and no text of it comes alive."""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

import pytest

from doctor.command.output import render
from doctor.command.parsers import FORMATS
from tests.report.rendered import dead
from tests.report.samples import NAMES, sample

EVERY = [form for form in FORMATS if form != "json"]


def shown(document: dict[str, Any], form: str) -> str:
    return render(document, form, colour=False, verbose=True, width=80)


@pytest.mark.parametrize("form", FORMATS)
def test_the_document_is_left_as_it_is_and_says_all(form: str) -> None:
    for name in NAMES:
        document = sample(name)
        kept = copy.deepcopy(document)
        assert shown(document, form) == shown(json.loads(json.dumps(kept)), form)
        assert document == kept


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_alive(name: str, form: str) -> None:
    assert dead(shown(sample(name), form))


@pytest.mark.parametrize("form", EVERY)
def test_what_matters_is_told(form: str) -> None:
    """The code, the sentence's own words, the first remedy, and who looked."""
    told = shown(sample("certificate"), form)
    for words in ("tls.incomplete-chain", "Lab Issuing CA", "send its whole chain"):
        assert words in told
    if form != "text":
        assert "registry-doctor" in told
        assert "0.1.0" in told


@pytest.mark.parametrize("form", EVERY)
def test_what_was_left_out_is_told(form: str) -> None:
    told = shown(sample("left-out"), form)
    assert "blob, rate" in told


@pytest.mark.parametrize("form", EVERY)
def test_every_target_is_told(form: str) -> None:
    told = shown(sample("targets"), form)
    for code in ("registry.manifest-unknown", "dns.nxdomain", "registry.invalid-reference"):
        assert code in told


@pytest.mark.parametrize("form", [f for f in EVERY if f != "text"])
def test_every_pull_of_a_cluster_is_told(form: str) -> None:
    told = shown(sample("kubernetes"), form)
    for code in ("k8s.secret-missing", "registry.manifest-unknown", "k8s.never-pull"):
        assert code in told
    assert "15 of 312 pods" in told


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_without_any_target_is_rendered(form: str) -> None:
    document = sample("healthy") | {"targets": [], "verdict": "pass"}
    assert shown(document, form).endswith("\n")


@pytest.mark.parametrize("form", EVERY)
def test_deep_evidence_ends_nothing(form: str) -> None:
    """As deep as JSON's own reader goes in a saved report."""
    document = sample("certificate")
    deep: Any = "x"
    for _ in range(sys.getrecursionlimit() // 2):
        deep = [deep]
    document["targets"][0]["findings"][0]["evidence"]["deep"] = deep
    assert "tls.incomplete-chain" in shown(document, form)


@pytest.mark.parametrize("form", EVERY)
def test_words_of_a_later_version_end_nothing(form: str) -> None:
    """Later versions may add fields and, in a saved report, roles and levels."""
    document = sample("certificate")
    target = document["targets"][0]
    target["new"] = {"a": 1}
    target["hops"][0] |= {"role": "cache", "new": True}
    target["findings"].append(target["findings"][0] | {"severity": "hint", "root_cause": False})
    assert "tls.incomplete-chain" in shown(document, form)


@pytest.mark.parametrize("form", ["text", "short", "markdown", "html"])
def test_a_report_that_was_opened_says_where_it_is_from(form: str) -> None:
    told = shown(sample("opened"), form)
    assert "doctor-20261127T090000Z.tar.gz" in told
    assert "1 day ago" in told
    assert ("what changed:" in told) is (form != "short")
    assert "1 day ago" not in shown(sample("certificate"), form)


def test_a_remedy_that_is_called_as_another_says_whom_it_is_for() -> None:
    document = sample("kubernetes")
    for form in ("text", "markdown", "html", "junit", "sarif"):
        said = render(document, form, colour=False, verbose=True, width=80)
        assert said.count("List the tags (podman, cri-o)") >= 1, form
        assert "List the tags (kubelet" not in said
    assert "(podman, cri-o)" not in render(
        sample("tag"), "text", colour=False, verbose=True, width=80
    )
