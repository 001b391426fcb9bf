"""Does a registry answer at this host?

`GET /v2/` without a credential; where that alone is no answer of a registry's and an image is asked
for, its manifest decides. What stands in front of a registry answers too: a portal, a firewall, a
web server. The status decides first, then the challenge, then the content type; a body is a hint
(OCI distribution-spec, "Error Codes": a 4xx body may be anything).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.facts.http import Answer, trouble
from doctor.facts.ping import refuses_status
from doctor.facts.registry import ApiFact
from doctor.facts.tls import TlsFact
from doctor.model import Case, Check, Fact, Finding

if TYPE_CHECKING:
    from doctor.net import Net


_PORTAL = re.compile(r"captive|\b(hotspot|guest|wi-?fi)\b", re.IGNORECASE)
"""What a network's sign-in page says of itself; "sign in" alone is said by web consoles as well."""


_EXPECTED = "a registry answers 200, or 401 with a login to use"
_STOPS = "podman, skopeo, CRI-O and crane stop at that, docker and containerd go on"
_NO_PAGE = "a registry sends no web page: its 200 has an empty JSON object, its 401 names a login"


async def probe(case: Case, net: Net) -> Fact | None:
    return await net.ping(case)


def judge(case: Case) -> Iterator[Finding]:
    fact = case.facts.get(ApiFact)
    if fact is None:
        yield from _plain_http(case)
    elif fact.answer is not None and not fact.ok:
        code = _code(fact, fact.answer)
        if code:
            yield _finding(case, code, fact, fact.answer)
    elif fact.answer is not None and fact.fallback is not None and refuses_status(case):
        yield from _not_for_all(case, fact, fact.answer)


def _not_for_all(case: Case, fact: ApiFact, answer: Answer) -> Iterator[Finding]:
    """The image can be asked for, and this client stops before it does."""
    if answer.status in (200, 401):
        return
    found = _finding(case, "registry.bad-response", fact, answer)
    what = f"{_what(fact, answer)} to GET /v2/, although it gives manifests; {_STOPS}"
    found = replace(found, params={**found.params, "what": what, "behind": "yes"})
    yield replace(found, severity="warning") if case.target.client == "shell" else found


def _plain_http(case: Case) -> Iterator[Finding]:
    """The port of an https registry speaks plain HTTP, and what it says there is what a registry
    says."""
    tls = case.facts.get(TlsFact, case.at)
    peek = tls.plain_http if tls is not None else None
    if tls is None or peek is None or tls.ok or not peek.is_registry:
        return
    evidence = {
        "host": case.at.name,
        "request": "GET /v2/",
        "status": peek.status,
        "api_version": peek.header("docker-distribution-api-version"),
        "tls": tls.outcome,
    }
    yield Finding(
        "registry.http-only", hop=case.at, evidence=evidence, params={"status": str(peek.status)}
    )


def _code(fact: ApiFact, answer: Answer) -> str:
    """The cause that this answer shows; empty where another check names it."""
    broken = trouble(answer)
    if broken is not None:
        return broken
    status = answer.status
    if status == 429:
        return ""
    if wants_certificate(answer):
        return "tls.client-certificate-required"
    if answer.redirects:
        return (
            "registry.bad-response"
            if len(fact.answers) > 1 or not answer.location
            else "registry.not-a-registry"
        )
    if status == 403:
        return "registry.blocked"
    if status == 401:
        return "registry.bad-response"
    return "registry.not-a-registry"


def wants_certificate(answer: Answer) -> bool:
    """nginx demands a client certificate only after the handshake: 400 (495, 496 inside) with a
    page that says so."""
    words = f"{answer.title} {answer.body}".lower()
    return answer.status in (400, 495, 496) and "ssl certificate" in words


def _finding(case: Case, code: str, fact: ApiFact, answer: Answer) -> Finding:
    evidence = dict(answer.proof)
    if fact.fallback is not None:
        evidence["manifest_probe"] = fact.fallback.proof
    if answer.status == 401:
        evidence["challenges"] = [c.scheme for c in fact.challenges] or list(
            answer.all("www-authenticate")
        )
    if answer.redirects:
        evidence["redirects"] = [a.location for a in fact.answers if a.location]
    # words: said, status, title, server, request, request_id, date, seconds, bytes
    portal = "yes" if code == "registry.not-a-registry" and _is_portal(answer) else ""
    params = {
        **answer.words, "what": _what(fact, answer), "portal": portal, "expected": _EXPECTED,
    }  # fmt: skip
    if answer.is_page:
        params["expected"] = _NO_PAGE
    return Finding(code, hop=case.at, evidence=evidence, params=params)


def _is_portal(answer: Answer) -> bool:
    """Does it look like a network's sign-in page: by its status (RFC 6585 section 6), or by a
    title or an address that names such a network?"""
    return answer.status == 511 or bool(_PORTAL.search(f"{answer.title} {answer.location or ''}"))


def _what(fact: ApiFact, answer: Answer) -> str:
    """The answer in words, as the end of "HOST answered ... to GET /v2/"."""
    if answer.outcome != "answered":
        return answer.said
    if answer.redirects:
        times = len([a for a in fact.answers if a.redirects])
        where = answer.location or "nowhere"
        return f"{times} redirects, the last to {where}" if times > 1 else f"a redirect to {where}"
    if answer.status == 401:
        schemes = ", ".join(sorted({c.scheme for c in fact.challenges}))
        offered = f"that offers only {schemes}" if schemes else "without a login to use"
        return f"HTTP 401 {offered}"
    page = (
        f"a web page{f' titled {answer.title!r}' if answer.title else ''} with "
        if answer.is_page
        else ""
    )
    return f"{page}HTTP {answer.status}"


CHECK = Check(
    name="api",
    scope="target",
    needs=("tls",),
    probe=probe,
    judge=judge,
    budget=25.0,
    question="Does a registry answer at this host, and which login does it ask for?",
)
