"""Which keys are there, and what does each do? For the help page."""

from __future__ import annotations

KEYS = (
    ("arrows, Tab", "move: along the path, through lists, from part to part"),
    ("Enter", "open what is chosen"),
    ("Esc", "go back"),
    ("c", "copy the command that ▸ points at; the mark goes to the next"),
    ("1 … 9", "copy the command of that step"),
    ("n", "another way to mend it, where there are several"),
    ("r", "run again"),
    ("R", "run again what was not well"),
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
