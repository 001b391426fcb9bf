"""The report as workflow commands of GitHub Actions: an annotation for each finding, at the file
and line that named the image.

The escaping is the runner's (actions/toolkit, packages/core/src/command.ts): `%`, CR and LF in the
message, `:` and `,` too in a property. GitHub keeps ten annotations of a kind for each step, so the
causes of all targets come before anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.redact import plain
from doctor.report.subject import Subject, by_what, subjects

_KINDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(document: Mapping[str, Any]) -> str:
    """One workflow command a line."""
    found = subjects(document)
    lines = [_finding(s, f) for s in found for f in s.causes]
    lines += [_again(s, f, at) for s in found for f in s.causes for at in s.places[1:]]
    lines += [_unfinished(s) for s in found if s.verdict == "incomplete"]
    rest = [(s, f) for s in found for f in s.others]
    lines += [_finding(s, f) for s, f in rest if f["severity"] != "info"]
    lines += [_finding(s, f) for s, f in rest if f["severity"] == "info"]
    lines += [_well(s) for s in found if s.verdict in ("pass", "warn")]
    if not found:
        lines.append(_command("notice", {"title": "registry-doctor"}, "Nothing was looked at."))
    return "".join(f"{line}\n" for line in (*lines, _last(document, found)) if line)


def _finding(subject: Subject, finding: Mapping[str, Any]) -> str:
    grave = finding["severity"]
    if grave == "error" and not finding["root_cause"]:
        grave = "warning"  # what a cause brings about fails nothing by itself
    return _command(
        _KINDS.get(grave, "notice"),
        {**_place(subject), "title": f"{finding['code']}: {plain(finding['title'], 120)}"},
        "\n".join(_told(subject, finding)),
    )


def _again(subject: Subject, finding: Mapping[str, Any], at: tuple[str, int]) -> str:
    """At another line that names the same image."""
    title = f"{finding['code']}: {plain(finding['title'], 120)}"
    said = f"{subject.title}: {plain(finding['detail'])}"
    return _command(_KINDS.get(finding["severity"], "notice"), {**_at(at), "title": title}, said)


def _told(subject: Subject, finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"{subject.title}: {plain(finding['detail'])}"
    for remedy in finding["remedies"][:1] if finding["severity"] != "info" else ():
        yield f"What to do: {plain(remedy['title'])}"
        for step in remedy["steps"]:
            yield f"- {plain(step['text'])}"
            if step["command"]:
                yield from (f"    {plain(line, 4000)}" for line in step["command"].splitlines())


def _unfinished(subject: Subject) -> str:
    title = {**_place(subject), "title": "Incomplete"}
    return _command("warning", title, f"{subject.title}: {plain(subject.summary)}")


def _well(subject: Subject) -> str:
    title = {**_place(subject), "title": subject.headline}
    return _command("notice", title, f"{subject.title}: {plain(subject.summary)}")


def _last(document: Mapping[str, Any], found: list[Subject]) -> str:
    """A line of the log, not an annotation: who looked, and at how much."""
    return f"{by_what(document)}: {document['verdict']}, {len(found)} looked at"


def _place(subject: Subject) -> dict[str, str]:
    """Where the image is named; standard input is no file."""
    return _at(subject.places[0]) if subject.places else {}


def _at(place: tuple[str, int]) -> dict[str, str]:
    file, line = place
    return {"file": plain(file, 400), **({"line": str(line)} if line else {})}


def _command(kind: str, properties: Mapping[str, str], message: str) -> str:
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind}{' ' if told else ''}{told}::{_data(message)}"


def _data(text: str) -> str:
    """`##[` begins a command of the runner's older kind, wherever it stands."""
    text = text.replace("##[", "## [")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
