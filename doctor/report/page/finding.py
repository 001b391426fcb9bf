"""What is wrong, how is that known, and what is to be done? One finding as a part of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.report.page.chain import chain
from doctor.report.page.markup import Markup, el, lines, many, prose
from doctor.report.terms import evidence_lines, notes, told_apart

_MOST_LINES = 400
_LEVELS = {"error": "part of the cause", "warning": "warning", "info": "note"}
_STATES = {"error": "bad", "warning": "warn", "info": "info"}
Entry = Mapping[str, Any]


def cause(finding: Entry, label: str, summary: str, now: str, level: int) -> Markup:
    """A root cause with its remedies and its proof."""
    detail = str(finding["detail"])
    said = [] if summary.startswith(detail) else [el("p", prose(detail))]
    sure = finding["confidence"]
    certificates = chain(finding["evidence"], now)
    return el(
        "section",
        el("p", label, class_="eyebrow"),
        el(f"h{level}", prose(finding["title"]), class_="title"),
        el("p", el("code", finding["code"], class_="finding-code"), _where(finding, sure)),
        *said,
        *_remedies(finding["remedies"], level + 1),
        *([el(f"h{level + 1}", "The certificates"), certificates] if certificates else []),
        proof(finding["evidence"]),
        class_="card cause",
    )


def _where(finding: Entry, sure: str) -> Markup:
    at = many([", at ", el("code", finding["hop"])]) if finding["hop"] else Markup("")
    return many([", ", str(sure), at])


def _remedies(remedies: Sequence[Entry], level: int) -> Iterator[Markup]:
    if not remedies:
        return
    first, *others = told_apart(remedies)
    yield el(f"h{level}", "What to do: ", prose(first["title"]))
    yield many(_steps(first))
    for other in others:
        head = el("summary", "Or: ", prose(other["title"]))
        yield el("details", head, *_steps(other), class_="or")


def _steps(remedy: Entry) -> Iterator[Markup]:
    yield el("ol", *map(_step, remedy["steps"]), class_="steps")
    if remedy["verify"]:
        yield el("p", el("b", "Seen to work when: "), prose(remedy["verify"]), class_="verify")
    if remedy["docs"]:
        yield el("p", "See ", _link(remedy["docs"]))


def _step(step: Entry) -> Markup:
    told = [el("span", note, class_="note") for note in notes(step)]
    block = [command(step["command"])] if step["command"] else []
    return el("li", el("p", prose(step["text"]), *(many([" ", each]) for each in told)), *block)


def command(text: str) -> Markup:
    """A command as it is typed. The button is shown by the script, which it needs."""
    button = el("button", "Copy", type="button", class_="copy", hidden=True)
    return el("div", el("pre", el("code", lines(text))), button, class_="command")


def _link(address: str) -> Markup:
    """Only what begins with https:// is a link; it says where it leads."""
    if not address.startswith("https://"):
        return el("code", address)
    return el("a", address, href=address, rel="noopener noreferrer")


def proof(evidence: Entry) -> Markup:
    """All of the evidence, folded."""
    found = list(evidence_lines(evidence))
    if not found:
        return Markup("")
    rows = [each.partition(": ") for each in found[:_MOST_LINES]]
    end = Markup("\n")  # a value ends its line: the search for secrets goes by lines
    table = el("dl", *(el("div", el("dt", name), el("dd", said, end)) for name, _, said in rows))
    return el("details", el("summary", "Proof"), table, class_="proof")


def others(findings: Sequence[Entry]) -> Markup:
    """Warnings with what to do, then notes."""
    return el("ul", *map(_other, findings), class_="others")


def _other(finding: Entry) -> Markup:
    level = finding["severity"]
    state = _STATES.get(level, "info")
    body: list[str] = []
    if finding["remedies"] and level == "warning":
        head = el("summary", "What to do: ", prose(finding["remedies"][0]["title"]))
        body.append(el("details", head, *_steps(finding["remedies"][0]), class_="or"))
    return el(
        "li",
        el("span", _LEVELS.get(level, str(level)), class_=f"chip {state}"),
        " ",
        el("code", finding["code"], class_="finding-code"),
        *([" at ", el("code", finding["hop"])] if finding["hop"] else []),
        el("p", prose(finding["detail"] or finding["title"])),
        *body,
        *([proof(finding["evidence"])] if level == "warning" else []),
    )
