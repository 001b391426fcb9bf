"""How long did each layer of each host take? A waterfall as inline SVG, its lengths in per cent so
that it fits any width while its letters keep their size.

The document holds how long each layer took and not when it began, so every host starts at zero and
its layers follow one another, as they must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.report.page.markup import Markup, el
from doctor.report.page.path import LAYERS
from doctor.report.terms import hop_name

_LEFT, _WIDE = 13.0, 72.0
"""Per cent: where the bars begin, and how far they may go."""
_ROW, _HEAD, _AXIS = 20, 28, 22
_LONGEST = 86_400_000.0
"""A day: a report of somebody else's may say anything."""
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000)
Entry = Mapping[str, Any]
Row = tuple[str, float, float]
"""Layer, start and length in milliseconds."""


def waterfall(hops: Sequence[Entry]) -> Markup:
    """The drawing; empty where nothing was timed."""
    rows = [(hop_name(hop), list(_rows(hop["timings_ms"]))) for hop in hops]
    rows = [(name, own) for name, own in rows if own]
    if not rows:
        return Markup("")
    longest = max(start + length for _, own in rows for _, start, length in own) or 1.0
    height = _AXIS + sum(_HEAD + _ROW * len(own) for _, own in rows) + 4
    parts: list[Markup] = list(_axis(longest, height))
    y = _AXIS
    for name, own in rows:
        parts.append(el("text", name, x=0, y=y + 18, class_="host"))
        y += _HEAD
        for row in own:
            parts += _bar(row, y, longest)
            y += _ROW
    spoken = "; ".join(
        f"{name}: {', '.join(f'{layer} {length:.1f} ms' for layer, _, length in own)}"
        for name, own in rows
    )
    label = f"Time that each layer took. {spoken}"
    return el("svg", *parts, class_="waterfall", role="img", aria_label=label, height=height)


def _rows(timings: Mapping[str, float]) -> Iterator[Row]:
    start = 0.0
    for layer in LAYERS:
        if layer in timings:
            length = min(float(timings[layer]), _LONGEST)
            yield layer, start, length
            start += length


def _axis(longest: float, height: int) -> Iterator[Markup]:
    step = next((s for s in _STEPS if longest / s <= 4), longest / 4)
    for number in range(int(longest / step) + 1):
        x = _at(number * step, longest)
        yield el("line", x1=x, x2=x, y1=_AXIS - 4, y2=height, class_="tick")
        label = f"{number * step:g}" + (" ms" if number == 0 else "")
        yield el("text", label, x=x, y=_AXIS - 9, class_="scale", text_anchor="middle")


def _bar(row: Row, y: int, longest: float) -> Iterator[Markup]:
    layer, start, length = row
    yield el("text", layer, x=4, y=y + 13, class_="layer")
    wide = f"{max(_WIDE * length / longest, 0.4):.2f}%"
    yield el("rect", x=_at(start, longest), y=y + 3, width=wide, height=13, rx=2, class_=layer)
    took = f"{length:.1f}" if length < 100 else f"{length:.0f}"
    yield el("text", took, x=_at(start + length, longest), dx=6, y=y + 13, class_="took")


def _at(ms: float, longest: float) -> str:
    return f"{_LEFT + _WIDE * ms / longest:.2f}%"
