"""Does any text of the network reach a terminal alive: a control, a turn of the reading, a mark-up?

Every text that a server can send is sent here, and the whole of what the command prints is looked
through: all evidence, all remedies, on a terminal as well.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.command import DOCTOR, doctor, environment
from tests.lab.bounds import SLACK, alive, bounded, said
from tests.lab.distribution import AMD64
from tests.lab.misbehaving import INDEX, OCI, Place, challenges, registry, tells, whole
from tests.lab.origin import Raw

TIMEOUT = 3.0
EVIL = "A\x1b]0;owned\x07\x1b[2J\t\u202e\u2066\x9b31m\x7f\u200b\ufeff\U000e0041<b>[red]Z"
"""What a header can hold."""
WORSE = f"{EVIL}\r\n\x00\u2028\ud800Z"
"""What JSON can hold as well."""
E = EVIL.encode()
HEADERS = (
    *("Server", "Via", "X-Request-Id", "Date", "Retry-After", "Warning", "Allow", "X-Squid-Error"),
    *("RateLimit", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Policy", "CF-Ray"),
    *("X-RateLimit-Limit", "Docker-Content-Digest", "Docker-Distribution-Api-Version"),
    *("Content-Range", "Content-Encoding", "Deprecation", "Sunset", "Age", "X-Amz-Id-2"),
)
LINES = tuple(name.encode() + b": " + E for name in HEADERS)
ERRORS = {"errors": [{"code": WORSE, "message": WORSE, "detail": WORSE}]}
OAUTH = {"error": WORSE, "error_description": WORSE}
PAGE = b"<html><title>" + E + b"&#x1b;[31m&#8238;</title>" + E
XML = b"<Error><Code>A\x1b[2J</Code><Message>" + E.replace(b"<b>", b"") + b"</Message></Error>"


def error(status: int, document: Any = ERRORS) -> Raw:
    return tells(status, document, *LINES)


def page(status: int) -> Raw:
    return whole(status, PAGE, *LINES, b"Content-Type: text/html")


def manifest(kind: str = OCI, **changed: Any) -> Raw:
    return tells(200, json.loads(AMD64) | changed, b"Content-Type: " + kind.encode(), *LINES)


def entry(**platform: Any) -> dict[str, Any]:
    return {"digest": "sha256:" + "a" * 64, "size": 1, "platform": platform}


PLATFORMS = [entry(os="plan9", architecture="arm"), entry(os=WORSE, architecture=WORSE)]
LAYER = {"digest": WORSE, "size": 1, "mediaType": WORSE}
TEXTS: dict[str, tuple[Place, Raw]] = {
    "an error of the API": ("v2", error(500)),
    "an error of the API's, 400": ("v2", error(400)),
    "a portal": ("v2", page(511)),
    "a block page": ("v2", page(403)),
    "a limit": ("v2", error(429)),
    "a title": ("manifest", page(502)),
    "a realm": ("v2", challenges(b'Bearer realm="https://' + E + b'/token"')),
    "a realm's path": ("v2", challenges(b'Bearer realm="https://{host}/' + E + b'"')),
    "a service": ("v2", challenges(b'Bearer realm="https://127.0.0.1:1/t",service="' + E + b'"')),
    "a scheme": ("v2", challenges(E.replace(b"[", b"") + b' realm="x"')),
    "a Basic realm": ("v2", challenges(b'Basic realm="' + E + b'"')),
    "a redirect": ("v2", whole(302, b"", b"Location: https://x.example/" + E, *LINES)),
    "a redirect's scheme": ("manifest", whole(302, b"", b"Location: " + E)),
    "a redirect's host": ("blob", whole(307, b"", b"Location: https://" + E + b"/", *LINES)),
    "a redirect's query": ("blob", whole(307, b"", b"Location: https://127.0.0.1:1/?" + E)),
    "a token's error": ("token", error(400, OAUTH)),
    "a token's refusal": ("token", error(401)),
    "a token's failure": ("token", error(500)),
    "a token's page": ("token", page(200)),
    "a token": ("token", tells(200, {"token": WORSE, "expires_in": WORSE}, *LINES)),
    "a manifest's error": ("manifest", error(404)),
    "a manifest's refusal": ("manifest", error(403)),
    "a manifest's status": ("manifest", whole(500, b"{}", *LINES, phrase=E)),
    "a manifest's keys": ("manifest", manifest(layers=None, **{WORSE: WORSE})),
    "a manifest's type": ("manifest", manifest(EVIL.replace("\t", ""), mediaType=WORSE)),
    "a layer": ("manifest", manifest(layers=[LAYER])),
    "platforms": ("manifest", manifest(INDEX, mediaType=INDEX, manifests=PLATFORMS)),
    "a layer's refusal": ("blob", error(403)),
    "a layer's refusal in XML": ("blob", whole(403, XML, *LINES)),
    "tags": ("tags", tells(200, {"name": WORSE, "tags": [WORSE, EVIL, "1.1", f"-{EVIL}"]}, *LINES)),
    "no tags": ("tags", error(404)),
}
SILENT = {
    *("a block page", "a scheme", "a Basic realm"),
    *("a redirect's query", "tags", "no tags", "platforms"),
}
"""Of these nothing is told: not even what it would look like made safe."""


@pytest.mark.parametrize("name", TEXTS)
def test_a_text(tmp_path: Path, name: str) -> None:
    place, bent = TEXTS[name]
    with registry(tmp_path, place, bent) as found:
        asked = ("--timeout", str(TIMEOUT), "--ca", str(found.ca), found.image)
        ended = doctor("check", "--verbose", *asked, home=tmp_path)
        bounded(ended, TIMEOUT)
        assert alive(ended.text) == set()
        assert ("<ESC>" in ended.text) is (name not in SILENT), ended.text
        report = doctor("check", "--json", *asked, home=tmp_path)
    assert said(report, TIMEOUT).exit == ended.exit
    assert report.stdout.isascii(), "JSON's own escapes stand for all else"


@pytest.mark.parametrize("name", ["a portal", "a redirect's host", "a token's error", "a limit"])
def test_a_text_on_a_terminal(tmp_path: Path, name: str) -> None:
    """With colours, and with the line of progress: these are the command's own."""
    place, bent = TEXTS[name]
    with registry(tmp_path, place, bent) as found:
        asked = ("check", "--timeout", str(TIMEOUT), "--ca", str(found.ca), found.image)
        text = on_a_terminal([*DOCTOR, *asked], environment(tmp_path, TERM="xterm"))
    own = re.compile(r"\x1b\[[0-9;]*m|\r\x1b\[K|\r(?=\n)")
    assert own.search(text)
    assert alive(own.sub("", text)) == set()
    assert "<ESC>" in text


def on_a_terminal(command: list[str], env: dict[str, str]) -> str:
    """All that a terminal gets to see."""
    mine, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(mine, 65536):
                seen += piece
        except OSError:  # EIO: nobody holds the other end any more
            pass
        os.close(mine)
        process.wait(TIMEOUT + 1 + SLACK)
    return seen.decode()
