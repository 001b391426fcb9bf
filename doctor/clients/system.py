"""Which kind of system is this, so that a remedy names its own commands and paths?

os-release(5): ID and ID_LIKE. The root folder is an argument, so that another machine's files can
be read.
"""

from __future__ import annotations

import os
import sys

from doctor.clients.machine import Machine, Text
from doctor.model import System

_FAMILIES: tuple[tuple[System, frozenset[str]], ...] = (
    ("alpine", frozenset({"alpine", "wolfi", "chainguard"})),
    ("debian", frozenset({"debian", "ubuntu", "raspbian", "linuxmint"})),
    ("rhel", frozenset({"rhel", "fedora", "centos", "rocky", "almalinux", "amzn", "ol"})),
    ("suse", frozenset({"suse", "sles", "opensuse", "opensuse-leap", "opensuse-tumbleweed"})),
)

_ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "i386": "386",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
}


def system(root: str = "/") -> System:
    """The family of the system below `root`; "linux" when it cannot be told."""
    if root == "/" and sys.platform == "darwin":
        return "macos"
    machine = Machine(root)
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        read = machine.read(path, 16384)
        if isinstance(read, Text):
            return family(read.text)
    return "linux"


def family(os_release: str) -> System:
    """The family that an os-release text names by ID, else by ID_LIKE."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    ids = [fields.get("ID", ""), *fields.get("ID_LIKE", "").strip("\"'").split()]
    for each in ids:
        for name, members in _FAMILIES:
            if each.strip("\"'").lower() in members:
                return name
    return "linux"


def own_platform() -> str:
    """The platform that a container client on this machine asks for: `linux/ARCH[/VARIANT]`, on
    macOS too."""
    machine = os.uname().machine.lower()
    return f"linux/{_ARCHITECTURES.get(machine, machine or 'amd64')}"
