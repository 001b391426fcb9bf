"""Does a remedy mend what it is for? Its commands are pasted, in order, into a shell of that world.

What a person fills in (CA_FILE, RESOLVER …) is filled in; sudo is there and does as it is told;
`update-ca-certificates` is the real one, over the world's own /etc. Then the same shell runs
`doctor check` again, so that a remedy may also be a variable.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from tests.certificates import Issued
from tests.lab.world import Run, World

_LOCAL = "/usr/local/share"
_NOT_DONE = 97
"""The exit code of a script whose changing command failed."""


def remedy(run: Run, which: int = 0) -> dict[str, Any]:
    """The n-th remedy of the likeliest cause."""
    cause = next(f for f in run.findings if f["code"] == run.root_causes[0] and f["root_cause"])
    found: dict[str, Any] = cause["remedies"][which]
    return found


def mends(
    world: World,
    run: Run,
    *again: str,
    which: int = 0,
    words: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Run:
    """Carry out the remedy (the first) of the likeliest cause, and see that `doctor check` with
    these arguments then finds no error."""
    chosen = remedy(run, which)
    after = carry_out(world, chosen, *again, words=words or {}, env=env or {})
    assert after.exit == 0, f"{chosen}\n{after}"
    assert after.report["targets"][0]["verdict"] in ("pass", "warn"), after
    return after


def carry_out(
    world: World,
    chosen: Mapping[str, Any],
    *again: str,
    words: Mapping[str, str],
    env: Mapping[str, str],
) -> Run:
    """Run the remedy's commands and then `doctor check --json` with these arguments."""
    programs = programs_of(world)
    lines = [_line(step, words) for step in chosen["steps"] if step["command"]]
    check = shlex.join(["doctor", "check", "--json", *again])
    script = "\n".join(['cd "$HOME"', *lines, f"exec {check}"])
    path = f"{programs}:{world.environ['PATH']}"
    return world.run("sh", "-c", script, env={**env, "PATH": path})


def _line(step: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Standard output is the report's. A command that only looks may show a failure: that is what
    it is there for."""
    command = str(step["command"])
    for word, value in words.items():
        command = re.sub(rf"\b{word}\b", lambda _, v=value: shlex.quote(v), command)  # type: ignore[misc]
    failed = f"exit {_NOT_DONE}" if step["changes"] else "true"
    return f"{{ {command}\n}} >&2 || {failed}"


def programs_of(world: World) -> str:
    """The folder with `doctor` and `sudo` as a user of that machine has them."""
    folder = world.folder / "bin"
    if not folder.exists():
        folder.mkdir()
        for name, does in (("doctor", f"{sys.executable} -P -m doctor"), ("sudo", "")):
            file = folder / name
            file.write_text(f'#!/bin/sh\nexec {does} "$@"\n')
            file.chmod(0o755)
    return str(folder)


def own_trust_folder(world: World, *authorities: Issued) -> None:
    """Let /usr/local/share be the world's own, with these CAs (the lab's) where an administrator
    puts them: `update-ca-certificates` makes the bundle anew from there."""
    world.run("mount", "-t", "tmpfs", "none", _LOCAL)
    (world.etc / "ca-certificates.conf").write_text("")
    added = f"{_LOCAL}/ca-certificates"
    world.run("mkdir", added)
    for number, each in enumerate(authorities or (world.ca,)):
        world.run("sh", "-c", f"cat > {added}/lab{number}.crt", stdin=each.pem)
