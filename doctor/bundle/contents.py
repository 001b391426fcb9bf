"""What goes into a bundle, in which order, and what is left out? A report and what was read ->
files by name, masked, and nothing else.

Pure: the same report and surroundings give the same bytes. What comes first has the room first: the
report and the facts before the pages made of them, the configuration last.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from doctor import __version__
from doctor.bundle import cluster, configuration, evidence, kubernetes
from doctor.bundle.configuration import LeftOut
from doctor.bundle.masking import BEFORE, Mask
from doctor.frozen import frozen
from doctor.model import Report
from doctor.redact import MASK
from doctor.report.document import document
from doctor.stamp import stamp

SCHEMA = "doctor.bundle/1"
MANIFEST = "MANIFEST.json"
REPORT = "report.json"
CLUSTER = "facts/kubernetes.json"
LIMIT = 20 << 20
"""Bytes of all files together, before they are packed."""
PAGES = {"report.md": "markdown", "report.html": "html"}
"""The report as people read it, in these formats as far as this version has them."""
_WHAT = {
    REPORT: "the report, as `doctor check --json` prints it",
    "report.md": "the report for a ticket",
    "report.html": "the report as a page",
    "environment.json": "the system, versions, clients, proxy settings and the clock",
    "facts": "what was seen, so that it can be judged again (`doctor open`)",
    "config": "a client's configuration file, masked",
    "kubernetes": "an object of the cluster, as far as a pull depends on it",
}

Render = Callable[[Mapping[str, Any], str], str]
"""The document in that format."""


@frozen
class Surroundings:
    """What a bundle holds besides the report: the machine in a few words, the files that were read,
    by path, and the cluster's objects; and what of them is left out already."""

    environment: Mapping[str, Any]
    read: Mapping[str, bytes] = field(default_factory=dict)
    objects: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@frozen
class Entry:
    """A file of the bundle. `masked`: how often which rule masked something in it; `path`: where it
    lay on the machine."""

    name: str
    data: bytes = field(repr=False)
    masked: Mapping[str, int]
    path: str = ""

    @property
    def what(self) -> str:
        return _WHAT.get(self.name) or _WHAT[self.name.partition("/")[0]]


@frozen
class Contents:
    """The files, the manifest among them, and what is left out."""

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]
    manifest: bytes = field(repr=False)

    @property
    def files(self) -> dict[str, bytes]:
        return {MANIFEST: self.manifest, **{each.name: each.data for each in self.entries}}


def contents(
    report: Report,
    surroundings: Surroundings,
    render: Render,
    formats: Sequence[str],
    *,
    pseudonyms: Callable[[str], str] | None = None,
    limit: int = LIMIT,
) -> Contents:
    """The files of a bundle. `pseudonyms`: what is done to every text after it was masked; the
    report must have been made of renamed facts already. `formats`: those that there are."""
    made = _Maker(pseudonyms, limit)
    made.left_out += surroundings.left_out
    # First, so that what is masked there is known when the rest is written.
    for thing in surroundings.objects:
        kubernetes.masked(thing, made.mask)
    made.mask.taken()
    configured = made.configuration(surroundings.read)
    told = document(report)
    made.report(REPORT, render(told, "json"))
    made.facts(report)
    for name, form in PAGES.items():
        if form in formats:
            made.report(name, render(told, form))
    made.json("environment.json", surroundings.environment)
    for thing in surroundings.objects:
        kept = _each(kubernetes.masked(thing, made.mask), made.named)
        if "keys" in kept:
            kept["keys"] = {made.named(key): held for key, held in kept["keys"].items()}
        made.json(kubernetes.file_name(kept), kept)
    made.entries += made.fitting(configured)
    return made.contents(report)


class _Maker:
    def __init__(self, pseudonyms: Callable[[str], str] | None, limit: int) -> None:
        self.mask = Mask()
        self.named: Callable[[str], str] = pseudonyms or (lambda text: text)
        self.pseudonymous = pseudonyms is not None
        self.limit = limit
        self.entries: list[Entry] = []
        self.left_out: list[LeftOut] = []

    def configuration(self, read: Mapping[str, bytes]) -> list[Entry]:
        found = []
        for path, data in sorted(read.items()):
            text = configuration.masked(path, data, self.mask)
            taken = self.mask.taken()
            if isinstance(text, LeftOut):
                self.left_out.append(LeftOut(self._text(path), text.why))
            elif text is not None and self.pseudonymous and "-----BEGIN" in text:
                self.left_out.append(LeftOut(self._text(path), "a certificate names its owner"))
            elif text is not None:
                found.append((path, text, taken))
        self.mask.learn()
        entries = []
        for path, text, taken in found:
            shown = self._text(path)
            data = self._text(text).encode()  # once more, for what a later file made known
            masked = dict(Counter(taken) + Counter(self.mask.taken()))
            entries.append(Entry(configuration.place(shown), data, masked, shown))
        return entries

    def report(self, name: str, text: str) -> None:
        """What passed the gate field by field, when the document was made."""
        masked = text.count(MASK)
        self._add(Entry(name, text.encode(), {BEFORE: masked} if masked else {}))

    def facts(self, report: Report) -> None:
        for number, each in enumerate(report.diagnoses, 1):
            self._facts(f"facts/{number:04}.json", *evidence.record(each, self._text))
        if report.kubernetes is not None and report.kubernetes.facts:
            record = cluster.record(report.kubernetes, report.started, self._text)
            self._facts(CLUSTER, *record)

    def _facts(self, name: str, record: evidence.Record, lost: Sequence[str]) -> None:
        self._add(Entry(name, _json(record).encode(), self.mask.taken()))
        self.left_out += [LeftOut(name, why) for why in lost]

    def json(self, name: str, value: Any) -> None:
        text = _json(_each(value, self._text))
        self._add(Entry(name, text.encode(), self.mask.taken()))

    def _text(self, text: str) -> str:
        return self.named(self.mask.text(text))

    def _add(self, entry: Entry) -> None:
        self.entries += self.fitting([entry])

    def fitting(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those for which there is room, and names that an archive can hold, once each."""
        from doctor.bundle.archive import MOST_FILES, fits

        kept: list[Entry] = []
        for each in entries:
            there = [*self.entries, *kept]
            size = sum(len(e.data) for e in there) + len(each.data)
            if size > self.limit or len(there) >= MOST_FILES - 1:
                why = f"{len(each.data)} bytes; a bundle holds at most {self.limit >> 20} MiB"
            elif not fits(each.name):
                why = "its path is too long for the archive"
            elif any(e.name == each.name for e in there):
                why = "another file has the same name"
            else:
                kept.append(each)
                continue
            self.left_out.append(LeftOut(each.path or each.name, why))
        return kept

    def contents(self, report: Report) -> Contents:
        manifest = {
            "schema": SCHEMA,
            "tool": {"name": "registry-doctor", "version": __version__},
            "made": stamp(report.started),
            "pseudonyms": self.pseudonymous,
            "files": [_row(each) for each in sorted(self.entries, key=lambda e: e.name)],
            "left_out": [
                {"what": self._text(each.what), "why": self._text(each.why)}
                for each in self.left_out
            ],
        }
        return Contents(tuple(self.entries), tuple(self.left_out), _json(manifest).encode())


def _row(entry: Entry) -> dict[str, Any]:
    """A line of the manifest."""
    return {
        "name": entry.name,
        "what": entry.what,
        **({"path": entry.path} if entry.path else {}),
        "size": len(entry.data),
        "sha256": hashlib.sha256(entry.data).hexdigest(),
        "masked": dict(entry.masked),
    }


def _each(value: Any, text: Callable[[str], str]) -> Any:
    """Every string of a JSON value but the keys."""
    match value:
        case str():
            return text(value)
        case dict():
            return {key: _each(each, text) for key, each in value.items()}
        case list() | tuple():
            return [_each(each, text) for each in value]
        case _:
            return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, indent=1, allow_nan=False) + "\n"
