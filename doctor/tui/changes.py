"""What is otherwise than it was? Two documents of one target -> what changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.report.terms import headline
from doctor.tui.stations import Station, of_document


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Of one target: the verdict first, then each station that is otherwise."""
    return list(_changes(before, after))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if before["verdict"] != after["verdict"]:
        yield f"{headline(before)} → {headline(after)}"
    was, now = _stations(before), _stations(after)
    for place, station in now.items():
        old = was.get(place)
        if old is None:
            yield f"{_name(station)}: new, {station.word}"
        elif old.state != station.state:
            yield f"{_name(station)}: {old.word} → {station.word}"
    for place, station in was.items():
        if place not in now:
            yield f"{_name(station)}: no longer on the path"


def _stations(entry: Mapping[str, Any]) -> dict[tuple[str, str], Station]:
    return {(s.hop, s.check): s for stretch in of_document(entry) for s in stretch.stations}


def _name(station: Station) -> str:
    return f"{station.check} at {station.hop}" if station.hop else station.check
