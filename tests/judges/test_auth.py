"""Which of the credential's faults do the facts show, and what do they leave open?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from doctor.checks import anonymous, auth
from doctor.facts.credential import CredentialFact, Place
from doctor.facts.dns import DnsFact
from doctor.facts.http import Answer, Who
from doctor.facts.proxy import ProxySetting, RouteFact, TunnelFact
from doctor.facts.registry import (
    AnonymousFact,
    ApiFact,
    AuthFact,
    ImageFact,
    Ruling,
    TokenTry,
)
from doctor.facts.tcp import Attempt, Outcome, TcpFact
from doctor.facts.tls import Certificate, TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Target
from doctor.reference import read_target
from doctor.registry.challenge import parse
from doctor.registry.jwt import Access

REGISTRY = Hop("registry", "registry.corp.test", 443)
TOKEN = Hop("token", "auth.corp.test", 443)
SCOPE = "repository:team/app:pull"
BEARER = 'Bearer realm="https://auth.corp.test/token",service="s"'
BASIC = 'Basic realm="r"'


def answer(status: int | None, **fields: Any) -> Answer:
    return Answer(hop=REGISTRY, status=status, **fields)


def api(challenge: str = BEARER) -> ApiFact:
    asked = answer(401, headers=(("www-authenticate", challenge),))
    token = TOKEN if challenge is BEARER else None
    return ApiFact(answers=(asked,), challenges=parse([challenge]), token=token)


def tried(
    who: Who = "credential", outcome: Any = "granted", status: int = 200, **fields: Any
) -> TokenTry:
    fields = {"scope": SCOPE, "answers": (Answer(hop=TOKEN, status=status),), **fields}
    return TokenTry(who=who, outcome=outcome, **fields)


def logged_in(*tries: TokenTry, scheme: Any = "bearer", **fields: Any) -> AuthFact:
    mine = next((t.who for t in tries if t.outcome == "granted"), "anonymous")
    fields = {
        "scheme": scheme, "scope": SCOPE, "token": TOKEN if scheme == "bearer" else None,
        "has_credential": any(t.who == "credential" for t in tries), "user": "me",
        "origin": "~/.docker/config.json", "who": mine, "may_proceed": True, **fields,
    }  # fmt: skip
    return AuthFact(tries=tries, **fields)


def image(status: int, who: Who = "credential", **fields: Any) -> ImageFact:
    said = answer(status, who=who, **fields)
    return ImageFact(repository="team/app", reference="1.0", who=who, answers=(said,))


FOUND = ImageFact(
    repository="team/app", reference="1.0", kind="manifest", blob="sha256:0",
    answers=(answer(200),),
)  # fmt: skip


def judged(
    *facts: Fact,
    ref: str = "registry.corp.test/team/app:1.0",
    hops: tuple[tuple[Hop, Fact], ...] = (),
    registry: Hop = REGISTRY,
    **more: Any,
) -> list[Finding]:
    reference = read_target(ref).reference if "/" in ref else None
    target = Target(text=ref, reference=reference, registry=registry, **more)
    known: list[tuple[Hop | None, Fact]] = [(None, fact) for fact in facts]
    case = Case(target, Facts([*known, *hops]))
    found = [*auth.judge(case), *anonymous.judge(case)]
    for each in found:
        assert json.dumps(each.evidence)
        assert all(isinstance(value, str) for value in each.params.values())
    return found


def codes(*facts: Fact, **more: Any) -> list[str]:
    return [f.code for f in judged(*facts, **more)]


GRANTED = (Access("repository", "team/app", ("pull",)),)
EMPTY = (Access("repository", "team/app", ()),)


# Nothing wrong


@pytest.mark.parametrize(
    "facts",
    [
        (api(), logged_in(tried(access=GRANTED)), FOUND),
        (api(), logged_in(tried("anonymous")), FOUND),
        (api(BASIC), logged_in(tried(), scheme="basic"), FOUND),
        (ApiFact(answers=(answer(200),)), logged_in(scheme="none"), FOUND),
    ],
)
def test_a_login_that_works_is_no_finding(facts: tuple[Fact, ...]) -> None:
    assert codes(*facts) == []


# No credential


def test_no_credential_where_strangers_are_turned_away() -> None:
    places = CredentialFact(places=(Place("~/.docker/config.json", "no-match"),))
    refused = tried("anonymous", "refused", 401)
    fact = logged_in(refused, tried("anonymous", "refused", 401, scope=""), may_proceed=False)
    (found,) = judged(api(), fact, places)
    assert found.code == "auth.no-credentials"
    assert found.evidence["looked_in"][0]["where"] == "~/.docker/config.json"
    assert "Bearer" in found.evidence["challenge"]


@pytest.mark.parametrize("facts", [
    (api(BASIC), logged_in(scheme="basic"), image(401, "anonymous")),
    (api(), logged_in(tried("anonymous", access=EMPTY)), image(401, "anonymous")),
])  # fmt: skip
def test_a_stranger_is_refused_and_what_a_plug_in_would_give_is_not_known(
    facts: tuple[Fact, ...],
) -> None:
    (found,) = judged(*facts, CredentialFact(unasked="the plug-in is not run here"))
    assert (found.severity, found.confidence) == ("warning", "possible")
    assert found.evidence["not_asked"] == "the plug-in is not run here"
    (found,) = judged(*facts, CredentialFact())
    assert (found.severity, found.confidence) == (None, "certain")


def test_places_that_the_client_does_not_read_were_not_looked_in() -> None:
    places = CredentialFact(places=(Place("/a", "missing"), Place("/b", "not-read")))
    (found,) = judged(api(BASIC), logged_in(scheme="basic"), image(401, "anonymous"), places)
    assert found.params["places"] == "/a"


def test_no_credential_where_only_this_repository_is_withheld() -> None:
    fact = logged_in(
        tried("anonymous", "refused", 401), tried("anonymous", scope=""), may_proceed=False
    )
    assert codes(api(), fact) == ["auth.denied-or-missing"]
    fact = logged_in(tried("anonymous", access=EMPTY))
    assert codes(api(), fact, image(401, "anonymous")) == ["auth.denied-or-missing"]


def test_no_credential_for_basic() -> None:
    assert codes(api(BASIC), logged_in(scheme="basic"), image(401, "anonymous")) == [
        "auth.no-credentials"
    ]


def test_a_bare_host_without_a_credential_is_a_warning() -> None:
    (found,) = judged(api(), logged_in(scope=""), ref="registry.corp.test")
    assert (found.code, found.severity) == ("auth.no-credentials", "warning")
    open_host = ApiFact(answers=(answer(200),))
    assert codes(open_host, logged_in(scheme="none", scope=""), ref="registry.corp.test") == []
    fine = logged_in(tried(scope=""), scope="")
    assert codes(api(), fine, ref="registry.corp.test") == []


# Refused


def test_a_rejected_credential_says_where_it_came_from() -> None:
    fact = logged_in(
        tried(outcome="refused", status=401), tried("anonymous", "refused", 401), may_proceed=False
    )
    (found,) = judged(api(), fact)
    assert found.code == "auth.rejected"
    assert found.evidence["source"] == "~/.docker/config.json"
    assert (found.evidence["user"], found.evidence["status"]) == ("me", 401)


def test_a_rejected_credential_for_a_public_image_is_not_needed() -> None:
    fact = logged_in(tried(outcome="refused", status=401), tried("anonymous"))
    found = judged(api(), fact, FOUND)
    assert [f.code for f in found] == ["auth.rejected", "auth.not-needed"]
    assert found[0].params["public"] == "yes"


def test_a_rejected_credential_is_not_also_called_missing_or_forbidden() -> None:
    fact = logged_in(tried(outcome="refused", status=401), tried("anonymous", access=EMPTY))
    assert codes(api(), fact, image(401, "anonymous")) == ["auth.rejected"]
    basic = logged_in(tried(outcome="refused", status=401), scheme="basic")
    assert codes(api(BASIC), basic, image(401, "anonymous")) == ["auth.rejected"]


def test_a_credential_that_works_without_its_white_space_is_rejected_as_it_is() -> None:
    fact = logged_in(tried(outcome="refused", status=401), tried("trimmed"))
    (found,) = judged(api(), fact, FOUND)
    assert found.evidence["accepted_without_white_space"] is True


# Genuine, without the right


@pytest.mark.parametrize(
    ("facts", "code", "confidence"),
    [
        ((api(BASIC), logged_in(tried(), scheme="basic"), image(403)), "auth.forbidden", "certain"),
        (
            (api(), logged_in(tried(access=EMPTY, subject=True)), image(401)),
            "auth.forbidden",
            "certain",
        ),
        (
            (
                api(),
                logged_in(tried()),
                image(403, code="DENIED"),
                AnonymousFact(token=tried("anonymous", "refused", 401)),
            ),
            "auth.forbidden",
            "certain",
        ),
        ((api(), logged_in(tried()), image(403, code="DENIED")), "auth.forbidden", "likely"),
        ((api(), logged_in(tried()), image(401)), "auth.denied-or-missing", "certain"),
        (
            (api(), logged_in(tried(access=EMPTY, subject=False)), image(401)),
            "auth.denied-or-missing",
            "certain",
        ),
        (
            (api(), logged_in(tried()), image(404, code="DENIED")),
            "auth.denied-or-missing",
            "certain",
        ),
        (
            (
                api(BASIC),
                logged_in(tried(outcome="untested"), scheme="basic", who="credential"),
                image(401),
            ),
            "auth.rejected",
            "certain",
        ),
    ],
)
def test_forbidden_only_where_the_login_is_proven(
    facts: tuple[Fact, ...], code: str, confidence: str
) -> None:
    found = judged(*facts)
    assert [(f.code, f.confidence) for f in found] == [(code, confidence)]


def test_docker_hub_does_not_tell_forbidden_from_missing_even_to_a_login() -> None:
    hub = Hop("registry", "registry-1.docker.io", 443)
    facts = (api(), logged_in(tried(access=EMPTY, subject=True)), image(401))
    assert codes(*facts, registry=hub) == ["auth.denied-or-missing"]


def test_a_token_that_narrows_is_told_by_its_challenge() -> None:
    narrow = (("www-authenticate", BEARER + ',error="insufficient_scope"'),)
    assert codes(api(), logged_in(tried()), image(401, headers=narrow)) == ["auth.forbidden"]


def test_other_answers_for_the_image_are_not_about_the_login() -> None:
    for status in (200, 404, 429, 500):
        assert codes(api(), logged_in(tried()), image(status)) == []


# The token service


def test_a_token_service_that_cannot_be_reached_is_named_with_the_layer() -> None:
    (found,) = judged(api(), hops=((TOKEN, DnsFact(addresses=())),))
    assert (found.code, found.hop) == ("auth.realm-unreachable", TOKEN)
    assert found.evidence["layer"] == "dns"
    (found,) = judged(api(), hops=((TOKEN, DnsFact(addresses=("192.0.2.1",))), (TOKEN, TcpFact())))
    assert found.evidence["layer"] == "tcp"


@pytest.mark.parametrize(
    ("tls", "answers"),
    [
        (TlsFact(outcome="done", chain=(Certificate(),)), True),
        (TlsFact(outcome="alert", alert=112, received=7), True),
        (TlsFact(outcome="reset"), False),
    ],
)
def test_a_token_service_that_answers_need_not_be_allowed(tls: TlsFact, answers: bool) -> None:
    (found,) = judged(api(), hops=((TOKEN, tls),))
    assert (found.code, found.evidence["layer"]) == ("auth.realm-unreachable", "tls")
    assert (found.params.get("answers") == "yes") is answers


@pytest.mark.parametrize(
    ("outcomes", "refused"),
    [(("refused",), True), (("refused", "refused"), True), (("refused", "timeout"), False)],
)
def test_a_service_that_refuses_may_just_not_run(
    outcomes: tuple[Outcome, ...], refused: bool
) -> None:
    tried = tuple(Attempt(address="192.0.2.1", outcome=outcome) for outcome in outcomes)
    (found,) = judged(api(), hops=((TOKEN, TcpFact(attempts=tried)),))
    assert (found.params["refused"] == "yes") is refused


def test_a_token_service_behind_a_dead_proxy_is_not_accused() -> None:
    proxy = ProxySetting(host="proxy.corp.test", port=3128)
    route = RouteFact(proxy=proxy, reason="variable")
    dead = ((TOKEN, route), (proxy.hop, TcpFact()), (TOKEN, TunnelFact(outcome="unreachable")))
    assert codes(api(), hops=dead) == []
    denied = ((TOKEN, route), (TOKEN, TunnelFact(outcome="denied", status=403)))
    (found,) = judged(api(), hops=denied)
    assert found.evidence["layer"] == "proxy"
    login = ((TOKEN, route), (TOKEN, TunnelFact(outcome="auth-required", status=407)))
    assert codes(api(), hops=login) == []


def test_a_blocked_login_with_a_reachable_token_service_is_no_finding() -> None:
    assert codes(api(), hops=((TOKEN, DnsFact(addresses=("192.0.2.1",))),)) == []


def test_a_token_service_that_gives_no_token() -> None:
    fact = logged_in(tried(outcome="no-token", status=503, flaw="is HTTP 503"), may_proceed=False)
    (found,) = judged(api(), fact)
    assert (found.code, found.hop) == ("auth.realm-error", TOKEN)
    silent = Answer(hop=TOKEN, outcome="timeout", waited=8.0)
    fact = logged_in(tried(outcome="unreachable", answers=(silent,)), may_proceed=False)
    (found,) = judged(api(), fact)
    assert (found.code, found.evidence["layer"]) == ("auth.realm-unreachable", "http")


def test_a_registry_that_breaks_while_logging_in_by_basic() -> None:
    down = answer(502)
    fact = logged_in(tried(outcome="no-token", answers=(down,)), scheme="basic", may_proceed=False)
    assert codes(api(BASIC), fact) == ["registry.server-error"]


def test_a_limit_at_the_token_service_is_for_the_rate_check() -> None:
    fact = logged_in(tried(outcome="limited", status=429), may_proceed=False)
    assert codes(api(), fact) == []


# Held back


@pytest.mark.parametrize("code", ["auth.realm-foreign", "auth.realm-insecure"])
def test_a_credential_that_was_held_back(code: Any) -> None:
    ruling = Ruling(code, "other domain", "corp.test", "other.test")
    refused = logged_in(
        tried("anonymous", "refused", 401), ruling=ruling, has_credential=True, may_proceed=False
    )
    (found,) = judged(api(), refused)
    assert (found.code, found.severity) == (code, None)
    assert (found.evidence["registry_domain"], found.evidence["realm_domain"]) == (
        "corp.test", "other.test",
    )  # fmt: skip
    works = logged_in(tried("anonymous"), ruling=ruling, has_credential=True)
    found = judged(api(), works, FOUND)[0]
    assert (found.code, found.severity) == (code, "warning")


def test_a_foreign_token_service_without_a_credential_is_nothing_to_hold_back() -> None:
    ruling = Ruling("auth.realm-foreign", "other domain", "corp.test", "other.test")
    assert codes(api(), logged_in(tried("anonymous"), ruling=ruling), FOUND) == []


def test_an_insecure_token_service_is_not_asked_even_without_a_credential() -> None:
    ruling = Ruling("auth.realm-insecure", "plain HTTP", "corp.test", "corp.test")
    fact = logged_in(ruling=ruling, flaw="the token service is not contacted", may_proceed=False)
    assert codes(api(), fact) == ["auth.realm-insecure"]


def test_a_realm_that_is_no_address_breaks_the_protocol() -> None:
    fact = logged_in(flaw="the realm is no http or https address", may_proceed=False)
    assert codes(api(), fact) == ["registry.bad-response"]


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("sso.corp.test", 443, (None, "certain", "clients do not show the login")),
        ("xauth.corp.test", 443, (None, "certain", "clients do not show the login")),
        ("eu.auth.corp.test", 443, ("warning", "possible", "the login was not tried from here")),
        ("auth.corp.test", 8443, ("warning", "possible", "the login was not tried from here")),
    ],
)
def test_a_login_that_stayed_behind_where_clients_take_it_along_proves_nothing(
    status: int, host: str, port: int, told: tuple[str | None, str, str]
) -> None:
    """Go keeps it on the way to names below the first, and does not compare ports."""
    there = Answer(hop=Hop("token", host, port), status=status)
    answers = (Answer(hop=TOKEN, status=307, location=f"https://{host}/"), there)
    outcome = "granted" if status == 200 else "no-token"
    led = tried("anonymous", outcome, answers=answers, left_behind=True)
    image_too = (image(401, "anonymous"),) if status == 200 else ()
    (found,) = judged(api(), logged_in(led, has_credential=True), *image_too)
    assert (found.code, found.severity, found.confidence) == ("auth.realm-error", *told[:2])
    assert told[2] in found.params["flaw"]


@pytest.mark.parametrize(
    ("client", "severity"),
    [("podman", [None]), ("docker", [None]), ("shell", ["warning"]), ("crane", ["warning"])],
)
def test_a_time_of_issue_that_is_none_ends_the_pull_of_who_reads_it(
    client: str, severity: list[str | None]
) -> None:
    odd = logged_in(tried(odd_issue="yesterday", access=GRANTED))
    made = judged(api(), odd, FOUND, client=client)
    assert [f.severity for f in made] == severity
    assert {f.code for f in made} == {"auth.realm-error"}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"user": "me", "kind": "password"}, "the credential for user me"),
        ({"user": "", "kind": "identity-token"}, "the identity token"),
        ({"user": "<token>", "kind": "identity-token"}, "the identity token"),
        ({"user": "", "kind": ""}, "the credential"),
    ],
)
def test_what_was_rejected_is_named_by_its_user_or_its_kind(
    fields: dict[str, str], shown: str
) -> None:
    (found,) = judged(api(), logged_in(tried(outcome="refused", status=401), **fields))
    assert (found.code, found.params["shown"]) == ("auth.rejected", shown)


# A firewall in front

PAGE = (("content-type", "text/html"),)


@pytest.mark.parametrize(
    ("facts", "refused", "code"),
    [
        (
            (api(), logged_in(tried(access=GRANTED, subject=True))),
            {"headers": PAGE},
            "registry.blocked",
        ),
        (
            (ApiFact(answers=(answer(200),)), logged_in(scheme="none")),
            {"headers": PAGE},
            "registry.blocked",
        ),
        ((api(), logged_in(tried(access=GRANTED, subject=True))), {}, "auth.forbidden"),
        (
            (api(), logged_in(tried(access=EMPTY, subject=True))),
            {"headers": PAGE},
            "auth.forbidden",
        ),
        (
            (api(), logged_in(tried(access=GRANTED, subject=True))),
            {"headers": PAGE, "code": "DENIED"},
            "auth.forbidden",
        ),
    ],
)
def test_a_page_where_the_token_grants_the_pull_is_of_something_in_front(
    facts: tuple[Fact, ...], refused: dict[str, Any], code: str
) -> None:
    who: Who = "credential" if facts[1].accepted else "anonymous"  # type: ignore[attr-defined]
    (found,) = judged(*facts, image(403, who, title="Access denied", **refused))
    assert found.code == code
    if code == "registry.blocked":
        assert found.confidence == "likely"
        assert "titled 'Access denied'" in found.params["what"]


# A login that /v2/ does not announce

OPEN = ApiFact(answers=(answer(200),))
ASKED = (("www-authenticate", BASIC),)


@pytest.mark.parametrize("client", ["shell", "podman", "cri-o"])
@pytest.mark.parametrize("has_credential", [True, False])
def test_who_goes_by_v2_shows_no_login_that_the_image_alone_asks_for(
    client: str, has_credential: bool
) -> None:
    """The credential is there, and logging in changes nothing."""
    fact = logged_in(scheme="none", has_credential=has_credential)
    refused = image(401, "anonymous", headers=ASKED)
    (found,) = judged(OPEN, fact, refused, client=client)
    assert (found.code, found.severity) == ("registry.bad-response", None)
    assert "asks for no login" in found.params["what"]


@pytest.mark.parametrize(
    ("has_credential", "headers", "found"),
    [
        (False, ASKED, ("auth.no-credentials", None)),
        (True, ASKED, ("registry.bad-response", "warning")),
        (True, (), ("registry.bad-response", None)),
    ],
)
def test_containerd_goes_by_the_images_own_challenge(
    has_credential: bool, headers: Any, found: tuple[str, str | None]
) -> None:
    fact = logged_in(scheme="none", has_credential=has_credential)
    (made,) = judged(OPEN, fact, image(401, "anonymous", headers=headers), client="containerd")
    assert (made.code, made.severity) == found


# Not needed


@pytest.mark.parametrize(("status", "found"), [(200, ["auth.not-needed"]), (401, [])])
def test_a_credential_that_is_not_needed(status: int, found: list[str]) -> None:
    beside = AnonymousFact(token=tried("anonymous"), head=answer(status, method="HEAD"))
    assert codes(api(), logged_in(tried(access=GRANTED)), FOUND, beside) == found


def test_a_registry_that_never_asked_does_not_need_the_credential() -> None:
    open_host = ApiFact(answers=(answer(200),))
    fact = logged_in(scheme="none", has_credential=True)
    assert codes(open_host, fact, FOUND) == ["auth.not-needed"]
