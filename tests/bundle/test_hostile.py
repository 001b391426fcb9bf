"""Whatever somebody sends as a bundle or a report: it is read, or refused by name with exit 2, in
bounded memory, and nothing is ever unpacked to the disk."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.bundle.archive import MOST_FILES, MOST_UNPACKED, BadArchiveError, pack, unpack
from doctor.bundle.codec import MisfitError
from doctor.bundle.opened import opened
from doctor.bundle.strictjson import BadJsonError
from tests.bundle.archives import (
    REPORT,
    entry,
    files,
    manifest,
    packed,
    report,
    tar,
    whole,
    with_entry,
    with_header,
)
from tests.command import doctor


def link(name: str, to: str, kind: bytes) -> Any:
    return entry(name, type=kind, linkname=to)


def put(at: int, data: bytes) -> Any:
    def change(tar: bytearray) -> None:
        tar[at : at + len(data)] = data

    return change


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("MANIFEST.json", "{}")
    return out.getvalue()


def unlike(name: str, data: bytes) -> bytes:
    """A bundle one of whose files is not what the manifest says."""
    changed = {**files(), name: data}
    return packed([entry(n, d) for n, d in changed.items()])


BOMB = gzip.compress(b"\0" * (MOST_UNPACKED + 10), 9, mtime=0)
NESTED = gzip.compress(gzip.compress(b"\0" * 50_000_000, mtime=0), mtime=0)

HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is empty"),
    "blanks": (b" \n\0\0 ", "it is empty"),
    "climbs": (with_entry(entry("../outside", b"x")), "no name of a file inside"),
    "climbs-in-the-middle": (with_entry(entry("facts/../../x", b"x")), "no name of a file inside"),
    "absolute": (with_entry(entry("/etc/passwd", b"x")), "no name of a file inside"),
    "backslashes": (with_entry(entry("..\\x", b"x")), "no name of a file inside"),
    "drive": (with_entry(entry("C:\\x", b"x")), "no name of a file inside"),
    "control-characters": (with_entry(entry("a\x1b[2J", b"x")), "<ESC>"),
    "bidi": (with_entry(entry("a\u202ebgt", b"x")), "no name of a file inside"),
    "newline": (with_entry(entry("a\nb", b"x")), "no name of a file inside"),
    "no-name": (with_header(put(0, b"\0" * 100)), "no name of a file inside"),
    "symbolic-link": (with_entry(link("a", "/etc/passwd", tarfile.SYMTYPE)), "a symbolic link"),
    "hard-link": (with_entry(link("a", "report.json", tarfile.LNKTYPE)), "a hard link"),
    "character-device": (with_entry(entry("a", type=tarfile.CHRTYPE)), "a character device"),
    "block-device": (with_entry(entry("a", type=tarfile.BLKTYPE)), "a block device"),
    "fifo": (with_entry(entry("a", type=tarfile.FIFOTYPE)), "a FIFO"),
    "sparse": (with_header(put(156, b"S")), "a sparse file"),
    "unknown-kind": (with_header(put(156, b"Z")), "an entry of the kind"),
    "folder-with-content": (with_header(put(156, b"5")), "a folder with content"),
    "pax-path": (
        packed([entry("a", b"x", pax_headers={"path": "../x"})], tarfile.PAX_FORMAT),
        "a pax header",
    ),
    "gnu-long-name": (with_entry(entry("a" * 300, b"x"), form=tarfile.GNU_FORMAT), "GNU long name"),
    "twice": (with_entry(entry("report.json", report())), "stands in it twice"),
    "twice-by-another-name": (with_entry(entry("./report.json", report())), "stands in it twice"),
    "not-listed": (with_entry(entry("more.txt", b"x")), "is not in its manifest"),
    "missing": (packed([entry("MANIFEST.json", files()["MANIFEST.json"])]), "not in the archive"),
    "other-content": (unlike("report.json", report(duration_ms=2.0)), "it was changed"),
    "other-size": (unlike("report.json", b"{}"), "it was changed"),
    "listed-twice": (
        packed(
            [
                entry(
                    "MANIFEST.json",
                    manifest({}, files=[{"name": "a", "size": 0, "sha256": ""}] * 2),
                ),
                entry("report.json", report()),
            ]
        ),
        "lists a file twice",
    ),
    "no-manifest": (packed([entry("report.json", report())]), "it holds no MANIFEST.json"),
    "no-report": (packed([entry("MANIFEST.json", manifest({}))]), "it holds no report.json"),
    "empty-archive": (packed([]), "it holds no MANIFEST.json"),
    "later-bundle": (
        whole(schema="doctor.bundle/2"),
        "its schema is 'doctor.bundle/2'; this version reads",
    ),
    "no-schema": (whole(schema=None), "its schema is missing"),
    "schema-that-bites": (whole(schema="\x1b]52;c;x\x07" * 50), "<ESC>"),
    "another-program": (
        whole(tool={"name": "x", "version": "1.0"}),
        "no version of registry-doctor",
    ),
    "later-report": (
        whole({"report.json": report(schema="doctor.report/2")}),
        "report.json has the schema 'doctor.report/2'",
    ),
    "report-of-nothing": (whole({"report.json": b'{"schema": "doctor.report/1"}'}), "no tool"),
    "manifest-no-json": (packed([entry("MANIFEST.json", b"{")]), "no JSON"),
    "manifest-a-list": (packed([entry("MANIFEST.json", b"[]")]), "its schema is missing"),
    "manifest-of-lies": (whole(files={"a": 1}), "MANIFEST.json.files: dict, not tuple"),
    "deep-json": (packed([entry("MANIFEST.json", b"[" * 200_000)]), "nested too deeply"),
    "key-twice": (packed([entry("MANIFEST.json", b'{"a": 1, "a": 2}')]), "twice in one object"),
    "infinity": (packed([entry("MANIFEST.json", b'{"a": Infinity}')]), "Infinity"),
    "beyond-all-bounds": (packed([entry("MANIFEST.json", b'{"a": 1e999}')]), "beyond all bounds"),
    "long-number": (packed([entry("MANIFEST.json", b'{"a": ' + b"9" * 5000 + b"}")]), "too long"),
    "latin-1": (packed([entry("MANIFEST.json", b'{"a": "\xe9"}')]), "no UTF-8"),
    "bomb": (BOMB, "it unpacks to more than"),
    "nested-bomb": (NESTED, "it holds no POSIX tar"),
    "many-files": (
        packed([entry(f"f{n}") for n in range(MOST_FILES + 1)]),
        f"more than {MOST_FILES} files",
    ),
    "huge-size": (with_header(put(124, b"77777777777\0")), "is cut short"),
    "negative-size": (with_header(put(124, b"-0000000001\0")), "holds no number"),
    "binary-size": (with_header(put(124, b"\x80" + b"\xff" * 11)), "holds no number"),
    "wrong-checksum": (gzip.compress(b"x" + tar([entry("aa", b"x")])[1:]), "is damaged"),
    "cut-short": (whole()[:-40], "it is cut short"),
    "cut-in-the-tar": (gzip.compress(tar([entry("aa", b"x" * 2000)])[:1024]), "is cut short"),
    "no-end": (gzip.compress(tar([entry("aa", b"x")])[:1024]), "in the middle of an archive"),
    "damaged": (whole()[:60] + b"\xff" * 20 + whole()[80:], "its compression is damaged"),
    "more-behind": (whole() + b"more", "something follows"),
    "two-streams": (whole() + whole(), "something follows"),
    "more-in-the-tar": (gzip.compress(tar([entry("aa", b"x")]) + b"more"), "follows the end"),
    "gzip-of-text": (gzip.compress(b"hello " * 200), "no POSIX tar"),
    "plain-tar": (tar([entry("MANIFEST.json", b"{}")]), "not packed"),
    "zip": (zipped(), "a ZIP archive"),
    "xz": (lzma.compress(b"x"), "an xz file"),
    "bzip2": (bz2.compress(b"x"), "a bzip2 file"),
    "zstandard": (b"\x28\xb5\x2f\xfd\x00", "a Zstandard file"),
    "page": (b"<!doctype html><p>x", "a page"),
    "text": (b"hello", "neither gzip nor JSON"),
    "other-json": (b'{"a": 1}', "has the schema missing"),
    "json-that-is-no-object": (b"[1]", "neither gzip nor JSON"),
    "half-a-report": (json.dumps(REPORT).encode()[:-10], "no JSON"),
    "report-with-another-verdict": (report(verdict="fine"), "the report.verdict: none of pass"),
    "report-without-targets": (report(targets=None), "the report.targets: null"),
    "report-in-utf-16": (json.dumps(REPORT).encode("utf-16"), "neither gzip nor JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_bundle_is_refused_and_named(name: str) -> None:
    data, why = HOSTILE[name]
    with pytest.raises((BadArchiveError, BadJsonError, MisfitError)) as refused:
        opened(data)
    said = str(refused.value)
    assert why in said
    assert len(said) < 500
    assert said.isprintable()


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 25
    assert len({why for _, why in HOSTILE.values()}) >= 25


def test_what_tar_makes_of_an_unpacked_bundle_opens() -> None:
    """Folders in it, names that begin with `./`, GNU's own header."""
    entries = [entry("./", type=tarfile.DIRTYPE)]
    entries += [entry(f"./{name}", data) for name, data in files().items()]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):
        assert opened(packed(entries, form)).report == REPORT


def test_a_report_opens_as_it_is_with_what_later_versions_add() -> None:
    assert opened(report()).report == REPORT
    assert opened(b"\xef\xbb\xbf\n" + report()).report == REPORT
    assert opened(report(later={"a": 1})).report["later"] == {"a": 1}


def test_half_a_character_becomes_one_that_can_be_shown() -> None:
    told = opened(report(later="\ud800x")).report
    assert told["later"] == "\ufffdx"


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises((BadArchiveError, BadJsonError, MisfitError)):
        opened(data)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_bundle_with_any_byte_changed_is_the_same_or_refused(data: st.DataObject) -> None:
    good = tar([entry(n, d) for n, d in files().items()])
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    try:
        assert opened(gzip.compress(changed)).report == REPORT
    except (BadArchiveError, BadJsonError, MisfitError):
        return


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,3}", fullmatch=True), st.binary(max_size=2000)
    )
)
def test_what_is_packed_unpacks(files: dict[str, bytes]) -> None:
    data = pack(files, 1764356864)
    assert unpack(data) == files
    assert pack(dict(reversed(files.items())), 1764356864) == data


def test_a_text_of_more_values_than_memory_is_for_is_not_parsed() -> None:
    with pytest.raises(BadJsonError, match="more than 3000000 values"):
        opened(b'{"a": [' + b"0," * 3_100_000 + b"0]}")


@pytest.mark.parametrize(
    "name", ["climbs", "symbolic-link", "bomb", "later-bundle", "zip", "nothing"]
)
def test_the_command_says_so_and_exits_2(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    file = folder / "sent.tar.gz"
    file.write_bytes(HOSTILE[name][0])
    ended = doctor("open", str(file), home=tmp_path)
    assert (ended.exit, ended.stdout) == (2, b"")
    assert HOSTILE[name][1] in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert os.listdir(folder) == ["sent.tar.gz"]
    assert ended.mebibytes < 400


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    refused = {"fifo": "no regular file", ".": "Is a directory", "gone": "No such file"}
    for name, why in refused.items():
        ended = doctor("open", f"{tmp_path}/{name}", home=tmp_path)
        assert ended.exit == 2
        assert why in ended.stderr
