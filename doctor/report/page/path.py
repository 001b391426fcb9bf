"""How does the way of the pull look? A list of hosts in the order in which they are met, each with
the layers that it was spoken to on; read aloud it is a sentence a host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from doctor.report.page.markup import Markup, el
from doctor.report.terms import hop_name

LAYERS = ("dns", "tcp", "tls", "http")
_ABOVE = frozenset(("api", "auth", "image", "blob", "rate", "client", "k8s"))
"""Checks of what is said over HTTP."""
_ROLES = {
    "registry": "registry",
    "token": "token service",
    "storage": "blob storage",
    "mirror": "mirror",
    "proxy": "proxy",
}
_SAID = {"ok": "reached", "bad": "failed", "none": "not tried", "unused": "not needed"}
_SIGNS = {"ok": "✓", "bad": "✕", "none": "·", "unused": "\N{EN DASH}"}
Entry = Mapping[str, Any]


def path(hops: Sequence[Entry], findings: Sequence[Entry], start: str, end: str = "") -> Markup:
    """The way from `start` to every host. Empty where no host was met. `end`: what they all are,
    where that is no registry."""
    if not hops:
        return Markup("")
    here = el("li", el("span", "from", class_="role"), el("b", start), class_="hop here")
    return el("ol", here, *(_hop(hop, findings, end) for hop in hops), class_="path")


def _hop(hop: Entry, findings: Sequence[Entry], called: str) -> Markup:
    name = hop_name(hop)
    host = name.rpartition(":")[0]
    own = [f for f in findings if f["hop"] == name and f["severity"] == "error"]
    went = dict(_layers(hop, own))
    bad = any(f["root_cause"] for f in own) or "bad" in went.values()
    state = "bad" if bad else "ok" if hop["reached"] == "http" else "none"
    addresses = ", ".join(hop["addresses"][:2])
    more = len(hop["addresses"]) - 2
    told = [f"{addresses} and {more} more" if more > 0 else addresses or "no address"]
    told.append("directly" if hop["via"] == "direct" else f"via {hop['via']}")
    if "serves" in hop:
        serves = {True: "serves it", False: "does not serve it"}
        told.append(serves.get(hop["serves"], "may serve it"))
    role = _ROLES.get(hop["role"], str(hop["role"]))
    role = called if called and hop["role"] == "registry" else role
    return el(
        "li",
        el("span", role, class_="role"),
        el("b", host, el("span", f":{hop['port']}", class_="port")),
        el("span", ", ".join(told), class_="how"),
        el("ul", *(_layer(*each) for each in went.items()), class_="ladder"),
        class_=f"hop {state}",
    )


def _layer(name: str, state: str) -> Markup:
    sign = el("span", _SIGNS[state], aria_hidden="true")
    return el("li", sign, f" {name}", el("span", f" {_SAID[state]}", class_="sr"), class_=state)


def _layers(hop: Entry, errors: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """How far it was spoken to. What was tried and not reached has failed."""
    timed = hop["timings_ms"]
    upto = LAYERS.index(hop["reached"]) if hop["reached"] in LAYERS else -1
    above = any(f["root_cause"] and f["check"] in _ABOVE for f in errors)
    failed = False
    for index, name in enumerate(LAYERS):
        if index <= upto:
            state = "ok" if name in timed or index == upto else "unused"
            if name == "http" and above:
                state = "bad"
        elif failed or (not errors and name not in timed):
            state = "none"
        else:
            state, failed = "bad", True
        yield name, state
