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
from doctor.facts.endpoint import EndpointsFact
from doctor.facts.trust import Insecure, TrustFact
from doctor.facts.unverified import by_plain_url, in_the_clear
from doctor.model import Case, Check, Client, Fact, Finding
from doctor.pki.evidence import set_in

if TYPE_CHECKING:
    from doctor.net import Net

NOT_ALLOWED = "The right to use the daemon's socket is missing"
"""The title where the daemon may well run."""
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
        title=NOT_ALLOWED if daemon.state == "denied" else "",
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
    kind = {} if fault.belongs_in else _kind(fact, fault.file)
    params = {
        "file": fault.file,
        "line": "" if fault.belongs_in else str(fault.line or 1),
        "lies_in": fault.lies_in,
        "belongs_in": fault.belongs_in,
        "where": _where(fault),
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


def _where(fault: ConfigFault) -> str:
    """File, line, and the column where that tells more than the line."""
    column = f":{fault.column}" if fault.column > 1 else ""
    return f"{fault.file}:{fault.line}{column}" if fault.line else fault.file


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
    """The settings for the registry and for the mirrors that are asked, each once."""
    endpoints = case.facts.get(EndpointsFact)
    asked = [each.hop for each in endpoints.asked] if endpoints else []
    told: set[str] = set()
    for hop in dict.fromkeys((case.target.registry, *asked)):
        here = replace(case, hop=hop)
        setting = in_the_clear(here) if case.facts.get(TrustFact, hop) else None
        if setting is None or not setting.origin or setting.origin in told:
            continue
        told.add(setting.origin)
        yield _spoken_to_anyhow(here, fact, setting)


def _spoken_to_anyhow(case: Case, fact: ClientFact, setting: Insecure) -> Finding:
    file, _, line = setting.origin.rpartition(":")
    named = case.target.original
    is_mirror = case.at.role == "mirror"
    of_hosts = setting.allows == "plain" or "skip_verify" in setting.entry
    trust = case.facts.get(TrustFact, case.at)
    cas = [s.path for s in trust.stores if s.label.startswith("ca in ")] if trust else []
    params = {
        "file": file,
        "line": line,
        "entry": setting.entry,
        "says": _says(setting),
        "effect": "speaks plain HTTP with" if setting.allows == "plain" else "does not verify",
        "flag": "yes" if file in fact.flagged else "",
        "registry": case.at.authority if is_mirror or named is None else named.registry,
        "host": case.at.host,
        "plain": "yes" if setting.allows == "plain" else "",
        "edit": f"{line}s/true/false/" if setting.switch else "",
        **(set_in(setting.origin) if of_hosts else {}),
        "ca_path": cas[0] if cas else "",
        **_by_tls(by_plain_url(case) if of_hosts else None),
        **_of_k3s(fact),
    }
    return Finding(
        "client.insecure-registry",
        subject=setting.origin,
        evidence={"path": file, "line": int(line), "entry": setting.entry},
        params=params,
    )


def _says(setting: Insecure) -> str:
    """What the line does, in the words that stand there."""
    if setting.allows == "plain":
        return f"names {setting.entry}"
    if setting.switch or "skip_verify" in setting.entry:
        return f"says {'insecure = true' if setting.switch else setting.entry}"
    return f"lists {setting.entry} as insecure"


def _by_tls(setting: Insecure | None) -> dict[str, str]:
    """The same URL with TLS, and the edit that puts it in the place of the other."""
    url = setting.entry.rstrip("/") if setting else ""
    if setting is None or not url.startswith("http://") or set(url) & set("#@&\\ "):
        return {}
    file, _, line = setting.origin.rpartition(":")
    by_tls = f"https{url.removeprefix('http')}"
    return {
        "tls_url": by_tls if by_tls.endswith("/v2") else f"{by_tls}/v2",
        "tls_file": file,
        "tls_edit": f"{line}s#{url}#{by_tls}#",
    }


CHECK = Check(
    name="client",
    scope="target",
    judge=judge,
    read=read,
    question="Is the client there and running, and does its configuration count as it is meant?",
)
