"""Which certificates are outside their dates, and is it they or the local clock that is wrong?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from doctor.facts.tls import TimeReading, TlsFact
from doctor.model import Case, Confidence, Finding, Severity
from doctor.pki import clock, errors
from doctor.pki.evidence import short
from doctor.pki.objections import Objections
from doctor.stamp import stamp


def dates(case: Case, objections: Objections) -> Iterator[Finding]:
    """The certificates that are outside their dates, and the clock where that explains them."""
    verdict = objections.verdict
    outside = [error for error in verdict.errors if error.number in errors.TIMES]
    if not outside and case.at != case.target.registry:
        return
    readings = clock.heard(case.facts, case.target.now)
    against = clock.wrong(readings)
    if against and (not outside or any(clock.explains(verdict, r) for r in against)):
        alone = len({r.source for r in against}) == 1 and not against[0].bound
        yield _skew(
            case,
            objections,
            against,
            severity="error" if outside else "warning",
            confidence="likely" if alone else "certain",
        )
    elif outside and not clock.right(readings) and _several_too_early(case):
        yield _skew(case, objections, (), severity="error", confidence="likely")
    sure: Confidence = "certain" if clock.right(readings) else "likely"
    for error in outside:
        cert = objections.certificate(error.depth)
        early = error.number == errors.NOT_YET_VALID
        code = "tls.not-yet-valid" if early else "tls.expired"
        if error.depth and not early:
            code = "tls.intermediate-expired"
        params = {
            "subject": cert.subject,
            "not_after": cert.not_after,
            "not_before": cert.not_before,
            "today": verdict.at,
            "issuer": cert.issuer_name,
        }
        if error.depth and verdict.anchored and error.depth == len(verdict.path) - 1:
            params["anchor"] = "yes"
            if objections.fact.public:
                params["public"] = "yes"
        evidence = {
            "certificate": short(cert),
            "depth": error.depth,
            "not_after": cert.not_after,
            "not_before": cert.not_before,
            "local_time": verdict.at,
            "local_clock_confirmed": clock.right(readings),
            "other_clocks": _clocks(readings),
        }
        subject = cert.subject if error.depth else None
        yield objections.finding(code, evidence, params, confidence=sure, subject=subject)


def _skew(
    case: Case,
    objections: Objections,
    against: tuple[TimeReading, ...],
    *,
    severity: Severity,
    confidence: Confidence,
) -> Finding:
    """The clock: its proof is what the others say and what the certificate's window is."""
    leaf = objections.certificate(0)
    told = next((r for r in against if not r.bound), against[0] if against else None)
    params = {
        "local": stamp(case.target.now),
        "subject": leaf.subject,
        "network": f"{leaf.not_before} or later",
        "source": f"the certificate of {case.at.name}",
        "off": "behind",
    }
    if told is not None:
        params |= {"network": told.there, "source": told.source, "off": _span(told)}
    found = objections.finding(
        "tls.clock-skew",
        {
            "local_time": objections.verdict.at,
            "other_clocks": _clocks(against),
            "not_before": leaf.not_before,
            "not_after": leaf.not_after,
        },
        params,
        confidence=confidence,
    )
    return replace(found, severity=severity)


def _span(reading: TimeReading) -> str:
    seconds = abs(reading.seconds_ahead)
    size = f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else f"{seconds / 60:.0f} minutes"
    least = "at least " if reading.bound else ""
    return f"{least}{size} {'behind' if reading.seconds_ahead > 0 else 'ahead'}"


def _clocks(readings: tuple[TimeReading, ...]) -> list[dict[str, Any]]:
    return [
        {"source": r.source, "there": r.there, "here": r.here, "lower_bound": r.bound}
        for r in readings[:10]
    ]


def _several_too_early(case: Case) -> bool:
    """Two hosts with certificates of different issuers, none of them valid yet: then it is the
    clock.
    """
    issuers = set()
    for _, fact in case.facts.all(TlsFact):
        verdict = fact.verdict
        if verdict is not None and verdict.has(errors.NOT_YET_VALID) and fact.chain:
            issuers.add(fact.chain[0].issuer)
    return len(issuers) > 1
