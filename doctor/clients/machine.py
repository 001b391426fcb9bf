"""Whose files and whose environment are read, and how is a file read that somebody else may have
prepared?

Every reader of client configuration takes a `Machine`: this one, a mounted node, an extracted
bundle or a test's folder. Below another root, links and `..` stay inside it, as after a chroot: a
bundle whose `config.json` points to `/etc/shadow` must not show this machine's. A FIFO, a device or
a file of gigabytes is refused by name rather than waited for.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from doctor.frozen import frozen

CAP = 1 << 20
"""Bytes of a configuration file that are read; a larger one is refused."""
_MOST_LINKS = 40
"""As Linux counts them before it says ELOOP."""
_MOST_NAMES = 4000

Reason = Literal["missing", "forbidden", "directory", "special", "too-large", "loop", "broken"]


@frozen
class Text:
    """A file that was read. `path` is as the client names it (below the root), `mode` holds the
    permission bits."""

    path: str
    text: str = field(repr=False)
    mode: int = 0o600
    uid: int = 0
    gid: int = 0
    modified: float = 0.0
    """Seconds since the epoch."""
    open_to: Literal["", "group", "others"] = ""
    """Who besides the owner can read it, the folders above taken into account."""


@frozen
class Unread:
    """Why a file was not read. `detail` is the system's own word for it."""

    path: str
    reason: Reason
    detail: str = ""


@frozen
class Machine:
    """`root` is a folder of this machine; all other paths are the looked-at machine's own."""

    root: str = "/"
    environ: Mapping[str, str] = field(default_factory=dict)
    home: str = "/root"
    uid: int = 0

    @classmethod
    def here(cls, environ: Mapping[str, str], root: str = "/") -> Machine:
        """The machine below `root` as the user of this process with this environment sees it."""
        uid = os.getuid() if hasattr(os, "getuid") else 0
        return cls(root=root, environ=environ, home=environ.get("HOME") or _home(uid), uid=uid)

    @property
    def foreign(self) -> bool:
        """Is it another machine's tree? Then none of its programs may be started here."""
        return os.path.realpath(self.root) != "/"

    def variable(self, name: str) -> str:
        """An environment variable; empty and unset are the same to every client we know."""
        return self.environ.get(name, "")

    def read(self, path: str, limit: int = CAP) -> Text | Unread:
        """The text of a regular file of at most `limit` bytes, or why not. Undecodable bytes become
        U+FFFD."""
        try:
            place = self._place(path)
            descriptor = os.open(
                place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | self._no_follow
            )
        except OSError as error:
            return Unread(path, _reason(error), os.strerror(error.errno or 0))
        except ValueError:
            return Unread(path, "broken", "the path holds a NUL character")
        try:
            return self._take(path, place, descriptor, limit)
        finally:
            os.close(descriptor)

    def _take(self, path: str, place: str, descriptor: int, limit: int) -> Text | Unread:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            return Unread(path, "directory", "it is a folder")
        if not stat.S_ISREG(status.st_mode):
            return Unread(path, "special", "it is not a regular file")
        if status.st_size > limit:
            return Unread(path, "too-large", f"{status.st_size} bytes; at most {limit} are read")
        data = b""
        try:
            while len(data) <= limit and (piece := os.read(descriptor, 65536)):
                data += piece
        except OSError as error:
            return Unread(path, _reason(error), os.strerror(error.errno or 0))
        if len(data) > limit:
            return Unread(path, "too-large", f"more than {limit} bytes")
        return Text(
            path=path,
            text=data.decode("utf-8", "replace"),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            modified=status.st_mtime,
            open_to=_open_to(place, status),
        )

    def is_file(self, path: str) -> bool:
        """Does something that is no folder stand there? What Go programs ask before they open a
        file."""
        try:
            return not stat.S_ISDIR(os.stat(self._place(path)).st_mode)
        except (OSError, ValueError):
            return False

    def is_folder(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.stat(self._place(path)).st_mode)
        except (OSError, ValueError):
            return False

    def search_path(self) -> tuple[str, ...]:
        """The folders of PATH in which Go looks for a program: relative ones are passed over
        (os/exec, ErrDot)."""
        return tuple(p for p in self.variable("PATH").split(os.pathsep) if p.startswith("/"))

    def which(self, program: str) -> str | None:
        """Where on PATH an executable of that name lies, or None."""
        if "/" in program or not program:
            return None
        for folder in self.search_path():
            try:
                mode = os.stat(self._place(f"{folder}/{program}")).st_mode
            except (OSError, ValueError):
                continue
            if stat.S_ISREG(mode) and mode & 0o111:
                return os.path.join(folder, program)
        return None

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, sorted; none where it is missing or may not be read."""
        try:
            return tuple(sorted(os.listdir(self._place(folder)))[:_MOST_NAMES])
        except (OSError, ValueError):
            return ()

    def link(self, path: str) -> str:
        """What a symbolic link says; "" where there is none."""
        folder, _, name = path.rpartition("/")
        try:
            return os.readlink(os.path.join(self._place(folder or "/"), name))
        except (OSError, ValueError):
            return ""

    @property
    def _no_follow(self) -> int:
        return os.O_NOFOLLOW if self.foreign else 0

    def _place(self, path: str) -> str:
        return place(self.root, path) if self.foreign else path


def place(root: str, path: str) -> str:
    """Where the path of the machine below `root` lies in this process's own file system, links
    taken as that machine takes them. Raises OSError(ELOOP) for circular links."""
    base = os.path.realpath(root)
    parts = [p for p in reversed(path.split("/")) if p not in ("", ".")]
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
        parts += [p for p in reversed(link.split("/")) if p not in ("", ".")]
    return os.path.join(base, *inside)


def _home(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_dir
    except (ImportError, KeyError):
        return "/root" if uid == 0 else "/"


def _reason(error: OSError) -> Reason:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "missing"
        case errno.EACCES | errno.EPERM:
            return "forbidden"
        case errno.ELOOP:
            return "loop"
        case errno.EISDIR:
            return "directory"
        case errno.ENXIO:
            return "special"
        case _:
            return "broken"


def _open_to(place: str, status: os.stat_result) -> Literal["", "group", "others"]:
    """A group whose number is its owner's is taken for that user's private one, and root's for
    nobody's."""
    others = bool(status.st_mode & stat.S_IROTH)
    group = bool(status.st_mode & stat.S_IRGRP) and status.st_gid not in (0, status.st_uid)
    folder = os.path.dirname(os.path.realpath(place))
    while (others or group) and folder:
        try:
            mode = os.stat(folder).st_mode
        except OSError:
            break
        others = others and bool(mode & stat.S_IXOTH)
        group = group and bool(mode & (stat.S_IXGRP | stat.S_IXOTH))
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    return "others" if others else "group" if group else ""
