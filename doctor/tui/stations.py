"""Which stations does the path have, and how is each? Pure: from a document's target, or from the
events of a run that is under way.

A *stretch* is one host's ladder (proxy, dns, tcp, tls), or, last, the questions of the pull itself
(api, auth, image …). A document holds one entry a check, of all hosts; what a rung of a host was
like follows from how far that host was reached and what was found at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from doctor.frozen import frozen
from doctor.model import Check, CheckResult, Event, Hop, Target
from doctor.report.terms import hop_name
from doctor.tui.ink import STATES

LADDER = ("proxy", "dns", "tcp", "tls")
"""The checks that are asked of every host, in their order."""
_REACHED = ("dns", "tcp", "tls", "http")
_LEFT_OUT = "--offline"


@frozen
class Station:
    """One question of the path, asked of one place."""

    check: str
    hop: str
    """`host:port`; "" for the pull itself."""
    state: str = "waiting"
    ms: float | None = None
    said: str = ""
    blocked_by: str = ""

    @property
    def word(self) -> str:
        """The state in words."""
        if self.state != "blocked":
            return "FAILED" if self.state == "failed" else self.state
        if self.blocked_by == _LEFT_OUT:
            return "left out"
        return f"blocked by {self.blocked_by}" if self.blocked_by else "not tried"


@frozen
class Stretch:
    """The stations of one place."""

    role: str
    name: str
    via: str
    addresses: tuple[str, ...]
    stations: tuple[Station, ...]


def of_document(target: Mapping[str, Any]) -> tuple[Stretch, ...]:
    """The path of one of the document's targets."""
    checks = {check["name"]: check for check in target["checks"]}
    stretches = [
        Stretch(
            hop["role"],
            hop_name(hop),
            hop["via"],
            tuple(hop["addresses"]),
            tuple(_ladder(hop, checks, target["findings"])),
        )
        for hop in target["hops"]
    ]
    rest = tuple(_asked(check) for name, check in checks.items() if name not in LADDER)
    if not target["hops"]:
        rest = tuple(_asked(check) for check in checks.values())
    return (*stretches, Stretch("pull", _what(target), "", (), rest)) if rest else tuple(stretches)


def _what(target: Mapping[str, Any]) -> str:
    """What is pulled, without its registry."""
    if not target["repository"]:
        return str(target["registry"] or target["target"] or "")
    tag = f":{target['tag']}" if target["tag"] else ""
    digest = f"@{target['digest']}" if target["digest"] else ""
    return f"{target['repository']}{tag}{digest}"


def _asked(check: Mapping[str, Any]) -> Station:
    state = STATES[check["status"]]
    return Station(
        check["name"],
        "",
        state,
        None if state == "blocked" else check["duration_ms"],
        check["summary"],
        check["blocked_by"] or "",
    )


def _ladder(
    hop: Mapping[str, Any], checks: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
) -> Iterator[Station]:
    """The rungs of one host. One above where it ended is blocked by the one that ended it."""
    name = hop_name(hop)
    through = hop["via"].removeprefix("proxy ")
    own = [f for f in findings if f["hop"] == name or _of_the_way(f, through)]
    height = _REACHED.index(hop["reached"]) if hop["reached"] else -1
    ended = ""
    for rung in LADDER:
        check = checks.get(rung)
        if check is None:
            continue
        found = {f["severity"] for f in own if f["check"] == rung}
        timed = hop["timings_ms"].get(rung)
        climbed = rung != "proxy" and _REACHED.index(rung) <= height
        over_http = rung == "tls" and hop["reached"] == "http" and timed is None
        if over_http or (rung == "proxy" and hop["role"] == "proxy"):
            continue
        if "error" in found and not (_through(hop) if rung == "proxy" else climbed):
            state = "failed"
            ended = ended or rung
        elif rung == "proxy" or climbed:
            state = "warning" if found & {"error", "warning"} else "passed"
        else:
            state = "blocked"
        why = ended or (check["blocked_by"] if check["status"] == "skip" else "") or ""
        yield Station(
            rung,
            name,
            state,
            None if state == "blocked" else timed,
            _said(rung, hop, check),
            why if state == "blocked" else "",
        )


def _of_the_way(finding: Mapping[str, Any], proxy: str) -> bool:
    """Is it about the proxy by which the host is reached?"""
    return bool(finding["check"] == "proxy" and finding["hop"] == proxy)


def _through(hop: Mapping[str, Any]) -> bool:
    """Did what came after the proxy answer, so that no fault of the proxy ended the way?"""
    return hop["reached"] in ("tcp", "tls", "http")


def _said(rung: str, hop: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    if rung == "proxy":
        return str(hop["via"])
    if rung == "dns" and hop["addresses"]:
        return ", ".join(hop["addresses"])
    return str(check["summary"]) if hop["role"] in ("registry", "mirror") else ""


class Progress:
    """What is known of one target while the run lasts. Taking an event costs the same however many
    targets there are."""

    def __init__(self, target: Target, checks: Sequence[Check]) -> None:
        self.target = target
        whole = [c.name for c in checks if not c.part]
        names = tuple(dict.fromkeys([*whole, *(c.name for c in checks)]))
        self._names = [n for n in names if n not in LADDER]
        self._ladder = [n for n in LADDER if n in names]
        self._hops: dict[Hop, None] = {target.registry: None} if target.registry.host else {}
        self._started: set[tuple[str, Hop | None]] = set()
        self._results: dict[tuple[str, Hop | None], list[CheckResult]] = {}

    def take(self, event: Event) -> None:
        """Note what the engine told."""
        at = event.hop if event.check in LADDER else None
        if event.kind == "hop" and event.hop:
            self._hops[event.hop] = None
        elif event.kind == "started":
            self._started.add((event.check, at))
        elif event.kind == "finished" and event.result:
            self._results.setdefault((event.check, at), []).append(event.result)

    @property
    def ended(self) -> bool:
        """Has every station an answer?"""
        return all(s.state not in ("waiting", "running") for s in self.stations())

    @property
    def state(self) -> str:
        """One word for the whole path so far."""
        found = {s.state for s in self.stations()}
        if found == {"waiting"}:
            return "waiting"
        return "failed" if "failed" in found else "running" if not self.ended else "passed"

    @property
    def now(self) -> str:
        """What is being asked."""
        return ", ".join(dict.fromkeys(s.check for s in self.stations() if s.state == "running"))

    def stations(self) -> Iterator[Station]:
        for stretch in self.stretches():
            yield from stretch.stations

    def stretches(self) -> tuple[Stretch, ...]:
        """The path so far: at the beginning, the plan."""
        made = [Stretch(hop.role, hop.name, "", (), tuple(self._rungs(hop))) for hop in self._hops]
        pull = tuple(self._station(name, None) for name in self._names)
        reference = self.target.original
        what = str(reference).partition("/")[2] if reference else self.target.registry.authority
        return (*made, Stretch("pull", what, "", (), pull))

    def _rungs(self, hop: Hop) -> Iterable[Station]:
        rungs = self._ladder if hop.role != "proxy" else [n for n in self._ladder if n != "proxy"]
        return (self._station(name, hop) for name in rungs)

    def _station(self, name: str, hop: Hop | None) -> Station:
        """Of a check with several parts the gravest counts, once its main part has ended."""
        from doctor.verdict import gravest

        at = hop.name if hop else ""
        results = self._results.get((name, hop), [])
        if not any(not r.part for r in results):
            return Station(name, at, "running" if (name, hop) in self._started else "waiting")
        worst = gravest(results)
        state = STATES[worst.status]
        return Station(
            name,
            at,
            state,
            None if state == "blocked" else max(r.ms for r in results if r.part == worst.part),
            worst.summary,
            worst.blocked_by or "",
        )
