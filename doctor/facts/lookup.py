"""What proves a finding about a name, and what do its words need of this machine's configuration?

The system's answer stands beside what each resolver said when asked itself: only together do they
tell a hosts file, a dead resolver, a search domain or a filter from a name that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.facts.dns import DnsFact
from doctor.facts.resolvers import ResolversFact
from doctor.model import Case, Confidence, Finding, Severity


def finding(
    case: Case,
    code: str,
    params: Mapping[str, str],
    *,
    proof: Mapping[str, Any] | None = None,
    subject: str | None = None,
    severity: Severity | None = None,
    confidence: Confidence = "certain",
) -> Finding:
    """The finding with both views in its evidence, and `proof` besides."""
    system, asked = case.here(DnsFact), case.here(ResolversFact) or ResolversFact()
    seen = {"system": system.proof} if system else {}
    return Finding(
        code,
        severity=severity,
        confidence=confidence,
        hop=case.at,
        subject=subject,
        evidence={**seen, **asked.proof, **(proof or {})},
        params={**asked.configuration.traits, **params},
    )
