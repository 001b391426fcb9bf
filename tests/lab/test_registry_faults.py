"""The registry's API, its limits, and the exit codes: does the command say what is the matter?

nginx gives the answers that are wrong, in front of a real registry that gives the others.
"""

from __future__ import annotations

from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.certificates import DAY, NOW
from tests.lab import servers
from tests.lab.distribution import AMD64, REPOSITORY, digest
from tests.lab.scenario import Scenario
from tests.lab.way import HOST, TOKEN_HOST, Stations, Way
from tests.lab.world import TOKENS, World

pytestmark = pytest.mark.lab

ON = "proxy_pass http://127.0.0.1:5000; proxy_set_header Host $http_host; proxy_buffering off;"
"""nginx hands the request on to the registry."""
PAGE = "default_type text/html; return %d '<html><title>%s</title><p>Come in.</p></html>';"


def at(path: str, does: str) -> Way:
    """A public registry in whose front nginx does something else at that location."""
    return Way(tls_front=f"location {path} {{ {does} }}")


def tagged(tag: str = "1.0") -> str:
    return f"{HOST}/{REPOSITORY}:{tag}"


def limit(*headers: str) -> Way:
    told = " ".join(f"add_header {header} always;" for header in headers)
    return at("~ /manifests/", f"{told} {ON}")


LOOP = "location = /v2/ { return 302 /a; } location = /a { return 302 /b; } location = /b { return 302 /a; }"
HEALTHY = (
    Scenario(
        "v2-unknown-manifests-work",
        at("= /v2/", "return 404;"),
        target=tagged(),
        also=("registry.bad-response",),
    ),
    Scenario(
        "v2-forbidden-manifests-work",
        at("= /v2/", "return 403;"),
        target=tagged(),
        also=("registry.bad-response",),
    ),
    Scenario(
        "head-refused-get-works",
        at("~ /manifests/", f"if ($request_method = HEAD) {{ return 405; }} {ON}"),
        target=tagged(),
    ),
    Scenario(
        "half-of-the-limit-left",
        limit("RateLimit-Limit '100;w=21600'", "RateLimit-Remaining '50;w=21600'"),
        target=tagged(),
    ),
    Scenario("moving-tag", also=("registry.tag-moves",)),
    Scenario("pinned-by-digest", target=f"{HOST}/{REPOSITORY}@{digest(AMD64)}"),
    Scenario("other-platform", options=("--platform", "linux/arm64/v8"), target=tagged()),
    Scenario("bare-host", target=HOST),
    Scenario("port-written-out", target=f"{HOST}:443/{REPOSITORY}:1.0"),
)
API = (
    Scenario("web-page", at("/v2/", PAGE % (200, "Welcome")), ("registry.not-a-registry",)),
    Scenario(
        "firewall-for-manifests",
        at("~ /manifests/", PAGE % (403, "Access denied")),
        ("registry.blocked",),
    ),
    Scenario("web-page-404", at("/v2/", PAGE % (404, "Not here")), ("registry.not-a-registry",)),
    Scenario(
        "captive-portal",
        at("/v2/", "return 302 https://portal.example/login?from=$uri;"),
        ("registry.not-a-registry",),
    ),
    Scenario(
        "captive-portal-over-http",
        at("/v2/", "return 302 http://portal.example/login;"),
        ("registry.not-a-registry",),
    ),
    Scenario("portal-511", at("/v2/", PAGE % (511, "Sign in")), ("registry.not-a-registry",)),
    Scenario("blocked", at("/v2/", PAGE % (403, "Access denied")), ("registry.blocked",)),
    Scenario("500", at("/v2/", "return 500;"), ("registry.server-error",)),
    Scenario("502", at("/v2/", "return 502;"), ("registry.server-error",)),
    Scenario("503", at("/v2/", "return 503;"), ("registry.server-error",)),
    Scenario("manifests-fail", at("~ /manifests/", "return 500 '{}';"), ("registry.server-error",)),
    Scenario("redirect-loop", Way(tls_front=LOOP), ("registry.bad-response",)),
    Scenario(
        "unknown-login",
        at("= /v2/", "add_header WWW-Authenticate Negotiate always; return 401;"),
        ("registry.bad-response",),
    ),
    Scenario("login-without-challenge", at("= /v2/", "return 401;"), ("registry.bad-response",)),
)
LIMITED = (
    Scenario(
        "429-api",
        at("= /v2/", "add_header Retry-After 30 always; return 429;"),
        ("rate.limited",),
    ),
    Scenario(
        "429-token",
        Way(
            login="token",
            stations=Stations(
                token_front="location /token { add_header Retry-After "
                f"'{format_datetime(NOW + DAY, usegmt=True)}' always; return 429; }}"
            ),
        ),
        ("rate.limited",),
    ),
    Scenario(
        "429-manifest",
        at("~ /manifests/", "add_header Retry-After 3600 always; return 429;"),
        ("rate.limited",),
    ),
    Scenario("429-layer", at("~ /blobs/", "return 429;"), ("rate.limited",)),
)
NEARLY = (
    Scenario(
        "docker-hub",
        limit("RateLimit-Limit '100;w=21600'", "RateLimit-Remaining '5;w=21600'"),
        target=tagged(),
        also=("rate.nearly-exhausted",),
    ),
    Scenario(
        "ietf",
        limit("""RateLimit-Policy '"pulls";q=100;w=3600'""", """RateLimit '"pulls";r=3;t=600'"""),
        target=tagged(),
        also=("rate.nearly-exhausted",),
    ),
)


@pytest.mark.parametrize("scenario", [*HEALTHY, *API, *LIMITED, *NEARLY], ids=lambda s: s.name)
def test_the_cause_is_found(scenario: Scenario, lab: World, store: Path) -> None:
    scenario.verify(scenario.play(lab, store))


@pytest.mark.parametrize("scenario", NEARLY, ids=lambda s: s.name)
def test_a_warning_fails_a_strict_run(scenario: Scenario, lab: World, store: Path) -> None:
    run = scenario.play(lab, store)
    assert (run.exit, run.report["verdict"]) == (0, "warn"), run
    strict = lab.check("--strict", scenario.target)
    assert (strict.exit, strict.report["verdict"], strict.root_causes) == (1, "warn", []), strict


def test_the_limit_says_when_to_try_again(lab: World, store: Path) -> None:
    run = LIMITED[0].play(lab, store)
    (found,) = [f for f in run.findings if f["code"] == "rate.limited"]
    assert found["evidence"]["retry_after_seconds"] == 30
    assert found["remedies"], run


def test_a_date_in_retry_after_is_read(lab: World, store: Path) -> None:
    run = LIMITED[1].play(lab, store)
    (found,) = [f for f in run.findings if f["code"] == "rate.limited"]
    assert 80_000 < found["evidence"]["retry_after_seconds"] <= 86_400
    assert found["hop"] == f"{TOKEN_HOST}:443"
    asked = {seen.target.partition("?")[0] for seen in servers.seen(lab, TOKENS)}
    assert asked == {"/token"}
