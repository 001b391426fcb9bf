"""In which way did the handshake fail, and what do the attempts made afterwards prove?

A reset proves a filter by name only where another name gets an answer and no other change of the
offer does; an alert is told by its number; a version or a suite is named only if the server took
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doctor.facts.tls import Attempt, TlsFact
from doctor.model import Case, Confidence, Finding
from doctor.pki import alerts
from doctor.pki.evidence import listed, where

_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_CUT = frozenset({"reset", "closed"})
_OTHER_NAMES = frozenset({"no name", "another name"})


def not_tls(case: Case, fact: TlsFact) -> Iterator[Finding]:
    """What answers is no TLS: HTTP, or something else altogether."""
    peek = fact.plain_http
    if peek is None:
        yield Finding(
            code="tls.not-tls",
            hop=case.at,
            evidence={"first_bytes": fact.first[:200], "guess": _service(fact.first)},
            params={"first": fact.first[:80].strip() or "bytes", "service": _service(fact.first)},
        )
        return
    if fact.plain_allowed or (peek.is_registry and case.at.role in {"registry", "mirror"}):
        return
    bare = not fact.first.startswith("HTTP/")
    first = f"HTTP/1.1 {peek.status}" if bare else fact.first[:200]
    yield Finding(
        code="tls.plain-http",
        hop=case.at,
        evidence={
            "first_bytes": first,
            "status": peek.status,
            "headers": dict(peek.headers),
            "as_a_registry": peek.is_registry,
        },
        params={"first": first.split("\r\n")[0][:80], **where(case)},
    )


def _service(first: str) -> str:
    known = {
        "SSH-": "SSH",
        "220": "a mail or FTP server",
        "+OK": "POP3",
        "* OK": "IMAP",
        "RFB ": "VNC",
    }
    known |= {"-ERR": "Redis or POP3", "-DENIED": "Redis", "J\x00\x00\x00": "MySQL"}
    return next(
        (name for start, name in known.items() if first.startswith(start)), "another service"
    )


def client_certificate(case: Case, fact: TlsFact) -> Finding:
    """The server wants to know its clients by certificate."""
    evidence: dict[str, Any] = {
        "certificate_requested": fact.client_certificate_requested,
        "accepted_cas": list(fact.client_cas),
        "certificate_sent": fact.client_certificate_sent,
    }
    if fact.alert is not None:
        evidence |= {"alert": fact.alert, "alert_name": alerts.name(fact.alert)}
    if fact.demand is not None:
        evidence |= {"status": fact.demand.status, "answer": fact.demand.body[:300]}
    said = alerts.name(fact.alert) if fact.alert is not None else "the connection ends"
    if fact.demand is not None:
        said = f"HTTP {fact.demand.status}"
    return Finding(
        code="tls.client-certificate-required",
        hop=case.at,
        confidence="certain" if fact.alert is not None or fact.demand is not None else "likely",
        evidence=evidence,
        params={
            "said": said,
            "cas": listed(fact.client_cas) if fact.client_cas else "any CA (it names none)",
            **where(case),
        },
    )


def failed(case: Case, fact: TlsFact) -> Iterator[Finding]:
    """The handshake did not come to its end."""
    if fact.outcome == "unreachable":
        return
    old = _made(fact, lambda made: made.version in _OLD)
    more = _made(fact, lambda made: made.variant in {"any cipher", "old protocols"})
    spoken = fact.outcome in {"alert", "refused"}
    if old is not None and not _usual(fact):
        yield _handshake(
            case, fact, "tls.protocol-too-old", {"version": old.version, "accepts": old.version}
        )
    elif spoken and fact.alert == 70:
        params = {"version": "an older version"}
        yield _handshake(case, fact, "tls.protocol-too-old", params, confidence="likely")
    elif more is not None and not _usual(fact):
        sure: Confidence = "certain" if fact.alert is not None else "likely"
        params = {"cipher": more.cipher}
        yield _handshake(case, fact, "tls.no-common-cipher", params, confidence=sure)
    elif spoken:
        confidence: Confidence = "certain" if fact.alert is not None else "likely"
        yield _handshake(case, fact, "tls.handshake-refused", {}, confidence=confidence)
    elif fact.outcome in _CUT and fact.quiet_stays_open is not False:
        filtered = _by_name(fact)
        confidence = "certain" if filtered or fact.quiet_stays_open else "likely"
        yield _handshake(case, fact, "tls.handshake-reset", {}, confidence=confidence)
    elif fact.outcome == "timeout":
        yield _handshake(case, fact, "tls.handshake-timeout", {})


def _made(fact: TlsFact, test: Callable[[Attempt], bool]) -> Attempt | None:
    return next((made for made in fact.attempts if made.outcome == "done" and test(made)), None)


def _works(fact: TlsFact, variant: str) -> bool:
    return any(made.variant == variant and made.outcome == "done" for made in fact.attempts)


def _usual(fact: TlsFact) -> bool:
    """Does an offer work that has the usual versions and suites?"""
    usual = _OTHER_NAMES | {"small hello", "TLS 1.2", "no ALPN", "small packets"}
    return any(_works(fact, variant) for variant in usual)


def _by_name(fact: TlsFact) -> bool:
    """Does it get an answer without the name or with another, and none with it, whatever else is
    offered?
    """
    answered = {made.variant for made in fact.attempts if made.received or made.outcome == "done"}
    with_name = {made.variant for made in fact.attempts} - _OTHER_NAMES
    return bool(answered & _OTHER_NAMES) and not answered & with_name


def _handshake(
    case: Case,
    fact: TlsFact,
    code: str,
    params: Mapping[str, str],
    confidence: Confidence = "certain",
) -> Finding:
    """A finding about a handshake that failed, with what was tried and how that went."""
    works = [made.variant for made in fact.attempts if made.outcome == "done"]
    by_name = fact.outcome in _CUT | {"timeout"} and _by_name(fact)
    evidence: dict[str, Any] = {
        "outcome": fact.outcome,
        "server_name": fact.name,
        "bytes_received": fact.received,
        "peer": fact.peer,
        "attempts": [_attempt(made) for made in fact.attempts],
        "name_filtered": by_name,
    }
    if fact.alert is not None:
        evidence |= {"alert": fact.alert, "alert_name": alerts.name(fact.alert)}
    if fact.waited:
        evidence["waited_seconds"] = round(fact.waited, 1)
    if fact.reason:
        evidence["reason"] = fact.reason
    if fact.quiet_stays_open is not None:
        evidence["silent_connection_stays_open"] = fact.quiet_stays_open
    own = {
        "works": f"but not with {' or '.join(works)}" if works else "whatever is offered",
        "alert": _alert(fact),
        "outcome": {"reset": "resets", "closed": "closes"}.get(fact.outcome, fact.outcome),
        "by_name": "yes" if by_name else "",
        "large_hello": "yes" if not by_name and _works(fact, "small hello") else "",
        "packets": "yes" if _works(fact, "small packets") else "",
        "phase": _phase(fact, by_name=by_name),
    }
    if fact.alert is not None:
        own[f"alert_{fact.alert}"] = "yes"
    return Finding(
        code=code,
        hop=case.at,
        confidence=confidence,
        evidence=evidence,
        params={**own, **params},
    )


def _alert(fact: TlsFact) -> str:
    if fact.alert is None:
        return fact.reason or "no alert was sent"
    return f"alert {fact.alert} ({alerts.name(fact.alert)})"


def _phase(fact: TlsFact, *, by_name: bool) -> str:
    """How far it came, and what would have come further."""
    came = f"after {fact.received} bytes" if fact.received else "without sending a byte"
    if by_name:
        return f"{came}; asked for another name, or for none, it answers"
    if _works(fact, "small hello"):
        return f"{came}; it answers a smaller first message"
    return came


def _attempt(made: Attempt) -> dict[str, Any]:
    said: dict[str, Any] = {"variant": made.variant, "outcome": made.outcome}
    if made.alert is not None:
        said["alert"] = made.alert
    if made.outcome == "done":
        said |= {"version": made.version, "cipher": made.cipher, "certificate": made.subject}
    return said
