"""Which checks are there? The built-in ones, and those of installed plug-ins.

A plug-in is a package with an entry point in the group `doctor.checks` that names a module with a
`CHECK` and, beside it, a .toml of the same name. Reading every package's metadata costs more than a
diagnosis has to spare, so the entry point files are searched for the group's name first, and
importlib.metadata is loaded only where one has it. What a plug-in does wrong keeps it out and is
said; it never ends the command, and what it prints is no data.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from doctor.frozen import frozen
from doctor.model import Check

GROUP = "doctor.checks"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

Load = Callable[[], Any]


@frozen
class Installed:
    """All checks that can run, the word files that plug-ins bring, and what kept a plug-in out."""

    checks: tuple[Check, ...]
    words: tuple[tuple[str, Path], ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    """Check id -> package, for those of plug-ins."""
    problems: tuple[str, ...] = ()


@cache
def installed(*, for_shell: bool = False) -> Installed:
    """Load every check (`for_shell`: but for those that ask nothing of a plain program). A plug-in
    that does not import, or takes a name that is taken, is left out, and why is said."""
    from doctor.checks import BUILT_IN, NOT_FOR_SHELL

    checks: list[Check] = []
    for name in BUILT_IN:
        if for_shell and name in NOT_FOR_SHELL:
            continue
        module = importlib.import_module(f"doctor.checks.{name}")
        checks.append(module.CHECK)
    words: list[tuple[str, Path]] = []
    origins: list[tuple[str, str]] = []
    problems: list[str] = []
    for entry, package, load in _entry_points():
        try:
            with contextlib.redirect_stdout(sys.stderr):
                check, file = _plugin(load, {c.id for c in checks})
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # a module may raise SystemExit, or what it likes
            what = f"plug-in {entry} of {package}" if entry else f"whatever {package} plugs in"
            problems.append(f"{what} was left out: {type(problem).__name__}: {problem}")
            continue
        checks.append(check)
        words.append((f"{package} {file.name}", file))
        origins.append((check.id, package))
    return Installed(tuple(checks), tuple(words), tuple(origins), tuple(problems))


def _plugin(load: Load, taken: Collection[str]) -> tuple[Check, Path]:
    """The check of a plug-in and the file of its words. Raises what is wrong with it."""
    module = load()
    check = module.CHECK
    where = f"{module.__name__}.CHECK"
    if not isinstance(check, Check):
        raise TypeError(f"{where} is {type(check).__name__}, not doctor.model.Check")
    for name in (check.name, check.part or check.name):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"{where} is named {name!r}; lower-case letters, digits and - can be")
    if check.scope not in ("hop", "target") or not callable(check.judge):
        raise TypeError(f'{where} needs a scope, "hop" or "target", and a judge to call')
    if check.id in taken:
        raise ValueError(f"a check named {check.id} exists")
    file = Path(str(module.__file__)).with_suffix(".toml")
    if not file.is_file():
        raise FileNotFoundError(f"{file.name} is not beside {Path(str(module.__file__)).name}")
    return check, file


def _entry_points() -> Iterator[tuple[str, str, Load]]:
    """Name, package and loader of each; no name, and a loader that raises, for a package whose
    entry points cannot be read."""
    if not _any_plugin():
        return
    from importlib.metadata import distributions

    found: dict[tuple[str, str], Load] = {}
    seen: set[str] = set()
    for distribution in distributions():
        package = "?"
        try:
            package = str(distribution.metadata["Name"] or "?")
            if package in seen or package == "registry-doctor":
                continue
            seen.add(package)
            for point in distribution.entry_points.select(group=GROUP):
                found[point.name, package] = point.load
        except Exception as problem:
            found["", package] = _raising(problem)
    for name, package in sorted(found):
        yield name, package, found[name, package]


def _raising(problem: Exception) -> Load:
    def load() -> Any:
        raise problem

    return load


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
            points = os.path.join(folder, name, "entry_points.txt")
            try:
                with open(points, encoding="utf-8", errors="replace") as file:
                    if GROUP in file.read(65536):
                        return True
            except OSError:
                continue
    return False
