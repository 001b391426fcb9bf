"""Which proxy does Go take for this host, and what becomes of a value that names none?"""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doctor.clients import proxyurl
from doctor.clients.proxy import route
from doctor.facts.proxy import Candidate, ProxySetting, RouteFact
from doctor.model import Hop
from doctor.redact import Secret

REGISTRY = Hop("registry", "registry.example", 443)
P = "http://proxy.example:3128"


def ways(fact: RouteFact) -> dict[str, str]:
    return {reading.family: reading.way for reading in fact.readings}


def basic(secret: Secret | None) -> str:
    assert secret is not None
    return secret.reveal()


@pytest.mark.parametrize(
    ("env", "origin"),
    [
        ({"HTTPS_PROXY": P}, "HTTPS_PROXY"),
        ({"https_proxy": P}, "https_proxy"),
        ({"HTTPS_PROXY": P, "https_proxy": "http://other:1"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "", "https_proxy": P}, "https_proxy"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": P, "REQUEST_METHOD": "GET"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "other.example"}, "HTTPS_PROXY"),
    ],
)
def test_the_variable_that_go_takes(env: dict[str, str], origin: str) -> None:
    fact, secret = route(REGISTRY, env)
    assert fact.proxy == ProxySetting(host="proxy.example", port=3128, origin=origin)
    assert (fact.variable, fact.reason, secret) == (origin, "variable", None)
    assert fact.leads_to == (Hop("proxy", "proxy.example", 3128, "http"),)


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({}, "no-variable"),
        ({"HTTP_PROXY": P}, "no-variable"),
        ({"ALL_PROXY": P}, "no-variable"),
        ({"HTTPS_PROXY": ""}, "no-variable"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "a,.example"}, "no-proxy"),
        ({"HTTPS_PROXY": P, "no_proxy": "registry.example:443"}, "no-proxy"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "*"}, "no-proxy"),
    ],
)
def test_what_goes_direct(env: dict[str, str], reason: str) -> None:
    fact, _ = route(REGISTRY, env)
    assert (fact.proxy, fact.direct, fact.ok, fact.reason) == (None, True, True, reason)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_a_loopback_host_is_never_sent_to_a_proxy(host: str) -> None:
    env = {"HTTPS_PROXY": P, "HTTP_PROXY": P}
    assert route(Hop("registry", host, 5000, "http"), env)[0].reason == "loopback"
    assert route(Hop("registry", f"x{host.strip(':')}.example", 5000, "http"), env)[0].proxy


def test_the_option_holds_for_every_host() -> None:
    env = {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"}
    fact, secret = route(Hop("registry", "127.0.0.1", 5000, "http"), env, "http://u:p%20w@one:8080")
    assert fact.proxy == ProxySetting(
        host="one", port=8080, user="u", password=True, origin="--proxy"
    )
    assert basic(secret) == "Basic dTpwIHc="


def test_a_proxy_is_itself_reached_without_one() -> None:
    hop = Hop("proxy", "proxy.example", 3128, "http")
    assert route(hop, {"HTTP_PROXY": P}, P) == (RouteFact(reason="proxy-itself"), None)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://proxy.example", "http://proxy.example:80"),
        ("https://Proxy.Example", "https://proxy.example:443"),
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        ("socks5h://proxy.example:1", "socks5h://proxy.example:1"),
        ("proxy", "http://proxy:80"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("http://[2001:db8::1]:3128/", "http://[2001:db8::1]:3128"),
        ("http://user:p@ss@proxy:3128", "http://proxy:3128"),
    ],
)
def test_usable_values(value: str, url: str) -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": value})
    assert fact.proxy
    assert fact.proxy.url == url
    assert fact.flaws == ()


@pytest.mark.parametrize(
    ("value", "ignored", "corrected"),
    [
        ("htp://proxy:3128", False, "http://proxy:3128"),
        ("htps://proxy:3128", False, "https://proxy:3128"),
        ("socks4://proxy:1080", False, "socks5://proxy:1080"),
        ("http:/proxy:3128", False, "http://proxy:3128"),
        ("http//proxy:3128", False, "http://proxy:3128"),
        ("http://http://proxy:3128", False, "http://proxy:3128"),
        ("http://proxy:3128 ", False, "http://proxy:3128"),
        (" http://proxy:3128", True, "http://proxy:3128"),
        ('"http://proxy:3128"', False, "http://proxy:3128"),
        ("http://proxy:3128\r", True, "http://proxy:3128"),
        ("http://", False, ""),
        ("http://:3128", False, ""),
        ("http://proxy:port", False, ""),
        ("http://proxy:99999", False, ""),
        ("http://pro xy:3128", False, ""),
        ("http://u:p%w@proxy:3128", True, "http://proxy:3128"),
        ("http://u:p/w@proxy:3128", False, "http://proxy:3128"),
        ("http://u:p#w@proxy:3128", False, "http://proxy:3128"),
    ],
)
def test_unusable_values(value: str, ignored: bool, corrected: str) -> None:
    fact, secret = route(REGISTRY, {"HTTPS_PROXY": value})
    (flaw,) = fact.flaws
    assert (flaw.origin, flaw.used, flaw.ignored) == ("HTTPS_PROXY", True, ignored)
    assert flaw.corrected == corrected
    assert flaw.problem
    assert (fact.proxy, fact.direct, fact.ok, secret) == (None, ignored, ignored, None)


def test_an_unusable_value_of_the_option_is_never_passed_over() -> None:
    fact, _ = route(REGISTRY, {}, " http://proxy:3128")
    assert (fact.ok, fact.direct, fact.reason) == (False, False, "unusable")


def test_an_unusable_variable_that_this_host_does_not_use() -> None:
    fact, _ = route(REGISTRY, {"HTTP_PROXY": "http://:1", "HTTPS_PROXY": P})
    assert fact.proxy
    assert [(flaw.origin, flaw.used) for flaw in fact.flaws] == [("HTTP_PROXY", False)]


def test_go_refuses_the_variable_for_plain_http_in_a_cgi_environment() -> None:
    hop = Hop("registry", "registry.example", 80, "http")
    fact, _ = route(hop, {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"})
    assert (fact.reason, fact.flaws[0].used) == ("unusable", True)
    assert route(hop, {"HTTP_PROXY": P, "REQUEST_METHOD": ""})[0].proxy


@given(st.text(max_size=40))
@example("http://a:b:c@d@[e]:f/%")
@example("@")
@example("://@:")
def test_no_value_breaks_the_reader(value: str) -> None:
    got = proxyurl.read(value, "HTTPS_PROXY")
    assert (got.setting is None) is not (got.flaw is None)


PASSWORD = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)


@given(PASSWORD, st.sampled_from(["http://", "", "htp://", "https:/"]))
@example("a/b:c", "http://")
@example("x@y:z", "")
@example("p%w", "http://")
def test_a_password_is_in_no_fact(noise: str, scheme: str) -> None:
    value = f"{scheme}user:canary{noise}canary@proxy.example:3128"
    fact, _ = route(
        REGISTRY, {"HTTPS_PROXY": value, "https_proxy": f"{value}0", "ALL_PROXY": value}
    )
    assert "canary" not in json.dumps(asdict(fact)) + repr(fact) + fact.seen


def test_a_port_that_may_be_a_password_is_not_shown() -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": "http://user:hunter2"})
    assert "hunter2" not in repr(fact)


def test_user_information_gives_the_header_that_go_sends() -> None:
    fact, secret = route(REGISTRY, {"HTTPS_PROXY": "http://us%65r:p%40ss@proxy:3128"})
    assert fact.proxy
    assert (fact.proxy.user, fact.asks) == ("user", fact.proxy.hop)
    assert basic(secret) == "Basic dXNlcjpwQHNz"
    _, nameless = route(REGISTRY, {"HTTPS_PROXY": "http://user@proxy:3128"})
    assert basic(nameless) == "Basic dXNlcjo="


def test_the_families_differ_by_variable_and_by_list() -> None:
    fact, _ = route(REGISTRY, {"ALL_PROXY": P, "NO_PROXY": "registry.example:443"})
    assert ways(fact) == {
        "go": "direct",
        "curl": "proxy",
        "requests": "proxy",
        "python-urllib": "direct",
        "httpx": "proxy",
    }
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": P, "NO_PROXY": "x.example registry.example"})
    assert ways(fact)["go"] == ways(fact)["curl"] == "proxy"
    assert ways(fact)["curl before 8.9"] == "direct"


def test_curl_does_not_read_http_proxy_in_upper_case() -> None:
    hop = Hop("registry", "registry.example", 80, "http")
    fact, _ = route(hop, {"HTTP_PROXY": P})
    assert (ways(fact)["curl"], ways(fact)["go"], ways(fact)["httpx"]) == (
        "direct",
        "proxy",
        "proxy",
    )


def test_an_empty_lower_case_variable_takes_the_proxy_from_python_alone() -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": P, "https_proxy": ""})
    assert (ways(fact)["go"], ways(fact)["curl"], ways(fact)["requests"]) == (
        "proxy",
        "proxy",
        "direct",
    )


@pytest.mark.parametrize(
    ("env", "upper"),
    [
        ({"HTTPS_PROXY": P, "https_proxy": "http://b:1"}, ["HTTPS_PROXY"]),
        ({"HTTPS_PROXY": P, "https_proxy": P}, []),
        ({"HTTPS_PROXY": P, "https_proxy": ""}, ["HTTPS_PROXY"]),
        ({"HTTPS_PROXY": "", "https_proxy": P}, []),
        ({"HTTP_PROXY": P, "http_proxy": "http://b:1"}, []),
        ({"HTTPS_PROXY": P, "NO_PROXY": "a,b", "no_proxy": "b, a"}, []),
        ({"HTTPS_PROXY": P, "NO_PROXY": "a", "no_proxy": "b"}, ["NO_PROXY"]),
        ({"NO_PROXY": "a", "no_proxy": "b"}, []),
    ],
)
def test_conflicts_between_the_cases(env: dict[str, str], upper: list[str]) -> None:
    fact, _ = route(REGISTRY, env)
    assert [conflict.upper for conflict in fact.conflicts] == upper


def test_proxies_that_are_known_and_not_used() -> None:
    fact, secret = route(REGISTRY, {"ALL_PROXY": "http://u:p@all:1", "HTTP_PROXY": P})
    assert [(c.setting.origin, c.why) for c in fact.candidates] == [
        ("ALL_PROXY", "all-proxy"),
        ("HTTP_PROXY", "http-only"),
    ]
    assert basic(secret) == "Basic dTpw"
    assert fact.asks == Hop("proxy", "all", 1, "http")
    assert fact.leads_to == ()


def test_an_excluded_host_knows_the_proxy_that_it_does_not_use() -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": P, "HTTP_PROXY": P, "NO_PROXY": ".example"})
    assert [(c.setting.origin, c.why) for c in fact.candidates] == [("HTTPS_PROXY", "no-proxy")]
    assert (fact.entry, fact.no_proxy_variable) == (".example", "NO_PROXY")


def test_a_value_that_go_ignores_leaves_the_other_case_as_a_candidate() -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": f" {P}", "https_proxy": P})
    assert [(c.setting.origin, c.why) for c in fact.candidates] == [("https_proxy", "other-case")]


def test_proxies_that_other_files_name_come_last() -> None:
    file = Candidate(setting=ProxySetting(host="apt", port=1, origin="/etc/apt/apt.conf:2"))
    fact, _ = route(REGISTRY, {"ALL_PROXY": P}, elsewhere=(file,))
    assert [c.setting.host for c in fact.candidates] == ["proxy.example", "apt"]
    assert route(REGISTRY, {"HTTPS_PROXY": P}, elsewhere=(file,))[0].candidates == ()


@pytest.mark.parametrize(
    ("listed", "near"),
    [
        ("a.com registry.example", "registry.example"),
        ("https://registry.example", "https://registry.example"),
        ("registry.example:5000", "registry.example:5000"),
        (".registry.example", ".registry.example"),
        ("notregistry.example", ""),
        ("10.0.0.0/8", ""),
    ],
)
def test_an_entry_that_was_probably_meant_for_the_host(listed: str, near: str) -> None:
    fact, _ = route(REGISTRY, {"HTTPS_PROXY": P, "NO_PROXY": listed})
    assert fact.proxy
    assert fact.near_miss("registry.example") == near
