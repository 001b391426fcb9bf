"""Which text is to be explained? Standard input, the files that are named, or the typed words."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator

from doctor.command.piped import decoded
from doctor.process.streams import talk
from doctor.redact import plain, scrub

_MOST = 8 << 20
"""Bytes of all texts together that are read."""
_NEVER = re.compile(r"[\s\"'{}<>|\x00]|://")
"""What a path that is typed as one word does not hold, as errors and JSON do."""
_TAG = re.compile(r"/[^/]+[:@][\w.:-]+\Z")
_SUFFIXES = (".log", ".txt", ".json", ".yaml", ".yml")


def is_path(word: str) -> bool:
    """Is it a file's path, be there such a file or not? `kubelet.log` is no finding code."""
    return ("/" in word or word.endswith(_SUFFIXES)) and not _NEVER.search(word)


def texts(words: list[str]) -> tuple[list[str], int]:
    """What was pasted, file by file where files are named; and how many of those were not read."""
    if words == ["-"]:
        if sys.stdin.isatty():
            talk("doctor: reading standard input; Ctrl-D ends it")
        return [_decoded(sys.stdin.buffer.read(_MOST + 1), _MOST, "standard input")], 0
    if not words or not all(is_path(word) or os.path.isfile(word) for word in words):
        return [" ".join(words)[:_MOST]], 0
    found = list(_files(words))
    return found, len(words) - len(found)


def _files(names: list[str]) -> Iterator[str]:
    """The text of each file; why one is not read is told."""
    left = _MOST
    for name in names:
        shown = plain(scrub(name), 200)
        try:
            data = _content(name, left + 1)
        except OSError as trouble:
            hint = "; an image is for `doctor check`" if _TAG.search(name[-300:]) else ""
            talk(f"doctor: {shown}: {_reason(trouble)}{hint}")
            continue
        talk(f"doctor: reading the file {shown}")
        yield _decoded(data, left, "the file" if len(names) == 1 else shown)
        left = max(0, left - len(data))


def _content(name: str, most: int) -> bytes:
    """What is in the regular file of that name. A pipe is not waited for."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file; `doctor explain -` reads from a pipe")
    with os.fdopen(descriptor, "rb") as handle:
        return handle.read(most)


def _reason(trouble: OSError) -> str:
    if trouble.errno in (errno.ENOENT, errno.ENOTDIR):
        return "no such file"
    if trouble.errno in (errno.EACCES, errno.EPERM):
        return "permission denied"
    return trouble.strerror or "it cannot be opened"


def _decoded(data: bytes, most: int, name: str) -> str:
    if len(data) > most:
        more = "is larger than" if most == _MOST else "goes beyond"
        talk(f"doctor: {name} {more} 8 MiB; what follows was not read")
    return decoded(data[:most])
