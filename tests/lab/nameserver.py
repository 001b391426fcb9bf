"""A name server with chosen faults, over UDP and TCP, for tests and for the lab.

    python tests/lab/nameserver.py --listen 127.0.0.1 --port 53 --zone FILE [--address 192.0.2.10]

prints `ready` on standard output when it listens. Several `--listen` are several addresses of one
server; resolvers that differ are several processes (or several `serving` blocks in one loop).
Nothing is ever asked of anybody else.

What a name does is said by the zone, else by the name's first label. The zone has one record or
fault a line, `#` starts a comment:

    registry.lab       A      10.0.0.5      a record: A, AAAA or CNAME; a line for each
    www.registry.lab   CNAME  registry.lab
    old.lab            truncated            a fault from the list below;
    old.lab            A      10.0.0.6      its addresses, where the fault gives any
    *.corp.lab         A      10.0.0.9      names below corp.lab that have no line of their own
    *                  A      10.0.0.1      every name without a line: a captive portal
    *                  refused              every name without a line and without a fault's label

A name without a line whose first label is a fault, or its number, has that fault: `d03.lab` and
`servfail.lab` answer SERVFAIL. Anything else is NXDOMAIN; a name with records of other types only
is NODATA. The addresses of a fault by label are `--address` (A) and 2001:db8::10 (AAAA).

    d01 nxdomain       NXDOMAIN
    d02 nodata         NOERROR, no record
    d03 servfail       SERVFAIL
    d04 refused        REFUSED
    d05 notimp         NOTIMP
    d06 formerr        FORMERR
    d07 silent         no reply (a closed port, d08, is a server that does not run)
    d09 truncated      TC over UDP, complete over TCP
    d10 tcp-blocked    TC over UDP; TCP accepts and says nothing
    d11 dangling       CNAME to a missing name (`gone.` in front)
    d12 alias-nodata   CNAME to a name without an address (`empty.` in front)
    d13 cname-loop     a circle of two CNAMEs (the other has `again.` in front)
    d14 lame           an empty answer, no RA, no AA
    d15 aaaa-servfail  A works, AAAA SERVFAIL
    d16 aaaa-nxdomain  A works, AAAA NXDOMAIN
    d17 aaaa-silent    A works, AAAA no reply
    d18 ipv6-only      AAAA works, A NODATA
    d19 sinkhole       0.0.0.0 and ::
    d20 blocked        NXDOMAIN with EDE 15 and a text
    bogus              SERVFAIL with EDE 6, but an answer with CD=1
    loop-servfail      SERVFAIL, but CNAME queries show a circle: what recursors make of d13
    prohibited         REFUSED with EDE 18
    forged             the address with EDE 4
    bad-ede            NXDOMAIN with an EDE text that is not UTF-8
    large              40 A records: truncated without EDNS, complete with it and over TCP
    large-tcp-blocked  the same, and TCP says nothing
    slow               the answer after two seconds
    spoofed            a datagram with another id, one with another question, then the answer
    no-edns            FORMERR to a query with EDNS, the answer to one without
    garbage            bytes that are no DNS message
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

ADDRESS = "192.0.2.10"
ADDRESS6 = "2001:db8::10"
BLOCK_TEXT = "blocked by policy of lab"
NUMBERS = {
    "d01": "nxdomain",
    "d02": "nodata",
    "d03": "servfail",
    "d04": "refused",
    "d05": "notimp",
    "d06": "formerr",
    "d07": "silent",
    "d09": "truncated",
    "d10": "tcp-blocked",
    "d11": "dangling",
    "d12": "alias-nodata",
    "d13": "cname-loop",
    "d14": "lame",
    "d15": "aaaa-servfail",
    "d16": "aaaa-nxdomain",
    "d17": "aaaa-silent",
    "d18": "ipv6-only",
    "d19": "sinkhole",
    "d20": "blocked",
}
MORE = (
    "bogus",
    "loop-servfail",
    "prohibited",
    "forged",
    "bad-ede",
    "large",
    "large-tcp-blocked",
    "slow",
    "spoofed",
    "no-edns",
    "garbage",
)
FAULTS = frozenset((*NUMBERS.values(), *MORE))
RCODES = {
    "nxdomain": dns.rcode.NXDOMAIN,
    "servfail": dns.rcode.SERVFAIL,
    "refused": dns.rcode.REFUSED,
    "notimp": dns.rcode.NOTIMP,
    "formerr": dns.rcode.FORMERR,
    "blocked": dns.rcode.NXDOMAIN,
    "bad-ede": dns.rcode.NXDOMAIN,
    "prohibited": dns.rcode.REFUSED,
    "bogus": dns.rcode.SERVFAIL,
    "loop-servfail": dns.rcode.SERVFAIL,
}
ALIASES = {"gone": "dangling", "empty": "alias-nodata", "again": "cname-loop"}
"""The label that the other name of an alias has in front, by fault."""
TTL = 60


@dataclass
class Zone:
    """What the names do. `records`: name -> type -> values; `faults`: name -> fault; names are
    lower case, `*` a wildcard."""

    records: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    address: str = ADDRESS

    @classmethod
    def parse(cls, text: str, address: str = ADDRESS) -> Zone:
        zone = cls(address=address)
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].lower().split()
            match words:
                case []:
                    continue
                case [name, "a" | "aaaa" | "cname" as kind, value]:
                    zone.records.setdefault(name, {}).setdefault(kind.upper(), []).append(value)
                case [name, fault] if fault in FAULTS:
                    zone.faults[name] = fault
                case _:
                    raise SystemExit(
                        f"zone line {number}: {line.strip()!r} is no record and no fault"
                    )
        return zone

    def own(self, name: str) -> dict[str, list[str]] | None:
        """The records of the name, or of the nearest wildcard above it."""
        if name in self.records:
            return self.records[name]
        labels = name.split(".")
        above = [f"*.{'.'.join(labels[i:])}" for i in range(1, len(labels))]
        return next((self.records[w] for w in (*above, "*") if w in self.records), None)

    def fault(self, name: str) -> str | None:
        prefix, _, rest = name.partition(".")
        if prefix in ALIASES and self.fault(rest) == ALIASES[prefix]:
            return {"gone": "nxdomain", "empty": "nodata"}.get(prefix, ALIASES[prefix])
        if prefix == "again" and self.fault(rest) == "loop-servfail":
            return "loop-servfail"
        if name in self.faults:
            return self.faults[name]
        if name in self.records:
            return None
        by_label = NUMBERS.get(prefix, prefix)
        if by_label in FAULTS:
            return by_label
        return None if self.own(name) else self.faults.get("*")


@dataclass
class Nameserver:
    """Answers from a zone. `asked` holds every question that came: (name, type, transport)."""

    zone: Zone
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def answers(self, wire: bytes, transport: str) -> tuple[list[bytes], float]:
        """The datagrams (or the one TCP message) to send, and the seconds to wait before. None: no
        reply."""
        query = dns.message.from_wire(wire)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind, transport))
        fault = self.zone.fault(name)
        tcp = transport == "tcp"
        if fault == "silent" or (fault == "aaaa-silent" and kind == "AAAA"):
            return [], 0
        if tcp and fault in {"tcp-blocked", "large-tcp-blocked"}:
            return [], 0
        if fault == "garbage":
            return [b"\x00garbage\xff" * 3], 0
        response = self.respond(query, name, kind, fault)
        full = response.to_wire(max_size=65535)
        room = 65535 if tcp else max(query.payload, 512)
        cut = len(full) > room or (not tcp and fault in {"truncated", "tcp-blocked"})
        if cut:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC | dns.flags.RA
        wires = [response.to_wire(max_size=65535)]
        if fault == "spoofed" and not tcp:
            wires = [*self._spoofs(query), *wires]
        return wires, 2.0 if fault == "slow" else 0.0

    def respond(
        self, query: dns.message.Message, name: str, kind: str, fault: str | None
    ) -> dns.message.Message:
        response = dns.message.make_response(query, our_payload=1232)
        if fault != "lame":
            response.flags |= dns.flags.RA
        checking = not query.flags & dns.flags.CD
        if fault == "no-edns":
            if query.edns >= 0:
                response.set_rcode(dns.rcode.FORMERR)
                return response
            self._add(response, name, kind, self._addresses(name))
            return response
        if fault == "bogus" and not checking:
            self._add(response, name, kind, self._addresses(name))
            return response
        if fault == "loop-servfail" and kind == "CNAME":
            self._put(response, name, "CNAME", [_other(name)])
            return response
        if fault in RCODES:
            response.set_rcode(RCODES[fault])
            self._explain(response, query, fault)
            return response
        self._by_fault(response, query, name, kind, fault)
        return response

    def _by_fault(
        self,
        response: dns.message.Message,
        query: dns.message.Message,
        name: str,
        kind: str,
        fault: str | None,
    ) -> None:
        match fault:
            case "nodata" | "lame":
                return
            case "dangling":
                self._put(response, name, "CNAME", [f"gone.{name}"])
                response.set_rcode(dns.rcode.NXDOMAIN)
            case "alias-nodata":
                self._put(response, name, "CNAME", [f"empty.{name}"])
            case "cname-loop":
                for owner in (name, _other(name)):
                    self._put(response, owner, "CNAME", [_other(owner)])
            case "aaaa-servfail" | "aaaa-nxdomain" if kind == "AAAA":
                response.set_rcode(
                    dns.rcode.SERVFAIL if fault == "aaaa-servfail" else dns.rcode.NXDOMAIN
                )
            case "aaaa-servfail" | "aaaa-nxdomain" | "aaaa-silent":
                self._add(response, name, kind, {"A": self._addresses(name)["A"]})
            case "ipv6-only":
                self._add(response, name, kind, {"AAAA": self._addresses(name)["AAAA"]})
            case "sinkhole":
                self._add(response, name, kind, {"A": ["0.0.0.0"], "AAAA": ["::"]})
            case "large" | "large-tcp-blocked":
                many = [f"192.0.2.{n}" for n in range(100, 140)]
                self._add(response, name, kind, {"A": many})
            case None:
                self._by_zone(response, name, kind)
            case _:
                self._add(response, name, kind, self._addresses(name))
                self._explain(response, query, fault)

    def _by_zone(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(16):
            own = self.zone.own(name)
            if own is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return
            if "CNAME" not in own or kind == "CNAME":
                self._add(response, name, kind, own)
                return
            self._put(response, name, "CNAME", own["CNAME"][:1])
            name = own["CNAME"][0]

    def _addresses(self, name: str) -> dict[str, list[str]]:
        return self.zone.records.get(name) or {"A": [self.zone.address], "AAAA": [ADDRESS6]}

    def _add(
        self, response: dns.message.Message, name: str, kind: str, records: dict[str, list[str]]
    ) -> None:
        if records.get(kind):
            self._put(response, name, kind, records[kind])

    def _put(self, response: dns.message.Message, name: str, kind: str, values: list[str]) -> None:
        dotted = [f"{v}." if kind == "CNAME" else v for v in values]
        response.answer.append(dns.rrset.from_text(f"{name}.", TTL, "IN", kind, *dotted))

    def _explain(
        self, response: dns.message.Message, query: dns.message.Message, fault: str
    ) -> None:
        """An Extended DNS Error, if the query has EDNS (RFC 8914 section 3)."""
        told: dict[str, tuple[int, bytes]] = {
            "blocked": (15, BLOCK_TEXT.encode()),
            "prohibited": (18, b"not for you"),
            "bogus": (6, b"signature does not match"),
            "forged": (4, b"legal order"),
            "bad-ede": (15, b"\xff\xfe\xfd"),
        }
        if fault in told and query.edns >= 0:
            code, text = told[fault]
            option = dns.edns.GenericOption(dns.edns.OptionType.EDE, struct.pack("!H", code) + text)
            response.use_edns(0, 0, 1232, options=[option])

    def _spoofs(self, query: dns.message.Message) -> list[bytes]:
        other_id = dns.message.make_response(query)
        other_id.id = query.id ^ 1
        other_id.answer.append(dns.rrset.from_text(query.question[0].name, 9, "IN", "A", "6.6.6.6"))
        asked = dns.message.make_query("other.invalid", "A", id=query.id)
        return [other_id.to_wire(), dns.message.make_response(asked).to_wire()]


def _other(name: str) -> str:
    """The other name of a circle of two."""
    return name.removeprefix("again.") if name.startswith("again.") else f"again.{name}"


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Nameserver) -> None:
        self.server = server
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.ensure_future(self._reply(data, addr))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _reply(self, data: bytes, addr: tuple[str, int]) -> None:
        wires, wait = self.server.answers(data, "udp")
        if wait:
            await asyncio.sleep(wait)
        for wire in wires:
            self.transport.sendto(wire, addr)


@contextlib.asynccontextmanager
async def serving(zone: Zone | str, *listen: str, port: int = 53) -> AsyncIterator[Nameserver]:
    """A running server on every address of `listen` (127.0.0.1 if none is given), UDP and TCP; gone
    when the block ends."""
    server = Nameserver(zone if isinstance(zone, Zone) else Zone.parse(zone))

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while True:  # glibc sends A and AAAA on one connection
                size = struct.unpack("!H", await reader.readexactly(2))[0]
                wires, wait = server.answers(await reader.readexactly(size), "tcp")
                await asyncio.sleep(wait)
                for wire in wires:
                    writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for address in listen or ("127.0.0.1",):
            streams = await asyncio.start_server(stream, address, port)
            stack.callback(streams.close)
            datagrams, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(server), local_addr=(address, port)
            )
            stack.callback(datagrams.close)
        yield server


async def run(zone: Zone, listen: list[str], port: int) -> None:
    async with serving(zone, *listen, port=port):
        print("ready", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A name server with chosen faults.")
    parser.add_argument("--listen", action="append", default=[], metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=53)
    parser.add_argument("--zone", metavar="FILE")
    parser.add_argument("--address", default=ADDRESS, help="the A record of faults by label")
    chosen = parser.parse_args()
    text = Path(chosen.zone).read_text() if chosen.zone else ""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(Zone.parse(text, chosen.address), chosen.listen, chosen.port))


if __name__ == "__main__":
    main()
