"""Is the credential that was found whole, current, the one that is meant, and kept safely?

Nothing is asked here: the look-up (`credentials`) tells what was found, the login (`auth`) whether
it was accepted. A credential that is accepted has none of these faults, whatever it looks like;
how it is kept matters all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts.bearing import Bearing
from doctor.facts.credential import CredentialFact, Source, TokenLife
from doctor.facts.registry import AuthFact
from doctor.model import Case, Check, Finding
from doctor.pki.clock import TOLERANCE

_CLEAN = "; without that it is accepted, and so the rest was looked at"


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the credential itself."""
    fact = case.facts.get(CredentialFact)
    if fact is None:
        return
    state = Bearing(case, fact)
    if fact.white_space and not state.accepted:
        yield _white_space(state)
    if fact.life is not None and not state.accepted:
        yield from _life(state, fact.life)
    yield from _storage(state)
    yield from _shadowed(state)


def _white_space(state: Bearing) -> Finding:
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
            what=fact.white_space[0].said + (_CLEAN if state.trimmed else ""),
            given="yes" if fact.origin.startswith("--") else "",
            basic="yes" if state.basic else "",
            unseen="yes" if any(w.unseen for w in fact.white_space) else "",
            stored="" if fact.origin.startswith("--") else "yes",
        ),
    )


def _life(state: Bearing, life: TokenLife) -> Iterator[Finding]:
    from datetime import UTC, datetime

    now = state.case.target.now.timestamp()
    past = now - life.expires
    if past <= (TOLERANCE if life.read_from == "token" else 0):
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


def _storage(state: Bearing) -> Iterator[Finding]:
    """How the secrets lie on the disk."""
    for file in state.fact.files:
        keys = list(file.keys[:20])
        evidence = {"path": file.path, "keys": keys, "mode": f"{file.mode:04o}", "owner": file.uid}
        store = state.fact.store or ""
        of_the_kubelet = state.fact.client == "kubelet"
        params = state.params(
            path=file.path,
            mode=f"{file.mode:04o}",
            store="" if of_the_kubelet else store,
            helper=store if of_the_kubelet else f"docker-credential-{store}",
            who=file.open_to,
        )
        if file.open_to:
            yield Finding("auth.permissions", subject=file.path, evidence=evidence, params=params)
        if state.fact.store:
            more = {**evidence, "store": state.fact.store}
            yield Finding("auth.plaintext", subject=file.path, evidence=more, params=params)


def _shadowed(state: Bearing) -> Iterator[Finding]:
    """Several different credentials, and the one that wins is rejected, or older than another, or
    wins by chance."""
    sources = state.fact.sources
    winner = next((s for s in sources if s.wins), None)
    rivals = [s for s in sources if winner and s.same != winner.same]
    if state.fact.refused and not state.rejected and winner is not None:
        yield _refused_first(state, state.fact.refused[0], winner)
        return
    if winner is None or not rivals:
        return
    newer = [r for r in rivals if winner.modified and r.modified and r.modified > winner.modified]
    drawn = _drawn(state, winner, rivals)
    if not state.rejected and not newer and not drawn:
        return
    first = (drawn or newer or rivals)[0]
    why = "is rejected" if state.rejected else "is older"
    if drawn:
        why = "only by chance: keys of one host, of which docker's code takes any"
    told = [
        {"where": s.where, "key": s.key, "user": s.user, "wins": s.wins, "credential": s.same + 1}
        for s in sources
    ]
    yield Finding(
        "auth.shadowed",
        subject=winner.where,
        evidence={
            "sources": told,
            "winner_rejected": state.rejected,
            "newer": bool(newer),
            "by_chance": bool(drawn),
        },
        params=state.params(
            winner=f'{winner.where} ("{winner.key}")' if winner.key else winner.where,
            rival=f'{first.where} ("{first.key}")',
            why=why,
            winner_key=winner.key if drawn else "",
            rival_key=first.key if drawn else "",
            held_in=winner.where if drawn else "",
            variable="yes" if winner.where == "DOCKER_AUTH_CONFIG" else "",
            file="" if winner.where == "DOCKER_AUTH_CONFIG" else "yes",
        ),
    )


def _drawn(state: Bearing, winner: Source, rivals: list[Source]) -> list[Source]:
    """The rivals among which docker's code draws: keys of one file that name the registry's host,
    none of them exactly (docker/cli cli/config/credentials/file_store.go ranges over a map)."""
    if state.fact.client not in ("docker", "shell", "crane") or winner.key in state.fact.keys:
        return []
    return [each for each in rivals if each.where == winner.where]


def _refused_first(state: Bearing, first: Source, winner: Source) -> Finding:
    """A client that tries several in turn has the image with a later one."""
    told = [
        {"where": s.where, "key": s.key, "user": s.user, "wins": s.wins, "refused": not s.wins}
        for s in (*state.fact.refused, winner)
    ]
    return Finding(
        "auth.shadowed",
        subject=first.where,
        evidence={"sources": told, "winner_rejected": True, "newer": False},
        params=state.params(
            winner=f'{first.where} ("{first.key}")',
            rival=f'{winner.where} ("{winner.key}")',
            why="is refused each time before the other is tried",
            held_in=first.where,
            held_key=first.key,
            file="yes",
        ),
    )


CHECK = Check(
    name="auth",
    part="stored",
    scope="target",
    judge=judge,
    question="Is the credential that was found whole, current, the one meant, and kept safely?",
)
