"""Can TLS be spoken with this host, and does this client trust the certificate that it shows?

Clients have few words here: "certificate signed by unknown authority" stands for a private CA, a
self-signed certificate, a missing intermediate, an inspecting proxy, a SHA-1 signature and a CA
that may not sign; "expired or not yet valid" does not say which certificate, nor whose clock. The
probe takes one handshake (`doctor.net.tls`). What is concluded stands in `doctor.pki`: what a
client holds against the chain (`objections`), dates beside other clocks (`dates`), interception,
and the ways in which a handshake can fail (`failures`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.endpoint import EndpointsFact
from doctor.facts.tls import TlsFact
from doctor.facts.trust import CaFault, TrustFact
from doctor.model import Case, Check, Client, Fact, Finding, Severity, raised
from doctor.pki import errors, failures, interception, remarks
from doctor.pki.dates import dates
from doctor.pki.evidence import chain, set_in, settings, verdicts, where
from doctor.pki.objections import Objections

if TYPE_CHECKING:
    from doctor.net import Net

_VARIABLES = {
    "SSL_CERT_FILE": {"ssl_cert_file": "yes"},
    "SSL_CERT_DIR": {"ssl_cert_dir": "yes"},
}
_OF_THE_CHAIN = frozenset(
    f"tls.{each}"
    for each in (
        "unknown-ca",
        "self-signed",
        "intercepted",
        "incomplete-chain",
        "expired",
        "intermediate-expired",
        "not-yet-valid",
        "clock-skew",
        "hostname-mismatch",
        "weak-signature",
        "invalid-ca",
        "bad-certificate",
        "name-constraint",
    )
)
"""What a client that does not verify the registry does not mind."""
_PROBLEMS = {
    "missing": "there is no such file or directory",
    "unreadable": "it cannot be read",
    "not-a-file": "it is a directory, or no regular file",
    "not-a-directory": "it is a file, not a directory",
    "empty": "it is empty",
    "no-certificate": "it holds no PEM certificate",
    "not-a-line": (
        "clients read no certificate in it, for its BEGIN or END CERTIFICATE is no whole line (a "
        "byte order mark or an indent before it, or two certificates without a line end between)"
    ),
    "no-match": "the key does not belong to the certificate",
    "no-key": "its .key is not beside it, and a CA's name must end in .crt",
    "no-partner": "its .cert is not beside it",
    "encrypted": "the key is locked with a passphrase",
    "other-name": "its name does not end in .crt, so it is passed over",
}


async def read(case: Case, client: Client, net: Net) -> Fact:
    """Which stores this client would consult."""
    return client.trust(case.at, case.target)


async def probe(case: Case, net: Net) -> TlsFact:
    """One handshake, and what it takes to tell the ways to fail apart."""
    trust = case.here(TrustFact)
    if trust is None:
        from pathlib import Path

        from doctor.pki.store import go_store

        trust = go_store(Path(net.root), net.environ, client=case.target.client)
    return await net.handshake(case.at, trust)


def judge(case: Case) -> Iterator[Finding]:
    """The findings about this hop's TLS."""
    fact, trust = case.here(TlsFact), case.here(TrustFact)
    if trust is not None:
        yield from _ca_files(case, trust, fact)
        yield from _unverified(case)
    if fact is None or not fact.needed:
        return
    waived = _is_waived(case, trust)
    for finding in _handshake(case, fact, trust):
        excused = waived and finding.code in _OF_THE_CHAIN and finding.severity != "info"
        yield raised(finding, "warning") if excused else finding


def _is_waived(case: Case, trust: TrustFact | None) -> bool:
    """Does the client go on whatever the chain is like?"""
    if trust is None or not trust.insecure:
        return False
    from doctor.facts.unverified import unverified

    return unverified(case) is not None


def _handshake(case: Case, fact: TlsFact, trust: TrustFact | None) -> Iterator[Finding]:
    """How the handshake went, and what this client holds against the chain."""
    if fact.plain_http is not None or fact.outcome == "not-tls":
        yield from failures.not_tls(case, fact)
    elif fact.client_certificate_demanded:
        yield failures.client_certificate(case, fact)
    elif fact.outcome != "done":
        yield from failures.failed(case, fact)
    if fact.verdict is None or not fact.chain:
        return
    intercepted = tuple(_intercepted(case, fact, trust))
    objections = Objections(case, fact, trust, intercepted=bool(intercepted))
    yield from dates(case, objections)
    yield from intercepted
    if fact.verdict.ok:
        yield from remarks.expiring(objections, case.target.now, case.target.warn_days)
    else:
        yield from objections.findings()
    yield from remarks.weak_keys(objections)
    yield from remarks.revoked(objections)


def _ca_files(case: Case, trust: TrustFact, fact: TlsFact | None) -> Iterator[Finding]:
    verdict = fact.verdict if fact else None
    untrusted = verdict is not None and verdict.has(*errors.UNKNOWN_ISSUER)
    if case.at != case.target.registry and not untrusted:
        return
    for fault in trust.faults:
        severity: Severity = "error" if untrusted or _is_needed(fault, trust, fact) else "warning"
        what = _PROBLEMS[fault.problem]
        yield Finding(
            code="tls.ca-file-unusable",
            hop=case.at,
            severity=severity,
            subject=fault.path,
            evidence={
                "setting": fault.setting,
                "path": fault.path,
                "problem": what,
                "origin": fault.origin,
                "stores_left": [store.path for store in trust.stores],
            },
            params={
                "setting": fault.setting,
                "path": fault.path,
                "problem": what,
                "lines": "yes" if fault.problem == "not-a-line" else "",
                **_VARIABLES.get(fault.setting, {}),
                "unneeded": "yes" if fact is not None and (fact.public or fact.ok) else "",
                **_renamed(fault),
            },
        )


def _unverified(case: Case) -> Iterator[Finding]:
    """Settings that take verification away, at the registry and its mirrors, and allow nothing
    else; what allows plain HTTP too is `client.insecure-registry`."""
    if case.at != case.target.registry:
        return
    fact = case.facts.get(EndpointsFact)
    asked = [each.hop for each in fact.asked] if fact else []
    for hop in dict.fromkeys((case.at, *asked)):
        trust = case.facts.get(TrustFact, hop)
        if trust is not None and trust.insecure:
            yield from _unverified_at(replace(case, hop=hop), trust)


def _unverified_at(case: Case, trust: TrustFact) -> Iterator[Finding]:
    from doctor.facts.unverified import in_the_clear, unverified

    setting = unverified(case)
    if setting is None or not setting.origin or in_the_clear(case):
        return
    place = set_in(setting.origin)
    named = [store.path for store in trust.stores if store.label.startswith("ca in ")]
    line = place["hosts_line"]
    yield Finding(
        "tls.verification-disabled",
        hop=case.at,
        subject=setting.origin,
        evidence={"path": place["hosts_file"], "line": int(line), "entry": setting.entry},
        params={
            **place,
            "file": place["hosts_file"],
            "line": line,
            "entry": setting.entry,
            "registry": case.at.authority,
            "ca_path": named[0] if named else "",
        },
    )


def _renamed(fault: CaFault) -> dict[str, str]:
    """The name that the file should have, or the file that should be beside it."""
    stem = fault.path.rpartition(".")[0]
    match fault.problem:
        case "other-name":
            return {"rename": f"{stem}.crt"}
        case "no-key":
            return {"rename": f"{stem}.crt", "key_path": f"{stem}.key"}
        case "no-partner":
            return {"cert_path": f"{stem}.cert"}
        case "encrypted":
            return {"key_path": fault.path, "locked": "yes"}
        case "no-match":
            return {"key_path": fault.path}
    return {}


def _is_needed(fault: CaFault, trust: TrustFact, fact: TlsFact | None) -> bool:
    """A client stops at a broken CA file of its own; Go passes over a variable's, which matters if
    no other store is left. A file that is none by its name is never read, needed or not.
    """
    if fault.origin or fault.stops:
        return True
    if fault.problem == "other-name":
        return False
    return fact is None and not trust.stores


def _intercepted(case: Case, fact: TlsFact, trust: TrustFact | None) -> Iterator[Finding]:
    others = [
        (hop.host, theirs) for hop, theirs in case.facts.all(TlsFact) if hop and hop != case.at
    ]
    signs = interception.signs(case.at.host, fact, others)
    verdict = fact.verdict
    if not signs.decisive or verdict is None:
        return
    if not verdict.ok and not verdict.has(errors.SIGNATURE, *errors.UNKNOWN_ISSUER):
        return
    leaf = fact.chain[0]
    yield Finding(
        code="tls.intercepted",
        hop=case.at,
        severity="warning" if verdict.ok else "error",
        confidence="certain" if "product" in signs.found else "likely",
        evidence={
            "issuer": leaf.issuer,
            "product": signs.product,
            "signs": dict(signs.found),
            "chain": chain(fact),
            "verdicts": verdicts(fact),
        },
        params={
            "issuer": leaf.issuer_name or leaf.issuer,
            "sign": next(iter(signs.found.values())),
            "product": signs.product or "",
            "store": " or ".join(verdict.paths) or "no trust store",
            "trusted": "yes" if verdict.ok else "",
            **where(case),
            **settings(trust),
        },
    )


CHECK = Check(
    name="tls",
    scope="hop",
    read=read,
    probe=probe,
    judge=judge,
    needs=("tcp", "proxy"),
    budget=12.0,
    question="Can TLS be spoken with the host, and does this client trust its certificate?",
)
