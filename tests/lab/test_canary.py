"""No secret leaves: known ones stand in every place where a secret can stand, and each is looked
for, in every encoding and in part, in everything that leaves the program (CONTRACT, promise 3).

One row is one set-up; its causes are compared, so that a row whose secret was never read does not
pass for one that kept it. What the search finds is shown by tests/test_leaks.py, and that it finds
something here by the last test, in which the gate is taken away.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.lab import servers
from tests.lab.bystanders import DOCKER, PODMAN, broken, docker, kubeconfig, podman
from tests.lab.canary import BASIC, BEARER, entry, keeps, see, shown, wrong
from tests.lab.scenario import Scenario, auth
from tests.lab.way import HOST, IMAGE, PROXY_HOST, USER, Way
from tests.lab.world import World
from tests.leaks import leaks, password, plainly, token

pytestmark = pytest.mark.lab


def helper(script: str) -> Scenario:
    """A helper that does this after it has written down what /proc shows."""
    shows = 'cat /proc/$$/cmdline /proc/$PPID/cmdline > "$HOME/shown"; cat > /dev/null'
    return Scenario(
        "helper",
        BASIC,
        ("auth.helper-failed",),
        home={DOCKER: docker(credHelpers={HOST: "lab"})},
        programs={"docker-credential-lab": f"{shows}\n{script}"},
    )


def says(text: str) -> str:
    """A shell command that prints the text."""
    return f"printf '%s\\n' {shlex.quote(text)}"


GIVEN = json.dumps({"Username": USER, "Secret": password("a helper's answer")})
LOGIN = (
    Scenario("auth", BASIC, ("auth.rejected",), home=wrong("auth")),
    Scenario(
        "fields",
        BASIC,
        ("auth.rejected",),
        home=entry(username=USER, password=password("username and password")),
    ),
    Scenario(
        "white-space",
        BASIC,
        ("auth.whitespace",),
        home=entry(auth=auth(password=f"{password('with white space')}\n")),
    ),
    Scenario(
        "user-alone",
        BASIC,
        ("auth.entry-malformed",),
        home=entry(auth=auth(plainly("a token for a user"), "")),
    ),
    Scenario("at-token-service", BEARER, ("auth.rejected",), home=wrong("at a token service")),
    Scenario(
        "identity-token",
        BEARER,
        ("auth.rejected",),
        home=entry(auth=auth("<token>", ""), identitytoken=token("a wrong identity token")),
    ),
    Scenario(
        "registry-token",
        BEARER,
        ("auth.rejected",),
        home=entry(registrytoken=token("a wrong registry token")),
    ),
    Scenario(
        "variable",
        BASIC,
        ("auth.rejected",),
        home={DOCKER: {}},
        env={
            "DOCKER_AUTH_CONFIG": json.dumps({"auths": {HOST: {"auth": auth("u", password("v"))}}})
        },
    ),
    Scenario(
        "podman",
        BASIC,
        ("auth.rejected",),
        home={PODMAN: podman({HOST: {"auth": auth(password=password("Podman"))}})},
    ),
    Scenario(
        "password-stdin",
        BASIC,
        ("auth.rejected",),
        options=("--username", USER, "--password-stdin"),
        stdin=f"{password('standard input')}\n",
    ),
    replace(helper(says(GIVEN)), causes=("auth.rejected",), name="helper"),
    replace(helper(f"{says(GIVEN)}; {says(GIVEN)} >&2; exit 1"), name="helper-fails"),
    replace(
        helper(f"{says('password=' + plainly('a helper in words'))} >&2; exit 2"),
        name="helper-complains",
    ),
    replace(helper(says(GIVEN[:-1])), name="helper-breaks-off"),
    replace(helper(says(GIVEN.replace(USER, '"'))), name="helper-says-no-JSON"),
    replace(
        helper(f"{says(GIVEN)}; {says(GIVEN)} >&2; exec sleep 1000"),
        name="helper-hangs",
        causes=("auth.helper-timeout",),
        options=("--timeout", "12"),
    ),
    Scenario(
        "not-json",
        BASIC,
        ("auth.config-unreadable",),
        home={DOCKER: json.dumps(wrong("broken JSON")[DOCKER], indent=1).replace("},", "},,", 1)},
    ),
    Scenario(
        "not-json-within-it",
        BASIC,
        ("auth.config-unreadable",),
        home={DOCKER: f'{{"auths": {{"{HOST}": {{"password": "{plainly("cut")}\n"}}}}}}'},
    ),
    Scenario("not-entries", BASIC, ("auth.config-unreadable",), home={DOCKER: docker(broken())}),
    Scenario(
        "not-an-entry",
        BASIC,
        ("auth.entry-malformed",),
        home={DOCKER: docker({HOST: plainly("in place of ours")})},
    ),
    Scenario(
        "not-a-login",
        BASIC,
        ("auth.entry-malformed",),
        home=entry(auth=f"{USER}:{plainly('as it is')}"),
    ),
)


@pytest.mark.parametrize("scenario", LOGIN, ids=lambda s: s.name)
def test_a_credential_stays_inside(scenario: Scenario, lab: World, store: Path) -> None:
    keeps(scenario, lab, store)


def url(place: str, at: str = f"{PROXY_HOST}:3128") -> str:
    """A proxy's address with a login in it, encoded as it must be."""
    return f"http://bob:{quote(password(place), safe='')}@{at}"


def account(world: World) -> dict[str, str]:
    """A proxy that knows another password; other proxies with logins of their own are named
    beside it."""
    servers.proxy(world, account=("bob", plainly("the right one of a proxy")))
    return {
        "HTTPS_PROXY": url("HTTPS_PROXY"),
        "HTTP_PROXY": url("HTTP_PROXY", "other.example:3128"),
        "ALL_PROXY": url("ALL_PROXY", "third.example:1080"),
        "NO_PROXY": f"http://bob:{plainly('NO_PROXY')}@fourth.example,localhost",
    }


def excluded(world: World) -> dict[str, str]:
    """The proxy is known and not used."""
    return account(world) | {"NO_PROXY": HOST}


def unusable(world: World) -> dict[str, str]:
    """What people write: passwords that are not encoded, in variables of both cases."""
    raw = password("a password that is not encoded")
    return {
        "HTTPS_PROXY": f"http://bob:{raw}@{PROXY_HOST}:3128",
        "https_proxy": f"bob:{plainly('without a scheme')}@{PROXY_HOST}:3128",
        "HTTP_PROXY": f"http://{PROXY_HOST}:{plainly('a password for a port')}",
        "ALL_PROXY": f"htp:/bob:{plainly('a scheme that is none')}@{PROXY_HOST}",
        "http_proxy": f"http://bob:{plainly('an @ in it')}@x@{PROXY_HOST}:3128",
        "all_proxy": f"http://{token('a user alone')}@{PROXY_HOST}:3128",
    }


def alone(world: World) -> dict[str, str]:
    """The token of a proxy that takes it for the user name."""
    servers.proxy(world, account=("bob", plainly("the right one of a proxy")))
    return {"HTTPS_PROXY": f"http://{plainly('a token for a user name')}@{PROXY_HOST}:3128"}


PROXIES = (
    Scenario("user-alone", Way(detour=alone), ("proxy.auth-rejected",)),
    Scenario("rejects", Way(detour=account), ("proxy.auth-rejected",)),
    Scenario("excluded", replace(Way(port="closed"), detour=excluded), ("tcp.refused",)),
    Scenario("unusable", Way(detour=unusable), ("proxy.invalid-url",)),
    Scenario(
        "option",
        Way(detour=lambda world: {"HTTPS_PROXY": account(world)["HTTPS_PROXY"]}),
        ("proxy.unreachable",),
        options=("--proxy", url("--proxy", f"{PROXY_HOST}:3129")),
    ),
    Scenario(
        "option-rejected",
        Way(detour=lambda world: account(world) and {}),
        ("proxy.auth-rejected",),
        options=("--proxy", url("--proxy")),
    ),
    Scenario(
        "option-unusable",
        Way(),
        ("proxy.invalid-url",),
        options=("--proxy", f"http://bob:{password('--proxy, not encoded')}@{PROXY_HOST}:3128"),
    ),
)


@pytest.mark.parametrize("scenario", PROXIES, ids=lambda s: s.name)
def test_a_proxy_s_login_stays_inside(scenario: Scenario, lab: World, store: Path) -> None:
    keeps(scenario, lab, store)


PASTED = (
    f"https://{USER}:{password('pasted with a scheme')}@{HOST}/lab/app:latest",
    f"{USER}:{plainly('pasted')}@{HOST}/lab/app:latest",
    f"https://{plainly('a user alone, pasted')}@{HOST}/lab/app",
    f"https://{USER}:{quote(password('pasted and encoded'), safe='')}@{HOST}/v2/",
    f"docker login -u {USER} -p {plainly('-p')} {HOST}",
    f"docker pull --password={plainly('--password')} {HOST}/lab/app",
    f"skopeo inspect --creds {USER}:{plainly('--creds')} docker://{HOST}/lab/app",
    f"curl -u {USER}:{plainly('curl -u')} https://{HOST}/v2/",
    f"curl --user '{USER}:{plainly('curl --user')}' https://{HOST}/v2/",
    f"curl -H 'Authorization: Bearer {token('curl -H')}' https://{HOST}/v2/",
    f"podman pull --registry-token {token('--registry-token')} {HOST}/lab/app",
    f"{HOST}/lab/app:latest?token={token('a query')}",
    f"REGISTRY_PASSWORD={plainly('a variable in front')} docker pull {HOST}/lab/app",
)


READ = 3
"""Those of them that are taken for what was meant."""


def test_what_was_pasted_stays_inside(lab: World, store: Path) -> None:
    """Every word is a target of its own, and most are none."""
    causes = ("registry.invalid-reference",) * (len(PASTED) - READ)
    looked = keeps(
        Scenario("pasted", causes=causes, options=PASTED[1:], target=PASTED[0]), lab, store
    )
    assert len(looked.report["targets"]) == len(PASTED)


FILES = {
    "pod.yaml": f"""apiVersion: v1
kind: Pod
metadata: {{name: app}}
spec:
  containers:
  - name: app
    image: {IMAGE}
    env: [{{name: PASSWORD, value: {plainly("an env value")}}}]
    args: ["--token={plainly("an argument")}", "{plainly("a bare argument")}"]
  - name: other
    image: {USER}:{plainly("an image of a pod")}@{HOST}/lab/app:1.0
""",
    "secret.yaml": f"""apiVersion: v1
kind: Secret
metadata: {{name: key}}
data: {{key: {plainly("a Secret's data")}}}
stringData: {{password: {plainly("a Secret's text")}}}
---
apiVersion: v1
kind: Pod
spec: {{containers: [{{name: a, image: "{IMAGE}"}}]}}
""",
    "compose.yaml": f"""services:
  app:
    image: {HOST}/lab/app:${{TAG:-latest}}
    environment:
      DB_PASSWORD: {plainly("environment of Compose")}
  other:
    image: "{HOST}/${{REGISTRY_PASSWORD}}/app:1"
""",
    "Dockerfile": f"""# syntax=docker/dockerfile:1
ARG REGISTRY_TOKEN={plainly("a build argument")}
ARG BASE={HOST}/lab/app:latest
FROM ${{BASE}}
ENV TOKEN={plainly("ENV of a Dockerfile")}
RUN curl -u bob:{plainly("RUN of a Dockerfile")} https://x.example
COPY --from={HOST}/lab/app:1.0 /a /b
""",
    "images.txt": f"""{IMAGE} # {plainly("a comment")}
REGISTRY_TOKEN={plainly("a variable in a list")}
https://{USER}:{plainly("a list")}@{HOST}/lab/app
password: {plainly("a line of YAML in a list")}
""",
    "broken.yaml": f"""apiVersion: v1
kind: Pod
spec:
  password: *{plainly("an alias")}
  token: !{plainly("a tag")} x
  containers: [{{name: a, image: "{IMAGE}"}}
  key: "{plainly("an open quote")}
""",
    "alias.yaml": f"""kind: Pod
spec:
  password: *{plainly("an alias alone")}
  containers: [{{name: a, image: "{IMAGE}"}}]
""",
    "kubeconfig": kubeconfig(),
}


def test_what_stands_near_an_image_stays_inside(lab: World, store: Path) -> None:
    for name, text in FILES.items():
        lab.write(name, text)
    options = [word for name in FILES for word in ("-f", f"{lab.home}/{name}")]
    looked = see(Scenario("files", options=tuple(options)), lab, store)
    assert not leaks(looked.surfaces), shown(looked.surfaces)
    targets = {t["target"] for t in looked.report["targets"]}
    assert IMAGE in targets
    assert len(targets) > 5
