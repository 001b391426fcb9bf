"""Which checks are there? The built-in ones, and those of installed plug-ins.

A plug-in is a package with an entry point in the group `doctor.checks` that names a module with a
`CHECK` and, beside it, a .toml of the same name. Reading every package's metadata costs more than a
diagnosis has to spare, so the entry point files are searched for the group's name first, and
importlib.metadata is loaded only where one has it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from doctor.frozen import frozen
from doctor.model import Check

GROUP = "doctor.checks"


@frozen
class Installed:
    """All checks that can run, the word files that plug-ins bring, and what kept a plug-in out."""

    checks: tuple[Check, ...]
    words: tuple[tuple[str, Path], ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    """Check id -> package, for those of plug-ins."""
    problems: tuple[str, ...] = ()


@cache
def installed() -> Installed:
    """Load every check. A plug-in that does not import, or takes a name that is taken, is left out,
    and why is said."""
    from doctor.checks import BUILT_IN

    checks: list[Check] = []
    for name in BUILT_IN:
        module = importlib.import_module(f"doctor.checks.{name}")
        checks.append(module.CHECK)
    words: list[tuple[str, Path]] = []
    origins: list[tuple[str, str]] = []
    problems: list[str] = []
    for entry, package, load in _entry_points():
        try:
            module = load()
            check = module.CHECK
            if not isinstance(check, Check):
                raise TypeError(
                    f"{module.__name__}.CHECK is {type(check).__name__}, not doctor.model.Check"
                )
            file = Path(str(module.__file__)).with_suffix(".toml")
            if not file.is_file():
                raise FileNotFoundError(
                    f"{file.name} is not beside {Path(str(module.__file__)).name}"
                )
        except Exception as problem:
            problems.append(
                f"plug-in {entry} of {package} was left out: {type(problem).__name__}: {problem}"
            )
            continue
        if check.id in {c.id for c in checks}:
            problems.append(
                f"plug-in {entry} of {package} was left out: a check named {check.id} exists"
            )
            continue
        checks.append(check)
        words.append((f"{package} {file.name}", file))
        origins.append((check.id, package))
    return Installed(tuple(checks), tuple(words), tuple(origins), tuple(problems))


def _entry_points() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    if not _any_plugin():
        return
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        package = point.dist.name if point.dist else "?"
        if package != "registry-doctor":
            yield point.name, package, point.load


def _any_plugin() -> bool:
    """Does any installed distribution but our own mention the group?"""
    for folder in dict.fromkeys(p for p in sys.path if p):
        try:
            names = [
                e.name for e in os.scandir(folder) if e.name.endswith((".dist-info", ".egg-info"))
            ]
        except OSError:
            continue
        for name in names:
            if name.startswith("registry_doctor"):
                continue
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as file:
                    if GROUP in file.read(65536):
                        return True
            except OSError:
                continue
    return False
