"""What did each check see, who of the clients can pull, and what is in the report at all? The
page's tables; wide ones can be scrolled by keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doctor.report.page.markup import Markup, breakable, el, many, prose
from doctor.report.subject import Subject
from doctor.report.terms import WORDS

Entry = Mapping[str, Any]
_STATES = {
    "pass": "ok",
    "warn": "warn",
    "fail": "bad",
    "skip": "none",
    "error": "open",
    "incomplete": "open",
}
_SIGNS = {"ok": "✓", "warn": "!", "bad": "✕", "none": "\N{EN DASH}", "open": "?"}


def state(status: str) -> str:
    """The style of a status or a verdict."""
    return _STATES.get(status, "none")


def chip(status: str, text: str = "") -> Markup:
    """A status as a sign with its word."""
    shown = text or WORDS.get(status, (status, ""))[0].lower()
    sign = el("span", _SIGNS[state(status)], aria_hidden="true", class_="sign")
    return el("span", sign, " ", shown, class_=f"chip {state(status)}")


def _table(caption: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    classes = {"ms": "number"}
    head = el("tr", *(el("th", n, scope="col", class_=classes.get(n)) for n in heads))
    table = el("table", el("caption", caption), el("thead", head), el("tbody", *rows))
    return el("div", table, class_="wide", tabindex=0, role="group", aria_label=caption)


def checks(entries: Sequence[Entry]) -> Markup:
    """A line for each check, in the order of the path."""
    return _table(
        "Check by check", ("check", "result", "what was seen", "ms"), [*map(_row, entries)]
    )


def _row(check: Entry) -> Markup:
    said = check["summary"] or ""
    if check["blocked_by"] and check["status"] == "skip":
        said = f"waits for {check['blocked_by']}"
    took = f"{check['duration_ms']:.0f}" if check["status"] != "skip" else ""
    return el(
        "tr",
        el("th", check["name"], scope="row"),
        el("td", chip(check["status"])),
        el("td", prose(said)),
        el("td", took, class_="number"),
    )


def clients(rows: Sequence[Entry], places: Sequence[int], name: str) -> Markup:
    """Clients against layers; `places` are the numbers of the clients' own parts of the page."""
    layers = list(dict.fromkeys(each["name"] for row in rows for each in row["layers"]))
    lines = []
    for row, place in zip(rows, places, strict=True):
        went = {each["name"]: each["status"] for each in row["layers"]}
        cells = (el("td", _cell(went.get(layer))) for layer in layers)
        lines.append(
            el(
                "tr",
                el("th", el("a", row["client"], href=f"#s{place}", class_="client"), scope="row"),
                el("td", chip(row["verdict"])),
                *cells,
            )
        )
    return _table(f"Client by client: {name}", ("client", "verdict", *layers), lines)


def _cell(status: str | None) -> Markup:
    """A sign alone, its word for those who hear the page."""
    if status is None:
        return el("span", "not asked", class_="sr")
    word = WORDS.get(status, (status, ""))[0].lower()
    sign = el("span", _SIGNS[state(status)], aria_hidden="true", class_=f"mark {state(status)}")
    return el("span", sign, el("span", word, class_="sr"))


def overview(found: Sequence[Subject]) -> Markup:
    """A line for each subject, and a link to it."""
    rows = [
        el(
            "tr",
            el("td", chip(each.verdict)),
            el("th", el("a", breakable(each.title), href=f"#s{number}"), _why(each), scope="row"),
        )
        for number, each in enumerate(found, 1)
    ]
    return _table("What was looked at", ("verdict", "what, and why"), rows)


def _why(subject: Subject) -> Markup:
    codes = dict.fromkeys(f["code"] for f in subject.causes)
    if not codes:
        return el("span", subject.headline, class_="why")
    return el("span", *(many([el("code", code), " "]) for code in codes), class_="why")
