"""How long do whole processes take, and when does the first packet leave? Run inside a lab's client
namespace; standard library only.

Standard input is a JSON list of commands, standard output a JSON list of lists of runs, in the same
order. The commands take turns, so that a machine that is busy for a while is busy for all of them.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time

_EVERYTHING = 3
"""ETH_P_ALL of if_ether.h."""
_TCP, _UDP = 6, 17
_SYN, _ACK = 2, 16


def run(command: list[str]) -> dict[str, float | int | None]:
    """One run: seconds to the end, seconds to the first packet (None: none was sent), and the
    exit code."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERYTHING)) as wire:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ended = os.pidfd_open(process.pid)
        try:
            first = None
            while (
                first is None and wire.fileno() in select.select([wire.fileno(), ended], [], [])[0]
            ):
                if _begins(wire.recv(64)):
                    first = time.perf_counter() - started
            code = process.wait()
            seconds = time.perf_counter() - started
        finally:
            os.close(ended)
    return {"seconds": seconds, "first_packet": first, "exit": code}


def _begins(packet: bytes) -> bool:
    """Does it begin something? A datagram or a SYN; the last words of the run before do not."""
    protocol, start = packet[9], (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or protocol == _UDP:
        return packet[0] >> 4 == 4
    return protocol == _TCP and packet[start + 13] & (_SYN | _ACK) == _SYN


def main() -> None:
    job = json.load(sys.stdin)
    runs: list[list[dict[str, float | int | None]]] = [[] for _ in job["commands"]]
    for _ in range(job["rounds"]):
        for command, found in zip(job["commands"], runs, strict=True):
            found.append(run(command))
    json.dump(runs, sys.stdout)


if __name__ == "__main__":
    main()
