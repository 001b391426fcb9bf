"""What of a cluster's diagnosis is kept, so that it can be judged again? A `Cluster` -> a record as
JSON, and a record of somebody else's -> what `doctor.judgement` is given.

The facts hold of a Secret its type, the names of its keys, the registries that it is for and who
logs in there; no value of it was ever in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doctor.bundle import evidence, kinds
from doctor.bundle.codec import MisfitError, Reader, Text, encode
from doctor.bundle.evidence import Record
from doctor.cluster import Cluster
from doctor.facts.cluster import ClusterFact
from doctor.facts.pull import PullFact
from doctor.frozen import frozen
from doctor.model import Check
from doctor.redact import plain

if TYPE_CHECKING:
    from doctor.codes import Book

SCHEMA = "doctor.cluster/1"


def record(cluster: Cluster, now: datetime, text: Text) -> tuple[Record, list[str]]:
    """The cluster as JSON has it, and what could not be put into it, a sentence each. `now`: when
    it was looked at; every string but the words of a closed vocabulary passes `text`."""
    server, lost = evidence.record(cluster.server, text) if cluster.server else (None, [])
    return {
        "schema": SCHEMA,
        "now": encode(now, datetime, text),
        "server": server,
        "facts": [
            {"kind": kinds.name_of(type(each)), "fact": encode(each, type(each), text)}
            for each in cluster.facts
        ],
    }, lost


@frozen
class _Row:
    kind: str
    fact: Any


@frozen
class _Record:
    schema: str
    now: datetime
    server: Any
    facts: tuple[_Row, ...]


@frozen
class Restored:
    """What a record gave back. `notes`: what of it this installation does not know, a sentence
    each."""

    fact: ClusterFact
    pulls: tuple[PullFact, ...]
    server: evidence.Restored | None
    now: datetime
    notes: tuple[str, ...] = ()

    def judged(self, checks: Sequence[Check], book: Book) -> Cluster:
        """By today's rules; the way to the API server by these checks."""
        from doctor import judgement

        server = self.server.judged(checks, book) if self.server else None
        return judgement.cluster(self.fact, self.pulls, server, book, self.now)


def restore(data: Any, checks: Sequence[Check]) -> Restored:
    """What the record holds, for these checks. Raises MisfitError for what is none, for one of a
    schema that this version does not know, and for one with a fact that it does not know: a part of
    the failing pulls is no cluster."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        said = plain(str(schema), 60)
        raise MisfitError(f"facts of the schema {said}; this version reads {SCHEMA}")
    reader = Reader()
    raw = reader.decode(data, _Record)
    found: list[ClusterFact] = []
    pulls: list[PullFact] = []
    for row in raw.facts:
        if row.kind == kinds.name_of(ClusterFact):
            found.append(reader.decode(row.fact, ClusterFact, row.kind))
        elif row.kind == kinds.name_of(PullFact):
            pulls.append(reader.decode(row.fact, PullFact, row.kind))
        else:
            raise MisfitError(f"a fact of the kind {plain(row.kind, 80)}, which is not known here")
    if len(found) != 1:
        raise MisfitError(f"{len(found)} facts about the cluster itself; one was expected")
    server = None if raw.server is None else evidence.restore(raw.server, checks)
    notes = list(server.notes) if server else []
    notes += reader.notes
    return Restored(found[0], tuple(pulls), server, raw.now, tuple(notes))
