"""Where does a path of the machine below a root folder lie, and what does the file there hold?

The root is `/`, a mounted node, an extracted bundle or a test's folder. Below another root than
this machine's, links and `..` stay inside it, as after a chroot: a bundle whose `config.json`
points to `/etc/shadow` must not show this machine's. A FIFO or a device is refused rather than
waited for, and no more is read than was asked for.

Standard library only, so that every room may use it: clients, trust stores and name resolution are
read below the same root, by this one rule.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import field

from doctor.frozen import frozen

_MOST_LINKS = 40
"""As Linux counts them before it says ELOOP."""
_MOST_KEPT = 1000

READ: dict[tuple[str, str], bytes] = {}
"""What this process has read, by root and path: a bundle takes along what the clients' settings
were when they were read. They may hold secrets, and leave masked or not at all."""


@frozen
class File:
    """A regular file. `data` holds its first bytes, up to the limit; `whole`: that is all of it.
    `place` is where it lies for this process."""

    place: str
    data: bytes = field(repr=False)
    whole: bool
    status: os.stat_result


def is_foreign(root: str) -> bool:
    """Is it another machine's tree?"""
    return os.path.realpath(root) != "/"


def place(root: str, path: str) -> str:
    """Where the path of the machine below `root` lies for this process, links taken as that machine
    takes them; below `/` the path itself. Raises OSError(ELOOP) for circular links, ValueError for
    a path with a NUL character."""
    if not is_foreign(root):
        return path
    base = os.path.realpath(root)
    parts = _steps(path)
    inside: list[str] = []
    links = 0
    while parts:
        part = parts.pop()
        if part == "..":
            inside = inside[:-1]
            continue
        try:
            link = os.readlink(os.path.join(base, *inside, part))
        except OSError:
            inside.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if link.startswith("/"):
            inside = []
        parts += _steps(link)
    return os.path.join(base, *inside)


def located(root: str, path: str) -> str:
    """The same for a file that is named to be read later: where the links are circular, a place
    that cannot be read."""
    try:
        return place(root, path)
    except (OSError, ValueError):
        return os.path.join(root, path.lstrip("/"), "circular")


def read(root: str, path: str, limit: int) -> File:
    """At most `limit` bytes of the regular file there. Raises OSError where there is none (EISDIR
    for a folder, ENXIO for a FIFO, a socket or a device), ValueError as `place` does."""
    found = place(root, path)
    # What has become a link since is not followed out of another root.
    flags = os.O_NOFOLLOW if is_foreign(root) else 0
    descriptor = os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, "it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.ENXIO, "it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) <= limit and len(READ) < _MOST_KEPT:
        READ[root, path] = data
    return File(found, data[:limit], len(data) <= limit, status)


def _steps(path: str) -> list[str]:
    """The names on the way, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
