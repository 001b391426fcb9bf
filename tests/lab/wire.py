"""What goes over the wire of a world: every packet, read where the client stands.

Connections are counted by their first packet, so also those on which nothing was ever said;
questions to name servers are read; and whatever travels in the clear is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.message
import dns.rdatatype

from tests.lab.world import World

_ALL = 0x0003
"""ETH_P_ALL."""
_OUTGOING = 4
"""PACKET_OUTGOING: on loopback every packet is seen twice."""
_SYN, _ACK = 0x02, 0x10
_UDP, _TCP = 17, 6


@dataclass(frozen=True)
class Packet:
    """One IPv4 packet."""

    protocol: int
    source: tuple[str, int]
    target: tuple[str, int]
    payload: bytes
    first: bool = False
    """Does it open a TCP connection?"""


@dataclass
class Wire:
    """The packets so far."""

    packets: list[Packet] = field(default_factory=list)

    def connections(self) -> Counter[tuple[str, int]]:
        """How many TCP connections were begun, by address and port."""
        return Counter(p.target for p in self.packets if p.first and p.target[0] != "127.0.0.1")

    def questions(self) -> Counter[tuple[str, str]]:
        """Which names were asked for, with the type of record."""
        found: Counter[tuple[str, str]] = Counter()
        for packet in self.packets:
            if packet.target[1] == 53 and packet.protocol == _UDP:
                with contextlib.suppress(dns.exception.DNSException):
                    for each in dns.message.from_wire(packet.payload).question:
                        kind = dns.rdatatype.to_text(each.rdtype)
                        found[str(each.name).rstrip("."), kind] += 1
        return found

    def sent_to(self, address: str, *ports: int) -> bytes:
        """Every byte that went there."""
        return b"".join(
            p.payload
            for p in self.packets
            if p.target[0] == address and (not ports or p.target[1] in ports)
        )

    def sent(self) -> dict[str, bytes]:
        """Every byte that went anywhere but to this machine, by address and port."""
        places = {p.target for p in self.packets if not p.target[0].startswith("127.")}
        return {f"{a}:{p}": self.sent_to(a, p) for a, p in sorted(places)}


def tap(world: World) -> Wire:
    """Begin to listen; ends with the world."""
    wire = Wire()
    world.near.serve(lambda: _listening(wire))
    return wire


@contextlib.asynccontextmanager
async def _listening(wire: Wire) -> AsyncIterator[None]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL)) as tapped:
        tapped.setblocking(False)
        tapped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        loop = asyncio.get_running_loop()

        def take() -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, (_, protocol, kind, *_) = tapped.recvfrom(65536)
                    if kind == _OUTGOING and protocol == 0x0800:
                        wire.packets.extend(_parsed(data))

        loop.add_reader(tapped, take)
        try:
            yield
        finally:
            loop.remove_reader(tapped)


def _parsed(data: bytes) -> Iterator[Packet]:
    length = (data[0] & 15) * 4
    protocol = data[9]
    source, target = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    body = data[length : struct.unpack("!H", data[2:4])[0]]
    if protocol not in (_UDP, _TCP):
        return
    ports = struct.unpack("!HH", body[:4])
    start, first = 8, False
    if protocol == _TCP:
        start, first = (body[12] >> 4) * 4, body[13] & (_SYN | _ACK) == _SYN
    yield Packet(protocol, (source, ports[0]), (target, ports[1]), body[start:], first)
