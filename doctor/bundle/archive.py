"""How are files put into one .tar.gz that is always the same, and how is anybody's read?

Written: POSIX ustar (IEEE Std 1003.1), regular files alone, owner, mode and time fixed. Read: what
was written so, and what `tar` makes of the unpacked folder; nothing is ever unpacked to the disk,
and a link, a device, a name that leads outside, or more than the limits is refused by name.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Mapping

from doctor.redact import plain

MOST_PACKED = 64 << 20
MOST_UNPACKED = 64 << 20
MOST_FILES = 5000
MOST_NAME = 255
MOST_RATIO = 300
"""Unpacked bytes for each packed one, beyond the first `_FREE`: text shrinks to a tenth, the same
report over and over to a hundredth."""
_FREE = 4 << 20
_BLOCK = 512
_NAME = re.compile(r"[A-Za-z0-9._%@+=,:-]+(?:/[A-Za-z0-9._%@+=,:-]+)*")
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"x": "a pax header",
    b"g": "a pax header",
    b"L": "a GNU long name",
    b"K": "a GNU long link",
    b"S": "a sparse file",
}
OTHERS = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"\x1f\x9d", "a file of compress(1)"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"-----BEGIN", "a PEM file"),
    (b"<", "a page"),
)


class BadArchiveError(ValueError):
    """It is no bundle that is read; the message says why, and of which entry."""


def fits(name: str) -> bool:
    """Can a file of that name stand in the archive?"""
    try:
        _header(name, 0, 0)
    except ValueError:
        return False
    return bool(_NAME.fullmatch(name)) and _stays_inside(name)


def pack(files: Mapping[str, bytes], moment: int) -> bytes:
    """The archive. `moment`: seconds since the epoch, the time of every file in it."""
    tar = io.BytesIO()
    for name in sorted(files):
        tar.write(_header(name, len(files[name]), moment))
        tar.write(files[name])
        tar.write(b"\0" * (-len(files[name]) % _BLOCK))
    tar.write(b"\0" * (2 * _BLOCK))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as out:
        out.write(tar.getvalue())
    return packed.getvalue()


def _header(name: str, size: int, moment: int) -> bytes:
    """Raises ValueError where the name is too long for the format."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, moment, 0o600
    return entry.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


def unpack(data: bytes) -> dict[str, bytes]:
    """The files by name. Raises BadArchiveError."""
    tar = memoryview(_inflated(data))
    files: dict[str, bytes] = {}
    at = 0
    while True:
        header = bytes(tar[at : at + _BLOCK])
        if len(header) < _BLOCK:
            raise BadArchiveError("it ends in the middle of an archive")
        if not any(header):
            break
        name, size, kind = _read_header(header)
        at += _BLOCK
        body = tar[at : at + size]
        if len(body) < size:
            raise BadArchiveError(f"{_shown(name)} is cut short")
        at += size + -size % _BLOCK
        if kind == b"5":
            if size:
                raise BadArchiveError(f"{_shown(name)} is a folder with content")
            continue
        name = _checked(name)
        if name in files:
            raise BadArchiveError(f"{_shown(name)} stands in it twice")
        if len(files) == MOST_FILES:
            raise BadArchiveError(f"it holds more than {MOST_FILES} files")
        files[name] = bytes(body)
    if bytes(tar[at:]).strip(b"\0"):
        raise BadArchiveError("something follows the end of the archive")
    return files


def _inflated(data: bytes) -> bytes:
    """What the gzip stream holds, and no more of it than the limits allow."""
    if len(data) > MOST_PACKED:
        raise BadArchiveError(f"it has more than {MOST_PACKED >> 20} MiB")
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    limit = min(MOST_UNPACKED, _FREE + MOST_RATIO * len(data))
    try:
        out = stream.decompress(data, limit + 1)
        if len(out) > limit:
            raise BadArchiveError(
                f"it unpacks to more than {limit >> 20} MiB from {len(data)} bytes"
            )
    except zlib.error as error:
        raise BadArchiveError(f"its compression is damaged: {error}") from None
    if not stream.eof:
        raise BadArchiveError("it is cut short")
    if stream.unused_data:
        raise BadArchiveError("something follows the compressed archive")
    return out


def _read_header(header: bytes) -> tuple[str, int, bytes]:
    """Name, size and kind of an entry."""
    magic = header[257:265]
    if magic not in (b"ustar\x0000", b"ustar  \0"):
        raise BadArchiveError("it holds no POSIX tar archive")
    name = _text(header[:100])
    if magic[5:6] == b"\0" and header[345]:
        name = f"{_text(header[345:500])}/{name}"
    stated = _octal(header[148:156], name)
    if stated != sum(header) - sum(header[148:156]) + 8 * 0x20:
        raise BadArchiveError(f"the header of {_shown(name)} is damaged")
    kind = header[156:157].replace(b"\0", b"0")
    if kind not in (b"0", b"5"):
        what = _KINDS.get(kind, f"an entry of the kind {kind!r}")
        raise BadArchiveError(f"{_shown(name)} is {what}; a bundle holds regular files alone")
    return name, _octal(header[124:136], name), kind


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _octal(field: bytes, name: str) -> int:
    """GNU's other form, for sizes beyond 8 GiB, is none that fits here."""
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,12}", digits):
        raise BadArchiveError(f"the header of {_shown(name)} holds no number where one stands")
    return int(digits, 8)


def _checked(name: str) -> str:
    """The name, if it can only mean a place inside."""
    inside = name.removeprefix("./")
    if len(inside) > MOST_NAME or not _NAME.fullmatch(inside) or not _stays_inside(inside):
        raise BadArchiveError(f"{_shown(name)} is no name of a file inside a bundle")
    return inside


def _stays_inside(name: str) -> bool:
    return not {".", ".."} & set(name.split("/"))


def _shown(name: str) -> str:
    return repr(plain(name, 100))
