"""How do certificates and verdicts stand in a finding, and what do its words need to know of the
place?
"""

from __future__ import annotations

from typing import Any

from doctor import hub
from doctor.facts.tls import Certificate, TlsFact, TrustFact
from doctor.model import Case

_SETTINGS = {"SSL_CERT_FILE": "cert_file", "SSL_CERT_DIR": "cert_dir"}


def where(case: Case) -> dict[str, str]:
    """`own_host`: how the image reference writes the host, where the finding is about the registry
    itself. Clients name a registry's own directory of certificates so; Docker reads none for Docker
    Hub.
    """
    target = case.target
    own = case.at == target.registry and target.named not in hub.DOMAINS
    return {"own_host": target.named} if own else {}


def settings(trust: TrustFact | None) -> dict[str, str]:
    """What the variables name, and the system's bundle, for the remedies."""
    found: dict[str, str] = {}
    for store in trust.stores if trust else ():
        if store.label in _SETTINGS:
            found.setdefault(_SETTINGS[store.label], store.path)
        elif store.label == "system" and store.kind == "file":
            found["bundle"] = store.path
    return found


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """`a, b and 3 more`."""
    if not names:
        return "no name"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def short(cert: Certificate) -> dict[str, Any]:
    """A certificate as evidence."""
    return {
        "subject": cert.subject,
        "issuer": cert.issuer,
        "not_before": cert.not_before,
        "not_after": cert.not_after,
        "sha256": cert.sha256,
        "key": f"{cert.key_type} {cert.key_bits}" if cert.key_bits else cert.key_type,
        "signature": cert.signature,
    }


def chain(fact: TlsFact) -> list[dict[str, Any]]:
    """The chain as sent, as evidence."""
    return [short(cert) for cert in fact.chain[:10]]


def verdicts(fact: TlsFact) -> list[dict[str, Any]]:
    """Who says what of the chain."""
    return [
        {
            "store": verdict.store,
            "paths": list(verdict.paths),
            "rules": verdict.rules,
            "ok": verdict.ok,
            "errors": [f"{e.number} {e.key} at depth {e.depth}" for e in verdict.errors],
        }
        for verdict in fact.verdicts
    ]
