"""What is known once only some of several targets were looked at again? The newer of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.command.options import Options
from doctor.model import Diagnosis, Report
from doctor.run import counts, gravest, row


def joined(before: Report, now: Report, places: Sequence[int], options: Options) -> Report:
    """`now` is of the targets in these places. Where clients were compared, a target has a
    diagnosis for each of them."""
    if before.clients is None:
        new = dict(zip(places, now.diagnoses, strict=False))
        found = [new.get(place, each) for place, each in enumerate(before.diagnoses)]
    else:
        found = _by_target(before, now)
    return replace(
        now,
        diagnoses=tuple(found),
        verdict=gravest([d.verdict for d in found if counts(d, options)]),
        clients=None if before.clients is None else tuple(map(row, found)),
    )


def _by_target(before: Report, now: Report) -> list[Diagnosis]:
    newer = {each.target.text for each in now.diagnoses}
    order = list(dict.fromkeys(each.target.text for each in before.diagnoses))
    found = [d for d in before.diagnoses if d.target.text not in newer]
    return sorted((*found, *now.diagnoses), key=lambda d: order.index(d.target.text))
