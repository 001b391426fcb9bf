"""What does a report say, as one JSON object? The contract's `doctor.report/1`, described by
report.schema.json.

Everything that comes from outside passes the gate here, field by field: words of a closed
vocabulary (a verdict, a check's name) stay, so that a password which happens to be "fail" cannot
bend the structure.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from doctor import __version__
from doctor.facts.dns import DnsFact
from doctor.facts.endpoint import EndpointSeen, EndpointsFact
from doctor.facts.proxy import RouteFact, TunnelFact
from doctor.facts.registry import answers
from doctor.facts.tcp import TcpFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, CheckResult, Diagnosis, Fact, Finding, Hop, Remedy, Report, Target
from doctor.redact import scrub, scrub_data
from doctor.report.looked_at import looked_at
from doctor.report.summary import sentence
from doctor.stamp import stamp
from doctor.verdict import by_name, gravest

SCHEMA = "doctor.report/1"

Document = dict[str, Any]


def document(report: Report) -> Document:
    """The report as the JSON object that the contract describes. Holds no secret."""
    system = os.uname()
    return {
        "schema": SCHEMA,
        "tool": {
            "name": "registry-doctor",
            "version": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "platform": "-".join((system.sysname, system.machine)).lower(),
        },
        "started": stamp(report.started),
        "duration_ms": round(report.ms, 1),
        "verdict": report.verdict,
        "targets": [_target(d) for d in report.diagnoses],
        "clients": None
        if report.clients is None
        else [{**row, "target": scrub(str(row["target"]))} for row in report.clients],
        "kubernetes": _kubernetes(report),
    }


def _kubernetes(report: Report) -> Document | None:
    if report.kubernetes is None:
        return None
    from doctor.report import cluster

    return cluster.kubernetes(report.kubernetes)


def _target(diagnosis: Diagnosis) -> Document:
    target = diagnosis.target
    reference = target.original
    return {
        "target": scrub(target.text) or (None if target.vantage == "text" else ""),
        "registry": scrub(reference.domain if reference else target.registry.authority) or None,
        "repository": reference and scrub(reference.repository),
        "tag": reference and reference.tag and scrub(reference.tag),
        "digest": reference and reference.digest,
        "client": target.client,
        "vantage": target.vantage,
        "verdict": diagnosis.verdict,
        "root_causes": list(diagnosis.root_causes),
        "not_tried": list(diagnosis.not_tried),
        "source": target.source and _place(target.source),
        "also_named": [_place(each) for each in target.also_named],
        "assumed": [scrub(each) for each in (*target.assumed, *_elsewhere(target))],
        "summary": scrub(sentence(diagnosis)),
        "hops": []
        if target.vantage == "text" or not diagnosis.begun
        else [hop_entry(hop, diagnosis) for hop in hops_of(diagnosis)],
        "checks": [
            _check(name, results, target.registry)
            for name, results in by_name(diagnosis.checks).items()
        ],
        "findings": [finding_entry(f) for f in diagnosis.findings],
        "looked_at": looked_at(diagnosis),
    }


def _elsewhere(target: Target) -> tuple[str, ...]:
    """Whose settings they are that are spoken of, where that is not this machine."""
    if target.root == "/" or target.vantage != "local":
        return ()
    return (
        f"What is below {target.root} belongs to another machine. Its files are named as they are "
        "there, and what changes or restarts something is to be run there.",
    )


def _place(source: tuple[str, int]) -> Document:
    return {"file": scrub(source[0]), "line": source[1]}


def hops_of(diagnosis: Diagnosis) -> list[Hop]:
    """The hosts of the path, in the order in which it met them: the registry first, or where the
    client asks several endpoints, those in its order."""
    asked = [each.endpoint.hop for each in _compared(diagnosis)]
    found = {hop: None for hop in [*asked, diagnosis.target.registry] if hop.host}
    for at, fact in diagnosis.facts:
        for hop in (at, *fact.leads_to):
            if hop is not None:
                found.setdefault(hop)
    return list(found)


def _compared(diagnosis: Diagnosis) -> tuple[EndpointSeen, ...]:
    fact = diagnosis.facts.get(EndpointsFact)
    return fact.seen_at if fact else ()


def hop_entry(hop: Hop, diagnosis: Diagnosis) -> Document:
    """One entry of `hops`."""
    facts = diagnosis.facts
    dns, tcp, tls = facts.get(DnsFact, hop), facts.get(TcpFact, hop), facts.get(TlsFact, hop)
    route, tunnel = facts.get(RouteFact, hop), facts.get(TunnelFact, hop)
    said = answers(Case(diagnosis.target, facts))
    http = [a.ms for at, a in said if at == hop and a.status]
    compared = [each for each in _compared(diagnosis) if each.endpoint.hop == hop]
    http += [each.http_ms for each in compared if each.http_ms is not None]
    proxy = route.proxy if route else None
    layers: dict[str, Fact | None] = {"dns": dns, "tcp": tunnel if proxy else tcp, "tls": tls}
    reached = [n for n, fact in layers.items() if fact and fact.ok and not fact.left_to]
    timings = {name: round(fact.ms, 1) for name, fact in layers.items() if fact is not None}
    if http:
        reached.append("http")
        timings["http"] = round(http[0], 1)
    return {
        "role": hop.role,
        "host": scrub(hop.host),
        "port": hop.port,
        "via": f"proxy {scrub(proxy.hop.name)}" if proxy else "direct",
        "addresses": list(dns.addresses) if dns else [],
        "reached": reached[-1] if reached else None,
        "timings_ms": timings,
        **({"serves": compared[0].serves} if compared else {}),
    }


def _check(name: str, results: Sequence[CheckResult], registry: Hop) -> Document:
    """One entry a check: of several hops and parts the gravest counts, and the summary is its."""
    chosen = gravest(results)
    elsewhere = chosen.hop is not None and chosen.hop != registry and chosen.status != "pass"
    where = f" ({chosen.hop.name})" if elsewhere and chosen.hop else ""
    return {
        "name": name,
        "status": chosen.status,
        "summary": scrub(f"{chosen.summary}{where}"),
        "duration_ms": max(r.ms for r in results if r.part == chosen.part),
        "blocked_by": _blocker(chosen),
    }


def _blocker(result: CheckResult) -> str | None:
    """Why it did not run: the check's name as it is, and the hop's, which comes from outside. What
    found a fault although it did not run, in what others saw, is told by that."""
    if not result.blocked_by or result.status != "skip":
        return None
    check, blank, hop = result.blocked_by.partition(" ")
    return check + blank + scrub(hop)


def finding_entry(finding: Finding) -> Document:
    """One entry of `findings`."""
    return {
        "code": finding.code,
        "check": finding.check,
        "severity": finding.level,
        "root_cause": finding.root_cause,
        "confidence": finding.confidence,
        "hop": finding.hop and scrub(finding.hop.name),
        "subject": finding.subject and scrub(finding.subject),
        "title": scrub(finding.title),
        "detail": scrub(finding.detail),
        "evidence": scrub_data(jsonable(finding.evidence)),
        "remedies": [_remedy(r) for r in finding.remedies],
    }


def _remedy(remedy: Remedy) -> Document:
    return {
        "title": scrub(remedy.title),
        "for": list(remedy.clients),
        "steps": [
            {
                "text": scrub(s.text),
                "command": s.command and scrub(s.command),
                "root": s.root,
                "changes": s.changes,
            }
            for s in remedy.steps
        ],
        "verify": remedy.verify and scrub(remedy.verify),
        "docs": remedy.docs and scrub(remedy.docs),
    }


def jsonable(value: Any) -> Any:
    """Evidence as JSON has it: tuples are arrays, times are stamps, anything else unknown (what is
    no finite number included) is its text."""
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
