"""Is one NO_PROXY list read as Go, curl and Python read it? Where the reader is at hand, it is
asked itself."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.clients import noproxy

# list, host, port of an https URL; then who goes direct: go, curl, requests, urllib, httpx
TABLE = [
    ("example.com", "example.com", 443, "D D D D D"),
    ("example.com", "r.example.com", 443, "D D D D D"),
    ("example.com", "notexample.com", 443, "P P P P P"),
    (".example.com", "example.com", 443, "P D D D P"),
    (".example.com", "r.example.com", 443, "D D D D D"),
    ("*.example.com", "r.example.com", 443, "D P P P P"),
    ("*.example.com", "example.com", 443, "P P P P P"),
    ("10.0.0.0/8", "10.1.2.3", 443, "D D D P P"),
    ("10.0.0.0/8", "11.1.2.3", 443, "P P P P P"),
    ("10.0.0.0/8", "registry.example", 443, "P P P P P"),
    ("10.1.2.3", "10.1.2.3", 5000, "D D D D D"),
    ("example.com:5000", "example.com", 5000, "D P D D D"),
    ("example.com:443", "example.com", 443, "D P P P P"),
    ("example.com:5000", "example.com", 443, "P P P P P"),
    ("a.com,*", "b.com", 443, "D P P P D"),
    ("*", "b.com", 443, "D D D D D"),
    ("a.com b.com", "b.com", 443, "P P P P P"),
    ("a.com, b.com", "b.com", 443, "D D D D D"),
    ("EXAMPLE.com", "example.com", 443, "D D D D D"),
    ("example.com.", "example.com", 443, "P D P P P"),
    ("2001:db8::/32", "2001:db8::5", 443, "D D P P P"),
    ("2001:db8::5", "2001:db8::5", 443, "D D D P D"),
    ("", "example.com", 443, "P P P P P"),
    (",,", "example.com", 443, "P P P P P"),
]


@pytest.mark.parametrize(("listed", "host", "port", "ways"), TABLE)
def test_the_five_readings(listed: str, host: str, port: int, ways: str) -> None:
    matched = (
        noproxy.go(listed, host, port),
        noproxy.curl(listed, host, port),
        noproxy.requests(listed, host, port),
        noproxy.urllib(listed, host, port),
        noproxy.httpx(listed, host, port),
    )
    assert " ".join("P" if entry is None else "D" for entry in matched) == ways


@pytest.mark.parametrize(("listed", "host", "direct"), [
    ("bücher.example", "xn--bcher-kva.example", True),
    ("BÜCHER.example", "r.xn--bcher-kva.example", True),
    (".bücher.example", "xn--bcher-kva.example", False),
    ("*.bücher.example", "r.xn--bcher-kva.example", True),
    ("bücher.example", "bucher.example", False),
    ("bü..example", "xn--b-xga.example", False),
    ("10.0.0.0/8", "::ffff:10.1.2.3", True),
    ("10.0.0.0/8", "::ffff:11.1.2.3", False),
    ("10.1.2.3", "::ffff:10.1.2.3", True),
    ("::ffff:10.1.2.3", "10.1.2.3", True),
    ("10.0.0.0/8", "::a01:203", False),
])  # fmt: skip
def test_go_knows_a_name_in_its_own_letters_and_an_address_in_another_dress(
    listed: str, host: str, direct: bool
) -> None:
    """golang.org/x/net/http/httpproxy proxy.go: idnaASCII of the entry, net.IP.Equal and
    net.IPNet.Contains."""
    assert (noproxy.go(listed, host, 443) is not None) is direct


GO_LIST = (
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, "
    "10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, "
    "2002:db8:a::45/64"
)


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("192.168.1.1", True),
        ("192.168.1.2", False),
        ("192.168.1.3", True),
        ("192.168.1.4", False),
        ("10.0.0.2", True),
        ("10.0.0.4", False),
        ("2001:db8::52:0:1", True),
        ("2001:db8::52:0:2", False),
        ("2001:db8::52:0:3", True),
        ("2002:db8:a::123", True),
        ("fe80::424b:c8be:1643:a1b6", False),
        ("barbaz.net", False),
        ("www.barbaz.net", True),
        ("foobar.com", True),
        ("www.foobar.com", True),
        ("foofoobar.com", False),
        ("barbarbaz.net", False),
        ("wildcard.io", False),
        ("nested.wildcard.io", True),
        ("awildcard.io", False),
    ],
)
def test_go_agrees_with_its_own_table(host: str, direct: bool) -> None:
    # the cases of golang.org/x/net/http/httpproxy, UseProxyTests, at port 80
    assert (noproxy.go(GO_LIST, host, 80) is not None) is direct


@pytest.mark.parametrize("listed", [":1", "[::1]", "10.0.0.0/99", "host:", "[", "]:1", "a:b:c"])
def test_go_passes_over_what_is_malformed(listed: str) -> None:
    assert noproxy.go(listed, "registry.example", 443) is None
    assert noproxy.go(f"{listed},registry.example", "registry.example", 443) == "registry.example"


def test_the_entry_is_given_as_it_is_written() -> None:
    assert noproxy.go("a.com, .Corp.Example ,b.com", "r.corp.example", 443) == ".Corp.Example"


LABEL = st.sampled_from(["a", "b", "ab", "corp", "example", "com"])
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ENTRY = st.one_of(
    NAME,
    NAME.map(lambda n: f".{n}"),
    NAME.map(lambda n: f"*.{n}"),
    st.tuples(NAME, st.sampled_from(["443", "5000"])).map(":".join),
    st.sampled_from(["", " ", "localhost", "10.1.2.3", "10.0.0.0/8", "EXAMPLE.com"]),
)
LISTED = st.lists(ENTRY, max_size=4).map(",".join)
HOST = st.one_of(NAME, st.sampled_from(["10.1.2.3", "192.168.0.1"]))
PORT = st.sampled_from([443, 5000])


@given(LISTED, HOST, PORT)
def test_urllib_agrees_with_python(listed: str, host: str, port: int) -> None:
    written = host if port == 443 else f"{host}:{port}"
    theirs = vars(urllib.request)["proxy_bypass_environment"](written, {"no": listed})
    assert (noproxy.urllib(listed, host, port) is not None) is bool(theirs)


@settings(max_examples=60)
@given(LISTED, HOST, PORT)
def test_httpx_agrees_with_httpx(listed: str, host: str, port: int) -> None:
    from unittest.mock import patch

    import httpx

    environ = {"https_proxy": "http://proxy.invalid:3128", "no_proxy": listed}
    with patch.dict(os.environ, environ, clear=True):
        mounts = httpx._utils.get_environment_proxies()
    patterns = sorted(httpx._utils.URLPattern(key) for key in mounts)
    url = httpx.URL(f"https://{host}:{port}/v2/")
    first = next((p for p in patterns if p.matches(url)), None)
    theirs = first is None or mounts[first.pattern] is None
    assert (noproxy.httpx(listed, host, port) is not None) is theirs


@given(LISTED, HOST, PORT)
def test_requests_agrees_with_requests(listed: str, host: str, port: int) -> None:
    utils = pytest.importorskip("requests.utils")
    written = host if port == 443 else f"{host}:{port}"
    theirs = utils.should_bypass_proxies(f"https://{written}/v2/", no_proxy=listed)
    if "EXAMPLE" not in listed:  # with a port, requests looks at the case of the letters
        assert (noproxy.requests(listed, host, port) is not None) is bool(theirs)


@contextmanager
def listener(reached: set[str], name: str) -> Iterator[int]:
    """A port that notes that somebody came, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        reached.add(name)
                        connection.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("example.com", "r.example.com"),
        (".example.com", "example.com"),
        ("..example.com", "example.com"),
        ("example.com.", "example.com"),
        ("*.example.com", "r.example.com"),
        ("ample.com", "example.com"),
        ("a.com,*", "b.com"),
        ("*", "b.com"),
        (" *", "b.com"),
        ("a.com,,b.com", "b.com"),
        ("a.com b.com", "b.com"),
        ("a.com\tb.com", "a.com"),
        ("b.com:5000", "b.com"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/15", "10.1.2.3"),
        ("10.1.2.3/", "10.1.2.3"),
        ("10.1.2.3/33", "10.1.2.3"),
        ("0.0.0.0/0", "10.1.2.3"),
        ("10.0.0.0/8", "b.com"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("2001:db8::5", "2001:db8::5"),
    ],
)
def test_curl_agrees_with_curl(listed: str, host: str) -> None:
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < (7, 86):
        pytest.skip("curl before 7.86 reads the list by yet another rule")
    reached: set[str] = set()
    with listener(reached, "proxy") as proxy, listener(reached, "origin") as origin:
        url = f"http://[{host}]/" if ":" in host else f"http://{host}/"
        command = ["curl", "-sS", "-m", "5", "--connect-to", f"::127.0.0.1:{origin}", url]
        environ = {"PATH": os.environ["PATH"], "no_proxy": listed}
        environ["http_proxy"] = f"http://127.0.0.1:{proxy}"
        subprocess.run(command, env=environ, capture_output=True, check=False)
    ours = noproxy.curl(listed, host, 80, blanks=version < (8, 9))
    assert reached == {"proxy" if ours is None else "origin"}
