"""A machine with its own /etc and name servers of its own, in which the real look-up is run.

A new network and mount namespace (`unshare -n -m`, root only) gets an empty /etc with the given
files, and `tests.lab.nameserver` on port 53 of the given loopback addresses. So getaddrinfo itself
reads the files, and nothing outside is reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doctor.facts.resolvers import ResolversFact
from doctor.model import Case, Facts, Finding, Hop, Target

NSSWITCH = "hosts: files dns\n"


@dataclass(frozen=True)
class Seen:
    """What the probes saw, as plain data, and what the judges made of it: code -> severity."""

    dns: dict[str, Any]
    resolvers: dict[str, Any]
    codes: dict[str, str | None]
    details: dict[str, dict[str, Any]]
    asked: dict[str, list[list[str]]]
    after: dict[str, str | None]
    """The codes once the first finding's first remedy was carried out, where that was asked for."""
    left_after: float
    """Seconds between the end of the look-up and the end of the process."""


@functools.cache
def possible() -> bool:
    """May this process make namespaces?"""
    try:
        tried = subprocess.run(
            ["unshare", "-n", "-m", "mount", "-t", "tmpfs", "none", "/etc"], capture_output=True
        )
    except OSError:
        return False
    return tried.returncode == 0


def look(
    host: str,
    servers: dict[str, str],
    *,
    resolv_conf: str | None = "",
    hosts: str = "127.0.0.1 localhost\n",
    nsswitch: str = NSSWITCH,
    loopback: bool = True,
    seconds: float = 20.0,
    cure_with: str = "",
) -> Seen:
    """Resolve `host` on such a machine.

    `servers`: address -> zone. `resolv_conf` None: no such file; "": one line a server.
    `cure_with`: what stands for RESOLVER when the first remedy's commands are run.
    """
    if resolv_conf == "":
        resolv_conf = "".join(f"nameserver {address}\n" for address in servers)
    files = {"hosts": hosts, "nsswitch.conf": nsswitch}
    if resolv_conf is not None:
        files["resolv.conf"] = resolv_conf
    scenario = {
        "host": host,
        "servers": servers,
        "etc": files,
        "loopback": loopback,
        "seconds": seconds,
        "cure_with": cure_with,
    }
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-P", __file__],
        input=json.dumps(scenario),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    ended = time.time()
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    said = json.loads(done.stdout)
    return Seen(**{k: v for k, v in said.items() if k != "at"}, left_after=ended - said["at"])


async def _look(scenario: dict[str, Any]) -> dict[str, Any]:
    from tests.lab.nameserver import serving

    async with contextlib.AsyncExitStack() as stack:
        running = {
            address: await stack.enter_async_context(serving(zone, address))
            for address, zone in scenario["servers"].items()
        }
        case = await _probe(scenario)
        findings = _judge(case)
        asked = {address: [*server.asked] for address, server in running.items()}
        after: dict[str, str | None] = {}
        if scenario["cure_with"]:
            _carry_out(case, findings[0], scenario["cure_with"])
            after = _codes(_judge(await _probe(scenario)))
    system, direct = (dataclasses.asdict(fact) for _, fact in case.facts)
    return {
        "dns": system,
        "resolvers": direct,
        "codes": _codes(findings),
        "details": {
            f.code: {"evidence": f.evidence, "params": f.params, "confidence": f.confidence}
            for f in findings
        },
        "asked": asked,
        "after": after,
    }


async def _probe(scenario: dict[str, Any]) -> Case:
    """Both probes at once, as the engine runs them."""
    from doctor.checks import dns, resolvers
    from doctor.net import Net

    hop = Hop("registry", scenario["host"], 443)
    facts = Facts()
    case = Case(Target(text=scenario["host"], reference=None, registry=hop), facts, hop)
    net = Net(deadline=time.monotonic() + scenario["seconds"])

    async def resolvers_probe() -> ResolversFact:
        fact = await resolvers.probe(case, net)
        facts.add(fact, hop)
        return fact

    system, direct = await asyncio.gather(dns.probe(case, net), resolvers_probe())
    return dataclasses.replace(case, facts=Facts([(hop, system), (hop, direct)]))


def _judge(case: Case) -> list[Finding]:
    from doctor.checks import dns, resolvers

    case = dataclasses.replace(case, facts=case.facts.sound)
    return [*dns.judge(case), *resolvers.judge(case)]


def _codes(findings: list[Finding]) -> dict[str, str | None]:
    return {finding.code: finding.severity for finding in findings}


def _carry_out(case: Case, finding: Finding, resolver: str) -> None:
    """Run the first remedy's commands in order, as root without sudo."""
    from doctor import codes

    remedy = codes.load().dress(finding, case.target).remedies[0]
    commands = [step.command for step in remedy.steps if step.command]
    script = "\n".join(['sudo() { "$@"; }', *commands]).replace("RESOLVER", resolver)
    subprocess.run(["sh", "-e", "-c", script], check=True, stdout=subprocess.DEVNULL)


async def _timed(scenario: dict[str, Any]) -> dict[str, Any]:
    """The end of the loop comes after it: a lookup in the loop's own threads would hold it."""
    found = await _look(scenario)
    return found | {"at": time.time()}


def main() -> None:
    scenario = json.load(sys.stdin)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc"], check=True)
    if scenario["loopback"]:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, text in scenario["etc"].items():
        (Path("/etc") / name).write_text(text)
    result = asyncio.run(_timed(scenario))
    print(json.dumps(result), flush=True)
    # As doctor leaves. Python's own end ends threads that wait for the system's resolver by
    # pthread_exit, and glibc may abort ("exception not rethrown") where one is in C++ or Rust.
    os._exit(0)


if __name__ == "__main__":
    main()
