"""What is judged otherwise than when it was recorded? Two documents of one bundle -> sentences.

A cluster's pulls may be grouped otherwise today: they are compared by whom they hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.redact import plain

_NAMED = 3
_MOST = 12
"""Sentences about the pulls of one cluster."""


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A sentence for each change."""
    several = len(now["targets"]) > 1
    found = []
    for old, new in zip(then["targets"], now["targets"], strict=True):
        about = f"{plain(str(new['target']), 80)} ({plain(new['client'])}): " if several else ""
        found += [f"{about}{each}" for each in _of_target(old, new)]
    if then["kubernetes"] and now["kubernetes"]:
        about = "the cluster: " if now["targets"] else ""
        found += [f"{about}{e}" for e in _of_cluster(then["kubernetes"], now["kubernetes"])]
    return found


def _of_target(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from _verdict(old, new)
    if old["root_causes"] != new["root_causes"]:
        yield _causes(old["root_causes"], new["root_causes"])
    yield from _codes(_codes_of(old), _codes_of(new))


def _of_cluster(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from _verdict(old, new)
    before, after = _hit(old), _hit(new)
    hit: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for whom in dict.fromkeys([*before, *after]):
        was, now = before.get(whom, ()), after.get(whom, ())
        if was != now:
            hit.setdefault((was, now), []).append(whom)
    for (was, now), names in list(hit.items())[:_MOST]:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        named = ", ".join(plain(each, 200) for each in names[:_NAMED])
        yield f"{named}{more}: {_causes(was, now)}"
    if len(hit) > _MOST:
        yield f"{len(hit) - _MOST} more changes of this kind."
    beside = [
        dict.fromkeys(c for part in (each, *each["pulls"]) for c in _codes_of(part))
        for each in (old, new)
    ]
    yield from _codes(*beside)


def _hit(cluster: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Workload, and container -> the root causes of its pull."""
    found: dict[str, tuple[str, ...]] = {}
    for pull in cluster["pulls"]:
        for each in pull["workloads"]:
            whom = f"{each['kind']} {each['namespace']}/{each['name']}"
            for inside in each["containers"] or [""]:
                name = f"{whom} ({inside})" if inside else whom
                found[name] = (*found.get(name, ()), *pull["root_causes"])
    return found


def _verdict(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["verdict"] != new["verdict"]:
        yield f"the verdict was {old['verdict']} and is {new['verdict']}."


def _causes(old: Any, new: Any) -> str:
    was, now = (plain(", ".join(each) or "none", 200) for each in (old, new))
    return f"the root cause was {was} and is {now}."


def _codes_of(part: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(finding["code"] for finding in part["findings"])


def _codes(before: Mapping[str, None], after: Mapping[str, None]) -> Iterator[str]:
    if added := [code for code in after if code not in before]:
        yield f"found now: {', '.join(added)}."
    if gone := [code for code in before if code not in after]:
        yield f"no longer found: {plain(', '.join(gone), 400)}."
