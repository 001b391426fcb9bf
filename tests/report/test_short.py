"""One paragraph for a chat: one line, bounded, and it calls nobody."""

from __future__ import annotations

import re

import pytest

from doctor.report.short import render
from tests.report.samples import NAMES, sample


@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_line_with_version_and_time(name: str) -> None:
    document = sample(name)
    told = render(document)
    assert told.count("\n") == 1
    when = document["started"].replace("T", " ").removesuffix(":07Z").removesuffix(":00Z")
    assert told.endswith(f"(registry-doctor 0.1.0, {when} UTC)\n")
    assert len(told) < 4000


@pytest.mark.parametrize("call", ["@channel", "@here", "@everyone", "@all", "<!channel>", "<@U1>"])
def test_it_calls_nobody(call: str) -> None:
    document = sample("tag")
    document["targets"][0]["summary"] = f"The registry says {call} come"
    told = render(document)
    assert call not in told
    assert "come" in told


def test_a_digest_stays_whole() -> None:
    document = sample("tag")
    document["targets"][0]["summary"] = "r.example/a@sha256:1 and alice@hereford.example"
    assert "r.example/a@sha256:1 and alice@hereford.example" in render(document)


def test_of_many_failing_targets_five_are_told_and_the_rest_counted() -> None:
    document = sample("tag")
    document["targets"] *= 12
    told = render(document)
    assert told.startswith("12 targets: 12 failing. ")
    assert "And 7 more." in told
    assert len(re.findall("cannot be pulled", told)) == 5
