"""Where did the time go? A waterfall of the path, as a browser draws one.

A document holds how long each layer took, not when it began: the layers of a host follow each
other, and so do the hosts, in the order of the path. What ran side by side is drawn one after
another, and that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from doctor.report.terms import hop_name
from doctor.tui.ink import DIM, STRONG, clipped, ink, line, took

_LAYERS = ("dns", "tcp", "tls", "http")
_SHADES = {"dns": "$accent", "tcp": "$success", "tls": "$warning", "http": "$primary"}
_TEXTURE = {"dns": "░", "tcp": "▒", "tls": "▓", "http": "█"}


def timing(target: Mapping[str, Any], width: int) -> list[Content]:
    """The waterfall, and under it how long each check took."""
    spans = [
        (f"{hop['role']} {layer}", hop_name(hop), layer, hop["timings_ms"][layer])
        for hop in target["hops"]
        for layer in _LAYERS
        if isinstance(hop["timings_ms"].get(layer), int | float)
    ]
    total = sum(ms for *_, ms in spans)
    if not spans or total <= 0:
        return [ink("Nothing was timed.", DIM)]
    label = max(len(name) for name, *_ in spans) + 2
    room = max(10, width - label - 12)
    lines = [ink("Each layer of each host, one after another as on the path", DIM)]
    begun, last = 0.0, ""
    for name, host, layer, ms in spans:
        if host != last:
            lines.append(ink(clipped(host, width), STRONG))
            last = host
        start = min(room - 1, round(room * begun / total))
        length = max(1, min(room - start, round(room * ms / total)))
        bar = _TEXTURE[layer] * length
        lines.append(
            line(
                (f"{name:<{label}}", ""),
                " " * start,
                (bar, _SHADES[layer]),
                " " * (room - start - length),
                f" {took(ms) or '0 ms':>9}",
            )
        )
        begun += ms
    lines += [Content(""), ink("Each check, its waiting for answers included", DIM)]
    tried = [c for c in target["checks"] if c["status"] != "skip"]
    longest = max((c["duration_ms"] for c in tried), default=0) or 1
    for check in tried:
        length = round(room * min(1.0, check["duration_ms"] / longest))
        lines.append(
            line(
                (f"{clipped(check['name'], label - 1):<{label}}", ""),
                ("━" * length, "$primary"),
                " " * (room - length),
                f" {took(check['duration_ms']) or '0 ms':>9}",
            )
        )
    return lines
