"""Does a proxy that misbehaves cost a known amount, get its right name, and stay harmless?

It is asked for an address of the documentation's network: nothing but the proxy is ever spoken to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import doctor
from tests.lab.bounds import HASTE, Said, alive, bounded, said, told
from tests.lab.misbehaving import drips, endless, head, says, whole
from tests.lab.origin import Raw, origin
from tests.lab.test_hostile_text import PAGE, E
from tests.lab.test_hostile_tls import RECORD, greeting
from tests.lab.thread import running

TIMEOUT = 3.0
TARGET = "192.0.2.10/lab/app:1.0"
DENIED, FAILED, NONE = "proxy.denied", "proxy.upstream-failed", "proxy.not-a-proxy"
NAMES = (b"Server", b"Via", b"Proxy-Agent", b"Proxy-Status", b"X-Squid-Error", b"X-Cache", b"Date")
LINES = tuple(name + b": " + E for name in (*NAMES, b"Location", b"X-Block-Reason", b"Allow"))
ASKS = (b"Proxy-Authenticate: " + E, b'Proxy-Authenticate: Basic realm="' + E + b'"')
OPEN = head(403)[:-2]
GIB = b"Content-Length: %d" % (1 << 30)
TUNNEL = head(200, phrase=b"Connection established")


def diagnosed(folder: Path, proxy: str) -> Said:
    """The report, and that what a terminal gets is harmless."""
    asked = ("check", "--timeout", str(TIMEOUT), "--proxy", proxy, TARGET)
    text = doctor(*asked, "--verbose", home=folder)
    bounded(text, TIMEOUT)
    assert alive(text.text) == set()
    return said(doctor(*asked, "--json", home=folder), TIMEOUT)


def refusal(status: int) -> Raw:
    """With every text that a proxy can send."""
    return whole(status, PAGE, *LINES, *ASKS, b"Content-Type: text/html", phrase=E)


ANSWERS: dict[str, tuple[Raw, str]] = {
    "204": (refusal(204), DENIED),
    "302": (refusal(302), DENIED),
    "400": (refusal(400), FAILED),
    "403": (refusal(403), DENIED),
    "404": (refusal(404), FAILED),
    "407": (refusal(407), "proxy.auth-required"),
    "429": (refusal(429), FAILED),
    "502": (refusal(502), FAILED),
    "511": (refusal(511), DENIED),
    "999": (refusal(999), FAILED),
    "a 200 with a page": (refusal(200), DENIED),
    "1 GiB of page": (endless(head(403, GIB, *LINES), b"x" * 65536), DENIED),
    "1 GiB of a failure": (endless(head(502, GIB), b"x" * 65536), FAILED),
    "a page that drips": (drips(head(403, GIB), b"x"), DENIED),
    "headers without end": (endless(OPEN, b"X-A: " + b"a" * 1000 + b"\r\n"), NONE),
    "a header without end": (endless(OPEN + b"X-A: ", b"a" * 1000), NONE),
    "a status without end": (endless(b"HTTP/1.1 403 ", b"a" * 1000), NONE),
    "a header that drips": (drips(OPEN + b"X-A: ", b"a"), HASTE),
    "silence": (drips(b"", b""), HASTE),
    "half a status": (says(b"HTTP/1.1 40"), NONE),
    "HTTP/0.9": (says(PAGE), NONE),
    "HTTP/2": (says(b"\0\0\x12\4\0\0\0\0\0" + b"\0" * 18), NONE),
    "SSH": (says(b"SSH-2.0-" + E + b"\r\n"), NONE),
    "SOCKS": (says(b"\5\0\0\0"), NONE),
    "TLS": (says(b"\x15\3\1\0\2\2\x46"), NONE),
    "5,000 logins": (whole(407, b"", *[b"Proxy-Authenticate: S%d" % n for n in range(5000)]), NONE),
    "a tunnel to noise": (says(TUNNEL, E * 100), "tls.not-tls"),
    "a tunnel to noise without end": (endless(TUNNEL, b"x" * 65536), "tls.not-tls"),
    "a tunnel to HTTP": (says(TUNNEL, head(400, *LINES, phrase=E), PAGE), "tls.plain-http"),
    "a tunnel to SSH": (says(TUNNEL, b"SSH-2.0-" + E + b"\r\n"), "tls.not-tls"),
    "a tunnel to silence": (drips(TUNNEL, b""), HASTE),
    "a tunnel to records": (endless(TUNNEL, RECORD), "tls.handshake-refused"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_to_connect(tmp_path: Path, name: str) -> None:
    bent, cause = ANSWERS[name]
    with running(lambda: origin(raw=bent)) as proxy:
        found = diagnosed(tmp_path, f"http://{proxy.hop.name}")
    assert (found.causes, found.exit) == told(cause), found


def test_the_end_at_once_may_be_one_or_the_other(tmp_path: Path) -> None:
    with running(lambda: origin(raw=says())) as proxy:
        found = diagnosed(tmp_path, f"http://{proxy.hop.name}")
    assert set(found.causes) == {FAILED, NONE}
    assert {found.codes[code]["confidence"] for code in found.causes} == {"possible"}


STRANGER = {"http": NONE, "socks5": NONE, "https": "proxy.tls-failed"}
GREETINGS: dict[str, tuple[bytes, bytes, dict[str, str]]] = {
    "SSH": (b"SSH-2.0-" + E + b"\r\n", b"", STRANGER),
    "noise without end": (b"", b"\x1b[2J" * 16384, STRANGER),
    "SOCKS that is cut": (b"\5", b"", {"socks5": HASTE}),
    "SOCKS without end": (b"", b"\5" * 65536, {"http": NONE, "socks5": NONE}),
    "SOCKS that fails as nobody knows": (b"\5\0\5\x99\0\3\xff" + E, b"", {"socks5": FAILED}),
    "a tunnel by SOCKS to noise": (b"\5\0\5\0\0\3\1xyz" + E, b"", {"socks5": "tls.not-tls"}),
}


@pytest.mark.parametrize(
    ("name", "scheme"), [(name, scheme) for name in GREETINGS for scheme in GREETINGS[name][2]]
)
def test_a_proxy_that_speaks_first(tmp_path: Path, name: str, scheme: str) -> None:
    first, more, causes = GREETINGS[name]
    with running(lambda: greeting(first, more)) as port:
        found = diagnosed(tmp_path, f"{scheme}://127.0.0.1:{port}")
    assert (found.causes, found.exit) == told(causes[scheme]), found
