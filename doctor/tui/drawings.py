"""Which proof says more as a drawing? Each takes evidence and a width, and gives its lines and the
names that it used; no lines where the evidence has nothing for it.

Evidence is JSON of any shape (a plug-in's, or an older version's): what is not as expected is left
to be listed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.content import Content

from doctor.tui.ink import DIM, STRONG, clipped, ink, line, mark, took, wrapped

Drawn = tuple[list[Content], set[str]]
Drawing = Callable[[Mapping[str, Any], int], Drawn]
_MOST = 40
NOTHING: Drawn = ([], set())


def _entries(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing of anything else."""
    found = value[:_MOST] if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]


def chain(proof: Mapping[str, Any], width: int) -> Drawn:
    """The certificates from the root end down to the server's, and who trusts them."""
    sent, missing = _entries(proof.get("chain")), _entries(proof.get("missing"))
    verdicts = _entries(proof.get("verdicts"))
    if not sent:
        return NOTHING
    lines = [ink("Certificate chain, its issuer on top", STRONG)]
    rows = [(each, "MISSING: not sent") for each in reversed(missing)]
    rows += [(each, "") for each in reversed(sent)]
    top = rows[0][0]
    if top.get("issuer") != top.get("subject"):
        lines.append(line(("issuer  ", DIM), str(top.get("issuer", ""))))
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
        why = "" if ok else f": {_list(each.get('errors'))}"
        lead = line(mark(state), f" {'trusts' if ok else 'REFUSES'}  ")
        whose = f"{each.get('store', '')} by {each.get('rules', '')}'s rules{why}"
        lines += wrapped(whose, width, lead)
        if each.get("paths"):
            lines += wrapped(_list(each["paths"]), width, "           ", DIM)
    return lines, {"chain", "missing", "verdicts"}


def resolvers(proof: Mapping[str, Any], width: int) -> Drawn:
    """What each name server said, side by side with the system's own resolver."""
    asked = _entries(proof.get("resolvers"))
    system = proof.get("system")
    if not asked:
        return NOTHING
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
        said = _list(system.get("addresses")) or str(
            system.get("message") or system.get("outcome", "")
        )
        lead = line(("the system".ljust(first), ""))
        lines += wrapped(f"{said}  {_ms(system.get('ms'))}".rstrip(), width, lead)
    return lines, {"resolvers", "system"}


def _reply(reply: Mapping[str, Any] | None) -> str:
    if reply is None:
        return "not asked"
    said = _list(reply.get("addresses")) or str(reply.get("rcode") or reply.get("outcome", ""))
    return f"{said} {_ms(reply.get('ms'))}".rstrip()


def exchange(proof: Mapping[str, Any], width: int) -> Drawn:
    """What was asked of a proxy and what it answered."""
    if "proxy" not in proof or ("status" not in proof and "outcome" not in proof):
        return NOTHING
    lines = [ink("The exchange with the proxy", STRONG)]
    if proof.get("set_in"):
        setting = f"{proof['set_in']}={proof.get('value', '')}"
        lines += wrapped(setting, width, line(("set in  ", DIM)))
    lines += wrapped(f"CONNECT through {proof['proxy']}", width, line(("> ", "bold $accent")))
    answer = f"{proof.get('status') or ''} {proof.get('phrase') or ''}".strip()
    lines += wrapped(answer or proof.get("outcome", ""), width, line(("< ", "bold $accent")))
    headers = proof.get("headers")
    if isinstance(headers, Mapping):
        for name, value in list(headers.items())[:_MOST]:
            lines += wrapped(value, width, line(("< ", "bold $accent"), (f"{name}: ", DIM)))
    if proof.get("title"):
        lines += wrapped(proof["title"], width, line(("page  ", DIM)))
    return lines, {"proxy", "status", "phrase", "headers", "set_in", "value", "title", "outcome"}


def credential(proof: Mapping[str, Any], width: int) -> Drawn:
    """Where the credential came from, and what became of it."""
    sources = _entries(proof.get("sources"))
    tried = _entries(proof.get("tried"))
    if not sources and not tried and "source" not in proof:
        return NOTHING
    if "source" in proof and not isinstance(proof["source"], str):
        return NOTHING
    lines = [ink("The credential, step by step", STRONG)]
    for each in sources:
        sign = mark("passed") if each.get("wins") else mark("blocked")
        word = "used" if each.get("wins") else "passed over"
        said = f"{each.get('where', '')} {each.get('key', '')} as {each.get('user', '?')}"
        lines += wrapped(said, width, line(sign, f" {word:<12}"))
    if "source" in proof:
        who = f"{proof['source']}, user {proof.get('user', '?')}, a {proof.get('kind', '')}"
        lines += wrapped(who.rstrip(", a"), width, line(("found in  ", DIM)))
    if proof.get("challenge"):
        lines += wrapped(proof["challenge"], width, line(("asked     ", DIM)))
    for each in tried:
        said = f"{each.get('with', '')}, for {each.get('scope', 'no scope')}"
        said += f": {each.get('outcome', '')} (HTTP {each.get('status', '?')})"
        granted = "; ".join(_right(right) for right in _entries(each.get("access")))
        said += f"; grants {granted}" if granted else ""
        lines += wrapped(said, width, line(("tried     ", DIM)))
    if proof.get("request"):
        said = f"{proof.get('status', '')} {proof.get('error_code', '')} {proof.get('message', '')}"
        lines += wrapped(proof["request"], width, line(("request   ", DIM)))
        lines += wrapped(" ".join(said.split()), width, line(("answer    ", DIM)))
    used = {"sources", "source", "user", "kind", "challenge", "tried"}
    return lines, used | (
        {"request", "status", "error_code", "message"} if proof.get("request") else set()
    )


def _right(right: Mapping[str, Any]) -> str:
    actions = _list(right.get("actions")) or "nothing"
    return f"{actions} on {right.get('name', '?')}"


def gauge(proof: Mapping[str, Any], width: int) -> Drawn:
    """How much of a limit is left, and when it is whole again."""
    limit, left = proof.get("limit"), proof.get("remaining")
    retry = proof.get("retry_after_seconds")
    if not isinstance(limit, int | float) or not isinstance(left, int | float) or limit <= 0:
        if not isinstance(retry, int | float):
            return NOTHING
        lines = [
            ink("The limit", STRONG),
            line("used up; another try makes sense in ", _span(retry)),
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
        lines.append(line(("window  ", DIM), _span(window)))
    if isinstance(reset, int | float):
        lines.append(line(("whole   ", DIM), f"again in {_span(reset)}"))
    return lines, {"limit", "remaining", "window_seconds", "reset_seconds"}


def platforms(proof: Mapping[str, Any], width: int) -> Drawn:
    """Which platforms there are, and which is wanted."""
    offered, needed = proof.get("offered"), proof.get("needed")
    if not isinstance(offered, list) or not isinstance(needed, str):
        return NOTHING
    lines = [ink("Platforms", STRONG)]
    for each in map(str, offered[:_MOST]):
        mine = each == needed
        lines.append(line(mark("passed") if mine else " ", f" {each}"))
    if needed not in offered:
        lines += wrapped(f"{needed}  needed, not offered", width, line(mark("failed"), " "))
    return lines, {"offered", "needed"}


def attempts(proof: Mapping[str, Any], width: int) -> Drawn:
    """How each address was."""
    tried = _entries(proof.get("attempts"))
    if not tried:
        return NOTHING
    lines = [ink("Each address", STRONG)]
    for each in tried:
        state = "passed" if each.get("outcome") in ("open", "connected", "ok") else "failed"
        said = f"{each.get('address', '?')}  {each.get('outcome', '')}  {_ms(each.get('ms'))}"
        lines += wrapped(said.rstrip(), width, line(mark(state), " "))
    return lines, {"attempts"}


ALL: Sequence[Drawing] = (chain, resolvers, exchange, credential, gauge, platforms, attempts)


def _day(moment: object) -> str:
    return str(moment)[:10] if moment else "?"


def _list(value: Any) -> str:
    return ", ".join(map(str, value[:_MOST])) if isinstance(value, list) else str(value or "")


def _ms(value: Any) -> str:
    return took(float(value)) if isinstance(value, int | float) else ""


def _span(seconds: float) -> str:
    """Seconds as a person says them."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
