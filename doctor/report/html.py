"""The report as one page in one file: for whoever repairs, who is rarely whoever diagnosed.

Nothing is fetched, from anywhere, and no script is needed to read it; the one there is copies
commands and opens what is folded before it is printed. The policy allows that script and the style
by their hashes (CSP 3, 2.3.1) and nothing else, so that markup which got in all the same would be
dead. All foreign text passes `doctor.report.page.markup`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from doctor.report import origin
from doctor.report.page import finding as findings
from doctor.report.page import pulls, tables
from doctor.report.page.markup import Markup, breakable, el, many, prose, raw
from doctor.report.page.path import path
from doctor.report.page.waterfall import waterfall
from doctor.report.subject import Subject, by_what, subjects
from doctor.report.terms import called

Entry = Mapping[str, Any]


def render(document: Entry) -> str:
    """The whole page."""
    found = subjects(document)
    style, script = _own("page.css"), _own("page.js")
    title = _title(document, found)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("link", rel="icon", href="data:,"),
        el("title", f"{title} - registry-doctor"),
        raw("style", style),
    )
    body = el(
        "body",
        el("a", "To the report", href="#report", class_="skip"),
        _top(document),
        *_origin(document),
        el("main", *_content(document, found), id="report"),
        _bottom(document),
        el("p", id="told", role="status", class_="sr"),
        raw("script", script),
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


@cache
def _own(name: str) -> str:
    return Path(__file__).with_name("page").joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    def hashed(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{hashed(style)}'; "
        f"script-src 'sha256-{hashed(script)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _title(document: Entry, found: Sequence[Subject]) -> str:
    if len(found) == 1:
        return f"{found[0].headline}: {found[0].title}"
    if document["kubernetes"] and found:
        return next(s.summary for s in found if s.kind == "cluster")
    if document["clients"]:
        from doctor.report.sidebyside import together

        own = together(document)
        name = called(own[0][0][0]) if len(own) == 1 else f"{len(own)} targets"
        return f"{name}, client by client"
    return f"{len(found)} targets"


def _top(document: Entry) -> Markup:
    took = document["duration_ms"]
    lasted = f"{took / 1000:.1f} s" if took >= 1000 else f"{took:.0f} ms"
    name = el("span", "registry-doctor", class_="brand")
    return el("header", name, el("span", f"{by_what(document).partition(' ')[2]}, in {lasted}"))


def _origin(document: Entry) -> Iterator[Markup]:
    """Where a report that was opened comes from."""
    said = [el("li", prose(each.removeprefix("- "))) for each in origin.lines(document)]
    if said:
        yield el("section", el("ul", *said), class_="origin", aria_label="Where this comes from")


def _bottom(document: Entry) -> Markup:
    tool = document["tool"]
    made = f"{by_what(document)}; Python {tool['python']}, {tool['platform']}."
    return el(
        "footer",
        el("p", made),
        el("p", "This page fetches nothing: it can be read offline, kept and printed."),
    )


def _content(document: Entry, found: Sequence[Subject]) -> Iterator[Markup]:
    now = str(document["started"])
    if len(found) == 1:
        yield _subject(found[0], 1, now, alone=True)
        return
    yield el(
        "section",
        tables.chip(document["verdict"]),
        el("h1", _title(document, found)),
        *_matrices(document),
        *_list(document, found),
        class_="overview",
    )
    for number, each in enumerate(found, 1):
        yield _subject(each, number, now, alone=False)


def _matrices(document: Entry) -> Iterator[Markup]:
    if document["clients"]:
        from doctor.report.sidebyside import sentence, together

        targets, compared = document["targets"], together(document)
        for own in compared:
            if len(compared) > 1:
                yield el("h2", breakable(called(own[0][0])), class_="name")
            rows = [row for _, row in own]
            places = [next(i for i, t in enumerate(targets, 1) if t is entry) for entry, _ in own]
            yield el("p", prose(sentence(own[0][0], rows)), class_="lead")
            yield tables.clients(rows, places, called(own[0][0]))


def _list(document: Entry, found: Sequence[Subject]) -> Iterator[Markup]:
    """What the matrices do not list already."""
    if not found:
        yield el("p", "Nothing was looked at.")
    elif not document["clients"] or document["kubernetes"]:
        yield tables.overview(found)


def _subject(subject: Subject, number: int, now: str, *, alone: bool) -> Markup:
    """One target, pull or cluster, with all that is known about it."""
    level = 2 if alone else 3
    heading = el("h1" if alone else "h2", breakable(subject.title), id=f"h{number}", class_="name")
    parts = [
        tables.chip(subject.verdict, subject.headline),
        heading,
        *_named(subject),
        el("p", prose(subject.summary), class_="lead"),
        *(el("p", "Taken as: ", prose(each)) for each in subject.entry.get("assumed", ())),
    ]
    if subject.hops:
        start = "this machine" + (f" ({subject.client})" if subject.client else "")
        end = "API server" if subject.kind == "cluster" else ""
        parts += [_section(level, "The path", path(subject.hops, subject.findings, start, end))]
    if subject.kind == "pull":
        parts.append(_section(level, "Whom it hits", pulls.pull(subject.entry)))
    parts += _causes(subject, now, level)
    if subject.others:
        parts.append(_section(level, "Also seen", findings.others(subject.others)))
    looked = list(_looked(subject, level))
    if looked and not alone:
        head = el("summary", "Every check, and the time that each layer took")
        looked = [el("details", head, *looked, class_="more")]
    parts += looked
    if subject.kind == "cluster":
        parts.append(pulls.left_out(subject.entry, level))
    return el(
        "article",
        *parts,
        id=f"s{number}",
        class_=tables.state(subject.verdict),
        aria_labelledby=f"h{number}",
    )


def _named(subject: Subject) -> Iterator[Markup]:
    if subject.source:
        yield el("p", "Named in ", el("code", subject.named), class_="how")
    if subject.not_tried:
        left = many([", ".join(subject.not_tried)])
        yield el("p", "Left out or not reached in time: ", left, class_="how")


def _looked(subject: Subject, level: int) -> Iterator[Markup]:
    if drawn := waterfall(subject.hops):
        said = "Each host from its own start, layer after layer, in milliseconds."
        yield _section(level, "Time", el("p", said, class_="how"), drawn)
    if subject.checks:
        yield _section(level, "The checks", tables.checks(subject.checks))


def _section(level: int, title: str, *children: str) -> Markup:
    return el("section", el(f"h{level}", title, class_="part"), *children, class_="plain")


def _causes(subject: Subject, now: str, level: int) -> list[Markup]:
    return [
        findings.cause(each, label, subject.summary, now, level)
        for label, each in subject.labelled()
    ]
