"""Is the client there and running, and does its own configuration say what its owner meant?

What the client's files decide for a pull (route, trust, credential) is judged where that layer is;
here it is whether they count at all: a daemon that does not answer, a file that keeps it from
starting or is passed over, a registry that it is told not to verify. Clients that are one program
without settings of their own (`shell`, `crane`) have nothing to say here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.client import ClientFact, ConfigFault
from doctor.facts.unverified import in_the_clear
from doctor.model import Case, Check, Client, Fact, Finding

if TYPE_CHECKING:
    from doctor.net import Net

_DOWN = frozenset({"missing", "refused", "denied", "silent", "odd"})


async def read(case: Case, client: Client, net: Net) -> Fact | None:
    """The client as this machine has it."""
    return client.setup(case.target)


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the client itself."""
    fact = case.facts.get(ClientFact)
    if fact is None:
        return
    yield from _running(fact)
    for fault in fact.faults:
        yield _broken(fact, fault)
    yield from _insecure(case, fact)


def _running(fact: ClientFact) -> Iterator[Finding]:
    daemon = fact.daemon
    if daemon is None or daemon.state not in _DOWN or not fact.program:
        return
    params = {
        "socket": daemon.socket,
        "reason": daemon.reason,
        "denied": "yes" if daemon.state == "denied" else "",
        "user": fact.user if daemon.state == "denied" else "",
        "rootless": "yes" if fact.rootless else "",
        "desktop": "yes" if fact.desktop else "",
        **_of_k3s(fact),
    }
    yield Finding(
        "client.not-running",
        subject=daemon.socket,
        evidence={
            "program": fact.program,
            "socket": daemon.socket,
            "state": daemon.state,
            "reason": daemon.reason,
        },
        params=params,
    )


def _broken(fact: ClientFact, fault: ConfigFault) -> Finding:
    runs = fact.daemon is not None and fact.daemon.state == "answers"
    if fault.stops and runs and fault.kind not in ("each-pull", "no-policy", "context"):
        effect = "the running daemon goes by what it read before, and will not start again with it"
        fault = replace(fault, effect=effect, stops=False)
    kind = _kind(fact, fault.file)
    params = {
        "file": fault.file,
        "line": str(fault.line or 1),
        "where": f"{fault.file}:{fault.line}" if fault.line else fault.file,
        "passed_over": "yes" if fault.kind == "passed-over" else "",
        "flaw": fault.what,
        "effect": fault.effect,
        "expected": fault.expected,
        "corrected": fault.corrected,
        "whole_image": fault.image,
        **kind,
        "rootless": "yes" if fact.rootless else "",
        "context": "yes" if fault.kind == "context" else "",
        "named_by": fault.variable,
        "other_store": "yes" if fault.kind == "other-store" else "",
        "no_policy": "yes" if fault.kind == "no-policy" else "",
        "unread": "yes" if fault.kind == "unread" and "unit" not in kind else "",
        **_of_containerd(fact, fault),
        "kubelet_file": "yes" if fact.client == "kubelet" and not fault.client else "",
    }
    evidence = {
        "path": fault.file,
        "line": fault.line or None,
        "column": fault.column or None,
        "what": fault.what,
        "client_then": fault.effect,
        "expected": fault.expected,
    }
    return Finding(
        "client.config-invalid",
        severity=None if fault.stops else "warning",
        confidence="certain" if fault.sure else "possible",
        subject=f"{fault.file}:{fault.line}" if fault.line else fault.file,
        evidence={name: value for name, value in evidence.items() if value},
        params=params,
    )


def _kind(fact: ClientFact, file: str) -> dict[str, str]:
    """Which kind of file it is, where the way to mend it hangs on that."""
    if file.endswith((".service", ".conf")) and "/systemd/" in file:
        return {"unit": "yes"}
    if file.endswith("policy.json"):
        return {"policy": "yes"}
    if "registries" in file or file.endswith("short-name-aliases.conf"):
        return {}
    kinds = {"podman": "containers_conf", "cri-o": "crio_conf"}
    return {kinds[fact.client]: "yes"} if fact.client in kinds else {}


def _of_containerd(fact: ClientFact, fault: ConfigFault) -> dict[str, str]:
    """Which of containerd's files it is, and what of it the words need."""
    if fact.client != "containerd":
        return {}
    of_hosts = fault.file.endswith("/hosts.toml")
    hosts = of_hosts and fault.kind not in ("passed-over", "path-twice")
    colon = fault.kind == "one-folder"
    return {
        "hosts_toml": "yes" if hosts else "",
        "mirror": fact.mirror,
        "config_toml": "yes" if fault.file.endswith(".toml") and not of_hosts else "",
        "path_twice": "yes" if fault.kind == "path-twice" else "",
        "colon_path": "yes" if colon and fault.line else "",
        "appendable": "yes" if fact.appendable else "",
        "appendable_v2": "yes" if fact.appendable_v2 else "",
        "no_path": "yes" if fault.kind == "no-path" else "",
        "colon_default": "yes" if colon and not fault.line else "",
        **_of_k3s(fact),
    }


def _of_k3s(fact: ClientFact) -> dict[str, str]:
    """The service that k3s or RKE2 runs as."""
    return {"k3s": fact.service} if fact.service.startswith(("k3s", "rke2")) else {}


def _insecure(case: Case, fact: ClientFact) -> Iterator[Finding]:
    setting = in_the_clear(replace(case, hop=case.target.registry))
    if setting is None or not setting.origin:
        return
    file, _, line = setting.origin.rpartition(":")
    named = case.target.original
    params = {
        "file": file,
        "line": line,
        "entry": setting.entry,
        "flag": "yes" if file in fact.flagged else "",
        "registry": named.registry if named else "",
        "plain": "yes" if setting.allows == "plain" else "",
        "edit": f"{line}s/true/false/" if setting.switch else "",
        **_of_k3s(fact),
    }
    yield Finding(
        "client.insecure-registry",
        subject=setting.origin,
        evidence={"path": file, "line": int(line), "entry": setting.entry},
        params=params,
    )


CHECK = Check(
    name="client",
    scope="target",
    judge=judge,
    read=read,
    question="Is the client there and running, and does its configuration count as it is meant?",
)
