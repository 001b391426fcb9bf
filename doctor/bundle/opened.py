"""What is in a bundle or a report that somebody sent? Bytes -> the report as it was recorded, and
the facts to judge again.

Everything in it is hostile until it was checked: the archive (`doctor.bundle.archive`), each text
(`doctor.bundle.strictjson`), the manifest's hashes, the report by its schema, the facts by their
types. What is refused is named; what a later version wrote is named too.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from typing import Any

from doctor.bundle import archive, strictjson
from doctor.bundle.archive import OTHERS, BadArchiveError
from doctor.bundle.codec import MisfitError, Reader
from doctor.bundle.contents import CLUSTER, MANIFEST, REPORT, SCHEMA
from doctor.frozen import frozen
from doctor.redact import plain
from doctor.report.conformity import faults
from doctor.usage import UsageError

_REPORT_SCHEMA = "doctor.report/1"
_VERSION = re.compile(r"[0-9]+\.[0-9][0-9A-Za-z.+-]{0,40}")


@frozen
class Opened:
    """`report` is a document of `doctor.report/1`, as it was recorded; `records`: the facts of its
    targets, none for a bare report; `cluster`: those of its cluster, if there are any."""

    report: dict[str, Any]
    records: tuple[Any, ...] = ()
    cluster: Any = None
    is_bundle: bool = False
    pseudonyms: bool = False
    version: str = ""
    """Of the program that wrote it."""
    left_out: tuple[str, ...] = ()
    """What it says of itself that it lacks."""


@frozen
class _File:
    name: str
    size: int
    sha256: str


@frozen
class _Gone:
    what: str
    why: str


@frozen
class _Tool:
    name: str
    version: str


@frozen
class _Manifest:
    schema: str
    tool: _Tool
    files: tuple[_File, ...]
    pseudonyms: bool = False
    left_out: tuple[_Gone, ...] = ()


def read(file: str) -> Opened:
    """What the file holds. Raises UsageError where it is nothing that can be read."""
    try:
        return opened(_bytes(file))
    except (BadArchiveError, strictjson.BadJsonError, MisfitError) as error:
        raise UsageError(f"{file!r} is no bundle or report that can be opened: {error}") from None


def opened(data: bytes) -> Opened:
    """The same of bytes. Raises BadArchiveError, BadJsonError or MisfitError."""
    if data.startswith(b"\x1f\x8b"):
        return _bundle(archive.unpack(data))
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        report = _report(strictjson.read(data.removeprefix(b"\xef\xbb\xbf")), "it")
        return Opened(report, version=report["tool"]["version"])
    if not data.strip(b"\0 \t\r\n"):
        raise BadArchiveError("it is empty")
    if data[257:262] == b"ustar":
        raise BadArchiveError("it is a tar archive that is not packed; a bundle is a .tar.gz")
    what = next((said for start, said in OTHERS if data.startswith(start)), "neither gzip nor JSON")
    raise BadArchiveError(f"it is {what}")


def _bytes(file: str) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise UsageError(f"{file!r} is no regular file")
            data = handle.read(archive.MOST_PACKED + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file!r} cannot be read: {why}") from None
    if len(data) > archive.MOST_PACKED:
        raise UsageError(f"{file!r} has more than {archive.MOST_PACKED >> 20} MiB")
    return data


def _bundle(files: Mapping[str, bytes]) -> Opened:
    if MANIFEST not in files:
        raise BadArchiveError(f"it holds no {MANIFEST}")
    manifest = _manifest(strictjson.read(files[MANIFEST]))
    listed = {each.name: each for each in manifest.files}
    if len(listed) != len(manifest.files):
        raise BadArchiveError("its manifest lists a file twice")
    for name in sorted({*listed, *files} - {MANIFEST}):
        _as_listed(name, listed.get(name), files.get(name))
    if REPORT not in files:
        raise BadArchiveError(f"it holds no {REPORT}")
    report = _report(strictjson.read(files[REPORT]), REPORT)
    names = sorted(name for name in files if re.fullmatch(r"facts/\d{4,}\.json", name))
    return Opened(
        report,
        tuple(strictjson.read(files[name]) for name in names),
        strictjson.read(files[CLUSTER]) if CLUSTER in files else None,
        is_bundle=True,
        pseudonyms=manifest.pseudonyms,
        version=manifest.tool.version,
        left_out=tuple(f"{plain(e.what, 200)}: {plain(e.why, 200)}" for e in manifest.left_out),
    )


def _manifest(value: Any) -> _Manifest:
    said = value.get("schema") if isinstance(value, dict) else None
    if said != SCHEMA:
        raise BadArchiveError(f"its schema is {_named(said)}; this version reads {SCHEMA}")
    found: _Manifest = Reader().decode(value, _Manifest, MANIFEST)
    if found.tool.name != "registry-doctor" or not _VERSION.fullmatch(found.tool.version):
        raise BadArchiveError("its manifest names no version of registry-doctor")
    return found


def _as_listed(name: str, listed: _File | None, data: bytes | None) -> None:
    shown = repr(plain(name, 100))
    if listed is None:
        raise BadArchiveError(f"{shown} is not in its manifest")
    if data is None:
        raise BadArchiveError(f"{shown} is in its manifest and not in the archive")
    if len(data) != listed.size or hashlib.sha256(data).hexdigest() != listed.sha256:
        raise BadArchiveError(f"{shown} is not what its manifest says: it was changed")


def _report(value: Any, where: str) -> dict[str, Any]:
    said = value.get("schema") if isinstance(value, dict) else None
    if said != _REPORT_SCHEMA:
        raise BadArchiveError(f"{where} has the schema {_named(said)}, not {_REPORT_SCHEMA}")
    if found := faults(value, 1):
        raise BadArchiveError(f"{where} is no report: {plain(found[0], 300)}")
    report: dict[str, Any] = value
    return report


def _named(schema: Any) -> str:
    return repr(plain(schema, 60)) if isinstance(schema, str) else "missing"
