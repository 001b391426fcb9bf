"""Does the registry take the credential, and does it give the right to pull?

The credential's faults are told apart by asking step by step: without it, with it, what the token
grants, what the image's own answer says. The token service is a hop of its own; what fails there is
named as its fault (docker, podman and containerd say "unauthorized" or "i/o timeout" for all of
this).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.facts.access import Conclusion, refused, unshown
from doctor.facts.credential import CredentialFact, called, login
from doctor.facts.endpoint import EndpointsFact
from doctor.facts.http import Answer, trouble
from doctor.facts.registry import ApiFact, AuthFact, ImageFact, TokenTry
from doctor.facts.station import Layer, ending, failing_layer
from doctor.model import Case, Check, Confidence, Fact, Finding, Hop, Severity
from doctor.redact import clip

if TYPE_CHECKING:
    from doctor.net import Net


_NO_TIME = (
    "which is no time as RFC 3339 writes it (2026-01-31T12:00:00Z): docker, containerd and podman "
    "refuse the answer, crane does not read it"
)


async def probe(case: Case, net: Net) -> Fact | None:
    return await net.authorize(case)


def judge(case: Case) -> Iterator[Finding]:
    api, auth = case.facts.get(ApiFact), case.facts.get(AuthFact)
    if api is None:
        return
    if auth is None:
        layer = failing_layer(case.facts, api.token) if api.token else None
        if api.token is not None and layer is not None:
            yield _unreachable(case, api.token, layer)
        return
    yield from _held_back(case, auth)
    yield from _service(case, auth)
    yield from _rejected(case, auth)
    yield from _bare_host(case, auth)
    found = refused(case)
    if found is not None and not _is_of_a_mirror(case, auth):
        yield _refusal(case, auth, found)


def _is_of_a_mirror(case: Case, auth: AuthFact) -> bool:
    """A mirror that gets no credential by the client's own rule is `client.mirror-auth`, once all
    endpoints have been looked at."""
    fact = case.facts.get(EndpointsFact)
    told = fact is not None and bool(fact.rule and fact.seen_at)
    return told and case.target.registry.role == "mirror" and not auth.has_credential


def _held_back(case: Case, auth: AuthFact) -> Iterator[Finding]:
    """The credential was not sent to the token service, or none can be asked at all."""
    ruling = auth.ruling
    if auth.flaw and (ruling is None or ruling.code is None):
        evidence = {"challenge": _challenge(case), "flaw": auth.flaw}
        what = f"a challenge of which {auth.flaw}"
        yield _found(case, "registry.bad-response", evidence, {"what": what})
    elif ruling is not None and ruling.code is not None and (auth.has_credential or auth.flaw):
        image = case.facts.get(ImageFact)
        evidence = {
            "challenge": _challenge(case),
            "registry_domain": ruling.registry_domain,
            "realm_domain": ruling.realm_domain,
            "reason": ruling.reason,
            "credential": "held back" if auth.has_credential else "none",
        }
        params = {
            "realm": auth.realm,
            "realm_host": auth.token.host if auth.token else ruling.realm_domain,
            "registry_domain": ruling.registry_domain,
            "realm_domain": ruling.realm_domain,
        }
        works = image is not None and image.found
        yield _found(case, ruling.code, evidence, params, severity="warning" if works else None)


def _service(case: Case, auth: AuthFact) -> Iterator[Finding]:
    """What the token service (or, with Basic, the registry) answered that is neither a token nor a
    refusal."""
    image = case.facts.get(ImageFact)
    refusal = image.answer.status if image is not None and image.answer is not None else None
    for tried in auth.tries:
        answer = tried.answer
        if answer is None:
            continue
        if auth.token is not None and tried.odd_issue:
            flaw = f"has the issued_at {tried.odd_issue!r}, {_NO_TIME}"
            found = _no_token(case, auth.token, tried, flaw)
            lax = case.target.client in ("shell", "crane")
            yield replace(found, severity="warning") if lax else found
        elif (
            tried.left_behind
            and {answer.status, refusal} & {401, 403}
            and auth.token
            and answer.hop
        ):
            yield _left_behind(case, auth.token, tried, answer.hop)
        elif tried.outcome not in ("no-token", "unreachable"):
            continue
        elif auth.scheme == "basic":
            code = trouble(answer) or "registry.bad-response"
            yield _found(case, code, answer.proof, answer.words)
        elif tried.onward is not None and (layer := failing_layer(case.facts, tried.onward)):
            yield _unreachable(case, tried.onward, layer, redirected=answer)
        elif tried.outcome == "unreachable" and auth.token is not None:
            yield _unreachable(case, auth.token, "http", answer)
        elif auth.token is not None:
            status = tried.flaw == f"is HTTP {answer.status}"
            yield _no_token(case, auth.token, tried, "is no token" if status else tried.flaw)
        return


def _left_behind(case: Case, service: Hop, tried: TokenTry, there: Hop) -> Finding:
    """The token service redirects to another host, to which the login does not go from here.
    Clients take it to names below the first one and to its other ports, and nowhere else (Go,
    net/http/client.go, shouldCopyHeaderOnRedirect)."""
    led = f"is a redirect to {there.name}, where"
    if there.host == service.host or there.host.endswith(f".{service.host}"):
        found = _no_token(case, service, tried, f"{led} the login was not tried from here")
        return replace(found, severity="warning", confidence="possible")
    return _no_token(case, service, tried, f"{led} clients do not show the login")


def _no_token(case: Case, service: Hop, tried: TokenTry, flaw: str) -> Finding:
    """Told by the token service's own answer, and by that of the host that it redirects to."""
    own = next((a for a in reversed(tried.answers) if a.hop in (service, None)), tried.answers[0])
    evidence: dict[str, Any] = {"token_service": service.name, "flaw": flaw, **own.proof}
    if own is not tried.answers[-1]:
        evidence["redirected"] = tried.answers[-1].proof
    params = {**own.words, "flaw": flaw}
    return _found(case, "auth.realm-error", evidence, params, hop=service)


def _rejected(case: Case, auth: AuthFact) -> Iterator[Finding]:
    tried = auth.tried("credential")
    answer = tried.answer if tried else None
    if tried is None or answer is None or tried.outcome != "refused":
        return
    image, trimmed = case.facts.get(ImageFact), auth.tried("trimmed")
    evidence = {**auth.credential, **answer.proof, "public": image is not None and image.found}
    if before := _refused_before(case):
        evidence["refused_before"] = before
    if trimmed is not None:
        evidence["accepted_without_white_space"] = trimmed.outcome == "granted"
    if auth.scheme == "basic" and answer.status == 403:
        because = "the registry answers 403 to it, and 401 without it"
        yield _refusal(case, auth, Conclusion("auth.forbidden", "likely", because), evidence)
        return
    params = {
        **_words(case, auth),
        **answer.words,
        "by": auth.token.name if auth.token else case.at.name,
        "public": "yes" if image is not None and image.found else "",
    }
    yield _found(case, "auth.rejected", evidence, params)


def _bare_host(case: Case, auth: AuthFact) -> Iterator[Finding]:
    """A host without an image: nothing is refused yet, but a login is asked for and none is
    there."""
    if (
        case.target.reference is None
        and auth.scheme in ("basic", "bearer")
        and not auth.has_credential
    ):
        evidence = {"challenge": _challenge(case), "looked_in": _looked_in(case)}
        params = {
            **_words(case, auth),
            "places": _places(case),
            "because": "pulls of private images need it",
        }
        yield _found(case, "auth.no-credentials", evidence, params, severity="warning")


def _refusal(
    case: Case, auth: AuthFact, found: Conclusion, evidence: Mapping[str, Any] | None = None
) -> Finding:
    """The image is refused; `found` says what that means."""
    image = case.facts.get(ImageFact)
    proof: dict[str, Any] = {"because": found.because, "challenge": _challenge(case)}
    proof |= evidence or {}
    if image is not None and image.answer is not None:
        proof |= image.answer.proof
    proof["tried"] = [t.proof for t in auth.tries]
    if found.code == "auth.no-credentials":
        proof["looked_in"] = _looked_in(case)
    else:
        proof |= auth.credential
    answer = image.answer if image else None
    params = {
        **_words(case, auth),
        **(answer.words if answer else {}),
        "because": found.because,
        "what": found.because,
        "unannounced": "yes" if found.code == "registry.bad-response" else "",
        "scope": auth.scope,
        "places": _places(case),
        "by": case.at.name,
    }
    if found.code == "registry.bad-response" and found.confidence == "possible":
        proof["not_asked"] = "the login was not tried from here"
        return _found(case, found.code, proof, params, severity="warning", confidence="possible")
    if why := unshown(case):
        proof["not_asked"] = why
        return _found(case, found.code, proof, params, severity="warning", confidence="possible")
    return _found(case, found.code, proof, params, confidence=found.confidence)


def _unreachable(
    case: Case,
    hop: Hop,
    layer: Layer,
    answer: Answer | None = None,
    *,
    redirected: Answer | None = None,
) -> Finding:
    params = ending(case.facts, hop, layer, answer)
    evidence: dict[str, Any] = {
        "token_service": hop.name,
        "layer": layer,
        "seen": params["said"],
        "challenge": _challenge(case),
    }
    if answer is not None:
        evidence |= answer.proof
    if redirected is not None:
        evidence["redirected_by"] = redirected.proof
    return _found(case, "auth.realm-unreachable", evidence, params, hop=hop)


def _refused_before(case: Case) -> list[dict[str, str]]:
    """The credentials that this client tried before, in vain."""
    fact = case.facts.get(CredentialFact)
    return [{"path": s.where, "key": s.key, "user": s.user} for s in fact.refused] if fact else []


def _challenge(case: Case) -> str:
    """The registry's challenge as it was sent."""
    api = case.facts.get(ApiFact)
    answers = (api.fallback, api.answer) if api else ()
    lines = [line for a in answers if a is not None for line in a.all("www-authenticate")]
    return clip("; ".join(lines), 500)


def _looked_in(case: Case) -> list[dict[str, str]]:
    fact = case.facts.get(CredentialFact)
    places = fact.places if fact else ()
    return [{"where": p.where, "outcome": p.outcome, "note": p.note} for p in places]


def _places(case: Case) -> str:
    fact = case.facts.get(CredentialFact)
    read = (p.where for p in fact.places if p.outcome != "not-read") if fact else ()
    return ", ".join(dict.fromkeys(read))


def _words(case: Case, auth: AuthFact) -> dict[str, str]:
    """Whose credential it was, and how one logs in on this machine."""
    shown = called(auth.user, auth.kind)
    user = auth.user if auth.user not in ("", "<token>") else shown
    return {"user": user, "shown": shown, "origin": auth.origin, **login(case)}


def _found(
    case: Case,
    code: str,
    evidence: Mapping[str, Any],
    params: Mapping[str, str],
    *,
    hop: Hop | None = None,
    severity: Severity | None = None,
    confidence: Confidence = "certain",
) -> Finding:
    return Finding(
        code,
        severity=severity,
        confidence=confidence,
        hop=hop or case.at,
        evidence=evidence,
        params=params,
    )


CHECK = Check(
    name="auth",
    scope="target",
    needs=("auth.local", "api", "tls@token"),
    probe=probe,
    judge=judge,
    budget=25.0,
    question="Is the credential taken, and does it give the right to pull?",
)
