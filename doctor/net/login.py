"""Does the registry take the credential?

In the order of go-containerregistry: a registry token as it is, Basic at the registry itself, else
a token service. What is tried: the configured credential, where it may go there; the same without
stray white space, if it has some and was refused; and nothing else but asking anonymously. No
secret is ever guessed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.credential import Credential, cleaned
from doctor.facts.http import Who
from doctor.facts.registry import (
    AnonymousFact,
    ApiFact,
    AuthFact,
    Ruling,
    TokenOutcome,
    TokenTry,
)
from doctor.model import Case
from doctor.net.http import fetch
from doctor.net.location import Place
from doctor.net.registry import follow, realm
from doctor.net.token import Service, basic, exchange
from doctor.redact import Secret
from doctor.registry import manifest

if TYPE_CHECKING:
    from doctor.net import Net


async def authorize(case: Case, net: Net) -> AuthFact | None:
    """Log in as the client would; leave the header for requests to the registry in
    `net.authorization`."""
    api = case.facts.get(ApiFact)
    if api is None:
        return None
    fact = _begin(case, net, api)
    credential = net.credential
    if api.scheme in ("none", "unsupported"):
        return replace(fact, may_proceed=api.scheme == "none")
    registry = case.target.registry
    if net.lines.overheard(registry):
        return replace(fact, overheard=True)  # the client would log in; nothing is shown from here
    if credential is not None and credential.kind == "registry-token" and api.scheme == "bearer":
        net.authorization[case.target.registry] = Secret(
            f"Bearer {cleaned(credential.secret.reveal())}"
        )
        tried = TokenTry(who="credential", scope=fact.scope)
        return replace(fact, tries=(tried,), who="credential", may_proceed=True)
    if api.scheme == "basic":
        return await _basic(case, net, fact, api)
    return await _bearer(case, net, fact, api)


async def anonymous(case: Case, net: Net) -> AnonymousFact | None:
    """Would the image be had without the credential that worked? Asked beside the image itself, on
    connections of its own, and only by `HEAD`, which no registry counts. None where no credential
    is in use."""
    auth, api, reference = case.facts.get(AuthFact), case.facts.get(ApiFact), case.target.reference
    if auth is None or api is None or reference is None or auth.who == "anonymous":
        return None
    header, tried, led = None, None, realm(api)
    if auth.scheme == "bearer" and led is not None:
        service = Service(led, auth.service, auth.scope, case.target.registry)
        tried, token = await exchange(net, service, None, "anonymous")
        if token is None or tried.grants_pull(reference.repository) is False:
            return AnonymousFact(token=tried)
        header = Secret(f"Bearer {token.reveal()}")
    asked = case.target.path_in_repository(
        f"manifests/{reference.digest or reference.tag or 'latest'}"
    )
    head = await fetch(
        case.target.registry, "HEAD", asked, net, headers={"Accept": manifest.ACCEPT},
        authorization=header, who="anonymous",
    )  # fmt: skip
    return AnonymousFact(token=tried, head=head.answer)


def scope(case: Case) -> str:
    """The right to ask for: pulling this repository; nothing for a bare host (that is a login
    check)."""
    reference = case.target.reference
    return f"repository:{reference.repository}:pull" if reference else ""


def _begin(case: Case, net: Net, api: ApiFact) -> AuthFact:
    credential, led = net.credential, realm(api)
    return AuthFact(
        scheme=api.scheme,
        scope=scope(case),
        realm=led.shown if led else "",
        service=api.challenge.get("service") if api.challenge else "",
        token=api.token,
        has_credential=credential is not None,
        user=cleaned(credential.user) if credential else "",
        origin=credential.origin if credential else "",
        kind=credential.kind if credential else "",
    )


async def _basic(case: Case, net: Net, fact: AuthFact, api: ApiFact) -> AuthFact:
    """Basic: the registry itself takes the credential."""
    registry, credential = case.target.registry, net.credential
    if credential is None:
        return replace(fact, may_proceed=True)
    if api.fallback is not None:  # /v2/ says nothing here: the manifest will tell
        net.authorization[registry] = basic(credential)
        tried = TokenTry(who="credential", scope=fact.scope, outcome="untested")
        return replace(fact, tries=(tried,), who="credential", may_proceed=True)
    tries = [await _login(case, net, credential, "credential", fact.scope)]
    stripped = _trimmed(credential)
    if tries[0].outcome == "refused" and stripped is not None:
        tries.append(await _login(case, net, stripped, "trimmed", fact.scope))
    fact = replace(fact, tries=tuple(tries))
    last = tries[-1]
    if last.outcome == "granted":
        net.authorization[registry] = basic(
            credential if last.who == "credential" else stripped or credential
        )
        return replace(fact, who=last.who, may_proceed=True)
    return replace(fact, may_proceed=last.outcome == "refused")


async def _login(case: Case, net: Net, credential: Credential, who: Who, asked: str) -> TokenTry:
    replies, onward = await follow(
        case.target.registry, "GET", case.target.path(""), net,
        authorization=basic(credential), who=who,
    )  # fmt: skip
    answer = replies[-1].answer
    outcome: TokenOutcome = "no-token"
    if answer.outcome != "answered":
        outcome = "unreachable"
    elif answer.status == 429:
        outcome = "limited"
    elif answer.status in (401, 403):
        outcome = "refused"
    elif answer.status == 200 and onward is None:
        outcome = "granted"
    return TokenTry(who=who, scope=asked, outcome=outcome, answers=tuple(r.answer for r in replies))


async def _bearer(case: Case, net: Net, fact: AuthFact, api: ApiFact) -> AuthFact:
    """Bearer: a token service takes the credential. Refused, the ladder goes down to what a
    stranger gets; a stranger who is refused this repository is asked whether strangers get tokens
    at all."""
    led = realm(api)
    if led is None or led.user:
        flaw = "is no http or https address" if led is None else "holds user information"
        return replace(fact, flaw=f"the realm {flaw}")
    if net.credential is not None or led.hop.scheme == "http":
        fact = replace(fact, ruling=_ruling(case, led))
    if api.token is None:
        return replace(fact, flaw="the token service is not contacted")
    service = Service(led, fact.service, fact.scope, case.target.registry)
    ladder: list[tuple[Credential | None, Who]] = [(None, "anonymous")]
    if net.credential is not None and not fact.withheld:
        stripped = _trimmed(net.credential)
        if stripped is not None:
            ladder.insert(0, (stripped, "trimmed"))
        ladder.insert(0, (net.credential, "credential"))
    tries: list[TokenTry] = []
    for credential, who in ladder:
        tried, token = await exchange(net, service, credential, who)
        tries.append(tried)
        if token is not None:
            net.authorization[case.target.registry] = Secret(f"Bearer {token.reveal()}")
            return replace(fact, tries=tuple(tries), who=tried.who, may_proceed=True)
        if tried.outcome != "refused":
            break
    if service.scope and len(ladder) == 1 and tries[-1].outcome == "refused":
        general, _ = await exchange(net, replace(service, scope=""), None, "anonymous")
        tries.append(general)
    answered = tries[-1].outcome in ("refused", "limited")
    return replace(fact, tries=tuple(tries), may_proceed=answered and not service.scope)


def _ruling(case: Case, led: Place) -> Ruling:
    """May a credential for this registry go to that token service?"""
    from doctor.registry.realm import may_receive

    registry = case.target.registry
    found = may_receive(led.hop, registry, allow=case.target.allow_realms)
    ours, theirs = found.domains[1] or registry.host, found.domains[0] or led.hop.host
    if found.allowed:
        return Ruling(None, found.why, ours, theirs)
    insecure = found.rule == "plain-http"
    return Ruling(
        "auth.realm-insecure" if insecure else "auth.realm-foreign", found.why, ours, theirs
    )


def _trimmed(credential: Credential) -> Credential | None:
    """The credential without white space around its parts; None where it has none."""
    user, secret = cleaned(credential.user), cleaned(credential.secret.reveal())
    if not secret or (user == credential.user and secret == credential.secret.reveal()):
        return None
    return replace(credential, user=user, secret=Secret(secret))
