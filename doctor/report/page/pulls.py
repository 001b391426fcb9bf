"""Whom does a cause in a cluster hit, and what did the cluster itself say?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.report.page.markup import Markup, el, many, prose

_MOST_NODES = 12
Entry = Mapping[str, Any]


def pull(entry: Entry) -> Markup:
    """Pods, nodes and workloads of one cause."""
    nodes = entry["nodes"]
    more = len(nodes) - _MOST_NODES
    named = ", ".join(nodes[:_MOST_NODES]) + (f" and {more} more" if more > 0 else "")
    facts = {
        "pods": str(entry["pods"]),
        "reason": entry["reason"],
        "nodes": named or "none",
        "namespaces": ", ".join(entry["namespaces"]),
        "other images": ", ".join(entry["images"][1:]),
        "since": _minute(entry["oldest"]),
        "last seen": _minute(entry["newest"]),
    }
    rows = (el("div", el("dt", k), el("dd", str(v))) for k, v in facts.items() if v)
    return many([el("dl", *rows, class_="facts"), _workloads(entry), _message(entry)])


def _minute(stamp: str | None) -> str:
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else ""


def _workloads(entry: Entry) -> Markup:
    if not entry["workloads"]:
        return Markup("")
    head = el(
        "tr",
        el("th", "workload", scope="col"),
        el("th", "containers", scope="col"),
        el("th", "pods", scope="col", class_="number"),
    )
    rows = (
        el(
            "tr",
            el("th", f"{w['kind']}/{w['name']}", _namespace(w), scope="row"),
            el("td", ", ".join(w["containers"])),
            el("td", str(w["pods"]), class_="number"),
        )
        for w in entry["workloads"]
    )
    table = el("table", el("caption", "Who waits"), el("thead", head), el("tbody", *rows))
    return el("div", table, class_="wide", tabindex=0, role="group", aria_label="Who waits")


def _namespace(workload: Entry) -> Markup:
    return el("span", f" in {workload['namespace']}", class_="how")


def _message(entry: Entry) -> Markup:
    if not entry["message"]:
        return Markup("")
    return el("blockquote", el("p", str(entry["message"])), class_="message")


def left_out(cluster: Entry, level: int) -> Markup:
    """What was not read, and why; its heading is of that level."""
    if not cluster["left_out"]:
        return Markup("")
    rows = (
        el(
            "li",
            prose(f"{each['what']}: {each['why']}"),
            f" (namespace {each['namespace']})" if each["namespace"] else "",
        )
        for each in cluster["left_out"]
    )
    return el(
        "section", el(f"h{level}", "Not read", class_="part"), el("ul", *rows), class_="plain"
    )
