"""Which findings are causes: the rule of doctor/causes.py."""

from __future__ import annotations

from doctor.causes import Rules, settle
from doctor.model import Finding, Hop, Remedy

REGISTRY = Hop("registry", "registry.example", 443)
TOKEN = Hop("token", "auth.example", 443)
RULES = Rules(
    explains={
        "tls.self-signed": frozenset({"tls.unknown-ca"}),
        "dns.hosts-override": frozenset({"tcp.refused"}),
        "auth.config-unreadable": frozenset({"auth.no-credentials"}),
        "auth.realm-unreachable": frozenset({"auth.no-credentials"}),
    },
    stations=frozenset({"auth.realm-unreachable"}),
)


def error(code: str, hop: Hop | None = REGISTRY, **more: object) -> Finding:
    return Finding(code, check=code.partition(".")[0], severity="error", hop=hop, **more)  # type: ignore[arg-type]


def causes(*findings: Finding) -> list[str]:
    return [f.code for f in settle(findings, RULES, [REGISTRY, TOKEN]) if f.root_cause]


def test_a_consequence_is_no_cause() -> None:
    assert causes(error("tls.unknown-ca"), error("tls.self-signed")) == ["tls.self-signed"]


def test_the_same_code_on_another_hop_explains_nothing() -> None:
    found = causes(error("tls.unknown-ca", REGISTRY), error("tls.self-signed", TOKEN))
    assert set(found) == {"tls.unknown-ca", "tls.self-signed"}


def test_what_is_said_of_the_target_is_explained_from_anywhere() -> None:
    config = error("auth.config-unreadable", None, subject="/home/u/.docker/config.json")
    assert causes(error("auth.no-credentials"), config) == ["auth.config-unreadable"]


def test_a_station_explains_its_own_ladder_and_no_other() -> None:
    station = error("auth.realm-unreachable", TOKEN)
    assert causes(station, error("tcp.timeout", TOKEN), error("auth.no-credentials")) == [
        "auth.realm-unreachable"
    ]
    assert "tcp.timeout" in causes(station, error("tcp.timeout", REGISTRY))


def test_a_station_says_what_is_wrong_there_and_how_that_is_mended() -> None:
    install, renew, allow = (Remedy(title, ()) for title in ("install", "renew", "allow"))
    station = error("auth.realm-unreachable", TOKEN, detail="Its TLS fails.", remedies=(allow,))
    expired = error("tls.expired", TOKEN, detail="It expired.", remedies=(renew,))
    unknown = error("tls.unknown-ca", TOKEN, remedies=(install,))
    own = error("tls.self-signed", TOKEN, detail="Self-signed.", remedies=(install,))
    elsewhere = error("tls.expired", REGISTRY, remedies=(renew,))

    (found, *_) = settle([station, expired], RULES, [REGISTRY, TOKEN])
    assert (found.code, found.detail) == ("auth.realm-unreachable", "Its TLS fails. It expired.")
    assert found.remedies == (renew, allow)
    (found, *_) = settle([station, unknown, own], RULES, [REGISTRY, TOKEN])
    assert (found.detail, found.remedies) == ("Its TLS fails. Self-signed.", (install, allow))
    for nothing in (elsewhere, error("tcp.timeout", TOKEN, remedies=(renew,))):
        found = next(f for f in settle([station, nothing], RULES) if f.code == station.code)
        assert (found.detail, found.remedies) == ("Its TLS fails.", (allow,))


def test_a_warning_that_explains_an_error_is_why_the_pull_fails() -> None:
    pin = Finding("dns.hosts-override", check="dns", severity="warning", hop=REGISTRY)
    assert causes(pin, error("tcp.refused")) == ["dns.hosts-override"]
    assert causes(pin) == []
    assert causes(pin, error("tcp.refused", TOKEN)) == ["tcp.refused"]


def test_causes_stand_first_in_the_order_of_the_path_and_certain_before_possible() -> None:
    possible = error("dns.nxdomain", confidence="possible")
    found = settle([possible, error("tls.expired"), error("tcp.reset")], RULES, [REGISTRY])
    assert [f.code for f in found] == ["tcp.reset", "tls.expired", "dns.nxdomain"]


def test_an_unusable_proxy_setting_comes_before_what_the_direct_way_meets() -> None:
    late = error("tcp.timeout")
    assert causes(late, error("proxy.invalid-url")) == ["proxy.invalid-url", "tcp.timeout"]
    assert causes(error("proxy.denied"), late) == ["tcp.timeout", "proxy.denied"]


def test_the_same_statement_is_made_once() -> None:
    assert len(settle([error("tls.expired"), error("tls.expired")], RULES)) == 1
    assert (
        len(settle([error("tls.expired", subject="a"), error("tls.expired", subject="b")], RULES))
        == 2
    )
