"""Which credential does this client find for this registry, and what is wrong where it looks?

Local configuration only: it runs first and also with `--offline`. Asking a helper is the one thing
that goes beyond reading; it is bounded and happens only for the helper that the client itself would
ask. Whether the credential is accepted is seen elsewhere (`AuthFact`); here that decides how
heavily a fault weighs. What is wrong with the credential itself is for `stored`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.condition import given
from doctor.facts.bearing import Bearing
from doctor.facts.credential import CredentialFact, Fault
from doctor.facts.helper import HelperFact
from doctor.facts.http import span
from doctor.model import Case, Check, Client, Finding

if TYPE_CHECKING:
    from doctor.credential import Credential
    from doctor.net import Net


async def read(case: Case, client: Client, net: Net) -> CredentialFact | None:
    """Look the credential up and leave it in `net.credential`; the fact tells how it was found."""
    if not case.target.registry.host:
        return None
    if net.credential is not None:
        return given(net.credential, client.name, case.target)
    lookup = client.keys(case.target)
    helpers: list[HelperFact] = []
    for each in lookup.tries[net.attempt :]:
        if each.credential is not None:
            net.credential = each.credential
            break
        reason = each.barred or _unasked(lookup.foreign, net)
        if reason:
            return _told(lookup, None, helpers, net.attempt, reason)
        answer = await net.helper(each.program, each.key)
        helpers.append(replace(answer.fact, setting=f"{each.setting} in {each.where}"))
        net.credential = answer.credential
        if answer.fact.ending != "not-found":
            break
    unseen = "" if net.credential else lookup.unseen
    return _told(lookup, net.credential, helpers, net.attempt, unseen)


def _told(
    lookup: Any,
    credential: Credential | None,
    helpers: list[HelperFact],
    tried: int,
    unasked: str = "",
) -> CredentialFact:
    fact: CredentialFact = lookup.told(credential, tuple(helpers), unasked, tried)
    return fact


def _unasked(foreign: bool, net: Net) -> str:
    if foreign:
        return "these are another machine's files, and its programs are not run here"
    return "--offline: a helper may use the network" if net.offline else ""


def judge(case: Case) -> Iterator[Finding]:
    """Every fault of the places looked in."""
    fact = case.facts.get(CredentialFact)
    if fact is None:
        return
    state = Bearing(case, fact)
    yield from _faults(state)
    yield from (_helper(state, h) for h in fact.helpers if not h.ok)
    if not fact.found and not fact.stopped and (missed := _missed(state)):
        yield missed


def _faults(state: Bearing) -> Iterator[Finding]:
    seen: set[str] = set()
    for fault in sorted(state.fact.faults, key=lambda f: (not f.ours, f.where)):
        at = fault.barred.path if fault.barred else fault.where
        if at in seen:
            continue
        seen.add(at)
        yield _fault(state, fault)


def _fault(state: Bearing, fault: Fault) -> Finding:
    others = [f for f in state.fact.faults if f.where == fault.where and f is not fault]
    entry = fault.ours and fault.kind in ("entry", "incomplete", "type")
    effect = fault.effect or "sends what there is"
    barred = fault.barred if state.fact.client not in ("cri-o", "kubelet") else None
    hidden = fault.kind == "access" and bool(state.fact.unasked)  # to us, not to the client
    evidence: dict[str, Any] = {
        "path": fault.where,
        "line": fault.line or None,
        "column": fault.column or None,
        "key": fault.key,
        "what": fault.what,
        "because": barred.said if barred else None,
        "client": state.fact.client,
        "client_then": effect,
        "other_clients": state.others,
        "more": [f.what for f in others[:5]],
    }
    place = f"{fault.where}:{fault.line}:{fault.column}" if fault.line else fault.where
    params = state.params(
        path=fault.where,
        place=place,
        what=f"{fault.what}, and a login may lie in it" if barred else fault.what,
        reader=state.reader[:1].upper() + state.reader[1:],
        entry=fault.key or "",
        effect=effect,
        variable="yes" if fault.where.isupper() else "",
        file="" if fault.where.isupper() or fault.variable else "yes",
        named_by=fault.variable,
        spoils="yes" if fault.stops else "",
        unreadable="yes" if fault.kind == "access" and not barred else "",
        barred=barred.path if barred else "",
        foreign="" if state.case.target.root == "/" else "yes",
        barred_at=barred.at if barred else "",
        **({barred.cure: "yes"} if barred and barred.cure else {}),
    )
    return Finding(
        "auth.entry-malformed" if entry else "auth.config-unreadable",
        severity="warning" if hidden else state.weight(fault.stops, fault.ours or not fault.key),
        subject=fault.where,
        evidence={k: v for k, v in evidence.items() if v},
        params=params,
    )


def _missed(state: Bearing) -> Finding | None:
    """The nearest miss; a key for another port may be another registry, so it counts only where the
    pull fails."""
    order = (
        *("docker-hub", "helper-key", "white-space", "scheme", "letter-case", "api-path"),
        *("wildcard", "depth", "namespace", "port"),
    )
    found = sorted(state.fact.near_misses, key=lambda m: order.index(m.why))
    if not found or (found[0].why == "port" and state.works):
        return None
    first = found[0]
    sure = first.why != "port" or first.key.rstrip("/").endswith(":443")
    return Finding(
        "auth.wrong-key",
        severity=state.weight(stops=False),
        confidence="certain" if sure else "likely",
        subject=first.where,
        evidence={
            "path": first.where,
            "line": first.line,
            "setting": first.setting,
            "key_found": first.key,
            "key_looked_up": first.wanted,
            "why": first.why,
            "client": state.fact.client,
            "other_clients": state.others,
            "more": [m.key for m in found[1:6]],
        },
        params=state.params(
            path=first.where,
            found=first.key,
            wanted=first.wanted,
            why=first.reason,
            reader=state.reader,
        ),
    )


def _helper(state: Bearing, helper: HelperFact) -> Finding:
    code = {"missing": "auth.helper-missing", "not-executable": "auth.helper-missing"}.get(
        helper.ending, "auth.helper-failed"
    )
    code = "auth.helper-timeout" if helper.ending == "timeout" else code
    evidence = {
        "helper": helper.program,
        "setting": helper.setting,
        "key": helper.key,
        "ending": helper.ending,
        "path_searched": list(helper.searched) if not helper.path else None,
        "program": helper.path,
        "exit_status": helper.exit_code,
        "signal": helper.signal,
        "message": helper.message,
        "waited_seconds": round(helper.waited, 1) if helper.ending == "timeout" else None,
    }
    return Finding(
        code,
        severity=state.weight(),
        subject=helper.program,
        evidence={k: v for k, v in evidence.items() if v not in (None, "")},
        params=state.params(
            helper=helper.program,
            setting=helper.setting,
            asked=helper.key,
            ended=helper.ended + (f": {helper.message}" if helper.message else ""),
            waited=span(helper.waited),
            path=state.fact.config,
            how="cannot be executed"
            if helper.ending == "not-executable"
            else "is on no folder of PATH",
            own_store="yes" if helper.program.endswith(("-pass", "-secretservice")) else "",
            elsewhere=helper.elsewhere,
            cloud=helper.cloud,
            folders=":".join(helper.searched) or "nothing",
        ),
    )


CHECK = Check(
    name="auth",
    part="local",
    scope="target",
    judge=judge,
    read=read,
    question="Which credential does the client find, and what is wrong where it looks?",
)
