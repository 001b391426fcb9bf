"""A line between two network namespaces on which every packet takes its time.

Each end is a TUN device; this process reads a packet at one end, holds it, and writes it at the
other: DNS, SYNs and acknowledgements alike, in order, with no kernel support beyond /dev/net/tun.
What `ping` shows is twice the delay.
"""

from __future__ import annotations

import argparse
import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.namespace import Namespace, enter_network

DEVICE = "line"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST = 65536
_MOST_WAITING = 4096
"""Packets on the line in one direction; what comes then is lost, as on any line."""


@dataclass
class Relay:
    """A running line."""

    process: subprocess.Popen[str]

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def lay(near: Namespace, far: Namespace, seconds: float, addresses: Sequence[str]) -> Relay:
    """Lay the line: `addresses` are those of `far`, reached from `near`; each way takes
    `seconds`."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(near.holder.pid), str(far.holder.pid), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert process.stdout
    if process.stdout.readline() != "ready\n":
        raise RuntimeError("the line was not laid")
    _ip(near, f"addr add 192.88.99.1 peer 192.88.99.2 dev {DEVICE}")
    _ip(far, f"addr add 192.88.99.2 peer 192.88.99.1 dev {DEVICE}")
    for each in (near, far):
        _ip(each, f"link set {DEVICE} addrgenmode none up")  # no IPv6 chatter of the kernel's own
    for address in addresses:
        _ip(near, f"route add {address} dev {DEVICE} src 192.88.99.1")
    return Relay(process)


def _ip(namespace: Namespace, command: str) -> None:
    subprocess.run([*namespace.entering, "ip", *command.split()], check=True)


def end(pid: int) -> int:
    """The end of the line in the network namespace of that process: a descriptor that gives and
    takes packets."""
    enter_network(pid)
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(descriptor, _TUNSETIFF, request)
    return descriptor


def carry(ends: tuple[int, int], seconds: float, until: int) -> None:
    """Carry packets until the descriptor `until` is at its end."""
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, to, packet = waiting.popleft()
            _put(to, packet)
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([*ends, until], [], [], pause)
        if until in ready:
            return
        due = time.monotonic() + seconds
        for descriptor in ready:
            for packet in _packets(descriptor):
                if len(waiting) < _MOST_WAITING:
                    waiting.append((due, other[descriptor], packet))


def _packets(descriptor: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < 64:
        try:
            found.append(os.read(descriptor, _LARGEST))
        except OSError:  # none left, or the device is down
            break
    return found


def _put(descriptor: int, packet: bytes) -> None:
    try:
        os.write(descriptor, packet)
    except OSError:  # the device is down: lost
        return


def main() -> None:
    parser = argparse.ArgumentParser(description="A slow line between two network namespaces.")
    parser.add_argument("near", type=int, help="a process of the one")
    parser.add_argument("far", type=int, help="a process of the other")
    parser.add_argument("seconds", type=float, help="one way")
    arguments = parser.parse_args()
    ends = (end(arguments.near), end(arguments.far))
    print("ready", flush=True)
    carry(ends, arguments.seconds, sys.stdin.fileno())


if __name__ == "__main__":
    main()
