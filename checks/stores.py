"""Do the trust stores of this machine's clients agree about the chain that a host shows?

One certificate, seen by all, that one client's stores vouch for and another's do not. Where the
accepting client has one store more than the other, that is the one that holds the CA.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.facts.clients import ClientsFact, Eye, named
from doctor.facts.tls import TlsFact
from doctor.facts.trust import TrustFact, TrustStore
from doctor.model import Case, Check, Finding
from doctor.pki import errors
from doctor.pki.evidence import settings, short, where

_CERTS_D = {"docker": "/etc/docker/certs.d", "podman": "/etc/containers/certs.d"}
_CERTS_D["cri-o"] = _CERTS_D["podman"]


def judge(case: Case) -> Iterator[Finding]:
    """One finding for each client that refuses what another one accepts."""
    fact = case.facts.get(ClientsFact)
    eyes = fact.eyes if fact else ()
    seen = [(eye, *made) for eye in eyes if (made := eye.handshake(case.at))]
    accepting = [each for each in seen if each[1].ok and each[1].chain]
    for eye, tls, trust in seen:
        others = [each for each in accepting if _is_same_chain(each[1], tls)]
        if others and _is_unknown(tls):
            yield _between(case, others, eye, tls, trust)


def _is_same_chain(one: TlsFact, other: TlsFact) -> bool:
    return bool(other.chain) and one.chain[0].sha256 == other.chain[0].sha256


def _is_unknown(tls: TlsFact) -> bool:
    """Is it the store alone that the client misses something in?"""
    wanted = (*errors.UNKNOWN_ISSUER, errors.SIGNATURE)
    return tls.verdict is not None and tls.verdict.only(*wanted)


def _between(
    case: Case,
    accepting: Sequence[tuple[Eye, TlsFact, TrustFact | None]],
    refusing: Eye,
    tls: TlsFact,
    trust: TrustFact | None,
) -> Finding:
    known = {store.source for store in trust.stores} if trust else set()
    more = [
        (eye, [s for s in theirs.stores if s.source not in known] if theirs else [])
        for eye, _, theirs in accepting
    ]
    has, holder = next(((e, own[0]) for e, own in more if len(own) == 1), (more[0][0], None))
    params = {
        "accepts": named([eye for eye, _ in more]),
        "has": has.client,
        "refuses": refusing.client,
        **_for(case, refusing.client, holder, trust),
    }
    evidence = {
        "certificate": short(tls.chain[0]),
        "verdicts": {
            eye.client: {
                "accepts": made.ok,
                "stores": [store.path for store in theirs.stores] if theirs else [],
            }
            for eye, made, theirs in (*accepting, (refusing, tls, trust))
        },
    }
    return Finding(
        "tls.trust-differs",
        hop=case.at,
        subject=refusing.client,
        evidence=evidence,
        params={name: value for name, value in params.items() if value},
    )


def _for(
    case: Case, client: str, holder: TrustStore | None, trust: TrustFact | None
) -> dict[str, str]:
    """The file that holds the CA, and where the refusing client would look for it."""
    if holder is None or holder.kind != "file":
        return {}
    found = {"accepts_path": holder.path}
    own = where(case).get("own_host")
    if client in _CERTS_D:
        return found | ({"certs": f"{_CERTS_D[client]}/{own}"} if own else {})
    named = settings(trust).get("cert_file", "")
    if client in ("shell", "crane"):
        return found | ({"cert_file": named} if named else {"system_store": "yes"})
    return found


CHECK = Check(
    name="tls",
    part="stores",
    scope="hop",
    judge=judge,
    question="Do the trust stores of this machine's clients agree about the host's certificate?",
)
