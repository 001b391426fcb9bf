"""Which client sees what, layer by layer? Clients side by side, from the document's comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from doctor.tui.ink import DIM, STATES, STRONG, STYLES, SYMBOLS, ink, line, wrapped

_SHORT = {
    "passed": "ok",
    "warning": "warn",
    "failed": "FAIL",
    "blocked": "not",
    "not done": "open",
}
_CELL = 8


def layers(
    document: Mapping[str, Any], target: Mapping[str, Any], clients: int, width: int
) -> list[Content]:
    """The table. `clients`: how many could be compared here."""
    rows = [r for r in document["clients"] or [] if r["target"] == target["target"]]
    if not rows:
        said = f"This is how {target['client']} sees it. "
        said += "v looks as the next client" if clients > 1 else "No other client was found here"
        said += "; a compares all clients of this machine." if clients > 1 else "."
        return wrapped(said, width, "", DIM)
    names = list(dict.fromkeys(layer["name"] for row in rows for layer in row["layers"]))
    first = max(len(r["client"]) for r in rows) + 2
    if first + _CELL * len(names) <= width:
        lines = [line(" " * first, *[(f"{n[: _CELL - 1]:<{_CELL}}", DIM) for n in names])]
        for row in rows:
            how = {layer["name"]: layer["status"] for layer in row["layers"]}
            lines.append(
                line((f"{row['client']:<{first}}", STRONG), *[_cell(how.get(n)) for n in names])
            )
    else:
        first = max(map(len, names)) + 2
        cell = max(_CELL, min(12, (width - first) // len(rows)))
        heads = [(f"{r['client'][: cell - 1]:<{cell}}", STRONG) for r in rows]
        lines = [line(" " * first, *heads)]
        for name in names:
            found = [
                next((x["status"] for x in row["layers"] if x["name"] == name), None)
                for row in rows
            ]
            lines.append(line((f"{name:<{first}}", DIM), *[_cell(s, cell) for s in found]))
    lines.append(Content(""))
    for row in rows:
        ends = f"ends at {row['first_failing']}" if row["first_failing"] else "comes through"
        why = f" ({', '.join(row['root_causes'])})" if row["root_causes"] else ""
        state = STATES[row["verdict"]]
        lead = line((f"{SYMBOLS[state]} ", STYLES[state]), (f"{row['client']:<12}", STRONG))
        lines += wrapped(f"{ends}{why}", width, lead)
    return lines


def _cell(status: str | None, cell: int = _CELL) -> Content:
    if status is None:
        return ink(" " * cell)
    state = STATES[status]
    return ink(f"{SYMBOLS[state]} {_SHORT[state]}".ljust(cell), STYLES[state])
