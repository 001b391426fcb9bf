"""Which codes stand for what a client holds against a chain, and what proves each?

One objection of the verifier is one finding, so that two independent faults are two causes. Where
the evidence cannot decide (one certificate, its issuer unknown: is an intermediate missing, or is
the CA unknown?) both are named as possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.facts.tls import Certificate, ChainError, TlsFact, Verdict
from doctor.facts.trust import TrustFact
from doctor.model import Case, Confidence, Finding
from doctor.pki import defaults, errors
from doctor.pki.evidence import chain, listed, settings, short, verdicts, where
from doctor.pki.names import address, nearest

_NAME_CONSTRAINTS = range(errors.NOT_PERMITTED, 54)
_SIGNING = (errors.NOT_A_CA, errors.NO_CERT_SIGN, errors.PATH_LENGTH, 24)
_HASHES = {"sha1": "SHA-1", "md5": "MD5"}
_RULES = {
    errors.SIGNATURE: "its signature does not fit the key of its issuer",
    errors.PURPOSE: "its extended key usage does not allow a server",
    errors.CRITICAL: "it has a critical extension that clients do not know",
    errors.MALFORMED: "a field of it is malformed or of an unsupported kind",
    errors.NOT_A_CA: "its basicConstraints do not say CA:TRUE",
    errors.NO_CERT_SIGN: "its key usage does not allow it to sign certificates",
    errors.PATH_LENGTH: "more CAs stand below it than its path length allows",
    24: "it holds no usable public key",
}


class Objections:
    """What one client holds against the chain of one hop."""

    def __init__(
        self, case: Case, fact: TlsFact, trust: TrustFact | None, *, intercepted: bool = False
    ) -> None:
        self.case = case
        self.intercepted = intercepted
        self.hop = case.at
        self.fact = fact
        self.trust = trust
        self.verdict = fact.verdict or Verdict()

    def findings(self) -> Iterator[Finding]:
        """All but the dates, which need other clocks: `dates`."""
        seen: set[tuple[str, str | None]] = set()
        # Whose certificate it is comes before who vouches for it.
        for error in sorted(
            self.verdict.errors, key=lambda error: error.number not in errors.NAMES
        ):
            for finding in self._finding(error):
                if (finding.code, finding.subject) not in seen:
                    seen.add((finding.code, finding.subject))
                    yield finding

    def _finding(self, error: ChainError) -> Iterator[Finding]:
        number, leaf = error.number, error.depth == 0
        if number in errors.UNKNOWN_ISSUER or (number == errors.SIGNATURE and self.fact.namesake):
            yield from self._unknown()
        elif number in errors.NAMES:
            yield self._names()
        elif number == errors.WEAK_SIGNATURE:
            yield self._about("tls.weak-signature", error)
        elif number in _NAME_CONSTRAINTS:
            yield self._constraint(error)
        elif number in _SIGNING or (number in _RULES and not leaf and number != errors.SIGNATURE):
            rule = _signing_rule(number, self.certificate(error.depth))
            yield self._about("tls.invalid-ca", error, rule=rule)
        elif number not in errors.TIMES:
            rule = _RULES.get(number, f"verification error {number}")
            yield self._about("tls.bad-certificate", error, rule=rule)

    def certificate(self, depth: int) -> Certificate:
        """The certificate at that depth of the path that was judged."""
        path = self.verdict.path or self.fact.chain or (Certificate(),)
        return path[min(depth, len(path) - 1)]

    def finding(
        self,
        code: str,
        evidence: Mapping[str, Any],
        params: Mapping[str, str],
        *,
        confidence: Confidence = "certain",
        subject: str | None = None,
    ) -> Finding:
        return Finding(
            code=code,
            hop=self.hop,
            confidence=confidence,
            subject=subject,
            evidence={**evidence, "verdicts": verdicts(self.fact)},
            params={**self._common(), **params},
        )

    def _common(self) -> dict[str, str]:
        sent = len(self.fact.chain)
        return {
            **where(self.case),
            **settings(self.trust),
            "sent": f"{sent} certificate" + ("" if sent == 1 else "s"),
            "store": " or ".join(self.verdict.paths) or "any trust store",
            "names": listed(_names(self.certificate(0))),
        }

    def _about(self, code: str, error: ChainError, rule: str = "") -> Finding:
        cert = self.certificate(error.depth)
        return self.finding(
            code,
            {
                "certificate": short(cert),
                "depth": error.depth,
                "error": error.number,
                "rule": rule or error.key,
                "chain": chain(self.fact),
            },
            {
                "subject": cert.subject or "the certificate",
                "issuer": cert.issuer_name or "its issuer",
                "signature": _HASHES.get(cert.signature, cert.signature) or "an unknown algorithm",
                "above": "yes" if error.depth else "",
                "rule": rule or error.key,
            },
            subject=cert.subject if error.depth else None,
        )

    def _unknown(self) -> Iterator[Finding]:
        tip = self.verdict.path[-1] if self.verdict.path else Certificate()
        evidence: dict[str, Any] = {
            "issuer": tip.issuer,
            "stores": list(self.verdict.paths),
            "issuer_fetches": [
                {"url": fetch.url, "outcome": fetch.outcome, "subject": fetch.subject}
                for fetch in self.fact.fetches
            ],
            "chain": chain(self.fact),
        }
        if self.fact.namesake is not None:
            evidence["same_name_other_key"] = short(self.fact.namesake)
        params = {"issuer": tip.issuer_name or tip.issuer, "subject": self.certificate(0).subject}
        if self.fact.namesake is not None:
            params["renewed"] = self.fact.namesake.subject
            named = f"another {params['issuer']} than the one trusted here (their keys differ)"
            params["issuer"] = named
        if self.fact.public:
            params["public"] = "yes"
        unfetched = [fetch.url for fetch in self.fact.fetches if fetch.outcome == "not fetched"]
        if unfetched:
            params["unfetched"] = unfetched[0]
        if self.fact.missing:
            yield self._incomplete(evidence, params)
        elif len(self.verdict.path) == 1 and tip.self_issued:
            evidence["known_default"] = default = defaults.meaning(tip)
            if default:
                params["default"] = default
            yield self.finding("tls.self-signed", evidence, params, confidence=self._sure)
        elif self._undecided():
            yield self.finding("tls.unknown-ca", evidence, params, confidence="possible")
            params["needed"] = "2 certificates or more"
            yield self.finding("tls.incomplete-chain", evidence, params, confidence="possible")
        else:
            yield self.finding("tls.unknown-ca", evidence, params, confidence=self._sure)

    @property
    def _sure(self) -> Confidence:
        """On macOS the system's keychains are trusted too, and they were not read."""
        return "certain" if self.trust is None or self.trust.complete else "likely"

    def _undecided(self) -> bool:
        """One certificate, not its own issuer, and nothing says who the issuer is."""
        settled = self.intercepted or self.fact.beyond or self.fact.namesake is not None
        return len(self.verdict.path) == 1 and not settled

    def _incomplete(self, evidence: Mapping[str, Any], params: Mapping[str, str]) -> Finding:
        missing = self.fact.missing
        proof = {
            "missing": [short(cert) for cert in missing],
            "verifies_with_it": True,
            "from": self.fact.missing_from,
        }
        more = {
            "missing": listed(tuple(cert.subject for cert in missing)),
            "needed": f"{len(self.fact.chain) + len(missing)} certificates",
        }
        fetched = next((f.url for f in self.fact.fetches if f.outcome == "fetched"), "")
        if fetched:
            more["issuer_url"] = fetched
        return self.finding("tls.incomplete-chain", {**evidence, **proof}, {**params, **more})

    def _names(self) -> Finding:
        leaf = self.certificate(0)
        near = nearest(self.hop.host, leaf.dns_names)
        only_common = not leaf.dns_names and not leaf.ip_addresses
        evidence = {
            "asked_for": self.hop.host,
            "names": list(_names(leaf)[:50]),
            "common_name": leaf.common_name,
            "common_name_only": only_common,
            "nearest": near,
            "known_default": defaults.meaning(leaf),
            "without_the_name": [
                {"variant": made.variant, "same_certificate": made.leaf == leaf.sha256}
                for made in self.fact.attempts
                if made.leaf
            ],
        }
        params = {
            "issuer": leaf.issuer_name,
            "subject": leaf.subject,
            "shown": f"for {listed(_names(leaf))}, not for {self.hop.host}",
        }
        if near is not None and "*" not in near and address(self.hop.host) is None:
            params["near"] = near if self.hop.port == 443 else f"{near}:{self.hop.port}"
        if only_common:
            common = leaf.common_name or "none"
            params["shown"] = (
                f"without subject alternative names, and its common name ({common}) does not count"
            )
        if evidence["known_default"]:
            params["default"] = str(evidence["known_default"])
        return self.finding("tls.hostname-mismatch", evidence, params)

    def _constraint(self, error: ChainError) -> Finding:
        bound = [cert for cert in self.verdict.path if cert.permitted or cert.excluded]
        ca = bound[0] if bound else self.certificate(error.depth + 1)
        evidence = {
            "ca": short(ca),
            "permitted": list(ca.permitted),
            "excluded": list(ca.excluded),
            "names": list(_names(self.certificate(0))[:50]),
            "error": error.number,
            "chain": chain(self.fact),
        }
        limits = [f"may issue only for {listed(ca.permitted)}"] if ca.permitted else []
        limits += [f"may not issue for {listed(ca.excluded)}"] if ca.excluded else []
        return self.finding(
            "tls.name-constraint",
            evidence,
            {"ca": ca.subject, "limits": " and ".join(limits) or "may issue for other names only"},
        )


def _signing_rule(number: int, cert: Certificate) -> str:
    """OpenSSL says of a CA without the right to sign that it is none at all: what it lacks is more
    to the point.
    """
    if number == errors.NOT_A_CA and cert.ca and "key_cert_sign" not in cert.key_usage:
        number = errors.NO_CERT_SIGN
    return _RULES[number]


def _names(cert: Certificate) -> tuple[str, ...]:
    return (*cert.dns_names, *cert.ip_addresses)
