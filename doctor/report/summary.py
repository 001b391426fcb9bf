"""What is the one sentence that a tired person reads first?"""

from __future__ import annotations

from doctor.model import Diagnosis


def sentence(diagnosis: Diagnosis) -> str:
    """The cause in words; or that all is well and what was seen; or what could not be tried."""
    causes = [f for f in diagnosis.findings if f.root_cause]
    subject = diagnosis.target.image
    if causes:
        more = len({f.code for f in causes}) - 1
        if causes[0].confidence == "possible" and more:
            return (
                f"{causes[0].detail} The evidence does not decide between this and {_others(more)}."
            )
        return causes[0].detail + (
            f" There {'is' if more == 1 else 'are'} {_others(more)} besides." if more else ""
        )
    if diagnosis.verdict == "incomplete":
        untried = sorted(
            {
                c.name
                for c in diagnosis.checks
                if c.status in ("skip", "error") and c.blocked_by != "--offline"
            }
        )
        gaps = f"not everything could be tried: {', '.join(untried)}"
        return f"Nothing was seen to be wrong with {subject}, but {gaps}."
    left_out = f" Left out: {', '.join(diagnosis.not_tried)}." if diagnosis.not_tried else ""
    warnings = sum(f.severity == "warning" for f in diagnosis.findings)
    what = "can be pulled from here" if diagnosis.target.reference else "answers as a registry"
    if diagnosis.not_tried:
        return f"{subject}: no fault in what was looked at.{left_out}"
    if warnings:
        return f"{subject} {what}; {warnings} warning{'s' if warnings > 1 else ''} below."
    return f"{subject} {what}."


def _others(count: int) -> str:
    return "another cause" if count == 1 else f"{count} other causes"
