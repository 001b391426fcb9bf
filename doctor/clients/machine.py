"""Whose files and whose environment are read, and what stands there?

Every reader of client configuration takes a `Machine`: this one, a mounted node, an extracted
bundle or a test's folder. What it names is looked for below its root, by the rule of `doctor.root`;
what is no file, or a larger one than any client's, is an answer and no exception.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from doctor.frozen import frozen
from doctor.root import is_foreign, located, place, read

if TYPE_CHECKING:
    from doctor.facts.client import ConfigFault
    from doctor.facts.credential import Barred

CAP = 1 << 20
"""Bytes of a configuration file that are read; a larger one is refused."""
_MOST_NAMES = 4000
_OF_ANY_MACHINE = ("HOME", "PATH", "USER", "LOGNAME")
"""The variables that count below another machine's root too."""

Reason = Literal["missing", "forbidden", "directory", "special", "too-large", "loop", "broken"]


@frozen
class Text:
    """A file that was read. `path` is as the client names it (below the root), `mode` holds the
    permission bits."""

    path: str
    text: str = field(repr=False)
    mode: int = 0o600
    uid: int = 0
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
    barred: Barred | None = None

    def fault(
        self, effect: str, *, client: str = "the client", root: bool = False, stops: bool = True
    ) -> ConfigFault:
        """What `client` does about it; but what is refused here alone (a FIFO, a larger file than
        any client's, and what is root's where the client is `root`) it may read all the same."""
        from doctor.facts.client import ConfigFault

        if self.reason in ("special", "too-large") or (root and self.reason == "forbidden"):
            effect, stops = f"{client} may read it all the same; it was not read here", False
        return ConfigFault(self.path, f"it cannot be read: {self.detail}", effect, 1, stops=stops)


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
        return is_foreign(self.root)

    def variable(self, name: str) -> str:
        """An environment variable; empty and unset are the same to every client we know."""
        return self.environ.get(name, "")

    def read(self, path: str, limit: int = CAP) -> Text | Unread:
        """The text of a regular file of at most `limit` bytes, or why not. Undecodable bytes become
        U+FFFD."""
        try:
            file = read(self.root, path, limit)
        except OSError as error:
            reason, barred = _reason(error), None
            if reason == "forbidden":
                from doctor.clients.barred import look

                barred = look(self.root, path, self.home)
            return Unread(path, reason, error.strerror or "", barred)
        except ValueError:
            return Unread(path, "broken", "the path holds a NUL character")
        status = file.status
        if not file.whole:
            return Unread(path, "too-large", f"{status.st_size} bytes; at most {limit} are read")
        return Text(
            path=path,
            text=file.data.decode("utf-8", "replace"),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            modified=status.st_mtime,
            open_to=_open_to(file.place, status),
        )

    def is_file(self, path: str) -> bool:
        """Does something that is no folder stand there? What Go programs ask before they open a
        file."""
        try:
            return not stat.S_ISDIR(os.stat(self._place(path)).st_mode)
        except (OSError, ValueError):
            return False

    def size(self, path: str) -> int | None:
        """Bytes of a regular file; None where there is none."""
        try:
            status = os.stat(self._place(path))
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

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
            if self.is_program(f"{folder}/{program}"):
                return os.path.join(folder, program)
        return None

    def is_program(self, path: str) -> bool:
        """Is it a file that somebody may execute?"""
        try:
            mode = os.stat(self._place(path)).st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(mode) and bool(mode & 0o111)

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

    def located(self, path: str) -> str:
        """Where the file lies for this process, to be read later: by OpenSSL, say."""
        return located(self.root, path)

    def _place(self, path: str) -> str:
        return place(self.root, path)


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


def shells(environ: Mapping[str, str], root: str) -> dict[str, str]:
    """What of this shell's environment counts for the machine below `root`. Of another machine's
    users only the home is taken from here: a proxy, a file or a daemon that a variable of this
    shell names is not theirs."""
    if not is_foreign(root):
        return dict(environ)
    return {name: environ[name] for name in _OF_ANY_MACHINE if name in environ}
