"""Of what does a report give a verdict? Targets, failing pulls of a cluster, and the cluster
itself, seen alike by the formats that list them one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from posixpath import normpath
from typing import Any, Literal

from doctor.frozen import frozen
from doctor.redact import plain
from doctor.report.terms import headline, listed, place, places

Entry = Mapping[str, Any]
DEFAULT_EYES = "shell"
UNNAMED = "a text that names no image"


@frozen
class Subject:
    """One of them. `entry` is its part of the document; names and texts are as they stand there,
    and pass `plain` where they are shown."""

    kind: Literal["target", "pull", "cluster"]
    name: str
    client: str
    """Whose eyes; empty for what belongs to a cluster."""
    verdict: str
    headline: str
    summary: str
    entry: Entry
    hops: Sequence[Entry]
    checks: Sequence[Entry]
    findings: Sequence[Entry]
    not_tried: Sequence[str]
    source: tuple[str, int] | None

    @property
    def title(self) -> str:
        """Its name, and whose eyes where that is not everybody's; safe to show."""
        eyes = f" as {plain(self.client)}" if self.client not in ("", DEFAULT_EYES) else ""
        return f"{plain(self.name, 200) or '(an empty text)'}{eyes}"

    @property
    def places(self) -> list[tuple[str, int]]:
        """Every file and line that names it, as a repository knows the file: `./web.yaml` is
        `web.yaml` there, or CI finds no line to show. Standard input is no file."""
        also = [(each["file"], each["line"]) for each in self.entry.get("also_named", ())]
        found = [*([self.source] if self.source else []), *also]
        return [(normpath(file), line) for file, line in found if file != "-"]

    @property
    def named(self) -> str:
        """Where it is named, in words; empty where it is nowhere."""
        return listed(places(self.entry)) if self.source else ""

    @property
    def causes(self) -> list[Entry]:
        """The findings that are root causes, the likeliest first."""
        return [f for f in self.findings if f["root_cause"]]

    def labelled(self) -> list[tuple[str, Entry]]:
        """The root causes with what each is called: of a text it is what that means."""
        causes = self.causes
        one = "Meaning" if self.entry.get("vantage") == "text" else "Cause"
        if len(causes) == 1:
            return [(one, causes[0])]
        return [(f"{one} {n} of {len(causes)}", f) for n, f in enumerate(causes, 1)]

    @property
    def others(self) -> list[Entry]:
        """What else was found, the gravest first."""
        rank = {"error": 0, "warning": 1, "info": 2}
        rest = [f for f in self.findings if not f["root_cause"]]
        return sorted(rest, key=lambda f: rank.get(f["severity"], 3))


def subjects(document: Entry) -> list[Subject]:
    """All of them, in the report's order; a cluster behind its pulls, which are what matters."""
    return [*map(_target, document["targets"]), *_of_cluster(document.get("kubernetes"))]


def _target(entry: Entry) -> Subject:
    source = entry["source"]
    return Subject(
        kind="target",
        name=str(entry["target"] or entry["registry"] or _place(source)),
        client=entry["client"],
        verdict=entry["verdict"],
        headline=headline(entry),
        summary=entry["summary"],
        entry=entry,
        hops=entry["hops"],
        checks=entry["checks"],
        findings=entry["findings"],
        not_tried=entry["not_tried"],
        source=(source["file"], source["line"]) if source else None,
    )


def _place(source: Entry | None) -> str:
    """A part of a file that could not be read is called by its line."""
    return place(source) if source else UNNAMED


def _of_cluster(cluster: Entry | None) -> Iterator[Subject]:
    if cluster is None:
        return
    for pull in cluster["pulls"]:
        yield Subject(
            kind="pull",
            name=pull["image"],
            client="",
            verdict=pull["verdict"],
            headline=_PULLS.get(pull["verdict"], pull["verdict"]),
            summary=pull["summary"],
            entry=pull,
            hops=(),
            checks=(),
            findings=pull["findings"],
            not_tried=(),
            source=None,
        )
    yield _cluster(cluster)


_PULLS = {
    "pass": "Nothing wrong with the pull",
    "warn": "Pulls, with warnings",
    "fail": "Cannot be pulled",
    "incomplete": "Not all could be looked at",
}
_CLUSTERS = {
    "pass": "No failing pull",
    "warn": "Looked at, with warnings",
    "fail": "Cannot be looked into",
    "incomplete": "Not all could be looked at",
}


def _cluster(cluster: Entry) -> Subject:
    """The cluster and the access to it; its pulls have verdicts of their own."""
    verdict = cluster["verdict"]
    if cluster["pulls"]:
        levels = {f["severity"] for f in cluster["findings"]}
        own = any(f["root_cause"] for f in cluster["findings"])
        verdict = "fail" if own else "warn" if levels & {"error", "warning"} else "pass"
    failing, seen = cluster["pods_failing"], cluster["pods_seen"]
    summary = f"{failing} of {seen} pods fail to pull their image."
    said = _CLUSTERS.get(verdict, str(verdict))
    if cluster["pulls"]:
        count = len(cluster["pulls"])
        said = f"{count} cause{'s' if count > 1 else ''} of failing pulls"
    context = cluster["context"]
    return Subject(
        kind="cluster",
        name=f"cluster {context}" if context else "cluster",
        client="",
        verdict=verdict,
        headline=said,
        summary=summary,
        entry=cluster,
        hops=cluster["hops"],
        checks=(),
        findings=cluster["findings"],
        not_tried=(),
        source=None,
    )


def by_what(document: Entry) -> str:
    """`registry-doctor 0.1.0, 2026-11-28 20:21 UTC`: who looked, and when."""
    tool, started = document["tool"], str(document["started"])
    when = f"{started[:10]} {started[11:16]} UTC"
    return plain(f"{tool['name']} {tool['version']}, {when}", 80)
