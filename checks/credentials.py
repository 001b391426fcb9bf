"""Which credential does this client find for this registry, and what is wrong where it looks?

Local configuration only: it runs first and also with `--offline`. Asking a helper is the one thing
that goes beyond reading; it is bounded and happens only for the helper that the client itself would
ask. Whether the credential is accepted is seen elsewhere (`AuthFact`); here that decides how
heavily a fault weighs, and whether some are faults at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.condition import given
from doctor.facts.bearing import Bearing
from doctor.facts.credential import CredentialFact, Fault, TokenLife
from doctor.facts.helper import HelperFact
from doctor.facts.registry import AuthFact
from doctor.jwt import SKEW
from doctor.model import Case, Check, Client, Finding
from doctor.profile import for_host

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
    for each in lookup.tries:
        if each.credential is not None:
            net.credential = each.credential
            break
        reason = _unasked(lookup.foreign, net)
        if reason:
            return _told(lookup, None, helpers, reason)
        answer = await net.helper(each.program, each.key)
        helpers.append(replace(answer.fact, setting=f"{each.setting} in {each.where}"))
        net.credential = answer.credential
        if answer.fact.ending != "not-found":
            break
    return _told(lookup, net.credential, helpers)


def _told(
    lookup: Any, credential: Credential | None, helpers: list[HelperFact], unasked: str = ""
) -> CredentialFact:
    fact: CredentialFact = lookup.told(credential, tuple(helpers), unasked)
    return fact


def _unasked(foreign: bool, net: Net) -> str:
    if foreign:
        return "these are another machine's files, and its programs are not run here"
    return "--offline: a helper may use the network" if net.offline else ""


def judge(case: Case) -> Iterator[Finding]:
    """Every fault of the places looked in. Pure."""
    fact = case.facts.get(CredentialFact)
    if fact is None:
        return
    state = _State(case, fact)
    yield from _faults(state)
    yield from (_helper(state, h) for h in fact.helpers if not h.ok)
    if not fact.found and not fact.stopped and (missed := _missed(state)):
        yield missed
    if fact.white_space and not state.accepted:
        yield _white_space(state)
    if fact.life is not None and not state.accepted:
        yield from _life(state, fact.life)
    yield from _storage(state)
    yield from _shadowed(state)


class _State(Bearing):
    """The same with what the words need."""

    @property
    def reader(self) -> str:
        """Who reads the configuration, as the subject of a sentence."""
        names = {"shell": "a Go client such as crane", "docker": "docker", "podman": "podman"}
        return names.get(self.fact.client, self.fact.client)

    @property
    def others(self) -> list[str]:
        """What the other clients of this machine would do instead, where that differs."""
        return [f"{each.client} {each.says}" for each in self.fact.otherwise]

    def params(self, **more: str) -> dict[str, str]:
        """What every remedy here may need: how one logs in on this machine."""
        fact = self.fact
        hub = fact.registry in ("docker.io", "index.docker.io")
        params = {
            "login_at": "docker.io" if hub else fact.registry,
            "config": fact.config,
            "key_page": for_host(self.case.target.registry.host).key_page,
        }
        if not hub:
            params["plain_key"] = fact.registry
        if fact.tools and "docker" not in fact.tools:
            params[f"only_{fact.tools[0]}"] = "yes"
        params |= more
        if cloud := params.pop("cloud", ""):
            params[f"cloud_{cloud}"] = "yes"
        return {k: v for k, v in params.items() if v}


def _faults(state: _State) -> Iterator[Finding]:
    seen: set[str] = set()
    for fault in sorted(state.fact.faults, key=lambda f: (not f.ours, f.where)):
        if fault.where in seen:
            continue
        seen.add(fault.where)
        yield _fault(state, fault)


def _fault(state: _State, fault: Fault) -> Finding:
    others = [f for f in state.fact.faults if f.where == fault.where and f is not fault]
    entry = fault.ours and fault.kind in ("entry", "incomplete", "type")
    effect = fault.effect or "sends what there is"
    evidence: dict[str, Any] = {
        "path": fault.where,
        "line": fault.line or None,
        "column": fault.column or None,
        "key": fault.key,
        "what": fault.what,
        "client": state.fact.client,
        "client_then": effect,
        "other_clients": state.others,
        "more": [f.what for f in others[:5]],
    }
    place = f"{fault.where}:{fault.line}:{fault.column}" if fault.line else fault.where
    params = state.params(
        path=fault.where,
        place=place,
        what=fault.what,
        reader=state.reader[:1].upper() + state.reader[1:],
        entry=fault.key or "",
        effect=effect,
        variable="yes" if fault.where.isupper() else "",
        file="" if fault.where.isupper() else "yes",
        spoils="yes" if fault.stops else "",
        unreadable="yes" if fault.kind == "access" else "",
    )
    return Finding(
        "auth.entry-malformed" if entry else "auth.config-unreadable",
        severity=state.weight(fault.stops),
        subject=fault.where,
        evidence={k: v for k, v in evidence.items() if v},
        params=params,
    )


def _missed(state: _State) -> Finding | None:
    """The nearest miss; a key for another port may be another registry, so it counts only where the
    pull fails."""
    order = ("docker-hub", "helper-key", "white-space", "letter-case", "wildcard", "port")
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


def _helper(state: _State, helper: HelperFact) -> Finding:
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
            waited=f"{helper.waited:.0f}",
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


def _white_space(state: _State) -> Finding:
    fact = state.fact
    return Finding(
        "auth.whitespace",
        severity=None if state.rejected else "warning",
        confidence="certain" if state.trimmed or not state.rejected else "likely",
        subject=fact.origin,
        evidence={
            "origin": fact.origin,
            "where": [{"part": w.part, "end": w.end, "what": w.what} for w in fact.white_space],
            "rejected": state.rejected,
            "accepted_without_it": state.trimmed,
        },
        params=state.params(
            origin=fact.origin,
            what=fact.white_space[0].said,
            given="yes" if fact.origin.startswith("--") else "",
            basic="yes" if state.basic else "",
            stored="" if fact.origin.startswith("--") else "yes",
        ),
    )


def _life(state: _State, life: TokenLife) -> Iterator[Finding]:
    from datetime import UTC, datetime

    now = state.case.target.now.timestamp()
    past = now - life.expires
    if past <= (SKEW if life.read_from == "token" else 0):
        return
    fact = state.fact
    ended = datetime.fromtimestamp(life.expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    offline = state.case.facts.get(AuthFact) is None
    certain = life.read_from == "token"
    yield Finding(
        "auth.token-expired",
        severity=None if state.rejected or (offline and certain) else "warning",
        confidence="certain" if certain else "likely",
        subject=fact.origin,
        evidence={
            "origin": fact.origin,
            "token": life.kind,
            "expired": ended,
            "seconds_ago": round(past),
            "read_from": life.read_from,
            "issuer": life.issuer,
            "rejected": state.rejected,
        },
        params=state.params(
            origin=fact.origin,
            token=life.kind,
            ended=ended,
            how="by its own word" if certain else "by its kind and the age of the file",
            cloud=fact.cloud,
            region=fact.region,
            azure_name=fact.registry.partition(".")[0],
        ),
    )


def _storage(state: _State) -> Iterator[Finding]:
    """How the secrets lie on the disk."""
    for file in state.fact.files:
        keys = list(file.keys[:20])
        evidence = {"path": file.path, "keys": keys, "mode": f"{file.mode:04o}", "owner": file.uid}
        params = state.params(
            path=file.path, mode=f"{file.mode:04o}", store=state.fact.store or "", who=file.open_to
        )
        if file.open_to:
            yield Finding("auth.permissions", subject=file.path, evidence=evidence, params=params)
        if state.fact.store:
            more = {**evidence, "store": state.fact.store}
            yield Finding("auth.plaintext", subject=file.path, evidence=more, params=params)


def _shadowed(state: _State) -> Iterator[Finding]:
    """Several different credentials, and the one that wins is rejected, or older than another."""
    sources = state.fact.sources
    winner = next((s for s in sources if s.wins), None)
    rivals = [s for s in sources if winner and s.same != winner.same]
    if winner is None or not rivals:
        return
    newer = [r for r in rivals if winner.modified and r.modified and r.modified > winner.modified]
    if not state.rejected and not newer:
        return
    first = (newer or rivals)[0]
    told = [
        {"where": s.where, "key": s.key, "user": s.user, "wins": s.wins, "credential": s.same + 1}
        for s in sources
    ]
    yield Finding(
        "auth.shadowed",
        subject=winner.where,
        evidence={"sources": told, "winner_rejected": state.rejected, "newer": bool(newer)},
        params=state.params(
            winner=f'{winner.where} ("{winner.key}")' if winner.key else winner.where,
            rival=f'{first.where} ("{first.key}")',
            why="is rejected" if state.rejected else "is older",
            variable="yes" if winner.where == "DOCKER_AUTH_CONFIG" else "",
            file="" if winner.where == "DOCKER_AUTH_CONFIG" else "yes",
        ),
    )


CHECK = Check(
    name="auth",
    part="local",
    scope="target",
    judge=judge,
    read=read,
    question="Which credential does the client find for this registry, and is it whole?",
)
