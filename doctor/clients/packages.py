"""Which version of a program does the package manager say is installed?

Read from the lists of dpkg, apk and RPM; nothing is started. A program that no package brought is
in no list: then nobody knows.
"""

from __future__ import annotations

import re

from doctor.clients.machine import Machine, Text

_NUMBER = r"(\d+\.\d+(?:\.\d+)?)"
_LISTS = (
    (
        "/var/lib/dpkg/status",
        r"(?m)^Package: NAME\nStatus: install ok installed\n(?:.+\n)*?"
        rf"Version: (?:\d+:)?{_NUMBER}",
    ),
    ("/lib/apk/db/installed", rf"(?m)^P:NAME\n(?:.+\n)*?V:{_NUMBER}"),
)
_LISTED = 1 << 24
"""Bytes of a list of packages that are read."""


def version(machine: Machine, names: tuple[str, ...]) -> str:
    """Of the first of these packages that is installed, without the revision; "" where no
    list says it."""
    for path, pattern in _LISTS:
        got = machine.read(path, _LISTED)
        text = got.text if isinstance(got, Text) else ""
        for name in names:
            if found := re.search(pattern.replace("NAME", re.escape(name)), text):
                return found[1]
    from doctor.clients import rpmdb

    told = (each for name in names for each in rpmdb.versions(machine, name))
    return next((found[0] for each in told if (found := re.match(_NUMBER, each))), "")


def numbers(version: str) -> tuple[int, ...]:
    """`1.7.2` as numbers; (0, 0) where it is not known."""
    return tuple(int(part) for part in version.split(".")) if version else (0, 0)
