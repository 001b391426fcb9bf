"""How does a bundle come to lie on the disk? Whole and searched, or not at all.

It is made and searched in memory, so nothing unmasked is ever on a disk. What was written is read
back and compared before it gets its name; the file is its owner's alone.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from doctor.bundle import archive
from doctor.bundle.contents import Contents
from doctor.bundle.search import Leak, leaks
from doctor.process.streams import UndeliveredError
from doctor.usage import UsageError

_SHOWN = 5


class WithheldError(UndeliveredError):
    """A secret was found in what was to be written."""

    def __init__(self, found: list[Leak]) -> None:
        places = "; ".join(map(str, found[:_SHOWN]))
        more = f"; and {len(found) - _SHOWN} more places" if len(found) > _SHOWN else ""
        super().__init__(f"no bundle was written, for a secret was found in it: {places}{more}")


def packed(contents: Contents, moment: datetime, own_words: Callable[[], str]) -> bytes:
    """The bundle's bytes, read back and searched. WithheldError if that found anything."""
    data = archive.pack(contents.files, int(moment.timestamp()))
    try:
        files = archive.unpack(data)
    except archive.BadArchiveError as error:
        raise UndeliveredError(
            f"no bundle was written, for nobody could open it: {error}"
        ) from None
    if files != contents.files:
        raise UndeliveredError("no bundle was written: what was packed does not unpack to the same")
    if found := leaks(files, own_words):
        raise WithheldError(found)
    return data


def check(file: str, option: str = "-o") -> None:
    """Raises UsageError where no bundle can be put under that name, which the option gave."""
    path = Path(file)
    try:
        there = os.path.lexists(path)
        folder = Path(os.path.realpath(path)).parent
        if there and not path.is_file():
            raise UsageError(f"{option} {file!r} is no regular file; a bundle is written to one")
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(
                f"{option} {file!r} cannot be written: {str(folder)!r} is not a writable folder"
            )
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {file!r} cannot be written: {error}") from None


def put_anew(moment: datetime, data: bytes) -> str:
    """Put the bytes into a file of this folder whose name tells the moment, and return the name. No
    other bundle is written over: `doctor-20261128T190744Z.tar.gz`, or with a number."""
    name = f"doctor-{moment:%Y%m%dT%H%M%SZ}"
    for number in range(1000):
        file = f"{name}{f'-{number}' if number else ''}.tar.gz"
        with contextlib.suppress(FileExistsError):
            put(file, data, over=False)
            return file
    raise UndeliveredError(f"there are too many bundles of the name {name!r} here")


def put(file: str, data: bytes, *, over: bool = True) -> None:
    """Put the bytes there, mode 600. Raises UndeliveredError, and where nothing may be written
    over FileExistsError; whatever ends it leaves nothing."""
    path = Path(os.path.realpath(file))
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".doctor-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        if Path(name).read_bytes() != data:
            raise UndeliveredError(f"{file!r} could not be written: it reads back otherwise")
        os.chmod(name, 0o600)
        if over:
            os.replace(name, path)
        else:
            _rename_anew(name, path)
    except BaseException as error:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            why = error.strerror or error
            raise UndeliveredError(f"{file!r} could not be written: {why}") from None
        raise


def _rename_anew(name: str, path: Path) -> None:
    """Raises FileExistsError where there is such a file; some file systems have no links."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError from None
        os.rename(name, path)
    else:
        os.unlink(name)
