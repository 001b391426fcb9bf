"""Which proof says more as a drawing? Each takes evidence and a width, and gives its lines and the
names that it used; no lines where the evidence has nothing for it.

Evidence is JSON of any shape (a plug-in's, or an older version's): what is not as expected is left
to be listed. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from doctor.tui.drawn import MOST, NOTHING, Drawing, Drawn, entries, listed, ms, span
from doctor.tui.exchanges import answers, credential, exchange
from doctor.tui.ink import DIM, STRONG, clipped, ink, line, mark, wrapped


def chain(proof: Mapping[str, Any], width: int) -> Drawn:
    """The certificates from the root end down to the server's, and who trusts them."""
    sent, missing = entries(proof.get("chain")), entries(proof.get("missing"))
    verdicts = entries(proof.get("verdicts"))
    if not sent:
        return NOTHING
    lines = [ink("Certificate chain, its issuer on top", STRONG)]
    rows = [(each, "MISSING: not sent") for each in reversed(missing)]
    rows += [(each, "") for each in reversed(sent)]
    top = rows[0][0]
    if top.get("issuer") != top.get("subject"):
        lines += wrapped(top.get("issuer", ""), width, line(("issuer  ", DIM)))
    for depth, (each, note) in enumerate(rows):
        branch = "   " * depth + "└─ "
        state = "failed" if note else "passed"
        name = line(branch, mark(state) if note else "", " " if note else "", "")
        said = f"{each.get('subject', '')}{'  ' + note if note else ''}"
        lines += wrapped(said, width, name, STRONG)
        under = " " * len(branch)
        dates = f"{_day(each.get('not_before'))} to {_day(each.get('not_after'))}"
        lines += wrapped(f"valid {dates}", width, under, DIM)
        key = ", ".join(str(each[k]) for k in ("key", "signature") if each.get(k))
        if key:
            lines += wrapped(key, width, under, DIM)
        if each.get("sha256"):
            lines += wrapped(f"sha256 {each['sha256']}", width, under, DIM)
    if verdicts:
        lines += [Content(""), ink("Who trusts it", STRONG)]
    for each in verdicts:
        ok = each.get("ok") is True
        state = "passed" if ok else "failed"
        why = "" if ok else f": {listed(each.get('errors'))}"
        lead = line(mark(state), f" {'trusts' if ok else 'REFUSES'}  ")
        whose = f"{each.get('store', '')} by {each.get('rules', '')}'s rules{why}"
        lines += wrapped(whose, width, lead)
        if each.get("paths"):
            lines += wrapped(listed(each["paths"]), width, "           ", DIM)
    return lines, {"chain", "missing", "verdicts"}


def resolvers(proof: Mapping[str, Any], width: int) -> Drawn:
    """What each name server said, side by side with the system's own resolver."""
    asked = entries(proof.get("resolvers"))
    system = proof.get("system")
    if not asked:
        return _system(system, width) if isinstance(system, Mapping) else NOTHING
    by: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in asked:
        by.setdefault(str(each.get("resolver", "?")), {})[str(each.get("type", "?"))] = each
    kinds = list(dict.fromkeys(kind for found in by.values() for kind in found))
    first = min(24, max(8, *(len(name) for name in by)) + 2)
    cell = max(12, (width - first) // max(1, len(kinds)))
    lines = [
        ink("Resolvers, side by side", STRONG),
        line((f"{'':<{first}}", ""), *[(f"{clipped(k, cell - 1):<{cell}}", DIM) for k in kinds]),
    ]
    for name, found in by.items():
        cells = [clipped(_reply(found.get(k)), cell - 1).ljust(cell) for k in kinds]
        lines.append(line((clipped(name, first - 1).ljust(first), ""), *cells))
    if isinstance(system, Mapping):
        said = listed(system.get("addresses")) or str(
            system.get("message") or system.get("outcome", "")
        )
        lead = line(("the system".ljust(first), ""))
        lines += wrapped(f"{said}  {ms(system.get('ms'))}".rstrip(), width, lead)
    return lines, {"resolvers", "system"}


def _system(system: Mapping[str, Any], width: int) -> Drawn:
    """What the system said, where no name server was asked beside it."""
    if not system.get("addresses"):
        return NOTHING
    said = f"{listed(system['addresses'])}  {ms(system.get('ms'))}".rstrip()
    return wrapped(said, width, line(("the system says  ", DIM))), {"system"}


def _reply(reply: Mapping[str, Any] | None) -> str:
    if reply is None:
        return "not asked"
    said = listed(reply.get("addresses")) or str(reply.get("rcode") or reply.get("outcome", ""))
    return f"{said} {ms(reply.get('ms'))}".rstrip()


def gauges(proof: Mapping[str, Any], width: int) -> Drawn:
    """A limit, or each of several."""
    lines, used = gauge(proof, width)
    for each in entries(proof.get("limits")):
        if more := gauge(each, width)[0]:
            lines, used = [*lines, *(more[1:] if lines else more)], {*used, "limits"}
    return lines, used


def gauge(proof: Mapping[str, Any], width: int) -> Drawn:
    """How much of a limit is left, and when it is whole again."""
    limit, left = proof.get("limit"), proof.get("remaining")
    retry = proof.get("retry_after_seconds")
    if not isinstance(limit, int | float) or not isinstance(left, int | float) or limit <= 0:
        if not isinstance(retry, int | float):
            return NOTHING
        lines = [
            ink("The limit", STRONG),
            line("used up; another try makes sense in ", span(retry)),
        ]
        return lines, {"retry_after_seconds"}
    room = max(10, min(40, width - 24))
    full = round(room * max(0.0, min(1.0, left / limit)))
    state = "failed" if left <= 0 else "warning" if left / limit < 0.2 else "passed"
    lines = [
        ink("The limit", STRONG),
        line(
            mark(state),
            " ",
            ("█" * full, "$success" if state == "passed" else "$warning"),
            ("░" * (room - full), DIM),
            f"  {left:g} of {limit:g} left",
        ),
    ]
    window, reset = proof.get("window_seconds"), proof.get("reset_seconds")
    if isinstance(window, int | float):
        lines.append(line(("window  ", DIM), span(window)))
    if isinstance(reset, int | float):
        lines.append(line(("whole   ", DIM), f"again in {span(reset)}"))
    return lines, {"limit", "remaining", "window_seconds", "reset_seconds"}


def platforms(proof: Mapping[str, Any], width: int) -> Drawn:
    """Which platforms there are, and which is wanted."""
    offered, needed = proof.get("offered"), proof.get("needed")
    if not isinstance(offered, list) or not isinstance(needed, str):
        return NOTHING
    lines = [ink("Platforms", STRONG)]
    for each in map(str, offered[:MOST]):
        mine = each == needed
        lines.append(line(mark("passed") if mine else " ", f" {each}"))
    if needed not in offered:
        lines += wrapped(f"{needed}  needed, not offered", width, line(mark("failed"), " "))
    return lines, {"offered", "needed"}


def attempts(proof: Mapping[str, Any], width: int) -> Drawn:
    """How each address was."""
    tried = entries(proof.get("attempts"))
    if not tried:
        return NOTHING
    lines = [ink("Each address", STRONG)]
    for each in tried:
        state = "passed" if each.get("outcome") in ("open", "connected", "ok") else "failed"
        said = f"{each.get('address', '?')}  {each.get('outcome', '')}  {ms(each.get('ms'))}"
        lines += wrapped(said.rstrip(), width, line(mark(state), " "))
    return lines, {"attempts"}


ALL: Sequence[Drawing] = (
    chain,
    resolvers,
    exchange,
    credential,
    gauges,
    platforms,
    attempts,
    answers,
)


def _day(moment: object) -> str:
    return str(moment)[:10] if moment else "?"
