"""Which answers mean that a limit is used up, who is counted, and when is another try worth it?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from doctor.checks.rate import CHECK, findings, probe
from doctor.codes import load
from doctor.facts.http import Answer, Who
from doctor.facts.rate import RateFact
from doctor.facts.registry import ApiFact, AuthFact, BlobFact, ImageFact, TokenTry
from doctor.model import Case, Fact, Facts, Finding, Hop, Target
from doctor.net import Net

REGISTRY = Hop("registry", "registry-1.docker.io", 443)
OWN = Hop("registry", "registry.cleanstart.com", 443)
TOKEN = Hop("token", "auth.docker.io", 443)
STORAGE = Hop("storage", "production.cloudflare.docker.com", 443)
DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
HUB = (("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "{};w=21600"))
SOURCE = ("docker-ratelimit-source", "203.0.113.7")
SOURCE_6 = ("docker-ratelimit-source", "2001:db8:1:2::/64")
ACCOUNT = ("docker-ratelimit-source", "0b1f3c6e-uuid")
PUBLIC = ImageFact(kind="manifest", blob="sha256:x", who="anonymous")


def target(hop: Hop = REGISTRY, client: str = "shell") -> Target:
    return Target(hop.host, None, hop, client=client)


def answer(
    status: int = 200,
    *headers: tuple[str, str],
    hop: Hop = REGISTRY,
    who: Who = "anonymous",
    **more: Any,
) -> Answer:
    return Answer(hop=hop, status=status, headers=headers, who=who, **more)


def hub(remaining: int, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*((name, value.format(remaining)) for name, value in HUB), *more)


def judged(*facts: Fact, hop: Hop = REGISTRY) -> tuple[Finding, ...]:
    return tuple(CHECK.judge(Case(target(hop), Facts((None, fact) for fact in facts))))


def of(*answers: Answer, facts: tuple[Fact, ...] = (), hop: Hop = REGISTRY) -> tuple[Finding, ...]:
    case = Case(target(hop), Facts((None, fact) for fact in facts))
    return tuple(findings(case, tuple((a.hop or hop, a) for a in answers)))


def levels(found: tuple[Finding, ...]) -> dict[str, str]:
    book = load()
    return {f.code: book.dress(f, target()).level for f in found}


RESET = (("ratelimit-limit", "9"), ("ratelimit-reset", "99"))
LIMITED = answer(429, ("retry-after", "120"), ("date", DATE))


@pytest.mark.parametrize(("fact", "hop"), [
    (ApiFact(answers=(LIMITED,)), REGISTRY),
    (AuthFact(tries=(TokenTry(outcome="limited", answers=(answer(429, hop=TOKEN),)),)), TOKEN),
    (ImageFact(answers=(LIMITED,)), REGISTRY),
    (BlobFact(answers=(answer(429, hop=STORAGE),)), STORAGE),
])  # fmt: skip
def test_a_429_at_any_step_is_told_for_the_host_that_gave_it(fact: Fact, hop: Hop) -> None:
    assert [(f.code, f.hop) for f in judged(fact)] == [("rate.limited", hop)]


@pytest.mark.parametrize("status", [200, 401, 403, 404, 503])
def test_another_status_is_no_limit(status: int) -> None:
    assert of(answer(status, ("retry-after", "120"))) == ()


def test_one_finding_a_host_however_often_it_refuses() -> None:
    assert len(of(LIMITED, LIMITED, answer(429, hop=TOKEN))) == 2


def test_a_429_beside_an_image_that_was_read_is_a_warning() -> None:
    assert levels(of(LIMITED, facts=(PUBLIC,))) == {"rate.limited": "warning"}
    assert levels(of(LIMITED)) == {"rate.limited": "error"}


def test_a_429_for_the_layer_is_an_error_though_the_manifest_was_read() -> None:
    read, refused = answer(206), answer(429)
    assert levels(of(refused, facts=(PUBLIC, BlobFact(answers=(refused,))))) == {
        "rate.limited": "error"}  # fmt: skip
    assert levels(of(refused, facts=(PUBLIC, BlobFact(answers=(read,))))) == {
        "rate.limited": "warning"}  # fmt: skip


def test_a_429_in_a_web_page_is_told_by_its_title() -> None:
    page = answer(429, ("content-type", "text/html"), body="<html>\r\n<p>", title="Too fast")
    (found,) = of(page)
    assert found.params["status_text"] == "Too fast"


@pytest.mark.parametrize(("headers", "more", "seconds", "who_says"), [
    ([("retry-after", "120")], {}, 120, "Retry-After"),
    ([("retry-after", "Mon, 23 Nov 2026 12:01:30 GMT"), ("date", DATE)], {}, 90, "Retry-After"),
    ([("retry-after", "7"), *RESET], {}, 7, "Retry-After"),
    ([*RESET], {}, 99, "the limit's reset"),
    ([("retry-after", "soon"), *RESET], {}, 99, "the limit's reset"),
    ([], {"message": "retry-after: 30s, allowed: 5/minute"}, 30, "the message"),
    ([], {}, None, None),
])  # fmt: skip
def test_when_to_try_again_and_who_says_so(
    headers: list[tuple[str, str]],
    more: dict[str, Any],
    seconds: float | None,
    who_says: str | None,
) -> None:
    (found,) = of(answer(429, *headers, **more))
    assert found.evidence.get("retry_after_seconds") == seconds
    assert found.evidence.get("retry_after_from") == who_says


@pytest.mark.parametrize(("headers", "who", "counted"), [
    ((SOURCE,), "anonymous", "the address 203.0.113.7"),
    ((SOURCE,), "credential", "the address 203.0.113.7"),
    ((SOURCE_6,), "anonymous", "the address 2001:db8:1:2::/64"),
    ((ACCOUNT,), "credential", "this account"),
    ((), "credential", "the login me"),
    ((), "anonymous", "this machine's public address"),
])  # fmt: skip
def test_who_is_counted(headers: tuple[tuple[str, str], ...], who: Who, counted: str) -> None:
    found = of(answer(429, *headers, who=who), facts=(AuthFact(user="me"),))
    assert found[0].evidence["counted"] == counted


def test_docker_hubs_two_limits_are_told_apart() -> None:
    pulls = answer(429, message="You have reached your pull rate limit.", code="TOOMANYREQUESTS")
    (first,) = of(pulls)
    (second,) = of(answer(429, body="Too Many Requests"))
    (third,) = of(answer(429, body="Too Many Requests", hop=OWN), hop=OWN)
    assert first.evidence["kind"] == "pull limit"
    assert second.evidence["kind"] == "limit on all requests of the address"
    assert "kind" not in third.evidence


def test_published_limits_stand_beside_an_answer_that_is_silent_and_only_there() -> None:
    (silent,) = of(answer(429, hop=OWN), hop=OWN)
    assert silent.evidence["published"][0] == "1000 pulls in 60 min by key"
    (speaking,) = of(answer(429, ("ratelimit-limit", "5"), hop=OWN), hop=OWN)
    assert "published" not in speaking.evidence
    assert of(answer(200, hop=OWN), hop=OWN) == ()


def test_the_support_address_comes_from_the_profile() -> None:
    (found,) = of(answer(429, hop=OWN), hop=OWN)
    remedies = load().dress(found, target(OWN)).remedies
    assert any("support@cleanstart.com" in step.text for r in remedies for step in r.steps)


def test_a_stranger_is_told_to_log_in_first_and_a_login_to_wait() -> None:
    book = load()
    (stranger,) = of(answer(429, ("retry-after", "60")))
    (login,) = of(answer(429, ("retry-after", "60"), who="credential"))
    first = book.dress(stranger, target()).remedies[0].steps[0].command
    assert first is not None
    assert first.startswith("docker login docker.io ")
    assert book.dress(login, target()).remedies[0].steps[0].command == "sleep 60"


def test_a_long_wait_is_not_slept_through() -> None:
    (found,) = of(answer(429, ("retry-after", "21600"), who="credential"))
    first = load().dress(found, target()).remedies[0].steps[0]
    assert first.command is None
    assert "in 6 h" in first.text


@pytest.mark.parametrize(("remaining", "told"), [(0, True), (9, True), (10, False), (100, False)])
def test_less_than_a_tenth_is_nearly_nothing(remaining: int, told: bool) -> None:
    found = levels(of(answer(200, *hub(remaining)), facts=(PUBLIC,)))
    assert ("rate.nearly-exhausted" in found) is told


def test_a_window_of_seconds_fills_again_before_anybody_could_act() -> None:
    assert of(answer(200, ("ratelimit-limit", "10;w=1"), ("ratelimit-remaining", "0"))) == ()


def test_the_last_word_on_a_limit_counts() -> None:
    assert of(answer(200, *hub(5)), answer(200, *hub(50))) == ()
    assert len(of(answer(200, *hub(50)), answer(200, *hub(5)))) == 1


def test_the_limit_of_a_stranger_is_not_that_of_the_login() -> None:
    mine = ImageFact(kind="manifest", blob="x", who="credential")
    stranger, own = answer(200, *hub(5)), answer(200, *hub(80), who="credential")
    assert of(own, stranger, facts=(mine,)) == ()


def test_after_a_429_the_same_host_is_not_also_nearly_exhausted() -> None:
    assert list(levels(of(answer(200, *hub(1)), answer(429, *hub(0))))) == ["rate.limited"]


def test_an_address_that_is_counted_is_worth_knowing_and_a_warning_when_it_runs_short() -> None:
    assert levels(of(answer(200, *hub(80, SOURCE)))) == {"rate.shared-address": "info"}
    assert levels(of(answer(200, *hub(5, SOURCE)))) == {
        "rate.nearly-exhausted": "warning", "rate.shared-address": "warning"}  # fmt: skip
    assert levels(of(answer(429, *hub(0, SOURCE)))) == {
        "rate.limited": "error", "rate.shared-address": "warning"}  # fmt: skip


def test_a_login_is_not_counted_by_address_unless_the_registry_says_so_and_refuses() -> None:
    assert of(answer(200, *hub(80, ACCOUNT), who="credential")) == ()
    assert of(answer(200, *hub(80, SOURCE), who="credential")) == ()
    refused = levels(of(answer(429, *hub(0, SOURCE), who="credential")))
    assert refused == {"rate.limited": "error", "rate.shared-address": "warning"}


def test_headers_that_do_not_parse_and_none_at_all_say_nothing() -> None:
    assert of(answer(200), answer(200, ("ratelimit-remaining", "few"), ("ratelimit", "?"))) == ()


def test_the_fact_holds_what_headers_told_the_tightest_first() -> None:
    image = ImageFact(answers=(answer(200, *hub(80)), answer(200, ("x-ratelimit-limit", "10"),
                      ("x-ratelimit-remaining", "1"))))  # fmt: skip
    fact = asyncio.run(probe(Case(target(), Facts([(None, image)])), Net()))
    assert isinstance(fact, RateFact)
    assert [(each.remaining, each.limit) for each in fact.limits] == [(1, 10), (80, 100)]
    assert fact.seen == "1 of 10 left"


def test_every_finding_finds_its_words() -> None:
    book = load()
    found = (*of(answer(429, *hub(0, SOURCE))), *of(answer(200, *hub(5, SOURCE))))
    assert {f.code for f in found} == set(book.of(CHECK)) - {"rate.forecast"}
    for finding in found:
        dressed = book.dress(finding, target())
        words = book.get(finding.code)
        assert words is not None
        assert dressed.detail != words.means
        assert dressed.remedies
