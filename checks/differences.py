"""Where do the clients of this machine part over the same pull, and what does the failing one lack?

They share the network; what differs is where each takes its proxy, its trust, its mirrors and its
credential from. Clients that fail for the same reasons are told of once. Where all fail, or all
can, there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from doctor.facts.clients import ClientsFact, Eye, named
from doctor.model import Case, Check, Finding


def judge(case: Case) -> Iterator[Finding]:
    """One finding for each way to fail."""
    fact = case.facts.get(ClientsFact)
    able = [eye for eye in fact.eyes if eye.works] if fact else []
    if fact is None or not able:
        return
    groups: dict[tuple[str, ...], list[Eye]] = {}
    for eye in fact.eyes:
        if eye.fails:
            groups.setdefault(eye.root_causes, []).append(eye)
    for group in groups.values():
        yield _parting(fact, able, group)


def _parting(fact: ClientsFact, able: Sequence[Eye], group: Sequence[Eye]) -> Finding:
    first, best = group[0], _nearest(able, group[0])
    lacks = _lacks(first, best)
    params = {
        "works": named(able),
        "failing": named(group),
        "fails": first.client,
        "layer": first.first_failing,
        **lacks,
    }
    evidence: dict[str, Any] = {
        "clients": {
            eye.client: {
                "verdict": eye.verdict,
                **dict(eye.layers),
                **({"causes": list(eye.root_causes), "reason": eye.reason} if eye.fails else {}),
                **({"found": eye.trace} if eye.trace else {}),
            }
            for eye in fact.eyes
        },
        "part_at": first.first_failing,
        **({"differs": differs} if (differs := _differs(first, best)) else {}),
    }
    return Finding(
        "client.clients-differ",
        subject=named(group),
        evidence=evidence,
        params={name: value for name, value in params.items() if value},
    )


def _nearest(able: Sequence[Eye], failing: Eye) -> Eye:
    """The one to compare with: where it is the way that differs, one with a proxy; else one with a
    credential; else the first."""
    if failing.first_failing in ("dns", "tcp", "proxy"):
        return next((e for e in able if e.route and e.route.proxy), able[0])
    return next((e for e in able if e.credential and e.credential.found), able[0])


def _lacks(failing: Eye, able: Eye) -> dict[str, str]:
    """What the failing client can be given because the other one has it."""
    layer, mine, theirs = failing.first_failing, failing.route, able.route
    if layer in ("dns", "tcp", "proxy") and theirs and theirs.proxy and mine and not mine.proxy:
        setting = theirs.proxy
        return {
            f"{failing.client}_proxy": "yes",
            "proxy": setting.url if setting.user is None else "",
            "no_proxy": theirs.no_proxy or "localhost,127.0.0.1",
        }
    own = failing.credential
    if layer == "auth" and own and not own.found and able.credential and able.credential.found:
        return {f"{failing.client}_login": "yes"}
    return {}


def _differs(failing: Eye, able: Eye) -> dict[str, Any]:
    """Both sides of the decision that the failing layer hangs on."""
    sides: dict[str, Any] = {}
    for eye in (able, failing):
        if failing.first_failing in ("dns", "tcp", "proxy"):
            sides[eye.client] = eye.route.seen if eye.route else ""
        elif failing.first_failing == "tls":
            trusts = [trust for _, _, trust in eye.tls[:1] if trust]
            sides[eye.client] = [store.path for trust in trusts for store in trust.stores]
        elif failing.first_failing in ("auth", "image", "blob"):
            sides[eye.client] = eye.credential.seen if eye.credential else ""
    return sides


CHECK = Check(
    name="client",
    part="differences",
    scope="target",
    judge=judge,
    question="Where do the clients of this machine part, and what does the failing one lack?",
)
