"""What was judged once is judged again from the record alone: the same by the same checks, and by
others as far as they know what was seen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from doctor.bundle import evidence
from doctor.bundle.codec import MisfitError
from doctor.codes import load
from doctor.engine import Engine
from doctor.facts.registry import ApiFact
from doctor.facts.tcp import Attempt, TcpFact
from doctor.frozen import frozen
from doctor.model import Case, Check, Client, Diagnosis, Fact, Finding, Hop, Target
from doctor.net import Net
from doctor.outcome import Choice
from doctor.reference import parse

HOP = Hop("registry", "registry.example", 443)
BOOK = load()


def nothing(case: Case) -> Iterable[Finding]:
    return ()


def refused(case: Case) -> Iterator[Finding]:
    fact = case.here(TcpFact)
    if fact is not None and not fact.ok:
        yield Finding("tcp.refused", hop=case.at, evidence={"attempts": len(fact.attempts)})


def probe(fact: Fact | BaseException) -> Any:
    async def look(case: Case, net: Net) -> Fact:
        if isinstance(fact, BaseException):
            raise fact
        return fact

    return look


@frozen(kw_only=True)
class HealthFact(Fact):
    """A plug-in's."""

    parts: tuple[tuple[str, str], ...] = ()


def ill(case: Case) -> Iterator[Finding]:
    fact = case.facts.get(HealthFact)
    if fact and any(state != "healthy" for _, state in fact.parts):
        yield Finding("registry.server-error", hop=case.at, subject="health")


GOOD = TcpFact(port=443, attempts=(Attempt(address="192.0.2.1"),))
BAD = TcpFact(port=443, attempts=(Attempt(address="192.0.2.1", outcome="refused", errno=111),))


def tcp(fact: Fact | BaseException = BAD) -> Check:
    return Check("tcp", "hop", refused, probe=probe(fact))


API = Check("api", "target", nothing, probe=probe(ApiFact()), needs=("tcp",))
HEALTH = Check("health", "target", ill, probe=probe(HealthFact(parts=(("db", "down"),))))


def diagnosed(*checks: Check, choice: Choice = Choice(), **target: Any) -> Diagnosis:  # noqa: B008
    reference = parse("registry.example/app:1")
    where = Target("registry.example/app:1", cast("Any", reference), HOP, **target)

    async def go() -> Diagnosis:
        net = Net(environ={}, deadline=time.monotonic() + 20)
        return await Engine(checks, BOOK, choice=choice).diagnose(where, cast("Client", None), net)

    return asyncio.run(go())


def recorded(found: Diagnosis) -> dict[str, Any]:
    record, left_out = evidence.record(found, lambda text: text)
    assert not left_out
    read: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
    return read


def said(found: Diagnosis) -> Any:
    return (
        found.verdict,
        found.root_causes,
        found.findings,
        found.checks,
        found.not_tried,
        found.target,
        list(found.facts),
    )


PAIR = (tcp(), API)
WITH_PLUG_IN = (tcp(), HEALTH)


@pytest.mark.parametrize(
    ("checks", "how"),
    [
        (PAIR, {}),
        ((tcp(GOOD), API), {}),
        (PAIR, {"choice": Choice(only=frozenset({"tcp"}))}),
        (PAIR, {"choice": Choice(offline=True)}),
        ((tcp(ValueError("a bug")), API), {}),
        (WITH_PLUG_IN, {"source": ("pods.yaml", 12), "assumed": ("a tag",), "client": "docker"}),
    ],
    ids=["fails", "passes", "only", "offline", "crashed", "plug-in"],
)
def test_the_same_checks_say_the_same(checks: tuple[Check, ...], how: dict[str, Any]) -> None:
    found = diagnosed(*checks, **how)
    restored = evidence.restore(recorded(found), checks)
    assert not restored.notes
    assert said(restored.judged(checks, BOOK)) == said(found)


def test_a_newer_check_has_a_say_in_what_was_seen_then() -> None:
    """It stands in the report only where it finds something, and then it counts."""
    old = diagnosed(Check("tcp", "hop", nothing, probe=probe(BAD)))
    assert not old.findings
    newer = replace(tcp(), name="other", probe=None)
    now = evidence.restore(recorded(old), (newer,)).judged((newer,), BOOK)
    assert now.root_causes == ("tcp.refused",)
    silent = replace(newer, judge=nothing)
    same = evidence.restore(recorded(old), (silent,)).judged((silent,), BOOK)
    assert [c.name for c in same.checks] == ["tcp"]


def test_what_the_user_left_out_then_stays_left_out() -> None:
    old = diagnosed(tcp(GOOD), choice=Choice(only=frozenset({"tcp"})))
    newer = Check("other", "target", lambda case: [Finding("registry.server-error")])
    assert (
        not evidence.restore(recorded(old), (tcp(GOOD), newer))
        .judged((tcp(), newer), BOOK)
        .findings
    )


def test_a_check_that_is_not_installed_is_named_and_makes_it_incomplete() -> None:
    """The near miss is the plug-in above, which is."""
    found = diagnosed(tcp(GOOD), HEALTH)
    assert found.verdict == "fail"
    restored = evidence.restore(recorded(found), (tcp(GOOD),))
    assert "The check health is not installed here" in restored.notes[-1]
    now = restored.judged((tcp(GOOD),), BOOK)
    assert now.verdict == "incomplete"
    (health,) = (c for c in now.checks if c.name == "health")
    assert (health.status, health.summary) == (
        "skip",
        "not judged: this installation has no such check",
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"kind": "LaterFact"},
            "kind LaterFact was left aside: this installation does not know it",
        ),
        (
            {"fact": {"attempts": [{"address": "x", "outcome": "eaten"}]}},
            "attempts[0].outcome: str",
        ),
        ({"fact": []}, "TcpFact: list, not TcpFact"),
    ],
)
def test_a_fact_that_is_not_known_is_named_and_makes_it_incomplete(
    changed: dict[str, Any], why: str
) -> None:
    record = recorded(diagnosed(tcp(GOOD)))
    record["facts"][0] |= changed
    restored = evidence.restore(record, (tcp(GOOD),))
    assert why in restored.notes[0]
    assert restored.judged((tcp(GOOD),), BOOK).verdict == "incomplete"


def test_fields_of_later_versions_are_passed_over_by_name() -> None:
    record = recorded(diagnosed(tcp(GOOD)))
    record["facts"][0]["fact"]["colour"] = "red"
    record["later"] = 1
    restored = evidence.restore(record, (tcp(GOOD),))
    assert restored.notes == (
        "Fields that this version does not know were passed over: TcpFact.colour, _Record.later.",
    )
    assert restored.judged((tcp(GOOD),), BOOK).verdict == "pass"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"schema": "doctor.facts/2"}, "schema doctor.facts/2; this version reads doctor.facts/1"),
        ({"schema": None}, "schema None"),
        ({"outcomes": [{}]}, "lacks a value for"),
        ({"target": {}}, "lacks a value for"),
        ({"target": None}, "target: NoneType, not Target"),
        ({"facts": []}, "names a fact that is not there"),
        ({"hops": {"a": 1}}, "hops: dict"),
    ],
)
def test_what_is_no_record_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(MisfitError, match=why.replace("[", r"\[")):
        evidence.restore({**recorded(diagnosed(tcp())), **changed}, (tcp(),))
    with pytest.raises(MisfitError):
        evidence.restore([], (tcp(),))


@frozen(kw_only=True)
class Unwritable(Fact):
    thing: object = None


def test_a_fact_that_cannot_be_written_is_left_out_and_named() -> None:
    found = diagnosed(Check("tcp", "hop", nothing, probe=probe(Unwritable(thing=object()))))
    record, left_out = evidence.record(found, lambda text: text)
    assert record["facts"] == []
    assert "Unwritable" in left_out[0]
