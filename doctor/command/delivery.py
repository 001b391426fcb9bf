"""Can a text be put into that file, and how is it put there? Whole, or not at all.

Asked before anything is contacted, as far as that can be known without touching the file: then it
is a usage error. What goes wrong later (a full disk, a folder that is gone) is told when the text
is to be written. A device, a pipe or an open descriptor (`/dev/stdout`) is written as it is.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from doctor.process.landing import Unplaced
from doctor.process.streams import UndeliveredError
from doctor.usage import UsageError

_DESCRIPTOR = r"/dev/std(?P<name>out|err)|/(?:dev|proc/self)/fd/(?P<number>[0-9]{1,6})"


def check(file: str, named_by: str = "-o") -> None:
    """Raises UsageError where the file, which was named there, cannot be written."""
    if why := _obstacle(file):
        raise UsageError(f"{named_by} {file!r} cannot be written: {why}")


def _obstacle(file: str) -> str:
    path = Path(file)
    try:
        number = _descriptor(file)
        mode = (path.stat() if number is None else os.fstat(number)).st_mode
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent
        writable = folder.is_dir() and os.access(folder, os.W_OK)
        return "" if writable else f"{str(folder)!r} is not a writable folder"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return "" if number is not None or os.access(path, os.W_OK) else "it is read-only"


def deliver(file: str, text: str) -> None:
    """Put the text into the file. Raises UndeliveredError if it cannot be; BrokenPipeError for an
    open descriptor that nobody reads."""
    path = Path(file)
    number = _descriptor(file)
    try:
        if number is not None:
            _pour(os.dup(number), text)
        elif path.exists() and not path.is_file():
            _pour(_opened(path), text)
        else:
            _replace(Path(os.path.realpath(path)), text)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and number is not None:
            raise
        why = error.strerror or error
        raise UndeliveredError(f"{file!r} could not be written: {why}") from None


def _descriptor(file: str) -> int | None:
    """The number of the open descriptor that the name stands for."""
    found = re.fullmatch(_DESCRIPTOR, os.path.abspath(file))
    return found and int(found["number"] or {"out": 1, "err": 2}[found["name"]])


def _opened(path: Path) -> int:
    """A pipe that nobody reads is an error: opening it would wait for ever."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from it") from None
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _pour(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _replace(path: Path, text: str) -> None:
    """Write the file first, then put it in its place; where the folder takes no new file, the old
    one is written over."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    data = text.encode("utf-8")
    if path.exists() and not os.access(path.parent, os.W_OK | os.X_OK):
        path.write_bytes(data)
        return
    with Unplaced(path.parent, data, mode) as made:
        made.place(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
