"""Does Harbor say that it is in good health?

Harbor tells anybody (GET /api/v2.0/health, its API's operation getHealth) how each of its parts is.
A pull can work while one of them is down, and fails oddly when it is the database or the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doctor.frozen import frozen
from doctor.model import Case, Check, Fact, Finding
from doctor.net import Net

_MOST = 32


@frozen(kw_only=True)
class HarborFact(Fact):
    """What the registry said of itself. `parts` is empty where it is no Harbor."""

    parts: tuple[tuple[str, str], ...] = ()
    """Name and status."""


async def probe(case: Case, net: Net) -> HarborFact:
    """One request, without a credential."""
    reply = await net.fetch(case.at, "GET", "/api/v2.0/health")
    return HarborFact(parts=_parts(reply.json) if reply.answer.status == 200 else ())


def _parts(health: Any) -> tuple[tuple[str, str], ...]:
    """The list `components`; nothing where the answer is something else."""
    try:
        pairs = [(str(part["name"]), str(part["status"])) for part in health["components"]]
    except (TypeError, KeyError):
        return ()
    return tuple(pairs[:_MOST])


def judge(case: Case) -> Iterator[Finding]:
    """Pure: facts in, findings out."""
    fact = case.facts.get(HarborFact)
    ill = [name for name, status in fact.parts if status != "healthy"] if fact else []
    if fact and ill:
        yield Finding(
            "harbor.unhealthy",
            hop=case.at,
            evidence={"components": dict(fact.parts)},
            params={"parts": ", ".join(ill)},
        )


CHECK = Check(
    name="harbor",
    scope="target",
    needs=("api",),
    probe=probe,
    judge=judge,
    question="Does Harbor say that it is in good health?",
)
