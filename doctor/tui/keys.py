"""Which keys are there, what does each do, and why does it do nothing here? For the help page, the
command palette, and whoever presses one that does not apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.screen import Screen

if TYPE_CHECKING:
    from doctor.tui.sitting import Sitting

KEYS = (
    ("arrows, Tab", "move: along the path, through lists, from part to part"),
    ("Enter", "open what is chosen"),
    ("Space", "read on: the lines that are out of sight"),
    ("Esc", "go back"),
    ("c", "copy the command that ▸ points at; the mark goes to the next"),
    ("1 … 9", "copy the command of that step"),
    ("n", "another way to mend it, where there are several"),
    ("r", "run again: all targets, or the one that is open"),
    ("R", "of several targets run again only those that are not well"),
    ("w", "watch: run again at intervals until it works, and say what changed"),
    ("v", "look as the next client of this machine"),
    ("a", "look as all clients of this machine, side by side; in a cluster, at all namespaces"),
    ("e", "export the report, in any format"),
    ("b", "write a support bundle"),
    ("p, t", "of a cluster's pull: probe its image, after asking; the images that were probed"),
    ("/", "filter what is shown"),
    ("Ctrl+P", "all commands by name; themes too"),
    ("q", "quit; Ctrl+Q and Ctrl+C everywhere"),
)


_ASKED = "rRwvaebc123456789"
EXPLAINED = [Binding(key, f"explain('{key}')", show=False) for key in _ASKED]
"""Where no screen takes the key, it says why."""
_ELSEWHERE = frozenset({"app.focus_next", "app.focus_previous"})
"""What Textual binds to keys that are their own name."""


def applies(action: str, sitting: Sitting | None) -> bool | None:
    """What does not apply now is grey (None); what there is none of is not there."""
    if action == "export":
        return True if sitting and sitting.document else None
    if action in ("next_client", "all_clients"):
        return bool(sitting and sitting.elsewhere)
    if action in ("again", "watch", "bundle", "again_unwell") and not (sitting and sitting.live):
        return False
    if action == "bundle":
        return True if sitting and sitting.report else None
    if action == "again_unwell":
        return bool(sitting and len(sitting.targets) > 1)
    return True


def why_not(key: str, sitting: Sitting) -> str:
    """Why does this key do nothing here? "": in a moment it will."""
    if key in "rRwbva" and not sitting.live:
        return f"This was opened from a file, and {_how(sitting)}. To look now: doctor TARGET"
    if key == "R":
        return "R is for several targets; r runs this one again."
    if key in "va":
        return "No other client looks at this."
    if key in "eb":
        return "There is no report yet."
    return "" if key in "rw" else "There is no command to copy here."


def _how(sitting: Sitting) -> str:
    """What became of a bundle's facts, or of a report, when it was opened."""
    origin = (sitting.document or {}).get("origin") or {}
    return "was judged again here" if origin.get("judged_again") else "is shown as recorded"


def commands(screen: Screen[Any]) -> Iterator[tuple[str, Binding, str]]:
    """What can be done on that screen now: name, key and action, each name once."""
    told: set[str] = set()
    for _, binding, enabled, _ in screen.active_bindings.values():
        own = hasattr(screen, f"action_{binding.action.partition('(')[0]}")
        ours = own or binding.action.startswith("app.")
        ours = ours and binding.action not in _ELSEWHERE
        if enabled and ours and binding.description and binding.description not in told:
            told.add(binding.description)
            yield binding.description, binding, binding.action
