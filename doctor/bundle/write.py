"""How does a bundle come to lie on the disk? Whole and searched, or not at all.

It is made and searched in memory, so nothing unmasked is ever on a disk. What was written is read
back and compared before it gets its name (`doctor.process.landing`); the file is its owner's alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from doctor.bundle import archive
from doctor.bundle.contents import Contents
from doctor.bundle.search import Leak, leaks
from doctor.process.landing import Unplaced
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


NAMES = ".names.json"
"""Who is who, beside a bundle with other names: what its name ends in."""


def check(file: str, option: str = "-o", *, names: bool = False) -> None:
    """Raises UsageError where no bundle can be put under that name, which the option gave; with
    `names`, where who is who cannot lie beside it."""
    if file == "-":
        raise UsageError(
            f"{option} -: a bundle is a file, and its path is what goes to "
            "standard output; give it a name"
        )
    for each in (file, f"{file}{NAMES}") if names else (file,):
        _check(each, option)


def check_here() -> None:
    """The same for a file of this folder whose name is made up."""
    if not os.access(".", os.W_OK | os.X_OK):
        raise UsageError(f"{os.getcwd()!r} is not a writable folder; name a file with -o")


def _check(file: str, option: str) -> None:
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


def put_anew(moment: datetime, data: bytes, *, names: bytes | None = None) -> str:
    """Put the bytes into a file of this folder whose name tells the moment, and return the name. No
    other bundle is written over: `doctor-20261128T190744Z.tar.gz`, or with a number."""
    name = f"doctor-{moment:%Y%m%dT%H%M%SZ}"
    for number in range(1000):
        file = f"{name}{f'-{number}' if number else ''}.tar.gz"
        with contextlib.suppress(FileExistsError):
            put(file, data, over=False, names=names)
            return file
    raise UndeliveredError(f"there are too many bundles of the name {name!r} here")


def put(file: str, data: bytes, *, over: bool = True, names: bytes | None = None) -> None:
    """Put the bytes there, mode 600, and who is who beside them. Raises UndeliveredError, and where
    nothing may be written over FileExistsError; whatever ends it leaves nothing of either."""
    other = f"{file}{NAMES}"
    path, beside = (Path(os.path.realpath(each)) for each in (file, other))
    with contextlib.ExitStack() as unplaced:
        with _told(file):
            made = unplaced.enter_context(Unplaced(path.parent, data, sure=True))
        if names is None:
            with _told(file):
                return made.place(path, over=over)
        with _told(other):
            told = unplaced.enter_context(Unplaced(beside.parent, names, sure=True))
        with _told(file):
            made.place(path, over=over)
        try:
            with _told(other):
                told.place(beside)
        except BaseException:  # without it nobody knows what the bundle speaks of
            os.unlink(path)
            raise


@contextlib.contextmanager
def _told(file: str) -> Iterator[None]:
    """What the system says of it becomes an UndeliveredError."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        why = error.strerror or error
        raise UndeliveredError(f"{file!r} could not be written: {why}") from None
