"""Bundles made by hand: whole ones, and such as nobody should be able to hurt us with."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from typing import Any

REPORT: dict[str, Any] = {
    "schema": "doctor.report/1",
    "tool": {
        "name": "registry-doctor",
        "version": "0.1.0",
        "python": "3.11.7",
        "platform": "linux-x86_64",
    },
    "started": "2026-11-28T19:07:44Z",
    "duration_ms": 1.0,
    "verdict": "pass",
    "targets": [],
    "clients": None,
    "kubernetes": None,
}


def manifest(of: Mapping[str, bytes], /, **changed: Any) -> bytes:
    """The manifest of these files, with some of it changed."""
    whole = {
        "schema": "doctor.bundle/1",
        "tool": {"name": "registry-doctor", "version": "0.1.0"},
        "made": "2026-11-28T19:07:44Z",
        "pseudonyms": False,
        "files": [
            {
                "name": n,
                "what": "",
                "size": len(d),
                "sha256": hashlib.sha256(d).hexdigest(),
                "masked": {},
            }
            for n, d in of.items()
        ],
        "left_out": [],
    }
    return json.dumps({**whole, **changed}).encode()


def report(**changed: Any) -> bytes:
    return json.dumps({**REPORT, **changed}).encode()


def files(more: Mapping[str, bytes] | None = None, **changed: Any) -> dict[str, bytes]:
    """The files of a whole bundle; `changed`: of its manifest."""
    found = {"report.json": report(), **(more or {})}
    return {"MANIFEST.json": manifest(found, **changed), **found}


Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, data: bytes = b"", **fields: Any) -> Entry:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar(entries: list[Entry], form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed(entries: list[Entry], form: int = tarfile.USTAR_FORMAT) -> bytes:
    return gzip.compress(tar(entries, form), mtime=0)


def whole(more: Mapping[str, bytes] | None = None, **changed: Any) -> bytes:
    return packed([entry(name, data) for name, data in files(more, **changed).items()])


def with_entry(*entries: Entry, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A whole bundle, and these in it besides."""
    return packed([*(entry(n, d) for n, d in files().items()), *entries], form)


def with_header(change: Callable[[bytearray], None]) -> bytes:
    """A whole bundle whose first header was changed, its checksum set right again."""
    data = bytearray(tar([entry(name, data) for name, data in files().items()]))
    change(data)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return gzip.compress(bytes(data), mtime=0)
