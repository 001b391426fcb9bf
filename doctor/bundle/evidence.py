"""What of a diagnosis is kept so that it can be judged again, and how is it taken up?

The target, the facts, how each check went, what the user chose and the hosts in the order in which
the path met them: all that `doctor.verdict.diagnosis` is given. What a later or poorer installation
does not know (a kind of fact, a check of a plug-in) is named, and what rested on it counts as not
tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from doctor.bundle import kinds
from doctor.bundle.codec import MisfitError, Reader, Text, encode
from doctor.frozen import frozen
from doctor.model import Case, Check, Diagnosis, Fact, Facts, Finding, Hop, Target
from doctor.outcome import Choice, Outcome
from doctor.redact import plain
from doctor.verdict import Words, diagnosis, judge

SCHEMA = "doctor.facts/1"

Record = dict[str, Any]


@frozen(kw_only=True)
class NotJudged(Fact):
    """In the place of what a check saw, where this installation has no such check."""

    @property
    def ok(self) -> bool:
        return False

    @property
    def seen(self) -> str:
        return "not judged: this installation has no such check"


def record(found: Diagnosis, text: Text) -> tuple[Record, list[str]]:
    """The diagnosis as JSON has it, and what could not be put into it, a sentence each. Every
    string but the words of a closed vocabulary passes `text`."""
    rows: list[Record] = []
    left_out: list[str] = []
    places: dict[int, int] = {}
    stored = {id(fact) for _, fact in found.facts}
    own = [(o.hop, fact) for o in found.outcomes for fact in o.facts if id(fact) not in stored]
    for at, fact in (*found.facts, *own):
        if id(fact) in places:
            continue
        name = kinds.name_of(type(fact))
        try:
            value = encode(fact, type(fact), text)
        except MisfitError as error:
            left_out.append(f"a fact of the kind {name}: {error}")
            continue
        places[id(fact)] = len(rows)
        row = {"kind": name, "at": encode(at, Hop, text), "fact": value}
        rows.append(row if id(fact) in stored else {**row, "superseded": True})
    choice = found.choice or Choice()
    return {
        "schema": SCHEMA,
        "target": encode(found.target, Target, text),
        "choice": {
            "only": sorted(choice.only),
            "skip": sorted(choice.skip),
            "offline": choice.offline,
        },
        "hops": [encode(hop, Hop, text) for hop in found.hops],
        "outcomes": [_outcome(each, places, text) for each in found.outcomes],
        "facts": rows,
    }, left_out


def _outcome(outcome: Outcome, places: Mapping[int, int], text: Text) -> Record:
    probed = None if outcome.probed is None else places.get(id(outcome.probed))
    return {
        "check": outcome.check.id,
        "name": outcome.check.name,
        "part": outcome.check.part,
        "scope": outcome.check.scope,
        "hop": encode(outcome.hop, Hop, text),
        "facts": [places[id(fact)] for fact in outcome.facts if id(fact) in places],
        "probed": probed,
        "ok": outcome.ok,
        "blocked_by": outcome.blocked_by and text(outcome.blocked_by),
        "applies": outcome.applies,
        "trouble": encode(outcome.trouble, Finding, text),
        "started": outcome.started is not None,
        "ms": outcome.ms,
        "done": outcome.done,
    }


@frozen
class Restored:
    """What a record gave back. `notes`: what of it this installation does not know, a sentence
    each."""

    target: Target
    facts: Facts
    outcomes: tuple[Outcome, ...]
    choice: Choice
    hops: tuple[Hop, ...]
    notes: tuple[str, ...] = ()

    def judged(self, checks: Sequence[Check], words: Words) -> Diagnosis:
        """By these checks. One that is newer than the record has a say where it finds something in
        what was seen then."""
        there, sound = {outcome.check.id for outcome in self.outcomes}, self.facts.sound
        newer = [c for c in checks if c.id not in there and self.choice.wants(c)]
        told = [o for c in newer for o in self._unseen(c) if judge(o, self.target, sound, words)]
        return diagnosis(
            self.target,
            self.facts,
            (*self.outcomes, *told),
            checks,
            self.choice,
            words,
            self.hops,
        )

    def _unseen(self, check: Check) -> Iterator[Outcome]:
        for hop in self.hops if check.scope == "hop" else (None,):
            yield Outcome(check, hop, applies=False, done=True)


@frozen
class _Outcome:
    check: str
    name: str
    part: str
    scope: Any
    hop: Hop | None
    facts: tuple[int, ...]
    probed: int | None
    ok: bool
    blocked_by: str | None
    applies: bool
    trouble: Finding | None
    started: bool
    ms: float
    done: bool


@frozen
class _Row:
    kind: str
    at: Hop | None
    fact: Any
    superseded: bool = False


@frozen
class _Choice:
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    offline: bool = False


@frozen
class _Record:
    schema: str
    target: Target
    hops: tuple[Hop, ...]
    outcomes: tuple[_Outcome, ...]
    facts: tuple[_Row, ...]
    choice: _Choice = field(default_factory=_Choice)


def restore(data: Any, checks: Sequence[Check]) -> Restored:
    """What the record holds, for these checks. Raises MisfitError for what is none, and for one of
    a schema that this version does not know."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        said = plain(str(schema), 60)
        raise MisfitError(f"facts of the schema {said}; this version reads {SCHEMA}")
    reader, notes = Reader(), []
    raw = reader.decode(data, _Record)
    facts: list[Fact | None] = []
    store = Facts()
    for row in raw.facts:
        fact, why = _fact(reader, row)
        facts.append(fact)
        if fact is None:
            notes.append(f"A fact of the kind {plain(row.kind, 80)} was left aside: {why}.")
        elif not row.superseded:
            store.add(fact, row.at)
    by_id = {check.id: check for check in checks}
    outcomes = tuple(_restored(each, by_id, facts) for each in raw.outcomes)
    for name in dict.fromkeys(each.check for each in raw.outcomes if each.check not in by_id):
        notes.append(
            f"The check {plain(name, 40)} is not installed here, so what it saw is not judged."
        )
    notes += reader.notes
    chosen = raw.choice
    choice = Choice(frozenset(chosen.only), frozenset(chosen.skip), chosen.offline)
    return Restored(raw.target, store, outcomes, choice, raw.hops, tuple(notes))


def _fact(reader: Reader, row: _Row) -> tuple[Fact | None, str]:
    kind = kinds.known().get(row.kind)
    if kind is None:
        return None, "this installation does not know it"
    try:
        fact: Fact = reader.decode(row.fact, kind, row.kind)
    except MisfitError as error:
        return None, plain(str(error), 200)
    return fact, ""


def _restored(raw: _Outcome, checks: Mapping[str, Check], facts: Sequence[Fact | None]) -> Outcome:
    if any(
        not 0 <= n < len(facts) for n in (*raw.facts, *([] if raw.probed is None else [raw.probed]))
    ):
        raise MisfitError("an outcome names a fact that is not there")
    if raw.scope not in ("hop", "target"):
        raise MisfitError("a check is asked of a hop or of a target")
    check = checks.get(raw.check)
    mine = [facts[n] for n in raw.facts]
    if check is None:
        check = Check(raw.name, raw.scope, judge=_nothing, part=raw.part)
        mine = [NotJudged()]
    there = [fact for fact in mine if fact is not None]
    return Outcome(
        check,
        raw.hop,
        facts=there,
        probed=None if raw.probed is None else facts[raw.probed],
        ok=raw.ok and len(there) == len(mine) and check.id in checks,
        blocked_by=raw.blocked_by,
        applies=raw.applies,
        trouble=raw.trouble,
        started=0.0 if raw.started else None,
        ms=raw.ms,
        done=raw.done,
    )


def _nothing(case: Case) -> tuple[Finding, ...]:
    return ()
