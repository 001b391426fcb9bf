"""The report as JUnit XML: a suite for each target, a test for each check, so that a CI system
lists them like any other test.

There is no one schema of JUnit: this is what both published ones take, that of Jenkins (junit-10)
and that of Ant. So a test case holds one result at most, what is only a warning stands in the
suite's output, and there is no attribute that only one CI system knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from doctor.redact import plain
from doctor.report.subject import Subject, by_what, subjects
from doctor.report.terms import places
from doctor.report.text import Style, cause

_STYLE = Style(verbose=True, width=100)
Entry = Mapping[str, Any]


def render(document: Entry) -> str:
    """One `testsuites` element."""
    suites = [
        line
        for number, subject in enumerate(subjects(document))
        for line in _suite(number, subject, document)
    ]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>"]
    return "\n".join(lines) + "\n"


def _suite(number: int, subject: Subject, document: Entry) -> Iterator[str]:
    cases = list(_cases(subject))
    results = [result for _, _, result in cases]
    seconds = sum(ms for _, ms, _ in cases)
    attributes = {
        "name": subject.title,
        "package": "doctor",
        "id": str(number),
        "timestamp": str(document["started"])[:19],
        "hostname": "localhost",
        "tests": str(len(cases)),
        "failures": str(sum(r.startswith("<failure") for r in results)),
        "errors": str(sum(r.startswith("<error") for r in results)),
        "skipped": str(sum(r.startswith("<skipped") for r in results)),
        "time": _seconds(seconds),
    }
    yield f"  <testsuite{_attributes(attributes)}>"
    yield "    <properties>"
    for name, value in _properties(subject, document):
        yield f"      <property{_attributes({'name': name, 'value': value})}/>"
    yield "    </properties>"
    for name, ms, result in cases:
        own = _attributes({"name": name, "classname": subject.title, "time": _seconds(ms)})
        yield f"    <testcase{own}>{result}</testcase>" if result else f"    <testcase{own}/>"
    yield f"    <system-out>{escape(chr(10).join(_output(subject)))}</system-out>"
    yield "    <system-err></system-err>"
    yield "  </testsuite>"


def _properties(subject: Subject, document: Entry) -> Iterator[tuple[str, str]]:
    yield "verdict", subject.verdict
    yield "by", by_what(document)
    if subject.source:
        yield "source", places(subject.entry)[0]
        for each in places(subject.entry)[1:]:
            yield "also named", each
    for code in dict.fromkeys(f["code"] for f in subject.causes):
        yield "cause", plain(code)


def _cases(subject: Subject) -> Iterator[tuple[str, float, str]]:
    """(name, milliseconds, result) of each test; an empty result is a success.

    A root cause fails the check that found it. One whose check did not run itself (it was found in
    what others saw), and a verdict that no check gave, have a test of their own: a suite is green
    only where its subject is.
    """
    causes = {f["check"]: f for f in reversed(subject.causes)}
    green = True
    for check in subject.checks:
        result = _result(check, causes.pop(check["name"], None), subject)
        green = green and not result.startswith(("<failure", "<error"))
        yield plain(check["name"]), check["duration_ms"], result
    for name, finding in causes.items():
        green = False
        yield plain(name), 0, _failure(finding, subject)
    if green and subject.verdict in ("fail", "incomplete"):
        kind = "failure" if subject.verdict == "fail" else "error"
        yield "verdict", 0, _element(kind, subject.verdict, subject.summary, [subject.summary])
    elif not subject.checks and green:
        yield "verdict", 0, ""


def _result(check: Entry, finding: Entry | None, subject: Subject) -> str:
    if finding is not None:
        return _failure(finding, subject)
    status, said = check["status"], check["summary"] or ""
    if status == "skip":
        waits = f"waits for {check['blocked_by']}" if check["blocked_by"] else said or "left out"
        return f"<skipped{_attributes({'message': plain(waits, 400)})}/>"
    if status == "fail":
        own = [f for f in subject.findings if f["check"] == check["name"]]
        return _failure(own[0], subject) if own else _element("failure", "fail", said, [said])
    return _element("error", "not-done", said, [said]) if status == "error" else ""


def _failure(finding: Entry, subject: Subject) -> str:
    where = [f"named in {subject.named}"] if subject.source else []
    body = [*where, *cause(finding, "Cause", "", _STYLE)]
    return _element("failure", finding["code"], f"{finding['code']}: {finding['detail']}", body)


def _element(name: str, kind: str, message: str, body: list[str]) -> str:
    own = _attributes({"type": plain(kind), "message": plain(message)})
    return f"<{name}{own}>{escape(chr(10).join(body))}</{name}>"


def _output(subject: Subject) -> Iterator[str]:
    """The sentence, and what is only a warning or a note."""
    yield f"{subject.headline}: {subject.title}"
    yield plain(subject.summary)
    for finding in subject.others:
        yield f"{finding['severity']}: {plain(finding['code'])}: {plain(finding['detail'])}"
    if subject.not_tried:
        yield f"Left out or not reached in time: {plain(', '.join(subject.not_tried))}"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items())


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"
