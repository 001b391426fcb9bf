"""How does a file come to lie on the disk? Whole, or not at all, whatever ends the process.

On Linux it has no name while it is written (open(2), O_TMPFILE), so that even a process that is
killed leaves nothing behind; where a file system has no such files it is one beside the place, and
taken away again.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType


class Unplaced:
    """Those bytes in a file of that folder, which is nowhere to be seen until it is placed. With
    `sure` they were written out to the disk. Raises OSError where they cannot be written."""

    def __init__(self, folder: Path, data: bytes, mode: int = 0o600, *, sure: bool = False) -> None:
        self._folder, self._data, self._mode, self._sure = folder, data, mode, sure
        self._name: str | None = None
        self._descriptor = -1
        try:
            self._descriptor = self._opened()
            self._write()
        except BaseException:
            self.__exit__()
            raise

    def _opened(self) -> int:
        nameless = getattr(os, "O_TMPFILE", 0)
        with contextlib.suppress(OSError):
            if nameless and os.path.isdir("/proc/self/fd"):
                return os.open(self._folder, nameless | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._named()

    def _named(self) -> int:
        from tempfile import mkstemp

        descriptor, self._name = mkstemp(prefix=".doctor-", dir=self._folder)
        return descriptor

    def _write(self) -> None:
        rest = memoryview(self._data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        if self._sure:
            os.fsync(self._descriptor)
        os.fchmod(self._descriptor, self._mode)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._descriptor), "rb") as handle:
            if handle.read() != self._data:
                raise OSError(errno.EIO, "it reads back otherwise")

    def __enter__(self) -> Unplaced:
        return self

    def place(self, path: Path, *, over: bool = True) -> None:
        """Give it that name, which is no link; with `over` in the place of what was there. Raises
        FileExistsError, or OSError."""
        if self._name is None:
            try:
                return self._link(path)
            except OSError as error:
                if isinstance(error, FileExistsError) and not over:
                    raise
            self._beside()
        assert self._name is not None  # noqa: S101 - it has been given one
        if over:
            os.replace(self._name, path)
        else:
            _renamed_anew(self._name, path)
        self._name = None

    def _link(self, path: Path) -> None:
        os.link(f"/proc/self/fd/{self._descriptor}", path, follow_symlinks=True)

    def _beside(self) -> None:
        """A name beside the place, from which it can be moved there; a file system without links
        has it written once more."""
        name = self._folder / f".doctor-{os.urandom(6).hex()}"
        try:
            self._name = str(name)
            self._link(name)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = self._named()
            self._write()

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _renamed_anew(name: str, path: Path) -> None:
    """Raises FileExistsError where there is such a file; some file systems have no links."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(name, path)
    else:
        os.unlink(name)
