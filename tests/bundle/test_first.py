"""The bundle that the first release made of three pulls through every client's eyes. It opens for
ever: what fails here would lose somebody's evidence.

It is never made anew. Where a judge has learned something, the expectation changes, and so does
what `origin.changes` says; what was recorded does not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doctor.bundle.opened import read
from doctor.command.opinion import opinion

FIRST = Path(__file__).parent / "first.tar.gz"
CHAIN = ["tls.unknown-ca", "tls.incomplete-chain"]
CLIENTS = ("shell", "docker", "podman")


def targets(told: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(t["client"], t["verdict"], t["root_causes"]) for t in told["targets"]]


@pytest.mark.parametrize("as_recorded", [True, False])
def test_it_opens_and_says_why_the_pulls_fail(as_recorded: bool) -> None:
    told = opinion(read(str(FIRST)), as_recorded=as_recorded)
    assert told["verdict"] == "fail"
    found = targets(told)
    assert [client for client, _, _ in found] == [*CLIENTS] * 3
    assert {verdict for _, verdict, _ in found} == {"fail"}
    assert [sorted(causes) for _, _, causes in found[:3]] == [sorted(CHAIN)] * 3
    assert [causes for _, _, causes in found[3:6]] == [["tcp.refused"]] * 3
    assert [causes for _, _, causes in found[6:]] == [["registry.invalid-reference"]] * 3
    assert [row["client"] for row in told["clients"]] == [*CLIENTS] * 3


def test_nothing_of_it_is_passed_over() -> None:
    """A kind of fact, a field or a check that was given up since would be named here."""
    origin = opinion(read(str(FIRST)))["origin"]
    assert origin["notes"] == []
    assert origin["judged_again"] is True


def test_as_recorded_it_is_what_was_written_then() -> None:
    found = read(str(FIRST))
    told = opinion(found, as_recorded=True)
    assert told.pop("origin")["tool_version"] == found.version
    assert json.dumps(told) == json.dumps(found.report)
