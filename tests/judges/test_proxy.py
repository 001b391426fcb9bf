"""Fact literals in, codes out: settings, the proxy itself, its answers, and the way around."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from doctor import codes
from doctor.checks import detour, proxy
from doctor.clients.proxy import route
from doctor.facts.client import ClientFact
from doctor.facts.dns import DnsFact
from doctor.facts.proxy import (
    Candidate,
    DetourFact,
    ProxySetting,
    RouteFact,
    Speaks,
    Try,
    TunnelFact,
    Why,
)
from doctor.facts.proxy import Outcome as ProxyOutcome
from doctor.facts.tcp import Attempt, TcpFact
from doctor.facts.tls import HttpPeek, TlsFact
from doctor.model import Case, Fact, Facts, Finding, Hop, Target

REGISTRY = Hop("registry", "registry.corp", 443)
TOKEN = Hop("token", "auth.corp", 443)
TARGET = Target(text="registry.corp/app:1", reference=None, registry=REGISTRY)
P = "http://proxy.corp:3128"
SETTING = ProxySetting(host="proxy.corp", port=3128, origin="HTTPS_PROXY")
STATION = SETTING.hop
THROUGH = RouteFact(proxy=SETTING, reason="variable", variable="HTTPS_PROXY", value=P)
Placed = tuple[Hop | None, Fact]
BOOK = codes.load()


def judged(*facts: Placed, hop: Hop = REGISTRY) -> dict[str, Finding]:
    found = list(proxy.judge(Case(TARGET, Facts(facts), hop)))
    return {finding.code: finding for finding in found}


def decided(env: Mapping[str, str], hop: Hop = REGISTRY) -> dict[str, Finding]:
    return judged((hop, route(hop, env)[0]), hop=hop)


def answered(outcome: ProxyOutcome, **more: object) -> dict[str, Finding]:
    tunnel = replace(TunnelFact(outcome=outcome, proxy=STATION.name), **more)  # type: ignore[arg-type]
    return judged((REGISTRY, THROUGH), (REGISTRY, tunnel))


# ── settings ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("env", [{}, {"HTTPS_PROXY": P}, {"HTTPS_PROXY": P, "NO_PROXY": "x.y"}])
def test_settings_in_order(env: dict[str, str]) -> None:
    assert decided(env) == {}


def test_a_value_that_is_no_url() -> None:
    finding = decided({"HTTPS_PROXY": "htp://u:canary@proxy.corp:3128"})["proxy.invalid-url"]
    assert (finding.severity, finding.subject) == ("error", "HTTPS_PROXY")
    assert finding.evidence == {
        "set_in": "HTTPS_PROXY",
        "value": "htp://proxy.corp:3128",
        "problem": "has the scheme htp, which is none of http, https, socks5, socks5h",
        "go_ignores_it": False,
    }
    assert finding.params["corrected"] == P


def test_a_value_that_go_ignores_is_an_error_although_the_way_is_open() -> None:
    finding = decided({"HTTPS_PROXY": f" {P}"})["proxy.invalid-url"]
    assert finding.severity == "error"
    assert finding.evidence["go_ignores_it"] is True


def test_a_value_that_this_host_does_not_use_is_a_warning() -> None:
    assert decided({"HTTP_PROXY": "http://:1"})["proxy.invalid-url"].severity == "warning"
    assert decided({"HTTPS_PROXY": "http://:1", "NO_PROXY": "registry.corp"}) == {}


def test_one_setting_is_told_of_once() -> None:
    env = {"HTTPS_PROXY": "http://:1", "https_proxy": "http://:2"}
    facts = [(hop, route(hop, env)[0]) for hop in (REGISTRY, TOKEN)]
    assert set(judged(*facts)) == {"proxy.invalid-url", "proxy.case-conflict"}
    assert judged(*facts, hop=TOKEN) == {}


def test_both_cases_differ() -> None:
    env = {"HTTPS_PROXY": "http://u:canary@a.corp:1", "https_proxy": "http://b.corp:2"}
    finding = decided(env)["proxy.case-conflict"]
    assert finding.severity is None
    assert finding.evidence == {
        "HTTPS_PROXY": "http://a.corp:1",
        "https_proxy": "http://b.corp:2",
        "go_takes": "HTTPS_PROXY",
        "curl_takes": "https_proxy",
        "python_takes": "https_proxy",
    }


@pytest.mark.parametrize(
    ("listed", "host", "entry", "proxied"),
    [
        (".corp.example", "corp.example", ".corp.example", {"go", "httpx"}),
        ("*.corp", "registry.corp", "*.corp", {"curl", "requests", "python-urllib", "httpx"}),
        ("10.0.0.0/8", "10.1.2.3", "10.0.0.0/8", {"python-urllib", "httpx"}),
        (
            "registry.corp:443",
            "registry.corp",
            "registry.corp:443",
            {"curl", "requests", "python-urllib", "httpx"},
        ),
        (
            "x.y registry.corp",
            "registry.corp",
            "registry.corp",
            {"go", "curl", "requests", "python-urllib", "httpx"},
        ),
    ],
)
def test_one_list_read_to_different_ends(
    listed: str, host: str, entry: str, proxied: set[str]
) -> None:
    hop = Hop("registry", host, 443)
    finding = decided({"HTTPS_PROXY": P, "NO_PROXY": listed}, hop)["proxy.no-proxy-mismatch"]
    assert finding.evidence["entry"] == entry
    assert {f for f, way in finding.evidence["ways"].items() if way == "proxy"} == proxied


@pytest.mark.parametrize(
    ("env", "host"),
    [
        ({"HTTPS_PROXY": P, "NO_PROXY": "corp"}, "registry.corp"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, "registry.corp"),
        ({"HTTPS_PROXY": P, "NO_PROXY": ".corp"}, "registry.corp"),
        ({"NO_PROXY": ".registry.corp"}, "registry.corp"),
        ({"ALL_PROXY": P}, "registry.corp"),
        ({"HTTPS_PROXY": P}, "localhost"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "127.0.0.0/8"}, "127.0.0.1"),
    ],
)
def test_lists_that_all_read_alike(env: dict[str, str], host: str) -> None:
    assert "proxy.no-proxy-mismatch" not in decided(env, Hop("registry", host, 443))


# ── the proxy itself ───────────────────────────────────────────────────────────────────────────

NO_ANSWER = Attempt(address="192.0.2.1", outcome="timeout", ms=3000.0)


@pytest.mark.parametrize(
    ("fact", "code", "proof"),
    [
        (DnsFact(outcome="no-name", message="Name or service not known"), "unresolvable", "dns"),
        (TcpFact(attempts=(NO_ANSWER,)), "unreachable", "attempts"),
    ],
)
def test_the_station_cannot_be_spoken_to(fact: Fact, code: str, proof: str) -> None:
    found = judged((REGISTRY, THROUGH), (STATION, fact))
    assert list(found) == [f"proxy.{code}"]
    finding = found[f"proxy.{code}"]
    assert finding.hop == STATION
    assert finding.evidence["set_in"] == "HTTPS_PROXY"
    assert finding.evidence[proof]


def test_the_station_is_named_by_its_lowest_layer() -> None:
    facts = [(STATION, DnsFact(outcome="timeout")), (STATION, TcpFact(attempts=()))]
    assert list(judged((REGISTRY, THROUGH), *facts)) == ["proxy.unresolvable"]


def test_a_station_in_order_says_nothing() -> None:
    facts = [
        (STATION, DnsFact(addresses=("192.0.2.1",))),
        (STATION, TcpFact(attempts=(Attempt(address="192.0.2.1"),))),
        (STATION, TlsFact(needed=False)),
        (REGISTRY, TunnelFact(proxy=STATION.name, status=200)),
    ]
    assert judged((REGISTRY, THROUGH), *facts) == {}


def test_another_proxy_s_fault_is_not_this_one_s() -> None:
    other = Hop("proxy", "other.corp", 3128, "http")
    assert judged((REGISTRY, THROUGH), (other, TcpFact(attempts=(NO_ANSWER,)))) == {}


SECURE = replace(SETTING, scheme="https")


@pytest.mark.parametrize(
    ("tls", "plain"),
    [
        (TlsFact(plain_http=HttpPeek(status=400)), P),
        (TlsFact(plain_http=HttpPeek(status=400), plain_allowed=True), P),
        (TlsFact(outcome="not-tls", first="HTTP/1.1 400 Bad Request"), P),
        (TlsFact(outcome="alert", alert=40), None),
    ],
)
def test_tls_to_the_proxy_fails(tls: TlsFact, plain: str | None) -> None:
    through = replace(THROUGH, proxy=SECURE)
    finding = judged((REGISTRY, through), (SECURE.hop, tls))["proxy.tls-failed"]
    assert finding.hop == SECURE.hop
    assert finding.evidence["layer"] == "tls"
    assert finding.params.get("plain") == plain


# ── its answer ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("outcome", "more", "code", "confidence", "at"),
    [
        ("denied", {"status": 403}, "denied", "certain", REGISTRY),
        ("denied", {"reply": 2}, "denied", "certain", REGISTRY),
        ("auth-required", {"status": 407}, "auth-required", "certain", STATION),
        ("auth-rejected", {"status": 407}, "auth-rejected", "certain", STATION),
        ("upstream-failed", {"status": 503}, "upstream-failed", "certain", REGISTRY),
        ("no-answer", {"waited": 6.0}, "upstream-failed", "likely", REGISTRY),
        ("not-a-proxy", {"status": 405}, "not-a-proxy", "likely", STATION),
        ("not-a-proxy", {"status": 400, "signed": True}, "not-a-proxy", "certain", STATION),
        ("not-a-proxy", {"first": "SSH-2.0"}, "not-a-proxy", "certain", STATION),
        ("unreachable", {}, "unreachable", "likely", STATION),
    ],
)
def test_refusals(
    outcome: ProxyOutcome, more: dict[str, object], code: str, confidence: str, at: Hop
) -> None:
    found = answered(outcome, **more)
    assert list(found) == [f"proxy.{code}"]
    finding = found[f"proxy.{code}"]
    assert (finding.confidence, finding.hop) == (confidence, at)
    assert finding.evidence["outcome"] == outcome


def test_an_end_without_an_answer_is_one_of_two_things() -> None:
    found = answered("closed")
    assert {code: f.confidence for code, f in found.items()} == {
        "proxy.not-a-proxy": "possible",
        "proxy.upstream-failed": "possible",
    }


def test_the_proof_of_a_denial() -> None:
    headers = (("server", "squid/5.7"), ("x-squid-error", "ERR_ACCESS_DENIED 0"))
    finding = answered("denied", status=403, phrase="Forbidden", headers=headers)["proxy.denied"]
    assert finding.evidence["status"] == 403
    assert finding.evidence["headers"]["x-squid-error"] == "ERR_ACCESS_DENIED 0"
    assert finding.params["error"] == "ERR_ACCESS_DENIED 0"
    assert finding.params["allow"] == "registry.corp:443"


def test_a_login_that_go_cannot_make() -> None:
    no_basic = answered("auth-required", status=407, schemes=("negotiate", "ntlm"))
    assert no_basic["proxy.auth-required"].params["no_basic"]
    both = answered("auth-required", status=407, schemes=("negotiate", "basic"))
    assert not both["proxy.auth-required"].params["no_basic"]


@pytest.mark.parametrize(
    ("speaks", "value"),
    [("tls", "https://proxy.corp:3128"), ("socks5", "socks5://proxy.corp:3128")],
)
def test_the_port_speaks_something_else(speaks: Speaks, value: str) -> None:
    finding = answered("not-a-proxy", speaks=speaks)["proxy.not-a-proxy"]
    assert value in (finding.params.get("speaks_tls"), finding.params.get("speaks_socks"))


def test_a_station_that_fails_explains_why_there_is_no_tunnel() -> None:
    tunnel = TunnelFact(outcome="unreachable", proxy=STATION.name)
    facts = [(STATION, TcpFact(attempts=(NO_ANSWER,))), (REGISTRY, tunnel)]
    assert list(judged((REGISTRY, THROUGH), *facts)) == ["proxy.unreachable"]


# ── the way around ─────────────────────────────────────────────────────────────────────────────

DEAD = TcpFact(attempts=(Attempt(address="192.0.2.1", outcome="timeout", ms=3000.0),))


def around(
    why: Why, outcome: ProxyOutcome = "tunnelled", origin: str = "ALL_PROXY"
) -> list[Finding]:
    candidate = Candidate(setting=replace(SETTING, origin=origin), why=why)
    way = RouteFact(
        reason="no-proxy" if why == "no-proxy" else "no-variable",
        no_proxy=".corp, x.y",
        no_proxy_variable="NO_PROXY",
        entry=".corp" if why == "no-proxy" else None,
        candidates=(candidate,),
    )
    tried = DetourFact(tries=(Try(candidate=candidate, outcome=outcome),))
    facts = Facts([(REGISTRY, way), (REGISTRY, DEAD), (None, tried)])
    return list(detour.judge(Case(TARGET, facts)))


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("no-proxy", "proxy.no-proxy-excludes"),
        ("all-proxy", "proxy.required"),
        ("http-only", "proxy.required"),
        ("other-case", "proxy.required"),
        ("elsewhere", "proxy.required"),
    ],
)
def test_a_known_proxy_gets_through(why: Why, code: str) -> None:
    (finding,) = around(why)
    assert (finding.code, finding.hop) == (code, REGISTRY)
    assert finding.evidence["direct"]["attempts"][0]["outcome"] == "timeout"
    assert finding.evidence["proxied"]["outcome"] == "tunnelled"
    assert finding.evidence.get("entry") == (".corp" if why == "no-proxy" else None)


@pytest.mark.parametrize("outcome", ["denied", "auth-required", "upstream-failed", "unreachable"])
def test_a_known_proxy_does_not_get_through_either(outcome: ProxyOutcome) -> None:
    assert around("all-proxy", outcome) == []
    assert around("no-proxy", outcome) == []


def daemons(
    outcome: ProxyOutcome = "tunnelled",
    seen: ClientFact = ClientFact(),  # noqa: B008 - frozen
    client: str = "docker",
) -> list[Finding]:
    """Seen by a client whose daemon has no proxy while the shell has one."""
    candidate = Candidate(setting=SETTING, why="shell", no_proxy="localhost, x.y")
    tried = DetourFact(tries=(Try(candidate=candidate, outcome=outcome),))
    facts: list[Placed] = [(REGISTRY, RouteFact(candidates=(candidate,))), (REGISTRY, DEAD)]
    docker = replace(TARGET, client=client, system="debian")
    case = Case(docker, Facts([*facts, (None, tried), (None, seen)]))
    return [BOOK.dress(finding, docker) for finding in detour.judge(case)]


def test_the_daemon_lacks_the_shells_proxy() -> None:
    (finding,) = daemons()
    assert finding.code == "proxy.missing-for-client"
    assert "HTTPS_PROXY names proxy.corp:3128 here" in finding.detail
    drop_in = "/etc/systemd/system/docker.service.d/http-proxy.conf"
    commands = [step.command or "" for step in finding.remedies[0].steps]
    assert any(drop_in in command and "NO_PROXY=localhost,x.y" in command for command in commands)
    assert commands[-1] == "sudo systemctl daemon-reload && sudo systemctl restart docker"


@pytest.mark.parametrize(("service", "unit"), [
    ("containerd", "containerd"), ("k3s-agent", "k3s-agent"), ("", "containerd"),
])  # fmt: skip
def test_containerds_proxy_is_its_services(service: str, unit: str) -> None:
    (finding,) = daemons(seen=ClientFact(client="containerd", service=service), client="containerd")
    commands = [step.command or "" for step in finding.remedies[0].steps]
    assert any(f"/etc/systemd/system/{unit}.service.d/http-proxy.conf" in c for c in commands)
    assert commands[-1] == f"sudo systemctl daemon-reload && sudo systemctl restart {unit}"


@pytest.mark.parametrize(("seen", "title"), [
    (ClientFact(rootless=True), "Give your own Docker daemon the proxy proxy.corp:3128"),
    (ClientFact(desktop=True), "Give Docker Desktop the proxy proxy.corp:3128"),
])  # fmt: skip
def test_the_setting_is_that_daemons(seen: ClientFact, title: str) -> None:
    (finding,) = daemons(seen=seen)
    assert [remedy.title for remedy in finding.remedies] == [title]


@pytest.mark.parametrize("outcome", ["denied", "unreachable", "auth-required"])
def test_a_shells_proxy_that_does_not_get_through_is_not_what_is_missing(
    outcome: ProxyOutcome,
) -> None:
    assert daemons(outcome) == []


def test_nobody_went_around() -> None:
    assert list(detour.judge(Case(TARGET, Facts([(REGISTRY, DEAD)])))) == []


# ── remedies: what their commands leave in the environment ─────────────────────────────────────


def after(finding: Finding, env: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment once the first remedy's own commands have been run in a shell."""
    dressed = codes.load().dress(finding, TARGET)
    steps = [s for s in dressed.remedies[0].steps if s.command and s.changes == "user"]
    assert steps, dressed.remedies
    password = tmp_path / "password"
    password.write_text("p@ss/w:rd%#\n")
    script = "\n".join(step.command or "" for step in steps)
    script = script.replace("API_KEY_FILE", shlex.quote(str(password)))
    script = script.replace("USER_NAME", "'CORP\\jane'").replace("PROXY_URL", P)
    done = subprocess.run(
        ["sh", "-euc", f"{script}\nenv -0"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        check=True,
    )
    assert b"p@ss" not in done.stderr
    pairs = (part.partition("=") for part in done.stdout.decode().split("\0") if part)
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize(
    "value",
    ["htp://proxy.corp:3128", "http://u:p/w@proxy.corp:3128", "http://:3128", f"{P}\r"],
)
def test_an_unusable_value_is_mended(value: str, tmp_path: Path) -> None:
    env = {"HTTPS_PROXY": value}
    now = after(decided(env)["proxy.invalid-url"], env, tmp_path)
    fact, _ = route(REGISTRY, now)
    assert (fact.flaws, fact.proxy and fact.proxy.hop) == ((), STATION)


@pytest.mark.parametrize("code", ["auth-required", "auth-rejected"])
def test_a_login_is_written_into_the_variable(code: ProxyOutcome, tmp_path: Path) -> None:
    finding = answered(code, status=407, schemes=("basic",), sent_credentials=True)[f"proxy.{code}"]
    now = after(finding, {"HTTPS_PROXY": P}, tmp_path)
    fact, secret = route(REGISTRY, now)
    assert fact.proxy
    assert (fact.proxy.hop, fact.proxy.user) == (STATION, "CORP\\jane")
    assert secret is not None
    assert secret.reveal() == "Basic Q09SUFxqYW5lOnBAc3MvdzpyZCUj"


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({"ALL_PROXY": "http://u:p%40w@proxy.corp:3128"}, "required"),
        ({"all_proxy": P}, "required"),
        ({"HTTP_PROXY": P}, "required"),
        ({"http_proxy": P}, "required"),
        ({"HTTPS_PROXY": f" {P}", "https_proxy": P}, "required"),
        ({"https_proxy": f" {P}", "ALL_PROXY": P}, "required"),
        ({"HTTPS_PROXY": P, "NO_PROXY": "x.y, .corp"}, "no-proxy-excludes"),
        ({"HTTPS_PROXY": P, "no_proxy": "*"}, "no-proxy-excludes"),
    ],
)
def test_the_way_around_is_taken(env: dict[str, str], code: str, tmp_path: Path) -> None:
    fact, secret = route(REGISTRY, env)
    tried = DetourFact(tries=(Try(candidate=fact.candidates[0]),))
    facts = Facts([(REGISTRY, fact), (REGISTRY, DEAD), (None, tried)])
    (finding,) = detour.judge(Case(TARGET, facts))
    assert finding.code == f"proxy.{code}"
    mended, login = route(REGISTRY, after(finding, env, tmp_path))
    assert mended.proxy
    assert mended.proxy.hop == STATION
    assert (login is None) is (secret is None)


def test_a_mismatch_is_ended(tmp_path: Path) -> None:
    env = {"HTTPS_PROXY": P, "NO_PROXY": "x.y registry.corp"}
    now = after(decided(env)["proxy.no-proxy-mismatch"], env, tmp_path)
    assert decided(now) == {}
    assert {r.way for r in route(REGISTRY, now)[0].readings} == {"direct"}


def test_a_conflict_is_ended(tmp_path: Path) -> None:
    env = {"HTTPS_PROXY": P, "https_proxy": "http://other:1"}
    assert decided(after(decided(env)["proxy.case-conflict"], env, tmp_path)) == {}


def test_a_host_that_was_meant_to_go_direct_does(tmp_path: Path) -> None:
    env = {"HTTPS_PROXY": P, "NO_PROXY": "x.y,.registry.corp"}
    denied = TunnelFact(outcome="denied", proxy=STATION.name, status=403)
    found = judged((REGISTRY, route(REGISTRY, env)[0]), (REGISTRY, denied))
    now = after(found["proxy.denied"], env, tmp_path)
    assert route(REGISTRY, now)[0].reason == "no-proxy"


def test_every_code_has_words_that_fit_its_params() -> None:
    book = codes.load()
    facts: list[dict[str, Finding]] = [
        decided({"HTTPS_PROXY": "http://:1", "https_proxy": P}),
        decided({"HTTPS_PROXY": P, "NO_PROXY": "*.corp"}),
        judged((REGISTRY, THROUGH), (STATION, DnsFact(outcome="timeout"))),
        judged((REGISTRY, THROUGH), (STATION, DEAD)),
        judged((REGISTRY, replace(THROUGH, proxy=SECURE)), (SECURE.hop, TlsFact(outcome="reset"))),
        answered("auth-required", status=407),
        answered("auth-rejected", status=407, sent_credentials=True, user="jane"),
        answered("denied", status=403),
        answered("closed"),
        {f.code: f for why in ("no-proxy", "all-proxy") for f in around(why)},
    ]
    told = {code: finding for found in facts for code, finding in found.items()}
    for code, finding in told.items():
        words, dressed = book.get(code), book.dress(finding, TARGET)
        assert words is not None
        assert dressed.detail != words.means, f"{code}: a placeholder of its detail has no value"
        assert dressed.remedies, code
    assert len(told) == 13
