"""How is what a report holds called, in every form but JSON?

The words for statuses and verdicts, the headline, the places that name a target, and the proof as
lines. Foreign text passes `plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.redact import plain

WORDS = {
    "pass": ("ok", "+"),
    "warn": ("warning", "!"),
    "fail": ("FAILED", "x"),
    "skip": ("not tried", "-"),
    "error": ("not done", "?"),
    "incomplete": ("INCOMPLETE", "?"),
}
VERDICTS = {
    "pass": "All is well",
    "warn": "Works, with warnings",
    "fail": "Cannot be pulled",
    "incomplete": "Incomplete",
}
_DEEPEST = 12
_PLACES = 5


def hop_name(hop: Mapping[str, Any]) -> str:
    """`host:port`, IPv6 in brackets: what the report's findings call the hop."""
    host = str(hop["host"])
    ipv6 = ":" in host and re.fullmatch(r"[0-9A-Fa-f:.]+(%[\w.-]+)?", host)
    return f"[{host}]:{hop['port']}" if ipv6 else f"{host}:{hop['port']}"


def begun(target: Mapping[str, Any]) -> bool:
    """Did its turn come before the run's time was over? Else there is no more to tell of it."""
    return bool(target["checks"]) or target["verdict"] != "incomplete"


def called(target: Mapping[str, Any]) -> str:
    """What the target is called: a part of a file that could not be read, by its line; nothing
    where a text names neither image nor host."""
    if target["target"] is None:
        return ""
    return plain(str(target["target"]), 200) or next(iter(places(target, 120)), "(an empty text)")


def headline(target: Mapping[str, Any]) -> str:
    """The verdict in words; of a run that left something out no more than it saw."""
    if target["vantage"] == "text":
        return "Told by the text"
    if target["verdict"] in ("pass", "warn") and target["not_tried"]:
        but = ", but warnings" if target["verdict"] == "warn" else ""
        return f"No fault in what was looked at{but}"
    if target["verdict"] == "fail" and not target["repository"]:
        return "Cannot be used"
    return VERDICTS[target["verdict"]]


def places(target: Mapping[str, Any], longest: int = 400) -> list[str]:
    """Every file and line that names the image, the first one first."""
    source = target.get("source")
    found = [*([source] if source else []), *target.get("also_named", ())]
    return [place(each, longest) for each in found]


def place(source: Mapping[str, Any], longest: int = 400) -> str:
    """A file and a line of it, in words."""
    if source["file"] == "-":
        return f"line {source['line']} of standard input"
    return f"{plain(source['file'], longest)}:{source['line']}"


def listed(named: Sequence[str]) -> str:
    """The first few of them."""
    more = len(named) - _PLACES
    return ", ".join(named[:_PLACES]) + (f" and {more} more places" if more > 0 else "")


def told_apart(remedies: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The remedies; one that is called as another before it says for which clients it is."""
    titles: set[str] = set()
    named = []
    for each in remedies:
        clients = ", ".join(each["for"]) if each["title"] in titles else ""
        titles.add(each["title"])
        named.append({**each, "title": f"{each['title']} ({clients})"} if clients else each)
    return named


def notes(step: Mapping[str, Any]) -> tuple[str, ...]:
    """What to know before a step is taken: whether it needs root, and what it changes."""
    changes = _CHANGES.get(step["changes"] or "", "")
    return tuple(filter(None, ("needs root" if step["root"] else "", changes)))


_CHANGES = {
    "user": "changes your settings",
    "machine": "changes this machine",
    "cluster": "changes the cluster",
    "registry": "changes the registry",
}


def evidence_lines(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """The proof as lines of `name: value`; nested structures by dotted names."""
    if depth > _DEEPEST:
        yield f"{plain(name, 80)}: …"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from evidence_lines(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and value and not any(_own_line(v) for v in value):
        yield f"{plain(name, 80)}: {plain(', '.join(str(v) for v in value), 600)}"
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from evidence_lines(inner, f"{name} {number}", depth + 1)
    elif value is not None and value != "":
        yield f"{plain(name, 80)}: {plain(str(value), 600)}"


def _own_line(item: Any) -> bool:
    """Is it a structure, or a sentence?"""
    return isinstance(item, Mapping | list) or (isinstance(item, str) and item.endswith("."))
