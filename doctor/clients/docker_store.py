"""Which of its two image stores does dockerd use here, as far as files tell?

moby daemon/image_store_choice.go and daemon/graphdriver/driver.go: what
features.containerd-snapshotter or userns-remap says; else up to version 28 the graphdrivers, and
from 29 on containerd, unless a graphdriver is set or has left its folder below the data root.
"""

from __future__ import annotations

from collections.abc import Mapping

from doctor.clients import packages
from doctor.clients.daemon_json import DaemonJson
from doctor.clients.machine import Machine, Unread
from doctor.clients.unit import Value
from doctor.facts.client import Store

FLAGS = {
    "data-root": "data-root",
    "storage-driver": "storage-driver",
    "s": "storage-driver",
    "feature": "feature",
    "userns-remap": "userns-remap",
}
"""The daemon's flags that bear on it."""
_PACKAGES = ("docker-ce", "docker.io", "moby-engine", "docker-engine")
_FEATURE = "containerd-snapshotter"
_LEAVES = ("overlay2", "fuse-overlayfs", "btrfs", "zfs")
"""The graphdrivers whose folder decides; that of vfs does not."""
_GRAPHDRIVERS = (*_LEAVES, "vfs")


def version(machine: Machine) -> str:
    """dockerd's, as the package manager has it."""
    return packages.version(machine, _PACKAGES)


def store(
    machine: Machine,
    settings: DaemonJson,
    flags: Mapping[str, tuple[Value, ...]],
    environ: Mapping[str, str],
    data_root: str,
) -> Store:
    """The store; "" where the files do not tell. `data_root`: where its data lies by default."""
    if told := forced(settings, flags):
        return told
    read = machine.read(settings.path)
    if isinstance(read, Unread) and read.reason != "missing":
        return ""
    major = packages.numbers(version(machine))[0]
    if 0 < major < 29:
        return "graphdriver"
    given = flags.get("data-root", ())
    root = given[-1].text if given else settings.data_root or data_root
    left = [name for name in machine.names(root) if name in _LEAVES]
    if any(machine.names(f"{root}/{name}") for name in left):
        return "graphdriver"
    chosen = flags.get("storage-driver", ())
    driver = environ.get("DOCKER_DRIVER") or (chosen[-1].text if chosen else settings.driver)
    if driver in _GRAPHDRIVERS:
        return "graphdriver"
    seen_all = machine.names(root) and not left
    return "containerd" if major and seen_all else ""


def forced(settings: DaemonJson, flags: Mapping[str, tuple[Value, ...]]) -> Store:
    """What the settings and the flags make it; "" where they leave it open."""
    if any(value.text for value in flags.get("userns-remap", ())):
        return "graphdriver"
    for value in flags.get("feature", ()):
        name, _, said = value.text.partition("=")
        if name == _FEATURE:
            return "containerd" if said in ("", "true", "1") else "graphdriver"
    asked = settings.containerd_store
    return "" if asked is None else "containerd" if asked else "graphdriver"
