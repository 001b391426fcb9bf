"""The registry refuses the image, or says it is not there: what may be concluded from that, and
with what confidence?

A registry that hides private repositories answers a stranger alike whether one is forbidden or
missing (Docker Hub does so even to a user who is logged in). So nothing is claimed that the answers
do not tell apart: a refusal is `auth.forbidden` only where the credential is proven to be genuine,
a 404 is `registry.name-unknown` only where this right would have seen the repository.
"""

from __future__ import annotations

from doctor.facts.credential import CredentialFact
from doctor.facts.http import Answer
from doctor.facts.ping import pings
from doctor.facts.registry import AnonymousFact, ApiFact, AuthFact, ImageFact
from doctor.frozen import frozen
from doctor.model import Case, Confidence
from doctor.registry import hub
from doctor.registry.challenge import parse

_DENIES = frozenset({"DENIED", "UNAUTHORIZED"})


@frozen
class Conclusion:
    """A code, how sure it is, and in a phrase what it rests on."""

    code: str
    confidence: Confidence = "certain"
    because: str = ""


def genuine(case: Case) -> bool | None:
    """Is the credential in use a real login, and not one that was silently ignored? None: the
    answers do not tell.

    Proven by Basic's 200 where there was a 401 before; by a token that names a subject; or by a
    token service that refuses anonymous requests for the same right.
    """
    auth, beside = case.facts.get(AuthFact), case.facts.get(AnonymousFact)
    tried = auth.tried(auth.who) if auth else None
    if auth is None or tried is None or auth.who == "anonymous" or tried.outcome != "granted":
        return None
    if auth.scheme == "basic":
        return True
    if tried.subject is not None:
        return tried.subject
    if beside is not None and beside.token is not None and beside.token.outcome == "refused":
        return True
    return None


def unshown(case: Case) -> str:
    """Why the credential that the client would show is not known here; "" where it is, or the
    client has none. What a stranger is refused then proves nothing about the client's pull."""
    fact = case.facts.get(CredentialFact)
    return fact.unasked if fact is not None and not fact.found else ""


def refused(case: Case) -> Conclusion | None:
    """What the registry's 401 or 403 for the image means; None where it gave none, where the login
    itself is the fault, or where the client would have shown what is not shown from here."""
    auth, image = case.facts.get(AuthFact), case.facts.get(ImageFact)
    credential = case.facts.get(CredentialFact)
    if auth is None or (credential is not None and credential.withheld):
        return None
    if image is None or image.answer is None:
        return _no_token(case, auth)
    if image.left_behind:
        return None
    answer = image.answer
    if answer.outcome != "answered" or answer.status not in (401, 403):
        hidden = answer.status == 404 and answer.code in _DENIES
        return (
            Conclusion("auth.denied-or-missing", because="404 with a refusal's code")
            if hidden
            else None
        )
    if answer.status == 403 and (page := _page_in_front(auth, image, answer)):
        return page
    if image.who == "anonymous":
        return _unannounced(case, auth, answer) or _stranger(auth, answer)
    return _known(case, auth, image, answer)


def _no_token(case: Case, auth: AuthFact) -> Conclusion | None:
    """No token for the image at all: does the service turn every stranger away, or only from this
    repository?"""
    last = auth.tried("anonymous")
    if last is None or last.outcome != "refused" or auth.has_credential:
        return None
    general = next((t for t in auth.tries if t.who == "anonymous" and t.scope != auth.scope), None)
    if case.target.reference is not None and general is not None and general.outcome == "granted":
        return Conclusion(
            "auth.denied-or-missing",
            because="the token service gives anonymous tokens, and none for this repository",
        )
    return Conclusion("auth.no-credentials", because="the token service gives no anonymous token")


def _page_in_front(auth: AuthFact, image: ImageFact, answer: Answer) -> Conclusion | None:
    """A web page, where the registry itself has no reason to refuse: it asks for no login, or its
    token says that this may be pulled. Registries refuse in JSON; a firewall's page has a title."""
    tried = auth.tried(image.who)
    granted = tried is not None and tried.grants_pull(image.repository) is True
    if not answer.is_page or answer.code or not (granted or auth.scheme == "none"):
        return None
    title = f" titled {answer.title!r}" if answer.title else ""
    return Conclusion("registry.blocked", "likely", f"a web page{title} with HTTP 403")


def _unannounced(case: Case, auth: AuthFact, answer: Answer) -> Conclusion | None:
    """The image asks for a login, and `/v2/` before it for none: clients that go by `/v2/` show
    none, whatever they have. Of those that go by the image's own answer, what they would be given
    is not known here: nothing was shown."""
    if auth.scheme != "none" or answer.status != 401:
        return None
    because = "HTTP 401 for the image, where its GET /v2/ asks for no login"
    if pings(case) or not parse(answer.all("www-authenticate")):
        return Conclusion("registry.bad-response", because=because)
    if auth.has_credential:
        shown = f"{because}; the login{f' of {auth.user}' if auth.user else ''} was not tried here"
        return Conclusion("registry.bad-response", "possible", shown)
    return None


def _stranger(auth: AuthFact, answer: Answer) -> Conclusion | None:
    if auth.has_credential and auth.scheme != "none":
        return None
    if auth.scheme == "bearer":
        return Conclusion(
            "auth.denied-or-missing",
            because="an anonymous token is given, and not accepted for this repository",
        )
    if answer.status == 401:
        return Conclusion("auth.no-credentials", because="the image is refused without a login")
    return Conclusion("auth.denied-or-missing", because="403 without a login being asked for")


def _known(case: Case, auth: AuthFact, image: ImageFact, answer: Answer) -> Conclusion:
    tried = auth.tried(image.who)
    untested = tried is not None and (tried.outcome == "untested" or auth.kind == "registry-token")
    if untested and answer.status == 401:
        return Conclusion("auth.rejected", because="the registry answers 401 to it")
    # docker's own words for them: "repository does not exist or may require 'docker login'" (moby,
    # distribution/errors.go).
    if case.target.registry.host in hub.HOSTS:
        return Conclusion(
            "auth.denied-or-missing", because="Docker Hub answers alike for missing and forbidden"
        )
    proven = genuine(case)
    withheld = tried is not None and tried.grants_pull(image.repository) is False
    if proven:
        because = "its token does not grant pull" if withheld else "the login is accepted"
        return Conclusion("auth.forbidden", because=because)
    narrow = any(
        c.get("error") == "insufficient_scope" for c in parse(answer.all("www-authenticate"))
    )
    if proven is None and (answer.status == 403 or narrow or withheld):
        return Conclusion("auth.forbidden", "likely", "the token service took the credential")
    return Conclusion(
        "auth.denied-or-missing", because="nothing shows that the credential was looked at"
    )


def missing(case: Case) -> tuple[Conclusion, ...]:
    """What the registry's 404 for the image means; several, each possible, where the answers cannot
    tell."""
    image, auth = case.facts.get(ImageFact), case.facts.get(AuthFact)
    api = case.facts.get(ApiFact)
    if image is None or image.answer is None or auth is None or api is None:
        return ()
    answer = image.answer
    if answer.outcome != "answered" or answer.status != 404 or answer.code in _DENIES:
        return ()
    known = image.tags.known if image.tags else None
    if image.platform:
        return (Conclusion("registry.manifest-unknown", because="the index names it"),)
    if known is True:
        return (
            Conclusion("registry.manifest-unknown", because="the repository's tags are listed"),
        )
    says = "NAME_UNKNOWN" if known is False or answer.code == "NAME_UNKNOWN" else answer.code
    sees = _sees(case, auth, image)
    if says == "NAME_UNKNOWN" and sees:
        return (Conclusion("registry.name-unknown", because="NAME_UNKNOWN"),)
    if sees is None and auth.who != "anonymous" and says == "NAME_UNKNOWN":
        return (Conclusion("registry.name-unknown", "likely", "NAME_UNKNOWN to a login"),)
    if not sees:
        return (Conclusion("auth.denied-or-missing", because="404 to a right that may not see it"),)
    if says == "MANIFEST_UNKNOWN":
        return (
            Conclusion("registry.manifest-unknown", "possible", "MANIFEST_UNKNOWN"),
            Conclusion("registry.name-unknown", "possible", "its tags are not listed"),
        )
    return (Conclusion("registry.name-unknown", because="404 to a right that may pull it"),)


def _sees(case: Case, auth: AuthFact, image: ImageFact) -> bool | None:
    """Would the right in use have seen the repository, if it existed? None: nobody can tell."""
    if auth.scheme == "none":
        return True
    tried = auth.tried(image.who)
    pull = tried.grants_pull(image.repository) if tried else None
    if pull is not None:
        return pull
    return True if auth.scheme == "basic" and genuine(case) else None
