"""Which version of a package does RPM's database say is installed?

The database that RPM has had since 4.16 (Fedora 33, RHEL 9): SQLite, with a table that leads from a
name to the packages, whose headers are kept as they stand in a package's file (RPM's
docs/manual/format_header.md): a list of tags, then their values. It is read as it lies there,
nothing is started and nothing written, a write-ahead log beside it passed over. The Berkeley DB of
RHEL 8 and the ndb of SUSE are not read.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator
from urllib.parse import quote

from doctor.clients.machine import Machine

_PLACES = ("/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite")
_LARGEST = 1 << 29
"""Bytes of a database that is opened; few of its pages are read."""
_LARGEST_HEADER = 1 << 24
_MOST_STEPS = 200
"""Times ten thousand instructions of SQLite's, for a look-up by an index that takes a few."""
_VERSION = 1001
_STRING = 6
_FIND = "SELECT blob FROM Packages WHERE hnum IN (SELECT hnum FROM Name WHERE key = ?) LIMIT 9"


def versions(machine: Machine, name: str) -> Iterator[str]:
    """Of every installed package of that name; none where no database says it."""
    for path in _PLACES:
        size = machine.size(path)
        if size is not None and 0 < size <= _LARGEST:
            yield from filter(None, map(version_in, _headers(machine.located(path), name)))
            return


def _headers(place: str, name: str) -> list[bytes]:
    import sqlite3

    steps = itertools.count()

    def tired() -> int:
        return next(steps) > _MOST_STEPS

    address = f"file:{quote(place)}?mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_HEADER)
            database.set_progress_handler(tired, 10_000)
            database.execute("PRAGMA trusted_schema = OFF")
            found = [row[0] for row in database.execute(_FIND, (name,))]
    except (sqlite3.Error, ValueError, OverflowError):
        return []
    return [each for each in found if isinstance(each, bytes)]


def version_in(header: bytes) -> str:
    """What a header says; "" where it says none."""
    if len(header) < 8:
        return ""
    entries, length = struct.unpack_from(">II", header)
    start = 8 + 16 * entries
    values = header[start : start + length]
    for at in range(8, min(start, len(header) - 15), 16):
        tag, kind, offset, _ = struct.unpack_from(">IIII", header, at)
        if (tag, kind) == (_VERSION, _STRING):
            return values[offset : offset + 200].split(b"\0")[0].decode("utf-8", "replace")
    return ""
