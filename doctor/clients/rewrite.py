"""By which name is a mirror of k3s or RKE2 asked for an image (`rewrite` in registries.yaml)?

k3s docs, installation/private-registry; the patterns and what they put in the name's place are
Go's (regexp/syntax, Regexp.ReplaceAllString).
"""

from __future__ import annotations

import re

_LONE_QUANTIFIERS = 3


def is_followed(pattern: str) -> bool:
    """May the pattern be tried here? Go's take linear time, Python's may not: so none that repeats
    a group, and few that repeat at all."""
    if len(pattern) > 200 or re.search(r"\)[*+?{]|\(\?|\\[pPQEAzCK]", pattern):
        return False
    if len(re.findall(r"(?<!\\)[*+{]", pattern)) > _LONE_QUANTIFIERS:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError):
        return False
    return True


def rewritten(repository: str, rewrites: tuple[tuple[str, str], ...]) -> str:
    """The name that a mirror is asked for: the first pattern that changes it decides."""
    for pattern, put in rewrites:
        template = re.sub(r"\$(?:\{(\w+)\}|(\w+))", _group, put.replace("\\", "\\\\"))
        try:
            changed = re.sub(pattern, template, repository)
        except (re.error, IndexError):
            continue
        if changed != repository:
            return changed
    return repository


def _group(match: re.Match[str]) -> str:
    return f"\\g<{match[1] or match[2]}>"
