"""What was said to whom, and what came back? The drawings of a proxy's CONNECT, of HTTP answers,
and of what became of a credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from doctor.tui.drawn import MOST, NOTHING, Drawn, entries, listed, ms
from doctor.tui.ink import DIM, STRONG, ink, line, mark, wrapped


def _header(name: object, value: object, width: int) -> list[Content]:
    return wrapped(value, width, line(("< ", "bold $accent"), (f"{name}: ", DIM)), hang=4)


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
        for name, value in list(headers.items())[:MOST]:
            lines += _header(name, value, width)
    if proof.get("title"):
        lines += wrapped(proof["title"], width, line(("page  ", DIM)))
    return lines, {"proxy", "status", "phrase", "headers", "set_in", "value", "title", "outcome"}


def answers(proof: Mapping[str, Any], width: int) -> Drawn:
    """What was asked over HTTP, and what came back."""
    found = entries(proof.get("answers"))
    if not found:
        return NOTHING
    lines = [ink("What was asked, and answered", STRONG)]
    for each in found:
        whose = f", {each['with']}" if each.get("with") else ""
        asked = f"{each.get('request', '')}  at {each.get('host', '?')}{whose}"
        lines += wrapped(asked, width, line(("> ", "bold $accent")))
        said = " ".join(
            str(each[part])
            for part in ("status", "outcome", "error_code", "message", "title")
            if each.get(part)
        )
        lines += wrapped(f"{said}  {ms(each.get('ms'))}", width, line(("< ", "bold $accent")))
        headers = each.get("headers")
        if isinstance(headers, Mapping):
            for name, value in list(headers.items())[:MOST]:
                lines += _header(name, value, width)
        lines.append(Content(""))
    return lines[:-1], {"answers"}


def credential(proof: Mapping[str, Any], width: int) -> Drawn:
    """Where the credential came from, and what became of it."""
    sources = entries(proof.get("sources"))
    tried = entries(proof.get("tried"))
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
        user = f", user {proof['user']}" if proof.get("user") else ""
        kind = f", a {proof['kind']}" if proof.get("kind") else ""
        who = f"{proof['source']}{user}{kind}"
        lines += wrapped(who, width, line(("found in  ", DIM)))
    if proof.get("challenge"):
        lines += wrapped(proof["challenge"], width, line(("asked     ", DIM)))
    for each in tried:
        said = f"{each.get('with', '')}, for {each.get('scope', 'no scope')}"
        said += f": {each.get('outcome', '')} (HTTP {each.get('status', '?')})"
        granted = "; ".join(_right(right) for right in entries(each.get("access")))
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
    actions = listed(right.get("actions")) or "nothing"
    return f"{actions} on {right.get('name', '?')}"
