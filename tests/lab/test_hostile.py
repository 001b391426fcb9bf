"""Does a registry that breaks every rule of HTTP and JSON cost a known amount, and get its right
name?

One row is one answer at one place of the path, and the causes that the report must name; none where
clients pull all the same. The near miss of all of them is the registry in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import doctor
from tests.lab.bounds import HASTE, Said, said, told
from tests.lab.misbehaving import (
    Place,
    challenges,
    drips,
    endless,
    head,
    in_order,
    redirects,
    registry,
    says,
    whole,
)
from tests.lab.origin import Raw, Request

TIMEOUT = 3.0


def diagnosed(folder: Path, place: Place, bent: Raw, *options: str) -> Said:
    """What the command says of a registry that is bent there."""
    with registry(folder, place, bent) as found:
        seconds = ("--timeout", str(TIMEOUT), "--ca", str(found.ca))
        ended = doctor("check", "--json", *seconds, *options, found.image, home=folder)
    return said(ended, TIMEOUT)


def test_a_registry_in_order_passes(tmp_path: Path) -> None:
    async def good(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(in_order(request))

    for place in ("v2", "token", "manifest", "blob"):
        found = diagnosed(tmp_path, place, good)
        assert (found.exit, found.causes, found.target["verdict"]) == (0, (), "pass"), str(found)


GIB = b"Content-Length: %d" % (1 << 30)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
X = b"x" * 65536
OPEN = head(200)[:-2]
"""A head to which more lines can be added."""
BOMB = bytes.fromhex("1f8b08000000000002ff") + b"\0" * 999

WORKS = ""
BAD, ERROR = "registry.bad-response", "registry.server-error"
TOKEN, STATION = "auth.realm-error", "auth.realm-unreachable"
STRANGER, MISSING = "registry.not-a-registry", "registry.blob-missing"
PLACES: tuple[Place, ...] = ("v2", "token", "manifest-get", "blob")
Causes = dict[Place, str]


def at(*causes: str | None) -> Causes:
    """The cause at each of the places, as far as it is looked at there."""
    named = zip(PLACES, causes, strict=False)
    return {place: cause for place, cause in named if cause is not None}


ANSWERS: dict[str, tuple[Raw, Causes]] = {
    # name: the answer, and what it is where
    "1 GiB": (endless(head(200, GIB), X), at(WORKS, TOKEN, BAD, BAD)),
    "1 GiB in chunks": (endless(head(200, CHUNKED), CHUNK), at(WORKS, TOKEN, BAD, WORKS)),
    "1 GiB of error": (endless(head(500, GIB), X), at(ERROR, TOKEN, ERROR, ERROR)),
    "1 GiB of 404": (endless(head(404, GIB), X), at(WORKS, TOKEN, None, MISSING)),
    "1 GiB of 401": (
        endless(head(401, b"WWW-Authenticate: Basic realm=x", GIB), X),
        at(WORKS, None, BAD),
    ),
    "1 GiB of redirect": (
        endless(head(302, b"Location: /here", GIB), X),
        at(WORKS, None, None, MISSING),
    ),
    "headers without end": (
        endless(OPEN, b"X-A: " + b"a" * 1000 + b"\r\n"),
        at(BAD, TOKEN, BAD, BAD),
    ),
    "a header without end": (endless(OPEN + b"X-A: ", b"a" * 1000), at(BAD, TOKEN, BAD, BAD)),
    "100 Continue without end": (
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
        at(BAD, TOKEN, BAD),
    ),
    "an extension without end": (
        endless(head(200, CHUNKED) + b"1;", b"e" * 1000),
        at(BAD, TOKEN, BAD),
    ),
    "trailers without end": (
        endless(head(200, CHUNKED) + b"0\r\n", b"X: y\r\n" * 100),
        at(BAD, TOKEN, BAD),
    ),
    "a status that drips": (drips(b"", b"H"), at(HASTE, HASTE, HASTE)),
    "a header that drips": (drips(OPEN + b"X: ", b"a"), at(HASTE, HASTE, HASTE, HASTE)),
    "a body that drips": (drips(head(200, GIB), b"x"), at(HASTE, HASTE, HASTE, BAD)),
    "silence": (drips(b"", b""), at(HASTE, HASTE, HASTE, HASTE)),
    "the end at once": (says(), at(BAD, STATION, BAD, BAD)),
    "the end in the status": (says(b"HTTP/1.1 200 O"), at(BAD, STATION, BAD)),
    "the end in the body": (says(head(200, GIB), b"{"), at(BAD, STATION, BAD)),
    "more than announced": (
        says(head(200, b"Content-Length: 1"), b"{}{}{}"),
        at(WORKS, TOKEN, BAD),
    ),
    "two lengths": (
        says(head(200, b"Content-Length: 1", b"Content-Length: 2"), b"{}"),
        at(BAD, STATION, BAD),
    ),
    "less than nothing": (says(head(200, b"Content-Length: -5"), b"{}"), at(BAD)),
    "a length of 5,000 digits": (
        says(head(200, b"Content-Length: " + b"9" * 5000), b"{}"),
        at(BAD, STATION, BAD),
    ),
    "a chunk of no length": (says(head(200, CHUNKED), b"zz\r\n"), at(BAD, None, BAD)),
    "a chunk beyond all": (says(head(200, CHUNKED), b"f" * 30 + b"\r\nx"), at(BAD, None, BAD)),
    "a NUL in a header": (says(head(200, b"X: \0")), at(BAD)),
    "a gzip bomb": (whole(200, BOMB, b"Content-Encoding: gzip"), at(WORKS, TOKEN, BAD, WORKS)),
    "HTTP/0.9": (says(b"<html>hello</html>\r\n\r\n"), at(BAD, STATION, BAD)),
    "HTTP/2": (says(b"\0\0\x12\4\0\0\0\0\0" + b"\0" * 18), at(BAD, STATION, BAD)),
    "HTTP/2 in words": (says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), at(BAD)),
    "SSH": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), at(BAD, STATION)),
    "another protocol": (says(head(101, b"Upgrade: x")), at(BAD, STATION, BAD)),
    "status 000": (says(b"HTTP/1.1 000 OK\r\n\r\n"), at(BAD)),
    "status 999": (whole(999, b"{}"), at(ERROR, TOKEN, ERROR)),
    "status 204": (says(head(204)), at(STRANGER, TOKEN, BAD, BAD)),
}


def _rows(table: dict[str, tuple[Raw, Causes]]) -> Iterator[Any]:
    for name, (bent, where) in table.items():
        for place, cause in where.items():
            yield pytest.param(place, bent, cause, id=f"{name}, {place}")


@pytest.mark.parametrize(("place", "bent", "cause"), [*_rows(ANSWERS)])
def test_an_answer_that_breaks_http(tmp_path: Path, place: Place, bent: Raw, cause: str) -> None:
    found = diagnosed(tmp_path, place, bent)
    assert (found.causes, found.exit) == told(cause), found


def test_the_words_say_what_came(tmp_path: Path) -> None:
    """One sentence each, as they stand in the report."""
    sentences = {
        "1 GiB": "HTTP 200 with a body over the size limit.",
        "headers without end": "headers over the size limit.",
        "HTTP/0.9": "not an HTTP answer.",
        "the end in the body": "connection closed without a whole answer.",
    }
    for name, sentence in sentences.items():
        found = diagnosed(tmp_path, "manifest-get", ANSWERS[name][0])
        detail = found.codes[BAD]["detail"]
        assert detail.partition(": ")[0].endswith("breaks the registry protocol"), detail
        assert detail.endswith(f": {sentence}")


AWAY, REFUSED = "registry.blob-unreachable", "registry.blob-refused"
STORAGE: dict[str, str] = {
    # what of the above is what, when it is a storage host that gives it
    "1 GiB": BAD,
    "1 GiB in chunks": WORKS,
    "1 GiB of error": REFUSED,
    "1 GiB of 404": MISSING,
    "headers without end": AWAY,
    "100 Continue without end": AWAY,
    "a header that drips": HASTE,
    "a body that drips": BAD,
    "silence": HASTE,
    "the end at once": AWAY,
    "the end in the status": AWAY,
    "two lengths": AWAY,
    "HTTP/0.9": AWAY,
    "HTTP/2": AWAY,
    "another protocol": AWAY,
    "status 999": REFUSED,
    "status 204": REFUSED,
}


@pytest.mark.parametrize("name", STORAGE)
def test_a_storage_host_that_breaks_http(tmp_path: Path, name: str) -> None:
    cause = STORAGE[name]
    found = diagnosed(tmp_path, "storage", ANSWERS[name][0])
    assert (found.causes, found.exit) == told(cause), found


@pytest.mark.parametrize("address", ["https://{host}/again", "https://127.0.0.1:1/further"])
def test_a_storage_host_that_sends_further(tmp_path: Path, address: str) -> None:
    found = diagnosed(tmp_path, "storage", redirects(302, address))
    cause = BAD if "{host}" in address else AWAY
    assert (found.causes, found.exit) == ((cause,), 1), found


# Redirects

REDIRECTS: dict[str, tuple[Raw, Causes]] = {
    "in a circle": (redirects(302, lambda r: r.target), at(BAD, TOKEN, BAD, BAD)),
    "ever further": (redirects(302, lambda r: f"/v2/?{'x' * len(r.target)}"), at(BAD)),
    "to a file": (redirects(302, "file:///etc/passwd"), at(STRANGER, TOKEN, BAD, BAD)),
    "to FTP": (redirects(302, "ftp://127.0.0.1/"), at(STRANGER, TOKEN, BAD, BAD)),
    "to data": (redirects(302, "data:,x"), at(STRANGER, TOKEN, BAD, BAD)),
    "to a script": (redirects(302, "javascript:alert(1)"), at(STRANGER, TOKEN, BAD, BAD)),
    "to nowhere": (whole(302, b""), at(BAD, TOKEN, BAD, BAD)),
    "to half an address": (whole(302, b"", b"Location: http://[::1"), at(None, TOKEN, BAD, BAD)),
    "to an address in brackets": (whole(302, b"", b"Location: //[x]/y"), at(None, TOKEN, BAD, BAD)),
    "to no name that DNS has": (
        whole(302, b"", b"Location: https://a..b/"),
        at(None, TOKEN, BAD, BAD),
    ),
    "with a control character": (
        whole(302, b"", b"Location: https://x.example/\x1b[2J"),
        at(None, TOKEN, BAD, BAD),
    ),
    "of 60 kB": (whole(302, b"", b"Location: /" + b"a" * 60_000), at(None, TOKEN, BAD, BAD)),
    "to another port": (
        redirects(307, "https://127.0.0.1:1/v2/"),
        at(None, "auth.realm-unreachable", None, "registry.blob-unreachable"),
    ),
}


@pytest.mark.parametrize(("place", "bent", "cause"), [*_rows(REDIRECTS)])
def test_a_redirect_that_leads_nowhere(tmp_path: Path, place: Place, bent: Raw, cause: str) -> None:
    found = diagnosed(tmp_path, place, bent)
    assert (found.causes, found.exit) == ((cause,), 1), found
    assert "None" not in found.codes[cause]["detail"]


# Challenges

CHALLENGES: dict[str, tuple[bytes, str]] = {
    "in order": (b'Bearer realm="https://{host}/token",service="s"', WORKS),
    "of 99 kB": (b'Basic realm="' + b"a" * 99_000 + b'"', WORKS),
    "of 9,000 parameters": (b"Bearer " + b",".join(b'p%d="x"' % n for n in range(9000)), BAD),
    "of 90 kB of quotes": (b'Bearer realm="' + b'\\"' * 45_000, BAD),
    "with user information": (b'Bearer realm="https://u:p@{host}/token"', BAD),
    "with a fragment": (b'Bearer realm="https://{host}/token#here",service="s"', WORKS),
    "with a query": (b'Bearer realm="https://{host}/token?service=x&scope=y",service="s"', WORKS),
    "with a relative realm": (b'Bearer realm="/token",service="s"', BAD),
    "without a scheme": (b'Bearer realm="{host}/token"', BAD),
    "for FTP": (b'Bearer realm="ftp://{host}/token"', BAD),
    "for a file": (b'Bearer realm="file:///etc/passwd"', BAD),
    "for no port": (b'Bearer realm="https://127.0.0.1:99999/token"', BAD),
    "for no name that DNS has": (b'Bearer realm="https://a..b/token"', BAD),
    "for a label of 70": (b'Bearer realm="https://' + b"a" * 70 + b'.example/token"', BAD),
    "for a metadata service": (b'Bearer realm="https://169.254.169.254/token"', BAD),
    "for every address": (b'Bearer realm="https://0.0.0.0/token"', BAD),
    "without a realm": (b"Bearer", BAD),
    "with an empty realm": (b'Bearer realm=""', BAD),
    "for another login": (b"Negotiate", BAD),
    "that is noise": (b'\xff\xfe\x80 =,="', BAD),
}


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_challenge(tmp_path: Path, name: str) -> None:
    value, cause = CHALLENGES[name]

    async def asks(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/token":
            writer.write(in_order(request))
        else:
            await challenges(value)(request, writer)

    found = diagnosed(tmp_path, "v2", asks)
    assert (found.causes, found.exit) == told(cause), found
    assert all(len(each["detail"]) < 1000 for each in found.codes.values())
