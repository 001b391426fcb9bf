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
import xml.etree.ElementTree as ET
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor import cli
from doctor.bundle.archive import MOST_FILES, MOST_UNPACKED, BadArchiveError, pack, unpack
from doctor.bundle.codec import MisfitError
from doctor.bundle.opened import opened
from doctor.bundle.strictjson import BadJsonError
from doctor.command.parsers import FORMATS
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
from tests.report.samples import sample


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


def gzip_with(flags: int, extra: bytes, tail: bytes = b"") -> bytes:
    """A whole bundle in a gzip member whose header has these flags and fields (RFC 1952)."""
    body = whole()
    return body[:3] + bytes([flags]) + body[4:10] + extra + body[10:] + tail


def prefixed(prefix: bytes) -> bytes:
    """A whole bundle the first name of which has a part before it (POSIX ustar)."""
    return with_header(put(345, prefix))


def kind(letter: bytes) -> tuple[bytes, str]:
    return with_header(put(156, letter)), "a bundle holds regular files alone"


HOSTILE |= {
    "pax-for-all": (with_entry(entry("g", type=tarfile.XGLTYPE)), "a pax header"),
    "pax-sparse": (
        packed(
            [entry("a", b"x", pax_headers={"GNU.sparse.realsize": "9" * 18})], tarfile.PAX_FORMAT
        ),
        "a pax header",
    ),
    "gnu-long-name-of-50-mib": (
        gzip.compress(tar([entry("././@LongLink", b"a" * (50 << 20), type=b"L")]), mtime=0),
        "it unpacks to more than",
    ),
    "gnu-long-link": (with_entry(entry("././@LongLink", b"/etc/x", type=b"K")), "GNU long link"),
    "gnu-dump": kind(b"D"),
    "gnu-next-volume": kind(b"M"),
    "gnu-label": kind(b"V"),
    "solaris-attributes": kind(b"X"),
    "contiguous": kind(b"7"),
    "link-to-an-earlier-file": (
        with_entry(link("facts/0001.json", "MANIFEST.json", tarfile.LNKTYPE)),
        "a hard link",
    ),
    "link-with-content": (
        with_entry(entry("a", b"x" * 600, type=tarfile.SYMTYPE, linkname="report.json")),
        "a symbolic link",
    ),
    "no-utf-8": (with_header(put(0, b"\xff\xfe")), "no name of a file inside"),
    "climbs-by-its-prefix": (prefixed(b".."), "no name of a file inside"),
    "absolute-by-its-prefix": (prefixed(b"/etc"), "no name of a file inside"),
    "long-by-its-prefix": (prefixed(b"a" * 155), "it holds no MANIFEST.json"),
    "a-file-that-is-a-folder": (with_entry(entry("facts/", b"x")), "no name of a file inside"),
    "two-slashes": (with_entry(entry("facts//0001.json", b"{}")), "no name of a file inside"),
    "other-case": (with_entry(entry("REPORT.JSON", report())), "is not in its manifest"),
    "size-in-two-parts": (with_header(put(124, b"1 2\0")), "holds no number"),
    "size-to-base-256": (with_header(put(124, b"\x80" + b"\0" * 9 + b"\x01\x00")), "no number"),
    "size-not-octal": (with_header(put(124, b"00000000089\0")), "holds no number"),
    "tar-of-version-7": (with_header(put(257, b"\0" * 8)), "no POSIX tar"),
    "an-empty-member-behind": (whole() + gzip.compress(b""), "something follows"),
    "blanks-behind": (whole() + b"\0" * 512, "something follows"),
    "gzip-flags-that-are-reserved": (gzip_with(0xE0, b""), "its compression is damaged"),
    "gzip-name-without-end": (gzip_with(8, b"a" * 100)[:80], "it is cut short"),
    "gzip-wrong-sum": (whole()[:-8] + b"\0" * 8, "its compression is damaged"),
    "gzip-wrong-length": (whole()[:-4] + b"\xff" * 4, "its compression is damaged"),
    "gzip-dictionary": (b"\x1f\x8b\x07" + whole()[3:], "its compression is damaged"),
    "zlib": (zlib.compress(b"x"), "neither gzip nor JSON"),
    "rar": (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
    "lz4": (b"\x04\x22\x4d\x18x", "an LZ4 file"),
    "compress": (b"\x1f\x9d\x90x", "a file of compress(1)"),
    "manifest-with-a-size-that-is-true": (
        whole(files=[{"name": "report.json", "size": True, "sha256": ""}]),
        "MANIFEST.json.files[0].size",
    ),
    "manifest-with-half-a-byte": (
        whole(files=[{"name": "report.json", "size": 0.5, "sha256": ""}]),
        "MANIFEST.json.files[0].size",
    ),
    "manifest-with-another-hash": (
        whole(files=[{"name": "report.json", "size": len(report()), "sha256": "A" * 64}]),
        "it was changed",
    ),
    "ten-thousand-deep-report": (
        report(later=1).replace(
            b'"later": 1', b'"later": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        ),
        "nested too deeply",
    ),
    "report-with-a-key-twice": (b'{"verdict": "fail", ' + report()[1:], "twice in one object"),
    "report-with-nan": (report(duration_ms=float("nan")), "NaN"),
    "report-beyond-all-bounds": (report().replace(b"1.0", b"1e999"), "beyond all bounds"),
    "report-that-took-less-than-no-time": (report(duration_ms=-1), "the report.duration_ms"),
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


@pytest.mark.parametrize(
    ("flags", "extra"),
    [(8, b"x" * 100_000 + b"\0"), (4, b"\xff\xff" + b"x" * 65535), (16, b"of no matter\0")],
)
def test_what_gzip_says_besides_is_passed_over(flags: int, extra: bytes) -> None:
    assert opened(gzip_with(flags, extra)).report == REPORT


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


ABSURD: dict[tuple[Any, ...], Any] = {
    ("started",): "0000-00-00T00:00:00Z",
    ("duration_ms",): 1e308,
    ("targets", 0, "hops", 0, "timings_ms"): {"dns": 0, "tcp": 1e308, "tls": 1e308, "http": 5e-324},
    ("targets", 0, "hops", 0, "host"): "h" * 200_000,
    ("targets", 0, "hops", 0, "port"): 10**18,
    ("targets", 0, "checks", 3, "duration_ms"): 1e300,
    ("targets", 0, "findings", 0, "evidence"): deep(400),
    ("targets", 0, "findings", 0, "title"): "",
    ("targets", 0, "findings", 0, "detail"): "\r\n::error::x\x1b[2J\u202e" * 500,
    ("targets", 0, "findings", 0, "evidence", "path"): [{"not_after": "0000-00-00", "key": None}],
    ("targets", 0, "source"): {"file": "", "line": 10**18},
    ("tool", "version"): "9" * 5000,
}


@pytest.mark.parametrize("place", ABSURD, ids=lambda p: ".".join(map(str, p)))
@pytest.mark.parametrize("form", FORMATS)
def test_a_report_of_absurd_values_is_shown_or_refused(
    form: str, place: tuple[Any, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = sample("certificate")
    where: Any = document
    for key in place[:-1]:
        where = where[key]
    where[place[-1]] = ABSURD[place]
    file = tmp_path / "r.json"
    file.write_text(json.dumps(document))
    code = cli.main(["open", "--format", form, str(file)])
    said = capsys.readouterr()
    assert code in (1, 2)
    assert bool(said.out) == (code == 1)
    assert len(said.err) < 1000
    assert "fault of registry-doctor" not in said.err
    if form == "junit" and said.out:
        ET.fromstring(said.out)
    if form in ("json", "sarif") and said.out:
        json.loads(said.out, parse_constant=pytest.fail)


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
