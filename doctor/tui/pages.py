"""What stands on each page of a diagnosis? From the sitting and its document, lines of a given
width."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from doctor.tui import answer, layers
from doctor.tui import evidence as proofs
from doctor.tui import timing as times
from doctor.tui.ink import DIM, ink, line, wrapped
from doctor.tui.origin import told
from doctor.tui.sitting import Sitting
from doctor.tui.stations import Station

_LATER = "Once the run has ended."
Entry = Mapping[str, Any]


def under_way(sitting: Sitting, place: int, width: int) -> list[Content]:
    """The answer's place while there is none."""
    if not sitting.progress:
        return [ink("Nothing was looked at yet.", DIM)]
    found = list(sitting.progress[place].stations())
    done = sum(s.state not in ("waiting", "running") for s in found)
    now = [s.check for s in found if s.state == "running"]
    return answer.looking(done, len(found), list(dict.fromkeys(now)), width)


def around(
    lines: Sequence[Content], sitting: Sitting, changed: Sequence[str], width: int
) -> list[Content]:
    """The answer, with what changed before it, and what it is of behind it."""
    found: list[Content] = []
    for each in changed:
        found += wrapped(each, width, line(("Changed  ", "bold $accent")))
    found += lines
    origin = (sitting.document or {}).get("origin")
    for each in (*(told(origin) if origin else ()), *([sitting.note] if sitting.note else ())):
        found += wrapped(each, width, "", DIM, hang=2)
    return found


def evidence(
    sitting: Sitting, entry: Entry | None, station: Station | None, width: int
) -> list[Content]:
    """The chosen station's."""
    if station is None:
        return [ink("There is no station.", DIM)]
    if entry is None:
        return proofs.evidence({"hops": [], "findings": []}, station, width)
    seen = sitting.seen(entry, station.check, station.hop)
    return proofs.evidence(entry, station, width, seen)


def timing(entry: Entry | None, width: int) -> list[Content]:
    """The waterfall."""
    return times.timing(entry, width) if entry else [ink(_LATER, DIM)]


def clients(sitting: Sitting, entry: Entry | None, known: int, width: int) -> list[Content]:
    """Clients and layers; `known`: how many clients there are here."""
    if entry is None or sitting.document is None:
        return [ink(_LATER, DIM)]
    return layers.layers(sitting.document, entry, known, width)


def facts(entry: Entry | None) -> list[Content]:
    """The document's entry as it is."""
    if entry is None:
        return [ink(_LATER, DIM)]
    return [ink(each) for each in json.dumps(entry, indent=1, ensure_ascii=False).split("\n")]
