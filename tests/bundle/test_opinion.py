"""Facts of a stranger that are of the right types, and otherwise anything: they are judged, or else
shown as they were recorded; they end nothing."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.bundle.codec import encode
from doctor.bundle.opened import Opened, read
from doctor.command.opinion import opinion
from doctor.redact import plain
from doctor.report import text
from doctor.report.conformity import faults
from tests.bundle.test_codec import BUILT_IN, values

FIRST = Path(__file__).parent / "first.tar.gz"
KINDS = sorted(BUILT_IN)


@cache
def first() -> Opened:
    return read(str(FIRST))


def changed(record: Any, number: int = 0) -> Opened:
    """The first bundle with another record of one target."""
    whole = first()
    records = [*whole.records]
    records[number] = record
    fields = {name: getattr(whole, name) for name in ("report", "is_bundle", "version")}
    return Opened(**fields, records=tuple(records))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
@given(data=st.data())
def test_any_facts_are_judged_or_shown_as_recorded(data: st.DataObject) -> None:
    record = copy.deepcopy(first().records[0])
    name = data.draw(st.sampled_from(KINDS))
    rows = [row for row in record["facts"] if row["kind"] == name] or record["facts"][:1]
    for row in rows:
        row["kind"] = name
        row["fact"] = encode(data.draw(values(BUILT_IN[name])), BUILT_IN[name], lambda said: said)
    told = opinion(changed(record))
    assert len(told["targets"]) == 9
    assert faults({**told, "targets": told["targets"][1:]}) == []
    shown = text.render(told, text.Style(verbose=True))
    assert all(plain(line, 100_000) == line for line in shown.split("\n"))


AS_RECORDED = "is shown as it was recorded: "


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema": "doctor.facts/9"}, "facts of the schema doctor.facts/9"),
        ({"target": None}, ".target: NoneType, not Target"),
        ({"facts": {}}, ".facts: dict, not tuple"),
    ],
)
def test_what_cannot_be_judged_is_shown_as_recorded_and_named(
    change: dict[str, Any], why: str
) -> None:
    told = opinion(changed({**first().records[0], **change}))
    assert AS_RECORDED + why in told["origin"]["notes"][0]
    recorded = first().report["targets"]
    assert told["targets"][0] == recorded[0]
    for new, old in zip(told["targets"], recorded, strict=True):
        assert {**new, **old} == new, "a later version adds, and changes nothing"


def test_a_bundle_without_its_facts_is_shown_as_recorded() -> None:
    whole = first()
    told = opinion(Opened(whole.report, is_bundle=True, version="0.1.0", left_out=("facts: big",)))
    assert told["targets"] == whole.report["targets"]
    assert told["origin"]["notes"] == [
        "Not in the bundle: facts: big.",
        "It holds the facts of 0 of 9 targets, so all is shown as it was recorded.",
    ]


def test_a_secret_that_somebody_left_in_a_report_is_not_shown() -> None:
    """It was made without us, perhaps."""
    report = json.loads(json.dumps(first().report))
    report["targets"][0]["summary"] = "token ghp_0123456789abcdefghijABCDEFGHIJ012345"
    told = opinion(Opened(report))
    assert told["targets"][0]["summary"] == "token [hidden]"
