"""Which keys are there, and what does each do? For the help page and the command palette."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

KEYS = (
    ("arrows, Tab", "move: along the path, through lists, from part to part"),
    ("Enter", "open what is chosen"),
    ("Esc", "go back"),
    ("c", "copy the command that ▸ points at; the mark goes to the next"),
    ("1 … 9", "copy the command of that step"),
    ("n", "another way to mend it, where there are several"),
    ("r", "run again: all targets, or the one that is open"),
    ("R", "of several targets run again only those that are not well"),
    ("w", "watch: run again at intervals until all is well, and say what changed"),
    ("v", "look as the next client of this machine"),
    ("a", "look as all clients of this machine, side by side"),
    ("e", "export the report, in any format"),
    ("b", "write a support bundle"),
    ("p, t", "of a cluster's pull: probe its image, after asking; the images that were probed"),
    ("/", "filter what is shown"),
    ("Ctrl+P", "all commands by name; themes too"),
    ("q", "quit; Ctrl+Q and Ctrl+C everywhere"),
)


def commands(screen: Screen[Any]) -> Iterator[tuple[str, Binding, str]]:
    """What can be done on that screen now: name, key and action, each name once."""
    told: set[str] = set()
    for _, binding, enabled, _ in screen.active_bindings.values():
        own = hasattr(screen, f"action_{binding.action.partition('(')[0]}")
        ours = own or binding.action.startswith("app.")
        if enabled and ours and binding.description and binding.description not in told:
            told.add(binding.description)
            yield binding.description, binding, binding.action
