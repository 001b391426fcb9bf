"""No network, no resolver, files of this machine that hold noise: is the cause still named, in
time?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.command import begin
from tests.lab import servers
from tests.lab.bounds import SLACK, alive
from tests.lab.fakes import deaf
from tests.lab.way import IMAGE
from tests.lab.world import REGISTRY, RESOLVER, SILENT, Run, World
from tests.test_interruption import interrupted, until

pytestmark = pytest.mark.lab

TIMEOUT = 7.0
"""Seconds. A third of it is long enough for silence to prove something."""
EVIL = b"\0\xff\x1b[2J\xe2\x80\xae"


def diagnosed(lab: World, *arguments: str) -> Run:
    """The report, and that what a terminal gets is harmless."""
    asked = ("--timeout", str(TIMEOUT), *(arguments or (IMAGE,)))
    text = lab.doctor("check", "--verbose", *asked)
    assert alive(text.stdout + text.stderr) == set(), text
    run = lab.check(*asked)
    assert (run.exit, run.stderr) == (text.exit, ""), run
    assert run.seconds < TIMEOUT + 1 + SLACK, run
    assert not {f["code"] for f in run.findings if f["code"].startswith("doctor.")}, run
    return run


# No network at all


def cut_off(lab: World) -> None:
    """Not even the loopback interface is up, and no route leads anywhere."""
    lab.run("ip", "link", "delete", "hole")
    lab.run("ip", "link", "set", "lo", "down")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ((IMAGE,), "dns.timeout"),
        (("192.0.2.1/lab/app:1.0",), "tcp.unreachable"),
        (("[2001:db8::1]/lab/app:1.0",), "tcp.unreachable"),
        (("localhost:5000/lab/app:1.0",), "tcp.timeout"),
        (("--proxy", "http://192.0.2.1:3128", IMAGE), "proxy.unreachable"),
        (("--proxy", "http://proxy.example:3128", IMAGE), "proxy.unresolvable"),
    ],
    ids=["name", "IPv4", "IPv6", "localhost", "proxy", "proxy's name"],
)
def test_without_a_network(lab: World, arguments: tuple[str, ...], cause: str) -> None:
    cut_off(lab)
    run = diagnosed(lab, *arguments)
    assert (run.root_causes, run.exit) == ([cause], 1), run


def test_offline_needs_no_network(lab: World) -> None:
    cut_off(lab)
    run = lab.check("--offline", IMAGE)
    assert (run.exit, run.root_causes) == (0, []), run


# No resolver


def replaced(file: Path, make: Callable[[Path], object]) -> None:
    file.unlink()
    make(file)


RESOLV_CONF: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda file: None, "which is missing"),
    "empty": (lambda file: file.write_text(""), "which is empty"),
    "comments": (lambda file: file.write_text("# none\n"), "without a nameserver"),
    "noise": (lambda file: file.write_bytes(EVIL * 99), "without a nameserver"),
    "no address": (lambda file: file.write_bytes(b"nameserver " + EVIL + b"\n"), "line 1: <NUL>"),
    "a folder": (lambda file: file.mkdir(), "Is a directory"),
    "a pipe": (os.mkfifo, "not a regular file"),
    "a device": (lambda file: file.symlink_to("/dev/zero"), "not a regular file"),
    "a link to itself": (lambda file: file.symlink_to(file.name), "symbolic links"),
    "a link to nothing": (lambda file: file.symlink_to("nothing"), "does not exist"),
}


@pytest.mark.parametrize("kind", RESOLV_CONF)
def test_without_a_resolver(lab: World, kind: str) -> None:
    make, says = RESOLV_CONF[kind]
    replaced(lab.etc / "resolv.conf", make)
    run = diagnosed(lab)
    assert (run.root_causes, run.exit) == (["dns.no-resolver"], 1), run
    assert says in run.findings[0]["detail"]


@pytest.mark.parametrize(
    "more",
    [
        b"nameserver\nnameserver 999.1.1.1\nnameserver " + EVIL + b"\n",
        b"options ndots:99999999999999999999 timeout:x " + EVIL + b"\n",
        b"search " + EVIL + b".example " + b"x" * 250 + b" ..\n",
        b"nameserver 192.88.99.53\n" * 100_000,
    ],
    ids=["nameservers", "options", "search", "many"],
)
def test_noise_beside_a_resolver_that_answers(lab: World, more: bytes) -> None:
    (lab.etc / "resolv.conf").write_bytes(f"nameserver {RESOLVER}\n".encode() + more)
    lab.names["registry.cleanstart.com"] = (REGISTRY,)
    servers.resolver(lab)
    run = diagnosed(lab)
    assert (run.root_causes, run.exit) == (["tcp.refused"], 1), run


@pytest.mark.parametrize("length", [255, 300])
def test_a_search_domain_at_which_the_c_library_gives_up(lab: World, length: int) -> None:
    """glibc ends the program that asks it; up to 255 characters it does not."""
    (lab.etc / "resolv.conf").write_text(f"nameserver {RESOLVER}\nsearch {'a' * length}\n")
    lab.names["registry.cleanstart.com"] = (REGISTRY,)
    servers.resolver(lab)
    run = diagnosed(lab)
    if length == 255:
        assert run.root_causes == ["tcp.refused"], run
    else:
        assert run.findings[0]["code"].startswith("dns."), run
        assert "longer than 255 characters" in run.stdout


# Other files of this machine

FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "hosts of noise": ("hosts", lambda file: file.write_bytes((EVIL + b"\n") * 99)),
    "hosts of 12 MB": ("hosts", lambda file: file.write_bytes(b"127.0.0.1 x\n" * 1_000_000)),
    "no hosts": ("hosts", lambda file: None),
    "hosts that is a pipe": ("hosts", os.mkfifo),
    "nsswitch of noise": ("nsswitch.conf", lambda file: file.write_bytes(b"hosts: " + EVIL)),
    "no nsswitch": ("nsswitch.conf", lambda file: None),
    "os-release of noise": ("os-release", lambda file: file.write_bytes(b"ID=" + EVIL)),
    "os-release of 9 MB": ("os-release", lambda file: file.write_bytes(b"x" * 9_000_000)),
    "os-release that is a pipe": ("os-release", os.mkfifo),
    "no CAs": ("ssl/certs/ca-certificates.crt", lambda file: None),
    "CAs of noise": (
        "ssl/certs/ca-certificates.crt",
        lambda file: file.write_bytes(b"-----BEGIN CERTIFICATE-----\n" * 99_999),
    ),
    "CAs that are a pipe": ("ssl/certs/ca-certificates.crt", os.mkfifo),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_this_machine(lab: World, kind: str) -> None:
    """Nothing of it is needed for an address that refuses."""
    name, make = FILES[kind]
    replaced(lab.etc / name, make)
    run = diagnosed(lab, "127.0.0.1:1/lab/app:1.0")
    assert (run.root_causes, run.exit) == (["tcp.refused"], 1), run


def test_a_file_system_that_takes_nothing(lab: World) -> None:
    """It is found before anything is asked; as root, too."""
    lab.run("mkdir", "/run/taken")
    lab.run("mount", "-t", "tmpfs", "-o", "ro", "none", "/run/taken")
    run = lab.doctor("check", "-o", "/run/taken/report", IMAGE)
    assert (run.exit, run.stdout) == (2, ""), run
    assert "'/run/taken' is not a writable folder" in run.stderr


# Ctrl-C while a packet is waited for


def test_ctrl_c_while_a_name_is_waited_for(lab: World) -> None:
    asked = lab.far.serve(lambda: deaf(RESOLVER))
    process = begin("check", IMAGE, env=lab.environ, within=lab.near.entering)
    until(asked.is_set, "the query")
    assert interrupted(process) == (130, b"", "doctor: interrupted\n")


def test_ctrl_c_while_a_connection_is_waited_for(lab: World) -> None:
    image = f"{SILENT}/lab/app:1.0"
    process = begin("check", image, env=lab.environ, within=lab.near.entering)
    address = int.from_bytes(ip_address(SILENT).packed, sys.byteorder)
    sent = f"{address:08X}:{443:04X} 02"
    until(lambda: sent in Path(f"/proc/{process.pid}/net/tcp").read_text(), "a SYN")
    assert interrupted(process) == (130, b"", "doctor: interrupted\n")
