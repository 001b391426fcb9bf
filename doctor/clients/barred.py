"""What on the way to a file hinders this user, and who can give it back?

A home whose `.docker` is root's (as after `sudo docker login`) looks to many a client like one
without a login. A folder is handed over only where it lies below a home that is this user's own:
with HOME=/root left over from a `su`, that would be somebody else's.
"""

from __future__ import annotations

import os
import stat
from pathlib import PurePath

from doctor.facts.credential import Barred
from doctor.root import is_foreign, located


def look(root: str, path: str, home: str) -> Barred | None:
    """The first folder on the way that may not be entered, or the file that may not be read; None
    where the permission bits do not say."""
    place = PurePath(located(root, path))
    for each in (*reversed(place.parents), place):
        if not _may(each, os.R_OK if each == place else os.X_OK):
            return _barred(root, each, PurePath(located(root, home)))
    return None


def _may(place: PurePath, right: int) -> bool:
    return os.access(place, right, effective_ids=os.access in os.supports_effective_ids)


def _barred(root: str, place: PurePath, home: PurePath) -> Barred:
    shown = str(place)
    if is_foreign(root):
        shown = os.path.normpath(f"/{os.path.relpath(place, os.path.realpath(root))}")
    try:
        status = os.stat(place)
    except OSError:
        return Barred(shown)
    mode = stat.S_IMODE(status.st_mode)
    if is_foreign(root):
        return Barred(shown, status.st_uid, mode)
    if status.st_uid == os.geteuid():
        return Barred(shown, status.st_uid, mode, "chmod", shown)
    theirs = _not_mine(home, place)
    return Barred(shown, status.st_uid, mode, "chown" if theirs else "", theirs)


def _not_mine(home: PurePath, place: PurePath) -> str:
    """The uppermost part of the way from this user's own home that is somebody else's; "" where the
    home is not this user's, or the place not below it."""
    real = PurePath(os.path.realpath(place))
    base = PurePath(os.path.realpath(home))
    if _owner(base) != os.geteuid() or base not in real.parents:
        return ""
    way = [each for each in (*reversed(real.parents), real) if base in each.parents]
    return next((str(each) for each in way if _owner(each) != os.geteuid()), "")


def _owner(place: PurePath) -> int:
    try:
        return os.stat(place).st_uid
    except OSError:
        return -1
