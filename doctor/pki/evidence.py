"""How do certificates and verdicts stand in a finding, and what do its words need to know of the
place?
"""

from __future__ import annotations

from typing import Any

from doctor.facts.tls import Certificate, TlsFact
from doctor.facts.trust import TrustFact
from doctor.model import Case
from doctor.registry import hub

_CERTS = "/etc/containerd/certs.d"
_SETTINGS = {"SSL_CERT_FILE": "cert_file", "SSL_CERT_DIR": "cert_dir"}


def where(case: Case) -> dict[str, str]:
    """`own_host`: how the image reference writes the host, where the finding is about the registry
    itself. Clients name a registry's own directory of certificates so; Docker reads none for Docker
    Hub. For containerd beside it `certs`, the folder that those lie in; where its settings name the
    host, the file and line that do.
    """
    target = case.target
    if case.at != target.registry:
        return {}
    if target.client == "containerd":
        return _of_containerd(case, target.named)
    return {"own_host": target.named, "certs": _CERTS} if target.named not in hub.DOMAINS else {}


def _of_containerd(case: Case, name: str) -> dict[str, str]:
    from doctor.facts.endpoint import EndpointsFact
    from doctor.facts.trust import TrustFact

    endpoint = case.target.endpoint
    if endpoint is not None and endpoint.origin:
        trust = case.here(TrustFact)
        own = [s.path for s in trust.stores if s.label.startswith("ca in ")] if trust else []
        return {**set_in(endpoint.origin), "ca_path": own[0] if own else ""}
    fact = case.facts.get(EndpointsFact)
    certs = fact.certs if fact else _CERTS
    return {"own_host": name, "certs": certs} if certs else {}


def set_in(origin: str) -> dict[str, str]:
    """A line of containerd's settings, for remedies that change it."""
    file, _, line = origin.rpartition(":")
    folder, _, name = file.rpartition("/")
    toml = name.endswith(".toml")
    return {
        "hosts_file": file,
        "hosts_line": line,
        "folder": folder,
        "hosts_toml": "yes" if name == "hosts.toml" else "",
        "config_toml": "yes" if toml and name != "hosts.toml" else "",
        "registries_yaml": "" if toml else "yes",
    }


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
