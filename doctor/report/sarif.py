"""The report as SARIF 2.1.0, for code scanning: codes are rules, findings are results at the file
and line that named the image.

OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.14 (run), 3.27
(result), 3.29 (physicalLocation), 3.49 (reportingDescriptor).

A target from the command line or from standard input stands in no file. GitHub's code scanning
refuses a log whole where one result has no physical location ("expected a physical location",
github/codeql-action issues 1738 and 2459), or one with a scheme of its own. So the image itself is
the artifact, by its name as a relative URI, and its description says that there is no such file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from doctor.redact import plain
from doctor.report.subject import Subject, subjects
from doctor.report.terms import evidence_lines, told_apart

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RELATED = 100
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
Entry = Mapping[str, Any]


def render(document: Entry) -> str:
    """One log with one run, as indented JSON."""
    found = subjects(document)
    rules: dict[str, dict[str, Any]] = {}
    for subject in found:
        for finding in subject.findings:
            rules.setdefault(finding["code"], _rule(finding))
    order = {code: index for index, code in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": document["tool"]["name"],
                "version": plain(document["tool"]["version"]),
                "rules": list(rules.values()),
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(document, found)],
        "results": [_result(s, f, order) for s in found for f in (*s.causes, *s.others)],
        "properties": {"verdict": document["verdict"], "duration_ms": document["duration_ms"]},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _rule(finding: Entry) -> dict[str, Any]:
    """The code as a rule. Its help is what helps for its first result."""
    title = plain(finding["title"])
    return {
        "id": plain(finding["code"]),
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title} (doctor explain {plain(finding['code'])})"},
        "defaultConfiguration": {"level": _LEVELS.get(finding["severity"], "note")},
        "help": _help(finding),
        "properties": {"tags": ["container-registry", plain(finding["check"])]},
    }


def _help(finding: Entry) -> dict[str, str]:
    from doctor.report.markdown import remedy

    code = plain(finding["code"])
    text: list[str] = []
    marked: list[str] = []
    for number, found in enumerate(told_apart(finding["remedies"])):
        text += _steps(found, "What to do" if number == 0 else "Or")
        marked += [*remedy(found, "What to do" if number == 0 else "Or", 3), ""]
    known = f"doctor explain {code} tells what this means."
    return {
        "text": "\n".join(text) or known,
        "markdown": "\n".join(marked).strip() or f"`doctor explain {code}` tells what this means.",
    }


def _steps(remedy: Entry, label: str) -> Iterator[str]:
    yield f"{label}: {plain(remedy['title'])}"
    for number, step in enumerate(remedy["steps"], 1):
        yield f"{number}. {plain(step['text'])}"
        yield from (f"   {plain(line, 4000)}" for line in (step["command"] or "").splitlines())
    if remedy["verify"]:
        yield f"Seen to work when: {plain(remedy['verify'])}"


def _result(subject: Subject, finding: Entry, order: Mapping[str, int]) -> dict[str, Any]:
    grave = finding["severity"]
    level = _LEVELS.get(grave, "note")
    if grave == "error" and not finding["root_cause"]:
        level = "note"  # a consequence; its cause is the error
    proof = list(evidence_lines(finding["evidence"]))
    return {
        "ruleId": plain(finding["code"]),
        "ruleIndex": order[finding["code"]],
        "level": level,
        "message": {"text": f"{subject.title}: {plain(finding['detail'])}"},
        "locations": [_location(subject)],
        **_elsewhere(subject),
        "partialFingerprints": {"registryDoctor/v1": _fingerprint(subject, finding)},
        "properties": {
            "root_cause": finding["root_cause"],
            "confidence": finding["confidence"],
            "hop": finding["hop"] and plain(finding["hop"]),
            "subject": finding["subject"] and plain(finding["subject"]),
            "proof": proof[:100],
        },
    }


def _location(subject: Subject) -> dict[str, Any]:
    name = subject.title
    kind = {"target": "resource", "pull": "resource", "cluster": "namespace"}[subject.kind]
    if subject.places:
        place = _physical(subject.places[0])
    else:
        told = "This is no file, but what was looked at: no file names it."
        place = {"artifactLocation": {"uri": _no_file(subject), "description": {"text": told}}}
    return {
        "physicalLocation": place,
        "logicalLocations": [{"name": name, "fullyQualifiedName": name, "kind": kind}],
    }


def _elsewhere(subject: Subject) -> dict[str, Any]:
    """The other lines that name the same image."""
    found = [
        {"physicalLocation": _physical(each), "message": {"text": "It is named here too."}}
        for each in subject.places[1 : _RELATED + 1]
    ]
    return {"relatedLocations": found} if found else {}


def _physical(place: tuple[str, int]) -> dict[str, Any]:
    file, line = place
    region = {"region": {"startLine": line}} if line else {}
    return {"artifactLocation": {"uri": _uri(file)}, **region}


def _no_file(subject: Subject) -> str:
    """The name as a relative path: no part of it leads upwards, and no colon makes a scheme."""
    parts = [part for part in subject.name.split("/") if part not in ("", ".", "..")]
    return _uri("/".join(parts)) or "unnamed"


def _uri(file: str) -> str:
    """RFC 3986; a relative path stays relative to where the command ran, the repository's top."""
    path = quote(file.encode("utf-8", "surrogatepass"), safe="/")
    return f"file://{path}" if path.startswith("/") else path


def _fingerprint(subject: Subject, finding: Entry) -> str:
    """The same for the same finding about the same image, whatever the line or the time."""
    parts = (finding["code"], subject.name, subject.client, finding["hop"], finding["subject"])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _invocation(document: Entry, found: list[Subject]) -> dict[str, Any]:
    """How the run itself went: what could not be tried is told here, since it is no finding."""
    told = [
        {"level": "warning", "message": {"text": f"{s.title}: {plain(s.summary)}"}}
        for s in found
        if s.verdict == "incomplete"
    ]
    told += [
        {
            "level": "note",
            "message": {"text": f"{s.title}: not looked at: {plain(', '.join(s.not_tried))}"},
        }
        for s in found
        if s.not_tried
    ]
    told += [
        {"level": "note", "message": {"text": f"{s.title}: {plain(s.summary)}"}}
        for s in found
        if s.kind == "cluster"
    ]
    return {
        "executionSuccessful": document["verdict"] != "incomplete",
        "startTimeUtc": plain(document["started"]),
        "toolExecutionNotifications": told,
    }
