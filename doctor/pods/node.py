"""What is a node, as far as pulls go? Node object -> `NodeSeen`, and in what two of them differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doctor.facts.pull import NodeSeen
from doctor.model import System
from doctor.pods import cloud
from doctor.pods.objects import each, text

_STOP = ("DiskPressure", "NetworkUnavailable")
"""Conditions in which a node pulls nothing, or cannot."""

_FAMILIES: tuple[tuple[System, tuple[str, ...]], ...] = (
    ("debian", ("debian", "ubuntu")),
    ("rhel", ("red hat enterprise", "centos", "rocky", "almalinux", "fedora linux", "oracle linux",
              "amazon linux")),
    ("suse", ("suse linux", "opensuse leap")),
    ("alpine", ("alpine",)),
)  # fmt: skip
"""What os-release(5) calls them in PRETTY_NAME, which is a node's osImage. Systems whose root is
read-only (Bottlerocket, Talos, Flatcar, CoreOS) are none of these."""


def read(value: Mapping[str, Any]) -> NodeSeen:
    """The node."""
    system, machine = (
        text(value, "status", "nodeInfo", "operatingSystem"),
        text(value, "status", "nodeInfo", "architecture"),
    )
    return NodeSeen(
        name=text(value, "metadata", "name"),
        platform=f"{system}/{machine}" if system and machine else "",
        runtime=text(value, "status", "nodeInfo", "containerRuntimeVersion"),
        kubelet=text(value, "status", "nodeInfo", "kubeletVersion"),
        system=text(value, "status", "nodeInfo", "osImage"),
        pressure=tuple(
            found for one in each(value, "status", "conditions") if (found := _stops(one))
        ),
        cloud=cloud.node(value),
    )


def _stops(condition: Mapping[str, Any]) -> str:
    """The condition, if no pull ends in it: of `Ready` that it is not so."""
    kind, status = text(condition, "type"), text(condition, "status")
    if kind == "Ready":
        return "NotReady" if status in ("False", "Unknown") else ""
    return kind if kind in _STOP and status == "True" else ""


def bare(name: str) -> NodeSeen:
    """A node of which nothing but its name is known."""
    return NodeSeen(name)


def runtime(seen: NodeSeen | None) -> str:
    """The name of its runtime, as `--as` has it; "" for another, or an unknown one."""
    name = seen.runtime.partition("://")[0] if seen else ""
    return name if name in ("containerd", "cri-o") else ""


def family(seen: NodeSeen | None) -> System:
    """Whose commands and paths it has, by the name of its system; "linux" where that tells
    nothing."""
    words = seen.system.lower() if seen else ""
    return next((name for name, marks in _FAMILIES if any(m in words for m in marks)), "linux")


def difference(good: Sequence[NodeSeen], bad: Sequence[NodeSeen]) -> str:
    """What all failing nodes have otherwise than all good ones, in a clause."""
    told = []
    for label, of in (
        ("platform", "platform"),
        ("runtime", "runtime"),
        ("kubelet", "kubelet"),
        ("system", "system"),
    ):
        ours = {getattr(one, of) for one in bad} - {""}
        theirs = {getattr(one, of) for one in good} - {""}
        if ours and theirs and not ours & theirs:
            told.append(
                f"{label} {', '.join(sorted(ours)[:3])}, not {', '.join(sorted(theirs)[:3])}"
            )
    pressed = sorted({each for one in bad for each in one.pressure})
    if pressed:
        told.append(f"{', '.join(pressed)} on the failing side")
    return "; ".join(told) or "the API shows no difference between them"
