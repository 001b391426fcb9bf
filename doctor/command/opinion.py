"""What does `doctor open` do? A bundle is judged again by today's checks, and what that changed is
said; a report is shown as it was recorded.

Nothing is contacted, and nothing of this machine is looked at. What of a bundle cannot be judged
here is shown as it was recorded, and named.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from doctor.bundle import cluster as kept
from doctor.bundle import evidence, opened
from doctor.bundle.changes import changes
from doctor.bundle.codec import MisfitError
from doctor.bundle.opened import Opened
from doctor.clients.eyes import DEFAULT, plain_program
from doctor.command.options import read
from doctor.model import Check, Diagnosis, Report
from doctor.plugins import installed
from doctor.process import terminal
from doctor.process.streams import talk
from doctor.redact import plain, scrub, scrub_data
from doctor.report.conformity import faults
from doctor.report.document import document
from doctor.run import gravest, row
from doctor.stamp import stamp

if TYPE_CHECKING:
    from doctor.cluster import Cluster
    from doctor.codes import Book

Document = dict[str, Any]
Diagnoses = Sequence[Diagnosis | None]


def open_file(args: Namespace) -> int:
    """`doctor open FILE`: show it, on a terminal in the interactive view, and return the exit code
    of what it says."""
    from doctor.command.output import tell

    options = read(args, tuple)
    found = opened.read(args.bundle)
    told, diagnoses = judged(found, as_recorded=args.as_recorded, name=PurePath(args.bundle).name)
    if terminal.interactive(args):
        from doctor.tui.launch import show

        return show(told, diagnoses, args)
    return tell(told, options)


def opinion(found: Opened, *, as_recorded: bool = False, name: str = "") -> Document:
    """The document to show, with where it comes from in `origin`."""
    return judged(found, as_recorded=as_recorded, name=name)[0]


def judged(
    found: Opened, *, as_recorded: bool = False, name: str = ""
) -> tuple[Document, Diagnoses]:
    """The same, and for each of its targets the diagnosis that it was made of; None, or none at
    all, where it was recorded so."""
    recorded: Document = scrub_data(found.report)
    notes = [f"Not in the bundle: {each}." for each in found.left_out]
    again = found.is_bundle and not as_recorded
    told, more, places = _judged(found, recorded) if again else (recorded, [], ())
    document = {
        **told,
        "origin": {
            "kind": "bundle" if found.is_bundle else "report",
            "file": scrub(plain(name, 200)),
            "tool_version": found.version,
            "recorded": recorded["started"],
            "opened": stamp(datetime.now(UTC)),
            "judged_again": again,
            "pseudonyms": found.pseudonyms,
            "changes": changes(recorded, told) if again else [],
            "notes": [*notes, *more],
        },
    }
    return document, places


def _judged(found: Opened, recorded: Document) -> tuple[Document, list[str], Diagnoses]:
    """The document that today's checks make of the facts, and what could not be judged."""
    targets: list[Document] = recorded["targets"]
    from doctor.codes import load

    plugged = installed()
    book = load(plugged.words)
    for problem in (*plugged.problems, *map(str, book.problems)):
        talk(f"doctor: {plain(scrub(problem))}")
    notes: dict[str, None] = {}
    places: list[Diagnosis | None] = []
    if len(found.records) != len(targets):
        why = f"It holds the facts of {len(found.records)} of {len(targets)} targets"
        notes[f"{why}, so all is shown as it was recorded."] = None
        places = [None] * len(targets)
    else:
        for record, target in zip(found.records, targets, strict=True):
            diagnosis, said = _again(record, book)
            if diagnosis is None:
                named = plain(str(target["target"]), 80)
                said = (f"{named} is shown as it was recorded: {said[0]}.",)
            places.append(diagnosis)
            notes |= dict.fromkeys(said)
    cluster, said = _cluster_again(found, book)
    notes |= dict.fromkeys(said)
    return _merged(recorded, places, cluster), list(notes), places


def _cluster_again(found: Opened, book: Book) -> tuple[Cluster | None, Sequence[str]]:
    """The same of the cluster; nothing where there is none."""
    if found.report["kubernetes"] is None:
        return None, ()
    as_recorded = "The cluster is shown as it was recorded"
    if found.cluster is None:
        return None, (f"{as_recorded}: the bundle holds no facts of it.",)
    checks = installed().checks
    try:
        restored = kept.restore(found.cluster, checks)
        cluster = restored.judged(checks, book)
        if odd := faults(document(_report([], cluster)), 1):
            raise MisfitError(f"its facts make no report: {odd[0]}")
    except MisfitError as error:
        return None, (f"{as_recorded}: {plain(str(error), 300)}.",)
    except Exception as error:  # facts that no reading would give
        return None, (f"{as_recorded}: its facts do not fit together ({type(error).__name__}).",)
    return cluster, restored.notes


def _again(record: Any, book: Book) -> tuple[Diagnosis | None, Sequence[str]]:
    """The diagnosis, and what of the record is not known here; None, and why, where there is
    none."""
    try:
        restored = evidence.restore(record, installed().checks)
        diagnosis = restored.judged(_checks_for(restored), book)
        document(_report([diagnosis]))  # what facts say of themselves may not fit together either
    except MisfitError as error:
        return None, (plain(str(error), 300),)
    except Exception as error:  # facts that no probe would give
        return None, (f"its facts do not fit together ({type(error).__name__})",)
    return diagnosis, restored.notes


def _checks_for(restored: evidence.Restored) -> Sequence[Check]:
    """Those that the run had: a plain program alone is not asked what only others have."""
    everything, few = installed().checks, installed(for_shell=True).checks
    asked = {outcome.check.id for outcome in restored.outcomes} & {c.id for c in everything}
    choice = restored.choice
    plain_one = plain_program(restored.target.client, choice.only, choice.skip)
    return few if plain_one and not asked - {c.id for c in few} else everything


def _report(diagnoses: Sequence[Diagnosis], cluster: Cluster | None = None) -> Report:
    return Report(tuple(diagnoses), datetime.now(UTC), 0.0, "pass", kubernetes=cluster)


def _merged(recorded: Document, diagnoses: Diagnoses, again: Cluster | None) -> Document:
    """Today's document, with what was recorded where nothing could be judged."""
    told = document(_report([d for d in diagnoses if d is not None], again))
    fresh = iter(told["targets"])
    targets = [
        old if new is None else next(fresh)
        for old, new in zip(recorded["targets"], diagnoses, strict=True)
    ]
    rows = recorded["clients"]
    if rows is not None and len(rows) == len(diagnoses):
        pairs = zip(rows, diagnoses, strict=True)
        rows = [old if new is None else scrub_data(row(new)) for old, new in pairs]
    counting = [t for t in targets if rows is None or t["client"] == DEFAULT]
    cluster = told["kubernetes"] or recorded["kubernetes"]
    # With --probe the cluster's verdict is the report's: what was tried from here decides nothing.
    verdicts = [cluster["verdict"]] if cluster else [t["verdict"] for t in counting]
    return {
        **told,
        "started": recorded["started"],
        "duration_ms": recorded["duration_ms"],
        "verdict": gravest(verdicts),
        "targets": targets,
        "clients": rows,
        "kubernetes": cluster,
    }
