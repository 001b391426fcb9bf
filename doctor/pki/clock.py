"""Is it the certificate's date that is wrong, or this machine's clock?

Other clocks are heard as this run met them: the Date header (RFC 9110 section 6.6.1, one second's
resolution) of whoever answered, and times before which no right clock can be. A header that came
through a cache (`Age`) is old by design and is not heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime

from doctor.facts.http import Answer
from doctor.facts.tls import TimeReading, TlsFact, Verdict
from doctor.model import Facts
from doctor.pki import errors
from doctor.registry.httpdate import moment
from doctor.stamp import stamp

TOLERANCE = 300
"""Seconds by which clocks may differ: no certificate, token or signed link minds less."""


def heard(facts: Facts, now: datetime) -> tuple[TimeReading, ...]:
    """What other clocks said in this run. `now`: the local clock at its start, for answers that say
    no more.
    """
    found: list[TimeReading] = []
    for _, fact in facts:
        if isinstance(fact, TlsFact):
            found += fact.clocks
        for answer in _answers(fact):
            found += _dated(answer, now)
    return tuple(dict.fromkeys(found))


def _answers(thing: object, depth: int = 0) -> Iterator[Answer]:
    if isinstance(thing, Answer):
        yield thing
    elif isinstance(thing, tuple) and depth < 4:
        for item in thing:
            yield from _answers(item, depth + 1)
    elif is_dataclass(thing) and depth < 4:
        for name in fields(thing):
            yield from _answers(getattr(thing, name.name), depth + 1)


def _dated(answer: Answer, now: datetime) -> Iterator[TimeReading]:
    there = moment(answer.header("date"))
    if there is None or answer.header("age"):
        return
    source = f"Date of {answer.hop.name}" if answer.hop else "Date header"
    yield TimeReading(
        source=source,
        there=stamp(there),
        here=stamp(now),
        seconds_ahead=round((there - now).total_seconds()),
    )


def wrong(readings: Iterable[TimeReading]) -> tuple[TimeReading, ...]:
    """The readings that contradict the local clock; none where as many agree with it as contradict
    it.
    """
    against, in_favour = [], []
    for reading in readings:
        if reading.bound:
            if reading.seconds_ahead > TOLERANCE:
                against.append(reading)
        elif abs(reading.seconds_ahead) > TOLERANCE:
            against.append(reading)
        else:
            in_favour.append(reading)
    bounds = [reading for reading in against if reading.bound]
    return tuple(against) if bounds or len(against) > len(in_favour) else ()


def right(readings: Iterable[TimeReading]) -> bool:
    """Does another clock confirm the local one?"""
    listed = tuple(readings)
    agree = any(not r.bound and abs(r.seconds_ahead) <= TOLERANCE for r in listed)
    return agree and not wrong(listed)


def explains(verdict: Verdict, reading: TimeReading) -> bool:
    """Is every certificate whose date is objected to valid by the other clock?"""
    for error in verdict.errors:
        if error.number not in errors.TIMES or error.depth >= len(verdict.path):
            continue
        cert = verdict.path[error.depth]
        if reading.bound and error.number == errors.EXPIRED:
            return False
        if reading.there < cert.not_before and not reading.bound:
            return False
        if reading.there > cert.not_after:
            return False
    return verdict.has(*errors.TIMES)
