"""Which of the findings are causes, and which mere consequences? One rule, here and nowhere else.

Causes are the error findings that no other finding present explains. A finding explains another if
its code says so (`explains`, declared with the code's words) and both are about the same hop or
subject; what is said of the target as a whole (credentials, image) can be explained from anywhere
on its path. A code that names a *station* (token service, storage, mirror, proxy) explains every
fault of the ladder on that station's hop; where TLS or the proxy fails there, that fault's words
and remedies are the station's too, for they are what mends it. What explains an error is itself why
the pull fails: a warning that does so is raised to an error.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import field, replace

from doctor.frozen import frozen
from doctor.model import Finding

LADDER = ("dns", "tcp", "proxy", "tls")
"""The areas of codes that speak of one hop; every other area speaks of the target."""
_TELLING = ("proxy", "tls")
"""The areas whose findings say of any host what is wrong there; those below speak of the name in
the reference, and of its port."""

_PATH = (
    "registry.invalid-reference",
    "client",
    "auth.local",
    "proxy.invalid-url",
    *LADDER,
    "api",
    "auth",
    "image",
    "blob",
    "rate",
)
_LOCAL = _PATH.index("proxy.invalid-url") + 1
"""Up to here it is a fault of what stands in files and variables: a proxy's setting that cannot be
used comes before the direct way that a client takes for want of it."""
_CONFIDENCE = {"certain": 0, "likely": 1, "possible": 2}


@frozen
class Rules:
    """What the words of the codes declare: who explains whom, and which codes name a station."""

    explains: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stations: Container[str] = frozenset()


def settle(
    findings: Sequence[Finding], rules: Rules, hops: Sequence[object] = ()
) -> tuple[Finding, ...]:
    """The findings without repetitions, root causes marked and first, in the order of the path.

    `hops` gives the order in which the path meets its hosts.
    """
    kept = list(_distinct(findings))
    for i, finding in enumerate(kept):
        if finding.severity == "warning" and any(
            _explains(finding, other, rules) and other.severity == "error" for other in kept
        ):
            kept[i] = replace(finding, severity="error")
    marked = [replace(f, root_cause=_is_cause(f, kept, rules)) for f in kept]
    marked = [_with_reason(f, kept, rules) if f.code in rules.stations else f for f in marked]
    return tuple(sorted(marked, key=lambda f: _rank(f, hops)))


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    seen: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.code, finding.hop, finding.subject), finding)
    return tuple(seen.values())


def _is_cause(finding: Finding, findings: Sequence[Finding], rules: Rules) -> bool:
    return finding.severity == "error" and not any(
        _explains(other, finding, rules) for other in findings if other is not finding
    )


def _explains(one: Finding, other: Finding, rules: Rules) -> bool:
    if one.code == other.code or one.severity == "info":
        return False
    on_ladder = other.code.partition(".")[0] in LADDER
    same_place = one.hop == other.hop or (one.subject is not None and one.subject == other.subject)
    if on_ladder and one.hop == other.hop and one.code in rules.stations:
        return one.severity == "error"
    return other.code in rules.explains.get(one.code, frozenset()) and (same_place or not on_ladder)


def _with_reason(station: Finding, findings: Sequence[Finding], rules: Rules) -> Finding:
    """What ends the way at a station is said in its finding, and how that is mended comes first."""
    there = [
        other
        for other in findings
        if other.code.partition(".")[0] in _TELLING
        and other.code not in rules.stations
        and other.severity == "error"
        and other.hop == station.hop
    ]
    reasons = [f for f in there if not any(_explains(o, f, rules) for o in there if o is not f)]
    reasons.sort(key=lambda f: _CONFIDENCE[f.confidence])
    remedies = [remedy for reason in reasons for remedy in reason.remedies] + [*station.remedies]
    return replace(
        station,
        detail=" ".join([station.detail, *(f.detail for f in reasons[:1])]),
        remedies=tuple(each for n, each in enumerate(remedies) if each not in remedies[:n]),
    )


def _rank(finding: Finding, hops: Sequence[object]) -> tuple[int, ...]:
    severity = ("error", "warning", "info").index(finding.level)
    hop = hops.index(finding.hop) if finding.hop in hops else 0
    place = finding.check if finding.code not in _PATH else finding.code
    if finding.check == "auth" and finding.subject:
        place = "auth.local"
    layer = _PATH.index(place) if place in _PATH else len(_PATH)
    local = 0 if place in _PATH[:_LOCAL] else 1
    return (not finding.root_cause, severity, _CONFIDENCE[finding.confidence], local, hop, layer)
