"""Do the rules hold for containerd itself?

Compared: containerd and ctr 1.6.20 as Debian 12 has them, with the rules of hosts.toml and its
folders (`ctr images pull --hosts-dir`, the code that CRI uses too: core/remotes/docker/config),
with how files of config.toml are put together (`containerd config dump`), and with its socket. What
2.x has otherwise (the parted tables of the CRI plug-in, the transfer service, `referrers`) was read
in its source and not run here; k3s and RKE2 were not run either.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from doctor.clients import containerd_config
from doctor.clients.containerd import Containerd
from doctor.clients.containerd_node import Node
from doctor.clients.hosts_dir import Hosts, find
from doctor.clients.machine import Machine
from doctor.clients.unit import Value
from doctor.engine.fallback import aim
from doctor.model import Target
from doctor.net import runtime
from doctor.reference import Reference, parse
from tests.certificates import Issued, authority, leaf
from tests.clients.registries import put
from tests.lab.programs import need, program

DIGEST = f"sha256:{'a' * 64}"
REGISTRY = "reg.test:5000"


@dataclass
class Asked:
    """Servers on loopback that have no image, and what each was asked for."""

    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Port, path and query, and the header x-lab."""
    ports: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def servers() -> Iterator[Asked]:
    asked = Asked()

    class Empty(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            assert isinstance(self.server, ThreadingHTTPServer)
            port = str(self.server.server_address[1])
            asked.requests.append((port, self.path, self.headers.get("x-lab", "")))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815 - the server's name for it

        def log_message(self, *args: object) -> None:
            """Nothing is logged."""

    running = [ThreadingHTTPServer(("127.0.0.1", 0), Empty) for _ in range(3)]
    for each in running:
        asked.ports.append(each.server_address[1])
        threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()
    yield asked
    for each in running:
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A containerd without CRI, all of it in one folder."""
    need("containerd", "ctr")
    place = tmp_path_factory.mktemp("containerd")
    file = place / "c.sock"
    config = put(
        place, "/config.toml", 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]'
    )
    command = [program("containerd"), "-c", str(config), "--address", str(file)]
    command += ["--root", str(place / "root"), "--state", str(place / "state")]
    with (place / "log").open("w") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 20
        while asyncio.run(runtime.ask(str(file))).state != "answers":
            assert daemon.poll() is None, (place / "log").read_text()
            assert time.monotonic() < end, (place / "log").read_text()
            time.sleep(0.05)
        yield file
    finally:
        daemon.terminate()
        daemon.wait(20)


def pull(socket: Path, folder: Path, image: str) -> str:
    """What ctr says; no image is had."""
    command = [program("ctr"), "--address", str(socket), "images", "pull", "--hosts-dir"]
    done = subprocess.run(
        [*command, str(folder), image], capture_output=True, text=True, timeout=60
    )
    return done.stderr


def target(image: str) -> Target:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return Target(image, reference, reference.hop, client="containerd")


def ours(folder: Path, image: str) -> list[tuple[str, str]]:
    """The ports and paths that we would ask, in order."""
    config = containerd_config.Config(config_path=Value(str(folder), "x", 1))
    wanted = target(image)
    fact = Containerd(Machine(), Node(config=config, version="1.6.20")).endpoints(wanted)
    assert wanted.reference is not None
    tail = f"manifests/{wanted.reference.digest or wanted.reference.tag}"
    return [
        (str(e.hop.port), aim(wanted, e).path_in_repository(tail))
        for e in fact.asked
        if e.hop.host == "127.0.0.1"
    ]


A, S_B, S_C = (f'server = "http://{letter}"\n' for letter in "ABC")
B = '[host."http://B"]\n'
OVERRIDE = "override_path = true\n"
TREES = (
    ("order", {REGISTRY: '[host."http://B"]\n[host."http://A"]\n[host."http://C"]\n'}),
    ("server-last", {REGISTRY: A + B}),
    ("server-alone", {REGISTRY: A}),
    ("no-host", {"_default": A}),
    ("pull-alone", {REGISTRY: A + B + 'capabilities = ["pull"]\n'}),
    ("resolve-alone", {REGISTRY: A + B + 'capabilities = ["resolve"]\n'}),
    ("capitals", {REGISTRY: A + B + 'capabilities = ["Pull", "RESOLVE"]\n'}),
    ("path", {REGISTRY: 'server = "http://A/p"\n[host."http://B/v2/proxy"]\n'}),
    ("path-v2", {REGISTRY: 'server = "http://A/p/v2"\n[host."http://B/v2"]\n'}),
    ("slashes", {REGISTRY: 'server = "http://A/"\n[host."http://B/v2/"]\n'}),
    (
        "override",
        {REGISTRY: f'server = "http://A/v2/proxy"\n{OVERRIDE}{B}{OVERRIDE}'},
    ),
    ("folder-with-port", {"reg.test_5000_": A, REGISTRY: S_B, "_default": S_C}),
    ("folder-with-colon", {REGISTRY: S_B, "_default": S_C}),
    ("folder-default", {"reg.test": S_B, "_default": S_C}),
    ("unknown-capability", {"_default": A + B + 'capabilities = ["pul"]\n'}),
    ("wrong-type", {"_default": A + 'skip_verify = "yes"\n'}),
    ("not-toml", {"_default": A + '[host."http://B"\n'}),
    ("unknown-key", {REGISTRY: A + "skip-verify = true\n"}),
    ("tls-first", {REGISTRY: A + "skip_verify = true\n"}),
    ("header-twice", {REGISTRY: A + B + '[host."http://B".header]\nx-lab = "1"\n'}),
    ("crlf", {REGISTRY: 'server = "http://A"\r\n[host."http://B"]\r\n'}),
)


@pytest.mark.parametrize("by", ["tag", "digest"])
@pytest.mark.parametrize(("name", "tree"), TREES, ids=[name for name, _ in TREES])
def test_containerd_asks_as_we_say(
    name: str, tree: dict[str, str], by: str, socket: Path, servers: Asked, tmp_path: Path
) -> None:
    for folder, text in tree.items():
        for letter, port in zip("ABC", servers.ports, strict=True):
            text = text.replace(f"//{letter}", f"//127.0.0.1:{port}")
        ending = "" if "[host" in text or name == "no-host" else "\n[host]\n"
        put(tmp_path, f"/{folder}/hosts.toml", text + ending)
    image = f"{REGISTRY}/team/app" + (":1" if by == "tag" else f"@{DIGEST}")
    servers.requests.clear()
    said = pull(socket, tmp_path, image)
    theirs = [(port, path) for port, path, _ in servers.requests if "/blobs/" not in path]
    assert theirs == ours(tmp_path, image), said


def test_no_host_for_tags_has_containerds_words(
    socket: Path, servers: Asked, tmp_path: Path
) -> None:
    server = f'server = "http://127.0.0.1:{servers.ports[0]}"\n'
    put(tmp_path, f"/{REGISTRY}/hosts.toml", f'{server}capabilities = ["pull"]\n[host]\n')
    assert "no resolve hosts: not found" in pull(socket, tmp_path, f"{REGISTRY}/a:1")
    assert ours(tmp_path, f"{REGISTRY}/a:1") == []


def test_a_header_is_sent_to_its_host_alone(socket: Path, servers: Asked, tmp_path: Path) -> None:
    a, b, _ = servers.ports
    put(tmp_path, f"/{REGISTRY}/hosts.toml", f'server = "http://127.0.0.1:{a}"\n'
        f'[host."http://127.0.0.1:{b}".header]\nx-lab = "there"\n')  # fmt: skip
    servers.requests.clear()
    pull(socket, tmp_path, f"{REGISTRY}/a:1")
    assert [(port, lab) for port, _, lab in servers.requests] == [(str(b), "there"), (str(a), "")]


CA: Issued = authority()
PAIR = leaf(CA, "client.example")


@pytest.mark.parametrize(("files", "text", "stops", "words"), [
    ({}, 'ca = "ca.crt"', True, "unable to read CA cert"),
    ({"ca.crt": "no"}, 'ca = "ca.crt"', True, "unable to load CA cert"),
    ({"ca.crt": CA.pem}, 'ca = "ca.crt"', False, ""),
    ({"c.pem": PAIR.pem + PAIR.key_pem}, 'client = "c.pem"', False, ""),
    ({"c.pem": PAIR.pem}, 'client = "c.pem"', True, "key pair"),
    ({"c.pem": PAIR.pem, "k.pem": CA.key_pem}, 'client = [["c.pem", "k.pem"]]', True, "key pair"),
    ({"c.pem": PAIR.pem, "k.pem": PAIR.key_pem}, 'client = [["c.pem", "k.pem"]]', False, ""),
    ({"c.pem": PAIR.pem}, 'client = [["c.pem", "k.pem"]]', True, "unable to read"),
    ({"x.crt": "no"}, "", True, "unable to load CA cert"),
    ({"x.pem": "no"}, "", False, ""),
    ({"c.cert": PAIR.pem}, "", True, "key pair"),
    ({"c.key": PAIR.key_pem}, "", False, ""),
])  # fmt: skip
def test_a_file_that_cannot_be_used_ends_the_pull_from_every_host(
    files: dict[str, str], text: str, stops: bool, words: str,
    socket: Path, servers: Asked, tmp_path: Path,
) -> None:  # fmt: skip
    """The file is the second host's: the first is not asked either."""
    from doctor.clients.host_trust import trusted
    from doctor.facts.trust import TrustFact

    first, second, _ = servers.ports
    folder = f"/{REGISTRY}"
    for name, content in files.items():
        put(tmp_path, f"{folder}/{name}", content)
    if text:
        put(tmp_path, f"{folder}/hosts.toml", f'server = "http://127.0.0.1:{second}"\n{text}\n'
            f'[host."http://127.0.0.1:{first}"]\n')  # fmt: skip
    servers.requests.clear()
    said = pull(socket, tmp_path, f"{REGISTRY}/a:1")
    assert (words in said) is stops or not words, said
    found: Hosts = find(Machine(), (str(tmp_path),), REGISTRY)
    fact = trusted(TrustFact(), Machine(), found, found.hosts[0])
    assert any(fault.stops for fault in fact.faults) is stops, fact.faults
    if text:
        assert bool(servers.requests) is not stops, said


TABLE = 'version = 2\n{}[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "{}"\n'
PAUSE = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "x"\n'
GLOB = 'imports = ["ROOT/d/*.toml"]\n'


@pytest.mark.parametrize(("files", "expected"), [
    ({"/c.toml": TABLE.format("", "/a")}, "/a"),
    ({"/c.toml": "version = 2\n"}, ""),
    ({"/c.toml": '[plugins.cri.registry]\nconfig_path = "/a"'}, "/a"),
    ({"/c.toml": TABLE.format(GLOB, "/a"), "/d/c.toml": TABLE.format("", "/c"),
      "/d/b.toml": TABLE.format("", "/b")}, "/c"),
    ({"/c.toml": TABLE.format('imports = ["b.toml"]\n', "/a"), "/b.toml": PAUSE}, ""),
])  # fmt: skip
def test_files_of_config_toml_are_put_together_as_containerd_does(
    files: dict[str, str], expected: str, tmp_path: Path
) -> None:
    import tomllib

    need("containerd")
    for path, text in files.items():
        put(tmp_path, path, text.replace("ROOT", str(tmp_path)))
    command = [program("containerd"), "-c", str(tmp_path / "c.toml"), "config", "dump"]
    dumped = tomllib.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    registry = dumped["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    config = containerd_config.read(Machine(), str(tmp_path / "c.toml"), (1, 6))
    assert registry["config_path"] == config.config_path.text == expected


@pytest.mark.parametrize("text", ["version = 2\n[", 'imports = ["gone.toml"]\n', "version = {}"])
def test_what_containerd_does_not_start_with_stops_it_for_us(text: str, tmp_path: Path) -> None:
    need("containerd")
    put(tmp_path, "/c.toml", text)
    command = [program("containerd"), "-c", str(tmp_path / "c.toml"), "config", "dump"]
    refuses = subprocess.run(command, capture_output=True).returncode != 0
    config = containerd_config.read(Machine(), str(tmp_path / "c.toml"), (1, 6))
    assert any(fault.stops for fault in config.faults) is refuses


def test_its_socket_answers_and_says_no_version(socket: Path) -> None:
    daemon = asyncio.run(runtime.ask(str(socket)))
    assert (daemon.state, daemon.version) == ("answers", "")
